"""What is too large for Bulk API, though the field would take it: such a row is refused, and its neighbours are not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sfsync.fake.catalog import ObjectFacts
from sfsync.fake.dml import refusals
from sfsync.fake.dml.outcome import RowError

#: Most characters of a field, and of all fields of a record.
FIELD, RECORD = 32_000, 400_000


def too_large(rows: Sequence[Mapping[str, Any]], facts: ObjectFacts) -> Iterator[tuple[int, RowError]]:
    """The places of rows that are too large, and what is said of each."""
    for place, row in enumerate(rows):
        texts = {name: value for name, value in row.items() if isinstance(value, str)}
        error = _too_long(texts, facts) or _too_much(texts)
        if error is not None:
            yield place, error


def _too_long(texts: Mapping[str, str], facts: ObjectFacts) -> RowError | None:
    for name, text in texts.items():
        field = facts.field(name) if len(text) > FIELD else None
        if field is not None and field.length > FIELD:  # a shorter one refuses it by itself
            return refusals.too_long(replace(field, length=FIELD), text)  # from memory
    return None


def _too_much(texts: Mapping[str, str]) -> RowError | None:
    size = sum(map(len, texts.values()))
    # from memory: the limit is documented, the words are not
    message = f"Record exceeds the maximum of {RECORD} characters: {size}"
    return RowError("LIMIT_EXCEEDED", message) if size > RECORD else None

"""What requests that name records have in common: the object, the Id, the record sent, and how it is to be written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from sfsync.fake import faults
from sfsync.fake.catalog import ObjectFacts
from sfsync.fake.dml.outcome import WriteOptions
from sfsync.fake.ids import is_valid_id, to_18
from sfsync.fake.routing import ALL_OR_NONE, NEWEST_VERSION, Context


def object_of(context: Context, name: str) -> ObjectFacts:
    """The object of this name, as far as the user may see it."""
    facts = context.visible.facts(name)
    if facts is None:
        raise faults.not_found()
    return facts


def record_id_of(facts: ObjectFacts, text: str) -> str:
    """The 18-character Id that stands in an address."""
    if not is_valid_id(text):
        # What is no Id is taken for the name of a field that identifies records.  # from memory
        raise faults.not_an_external_id(text)
    if not text.startswith(facts.prefix):
        raise faults.not_found()
    return to_18(text)


def sent_record(body: Mapping[str, Any], facts: ObjectFacts, *forbidden: str) -> Mapping[str, Any]:
    """The record in a body, refused if it repeats what the address says already, or names what is not there."""
    spelled = {name.casefold() for name in body}
    for name in forbidden:
        if name.casefold() in spelled:
            message = f"The {name} field should not be specified in the sobject data."
            raise faults.invalid_input(message, code="INVALID_FIELD")
    check_columns(facts, [body])
    return body


def check_columns(facts: ObjectFacts, rows: Iterable[Mapping[str, Any]]) -> None:
    """Refuse the whole request where a record names what its object does not have."""
    # from memory: names are resolved while the body is read, before any record is written
    names = {name for row in rows for name in row}
    parents = {(field.parent or "").casefold() for field in facts.fields}
    for name in sorted(names):
        key = name.casefold()
        if key != "attributes" and key not in facts.by_name and (not key or key not in parents):
            raise faults.no_such_column(name, facts.name)


def write_options(context: Context, *, all_or_none: bool = False, update_only: bool = False) -> WriteOptions:
    """How this request wants its records written."""
    headers = context.request.headers
    version = re.search(r"/v(\d+\.\d)/", context.request.path)
    assign = headers.get("Sforce-Auto-Assign", "TRUE").strip().casefold()
    return WriteOptions(
        user_id=context.user_id,
        all_or_none=all_or_none or bool(context.request.environ.get(ALL_OR_NONE)),
        auto_assign=assign != "false",
        allow_duplicates=_allows_duplicates(headers.get("Sforce-Duplicate-Rule-Header", "")),
        update_only=update_only,
        version=version[1] if version else str(float(NEWEST_VERSION)),
    )


def flag(value: Any) -> bool:
    """A yes or no that clients send as JSON or as text."""
    return value is True or (isinstance(value, str) and value.strip().casefold() == "true")


def _version(path: str) -> str:
    found = re.search(r"/v(\d+\.\d)/", path)
    return found.group(1) if found else f"{NEWEST_VERSION}.0"


def _allows_duplicates(header: str) -> bool:
    return re.search(r"allowSave\s*=\s*true", header, re.IGNORECASE) is not None

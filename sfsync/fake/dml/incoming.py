"""From a client's rows to pending rows: field names in any case, permissions, types, parents by external ID."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sfsync.fake.catalog import FieldFacts
from sfsync.fake.dml import refusals
from sfsync.fake.dml.call import Call
from sfsync.fake.dml.coercion import clean, coerce_column
from sfsync.fake.dml.outcome import RowError

Row = Mapping[str, Any]

_IGNORED = "attributes"


@dataclass(slots=True)
class Incoming:
    """One row of a client, understood as far as it goes without looking at other records.

    Attributes:
        index: Its place in the client's call.
        values: By API name, typed.
        parents: Lookup field → how its parent is named, by fields of the parent.
        errors: What could not be understood.
    """

    index: int
    values: dict[str, Any]
    parents: dict[FieldFacts, Mapping[str, Any]] = field(default_factory=dict)
    errors: list[RowError] = field(default_factory=list)


def understand(call: Call, rows: Sequence[Row], *, creating: bool | None, key: str = "") -> list[Incoming]:
    """Read rows, columns at a time.

    Args:
        call: The call.
        rows: What the client sent.
        creating: Whether the rows are to be new records; None when that is not yet known.
        key: The field that tells which record is meant; whether it can be written does not matter.
    """
    incoming = [Incoming(index, {}) for index in range(len(rows))]
    alike: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    for index, row in enumerate(rows):
        alike[tuple(row)].append(index)
    for names, places in alike.items():
        refused: list[str] = []
        for name in names:
            facts = call.shape.facts.field(name)
            chosen = [incoming[place] for place in places]
            if facts is not None:
                if not facts.stored or not _writable(call, facts, creating=creating, key=key):
                    refused.append(facts.name)
                else:
                    _take_column(call, facts, name, [rows[place] for place in places], chosen)
            elif name.casefold() != _IGNORED:
                _take_parents(call, name, [rows[place] for place in places], chosen)
        if refused:
            error = refusals.id_on_insert() if refused == ["Id"] and creating else refusals.not_writable(refused)
            for place in places:
                incoming[place].errors.append(error)
    return incoming


def _writable(call: Call, facts: FieldFacts, *, creating: bool | None, key: str) -> bool:
    """Whether the user may set this field."""
    if call.options.system or facts.name == key:
        return True
    if facts.name == "Id":
        return creating is not True
    if creating is None:
        return facts.has("c") or facts.has("u")
    return facts.has("c" if creating else "u")


def _take_column(call: Call, facts: FieldFacts, name: str, rows: Sequence[Row], incoming: Sequence[Incoming]) -> None:
    values, errors = coerce_column(facts, [row[name] for row in rows], call.options)
    api_name = facts.name
    for one, value in zip(incoming, values, strict=True):
        one.values[api_name] = value
    for place, error in errors.items():
        incoming[place].errors.append(error)


def _take_parents(call: Call, name: str, rows: Sequence[Row], incoming: Sequence[Incoming]) -> None:
    """A column that is no field: a parent named by an external ID, or a mistake."""
    lookup = call.shape.relations.get(name.casefold())
    for one, row in zip(incoming, rows, strict=True):
        value = row[name]
        if lookup is None:
            one.errors.append(refusals.no_such_column(clean(name), call.shape.name))
        elif value is None:
            one.values[lookup.name] = None
        elif isinstance(value, Mapping):
            one.parents[lookup] = value
        else:
            one.errors.append(refusals.wrong_type(lookup, value))

"""Records by Id, as the REST API writes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from sfsync.fake import faults
from sfsync.fake.catalog import FieldFacts, ObjectFacts
from sfsync.fake.database import run
from sfsync.fake.dml.call import shape_of
from sfsync.fake.dml.outcome import WriteOptions
from sfsync.fake.dml.shape import Shape
from sfsync.fake.dml.storage import among
from sfsync.fake.ids import is_valid_id, to_18
from sfsync.fake.sql_names import quote
from sfsync.fake.wire import json_datetime

if TYPE_CHECKING:
    from sfsync.fake.org import FakeOrg

_ADDRESS_PARTS = ("City", "Country", "GeocodeAccuracy", "Latitude", "Longitude", "PostalCode", "State", "Street")

Read = Callable[[Mapping[str, Any]], Any]


@dataclass(frozen=True, slots=True)
class _Reading:
    """Some fields of an object: the columns that they need, `Id` first, and what makes values of those."""

    columns: list[str]
    readers: list[tuple[str, Read]]


_whole_readings: WeakKeyDictionary[Shape, _Reading] = WeakKeyDictionary()


def retrieve(
    org: FakeOrg, object_name: str, ids: Sequence[str], fields: Sequence[str] | None, user_id: str, version: str
) -> list[dict[str, Any] | None]:
    """Records in the order of their Ids, ready to be written as JSON; None where there is no such live record.

    Args:
        org: The org.
        object_name: In any case.
        ids: In either form.
        fields: Names in any case, in the order wanted; None for every field that the user sees.
        user_id: Who looks.
        version: API version of the addresses in `attributes`, e.g. `60.0`.
    """
    shape = shape_of(org, object_name, WriteOptions(user_id))
    reading = _reading(shape, fields)
    wanted = [to_18(one) if isinstance(one, str) and is_valid_id(one, shape.whole.prefix) else None for one in ids]
    found = _live_rows(org, shape.whole, reading.columns, sorted({one for one in wanted if one is not None}))
    return [
        _record(shape.whole.name, found[one], reading.readers, version) if one is not None and one in found else None
        for one in wanted
    ]


def json_value(value: Any) -> Any:
    """A stored value as REST writes it."""
    if isinstance(value, datetime):
        return json_datetime(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return f"{value:%H:%M:%S}.{value.microsecond // 1000:03d}Z"
    return value


def _reading(shape: Shape, fields: Sequence[str] | None) -> _Reading:
    """How these fields are read; for all of them, which most clients ask for, it is worked out once."""
    known = _whole_readings.get(shape) if fields is None else None
    if known is not None:
        return known
    chosen = shape.facts.fields if fields is None else _chosen(shape.facts, fields)
    columns = dict.fromkeys(["Id", *(name for field in chosen for name in _columns(shape.whole, field))])
    reading = _Reading(list(columns), [(field.name, _reader(field)) for field in chosen])
    if fields is None:
        _whole_readings[shape] = reading
    return reading


def _chosen(facts: ObjectFacts, names: Sequence[str]) -> list[FieldFacts]:
    chosen: dict[str, FieldFacts] = {}
    for name in names:
        field = facts.field(name.strip())
        if field is None:
            message = (
                f"No such column '{name.strip()}' on entity '{facts.name}'. If you are attempting to use a custom"
                " field, be sure to append the '__c' after the custom field name. Please reference your WSDL or the"
                " describe call for the appropriate names."
            )
            raise faults.RestFault(400, "INVALID_FIELD", message)
        chosen[field.name] = field
    chosen.setdefault("Id", facts.by_name["id"])
    return list(chosen.values())


def _reader(field: FieldFacts) -> Read:
    """What takes a field's value out of a stored row."""
    if not field.stored:
        parts = _parts(field)
        return lambda row: _compound(row, parts)
    if field.type in {"date", "datetime", "time"}:
        return lambda row: json_value(row[field.name])
    return lambda row: row[field.name]


def _parts(field: FieldFacts) -> list[tuple[str, str]]:
    """The parts of a compound field: how the value calls them, and their columns."""
    if field.type == "address":
        prefix = field.name.removesuffix("Address")
        return [(part[0].lower() + part[1:], f"{prefix}{part}") for part in _ADDRESS_PARTS]
    stem = field.name.removesuffix("__c")
    return [("latitude", f"{stem}__Latitude__s"), ("longitude", f"{stem}__Longitude__s")]


def _columns(facts: ObjectFacts, field: FieldFacts) -> list[str]:
    """The columns that a field's value is made of."""
    if field.stored:
        return [field.name]
    return [name for _, name in _parts(field) if facts.field(name) is not None]


def _compound(row: Mapping[str, Any], parts: Sequence[tuple[str, str]]) -> dict[str, Any] | None:
    """The parts as one value; None when every part is empty."""
    values = {key: row.get(name) for key, name in parts}
    return values if any(value is not None for value in values.values()) else None


def _live_rows(
    org: FakeOrg, facts: ObjectFacts, columns: Sequence[str], ids: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """The values of these columns by Id; `Id` is the first of them."""
    if not ids:
        return {}
    condition, values = among('"Id"', ids)
    live = ' AND NOT "IsDeleted"' if facts.field("IsDeleted") else ""
    query = f"SELECT {', '.join(map(quote, columns))} FROM {quote(facts.name)} WHERE {condition}{live}"
    with org.database.reading(query) as cursor:
        rows = run(cursor, query, values).fetchall()
    return {row[0]: dict(zip(columns, row, strict=True)) for row in rows}


def _record(name: str, row: Mapping[str, Any], readers: Sequence[tuple[str, Read]], version: str) -> dict[str, Any]:
    attributes = {"type": name, "url": f"/services/data/v{version}/sobjects/{name}/{row['Id']}"}
    return {"attributes": attributes, **{field: read(row) for field, read in readers}}

"""Records as the partner API spells them: read from a request, and written from the REST API's form of them.

A partner record says its `type` first, then its `Id` (even where nobody asked for it), then every field that was asked
for: a query for `Id, Name` gives the Id twice, as Salesforce does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson

from sfsync.fake.catalog import Catalog, ObjectFacts
from sfsync.fake.soap.envelope import Element, is_nil, local, text_of, texts_of
from sfsync.fake.soap.fault import no_such_field
from sfsync.fake.soap.xml import element, nested

#: Moments as the REST API writes them; SOAP ends them with `Z`.
_REST_MOMENT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3})\+0000")

#: Members of an address in the order of the WSDL.
_ADDRESS = (
    "latitude",
    "longitude",
    "city",
    "country",
    "countryCode",
    "geocodeAccuracy",
    "postalCode",
    "state",
    "stateCode",
    "street",
)


class Record(dict[str, Any]):
    """The fields of a record that a client sent.

    Attributes:
        type: Name of its object, as the client spelled it.
    """

    def __init__(self, object_name: str, fields: Mapping[str, Any]) -> None:
        super().__init__(fields)
        self.type = object_name


# --- in ------------------------------------------------------------------------------------------------------------


def read_record(given: Element) -> Record:
    """A record of a request; fields in `fieldsToNull` are None, empty elements say nothing."""
    fields: dict[str, Any] = {}
    for one in given:
        name = local(one)
        if name in {"type", "fieldsToNull"}:
            continue
        if len(one):
            fields[name] = dict(read_record(one))
        elif not is_nil(one) and one.text:
            # An empty element leaves the field as it is: clearing takes fieldsToNull.  # from memory
            fields[name] = one.text
    fields.update(dict.fromkeys(texts_of(given, "fieldsToNull")))
    return Record(text_of(given, "type"), fields)


def check_fields(record: Mapping[str, Any], facts: ObjectFacts) -> None:
    """Refuse the whole call for a field that does not exist, as the partner API does."""
    parents = {field.parent.casefold() for field in facts.fields if field.parent}
    for name, value in record.items():
        known = name.casefold() in parents if isinstance(value, dict) else facts.field(name) is not None
        if not known:
            raise no_such_field(name, facts.name)


# --- out -----------------------------------------------------------------------------------------------------------


def query_page(body: bytes, catalog: Catalog) -> str:
    """The members of a QueryResult, from a page of the REST API."""
    return _query_result(plain(body), catalog)


def plain(body: bytes) -> Any:
    """JSON in which numbers stay the text that they are: `8.0E7` is to be told as it was written."""
    return json.loads(body, parse_float=_Number, parse_int=_Number)


class _Number(str):
    """A number in its own spelling."""

    __slots__ = ()


def result_record(record: Mapping[str, Any] | None, catalog: Catalog) -> str:
    """The `result` of a retrieve: a record, or nothing where there is none."""
    if record is None:
        return element("result", None)
    return _record("result", plain(orjson.dumps(record, default=str)), catalog)


def _query_result(page: Mapping[str, Any], catalog: Catalog) -> str:
    more = page.get("nextRecordsUrl")
    return "".join(
        [
            element("done", bool(page["done"])),
            element("queryLocator", more.rpartition("/")[2] if more else None),
            *(_record("records", record, catalog) for record in page["records"]),
            element("size", str(page["totalSize"])),
        ]
    )


def _record(tag: str, record: Mapping[str, Any], catalog: Catalog) -> str:
    kind = str(record["attributes"]["type"])
    facts = catalog.facts(kind)
    parts = [element("sf:type", kind), element("sf:Id", record.get("Id"))]
    for name, value in record.items():
        if name != "attributes":
            parts.append(_value(name, value, facts, catalog))
    return nested(tag, parts, kind="sf:sObject")


def _value(name: str, value: Any, facts: ObjectFacts | None, catalog: Catalog) -> str:
    tag = f"sf:{name}"
    if isinstance(value, Mapping):
        if "attributes" in value:
            return _record(tag, value, catalog)
        if "totalSize" in value:
            return nested(tag, [_query_result(value, catalog)], kind="QueryResult")
        members = [member for member in _ADDRESS if member in value]
        kind = "address" if "city" in value else "location"
        return nested(tag, [element(member, _scalar(value[member])) for member in members], kind=kind)
    field = None if facts is None else facts.field(name)
    if facts is None:  # an AggregateResult: its values say of what type they are
        return element(tag, _moment(value), kind=_kind_of(value))
    is_moment = field is None or field.type in {"datetime", "anyType"}
    return element(tag, _moment(value) if is_moment else _scalar(value))


def _scalar(value: Any) -> str | bool | None:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, _Number):
        return _double(value) if set(value) & set(".eE") else str(value)
    return value if isinstance(value, str) else orjson.dumps(value, default=str).decode()


def _moment(value: Any) -> str | bool | None:
    if isinstance(value, str) and not isinstance(value, _Number):
        return _REST_MOMENT.sub(r"\1Z", value) if _REST_MOMENT.fullmatch(value) else value
    return _scalar(value)


def _kind_of(value: Any) -> str:
    """The `xsi:type` of a value that no describe tells of."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "xsd:boolean"
    if isinstance(value, _Number):
        return "xsd:double" if set(value) & set(".eE") else "xsd:int"
    return "xsd:dateTime" if _REST_MOMENT.fullmatch(str(value)) else "xsd:string"


def _double(spelled: str) -> str:
    """A double as Java writes it: with a point, and with an exponent from ten million on and below a thousandth."""
    number = Decimal(spelled)
    if number == 0:
        return "0.0"
    if Decimal("0.001") <= abs(number) < Decimal(10_000_000):
        whole = format(number.normalize(), "f")
        return whole if "." in whole else f"{whole}.0"
    sign, digits, _ = number.normalize().as_tuple()
    first, rest = str(digits[0]), "".join(map(str, digits[1:])) or "0"
    return f"{'-' if sign else ''}{first}.{rest}E{number.adjusted()}"


def read_moment(said: str) -> datetime | None:
    """An `xsd:dateTime`, in UTC; None when it is none."""
    try:
        moment = datetime.fromisoformat(said)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def field_names(listed: str) -> Sequence[str]:
    """`Id, Name` as names."""
    return [name.strip() for name in listed.split(",") if name.strip()]

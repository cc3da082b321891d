"""What the records of an example may hold, and of what type."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from sfsync.audit.context import kind_of
from sfsync.audit.rule import DescribedField, Example, FieldType, Rule
from sfsync.records import FieldDescribe, PicklistEntry
from sfsync.store.columns import sql_type

_DESCRIBE_TYPES: Mapping[FieldType, str] = {
    "text": "string",
    "boolean": "boolean",
    "number": "double",
    "date": "date",
    "datetime": "datetime",
}

#: Types of fields that an example may describe.
DESCRIBE_TYPES = frozenset(
    {
        *("string", "textarea", "id", "reference", "picklist", "multipicklist", "combobox", "email", "phone", "url"),
        *("boolean", "int", "long", "double", "currency", "percent", "date", "datetime", "encryptedstring", "address"),
        *("location", "base64", "anyType"),
    }
)


def fields_of(rule: Rule, example: Example, object_name: str) -> dict[str, FieldType | None]:
    """The fields an example may fill: those the rule reads, those its definitions name, and what every record has.

    A field that only the example's definitions name is of whatever type its values have: None where there are none.
    """
    described = example.describe.get(object_name, {})
    kinds: dict[str, FieldType | None] = {
        "Id": "text",
        "IsDeleted": "boolean",
        **rule.fields.get(object_name, {}),
        **{field: _described_kind(field, found) for field, found in described.items()},
    }
    evidence = set(example.definitions.named_fields)
    if object_name not in rule.fields:  # a rule about the org's fields: they are what the example says they are
        evidence |= {field for record in example.given.get(object_name, ()) for field in record}
    for field in sorted(evidence - kinds.keys()):
        kinds[field] = _kind_of([record[field] for record in example.given.get(object_name, ()) if field in record])
    return kinds


def field_described(name: str, kind: FieldType, described: DescribedField | None) -> FieldDescribe:
    """A field as the org of an example describes it; of one it says nothing about, only the type is known."""
    if described is None:
        return FieldDescribe(name, _DESCRIBE_TYPES[kind], label=name, custom=name.casefold().endswith("__c"))
    entries = tuple(
        PicklistEntry(each.value, each.label or each.value, each.active, each.default) for each in described.values
    )
    return FieldDescribe(
        name=name,
        **described.model_dump(exclude={"label", "values"}),
        label=described.label or name,
        custom=name.casefold().endswith("__c"),
        picklist_values=tuple(entry.value for entry in entries if entry.active),
        picklist_entries=entries,
    )


def fits(value: Any, kind: FieldType | None) -> bool:
    """Whether a value written in YAML is of this type."""
    try:
        stored(value, kind)
    except (TypeError, ValueError):
        return False
    wanted: Mapping[str, type | tuple[type, ...]] = {"boolean": bool, "number": (int, float)}
    if value is None or kind is None or isinstance(value, bool):
        return value is None or kind in (None, "boolean")
    return isinstance(value, wanted.get(kind, str))


def stored(value: Any, kind: FieldType | None) -> Any:
    """A value written in YAML as the mirror stores it: instants in UTC, without zone."""
    if not isinstance(value, str):
        return value
    if kind == "datetime":
        return datetime.fromisoformat(value).astimezone(UTC).replace(tzinfo=None)
    return date.fromisoformat(value) if kind == "date" else value


def _kind_of(values: list[Any]) -> FieldType | None:
    if not values:
        return None
    known = [value for value in values if value is not None]
    if known and all(isinstance(value, bool) for value in known):
        return "boolean"
    if known and all(isinstance(value, int | float) for value in known):
        return "number"
    return "text"


def _described_kind(name: str, described: DescribedField) -> FieldType:
    kind = kind_of(sql_type(FieldDescribe(name, described.type)))
    return kind if kind in _DESCRIBE_TYPES else "text"  # type: ignore[return-value]

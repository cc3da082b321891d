"""What the records of an example may hold, and of what type."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from sfsync.audit.rule import Example, FieldType, Rule


def fields_of(rule: Rule, example: Example, object_name: str) -> dict[str, FieldType | None]:
    """The fields an example may fill: those the rule reads, those its definitions name, and what every record has.

    A field that only the example's definitions name is of whatever type its values have: None where there are none.
    """
    kinds: dict[str, FieldType | None] = {"Id": "text", "IsDeleted": "boolean", **rule.fields.get(object_name, {})}
    evidence = {
        piece.field
        for framework in example.definitions.frameworks.values()
        for pieces in framework.criteria.values()
        for piece in pieces
    }
    for field in sorted(evidence - kinds.keys()):
        kinds[field] = _kind_of([record[field] for record in example.given.get(object_name, ()) if field in record])
    return kinds


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

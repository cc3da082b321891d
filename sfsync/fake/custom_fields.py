"""Custom fields: declared ones, and those whose type is read off the values that a file brings along."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sfsync.fake.catalog import FieldFacts
from sfsync.fake.catalog.facts import NUMBER_TYPES, SHORT_TEXT, PicklistEntry, abilities_of
from sfsync.fake.database import Cursor
from sfsync.fake.sql_names import quote

#: Length of a long text area where nothing says otherwise.
LONG_TEXT = 32768

_PRECISION = 18


def custom_field(name: str, field_type: str, label: str = "", **details: Any) -> FieldFacts:
    """A custom field, described as an admin would set it up.

    Args:
        name: API name, ending in `__c`.
        field_type: Describe type, e.g. `string`, `currency`, `picklist`.
        label: What people see; made from the name when empty.
        details: `length`, `precision`, `scale`, `picklist_values`, `external_id`, `unique`, `nillable`,
            `calculated`, `createable`, `updateable`, `reference_to`, `relationship_name`, as in `FieldDescribe`.
    """
    wanted = details.get
    length = int(wanted("length", 0) or (SHORT_TEXT if field_type not in NUMBER_TYPES | _WITHOUT_LENGTH else 0))
    flags = "p" + "".join(
        flag
        for flag, on in (
            ("n", wanted("nillable", field_type != "boolean")),
            ("c", wanted("createable", not wanted("calculated", False))),
            ("u", wanted("updateable", not wanted("calculated", False))),
            ("d", field_type == "boolean"),
            ("e", wanted("external_id", False)),
            ("q", wanted("unique", False)),
            ("i", wanted("external_id", False)),
            ("F", wanted("calculated", False)),
        )
        if on
    )
    return FieldFacts(
        name=name,
        label=label or name.removesuffix("__c").replace("_", " "),
        type=field_type,
        length=length,
        precision=int(wanted("precision", 0) or (_PRECISION if field_type in NUMBER_TYPES else 0)),
        scale=int(wanted("scale", 0)),
        flags=flags,
        abilities=abilities_of(field_type, length),
        points_to=tuple(wanted("reference_to", ())),
        parent=wanted("relationship_name"),
        values=tuple(PicklistEntry(value, value) for value in wanted("picklist_values", ())),
    )


_WITHOUT_LENGTH = frozenset({"boolean", "date", "datetime", "time", "int", "long"})


def from_describe(details: Mapping[str, Any]) -> FieldFacts:
    """A custom field from keyword arguments of `FieldDescribe`."""
    rest = dict(details)
    name, field_type, label = rest.pop("name"), rest.pop("type"), rest.pop("label", "")
    rest.pop("custom", None)
    return custom_field(name, field_type, label, **rest)


def inferred_fields(cursor: Cursor, table: str, columns: Sequence[str]) -> tuple[FieldFacts, ...]:
    """One custom field a text column, of the narrowest type that all its values have."""
    return tuple(_inferred(cursor, table, name) for name in columns)


def _inferred(cursor: Cursor, table: str, name: str) -> FieldFacts:
    column = quote(name)
    number = f"TRY_CAST({column} AS DOUBLE)"
    row = cursor.execute(
        f"""
        SELECT count({column}) AS filled,
               count(*) FILTER (lower({column}) IN ('true', 'false')) AS flags,
               count(*) FILTER (isfinite({number}) AND regexp_full_match({column}, '-?(0|[1-9]\\d*)(\\.\\d+)?'))
                   AS numbers,
               count(*) FILTER (regexp_full_match({column}, '\\d{{4}}-\\d\\d-\\d\\d')
                   AND TRY_CAST({column} AS DATE) IS NOT NULL) AS dates,
               count(*) FILTER (regexp_matches({column}, '^\\d{{4}}-\\d\\d-\\d\\d[T ]\\d\\d:\\d\\d')
                   AND TRY_CAST({column} AS TIMESTAMPTZ) IS NOT NULL) AS moments,
               coalesce(max(length({column})), 0) AS longest,
               coalesce(max(length(split_part({column}, '.', 2))), 0) AS decimals
        FROM {table}
        """
    ).fetchone()
    filled, flags, numbers, dates, moments, longest, decimals = row or (0, 0, 0, 0, 0, 0, 0)
    kinds = {"boolean": flags, "double": numbers if longest <= _PRECISION else 0, "date": dates, "datetime": moments}
    kind = next((kind for kind, fitting in kinds.items() if filled and fitting == filled), None)
    if kind is None and longest > SHORT_TEXT:
        return custom_field(name, "textarea", length=max(LONG_TEXT, int(longest)))
    field = custom_field(name, kind or "string")
    return replace(field, scale=int(decimals)) if kind == "double" else field

"""What a query would select, column by column: the answer to `query?columns=true`, which the `sf` CLI wants first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sfsync.fake.catalog import Catalog, FieldFacts, ObjectFacts
from sfsync.fake.catalog.facts import ID_TYPES, INTEGER_TYPES, NUMBER_TYPES
from sfsync.soql import FieldPath, Query
from sfsync.soql.ast import Call, ChildQuery, FieldsOf, Selected, TypeOf

_APEX_TYPES = {
    "address": "System.Address",
    "base64": "Blob",
    "boolean": "Boolean",
    "date": "Date",
    "datetime": "Datetime",
    "int": "Integer",
    "location": "System.Location",
    "long": "Long",
    "time": "Time",
    **dict.fromkeys(ID_TYPES, "Id"),
    **dict.fromkeys(NUMBER_TYPES, "Double"),
}
_COUNTS = frozenset({"COUNT", "COUNT_DISTINCT"})

Column = dict[str, Any]


def columns_of(catalog: Catalog, query: Query) -> dict[str, Any]:
    """The whole answer for a query that has been compiled, so that its names are known to be right."""
    facts = catalog.facts(query.source.path.names[0])
    named = [one.what for one in query.select if isinstance(one.what, FieldPath)]
    return {
        "columnMetadata": _columns(catalog, facts, query),
        "entityName": facts.name if facts else query.source.path.names[0],
        "groupBy": query.group_by is not None,
        "idSelected": any(path.names[-1].casefold() == "id" and len(path.names) == 1 for path in named),
        "keyPrefix": facts.published_prefix if facts else None,
    }


def _columns(catalog: Catalog, facts: ObjectFacts | None, query: Query) -> list[Column]:
    own = {name.casefold() for name in (query.source.alias, facts.name if facts else None) if name}
    listed: list[Column] = []
    unnamed = 0
    for one in query.select:
        if isinstance(one.what, Call):
            listed.append(_call(catalog, facts, one.what, one.alias or f"expr{unnamed}"))
            unnamed += 0 if one.alias else 1
        else:
            _add(catalog, facts, one, own, listed)
    return listed


def _add(catalog: Catalog, facts: ObjectFacts | None, one: Selected, own: set[str], listed: list[Column]) -> None:
    what = one.what
    if isinstance(what, FieldPath):
        names = what.names[1:] if len(what.names) > 1 and what.names[0].casefold() in own else what.names
        _place(catalog, facts, names, listed, one.alias)
    elif isinstance(what, FieldsOf):
        listed.extend(_column(field, field.name) for field in _fields(facts, what.which))
    elif isinstance(what, ChildQuery):
        listed.append(_children(catalog, facts, what.query))
    elif isinstance(what, TypeOf):
        paths = [path for branch in what.branches for path in branch.fields] + list(what.otherwise)
        names_within = dict.fromkeys(path.names[-1] for path in paths)
        listed.append(_joined(what.relationship.names[-1], [_column(None, name) for name in names_within]))


def _place(
    catalog: Catalog,
    facts: ObjectFacts | None,
    names: tuple[str, ...],
    listed: list[Column],
    alias: str | None = None,
) -> None:
    """Add a field where its path says: parents hold theirs in `joinColumns`."""
    field = facts.field(names[0]) if facts else None
    if len(names) == 1 or alias:
        column = _column(field, names[-1])
        listed.append({**column, "columnName": alias} if alias else column)
        return
    lookups = [one for one in (facts.fields if facts else ()) if (one.parent or "").casefold() == names[0].casefold()]
    parent = catalog.facts(lookups[0].points_to[0]) if lookups and lookups[0].points_to else None
    shown = (lookups[0].parent or names[0]) if lookups else names[0]
    known = next((one for one in listed if one["columnName"] == shown and not one["aggregate"]), None)
    if known is None:
        known = _joined(shown, [])
        listed.append(known)
    _place(catalog, parent, names[1:], known["joinColumns"])


def _children(catalog: Catalog, facts: ObjectFacts | None, query: Query) -> Column:
    relationship = query.source.path.names[-1]
    found = [
        (child, field.children)
        for child in catalog
        for field in child.fields
        if facts and facts.name in field.points_to and (field.children or "").casefold() == relationship.casefold()
    ]
    child, shown = found[0] if found else (None, relationship)
    return {**_joined(shown or relationship, _columns(catalog, child, query)), "aggregate": True}


def _fields(facts: ObjectFacts | None, which: str) -> Iterable[FieldFacts]:
    return [f for f in (facts.fields if facts else ()) if which == "ALL" or f.custom == (which == "CUSTOM")]


def _call(catalog: Catalog, facts: ObjectFacts | None, call: Call, name: str) -> Column:
    first = next((argument for argument in call.arguments if isinstance(argument, FieldPath)), None)
    inner: list[Column] = []
    if first is not None:
        _place(catalog, facts, first.names[-1:], inner)
    column = inner[0] if inner else _column(None, name)
    counted = call.key in _COUNTS
    return {
        **column,
        "aggregate": True,
        "apexType": "Integer" if counted else column["apexType"],
        "columnName": name,
        "custom": False,
        "displayName": f"{call.name}({first or ''})",
        "insertable": False,
        "numberType": counted or column["numberType"],
        "textType": not counted and column["textType"],
        "updatable": False,
    }


def _column(field: FieldFacts | None, name: str) -> Column:
    kind = field.type if field else "string"
    shown = field.name if field else name
    apex_type = _APEX_TYPES.get(kind, "String")
    return {
        "aggregate": False,
        "apexType": apex_type,
        "booleanType": kind == "boolean",
        "columnName": shown,
        "custom": bool(field and field.custom),
        "displayName": shown,
        "foreignKeyName": None,
        "insertable": bool(field and field.has("c")),
        "joinColumns": [],
        "numberType": kind in NUMBER_TYPES | INTEGER_TYPES,
        "textType": apex_type == "String",
        "updatable": bool(field and field.has("u")),
    }


def _joined(name: str, columns: list[Column]) -> Column:
    # from memory: what a relationship says of itself beside its columns
    return {**_column(None, name), "apexType": None, "joinColumns": columns, "textType": False}

"""Text fields with values that end where the field does, or were read in the wrong encoding."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from sfsync.audit.context import AuditContext
from sfsync.audit.every_object import text
from sfsync.audit.portable import parse_select
from sfsync.audit.relations.relation import Relation, without_rows
from sfsync.audit.rule import FieldType
from sfsync.store.names import quote, table

_COLUMNS: dict[str, FieldType] = {
    "object": "text",
    "field": "text",
    "length": "number",
    "filled": "number",
    "filled_up": "number",
    "garbled": "number",
}

#: Of which people write texts.
_OBJECTS = ("Account", "Contact", "Lead", "Opportunity")

#: In a shorter field values that fill it are nothing unusual: codes of states, for instance.
_SHORT = 40

#: What UTF-8 looks like when it is read as Latin-1 or Windows-1252, and what stands for a lost character.
_GARBLED = (
    "\u00c3[\u00a1-\u00bf\u20ac\u201a-\u201e\u2020-\u2022\u2013-\u201d]|\u00e2\u20ac|\u00c2[\u00a0-\u00bf]|\ufffd"
)
_SIGNS = ("\u00c3", "\u00e2\u20ac", "\u00c2", "\ufffd")


def _query(context: AuditContext) -> exp.Query:
    parts = [part for name in _OBJECTS if name in context.describes for part in _parts(name, context)]
    return parse_select("\nUNION ALL\n".join(parts)) if parts else without_rows(_COLUMNS)


def _parts(name: str, context: AuditContext) -> Iterator[str]:
    """One look at an object's records, and a row for each field in which something is suspect."""
    fields = [
        (column, field.length)
        for field in context.describes[name].stored_fields
        if field.type in ("string", "textarea")
        and field.length > 0
        and (column := context.column(name, field.name)) is not None
        and context.kind(name, column) == "text"
    ]
    if not fields:
        return
    counts = ", ".join(_counts(i, quote(column), length) for i, (column, length) in enumerate(fields))
    rows = " UNION ALL ".join(
        f"SELECT {text(name)} AS object, {text(column)} AS field, {length} AS length, c.filled{i} AS filled,"
        f" c.full{i} AS full_values, c.garbled{i} AS garbled FROM counts AS c WHERE c.full{i} > 0 OR c.garbled{i} > 0"
        for i, (column, length) in enumerate(fields)
    )
    yield (
        "SELECT d.object AS object, d.field AS field, d.length AS length, d.filled AS filled,"
        " d.full_values AS filled_up, d.garbled AS garbled FROM ("
        f"WITH counts AS (SELECT {counts} FROM {table('sf', name)} AS r) {rows}) AS d"
    )


def _counts(number: int, column: str, length: int) -> str:
    full = f"COUNT(*) FILTER (WHERE LENGTH(r.{column}) >= {length})" if length >= _SHORT else "0"
    signs = " OR ".join(f"r.{column} LIKE '%{sign}%'" for sign in _SIGNS)
    garbled = f"COUNT(*) FILTER (WHERE ({signs}) AND REGEXP_MATCHES(r.{column}, {text(_GARBLED)}))"
    return f"COUNT(r.{column}) AS filled{number}, {full} AS full{number}, {garbled} AS garbled{number}"


RELATION = Relation(
    name="suspect_texts",
    about=(
        "One row a text field of accounts, contacts, leads and opportunities in which values fill the whole field, or "
        "look like text read in the wrong encoding; with the number of either."
    ),
    columns=_COLUMNS,
    query=_query,
    any_object=True,
)

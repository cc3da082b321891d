"""Ids that are not written as Salesforce writes them."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from sfsync.audit.context import AuditContext
from sfsync.audit.every_object import key_prefix, lookups, objects, text
from sfsync.audit.portable import parse_select
from sfsync.audit.relations.relation import Relation, without_rows
from sfsync.audit.rule import FieldType
from sfsync.store.names import quote, table

_COLUMNS: dict[str, FieldType] = {
    "object": "text",
    "record_id": "text",
    "field": "text",
    "value": "text",
    "fault": "text",
}

#: The last three characters repeat which of the others are capitals, and are capitals and digits themselves.
_ODD = """
SELECT {object} AS object, r."Id" AS record_id, {field} AS field, r.{column} AS value, {fault} AS fault
FROM {table} AS r
WHERE {odd}
"""
#: With LIKE, engines that know the smallest and the largest value of a block need not look at the others.
_UNCOMMON = "LENGTH({c}) <> 18 OR SUBSTRING({c}, 16, 3) <> UPPER(SUBSTRING({c}, 16, 3)){prefix}"
_FAULT = (
    "CASE WHEN LENGTH({c}) = 15 AND REGEXP_MATCHES({c}, '^[A-Za-z0-9]+$') THEN 'has 15 characters'"
    " WHEN NOT REGEXP_MATCHES({c}, '^[A-Za-z0-9]{{18}}$') THEN 'is no Id'"
    " WHEN RIGHT({c}, 3) <> UPPER(RIGHT({c}, 3)) THEN 'has lost its capitals'"
    " ELSE 'is of another object' END"
)


def _query(context: AuditContext) -> exp.Query:
    parts = [part for name in objects(context) for part in _parts(name, context)]
    return parse_select("UNION ALL".join(parts)) if parts else without_rows(_COLUMNS)


def _parts(name: str, context: AuditContext) -> Iterator[str]:
    yield _part(name, "Id", [key_prefix(context, name)])
    for lookup in lookups(context):
        if lookup.object == name:
            yield _part(name, lookup.field, [key_prefix(context, target) for target in lookup.targets])


def _part(name: str, field: str, prefixes: list[str | None]) -> str:
    column = f"r.{quote(field)}"
    known = [f"{column} NOT LIKE {text(f'{prefix}%')}" for prefix in prefixes if prefix is not None]
    # With an object among them whose prefix nobody knows, any prefix may be right.
    prefix = f" OR ({' AND '.join(known)})" if known and len(known) == len(prefixes) else ""
    return _ODD.format(
        object=text(name),
        field=text(field),
        column=quote(field),
        fault=_FAULT.format(c=column),
        table=table("sf", name),
        odd=_UNCOMMON.format(c=column, prefix=prefix),
    )


RELATION = Relation(
    name="odd_ids",
    about="One row an Id, of a live record or in one of its lookups, that is not written as Salesforce writes it.",
    columns=_COLUMNS,
    query=_query,
    any_object=True,
)

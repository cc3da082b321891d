"""Every filled lookup, wherever it points to."""

from __future__ import annotations

from sqlglot import exp

from sfsync.audit.context import AuditContext
from sfsync.audit.every_object import lookups, text
from sfsync.audit.portable import parse_select
from sfsync.audit.relations.relation import Relation, without_rows
from sfsync.audit.rule import FieldType
from sfsync.store.names import quote, table

_COLUMNS: dict[str, FieldType] = {"object": "text", "record_id": "text", "field": "text", "target_id": "text"}


def _query(context: AuditContext) -> exp.Query:
    parts = [
        f'SELECT {text(lookup.object)} AS object, r."Id" AS record_id, {text(lookup.field)} AS field,'
        f" r.{quote(lookup.field)} AS target_id FROM {table('sf', lookup.object)} AS r"
        f" WHERE r.{quote(lookup.field)} IS NOT NULL"
        for lookup in lookups(context)
    ]
    return parse_select("\nUNION ALL\n".join(parts)) if parts else without_rows(_COLUMNS)


RELATION = Relation(
    name="every_lookup",
    about="One row a filled lookup of a live record: whose it is, its field and the Id in it.",
    columns=_COLUMNS,
    query=_query,
    any_object=True,
    inline=True,
)

"""Every filled lookup that points to an object which the mirror holds whole."""

from __future__ import annotations

from sqlglot import exp

from sfsync.audit.context import AuditContext
from sfsync.audit.every_object import judged_lookups, text
from sfsync.audit.portable import parse_select
from sfsync.audit.relations.relation import Relation, without_rows
from sfsync.audit.rule import FieldType
from sfsync.store.names import quote, table

_COLUMNS: dict[str, FieldType] = {"object": "text", "record_id": "text", "field": "text", "target_id": "text"}


def _query(context: AuditContext) -> exp.Query:
    parts = [
        f'SELECT {text(lookup.object)} AS object, r."Id" AS record_id, {text(lookup.field)} AS field,'
        f" r.{quote(lookup.field)} AS target_id FROM {table('sf', lookup.object)} AS r WHERE {lookup.points('r')}"
        for lookup in judged_lookups(context)
    ]
    return parse_select("\nUNION ALL\n".join(parts)) if parts else without_rows(_COLUMNS)


def _unmet(context: AuditContext) -> tuple[str, str] | None:
    if next(judged_lookups(context), None) is not None:
        return None
    return "no lookup points to an object that is mirrored whole", "mirror the objects that lookups point to"


RELATION = Relation(
    name="lookups",
    about=(
        "One row a filled lookup of a live record: whose it is, its field and the Id in it. Only where every record of "
        "the object it points to is mirrored; elsewhere nobody can tell whether the other end is there."
    ),
    columns=_COLUMNS,
    query=_query,
    unmet=_unmet,
    any_object=True,
    inline=True,
)

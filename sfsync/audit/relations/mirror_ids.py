"""The Id of every mirrored record, but for histories."""

from __future__ import annotations

from sqlglot import exp

from sfsync.audit.context import AuditContext
from sfsync.audit.every_object import objects, text
from sfsync.audit.portable import parse_select
from sfsync.audit.relations.relation import Relation, without_rows
from sfsync.audit.rule import FieldType
from sfsync.store.names import table

_COLUMNS: dict[str, FieldType] = {"object": "text", "record_id": "text"}


def _query(context: AuditContext) -> exp.Query:
    parts = [
        f'SELECT {text(name)} AS object, r."Id" AS record_id FROM {table("sf_all", name)} AS r'
        for name in objects(context)
    ]
    return parse_select("\nUNION ALL\n".join(parts)) if parts else without_rows(_COLUMNS)


def _unmet(context: AuditContext) -> tuple[str, str] | None:
    if next(objects(context), None) is not None:
        return None
    return "no Ids of records are in the mirror", "run `sfsync pull`"


RELATION = Relation(
    name="mirror_ids",
    about="One row a mirrored record, deleted ones included; histories and their like are left out.",
    columns=_COLUMNS,
    query=_query,
    any_object=True,
    unmet=_unmet,
    inline=True,
)

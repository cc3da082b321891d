"""Records with a key that no two may share."""

from __future__ import annotations

from sqlglot import exp

from sfsync.audit.context import AuditContext
from sfsync.audit.every_object import text
from sfsync.audit.portable import parse_select
from sfsync.audit.relations.key_clashes import unique_keys
from sfsync.audit.relations.relation import Relation, without_rows
from sfsync.audit.rule import FieldType
from sfsync.store.names import quote, table

_COLUMNS: dict[str, FieldType] = {"object": "text", "record_id": "text", "field": "text"}


def _query(context: AuditContext) -> exp.Query:
    parts = [
        f'SELECT {text(key.object)} AS object, r."Id" AS record_id, {text(key.field)} AS field'
        f" FROM {table('sf', key.object)} AS r WHERE r.{quote(key.field)} IS NOT NULL"
        for key in unique_keys(context)
    ]
    return parse_select("\nUNION ALL\n".join(parts)) if parts else without_rows(_COLUMNS)


def _unmet(context: AuditContext) -> tuple[str, str] | None:
    if next(unique_keys(context), None) is not None:
        return None
    enable = "name keys in sfsync.yml: `definitions: {duplicates: {unique_keys: {Lead: [Crm_Id__c]}}}`"
    return "no mirrored field is unique or an external ID", enable


RELATION = Relation(
    name="keyed_records",
    about="One row a live record and filled field that the org calls unique or external ID, or that sfsync.yml names.",
    columns=_COLUMNS,
    query=_query,
    unmet=_unmet,
    any_object=True,
    inline=True,
)

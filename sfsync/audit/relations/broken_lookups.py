"""Lookups of live records whose other end is not in the mirror, or is deleted."""

from __future__ import annotations

from sqlglot import exp

from sfsync.audit.context import AuditContext
from sfsync.audit.every_object import judged_lookups, live, text
from sfsync.audit.portable import parse_select
from sfsync.audit.relations.relation import Relation, without_rows
from sfsync.audit.rule import FieldType
from sfsync.store.names import quote, table

_COLUMNS: dict[str, FieldType] = {
    "object": "text",
    "record_id": "text",
    "field": "text",
    "target_object": "text",
    "target_id": "text",
    "state": "text",
}

#: The Ids that are used come first: an owner or a creator stands in many records, and is looked up once.
_BROKEN = """
SELECT
  {object} AS object,
  r."Id" AS record_id,
  {field} AS field,
  {target} AS target_object,
  b.target_id AS target_id,
  b.state AS state
FROM (
  SELECT u.target_id AS target_id, CASE WHEN t."Id" IS NULL THEN 'absent' ELSE 'deleted' END AS state
  FROM (SELECT DISTINCT r.{column} AS target_id FROM {table} AS r WHERE {points}) AS u
  LEFT JOIN {targets} AS t ON t."Id" = u.target_id
  WHERE t."Id" IS NULL OR NOT ({live})
) AS b
JOIN {table} AS r ON r.{column} = b.target_id
"""


def _query(context: AuditContext) -> exp.Query:
    parts = [
        _BROKEN.format(
            object=text(lookup.object),
            field=text(lookup.field),
            target=text(lookup.target),
            column=quote(lookup.field),
            table=table("sf", lookup.object),
            targets=table("sf_all", lookup.target),
            points=lookup.points("r"),
            live=live(context, lookup.target, "t"),
        )
        for lookup in judged_lookups(context)
    ]
    return parse_select("UNION ALL".join(parts)) if parts else without_rows(_COLUMNS)


RELATION = Relation(
    name="broken_lookups",
    about="One row a lookup of a live record whose other end is absent from the mirror, or deleted in it.",
    columns=_COLUMNS,
    query=_query,
    any_object=True,
)

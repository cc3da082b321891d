"""Records that the mirror holds more than once."""

from __future__ import annotations

from sqlglot import exp

from sfsync.audit.context import AuditContext
from sfsync.audit.every_object import objects, text
from sfsync.audit.portable import parse_select
from sfsync.audit.relations.relation import Relation, without_rows
from sfsync.audit.rule import FieldType
from sfsync.store.names import table

_COLUMNS: dict[str, FieldType] = {"object": "text", "record_id": "text", "times": "number"}

#: The first 15 characters tell records apart, with their upper and lower case; the other three only repeat that.
_REPEATED = """
SELECT {object} AS object, MAX(r."Id") AS record_id, COUNT(*) AS times
FROM {table} AS r
GROUP BY LEFT(r."Id", 15)
HAVING COUNT(*) > 1
"""


def _query(context: AuditContext) -> exp.Query:
    parts = [_REPEATED.format(object=text(name), table=table("sf_all", name)) for name in objects(context)]
    return parse_select("UNION ALL".join(parts)) if parts else without_rows(_COLUMNS)


RELATION = Relation(
    name="repeated_ids",
    about="One row a record that is mirrored more than once, whether under its 15 or its 18 characters.",
    columns=_COLUMNS,
    query=_query,
    any_object=True,
)

"""Keys that no two records may share, and that two do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlglot import exp

from sfsync.audit.context import AuditContext
from sfsync.audit.every_object import text
from sfsync.audit.portable import parse_select
from sfsync.audit.relations.relation import Relation, without_rows
from sfsync.audit.rule import FieldType
from sfsync.store.names import quote, table

_COLUMNS: dict[str, FieldType] = {
    "object": "text",
    "record_id": "text",
    "field": "text",
    "value": "text",
    "times": "number",
}

_CLASHES = """
SELECT {object} AS object, r."Id" AS record_id, {field} AS field, CAST(r.{column} AS VARCHAR) AS value, k.times AS times
FROM (
  SELECT {key} AS value, COUNT(*) AS times
  FROM {table} AS r
  WHERE r.{column} IS NOT NULL
  GROUP BY {key}
  HAVING COUNT(*) > 1
) AS k
JOIN {table} AS r ON {key} = k.value
"""


@dataclass(frozen=True, slots=True)
class UniqueKey:
    """One field that tells records apart."""

    object: str
    field: str
    folded: bool

    def value(self, alias: str) -> str:
        """SQL of the value as it is compared."""
        column = f"{alias}.{quote(self.field)}"
        return f"LOWER(TRIM({column}))" if self.folded else column


def unique_keys(context: AuditContext) -> Iterator[UniqueKey]:
    """Fields that the org calls unique or external ID, and those that sfsync.yml names."""
    named = {
        (held, column)
        for name, fields in context.definitions.duplicates.unique_keys.items()
        for field in fields
        if (held := context.object(name)) and (column := context.column(held, field))
    }
    for name, described in sorted(context.describes.items()):
        for field in described.stored_fields:
            column = context.column(name, field.name)
            if column is None or column == "Id" or context.column(name, "Id") is None:
                continue
            if field.external_id or field.unique or (name, column) in named:
                folded = context.kind(name, column) == "text" and not field.case_sensitive
                yield UniqueKey(name, column, folded)


def _query(context: AuditContext) -> exp.Query:
    parts = [
        _CLASHES.format(
            object=text(key.object),
            field=text(key.field),
            column=quote(key.field),
            key=key.value("r"),
            table=table("sf", key.object),
        )
        for key in unique_keys(context)
    ]
    return parse_select("UNION ALL".join(parts)) if parts else without_rows(_COLUMNS)


RELATION = Relation(
    name="key_clashes",
    about="One row a live record whose unique key, or external ID, another record has as well.",
    columns=_COLUMNS,
    query=_query,
    any_object=True,
)

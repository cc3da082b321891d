"""Fields whose values show that a loader has taken them for something else: numbers in texts, instants without time."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sqlglot import exp

from sfsync.audit.context import AuditContext
from sfsync.audit.every_object import text
from sfsync.audit.portable import parse_select
from sfsync.audit.relations.relation import Relation, without_rows
from sfsync.audit.rule import FieldType
from sfsync.records import FieldDescribe
from sfsync.store.names import quote, table

_COLUMNS: dict[str, FieldType] = {"object": "text", "field": "text", "damage": "text", "damaged": "number"}

#: Texts made of digits, which people keep no fractions or powers of ten in.
_DIGITS = re.compile(r"(postal_?code|zip)(__c)?$", re.IGNORECASE)
_STAMPS = frozenset({"CreatedDate", "LastModifiedDate", "SystemModstamp"})

#: From so many records on, it is no chance that all of them begin with a day.
_ENOUGH = 20

_NUMBER = (
    "COUNT(*) FILTER (WHERE (r.{c} LIKE '%.0' OR r.{c} LIKE '%E+%')"
    " AND REGEXP_MATCHES(r.{c}, '^[0-9]+[.]0$|^[0-9]([.][0-9]+)?E[+][0-9]+$'))"
)
_MIDNIGHT = (
    f"CASE WHEN COUNT(r.{{c}}) >= {_ENOUGH} AND COUNT(*) FILTER (WHERE r.{{c}} <> CAST(r.{{c}} AS DATE)) = 0"
    " THEN COUNT(r.{c}) ELSE 0 END"
)
_SHARE = """
SELECT
  'Opportunity' AS object,
  'Probability' AS field,
  'is a hundredth of what its stage has' AS damage,
  COUNT(*) AS damaged
FROM sf."Opportunity" AS r
JOIN sf."OpportunityStage" AS s ON s."ApiName" = r."StageName"
WHERE r."Probability" > 0 AND r."Probability" <= 1 AND s."DefaultProbability" > 1
  AND ABS(r."Probability" * 100 - s."DefaultProbability") < 0.001
HAVING COUNT(*) > 0
"""


def _query(context: AuditContext) -> exp.Query:
    parts = [part for name in sorted(context.describes) for part in _parts(name, context)]
    shares = {"Opportunity": ("StageName", "Probability"), "OpportunityStage": ("ApiName", "DefaultProbability")}
    if all(context.column(name, field) for name, fields in shares.items() for field in fields):
        parts.append(_SHARE)
    return parse_select("\nUNION ALL\n".join(parts)) if parts else without_rows(_COLUMNS)


def _parts(name: str, context: AuditContext) -> Iterator[str]:
    """One look at an object's records, and a row for each field that is damaged."""
    counts: list[tuple[str, str, str]] = []
    for field in context.describes[name].stored_fields:
        column = context.column(name, field.name)
        kind = _damage(field) if column is not None and context.kind(name, column) != "other" else None
        if column is not None and kind is not None:
            damage, count = kind
            counts.append((column, damage, count.format(c=quote(column))))
    if not counts:
        return
    looked = ", ".join(f"{count} AS n{i}" for i, (_, _, count) in enumerate(counts))
    numbered = " UNION ALL ".join(
        f"SELECT {text(name)} AS object, {text(column)} AS field, {text(damage)} AS damage, c.n{i} AS damaged"
        f" FROM counts AS c WHERE c.n{i} > 0"
        for i, (column, damage, _) in enumerate(counts)
    )
    yield (
        "SELECT d.object, d.field, d.damage, d.damaged FROM ("
        f"WITH counts AS (SELECT {looked} FROM {table('sf', name)} AS r) {numbered}) AS d"
    )


def _damage(field: FieldDescribe) -> tuple[str, str] | None:
    if field.name in _STAMPS and field.type == "datetime":
        return "has lost the time of day", _MIDNIGHT
    digits = field.type == "phone" or (field.type in ("string", "textarea") and _DIGITS.search(field.name))
    if digits or (field.type == "string" and (field.external_id or field.unique)):
        return "was taken for a number", _NUMBER
    return None


RELATION = Relation(
    name="damaged_fields",
    about="One row a field in which values show that they were taken for something else, and how many do.",
    columns=_COLUMNS,
    query=_query,
    any_object=True,
)

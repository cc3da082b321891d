"""What `definitions: {stage_exit: …}` wants, held against what was known at the instant a stage was left."""

from __future__ import annotations

from sqlglot import exp, parse_one

from sfsync.audit.context import AuditContext
from sfsync.audit.evidence import is_such_an_activity, showed, shows
from sfsync.audit.portable import DIALECT
from sfsync.audit.relations.made import field_of, in_one
from sfsync.audit.relations.relation import Relation, without_rows
from sfsync.audit.rule import FieldType, OptionalNeed
from sfsync.config.definitions_frameworks import Evidence

_COLUMNS: dict[str, FieldType] = {
    "opportunity_id": "text",
    "visit": "number",
    "stage": "text",
    "next_stage": "text",
    "left_at": "datetime",
    "requirement": "text",
    "met": "boolean",
}

_ROLES: dict[str, FieldType] = {"OpportunityId": "text", "Role": "text", "CreatedDate": "datetime"}
_CHANGES: dict[str, FieldType] = {
    "Id": "text",
    "OpportunityId": "text",
    "Field": "text",
    "CreatedDate": "datetime",
    "OldValue": "text",
    "NewValue": "text",
}

_MOVES = """
SELECT r.opportunity_id AS opportunity_id, r.visit AS visit, r.stage AS stage, r.next_stage AS next_stage,
    r.left_at AS left_at
FROM stage_runs AS r
WHERE r.left_at IS NOT NULL AND r.stage = {stage}
"""

_SINCE = """
SELECT m.opportunity_id AS opportunity_id, m.visit AS visit, m.stage AS stage, m.next_stage AS next_stage,
    m.left_at AS left_at, {requirement} AS requirement,
    COALESCE(x.first_at <= m.left_at, FALSE) AS met
FROM ({moves}) AS m
LEFT JOIN ({firsts}) AS x ON x.opportunity_id = m.opportunity_id
"""

#: Until the first change after the instant a field held what that change calls its old value; without any change
#: since, what it holds today, if the field was tracked by then or nothing at all was saved since. Of long texts only
#: the fact of a change is kept.
_FIELD = """
SELECT m.opportunity_id AS opportunity_id, m.visit AS visit, m.stage AS stage, m.next_stage AS next_stage,
    m.left_at AS left_at, {requirement} AS requirement,
    CASE
        WHEN c.opportunity_id IS NOT NULL AND c.old_value IS NULL AND c.new_value IS NULL THEN NULL
        WHEN c.opportunity_id IS NOT NULL THEN COALESCE({showed}, FALSE)
        WHEN t.since <= m.left_at OR o."LastModifiedDate" <= m.left_at THEN COALESCE({shows}, FALSE)
    END AS met
FROM ({moves}) AS m
JOIN sf."Opportunity" AS o ON o."Id" = m.opportunity_id
LEFT JOIN (
    SELECT n.opportunity_id AS opportunity_id, n.visit AS visit, n.old_value AS old_value, n.new_value AS new_value
    FROM (
        SELECT v.opportunity_id AS opportunity_id, v.visit AS visit, h."OldValue" AS old_value,
            h."NewValue" AS new_value,
            ROW_NUMBER() OVER (PARTITION BY v.opportunity_id, v.visit ORDER BY h."CreatedDate", h."Id") AS place
        FROM ({moves}) AS v
        JOIN sf."OpportunityFieldHistory" AS h ON h."OpportunityId" = v.opportunity_id AND h."CreatedDate" > v.left_at
        WHERE h."Field" = {field}
    ) AS n
    WHERE n.place = 1
) AS c ON c.opportunity_id = m.opportunity_id AND c.visit = m.visit
JOIN (
    SELECT MIN(f."CreatedDate") AS since FROM sf."OpportunityFieldHistory" AS f WHERE f."Field" = {field}
) AS t ON TRUE
"""


def _query(context: AuditContext) -> exp.Query:
    selects: list[exp.Query] = []
    for stage, pieces in context.definitions.stage_exit.items():
        moves = _MOVES.format(stage=_text(stage))
        texts = [text for piece in pieces if (text := _held(piece, moves, context)) is not None]
        selects += [parse_one(text, dialect=DIALECT, into=exp.Select) for text in texts]
    return in_one(selects) or without_rows(_COLUMNS)


def _held(piece: Evidence, moves: str, context: AuditContext) -> str | None:
    """The query of one requirement; None when the mirror cannot tell."""
    requirement = _text(piece.words)
    if piece.activity is not None:
        moment = "a.happened_at" if piece.activity.done else "a.created_at"
        firsts = (
            f"SELECT a.what_id AS opportunity_id, MIN({moment}) AS first_at FROM all_activities AS a "
            f"WHERE {is_such_an_activity(piece.activity, 'a').sql(dialect=DIALECT)} GROUP BY a.what_id"
        )
        return _SINCE.format(requirement=requirement, moves=moves, firsts=firsts)
    if piece.contact_role is not None:
        if context.columns and not all(context.column("OpportunityContactRole", name) for name in _ROLES):
            return None
        roles = ", ".join(_text(role.lower()) for role in piece.contact_role)
        firsts = (
            'SELECT p."OpportunityId" AS opportunity_id, MIN(p."CreatedDate") AS first_at '
            f'FROM sf."OpportunityContactRole" AS p WHERE LOWER(p."Role") IN ({roles}) GROUP BY p."OpportunityId"'
        )
        return _SINCE.format(requirement=requirement, moves=moves, firsts=firsts)
    found = field_of("Opportunity", piece.field or "", "o", context)
    if found is None:
        return None  # told where definitions are held against the mirror
    column, kind = found
    return _FIELD.format(
        requirement=requirement,
        moves=moves,
        field=_text(column.name),
        shows=shows(piece, column, kind).sql(dialect=DIALECT),
        showed=showed(piece, exp.column("old_value", table="c"), kind).sql(dialect=DIALECT),
    )


def _text(value: str) -> str:
    return exp.Literal.string(value).sql(dialect=DIALECT)


RELATION = Relation(
    name="stage_exit_then",
    about=(
        "One row a visit of an opportunity to a stage with exit criteria and a criterion of it: whether it was met "
        "when the stage was left; NULL where nobody can tell any more."
    ),
    columns=_COLUMNS,
    needs={"Opportunity": {"Id": "text"}},
    optional=(
        OptionalNeed(object="Opportunity", fields={"LastModifiedDate": "datetime"}),
        OptionalNeed(object="OpportunityContactRole", fields=_ROLES),
        OptionalNeed(
            object="OpportunityFieldHistory",
            fields=_CHANGES,
            otherwise="what a field held when a stage was left, if the opportunity was saved since",
        ),
    ),
    serves=("stage_exit",),
    query=_query,
    reads=("stage_runs", "all_activities"),
)

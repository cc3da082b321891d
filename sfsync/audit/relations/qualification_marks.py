"""Which criteria of the framework in force each lead meets, now and at its conversion, as a row of marks."""

from __future__ import annotations

from sqlglot import exp

from sfsync.audit.context import AuditContext
from sfsync.audit.qualification import FIELD_HISTORIES, Qualification
from sfsync.audit.relations.relation import Relation, without_rows
from sfsync.audit.rule import FieldType, OptionalNeed

_COLUMNS: dict[str, FieldType] = {
    "lead_id": "text",
    "as_of": "text",
    "judged_at": "datetime",
    "is_sure": "boolean",
    "marks": "text",
}


def _query(context: AuditContext) -> exp.Query:
    framework = context.definitions.in_force
    if framework is None:
        return without_rows(_COLUMNS)
    return Qualification(context, framework.criteria, framework.grace).query()


_HISTORY: dict[str, FieldType] = {"Id": "text", "Field": "text", "OldValue": "text", "CreatedDate": "datetime"}

#: What tells of the values at the conversion, where it is there; today's stand in for them elsewhere.
RECORDS_AND_HISTORY = (
    *(
        OptionalNeed(object=name, fields={"Id": "text", "IsDeleted": "boolean", "LastModifiedDate": "datetime"})
        for name in ("Lead", "Opportunity", "Contact", "Account")
    ),
    *(
        OptionalNeed(object=history, fields={**_HISTORY, lookup: "text"})
        for history, lookup in FIELD_HISTORIES.values()
    ),
    OptionalNeed(
        object="OpportunityContactRole", fields={"OpportunityId": "text", "Role": "text", "CreatedDate": "datetime"}
    ),
)

RELATION = Relation(
    name="qualification_marks",
    about=(
        "One row a lead as of now, and another as of its conversion: a `1` or `0` for each criterion of the framework "
        "in force, in the order of sfsync.yml; sure where the values of then are known."
    ),
    columns=_COLUMNS,
    serves=("framework",),
    query=_query,
    optional=RECORDS_AND_HISTORY,
    reads=("activities", "conversions"),
)

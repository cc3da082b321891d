"""What Salesforce fills in by itself when a record is saved: defaults, stamps, owners and fields derived from others.

Everything is an SQL expression over the incoming rows, so that one record and a million are completed alike.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sfsync.fake.catalog import FieldFacts, ObjectFacts
from sfsync.fake.catalog.facts import ID_TYPES
from sfsync.fake.database import sql_type
from sfsync.fake.dml.shape import TRUE_BY_DEFAULT
from sfsync.fake.sql_names import quote

_FULL_NAME = """nullif(concat_ws(' ', "FirstName", "LastName"), '')"""


def _of_stage(column: str) -> str:
    return (
        f'(SELECT any_value(stage.{column}) FROM "OpportunityStage" AS stage'
        ' WHERE stage."MasterLabel" = incoming."StageName")'
    )


#: Object → field → how it follows from other fields of the same row.
DERIVED: dict[str, dict[str, str]] = {
    "Lead": {"Name": _FULL_NAME},
    "Contact": {
        "Name": _FULL_NAME,
        "IsEmailBounced": '"EmailBouncedDate" IS NOT NULL',
    },
    "User": {"Name": _FULL_NAME},
    "LeadStatus": {"ApiName": '"MasterLabel"'},
    "OpportunityStage": {"ApiName": '"MasterLabel"'},
    "Opportunity": {
        "IsClosed": _of_stage('"IsClosed"'),
        "IsWon": _of_stage('"IsWon"'),
        "Probability": _of_stage('"DefaultProbability"'),
        "ForecastCategory": _of_stage('"ForecastCategory"'),
        "ForecastCategoryName": _of_stage('"ForecastCategoryName"'),
        "FiscalYear": 'CAST(year("CloseDate") AS INTEGER)',
        "FiscalQuarter": 'CAST(quarter("CloseDate") AS INTEGER)',
        "Fiscal": """year("CloseDate") || ' ' || quarter("CloseDate")""",
    },
    "CampaignMember": {
        "HasResponded": "\"Status\" = 'Responded'",
        "LeadOrContactId": 'coalesce("ContactId", "LeadId")',
        "Type": """CASE WHEN "ContactId" IS NULL THEN 'Lead' ELSE 'Contact' END""",
    },
    "Task": {
        "IsClosed": "\"Status\" = 'Completed'",
        "IsHighPriority": "\"Priority\" = 'High'",
    },
}


@dataclass(frozen=True, slots=True)
class Derived:
    """A field whose value follows from others: `sql` over the row, for which `sources` have to be there."""

    sources: tuple[str, ...]
    sql: str


#: Derived in a second step, because they rest on derived fields themselves.
DERIVED_LATER: dict[str, dict[str, Derived]] = {
    "Opportunity": {
        "ExpectedRevenue": Derived(("Amount", "Probability", "StageName"), 'round("Amount" * "Probability" / 100, 2)'),
    },
}


def completing_insert(
    facts: ObjectFacts, source: str, given: Collection[str], *, admin: str, short_ids: bool = True
) -> str:
    """The statement that puts incoming rows into the object's table, completed.

    Args:
        facts: The object.
        source: Table of incoming rows, all columns text.
        given: API names of its columns, spelled as the catalogue spells them.
        admin: Id of the user who is at work; owner and creator of what names none.
        short_ids: Whether Ids may come in their 15-character form.

    It has the parameter `$now` (naive UTC) where the text says so.
    """
    first, later = DERIVED.get(facts.name, {}), DERIVED_LATER.get(facts.name, {})
    needed = {*given, *later, *(source for rule in later.values() for source in rule.sources)}
    filled: dict[str, str] = {}
    for field in facts.stored_fields:
        derived, fallback = first.get(field.name), _fallback(facts, field, given, admin)
        if field.name in needed or derived is not None or fallback is not None:
            filled[field.name] = _filled(field, derived, fallback)
    typed = ", ".join(f"{_typed(field, given, short_ids)} AS {quote(field.name)}" for field in facts.stored_fields)
    middle = ", ".join(f"{sql} AS {quote(name)}" for name, sql in filled.items())
    final = ", ".join(
        f"coalesce({quote(name)}, {later[name].sql})" if name in later else quote(name) for name in filled
    )
    return (
        f"INSERT INTO {quote(facts.name)} ({', '.join(map(quote, filled))})"
        f" SELECT {final} FROM (SELECT {middle} FROM (SELECT {typed} FROM {source}) AS incoming) AS filled"
    )


def _typed(field: FieldFacts, given: Collection[str], short_ids: bool) -> str:
    """The incoming text as the column's type; Ids in their long form."""
    kind = sql_type(field.type)
    if field.name not in given:
        return f"CAST(NULL AS {kind})"
    column = f"nullif({quote(field.name)}, '')"
    if field.type in ID_TYPES and short_ids:
        return f"id_18({column})"
    if kind == "VARCHAR":
        return column
    if kind == "TIMESTAMP":
        # Read as a moment first: text with an offset is turned into UTC, text without one is UTC already.
        return f"CAST(CAST({column} AS TIMESTAMPTZ) AS TIMESTAMP)"
    return f"CAST({column} AS {kind})"


def _filled(field: FieldFacts, derived: str | None, fallback: str | None) -> str:
    """The typed value, or what Salesforce puts where there is none."""
    candidates = [quote(field.name)]
    if derived is not None:
        candidates.append(derived)
    if fallback is not None:
        candidates.append(fallback)
    return candidates[0] if len(candidates) == 1 else f"coalesce({', '.join(candidates)})"


def _fallback(facts: ObjectFacts, field: FieldFacts, given: Collection[str], admin: str) -> str | None:
    stamps = ("SystemModstamp", "LastModifiedDate", "CreatedDate")
    if field.name in stamps:
        # Each falls back on those that cannot be later than it.
        earlier = [quote(name) for name in stamps[stamps.index(field.name) + 1 :] if facts.field(name) is not None]
        return f"coalesce({', '.join([*earlier, '$now'])})"
    if field.name in {"CreatedById", "LastModifiedById"} or (field.name == "OwnerId" and not field.has("n")):
        return f"'{admin}'"
    if (facts.name, field.name) in TRUE_BY_DEFAULT:
        return "true"
    default = field.default
    if default is None or (field.name in given and field.has("n")):
        # A null that somebody wrote stays, where the field may be empty at all.
        return None
    return "false" if default is False else "'" + str(default).replace("'", "''") + "'"

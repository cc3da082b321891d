"""What Salesforce fills in by itself when a plan is applied, as far as that can be known before, and what cannot.

Known are stamps, ticks of checkboxes, default values of picklists, and fields that follow from others of the same
record by rules that are the same in every org. What is not known is named, so that nobody judges it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sfsync.records import FieldDescribe
from sfsync.store.names import literal, quote

#: When a record was made, and when it was changed last.
_MADE, _CHANGED = ("CreatedDate",), ("LastModifiedDate", "SystemModstamp")
_MAKER, _CHANGER = ("CreatedById", "OwnerId"), ("LastModifiedById",)
#: Checkboxes that are ticked unless somebody says otherwise.
_TICKED = frozenset({("User", "IsActive"), ("Lead", "IsUnreadByOwner")})
_PEOPLE = frozenset({"Lead", "Contact", "User"})
_NAME_PARTS = ("FirstName", "MiddleName", "LastName", "Suffix")
_OF_STAGE = {
    "IsClosed": "IsClosed",
    "IsWon": "IsWon",
    "Probability": "DefaultProbability",
    "ForecastCategory": "ForecastCategory",
    "ForecastCategoryName": "ForecastCategoryName",
}
#: Object → field → the fields it follows from by a rule that an org may change, so that nobody knows it before.
_BY_OWN_RULES: dict[str, dict[str, tuple[str, ...]]] = {
    "Task": {"IsClosed": ("Status",), "IsHighPriority": ("Priority",), "CompletedDateTime": ("Status",)},
    "CampaignMember": {"HasResponded": ("Status",), "FirstRespondedDate": ("Status",)},
}
_OPPORTUNITY = ("StageName", "Probability", "ForecastCategoryName", "CloseDate", "Amount")


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What decides how records are filled in.

    Attributes:
        as_of: When the plan would be applied (naive UTC).
        user: Who would apply it, or None where that is not known.
        fiscal_year_start_month: 1 to 12.
        stages: The mirror has a row for each stage of opportunities, with these columns.
    """

    as_of: datetime
    user: str | None
    fiscal_year_start_month: int
    stages: frozenset[str]


def instant(at: datetime) -> str:
    """An instant as SQL."""
    return f"TIMESTAMP '{at:%Y-%m-%d %H:%M:%S}'"


def at_creation(name: str, field: FieldDescribe, where: Circumstances) -> str | None:
    """SQL of what a field of a new record holds where nothing is given; None where that is not known."""
    if field.name in (*_MADE, *_CHANGED):
        return instant(where.as_of)
    if field.name in (*_MAKER, *_CHANGER):
        return None if where.user is None else literal(where.user)
    if field.calculated:
        return None
    if field.type == "boolean":
        return "TRUE" if (name, field.name) in _TICKED else "FALSE"
    default = next((entry.value for entry in field.picklist_entries if entry.default), None)
    if default is not None:
        return literal(default)
    given_by_org = field.defaulted_on_create or not (field.createable or field.nillable)
    return None if given_by_org else "NULL"


def at_change(field: str, where: Circumstances) -> str | None:
    """SQL of what a field holds of a record that is changed in others; None where it stays as it is."""
    if field in _CHANGED:
        return instant(where.as_of)
    if field in _CHANGER and where.user is not None:
        return literal(where.user)
    return None


def sources_of(name: str) -> tuple[str, ...]:
    """Fields of an object of which it must be known whether they are written: others follow from them."""
    if name in _PEOPLE:
        return _NAME_PARTS
    return _OPPORTUNITY if name == "Opportunity" else tuple({s for each in _follow_own(name).values() for s in each})


def unknown_after(name: str, written: Collection[str], where: Circumstances, *, creating: bool) -> set[str]:
    """Fields that nobody can tell once these fields are written."""
    lost = {field for field, sources in _follow_own(name).items() if creating or set(sources) & set(written)}
    if name == "Opportunity" and (creating or "StageName" in written):
        lost |= {field for field, column in _OF_STAGE.items() if column not in where.stages and field not in written}
        lost |= {"ExpectedRevenue"} if "Probability" in lost else set()
    if where.user is None:
        lost.update(_CHANGER)
    return lost


def derived(name: str, columns: Collection[str], where: Circumstances) -> dict[str, str]:
    """Field → SQL of what it holds when the fields it follows from are written.

    The record goes by the alias `r`, its stage by `st`; `r."~new"` says whether it is new, `r."~F"` whether F is
    written.
    """
    found = {}
    if name in _PEOPLE:
        parts = [part for part in _NAME_PARTS if part in columns]
        full = f"nullif(concat_ws(' ', {', '.join(f'r.{quote(part)}' for part in parts)}), '')" if parts else "NULL"
        found["Name"] = _when(parts, full, 'r."Name"') if parts else 'r."Name"'
    elif name == "Opportunity":
        found = _opportunity(columns, where)
    elif name == "CampaignMember" and {"ContactId", "LeadId"} <= set(columns):
        found["LeadOrContactId"] = 'coalesce(r."ContactId", r."LeadId")'
        found["Type"] = """CASE WHEN r."ContactId" IS NULL THEN 'Lead' ELSE 'Contact' END"""
    return {field: sql for field, sql in found.items() if field in columns}


def stages_sql(where: Circumstances, stage_table: str) -> str | None:
    """A SELECT of what follows from each stage; None where the mirror does not have it."""
    if "MasterLabel" not in where.stages:
        return None
    held = [column for column in dict.fromkeys(_OF_STAGE.values()) if column in where.stages]
    values = ", ".join(f"any_value({quote(column)}) AS {quote(column)}" for column in held)
    return f'SELECT "MasterLabel", {values} FROM {stage_table} GROUP BY "MasterLabel"' if values else None


def _opportunity(columns: Collection[str], where: Circumstances) -> dict[str, str]:
    found = {}
    if "StageName" in columns and "MasterLabel" in where.stages:
        for field, column in _OF_STAGE.items():
            if column not in where.stages:
                continue
            value = f"st.{quote(column)}"
            if field in {"IsClosed", "IsWon"}:
                value = f"coalesce({value}, FALSE)"
            elif field in {"Probability", "ForecastCategoryName"}:
                given = f"r.{quote('~' + field)} AND r.{quote(field)} IS NOT NULL"
                value = f"CASE WHEN {given} THEN r.{quote(field)} ELSE {value} END"
            found[field] = _when(("StageName",), value, f"r.{quote(field)}")
    if "CloseDate" in columns:
        found |= {
            field: _when(("CloseDate",), value, f"r.{quote(field)}")
            for field, value in _fiscal(where.fiscal_year_start_month).items()
        }
    if {"Amount", "Probability"} <= set(columns):
        probability = found.get("Probability", 'r."Probability"')
        revenue = f'round(r."Amount" * ({probability}) / 100, 2)'
        found["ExpectedRevenue"] = _when(("Amount", "Probability", "StageName"), revenue, 'r."ExpectedRevenue"')
    if "LastStageChangeDate" in columns:
        moved = 'r."~StageName" AND NOT r."~new"'
        found["LastStageChangeDate"] = f'CASE WHEN {moved} THEN {instant(where.as_of)} ELSE r."LastStageChangeDate" END'
    return found


def _fiscal(first_month: int) -> dict[str, str]:
    """Fiscal year and quarter of `CloseDate`; a year that begins within a year is called after the one it ends in."""
    day = 'r."CloseDate"'
    later = f" + CASE WHEN month({day}) >= {first_month} THEN 1 ELSE 0 END" if first_month > 1 else ""
    year = f"CAST(year({day}){later} AS INTEGER)"
    quarter = f"CAST((month({day}) + {12 - first_month}) % 12 // 3 + 1 AS INTEGER)"
    return {"FiscalYear": year, "FiscalQuarter": quarter, "Fiscal": f"{year} || ' ' || {quarter}"}


def _when(sources: Collection[str], value: str, otherwise: str) -> str:
    """The value where the record is new or one of these fields is written."""
    written = " OR ".join(['r."~new"', *(f"r.{quote('~' + source)}" for source in sources)])
    return f"CASE WHEN {written} THEN {value} ELSE {otherwise} END"


def _follow_own(name: str) -> dict[str, tuple[str, ...]]:
    return _BY_OWN_RULES.get(name, {})

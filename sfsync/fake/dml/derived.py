"""Fields whose values follow from others of the same record: names, stages' consequences, fiscal periods."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sfsync.fake.dml.pending import PendingRow
from sfsync.fake.dml.state import Stage

_MONTHS = 12
_QUARTER = 3


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What derived fields depend on besides the record.

    Attributes:
        stages: By name.
        fiscal_start_month: First month of the fiscal year.
        now: Of this write.
        exact: Whether values that somebody gave stay, even where nobody but the org may give them.
    """

    stages: Mapping[str, Stage]
    fiscal_start_month: int
    now: datetime
    exact: bool


def derive(object_name: str, row: PendingRow, circumstances: Circumstances) -> None:
    """Bring the derived fields of one record up to date with the others."""
    rule = _RULES.get(object_name)
    if rule is not None:
        rule(row, circumstances)


def has_derived(object_name: str) -> bool:
    """Whether records of this object have derived fields at all."""
    return object_name in _RULES


def expected_revenue(amount: float | None, probability: float | None) -> float | None:
    """What Salesforce computes of an amount and its probability."""
    return None if amount is None or probability is None else round(amount * probability / 100, 2)


def _put(row: PendingRow, name: str, value: Any, circumstances: Circumstances) -> None:
    """Set a derived field, unless its value was given by somebody with the right to."""
    if not (circumstances.exact and name in row.given and (row.after[name] is not None or not row.is_new)):
        row.after[name] = value


def _person(row: PendingRow, circumstances: Circumstances) -> None:
    if row.is_new or row.changed("FirstName") or row.changed("LastName"):
        name = " ".join(part for part in (row.after["FirstName"], row.after["LastName"]) if part)
        _put(row, "Name", name or None, circumstances)


def _contact(row: PendingRow, circumstances: Circumstances) -> None:
    _person(row, circumstances)
    _put(row, "IsEmailBounced", row.after["EmailBouncedDate"] is not None, circumstances)


def _labelled(row: PendingRow, circumstances: Circumstances) -> None:
    if row.after["ApiName"] is None:
        _put(row, "ApiName", row.after["MasterLabel"], circumstances)


def _task(row: PendingRow, circumstances: Circumstances) -> None:
    _put(row, "IsClosed", row.after["Status"] == "Completed", circumstances)
    _put(row, "IsHighPriority", row.after["Priority"] == "High", circumstances)
    if row.is_new or row.changed("IsClosed"):
        _put(row, "CompletedDateTime", circumstances.now if row.after["IsClosed"] else None, circumstances)


def _member(row: PendingRow, circumstances: Circumstances) -> None:
    responded = row.after["Status"] == "Responded"
    _put(row, "HasResponded", responded, circumstances)
    if responded and row.after["FirstRespondedDate"] is None:
        _put(row, "FirstRespondedDate", circumstances.now.date(), circumstances)
    _put(row, "LeadOrContactId", row.after["ContactId"] or row.after["LeadId"], circumstances)
    _put(row, "Type", "Contact" if row.after["ContactId"] else "Lead", circumstances)


def _opportunity(row: PendingRow, circumstances: Circumstances) -> None:
    after = row.after
    if row.is_new or row.changed("StageName"):
        _enter_stage(row, circumstances)
    elif row.changed("ForecastCategoryName"):
        _put(row, "ForecastCategory", _category(after["ForecastCategoryName"], circumstances), circumstances)
    if row.is_new or row.changed("CloseDate"):
        year, quarter = fiscal_period(after["CloseDate"], circumstances.fiscal_start_month)
        _put(row, "FiscalYear", year, circumstances)
        _put(row, "FiscalQuarter", quarter, circumstances)
        _put(row, "Fiscal", None if year is None else f"{year} {quarter}", circumstances)
    if row.is_new or row.changed("Amount") or row.changed("Probability"):
        _put(row, "ExpectedRevenue", expected_revenue(after["Amount"], after["Probability"]), circumstances)


def _enter_stage(row: PendingRow, circumstances: Circumstances) -> None:
    """A stage decides about probability and forecast category, unless the client does at the same time."""
    after, stage = row.after, circumstances.stages.get(row.after["StageName"] or "")
    _put(row, "IsClosed", stage.is_closed if stage else False, circumstances)
    _put(row, "IsWon", stage.is_won if stage else False, circumstances)
    if "Probability" not in row.given or after["Probability"] is None:
        after["Probability"] = stage.probability if stage else None
    if "ForecastCategoryName" not in row.given or after["ForecastCategoryName"] is None:
        after["ForecastCategoryName"] = stage.category_name if stage else None
        _put(row, "ForecastCategory", stage.category if stage else None, circumstances)
    else:
        _put(row, "ForecastCategory", _category(after["ForecastCategoryName"], circumstances), circumstances)
    if not row.is_new:
        _put(row, "LastStageChangeDate", circumstances.now, circumstances)


def _category(name: str | None, circumstances: Circumstances) -> str | None:
    """The forecast category behind a forecast category's name."""
    stages = circumstances.stages.values()
    return next((stage.category for stage in stages if stage.category_name == name), _CATEGORIES.get(name or ""))


def fiscal_period(day: date | None, first_month: int) -> tuple[int | None, int | None]:
    """Fiscal year and quarter of a day; a fiscal year that begins within a year is called after the year it ends in."""
    if day is None:
        return None, None
    months = (day.month - first_month) % _MONTHS
    year = day.year + (1 if first_month > 1 and day.month >= first_month else 0)
    return year, months // _QUARTER + 1


_CATEGORIES = {
    "Omitted": "Omitted",
    "Pipeline": "Pipeline",
    "Best Case": "BestCase",
    "Most Likely": "MostLikely",
    "Commit": "Forecast",
    "Closed": "Closed",
}

_RULES: dict[str, Callable[[PendingRow, Circumstances], None]] = {
    "Lead": _person,
    "Contact": _contact,
    "User": _person,
    "LeadStatus": _labelled,
    "OpportunityStage": _labelled,
    "Opportunity": _opportunity,
    "Task": _task,
    "CampaignMember": _member,
}

"""The records that leads become: made from the lead, or, where they are there, filled where they are empty."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from sfsync.fake import dml
from sfsync.fake.convert.request import Case, Refusals, Target
from sfsync.fake.database import Cursor
from sfsync.fake.dml.outcome import WriteOptions
from sfsync.fake.dml.storage import among, read_rows
from sfsync.soql.ast import DateLiteral
from sfsync.soql.dates import Calendar, date_range

if TYPE_CHECKING:
    from sfsync.fake.org import FakeOrg


def settle(org: FakeOrg, target: Target, cases: Sequence[Case], options: WriteOptions) -> Refusals:
    """Make or fill one kind of target for every case; the cases learn the new records' Ids."""
    wanted = [case for case in cases if target != "Opportunity" or not case.request.do_not_create_opportunity]
    attached = [case for case in wanted if target in case.ids]
    refusals: Refusals = {}
    for bypass in (False, True):
        made = [case for case in wanted if target not in case.ids and case.request.bypasses(target) == bypass]
        how = replace(options, allow_duplicates=options.allow_duplicates or bypass)
        refusals |= _make(org, target, made, how)
    return refusals | _fill(org, target, attached, options)


def _make(org: FakeOrg, target: Target, cases: Sequence[Case], options: WriteOptions) -> Refusals:
    if not cases:
        return {}
    mapped = org.lead_fields.of(target)
    extras = _extras(org, target, cases, new=True)
    rows = [
        {
            **_said({name: case.lead[source] for name, source in mapped.items() if case.lead[source] is not None}),
            "OwnerId": case.owner_id,
            **extras[case.index],
            **_overlay(case, target),
        }
        for case in cases
    ]
    for case, row in zip(cases, rows, strict=True):
        record_type = org.behaviour.default_record_type(case.owner_id, target)
        if record_type is not None:
            row.setdefault("RecordTypeId", record_type)
    refusals: Refusals = {}
    for case, outcome in zip(cases, dml.create(org, target, rows, options), strict=True):
        if outcome.success and outcome.id:
            case.ids[target] = outcome.id
            case.made.add(target)
        else:
            refusals[case.index] = outcome.errors
    return refusals


def _fill(org: FakeOrg, target: Target, cases: Sequence[Case], options: WriteOptions) -> Refusals:
    """Fill what is empty in records that are there; of several leads to one record, the first fills a field."""
    if not cases:
        return {}
    mapped, facts = org.lead_fields.of(target), org.catalog.objects[target.casefold()]
    tickable = {field.name for field in facts.fields if field.type == "boolean"}
    extras = _extras(org, target, cases, new=False)
    with org.database.reading() as cursor:
        records = read_rows(cursor, facts, {case.ids[target] for case in cases})
    changes: dict[str, dict[str, Any]] = {}
    for case in cases:
        record = records[case.ids[target]]
        # A checkbox is never empty: opt-outs of an existing contact stay as they are.
        offered = {name: case.lead[source] for name, source in mapped.items() if name not in tickable}
        blanks = {
            name: value
            for name, value in {**offered, **extras[case.index]}.items()
            if value is not None and record.get(name) is None
        }
        if target == "Contact" and case.request.overwrite_lead_source and case.lead["LeadSource"] is not None:
            blanks["LeadSource"] = case.lead["LeadSource"]
        blanks = {**_said(blanks), **_overlay(case, target)}
        record.update(blanks)
        changes.setdefault(case.ids[target], {}).update(blanks)
    rows = [{"Id": one, **values} for one, values in changes.items() if values]
    refused = {
        row["Id"]: outcome.errors
        for row, outcome in zip(rows, dml.update(org, target, rows, options) if rows else (), strict=True)
        if not outcome.success
    }
    return {case.index: refused[case.ids[target]] for case in cases if case.ids[target] in refused}


def _extras(org: FakeOrg, target: Target, cases: Sequence[Case], *, new: bool) -> dict[int, dict[str, Any]]:
    """What a target gets that is not on the lead itself; case by case."""
    if target == "Account":
        return {case.index: {} for case in cases}
    if target == "Contact":
        return {case.index: {"AccountId": case.ids["Account"]} for case in cases}
    with org.database.reading() as cursor:
        campaigns = _latest_campaigns(cursor, cases)
        stage = _first_stage(cursor) if new else None
    found: dict[int, dict[str, Any]] = {}
    for case in cases:
        extra: dict[str, Any] = {"AccountId": case.ids["Account"], "CampaignId": campaigns.get(case.lead_id)}
        if new:
            extra |= {"StageName": stage, "CloseDate": _end_of_quarter(org).isoformat()}
            if case.request.opportunity_name:
                extra["Name"] = case.request.opportunity_name
        found[case.index] = {name: value for name, value in extra.items() if value is not None}
    return found


def _overlay(case: Case, target: Target) -> dict[str, Any]:
    return {name: value for name, value in case.request.record_of(target).items() if name.casefold() != "id"}


def _end_of_quarter(org: FakeOrg) -> date:
    """The last day of the current fiscal quarter."""
    calendar = Calendar(org.settings.timezone, org.settings.fiscal_start_month)
    today = calendar.today(org.clock.now())
    return date_range(DateLiteral("THIS_FISCAL_QUARTER"), today, calendar).end - timedelta(days=1)


def _first_stage(cursor: Cursor) -> str | None:
    """The first stage of an open opportunity."""
    row = cursor.execute(
        'SELECT "MasterLabel" FROM "OpportunityStage" WHERE "IsActive" AND NOT "IsClosed"'
        ' ORDER BY "SortOrder", "Id" LIMIT 1'
    ).fetchone()
    return None if row is None else str(row[0])


def _latest_campaigns(cursor: Cursor, cases: Iterable[Case]) -> dict[str, str]:
    """Lead → the campaign that it joined last."""
    condition, parameters = among('"LeadId"', [case.lead_id for case in cases])
    rows = cursor.execute(
        'SELECT "LeadId", arg_max("CampaignId", ("CreatedDate", "Id")) FROM "CampaignMember"'
        f' WHERE {condition} AND NOT "IsDeleted" GROUP BY "LeadId"',
        parameters,
    ).fetchall()
    return {str(lead): str(campaign) for lead, campaign in rows}


def _said(values: Mapping[str, Any]) -> dict[str, Any]:
    """Stored values as a client would send them."""
    return {name: _text(value) for name, value in values.items()}


def _text(value: Any) -> Any:
    if isinstance(value, datetime):
        return f"{value.isoformat()}Z"
    return value.isoformat() if isinstance(value, date | time) else value

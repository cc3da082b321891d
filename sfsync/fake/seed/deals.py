"""Opportunities of the seeded org: their size, their way through the stages, and how they end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sfsync.fake.seed import plan
from sfsync.fake.seed.draw import Draw
from sfsync.fake.seed.names import NEXT_STEPS, PRODUCTS
from sfsync.fake.seed.people import Company
from sfsync.fake.seed.seasons import in_office, quarter_end
from sfsync.fake.seed.setup import LAST_OPEN, LOST, STAGES, WON, Stage
from sfsync.fake.seed.world import Deal, Lead, Row, World, stamps

_SET_BY_CLOSE_DATE = ("FiscalYear", "FiscalQuarter", "Fiscal")
_SKIPS_STAGE = 0.35
_IS_PUSHED = 0.22
_LONGEST_NAME = 120
_NEEDS_ANALYSIS = 2

#: An open opportunity closes at least so many days from now, so that a clock a little off makes none of them overdue.
_CLOSES_IN = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Start:
    """What an opportunity begins with.

    Attributes:
        company: Whose it is.
        account: The company's account.
        contact: The person it is discussed with.
        owner: Id of the user who owns it.
        created: When.
        source: Its LeadSource.
        win_rate: How likely it is won, before the customer's size is considered.
        ends: When it closes or would close, or None to leave that to chance.
        lead: The lead it is made of.
    """

    company: Company
    account: Row
    contact: Row
    owner: str
    created: datetime
    source: str | None
    win_rate: float
    ends: datetime | None = None
    lead: Lead | None = None


def add_direct_deals(world: World, leads: int) -> None:
    """Add the opportunities that no lead came before, all with customers of old."""
    draw = world.draw
    rules = ("OP001", "OP007", "FC001")
    still_open = sum(plan.flaw_count(rule, leads) for rule in rules) + plan.TRAPS_ON_DEALS + 4
    for number in range(still_open + max(14, leads // 15)):
        ends = None
        if number < still_open:
            created = world.as_of - timedelta(days=draw.between(25, 80), minutes=draw.below(600))
            ends = world.as_of + timedelta(days=draw.between(4, 75))
        else:
            created = world.latest - timedelta(days=draw.between(1, plan.HISTORY_DAYS), minutes=draw.below(600))
        deal = add_direct_deal(world, created, ends)
        if deal.row["IsClosed"] and deal.changed < world.staff.departed_at and draw.chance(0.15):
            deal.row["OwnerId"] = world.staff.departed


def add_direct_deal(world: World, created: datetime, ends: datetime | None) -> Deal:
    """Add an opportunity with some customer of old."""
    draw = world.draw
    customer = draw.pick(world.customers)
    contact = draw.pick(customer.contacts)
    owner, source = draw.pick(world.staff.reps), contact["LeadSource"]
    start = Start(customer.company, customer.account, contact, owner, created, source, plan.WIN_RATE_DIRECT, ends)
    return add_deal(world, start)


def add_deal(world: World, start: Start) -> Deal:
    """Add an opportunity, closed or still open as its dates would have it."""
    draw, latest = world.draw, world.latest
    days = draw.lognormal(plan.CYCLE_DAYS)
    ends = start.ends or in_office(draw, start.created + timedelta(days=days))
    way = _way(draw)
    if ends < latest:
        won = draw.chance(start.win_rate * start.company.segment.won_factor)
        path = (*way, WON) if won else (*way[: draw.between(1, len(way))], LOST)
        changed, closes = ends, ends.date()
    else:
        elapsed = (latest - start.created) / (ends - start.created)
        path = way[: max(1, min(len(way), int(elapsed * len(way)) + 1))]
        changed = start.created
        if len(path) > 1:
            changed += timedelta(seconds=int((latest - start.created).total_seconds() * (0.4 + 0.5 * draw.share())))
        closes = max(ends.date(), (world.as_of + _CLOSES_IN).date())
    deal = Deal(_row(world, start, path), path, changed, _close_dates(draw, start, path, closes), start.lead)
    deal.row["CloseDate"] = closes
    world.deals.append(deal)
    return deal


def stage_fields(stage: Stage) -> Row:
    """The fields of an opportunity that follow from its stage."""
    return {
        "StageName": stage.name,
        "Probability": stage.probability,
        "IsClosed": stage.is_closed,
        "IsWon": stage.is_won,
        "ForecastCategory": stage.forecast_category,
        "ForecastCategoryName": stage.forecast_category_name,
    }


def _way(draw: Draw) -> tuple[int, ...]:
    """The open stages an opportunity would go through: never leaving out two in a row."""
    way = [0 if draw.chance(0.4) else 1]
    while way[-1] < LAST_OPEN - 1:
        way.append(way[-1] + (2 if draw.chance(_SKIPS_STAGE) else 1))
    if way[-1] < LAST_OPEN:
        way.append(LAST_OPEN)
    return tuple(way)


def _close_dates(draw: Draw, start: Start, path: tuple[int, ...], last: date) -> tuple[date, ...]:
    """The close date at each stage of the path: pushed out now and then, and at conversion a mere default."""
    dates = [last]
    for _ in path[1:]:
        pushed = draw.between(7, 35) if draw.chance(_IS_PUSHED) else 0
        dates.append(max(dates[-1] - timedelta(days=pushed), start.created.date() + timedelta(days=1)))
    dates.reverse()
    if start.lead is not None and len(path) > 1:
        dates[0] = quarter_end(start.created).date()
    return tuple(dates)


def _row(world: World, start: Start, path: tuple[int, ...]) -> Row:
    draw, company = world.draw, start.company
    stage = STAGES[path[-1]]
    has_amount = path[-1] >= _NEEDS_ANALYSIS or draw.chance(0.5)
    lead = start.lead.row if start.lead is not None else None
    suffix = f" - {draw.pick(PRODUCTS)}"
    row: Row = {
        "Id": world.new_id("Opportunity"),
        "IsDeleted": False,
        "AccountId": start.account["Id"],
        "IsPrivate": False,
        "Name": company.name[: _LONGEST_NAME - len(suffix)] + suffix,
        "Description": None,
        "Amount": round(draw.lognormal(company.segment.amount), -2) if has_amount else None,
        "ExpectedRevenue": None,
        "CloseDate": None,
        "Type": "New Customer" if start.lead is not None else "Existing Customer - Upgrade",
        "NextStep": None if stage.is_closed else draw.pick(NEXT_STEPS),
        "LeadSource": start.source,
        **stage_fields(stage),
        "HasOpportunityLineItem": False,
        "OwnerId": start.owner,
        "ContactId": start.contact["Id"],
        "Budget_Confirmed__c": lead["Budget_Confirmed__c"] if lead else False,
        "Need__c": lead["Need__c"] if lead else None,
        "LastActivityDate": None,
        "LastStageChangeDate": None,
        "HasOpenActivity": False,
        "HasOverdueTask": False,
        **dict.fromkeys(_SET_BY_CLOSE_DATE),
        **stamps(start.created, start.owner),
    }
    return world.add("Opportunity", row)

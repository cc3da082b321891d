"""Leads of the seeded org: when and whence they come, what becomes of them, and their rows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sfsync.fake.seed import plan
from sfsync.fake.seed.draw import Draw
from sfsync.fake.seed.hostile import disguise, scribble
from sfsync.fake.seed.names import ENQUIRIES, NEEDS
from sfsync.fake.seed.people import Company
from sfsync.fake.seed.seasons import creation_times, in_office
from sfsync.fake.seed.setup import (
    CONVERTED,
    DECIDERS,
    DISQUALIFIED,
    NEW,
    NO_TIMELINE,
    NOT_DECIDERS,
    QUALIFIED,
    TIMELINES,
    WORKING,
)
from sfsync.fake.seed.world import Fate, Lead, Row, World, stamps

_SET_BY_CONVERSION = ("ConvertedDate", "ConvertedAccountId", "ConvertedContactId", "ConvertedOpportunityId")
_RATINGS = (None, None, "Hot", "Warm", "Warm", "Cold")
_SECONDS_A_DAY = 86_400

#: Leads that were created just now: still within any grace period for filling in fields.
_JUST_CREATED = 2

#: Leads in work that look good and will not convert all the same.
_SEEMS_QUALIFIED = 0.12

#: One in so many conversions is of somebody at a company that has long been a customer.
_CUSTOMERS_AMONG_CONVERTED = 8

#: Age in days of a lead that may be qualified without being old.
RECENT = (3, 24)


def add_leads(world: World, count: int) -> None:
    """Add so many live leads to the world, oldest first."""
    hostile = min(60, max(8, count // 60))
    converted = disguised = 0
    for number, fate in enumerate(_fates(world, count)):
        lead = _lead(world, fate)
        is_hostile = number % (count // hostile * 2) == 3
        if fate.status == CONVERTED:
            converted += 1
            if converted % _CUSTOMERS_AMONG_CONVERTED == 2:
                lead = _lead(world, fate, world.draw.pick(world.customers).company)
            # Half of the hostile values get as far as accounts and opportunities.
            is_hostile = converted % 4 == 0 and converted <= 2 * hostile
        if is_hostile:
            disguise(lead, disguised)
        lead.row = world.add("Lead", lead_row(world, lead))
        if is_hostile:
            scribble(lead, disguised)
            disguised += 1
        world.leads.append(lead)


def _lead(world: World, fate: Fate, company: Company | None = None) -> Lead:
    company = company or world.crowd.company()
    return Lead({}, fate, company, world.crowd.person(company))


def fill_criteria(draw: Draw, row: Row, met: int) -> None:
    """Set the BANT fields of a lead so that just so many of the four criteria are met."""
    order = draw.shuffled((0, 1, 2, 3))
    wanted = [False] * 4
    for index in order[:met]:
        wanted[index] = True
    set_criteria(draw, row, tuple(wanted))


def set_criteria(draw: Draw, row: Row, wanted: tuple[bool, ...]) -> None:
    """Set the BANT fields of a lead so that budget, authority, need and timeline are met, or not, in that order."""
    budget, authority, need, timeline = wanted
    row["Budget_Confirmed__c"] = budget and draw.chance(0.8)
    # Without the tick, an amount is evidence enough; zero is an answer, but no budget.
    if budget:
        row["Budget_Amount__c"] = (
            float(draw.between(4, 400) * 500) if draw.chance(0.5) or not row["Budget_Confirmed__c"] else None
        )
    else:
        row["Budget_Amount__c"] = 0.0 if draw.chance(0.1) else None
    row["Decision_Maker__c"] = draw.pick(DECIDERS) if authority else draw.pick((*NOT_DECIDERS, None, None))
    row["Need__c"] = draw.pick(NEEDS) if need else None
    row["Timeline__c"] = draw.pick(TIMELINES) if timeline else draw.pick((NO_TIMELINE, None, None))


def criteria_met(row: Row) -> int:
    """How many of the four criteria are met, by the same reading as `setup.definitions`."""
    has_budget = row["Budget_Confirmed__c"] or (row["Budget_Amount__c"] or 0) >= 1
    has_need = row["Need__c"] is not None
    return has_budget + (row["Decision_Maker__c"] in DECIDERS) + has_need + (row["Timeline__c"] in TIMELINES)


def _fates(world: World, count: int) -> list[Fate]:
    draw, latest = world.draw, world.latest
    times = creation_times(draw, count - _JUST_CREATED, latest - timedelta(minutes=60))
    _make_recent(world, times, plan.flaw_count("LQ001", count) + plan.TRAPS_ON_QUALIFIED + 6)
    fates = [_fate(draw, created, latest) for created in times]
    converted = sum(1 for fate in fates if fate.status == CONVERTED)
    _change(world, fates, _conversions_needed(count) - converted, _convert)
    _convert_yesterday(world, fates)
    qualified = sum(1 for fate in fates if fate.status == QUALIFIED and _is_recent(world, fate.created))
    _change(world, fates, plan.flaw_count("LQ001", count) + plan.TRAPS_ON_QUALIFIED + 3 - qualified, _qualify)
    for number in range(_JUST_CREATED):
        created = latest - timedelta(minutes=1 + 3 * number, seconds=draw.below(120))
        fates.append(Fate(created, draw.weighted(plan.SOURCE_OFF_SEASON), NEW))
    fates.sort(key=lambda fate: fate.created)
    return fates


def _fate(draw: Draw, created: datetime, latest: datetime) -> Fate:
    in_season = created.month in plan.SHOW_MONTHS
    source = draw.weighted(plan.SOURCE_IN_SEASON if in_season else plan.SOURCE_OFF_SEASON)
    touched = created + timedelta(days=draw.lognormal(plan.FIRST_TOUCH_DAYS)) < latest
    converts = draw.chance(source.converts)
    days = (
        draw.lognormal(plan.CONVERSION_DAYS) * source.pace if converts else draw.lognormal(plan.DISQUALIFICATION_DAYS)
    )
    ended = in_office(draw, created + timedelta(days=days))
    if ended < latest:
        return Fate(created, source, CONVERTED if converts else DISQUALIFIED, ended)
    if not touched:
        return Fate(created, source, NEW)
    nearly = (latest - created).total_seconds() > 0.5 * days * _SECONDS_A_DAY
    qualified = nearly if converts else draw.chance(_SEEMS_QUALIFIED)
    return Fate(created, source, QUALIFIED if qualified else WORKING)


def _conversions_needed(count: int) -> int:
    rules = ("LQ002", "CV001", "CV002", "CV003", "CV006", "FM009")
    return sum(plan.flaw_count(rule, count) for rule in rules) + plan.TRAPS_ON_CONVERSIONS + 6


def _is_recent(world: World, moment: datetime) -> bool:
    youngest, oldest = RECENT
    return youngest <= (world.as_of - moment).days < oldest


def _make_recent(world: World, times: list[datetime], needed: int) -> None:
    youngest, oldest = RECENT
    recent = sum(1 for moment in times if _is_recent(world, moment))
    for place in range(max(0, min(needed - recent, len(times) // 4))):
        moment = world.as_of - timedelta(days=youngest + 1 + world.draw.share() * (oldest - youngest - 1))
        times[place * 3] = moment.replace(microsecond=0)


def _change(world: World, fates: list[Fate], missing: int, change: Callable[[World, Fate], bool]) -> None:
    """Change so many fates, so that the world has enough of a kind to carry its flaws."""
    for fate in world.draw.shuffled(fates) if missing > 0 else ():
        if change(world, fate):
            missing -= 1
            if missing == 0:
                return


def _convert(world: World, fate: Fate) -> bool:
    days = world.draw.lognormal(plan.CONVERSION_DAYS) * fate.source.pace
    ended = in_office(world.draw, fate.created + timedelta(days=days))
    if fate.status != DISQUALIFIED or ended >= world.latest:
        return False
    fate.status, fate.ended = CONVERTED, ended
    return True


def _convert_yesterday(world: World, fates: list[Fate]) -> None:
    """One lead was converted so lately that nobody can blame its owner for what is not filled in yet."""
    fate = next(
        fate
        for fate in world.draw.shuffled(fates)
        if fate.status not in (CONVERTED, QUALIFIED) and _is_recent(world, fate.created)
    )
    fate.status, fate.ended = CONVERTED, world.latest - timedelta(hours=20)


def _qualify(world: World, fate: Fate) -> bool:
    if fate.status in (QUALIFIED, CONVERTED) or not _is_recent(world, fate.created):
        return False
    fate.status, fate.ended = QUALIFIED, None
    return True


def lead_row(world: World, lead: Lead) -> Row:
    """The row of a lead as its fate has it; what a conversion adds is left to the conversion."""
    draw, fate, company, person = world.draw, lead.fate, lead.company, lead.person
    owner = _owner(world, fate)
    creator = owner if fate.source.typed else world.staff.integration
    row = {
        "Id": world.new_id("Lead"),
        "IsDeleted": False,
        "MasterRecordId": None,
        **person.named(),
        "Company": company.name,
        "Street": company.street,
        "City": company.city,
        "State": company.state,
        "PostalCode": company.postal_code,
        "Country": company.country.name,
        "Phone": person.phone,
        "MobilePhone": None,
        "Email": person.email,
        "Website": f"https://www.{company.domain}",
        "Description": draw.pick(ENQUIRIES) if draw.chance(0.4) else None,
        "LeadSource": fate.source.name,
        "Status": fate.status,
        "Industry": company.industry,
        "Rating": draw.pick(_RATINGS),
        "AnnualRevenue": company.revenue,
        "NumberOfEmployees": company.staff,
        "OwnerId": owner,
        "IsConverted": fate.status == CONVERTED,
        **dict.fromkeys(_SET_BY_CONVERSION),
        "IsUnreadByOwner": fate.status == NEW,
        "LastActivityDate": None,
        **stamps(fate.created, creator, _changed(world, fate), owner),
    }
    fill_criteria(draw, row, _criteria(draw, fate.status))
    return row


def _changed(world: World, fate: Fate) -> datetime:
    if fate.status not in (WORKING, QUALIFIED):
        return fate.ended or fate.created
    return fate.created + timedelta(seconds=int(world.draw.share() * (world.latest - fate.created).total_seconds()))


def _criteria(draw: Draw, status: str) -> int:
    if status == CONVERTED:
        return draw.weighted(plan.CRITERIA_AT_CONVERSION)
    if status == QUALIFIED:
        return 4
    return 0 if status == NEW else draw.between(0, 2)


def _owner(world: World, fate: Fate) -> str:
    draw, staff = world.draw, world.staff
    if fate.status == NEW and draw.chance(0.4):
        return staff.queue
    if fate.status == DISQUALIFIED and fate.ended is not None and fate.ended < staff.departed_at and draw.chance(0.12):
        return staff.departed
    return draw.pick(staff.reps)


def recalculate(world: World) -> None:
    """Move the stamps of a tenth of the leads to one and the same second, as a nightly recalculation does.

    Only SystemModstamp moves: nobody modified these leads. Whoever reads changes in pages must not lose any of them.
    """
    for lead in world.leads[::10]:
        lead.row["SystemModstamp"] = max(lead.row["SystemModstamp"], world.night)

"""Flaws of leads: no source, qualified without criteria, open for too long; and their traps."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta

from sfsync.fake.seed import plan
from sfsync.fake.seed.leads import RECENT, set_criteria
from sfsync.fake.seed.seasons import in_office
from sfsync.fake.seed.setup import CONVERTED, DISQUALIFIED, NEW, QUALIFIED, WORKING
from sfsync.fake.seed.world import Conversion, Lead, World

_OPEN = (NEW, WORKING, QUALIFIED)


def li001_no_source(world: World, count: int) -> None:
    """Leads without a source, one of them open and one converted at least."""
    conversion_of = {c.lead.row["Id"]: c for c in world.conversions}

    def judged(lead: Lead) -> bool:
        return _age(world, lead) > 1

    one_of_each = [
        *_take(world, 1, lambda lead: judged(lead) and lead.fate.status == CONVERTED),
        *_take(world, 1, lambda lead: judged(lead) and lead.fate.status in _OPEN),
    ]
    chosen = {lead.row["Id"] for lead in one_of_each}
    others = _take(world, count, lambda lead: judged(lead) and lead.row["Id"] not in chosen)
    for lead in [*one_of_each, *others][:count]:
        lead.row["LeadSource"] = None
        conversion = conversion_of.get(lead.row["Id"])
        if conversion is not None:
            _lose_source(world, conversion)
        world.plant("LI001", lead.row["Id"])


def _lose_source(world: World, conversion: Conversion) -> None:
    """A source the lead never had cannot have been carried over; one contact got the picklist's default instead."""
    if conversion.made_account:
        conversion.account["AccountSource"] = None
    if conversion.made_deal and conversion.deal is not None:
        conversion.deal.row["LeadSource"] = None
    if conversion.made_contact and conversion.contact is not None:
        conversion.contact["LeadSource"] = None if world.draw.chance(0.5) else "Other"


def lq001_without_criteria(world: World, count: int) -> None:
    """Leads in status Qualified of which not all four criteria are known."""
    ways = ((False,) * 4, (True, True, True, False), (True, False, True, True), (False, True, True, True))
    for number, lead in enumerate(_take(world, count, _recently_qualified(world))):
        row = lead.row
        set_criteria(world.draw, row, ways[number % len(ways)])
        if number % len(ways) == 2:
            # Somebody is named, but not somebody who decides.
            row["Decision_Maker__c"] = "Influencer"
        if number % len(ways) == 3:
            # Asked, and the answer was: no money.
            row["Budget_Amount__c"] = 0.0
        world.plant("LQ001", row["Id"])


def la004_too_old(world: World, count: int) -> None:
    """Leads that are still open long after others like them were converted or given up."""
    limits = _longest_ages(world)
    for lead in world.leads:
        limit = limits.get(lead.row["LeadSource"], plan.OLD_LEAD_DAYS)
        if lead.fate.status in _OPEN and _age(world, lead) > limit - 2:
            _settle(world, lead, limit)
    oldest = max((lead for lead in world.leads if lead.fate.status in _OPEN), key=lambda lead: _age(world, lead))
    if oldest.row["Id"] not in world.taken:
        world.trap("LA004", oldest.row["Id"])
    too_old = plan.OLD_LEAD_DAYS + 10
    for lead in _take(world, count, lambda lead: lead.fate.status == DISQUALIFIED and _age(world, lead) > too_old):
        _forget(world, lead)
        world.plant("LA004", lead.row["Id"])


def _longest_ages(world: World) -> dict[str | None, float]:
    """Source → days by which almost all its conversions were done, where there are enough of them."""
    days: defaultdict[str | None, list[int]] = defaultdict(list)
    for conversion in world.conversions:
        row = conversion.lead.row
        converted = row["ConvertedDate"]
        if converted is not None and row["CreatedDate"].date() <= converted <= world.as_of.date():
            days[row["LeadSource"]].append((converted - row["CreatedDate"].date()).days)
    ordered = {source: sorted(taken) for source, taken in days.items()}
    return {
        source: _quantile(taken, world.parts)
        for source, taken in ordered.items()
        if len(taken) * world.parts >= plan.ENOUGH_CONVERSIONS
    }


def _quantile(values: list[int], times: int) -> float:
    """The age by which most are done, when each value (in order) is there so many times."""
    count = len(values) * times
    place = plan.CONVERTED_BY_THEN * (count - 1)
    below = int(place)
    above = min(below + 1, count - 1)
    low, high = values[below // times], values[above // times]
    return low + (place - below) * (high - low)


def _settle(world: World, lead: Lead, limit: float) -> None:
    """Give up a lead that has stayed open for as long as most conversions take; a qualified one is a flaw by then."""
    if lead.row["Id"] in world.planted.get("LQ001", ()) or lead.row["Id"] in world.traps.get("LQ001", ()):
        world.plant("LA004", lead.row["Id"])
        return
    ended = in_office(world.draw, lead.fate.created + timedelta(days=max(1.0, limit * 0.8)))
    lead.fate.status, lead.fate.ended = DISQUALIFIED, min(ended, world.latest)
    lead.row.update(Status=DISQUALIFIED, LastModifiedDate=lead.fate.ended, SystemModstamp=lead.fate.ended)


def _forget(world: World, lead: Lead) -> None:
    """Take a lead up again that was given up, and leave it lying."""
    touched = lead.fate.created + timedelta(days=world.draw.between(4, 40), minutes=world.draw.below(500))
    lead.fate.status, lead.fate.ended = WORKING, None
    lead.row.update(Status=WORKING, LastModifiedDate=touched, SystemModstamp=touched)
    if lead.row["OwnerId"] == world.staff.departed:
        lead.row["OwnerId"] = world.draw.pick(world.staff.reps)


def set_traps(world: World) -> None:
    """Leads that only look faulty."""
    just_created = max(world.leads, key=lambda lead: lead.fate.created)
    just_created.row["LeadSource"] = None
    world.trap("LI001", just_created.row["Id"])
    for lead in _take(world, 1, _recently_qualified(world)):
        # No tick, but an amount; no decision maker, but the one who holds the purse.
        lead.row.update(Budget_Confirmed__c=False, Budget_Amount__c=20_000.0, Decision_Maker__c="Economic Buyer")
        world.trap("LQ001", lead.row["Id"])
    for lead in _take(world, 1, lambda lead: lead.fate.status == DISQUALIFIED and _age(world, lead) > 200):
        world.trap("LA004", lead.row["Id"])


def _recently_qualified(world: World) -> Callable[[Lead], bool]:
    def fits(lead: Lead) -> bool:
        return lead.fate.status == QUALIFIED and (world.as_of - lead.fate.created).days < RECENT[1]

    return fits


def _age(world: World, lead: Lead) -> int:
    return (world.as_of.date() - lead.fate.created.date()).days


def _take(world: World, count: int, fits: Callable[[Lead], bool]) -> list[Lead]:
    """So many leads of this kind that carry neither flaw nor trap, in random order."""
    free = [lead for lead in world.leads if lead.row["Id"] not in world.taken and fits(lead)]
    return world.draw.shuffled(free)[:count]

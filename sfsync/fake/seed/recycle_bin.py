"""The seeded org's recycle bin: records with every flaw there is, which no rule may find, because they are deleted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sfsync.fake.ids import make_id
from sfsync.fake.seed import plan
from sfsync.fake.seed.deals import add_direct_deal
from sfsync.fake.seed.leads import lead_row, set_criteria
from sfsync.fake.seed.setup import CONVERTED, DISQUALIFIED, LONG_GONE, NEW, PREFIXES, QUALIFIED
from sfsync.fake.seed.world import Fate, Lead, Row, World


def add_deleted_leads(world: World, leads: int) -> None:
    """Add leads to the recycle bin: junk, test records, and a duplicate that was merged into the one that is kept."""
    for number in range(max(5, leads // 250)):
        lead = _junk(world)
        if number < len(_FAULTY):
            _FAULTY[number](world, lead)
        lead.row.update(IsDeleted=True)
        deleted = min(world.latest, lead.fate.created + timedelta(days=world.draw.between(1, 90), minutes=7))
        lead.row.update(LastModifiedDate=deleted, SystemModstamp=deleted, LastModifiedById=world.staff.admin)


def _junk(world: World) -> Lead:
    draw = world.draw
    created = world.latest - timedelta(days=draw.between(100, 500), seconds=draw.below(36_000))
    company = world.crowd.company()
    fate = Fate(created, draw.weighted(plan.SOURCE_OFF_SEASON), DISQUALIFIED, created + timedelta(hours=9))
    lead = Lead({}, fate, company, world.crowd.person(company))
    lead.row = world.add("Lead", lead_row(world, lead))
    return lead


def _old_and_without_source(world: World, lead: Lead) -> None:
    lead.row.update(LeadSource=None, Status=NEW)
    world.trap("LI001", lead.row["Id"])
    world.trap("LA004", lead.row["Id"])


def _qualified_on_nothing(world: World, lead: Lead) -> None:
    set_criteria(world.draw, lead.row, (False,) * 4)
    lead.row["Status"] = QUALIFIED
    world.trap("LQ001", lead.row["Id"])


def _converted_to_nothing(world: World, lead: Lead) -> None:
    set_criteria(world.draw, lead.row, (False,) * 4)
    lead.row.update(Status=CONVERTED, IsConverted=True)
    # The opportunity is gone, and that it ever was is all the lead still knows.
    lead.row["ConvertedOpportunityId"] = make_id(PREFIXES["Opportunity"], LONG_GONE)
    for rule in ("LQ002", "CV001", "CV002", "CV003", "CV006"):
        world.trap(rule, lead.row["Id"])


def _merged(world: World, lead: Lead) -> None:
    kept = next(other for other in world.leads if other.row["Id"] not in world.taken)
    for field in ("FirstName", "LastName", "Name", "Company", "Email"):
        lead.row[field] = kept.row[field]
    lead.row["MasterRecordId"] = kept.row["Id"]


_FAULTY: tuple[Callable[[World, Lead], None], ...] = (
    _old_and_without_source,
    _qualified_on_nothing,
    _converted_to_nothing,
    _merged,
)


def add_deleted_deals(world: World) -> None:
    """Add an opportunity to the recycle bin for each way in which an opportunity can be faulty."""
    faults: dict[str, Row] = {
        "OP001": {"AccountId": None},
        "OP007": {"CloseDate": (world.as_of - timedelta(days=40)).date()},
        "FC001": {"IsWon": True},
    }
    for rule, fault in faults.items():
        created = world.latest - timedelta(days=world.draw.between(60, 90))
        deal = add_direct_deal(world, created, world.as_of + timedelta(days=20))
        deal.row.update(IsDeleted=True, **fault)
        deal.dates = (*deal.dates[:-1], deal.row["CloseDate"])
        deleted: datetime = world.latest - timedelta(days=world.draw.between(1, 20))
        deal.changed = min(deal.changed, deleted)
        deal.row.update(LastModifiedDate=deleted, SystemModstamp=deleted)
        world.trap(rule, deal.row["Id"])

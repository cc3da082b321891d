"""A believable Salesforce org made of nothing but a number: the same number, the same org, byte for byte.

It belongs to a firm that sells stock software to companies in a dozen countries: leads from several channels over
eighteen months, conversions, opportunities with stage history, activities. Known flaws are planted in it for every
audit rule, next to records that only look flawed, so that an audit's findings can be compared with the truth.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sfsync.fake.seed.activities import add_activities, add_contact_roles
from sfsync.fake.seed.conversions import convert_leads
from sfsync.fake.seed.copies import Copies, size_of_core
from sfsync.fake.seed.customers import add_customers
from sfsync.fake.seed.deals import add_direct_deals
from sfsync.fake.seed.draw import Draw
from sfsync.fake.seed.flaws import plant_flaws
from sfsync.fake.seed.history import add_history
from sfsync.fake.seed.leads import add_leads, recalculate
from sfsync.fake.seed.people import Crowd, hire
from sfsync.fake.seed.recycle_bin import add_deleted_deals, add_deleted_leads
from sfsync.fake.seed.setup import (
    DISQUALIFIED,
    custom_fields,
    definitions,
    lead_statuses,
    opportunity_stages,
    organization,
    picklist_values,
)
from sfsync.fake.seed.world import World

__all__ = ["FEWEST_LEADS", "MOST_LEADS", "SeedData", "custom_fields", "definitions", "picklist_values", "plant"]

#: An org needs so many leads to have every flaw.
FEWEST_LEADS = 50
MOST_LEADS = 1_000_000


@dataclass(frozen=True, slots=True)
class SeedData:
    """A seeded org: its records, and which of them are at fault.

    Attributes:
        tables: Object API name → records, each a dict of field → value. Datetimes are naive, mean UTC, and are whole
            seconds. All records of an object have the same fields, and deleted ones are there with `IsDeleted` true.
        planted: Rule id → 18-character Ids of all records that break that rule, with the rule's default parameters.
        traps: Rule id → Ids of some records that look as if they broke it, and do not.
        copies: What else a large org has: it is its `tables`, and copies of them that are yet to be made (`planted` and
            `traps` name their records too). An org of up to `plan.LARGEST_CORE` leads has none.
    """

    tables: dict[str, list[dict[str, Any]]]
    planted: dict[str, frozenset[str]]
    traps: dict[str, frozenset[str]]
    copies: Copies


def plant(seed: int, leads: int, as_of: datetime) -> SeedData:
    """Make the org of this number.

    Args:
        seed: Which org. The same seed, size and moment give the same org on every machine.
        leads: How many live leads it has; a few more lie in its recycle bin.
        as_of: Its present: naive means UTC. Nothing in it is later, and the last minutes are quiet.

    Raises:
        ValueError: When `leads` is not between `FEWEST_LEADS` and `MOST_LEADS`.
    """
    if not FEWEST_LEADS <= leads <= MOST_LEADS:
        raise ValueError(f"a seeded org has {FEWEST_LEADS} to {MOST_LEADS} leads, not {leads}")
    if as_of.tzinfo is not None:
        as_of = as_of.astimezone(UTC).replace(tzinfo=None)
    draw = Draw(seed)
    core, others = size_of_core(leads)
    world = World(draw, as_of.replace(microsecond=0), hire(draw, leads, as_of), Crowd(draw), parts=1 + len(others))
    _populate(world, core)
    copies = Copies(others, _spare(world), world.night) if others else Copies()
    return SeedData(world.tables, copies.everywhere(world.planted), copies.everywhere(world.traps), copies)


def _spare(world: World) -> str:
    """A lead that nothing else depends on."""
    kept = {row["MasterRecordId"] for row in world.tables["Lead"]}
    return next(
        str(lead.row["Id"])
        for lead in world.leads
        if lead.fate.status == DISQUALIFIED and lead.row["Id"] not in world.taken | kept
    )


def _populate(world: World, leads: int) -> None:
    staff = world.staff
    founded = staff.rows[0]["CreatedDate"]
    world.tables["Organization"].append(organization(founded, staff.admin))
    world.tables["LeadStatus"].extend(lead_statuses(founded, staff.admin))
    world.tables["OpportunityStage"].extend(opportunity_stages(founded, staff.admin))
    world.tables["User"].extend(staff.rows)
    add_customers(world, leads)
    add_leads(world, leads)
    convert_leads(world)
    add_direct_deals(world, leads)
    add_deleted_leads(world, leads)
    add_deleted_deals(world)
    plant_flaws(world, leads)
    world.clear()
    add_history(world)
    add_contact_roles(world)
    add_activities(world)
    recalculate(world)

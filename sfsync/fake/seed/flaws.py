"""Where the seeded org is at fault, and where it only looks so: one function a rule, run in this order.

Each takes records that carry no flaw yet, so that a record breaks one rule and no other.
"""

from __future__ import annotations

from sfsync.fake.seed import conversion_flaws, deal_flaws, lead_flaws
from sfsync.fake.seed.plan import flaw_count
from sfsync.fake.seed.world import World

# The choosiest come first, so that an org of fifty leads has a fitting record left for each.
_FLAWS = {
    "CV003": conversion_flaws.cv003_target_missing,
    "FM009": conversion_flaws.fm009_source_lost,
    "CV001": conversion_flaws.cv001_no_account,
    "CV002": conversion_flaws.cv002_no_contact,
    "LQ002": conversion_flaws.lq002_premature,
    "CV006": conversion_flaws.cv006_bad_date,
    "LQ001": lead_flaws.lq001_without_criteria,
    "LI001": lead_flaws.li001_no_source,
    "FC001": deal_flaws.fc001_flags,
    "OP007": deal_flaws.op007_past_due,
    "OP001": deal_flaws.op001_no_account,
    # Last, because what is too old depends on how long all the others took to convert.
    "LA004": lead_flaws.la004_too_old,
}


def plant_flaws(world: World, leads: int) -> None:
    """Plant every flaw and every trap of an org with so many leads."""
    conversion_flaws.set_traps(world)
    deal_flaws.set_traps(world)
    lead_flaws.set_traps(world)
    for rule, plant in _FLAWS.items():
        plant(world, flaw_count(rule, leads))

"""Flaws of opportunities: no account, a close date that has passed, flags that contradict the stage; and traps."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

from sfsync.fake.seed.setup import LAST_OPEN, LOST, WON
from sfsync.fake.seed.world import Deal, Row, World

#: Age in days from which an opportunity may have outlived its close date.
_OLD_ENOUGH = 24

#: Index of the first stage in which an owner may be sure of winning.
_LATE = 4


def op001_no_account(world: World, count: int) -> None:
    """Opportunities without an account; none that a lead was converted to, for that would be its own flaw."""
    converted = {conversion.deal.row["Id"] for conversion in world.conversions if conversion.deal is not None}
    for deal in _take(world, count, lambda d: d.row["Id"] not in converted):
        deal.row["AccountId"] = None
        world.plant("OP001", deal.row["Id"])


def op007_past_due(world: World, count: int) -> None:
    """Open opportunities whose close date has passed: some since days, some since weeks."""
    today = world.as_of.date()
    for number, deal in enumerate(_take(world, count, _may_be_overdue(world))):
        longest = min(60, (world.as_of - deal.row["CreatedDate"]).days - 10)
        overdue = (2, 5)[number] if number < 2 else world.draw.between(2, longest)
        close(deal, today - timedelta(days=overdue))
        world.plant("OP007", deal.row["Id"])


def fc001_flags(world: World, count: int) -> None:
    """Opportunities whose closed and won flags are not those of their stage."""
    ways: tuple[tuple[Callable[[Deal], bool], Row], ...] = (
        (lambda d: not d.row["IsClosed"], {"IsClosed": True}),
        (lambda d: d.path[-1] == WON, {"IsWon": False}),
        (lambda d: d.path[-1] == LOST, {"IsWon": True}),
    )
    for number, (fits, flags) in enumerate(ways):
        for deal in _take(world, (count - number + len(ways) - 1) // len(ways), fits):
            deal.row.update(flags)
            world.plant("FC001", deal.row["Id"])


def set_traps(world: World) -> None:
    """Opportunities that only look faulty."""
    for deal in _take(world, 1, _may_be_overdue(world)):
        close(deal, world.as_of.date())
        world.trap("OP007", deal.row["Id"])
    for deal in _take(world, 1, lambda d: _LATE <= d.path[-1] <= LAST_OPEN):
        # As good as won, says its owner; but not closed.
        deal.row["Probability"] = 100.0
        world.trap("FC001", deal.row["Id"])
    for deal in _take(world, 1, lambda d: d.path[-1] == LOST):
        world.trap("OP007", deal.row["Id"])


def close(deal: Deal, day: date) -> None:
    """Give an open opportunity a close date that its history can have led to."""
    created = deal.row["CreatedDate"]
    deal.row["CloseDate"] = day
    deal.dates = (*(min(earlier, day) for earlier in deal.dates[:-1]), day)
    latest_change = datetime.combine(day, created.time()) - timedelta(days=2)
    if deal.changed > latest_change:
        deal.changed = max(created + timedelta(hours=len(deal.path)), latest_change) if len(deal.path) > 1 else created


def _may_be_overdue(world: World) -> Callable[[Deal], bool]:
    def fits(deal: Deal) -> bool:
        is_old = (world.as_of - deal.row["CreatedDate"]).days >= _OLD_ENOUGH
        return is_old and not deal.row["IsClosed"]

    return fits


def _take(world: World, count: int, fits: Callable[[Deal], bool]) -> list[Deal]:
    """So many live opportunities of this kind that carry neither flaw nor trap, in random order."""
    gone = world.removed.get("Opportunity", set()) | world.taken
    free = [d for d in world.deals if d.row["Id"] not in gone and not d.row["IsDeleted"] and fits(d)]
    return world.draw.shuffled(free)[:count]

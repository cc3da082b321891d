"""How the seeded org behaves: where leads come from, how often and how fast they convert, how many flaws it has."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sfsync.fake.seed.draw import Lognormal, Weighted

#: Days of history before `as_of` in which leads are created: about eighteen months.
HISTORY_DAYS = 548

#: The largest org whose records are drawn one by one; see `copies` for those above.
LARGEST_CORE = 30_000

#: Nothing happens in the org in the last minutes: a pull reads up to a few minutes before the server's clock, and the
#: seeded org should be pulled whole by the first one.
QUIET = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Source:
    """A value of LeadSource, and how its leads fare.

    Attributes:
        name: The picklist value.
        share: Its share of leads, relative to the others.
        converts: Probability that a lead of it converts some day.
        pace: How long that takes, relative to the others.
        typed: Whether people enter these leads (else the web form does).
        in_season: Factor on the share in trade show months, and its inverse in the others.
    """

    name: str
    share: float
    converts: float
    pace: float
    typed: bool = True
    in_season: float = 1.0


SOURCES = (
    Source("Web", 33, 0.15, 1.0, typed=False),
    Source("Trade Show", 14, 0.12, 1.05, in_season=1.9),
    Source("Advertisement", 13, 0.09, 1.0, typed=False),
    Source("Purchased List", 12, 0.03, 1.05, typed=False),
    Source("Referral", 10, 0.38, 0.75),
    Source("Partner", 9, 0.30, 0.9),
    Source("Phone Inquiry", 9, 0.26, 0.7),
)
LEAD_SOURCES = (*(source.name for source in SOURCES), "Other")

SHOW_MONTHS = frozenset({3, 4, 9, 10})
SOURCE_IN_SEASON = Weighted([(source, source.share * source.in_season) for source in SOURCES])
SOURCE_OFF_SEASON = Weighted([(source, source.share / source.in_season) for source in SOURCES])

#: January to December: holidays in summer and in December, busy spring and autumn.
MONTH_WEIGHTS = (0.95, 1.0, 1.15, 1.05, 1.1, 1.05, 0.75, 0.65, 1.2, 1.2, 1.1, 0.6)
WEEKEND_WEIGHT = 0.22
#: How much busier the last day is than the first: the firm grows.
GROWTH = 1.35

#: Days from creation to conversion: median three weeks. The far tail is cut, because salespeople give up (see below).
CONVERSION_DAYS = Lognormal(26, 0.75, cut=0.94)
#: Days until a lead that will never convert is closed.
DISQUALIFICATION_DAYS = Lognormal(24, 0.7, cut=0.95)
#: Days until somebody first calls or writes.
FIRST_TOUCH_DAYS = Lognormal(0.6, 1.0, cut=0.97)
#: Days from creation of an opportunity to its close.
CYCLE_DAYS = Lognormal(46, 0.6, cut=0.97)

#: BANT criteria that are met when a lead converts → weight. Fewer than two is a premature conversion, a planted flaw.
CRITERIA_AT_CONVERSION = Weighted([(2, 25), (3, 35), (4, 40)])
#: BANT criteria that are met when a lead converts → how often its opportunity is won.
WIN_RATE_BY_CRITERIA = {0: 0.08, 1: 0.12, 2: 0.25, 3: 0.31, 4: 0.36}
WIN_RATE_DIRECT = 0.31


@dataclass(frozen=True, slots=True)
class Segment:
    """A size of customer, with its head count and its deals."""

    share: float
    staff: tuple[int, int]
    amount: Lognormal
    won_factor: float


SEGMENTS = (
    Segment(60, (4, 90), Lognormal(7_500, 0.5), 1.15),
    Segment(30, (100, 900), Lognormal(32_000, 0.5), 0.95),
    Segment(10, (1_000, 24_000), Lognormal(140_000, 0.5), 0.7),
)
SEGMENT = Weighted([(segment, segment.share) for segment in SEGMENTS])


def flaw_count(rule: str, leads: int) -> int:
    """How many records shall break this rule in an org of so many leads."""
    least, share = FLAWS[rule]
    return max(least, round(share * leads))


#: Rule → (smallest number of flaws, flaws a lead of the org).
FLAWS = {
    "LI001": (3, 0.02),
    "LQ001": (2, 0.002),
    "LQ002": (2, 0.012),
    "LA004": (3, 0.015),
    "CV001": (2, 0.002),
    "CV002": (2, 0.003),
    "CV003": (3, 0.006),
    "CV006": (3, 0.003),
    "FM009": (2, 0.006),
    "OP001": (2, 0.004),
    "OP007": (3, 0.012),
    "FC001": (3, 0.004),
}

#: From so many conversions of a source on, how long they took says from which age its leads are too old; else 90 days.
ENOUGH_CONVERSIONS = 50
OLD_LEAD_DAYS = 90.0
#: Share of conversions that are done by that age.
CONVERTED_BY_THEN = 0.95

#: Records that look guilty and are not, one kind each; like the flaws, they need records of their own.
TRAPS_ON_CONVERSIONS = 6
TRAPS_ON_DEALS = 3
TRAPS_ON_QUALIFIED = 1

"""How to pull: everything a user may choose, in one record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from sfsync.config.document import Document
from sfsync.config.settings import Settings
from sfsync.sync.budget import ONLY_RESERVE, BudgetLimits
from sfsync.sync.read import ApiChoice
from sfsync.sync.selection import Selection, selection_of, selections_from


@dataclass(frozen=True, slots=True)
class PullOptions:
    """How to pull.

    Attributes:
        lag: How far the upper bound stays behind the org's clock, so that transactions under way can commit.
        overlap: How far behind the last upper bound to read again.
        bulk_threshold: From how many records on an object is read by Bulk API 2.0.
        api: `auto` chooses by size.
        timezone: In which the days of date literals in mapping filters begin.
        fiscal_year_start_month: When fiscal date literals begin, 1 to 12.
        history: Whether superseded versions of records are kept.
        without_history: Objects of which none are kept all the same.
        concurrency: How many objects are read at once.
        budget: What it may cost.
        selections: Object → which part of it is mirrored; everything of an object that is not named.
        full: Read every record again, whatever the last pull read.
        most_vanished: Largest share (0 to 1) of an object's records that may be taken for deleted because the org no
            longer lists them.
        formulas_every: How often formula and roll-up fields are read again; None for never.
        formulas_calls: How many API calls a pull may spend on it.
        formulas_now: Read them again now, whatever their turn and their budget.
    """

    lag: timedelta = timedelta(minutes=5)
    overlap: timedelta = timedelta(minutes=10)
    bulk_threshold: int = 5000
    api: ApiChoice = "auto"
    timezone: str = "UTC"
    fiscal_year_start_month: int = 1
    history: bool = True
    without_history: frozenset[str] = frozenset()
    concurrency: int = 4
    budget: BudgetLimits = ONLY_RESERVE
    selections: Mapping[str, Selection] = field(default_factory=dict)
    full: bool = False
    most_vanished: float = 0.05
    formulas_every: timedelta | None = timedelta(days=1)
    formulas_calls: int = 200
    formulas_now: bool = False

    @property
    def chosen_objects(self) -> list[str] | None:
        """The objects that selections name, or None for the default set."""
        return list(self.selections) or None

    def selection(self, object_name: str) -> Selection:
        """Which part of this object is mirrored."""
        return selection_of(self.selections, object_name)

    def keeps_history(self, object_name: str) -> bool:
        """Whether superseded versions of this object are kept."""
        chosen = self.selection(object_name).history
        if chosen is not None:
            return chosen
        return self.history and object_name.casefold() not in {name.casefold() for name in self.without_history}


def options_from(
    settings: Settings, document: Document | None = None, *, api: ApiChoice = "auto", full: bool = False
) -> PullOptions:
    """How a project wants to be pulled.

    Args:
        settings: Of the project.
        document: The file behind them, for places in messages.
        api: How to read, as the user wants it this time.
        full: Read every record again, this time.
    """
    chosen = settings.pull
    return PullOptions(
        lag=chosen.lag,
        overlap=chosen.overlap,
        bulk_threshold=chosen.bulk_threshold,
        api=api,
        timezone=settings.timezone,
        fiscal_year_start_month=settings.fiscal_year_start_month,
        history=chosen.history,
        without_history=frozenset(chosen.without_history),
        concurrency=chosen.concurrency,
        budget=BudgetLimits(**chosen.budget.model_dump()),
        selections=selections_from(settings, document),
        full=full,
        most_vanished=chosen.most_vanished,
        formulas_every=chosen.formulas.every,
        formulas_calls=chosen.formulas.calls,
    )

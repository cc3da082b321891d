"""Formula and roll-up fields move without SystemModstamp: they are read again for every record, on a schedule."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from sfsync.errors import BudgetReached, IncompleteAnswer, LimitReached, RequestRefused, TemporaryFailure
from sfsync.records import ObjectDescribe
from sfsync.store import Store
from sfsync.store.drift import Drift
from sfsync.store.fill import FillOptions, fill_columns
from sfsync.store.mirror import ObjectState, object_states
from sfsync.store.refreshes import Refresh, calculated_fields, last_refreshes, note_refresh
from sfsync.sync.columns import only
from sfsync.sync.forecast import cost_of
from sfsync.sync.options import PullOptions
from sfsync.sync.read import Reader
from sfsync.sync.window import everything

#: A nightly pull does not begin to the second: it may come this share of the interval early, and counts all the same.
_EARLY = 24


@dataclass(frozen=True, slots=True)
class FormulaRefresh:
    """What became of the calculated fields of one object.

    Attributes:
        object: API name.
        state: `done`; `skipped` (more calls than `formulas_calls` allows); `postponed` (the pull's budget did not
            last); `failed`. Unless it is done, the fields are as they were, and `sfsync status` tells how old.
        rows: Records read.
        changed: Records of which a calculated value had moved.
        reason: Why it is not done.
    """

    object: str
    state: Literal["done", "skipped", "postponed", "failed"]
    rows: int = 0
    changed: int = 0
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class FormulaReading:
    """What the refreshes of one pull share."""

    store: Store
    reader: Reader
    upper: datetime
    options: PullOptions

    def refresh(self, describes: Mapping[str, ObjectDescribe], whole: AbstractSet[str]) -> tuple[FormulaRefresh, ...]:
        """Refresh the calculated fields of each object that has some and whose turn it is, the stalest first.

        Args:
            describes: The objects that this pull has brought up to date.
            whole: Those of which it has read every record with every field, so that there is nothing to read again.
        """
        with self.store.reading() as session:
            states, last = object_states(session), last_refreshes(session)
        due = [
            (last.get(name, datetime.min), describe, states[name])  # noqa: DTZ901 - instants here are naive UTC
            for name, describe in describes.items()
            if name in states
            and name not in whole
            and calculated_fields(describe)
            and self._is_due(name, last.get(name))
        ]
        return tuple(self._each(sorted(due, key=lambda one: (one[0], one[1].name))))

    def _is_due(self, object_name: str, last: datetime | None) -> bool:
        if self.options.formulas_now:
            return True
        every = self.options.formulas_every
        if every is None or self.options.selection(object_name).formulas is False:
            return False
        return last is None or self.upper - last >= every - every / _EARLY

    def _each(self, due: list[tuple[datetime, ObjectDescribe, ObjectState]]) -> Iterator[FormulaRefresh]:
        left = self.options.formulas_calls
        for _, describe, state in due:
            needed = cost_of(state, Drift(created=True), state.rows, self.options).calls
            if not self.options.formulas_now and needed > left:
                reason = f"about {needed:,} API calls are needed, and {max(0, left):,} are left for formulas"
                yield FormulaRefresh(describe.name, "skipped", reason=reason)
                continue
            before = self.reader.org.usage.calls
            try:
                yield self._one(describe, state)
            except (BudgetReached, LimitReached) as error:
                yield FormulaRefresh(describe.name, "postponed", reason=error.message)
            except (RequestRefused, IncompleteAnswer, TemporaryFailure) as error:
                yield FormulaRefresh(describe.name, "failed", reason=error.message)
            left -= self.reader.org.usage.calls - before

    def _one(self, describe: ObjectDescribe, state: ObjectState) -> FormulaRefresh:
        """Read the calculated fields of every record, and store those that moved."""
        fields = calculated_fields(describe)
        narrow = only(describe, fields)
        own = replace(self.reader, spool=self.reader.spool / f"{describe.name}.formulas")
        try:
            spooled = own.read(narrow, everything(self.options.selection(describe.name)), state.rows)
            history = state.upper_bound if self.options.keeps_history(describe.name) else None
            with self.store.writing() as session:
                options = FillOptions(spooled.rows, history)
                counts = fill_columns(session, narrow, fields, spooled.pages, options)
                note_refresh(session, Refresh(describe.name, self.upper, counts.read, counts.changed))
            spooled.after_commit()
        finally:
            shutil.rmtree(own.spool, ignore_errors=True)
        return FormulaRefresh(describe.name, "done", counts.read, counts.changed)

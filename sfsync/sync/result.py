"""What a pull did: for programs, for notebooks and for schedulers that carry it from one process to another."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from html import escape
from typing import TYPE_CHECKING, Any

from sfsync.sync.events import ObjectResult
from sfsync.sync.formulas import FormulaRefresh

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = ("object", "state", "api", "read", "inserted", "updated", "deleted", "total", "reason")


@dataclass(frozen=True, slots=True, repr=False)
class PullResult:
    """What a pull did.

    Attributes:
        run_id: Its row in `sfsync.runs`.
        as_of: Upper bound (naive UTC): every record committed before it is in the mirror.
        objects: One result an object, those left out included.
        local_tables: Local tables that mappings show.
        api_calls: Requests sent to the org.
        bulk_jobs: Bulk jobs begun.
        hint: When and how to go on, when the budget was reached; else None.
        formulas: What became of calculated fields whose turn it was to be read again, one an object.
    """

    run_id: str
    as_of: datetime
    objects: tuple[ObjectResult, ...]
    local_tables: tuple[str, ...]
    api_calls: int
    bulk_jobs: int = 0
    hint: str | None = None
    formulas: tuple[FormulaRefresh, ...] = ()

    @property
    def failed(self) -> tuple[ObjectResult, ...]:
        """The objects that could not be read; their rows and cursors are as they were."""
        return tuple(result for result in self.objects if result.state == "failed")

    @property
    def postponed(self) -> tuple[ObjectResult, ...]:
        """The objects for which the budget did not last; the next pull goes on with them."""
        return tuple(result for result in self.objects if result.state == "postponed")

    @property
    def complete(self) -> bool:
        """Whether every object is up to date that the org has and the user may read."""
        waiting = any(each.state == "postponed" for each in self.formulas)
        return not self.failed and not self.postponed and not waiting

    def rows(self) -> list[dict[str, Any]]:
        """One dict an object."""
        return [asdict(result) for result in self.objects]

    def to_pandas(self) -> pd.DataFrame:
        """One row an object, as a pandas DataFrame."""
        import pandas as pd  # noqa: PLC0415 - paid by those who want it

        return pd.DataFrame(self.rows(), columns=[each.name for each in fields(ObjectResult)])

    def __repr__(self) -> str:
        states = Counter(result.state for result in self.objects)
        told = ", ".join(f"{number} {state}" for state, number in states.items()) or "no objects"
        when = f"{self.as_of:%Y-%m-%d %H:%M:%S} UTC"
        return f"<PullResult {self.run_id}: {told}; as of {when}; {self.api_calls} API calls>"

    def _repr_html_(self) -> str:
        """What a notebook shows: one row an object; reasons may hold values from the org, so they are escaped."""
        head = "".join(f"<th>{name}</th>" for name in _SHOWN)
        body = "".join(
            "<tr>" + "".join(f"<td>{_cell(row[name])}</td>" for name in _SHOWN) + "</tr>" for row in self.rows()
        )
        return f"<table><caption>{escape(repr(self)[1:-1])}</caption><tr>{head}</tr>{body}</table>"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else escape(str(value))

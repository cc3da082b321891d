"""What an apply did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sfsync.sync.apply.tables import STATES
from sfsync.sync.plan.stored import PlanKind


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """What became of the changes of one step: numbers by state."""

    step: int
    object: str
    action: str
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class ApplyResult:
    """What an apply did, over all runs of its plan.

    Attributes:
        run_id: Its row in `sfsync.runs`.
        plan_id: The plan.
        kind: Of the plan: `push`, `undo` or `fix`.
        counts: State → number of changes of the whole plan.
        steps: The same, a step.
        codes: Code → number of rejected changes.
        api_calls: Requests sent to the org.
        bulk_jobs: Bulk jobs begun.
        stopped: Why it stopped before the end, or None.
        hint: How to go on, or None.
        retryable: Rejected changes that may succeed when they are sent again.
        results: Folder of the result files, or None.
        notes: What is left out of those files, and why.
        keyless: New records of rows without a key: planned again, the same rows would make them a second time.
    """

    run_id: str
    plan_id: str
    counts: Mapping[str, int]
    steps: tuple[StepOutcome, ...]
    codes: Mapping[str, int]
    api_calls: int
    bulk_jobs: int
    stopped: str | None = None
    hint: str | None = None
    retryable: int = 0
    results: Path | None = None
    notes: tuple[str, ...] = ()
    keyless: int = 0
    kind: PlanKind = "push"

    @property
    def complete(self) -> bool:
        """Whether every change is written."""
        return not any(self.counts[state] for state in STATES if state != "done")

    def __repr__(self) -> str:
        told = ", ".join(f"{self.counts[state]:,} {state}" for state in STATES if self.counts[state]) or "nothing"
        return f"<ApplyResult {self.run_id} of plan {self.plan_id}: {told}; {self.api_calls} API calls>"

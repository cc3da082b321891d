"""How to apply a plan: everything a user may choose, in one record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sfsync.salesforce.bulk_ingest import MOST_BYTES
from sfsync.sync.budget import ONLY_RESERVE, BudgetLimits


@dataclass(frozen=True, slots=True)
class ApplyOptions:
    """How to apply a plan.

    Attributes:
        bulk_from: A step with more changes than that is written by Bulk API 2.0, others by Collections.
        most_rows: Records of one Bulk job.
        most_bytes: Bytes of the file of one Bulk job.
        batch_rows: Records of one Collections request, at most 200.
        patience: Seconds to wait for a Bulk job; it goes on in the org, and `apply --resume` takes it up.
        settles_after: How long a write without an answer may still be at work in the org. Until then a record without
            an external Id that cannot be found is not sent again.
        budget: What it may cost.
        by_parent: Records of one parent are sent together, one request after the other: for records that were locked.
    """

    bulk_from: int = 2000
    most_rows: int = 250_000
    most_bytes: int = MOST_BYTES * 95 // 100
    batch_rows: int = 200
    patience: float = 4 * 3600.0
    settles_after: timedelta = timedelta(minutes=15)
    budget: BudgetLimits = ONLY_RESERVE
    by_parent: bool = False

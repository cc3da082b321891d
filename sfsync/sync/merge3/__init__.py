"""The three-way merge of two-way tables: what people changed here, what the org changed, what both agreed on."""

from __future__ import annotations

from sfsync.sync.merge3.base import settle
from sfsync.sync.merge3.conflicts import Conflict, Settled, open_conflicts, settled_conflicts
from sfsync.sync.merge3.desired import desired_from_two_way, keep_for_plan, ready_table
from sfsync.sync.merge3.merge import Merged, merge, merge_every
from sfsync.sync.merge3.resolve import resolve

__all__ = [
    "Conflict",
    "Merged",
    "Settled",
    "desired_from_two_way",
    "keep_for_plan",
    "merge",
    "merge_every",
    "open_conflicts",
    "ready_table",
    "resolve",
    "settle",
    "settled_conflicts",
]

"""The rows of a two-way table, as a plan reads them: only those that were edited, and of them only what was."""

from __future__ import annotations

from collections.abc import Mapping as AnyMapping
from datetime import datetime

from sfsync.mapping.schema import Mapping
from sfsync.mapping.two_way import has_base
from sfsync.records import ObjectDescribe
from sfsync.store.interface import Session
from sfsync.sync.merge3.desired import desired_from_two_way, keep_for_plan
from sfsync.sync.plan.options import PlanOptions
from sfsync.sync.plan.work import PlanSource


def two_way_rows(
    session: Session,
    mapping: Mapping,
    describes: AnyMapping[str, ObjectDescribe],
    options: PlanOptions,
    as_of: datetime,
) -> PlanSource | None:
    """The edits of a mapping's two-way table; None where it has none (a table of yours is read whole)."""
    if mapping.direction != "both" or mapping.source is not None or not has_base(session, mapping.local_table):
        return None
    rows = desired_from_two_way(session, mapping, describes, as_of=as_of, calendar=options.calendar)
    return PlanSource(
        rows.table,
        rows.columns,
        str(mapping.local_table),
        rows.rows,
        rows.notes,
        complete=False,
        edited=rows.edited,
        extra_notes=rows.note,
        gone=rows.deleted,
        when_kept=lambda kept_by, plan_id: keep_for_plan(kept_by, plan_id, rows),
    )

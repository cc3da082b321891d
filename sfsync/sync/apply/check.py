"""The look right before a write: a record that moved since the plan was made is not written over."""

from __future__ import annotations

from sfsync.store.interface import Session
from sfsync.store.names import literal, quote, table
from sfsync.sync.apply.step_rows import StepRows, referred
from sfsync.sync.apply.tables import unsettled
from sfsync.sync.apply.work import Apply

#: The record holds other values than the plan saw, or is gone.
CHANGED = "CHANGED_SINCE_PLAN"
#: A record with the key of one that was to be made is there by now.
EXISTS = "EXISTS_SINCE_PLAN"
#: What this change refers to was not written.
NO_PARENT = "PARENT_NOT_WRITTEN"


def reject_moved(
    session: Session, work: Apply, rows: StepRows, current: str, *, every: bool, only: str = "TRUE"
) -> None:
    """Settle the pending changes whose records moved.

    Args:
        session: A writing session.
        work: The apply.
        rows: Of the step.
        current: Table of records as they are in the org now.
        every: It has every record that the changes are about, so one that it lacks is gone.
        only: SQL of which of the pending changes.
    """
    if rows.is_keyless:
        return
    for reason, code, joined in _reasons(rows, current, every=every):
        settled = f"{rows.from_sql} {joined} WHERE {rows.pending} AND {only} AND {reason} IS NOT NULL"
        session.execute(work.settle(rows.step, settled, state="'rejected'", code=literal(code), message=reason))


def _reasons(rows: StepRows, current: str, *, every: bool) -> list[tuple[str, str, str]]:
    """Why a change may not be sent: SQL of a text or NULL, the code, and what is to be joined for it."""
    reasons = []
    name = rows.step.object
    by_id = f'{"LEFT " if every else ""}JOIN {current} AS c ON c."Id" = {rows.record_id}'
    if rows.key_field is None or rows.step.action == "upsert":
        gone = literal(f"the {name} is no longer there")
        conditions = [f'c."Id" IS NULL AND {rows.record_id} IS NOT NULL'] if every else []
        if rows.describe.field("IsDeleted") is not None:
            conditions.append('c."IsDeleted"')
        if conditions:
            reasons.append((f"CASE WHEN {' OR '.join(conditions)} THEN {gone} END", CHANGED, by_id))
        reasons.append((moved_fields(rows, "c"), CHANGED, by_id.removeprefix("LEFT ")))
    if rows.key_field is not None and rows.describe.field(rows.key_field) is not None:
        new = "" if rows.step.action == "create" else f" AND {rows.record_id} IS NULL"
        there = f'{literal(name + " ")} || c."Id" || {literal(f" has this {rows.key_field} by now")}'
        alive = ' AND NOT c."IsDeleted"' if rows.describe.field("IsDeleted") is not None else ""
        first = f'(SELECT min("Id") AS "Id", {quote(rows.key_field)} FROM {current} AS c WHERE TRUE{alive} GROUP BY 2)'
        reasons.append((there, EXISTS, f"JOIN {first} AS c ON {rows.same_key('c')}{new}"))
    return reasons


def moved_fields(rows: StepRows, alias: str) -> str:
    """SQL of a text that names the fields whose value is neither the one before nor the one to be written, or NULL."""
    if rows.step.action == "delete":
        if rows.describe.field("SystemModstamp") is None:
            return "NULL"
        moved = f'{alias}."SystemModstamp" IS DISTINCT FROM s.org_stamp AND s.org_stamp IS NOT NULL'
        return f"CASE WHEN {moved} THEN 'the record was changed since the plan was made' END"
    names = [
        f"CASE WHEN {rows.differs(each, alias, from_before=True)} THEN {literal(each.name)} END"
        for each in rows.compared
    ]
    if not names:
        return "NULL"
    named = f"nullif(concat_ws(', ', {', '.join(names)}), '')"
    return f"{named} || ' was changed in the org since the plan was made'"


def reject_orphans(session: Session, work: Apply, rows: StepRows) -> None:
    """Settle the changes that refer to a record which was not made, naming the row that should have made it."""
    makers = [step for step in work.plan.steps if step.step < rows.step.step and step.action in {"create", "upsert"}]
    if not makers:
        return
    made = " UNION ALL ".join(f"SELECT change_no, source_row FROM {step.table}" for step in makers)
    for column in rows.referring:
        number = referred(column)
        row = "CASE WHEN m.source_row IS NULL THEN '' ELSE ', row ' || m.source_row || ' of its source' END"
        what = "the record to be changed" if column == "record_id" else column
        message = (
            f"{literal(what + ' is the ')} || q.object || ' of change ' || q.change_no || {row} || ', which was '"
            " || q.state || coalesce(': ' || q.code, '')"
        )
        parents = (
            f"{rows.from_sql} JOIN sfsync.outcomes AS q ON q.plan_id = {literal(work.plan.id)}"
            f" AND q.change_no = {number} AND q.state IN ('rejected', 'refused')"
            f" LEFT JOIN ({made}) AS m ON m.change_no = q.change_no"
            f" WHERE s.refused IS NULL AND {unsettled(work.plan.id)}"
        )
        session.execute(work.settle(rows.step, parents, state="'rejected'", code=literal(NO_PARENT), message=message))


def mirror_moved(rows: StepRows, *, pending_only: bool) -> str | None:
    """SQL of the changes that the mirror itself shows to be out of date: change_no, and the reason.

    None where the mirror says nothing about them.
    """
    if not rows.mirrored or rows.is_keyless:
        return None
    where = rows.pending if pending_only else "s.refused IS NULL"
    mirror, name = table("sf_all", rows.step.object), rows.step.object
    gone = 'm."IsDeleted"' if "IsDeleted" in rows.mirrored else "FALSE"
    parts = []
    if rows.key_field is None or rows.step.action == "upsert":
        deleted = literal(f"the {name} is no longer there")
        parts.append(
            f"SELECT s.change_no, s.record_id AS record_id, CASE WHEN {gone} THEN {deleted} ELSE "
            f"{moved_fields(rows, 'm')} END AS reason FROM {rows.from_sql} "
            f'JOIN {mirror} AS m ON m."Id" = s.record_id WHERE {where}'
        )
    if rows.key_field is not None and rows.key_field in rows.mirrored:
        new = "" if rows.step.action == "create" else " AND s.record_id IS NULL"
        parts.append(
            f'SELECT s.change_no, m."Id" AS record_id, {literal(f"{name} ")} || m."Id" || '
            f"{literal(f' has this {rows.key_field} by now')} AS reason FROM {rows.from_sql} "
            f"JOIN {mirror} AS m ON {rows.same_key('m')} WHERE {where} AND NOT {gone}{new}"
        )
    return f"SELECT change_no, record_id, reason FROM ({' UNION ALL '.join(parts)}) AS x WHERE reason IS NOT NULL"


def reject_moved_in_mirror(session: Session, work: Apply, rows: StepRows) -> None:
    """Settle pending changes whose records a later pull has found to be changed, before the org is asked."""
    moved = mirror_moved(rows, pending_only=True)
    if moved is None:
        return
    name = quote("apply moved")
    session.execute(f"DROP TABLE IF EXISTS {name}")
    session.execute(
        f"CREATE TEMPORARY TABLE {name} AS SELECT change_no, min(reason) AS reason FROM ({moved}) GROUP BY 1"
    )
    code = f"CASE WHEN {rows.record_id} IS NULL THEN {literal(EXISTS)} ELSE {literal(CHANGED)} END"
    joined = f"{rows.from_sql} JOIN {name} AS x ON x.change_no = s.change_no WHERE {rows.pending}"
    session.execute(work.settle(rows.step, joined, state="'rejected'", code=code, message="x.reason"))

"""The save of pending rows: derived fields, rules, references, uniqueness, and at last the database."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sfsync.fake.dml import primaries, refusals
from sfsync.fake.dml.call import Call, behaviour_of
from sfsync.fake.dml.derived import Circumstances, derive, has_derived
from sfsync.fake.dml.history import histories_of
from sfsync.fake.dml.outcome import RowError, RowOutcome
from sfsync.fake.dml.pending import PendingRow
from sfsync.fake.dml.primaries import step_down
from sfsync.fake.dml.references import check_references
from sfsync.fake.dml.storage import add_rows, insert_rows, update_rows
from sfsync.fake.dml.uniqueness import check_uniqueness

Step = Callable[[Call, Sequence[PendingRow]], None]


def save(call: Call, rows: Sequence[PendingRow]) -> None:
    """Take pending rows through everything that stands between them and the database, and write those that pass.

    With `all_or_none` nothing is written when a row is refused.
    """
    steps: tuple[Step, ...] = (_derive, _ask_rules, _derive, check_references, check_uniqueness, _meet_locks)
    if call.options.system:
        steps = (_derive,)
    for step in steps:
        sound = [row for row in rows if not row.errors]
        if sound:
            step(call, sound)
    sound = [row for row in rows if not row.errors]
    if sound and not (call.options.all_or_none and len(sound) < len(rows)):
        _write(call, sound)


def outcome(row: PendingRow, *, undone: bool) -> RowOutcome:
    """What to tell the client of one record; `undone` when its company was not all right."""
    known = None if row.is_new else row.record_id or None
    errors: Sequence[RowError] = row.errors
    if errors or undone:
        return RowOutcome(known, created=False, errors=tuple(errors) or (refusals.rolled_back(),))
    return RowOutcome(row.record_id, created=row.is_new)


def _derive(call: Call, rows: Sequence[PendingRow]) -> None:
    if not has_derived(call.shape.name):
        return
    circumstances = Circumstances(
        stages=call.state.stages(call.cursor) if call.shape.name == "Opportunity" else {},
        fiscal_start_month=call.org.settings.fiscal_start_month,
        now=call.now,
        exact=call.options.system,
    )
    for row in rows:
        derive(call.shape.name, row, circumstances)


def _ask_rules(call: Call, rows: Sequence[PendingRow]) -> None:
    """Let the org's own rules speak, and its assignment rules act."""
    behaviour = behaviour_of(call.org)
    if behaviour is None:
        return
    behaviour.check(call.shape.name, rows, call.options)
    sound = [row for row in rows if not row.errors]
    if sound:
        behaviour.assign(call.shape.name, sound, call.options)


def _meet_locks(call: Call, rows: Sequence[PendingRow]) -> None:
    """Let the weather lock some of the records."""
    ids = [None if row.is_new else row.record_id for row in rows]
    for place, error in call.org.weather.row_errors(call.shape.name, ids).items():
        rows[place].errors.append(error)


def _write(call: Call, rows: Sequence[PendingRow]) -> None:
    histories = histories_of(call, rows)
    new = [row for row in rows if row.is_new]
    known = [row for row in rows if not row.is_new]
    insert_rows(call.cursor, call.facts, [row.after for row in new])
    if known:
        update_rows(call.cursor, call.facts, _changed_columns(known), [row.after for row in known])
    for name, entries in histories.items():
        add_rows(call.org.database, call.cursor, call.on(name).facts, entries)
    if call.shape.name == "OpportunityStage":
        call.state.forget_stages()
    moved = step_down(call, rows) if call.shape.name == primaries.OBJECT and not call.options.system else []
    refresh(call, [*(row.record_id for row in rows), *moved])


def refresh(call: Call, ids: Sequence[str]) -> None:
    """Bring calculated fields up to date after records were written."""
    behaviour = vars(call.org).get("behaviour")  # while nobody asked for it, nobody declared anything either
    if behaviour is not None and ids:
        behaviour.refresh(call.shape.name, ids)


def _changed_columns(rows: Sequence[PendingRow]) -> list[str]:
    changed: dict[str, None] = {}
    for row in rows:
        before = row.before or {}
        for name, value in row.after.items():
            if value is not before[name] and value != before[name]:
                changed[name] = None
    return list(changed)

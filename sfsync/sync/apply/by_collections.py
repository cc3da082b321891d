"""Sends a step by Collections: up to 200 changes in one request, one request after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sfsync.errors import (
    AuthenticationFailed,
    BudgetReached,
    LimitReached,
    OutcomeUnknown,
    RequestRefused,
    SalesforceError,
    SessionExpired,
    SfsyncError,
)
from sfsync.records import FieldDescribe
from sfsync.salesforce.collections import MOST_RECORDS, Collections, RowAnswer
from sfsync.store.interface import Session
from sfsync.store.names import literal, quote
from sfsync.sync.apply.check import reject_moved
from sfsync.sync.apply.current import Current, CurrentReader
from sfsync.sync.apply.events import Trouble
from sfsync.sync.apply.step_rows import StepRows, in_stretches, is_set_of, stretches
from sfsync.sync.apply.tables import Span
from sfsync.sync.apply.unknown import mark_unknown, resolve_unknown
from sfsync.sync.apply.work import Apply, write_options

_NOW, _BATCH = quote("apply now"), quote("apply batch")
#: So many requests in a row may lose their answers before the run gives up.
_MOST_LOST = 3
#: So many changes are looked at for the next request.
_STRETCH = 10_000
_INTEGERS, _NUMBERS = frozenset({"int", "long"}), frozenset({"double", "currency", "percent"})


@dataclass(frozen=True, slots=True)
class _Request:
    """One request: the batch's number, its changes in order, and their records."""

    number: int
    changes: list[int]
    records: list[dict[str, Any]]


def send_by_collections(work: Apply, rows: StepRows) -> None:
    """Send the pending changes of a step.

    Args:
        work: The apply.
        rows: Of the step.

    Raises:
        OutcomeUnknown: The answers of several requests in a row were lost.
        SfsyncError: The org cannot be written to now; what was not sent is pending.
    """
    lost = 0
    for near in in_stretches(work.store, rows, lambda session: _spans(session, work, rows)):
        while chosen := _choose(work, near):
            request = _prepare(work, near, [change for change, _key in chosen], _current(work, rows, chosen))
            if request is None:
                continue
            try:
                answers = _send(work, rows, request)
            except OutcomeUnknown as error:
                lost += 1
                work.on_event(Trouble(rows.step.object, error.message))
                with work.store.writing() as session:
                    mark_unknown(session, work, near, request.number, "ANSWER_LOST", error.message)
                resolve_unknown(work, rows)
                if lost >= _MOST_LOST:
                    raise
                continue
            except RequestRefused as error:
                answers = [RowAnswer(done=False, code=error.error_code, message=error.message)] * len(request.changes)
            except (BudgetReached, SalesforceError) as error:
                if _did_nothing(error):
                    work.void_batch(request.number)
                raise
            lost = 0
            _store_answers(work, near, request, answers)
            work.run.note_spending(work.store)


def _spans(session: Session, work: Apply, rows: StepRows) -> list[Span]:
    """Stretches of a step, so that no request looks at more than its own; parent by parent, the whole step is one."""
    return stretches(session, rows, rows.pending, None if work.options.by_parent else _STRETCH)


def _did_nothing(error: SfsyncError) -> bool:
    """Whether the request was not sent, or the org certainly did not act on it."""
    if isinstance(error, SalesforceError) and error.unprocessed:
        return True
    return isinstance(error, BudgetReached | LimitReached | SessionExpired | AuthenticationFailed)


def _choose(work: Apply, rows: StepRows) -> list[tuple[int, str | None]]:
    """The next changes: number and key (or Id of the record); of twins one, for a request may name a record once."""
    size = min(work.options.batch_rows, MOST_RECORDS)
    order = f"{parent_of(rows)}, s.change_no" if work.options.by_parent else "s.change_no"
    asked = f"SELECT s.change_no, NULL FROM {rows.from_sql} WHERE {rows.pending} ORDER BY {order} LIMIT {size}"
    if not rows.is_keyless:
        twin = f"row_number() OVER (PARTITION BY {rows.correlation} ORDER BY s.change_no)"
        asked = (
            f"SELECT change_no, key FROM (SELECT s.change_no, {rows.correlation} AS key, {twin} AS twin, "
            f"row_number() OVER (ORDER BY {order}) AS place FROM {rows.from_sql} WHERE {rows.pending}) AS x "
            f"WHERE twin = 1 ORDER BY place LIMIT {size}"
        )
    with work.store.reading() as session:
        return session.execute(asked).rows


def parent_of(rows: StepRows) -> str:
    """SQL of the record that the org locks with a change: the first parent that is written, or known to the mirror."""
    skipped = {"OwnerId", "CreatedById", "LastModifiedById", "RecordTypeId"}
    parents = [f.name for f in rows.describe.fields if f.type == "reference" and f.name not in skipped]
    written = [rows.value(name) for name in parents if name in rows.step.fields]
    known = [
        f'(SELECT m.{quote(name)} FROM "sf_all".{quote(rows.step.object)} AS m WHERE m."Id" = {rows.record_id})'
        for name in parents
        if name in rows.mirrored
    ]
    return f"coalesce({', '.join([*written, *known, 'NULL'])}, '')"


def _current(work: Apply, rows: StepRows, chosen: list[tuple[int, str | None]]) -> Current | None:
    """The records of these changes as they are now; None where there can be none."""
    if rows.is_keyless:
        return None
    by = rows.key_field or "Id"
    fields = tuple(dict.fromkeys((by, *(each.name for each in rows.compared))))
    reader = CurrentReader(work.org, rows.describe, fields, work.folder)
    return reader.by_values(by, [key for _change, key in chosen if key is not None])


def _prepare(work: Apply, rows: StepRows, changes: list[int], current: Current | None) -> _Request | None:
    """Settle those that moved, and write down that the others are about to be sent; None when none is left."""
    numbers = ", ".join(str(change) for change in changes)
    with work.store.writing() as session:
        if current is not None:
            current.load(session, _NOW)
            reject_moved(session, work, rows, _NOW, every=True, only=f"s.change_no IN ({numbers})")
        session.execute(f"DROP TABLE IF EXISTS {_BATCH}")
        session.execute(
            f"CREATE TEMPORARY TABLE {_BATCH} AS SELECT s.change_no FROM {rows.from_sql} "
            f"WHERE {rows.pending} AND s.change_no IN ({numbers})"
        )
        found = _records(session, rows)
        if not found:
            return None
        number = work.begin_batch(session, rows, "collections", _BATCH)
    return _Request(number, [change for change, _record in found], [record for _change, record in found])


def _records(session: Session, rows: StepRows) -> list[tuple[int, dict[str, Any]]]:
    """The changes of the batch as the API takes them, in order."""
    named = [*rows.sent_fields]
    columns = ["s.change_no", rows.correlation]
    for name in named:
        columns += [is_set_of(name), rows.value(name)]
    found = session.execute(
        f"SELECT {', '.join(columns)} FROM {rows.from_sql} JOIN {_BATCH} AS b ON b.change_no = s.change_no"
        " ORDER BY s.change_no"
    )
    by = rows.key_field or "Id"
    typed = {name: _reader(rows.describe.field(name)) for name in (*named, by)}
    records = []
    for change, key, *values in found:
        record: dict[str, Any] = {} if rows.is_keyless else {by: typed[by](key)}
        for name, is_set, text in zip(named, values[::2], values[1::2], strict=True):
            if is_set:
                record[name] = typed[name](text)
        records.append((change, record))
    return records


def _reader(field: FieldDescribe | None) -> Callable[[str | None], Any]:
    """Canonical text → value as JSON writes it; an empty text empties the field."""
    kind = "string" if field is None else field.type
    if kind == "boolean":
        return lambda text: None if not text else text == "true"
    if kind in _INTEGERS:
        return lambda text: None if not text else int(float(text)) if not text.lstrip("-").isdigit() else int(text)
    if kind in _NUMBERS:
        return lambda text: None if not text else float(text)
    return lambda text: text or None


def _send(work: Apply, rows: StepRows, request: _Request) -> list[RowAnswer]:
    collections, name = Collections(work.org, write_options(rows.step)), rows.step.object
    if rows.step.action == "delete":
        return collections.delete([record["Id"] for record in request.records])
    if rows.key_field is not None:
        return collections.upsert(name, rows.key_field, request.records)
    if rows.step.action == "create":
        return collections.create(name, request.records)
    return collections.update(name, request.records)


def _store_answers(work: Apply, rows: StepRows, request: _Request, answers: list[RowAnswer]) -> None:
    """Settle the changes of a request by its answers, which come in the order of the records."""
    name = quote("apply answers")
    values: list[Any] = []
    for change, answer in zip(request.changes, answers, strict=True):
        values += [change, answer.done, answer.record_id, answer.created, answer.code, answer.message]
    with work.store.writing() as session:
        session.execute(f"DROP TABLE IF EXISTS {name}")
        session.execute(
            f"CREATE TEMPORARY TABLE {name} (change_no BIGINT, done BOOLEAN, record_id VARCHAR, created BOOLEAN,"
            " code VARCHAR, message VARCHAR)"
        )
        places = ", ".join(["(?, ?, ?, ?, ?, ?)"] * len(answers))
        session.execute(f"INSERT INTO {name} VALUES {places}", values)
        joined = f"{work.batch_rows(rows, request.number)} JOIN {name} AS o ON o.change_no = s.change_no"
        done = "o.done"
        if rows.step.action == "delete":
            again = f"(SELECT count(*) FROM sfsync.batch_rows AS x WHERE x.plan_id = {literal(work.plan.id)}"
            again += " AND x.change_no = s.change_no) > 1"
            done = f"(o.done OR (coalesce(o.code, '') = 'ENTITY_IS_DELETED' AND {again}))"
        overwrote = f"{done} AND NOT o.created AND {literal(rows.step.action)} = 'create'"
        session.execute(
            work.settle(
                rows.step,
                joined,
                span=Span(min(request.changes), max(request.changes)),
                state=f"CASE WHEN {done} THEN 'done' ELSE 'rejected' END",
                record_id=f"coalesce(o.record_id, {rows.record_id})",
                created=f"{done} AND o.created",
                code=f"CASE WHEN {overwrote} THEN 'WAS_THERE' WHEN NOT {done} THEN coalesce(o.code, 'NO_REASON') END",
                message=f"CASE WHEN NOT {done} THEN o.message END",
            )
        )
        work.mark_batch(session, request.number, "done")
        work.tell_of_batch(session, rows, request.number)

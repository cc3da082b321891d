"""Changes that were sent and whose answer was lost: the org is read again, and nothing is ever sent blindly."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from sfsync.store.interface import Session
from sfsync.store.names import literal, quote
from sfsync.sync.apply import tables
from sfsync.sync.apply.check import CHANGED, EXISTS, moved_fields
from sfsync.sync.apply.current import Current, CurrentReader
from sfsync.sync.apply.step_rows import StepRows
from sfsync.sync.apply.work import Apply

#: So many are looked for at a time.
_AT_A_TIME = 200
#: The stamps of a record may be older than the request that made it.
_OLDER = timedelta(minutes=15)
_NOW, _LOST = quote("apply now"), quote("apply lost")
#: A text by which a record can be asked for.
_ASKABLE = frozenset({"string", "email", "phone"})
_LONGEST_ASKED = 80
#: Who changed a record last.
_WHO = "LastModifiedById"
_NOT_KNOWN = ", after this change was sent: whether it had been written by then is not known"
#: The clocks of an org's servers may differ by so much.
_CLOCKS = timedelta(minutes=1)


def mark_unknown(session: Session, work: Apply, rows: StepRows, number: int, code: str, message: str) -> None:
    """Settle the unsettled changes of a batch as unknown: the batch was sent, and its answer is lost."""
    lost = f"{work.batch_rows(rows, number)} WHERE {rows.unsettled}"
    session.execute(work.settle(rows.step, lost, state="'unknown'", code=literal(code), message=literal(message)))
    work.mark_batch(session, number, "done")


def resolve_unknown(work: Apply, rows: StepRows) -> None:
    """Find out what became of the unknown changes of a step.

    Each becomes done, rejected, or pending again when it certainly was not written. A record without an external Id
    that cannot be found stays unknown as long as its request may still be at work.
    """
    after = -1
    while True:
        with work.store.reading() as session:
            lost = _lost(session, work, rows, after)
        if not lost:
            return
        after = max(change for change, _record, _key in lost)
        _resolve(work, rows, lost)
        work.run.note_spending(work.store)


def _lost(session: Session, work: Apply, rows: StepRows, after: int) -> list[tuple[int, str | None, str | None]]:
    return session.execute(
        f"SELECT s.change_no, {rows.record_id}, {rows.correlation} FROM {rows.from_sql} "
        "JOIN sfsync.outcomes AS u ON u.change_no = s.change_no AND u.state = 'unknown' "
        f"WHERE u.plan_id = {literal(work.plan.id)} AND s.change_no > {after} "
        f"ORDER BY s.change_no LIMIT {_AT_A_TIME}"
    ).rows


def _resolve(work: Apply, rows: StepRows, lost: Sequence[tuple[int, str | None, str | None]]) -> None:
    fields = tuple(each.name for each in rows.compared)
    if rows.is_keyless:
        _resolve_by_content(work, rows, [change for change, _record, _key in lost], fields)
        return
    by = rows.key_field or "Id"
    reader = CurrentReader(work.org, rows.describe, tuple(dict.fromkeys((by, *fields, _WHO))), work.folder)
    current = reader.by_values(by, [key for _change, _record, key in lost if key is not None])
    with work.store.writing() as session:
        _load(session, work, current, [change for change, _record, _key in lost])
        if rows.step.action == "delete":
            _resolve_deletes(session, work, rows)
        elif rows.key_field is None:
            _resolve_updates(session, work, rows)
        else:
            _resolve_by_key(session, work, rows)
        _forget_lost(session)


def _load(session: Session, work: Apply, current: Current, changes: Sequence[int]) -> None:
    """Make the tables of what the org holds, and of the changes that are looked for; these are unsettled from now."""
    current.load(session, _NOW)
    numbers = ", ".join(str(change) for change in changes)
    session.execute(f"DROP TABLE IF EXISTS {_LOST}")
    session.execute(
        f"CREATE TEMPORARY TABLE {_LOST} AS SELECT * FROM sfsync.outcomes "
        f"WHERE plan_id = {literal(work.plan.id)} AND change_no IN ({numbers})"
    )
    session.execute(f"DELETE FROM sfsync.outcomes WHERE plan_id = {literal(work.plan.id)} AND change_no IN ({numbers})")


def _forget_lost(session: Session) -> None:
    """What is still unsettled of the changes that were looked for waits to be sent again: it was not written."""
    session.execute(f"DROP TABLE {_LOST}")
    session.execute(f"DROP TABLE {_NOW}")


def _lost_rows(rows: StepRows) -> str:
    return f"{rows.from_sql} JOIN {_LOST} AS l ON l.change_no = s.change_no"


def _holds_all(rows: StepRows, alias: str) -> str:
    """SQL of whether a record holds every value that was sent."""
    differing = [rows.differs(each, alias, from_before=False) for each in rows.compared]
    return f"NOT ({' OR '.join(differing)})" if differing else "TRUE"


def _alive(rows: StepRows, alias: str) -> str:
    return f'NOT {alias}."IsDeleted"' if rows.describe.field("IsDeleted") is not None else "TRUE"


def _resolve_updates(session: Session, work: Apply, rows: StepRows) -> None:
    there = f'{_lost_rows(rows)} JOIN {_NOW} AS c ON c."Id" = {rows.record_id} AND {_alive(rows, "c")}'
    session.execute(
        work.settle(rows.step, f"{there} WHERE {_holds_all(rows, 'c')}", state="'done'", record_id='c."Id"')
    )
    _settle_altered(session, work, rows, there)


def _settle_altered(session: Session, work: Apply, rows: StepRows, there: str) -> None:
    """A change that was written, and of which the org's automation has altered a value, is done, with a note.

    The record was changed last by our own user since the call began, and some field that was to be written holds
    something else than before; had the call done nothing, all would hold what they held. Where another change of this
    plan has written the record too, that tells nothing. What another user has put in since is left to them.
    """
    if work.org.user_id is None or rows.describe.field(_WHO) is None or not rows.compared:
        return
    user = literal(work.org.user_id)
    since = f"c.\"SystemModstamp\" >= {_sent_at(work)} - INTERVAL '{_CLOCKS.seconds} seconds'"
    alone = (
        f"NOT EXISTS (SELECT 1 FROM sfsync.outcomes AS k WHERE k.plan_id = {literal(work.plan.id)}"
        ' AND k.record_id = c."Id" AND k.change_no <> s.change_no)'
    )
    moved = " OR ".join(rows.moved(each, "c") for each in rows.compared)
    named = [
        f"CASE WHEN {rows.differs(each, 'c', from_before=False)} THEN {literal(each.name)} END"
        for each in rows.compared
    ]
    message = f"{literal('the org changed what was sent for ')} || concat_ws(', ', {', '.join(named)})"
    once = f"{there} WHERE {tables.unsettled(work.plan.id)} AND {since}"
    written = f"{once} AND c.{quote(_WHO)} = {user} AND {alone} AND ({moved})"
    session.execute(work.settle(rows.step, written, state="'done'", record_id='c."Id"', message=message))
    theirs = moved_fields(rows, "c")
    told = f"{theirs} || ', by ' || c.{quote(_WHO)} || {literal(_NOT_KNOWN)}"
    others = f"{once} AND c.{quote(_WHO)} <> {user} AND {theirs} IS NOT NULL"
    session.execute(work.settle(rows.step, others, state="'rejected'", code=literal(CHANGED), message=told))


def _resolve_deletes(session: Session, work: Apply, rows: StepRows) -> None:
    gone = f'{_lost_rows(rows)} LEFT JOIN {_NOW} AS c ON c."Id" = {rows.record_id} AND {_alive(rows, "c")}'
    session.execute(work.settle(rows.step, f'{gone} WHERE c."Id" IS NULL', state="'done'", record_id=rows.record_id))


def _resolve_by_key(session: Session, work: Apply, rows: StepRows) -> None:
    """A record of our making is done even where the org's automation has changed a value; another's is not ours."""
    there = f"{_lost_rows(rows)} JOIN {_NOW} AS c ON {rows.same_key('c')} AND {_alive(rows, 'c')}"
    ours = _is_ours(work, rows)
    once = f"WHERE {tables.unsettled(work.plan.id)}"
    session.execute(
        work.settle(
            rows.step, f"{there} {once} AND {_holds_all(rows, 'c')}", state="'done'", record_id='c."Id"', created=ours
        )
    )
    other = literal("the org changed some of the values that were sent")
    session.execute(
        work.settle(
            rows.step,
            f"{there} {once} AND {ours}",
            state="'done'",
            record_id='c."Id"',
            created="TRUE",
            message=other,
        )
    )
    if rows.step.action == "create":
        name, key = rows.step.object, rows.key_field
        message = f'{literal(name + " ")} || c."Id" || {literal(f" has this {key} by now, with other values")}'
        session.execute(
            work.settle(rows.step, f"{there} {once}", state="'rejected'", code=literal(EXISTS), message=message)
        )


def _sent_at(work: Apply) -> str:
    """SQL of when (by the org's clock) the run began in which the change of `l` was sent first."""
    return (
        "(SELECT min(t.org_time) FROM sfsync.batches AS t JOIN sfsync.batch_rows AS r ON r.plan_id = t.plan_id"
        f" AND r.batch_no = t.batch_no WHERE t.plan_id = {literal(work.plan.id)} AND r.change_no = l.change_no)"
    )


def _is_ours(work: Apply, rows: StepRows) -> str:
    """SQL of whether the record of alias `c` was made by our user since the request of `l` was sent."""
    if rows.describe.field("CreatedById") is None or work.org.user_id is None:
        return "FALSE"
    mine = f'c."CreatedById" = {literal(work.org.user_id)}'
    since = f"{_sent_at(work)} - INTERVAL '{_OLDER.seconds // 60} minutes'"
    return f'coalesce({mine} AND c."CreatedDate" >= {since}, FALSE)'


# --- by content -------------------------------------------------------------------------------------------------------


def _resolve_by_content(work: Apply, rows: StepRows, changes: list[int], fields: tuple[str, ...]) -> None:
    """Records without a key: found by all they were made of, among those that our user has made since.

    One request is one transaction: when any record of it is found, those that are not were not made.
    """
    user = work.org.user_id
    if user is None or rows.describe.field("CreatedById") is None or not fields:
        return
    with work.store.reading() as session:
        sent = _requests(session, work, changes)
        field, values = _asked_by(session, rows, changes)
    since = min((began for _batch, _at, began in sent.values()), default=work.began) - _OLDER
    reader = CurrentReader(work.org, rows.describe, fields, work.folder)
    current = reader.created_by(user, since, field, values)
    with work.store.writing() as session:
        _load(session, work, current, changes)
        found = _assign(_candidates(session, work, rows))
        for change, record_id in found.items():
            one = f"{rows.step.table} AS s WHERE s.change_no = {change}"
            session.execute(work.settle(rows.step, one, state="'done'", record_id=literal(record_id), created="TRUE"))
        committed = {sent[change][0] for change in found if change in sent}
        young = tables.now() - work.options.settles_after
        kept = [
            change
            for change in changes
            if change not in found
            and (change not in sent or (sent[change][0] not in committed and sent[change][1] > young))
        ]
        if kept:
            numbers = ", ".join(str(change) for change in kept)
            session.execute(f"INSERT INTO sfsync.outcomes SELECT * FROM {_LOST} WHERE change_no IN ({numbers})")
        _forget_lost(session)


def _requests(session: Session, work: Apply, changes: Sequence[int]) -> dict[int, tuple[int, datetime, datetime]]:
    """Change → the request in which it was sent last: its number, when by this machine's clock, and the org's."""
    numbers = ", ".join(str(change) for change in changes)
    found = session.execute(
        'SELECT r.change_no, t.batch_no, t."at", t.org_time FROM sfsync.batch_rows AS r JOIN sfsync.batches AS t'
        f" ON t.plan_id = r.plan_id AND t.batch_no = r.batch_no WHERE r.plan_id = {literal(work.plan.id)}"
        f" AND r.change_no IN ({numbers}) ORDER BY t.batch_no"
    )
    return {change: (batch, at, began) for change, batch, at, began in found}


def _asked_by(session: Session, rows: StepRows, changes: Sequence[int]) -> tuple[str | None, list[str]]:
    """A short text field that every one of these changes writes, and its values: so that few records are read."""
    numbers = ", ".join(str(change) for change in changes)
    for field in rows.compared:
        if field.type not in _ASKABLE or field.calculated:
            continue
        name = rows.value(field.name)
        found = session.execute(f"SELECT {name} FROM {rows.from_sql} WHERE s.change_no IN ({numbers})")
        values = [value for (value,) in found]
        if all(value and len(value) <= _LONGEST_ASKED and value.strip() == value for value in values):
            return field.name, values
    return None, []


def _candidates(session: Session, work: Apply, rows: StepRows) -> dict[int, list[str]]:
    """Change → records that hold every value of it, and that were not there before.

    Those that the mirror knew when the change was sent were there. A pull since then has brought those that it made.
    """
    mirror, before = f'"sf_all".{quote(rows.step.object)}', ""
    if rows.mirrored:
        older = f"c.\"CreatedDate\" < {_sent_at(work)} - INTERVAL '{_CLOCKS.seconds} seconds'"
        before = f' AND NOT ({older} AND EXISTS (SELECT 1 FROM {mirror} AS m WHERE m."Id" = c."Id"))'
    found = session.execute(
        f'SELECT s.change_no, c."Id" FROM {_lost_rows(rows)} JOIN {_NOW} AS c ON {_holds_all(rows, "c")} '
        f'AND {_alive(rows, "c")} WHERE NOT EXISTS (SELECT 1 FROM sfsync.outcomes AS k WHERE k.record_id = c."Id"'
        f'){before} ORDER BY s.change_no, c."Id"'
    )
    candidates: dict[int, list[str]] = defaultdict(list)
    for change, record_id in found:
        candidates[change].append(record_id)
    return candidates


def _assign(candidates: dict[int, list[str]]) -> dict[int, str]:
    """Each record to one change; those that could be few records choose first. Twins need not be told apart."""
    taken: set[str] = set()
    found: dict[int, str] = {}
    for change, records in sorted(candidates.items(), key=lambda each: (len(each[1]), each[0])):
        record = next((each for each in records if each not in taken), None)
        if record is not None:
            taken.add(record)
            found[change] = record
    return found

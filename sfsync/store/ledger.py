"""Where runs, cursors and describes are written down: the tables of schema `sfsync`."""

from __future__ import annotations

import dataclasses
import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson

from sfsync.records import FieldDescribe, ObjectDescribe, PicklistEntry, Run
from sfsync.store.columns import has_table
from sfsync.store.interface import Session
from sfsync.store.names import table

#: Raised when the ledger's tables change shape in a way an older sfsync cannot read.
LEDGER_VERSION = "1"

#: So many describes are remembered: those of two mirrors of the usual objects.
MOST_DESCRIBES = 32

_TABLES = (
    "CREATE SCHEMA IF NOT EXISTS sfsync",
    "CREATE TABLE IF NOT EXISTS sfsync.facts (name VARCHAR, value VARCHAR)",
    "CREATE TABLE IF NOT EXISTS sfsync.runs (id VARCHAR, verb VARCHAR, started_at TIMESTAMP, finished_at TIMESTAMP,"
    " state VARCHAR, api_calls BIGINT, summary VARCHAR)",
    "CREATE TABLE IF NOT EXISTS sfsync.cursors (object VARCHAR, upper_bound TIMESTAMP, run_id VARCHAR,"
    " field_names VARCHAR, row_count BIGINT, known_from TIMESTAMP)",
    "CREATE TABLE IF NOT EXISTS sfsync.describes (object VARCHAR, taken_at TIMESTAMP, body VARCHAR)",
)


def prepare_ledger(session: Session) -> None:
    """Make the ledger's tables where they are missing."""
    for statement in _TABLES:
        session.execute(statement)
    set_fact(session, "ledger_version", LEDGER_VERSION)


def has_ledger(session: Session) -> bool:
    """Whether sfsync has ever written to this database."""
    return has_table(session, "sfsync", "cursors")


def set_fact(session: Session, name: str, value: str) -> None:
    """Remember one thing about the mirror as a whole, e.g. which org it mirrors."""
    if session.execute("SELECT value FROM sfsync.facts WHERE name = ?", [name]).rows == [(value,)]:
        return
    session.execute("DELETE FROM sfsync.facts WHERE name = ?", [name])
    session.execute("INSERT INTO sfsync.facts VALUES (?, ?)", [name, value])


def facts(session: Session) -> dict[str, str]:
    """Everything remembered about the mirror as a whole."""
    return dict(session.execute("SELECT name, value FROM sfsync.facts").rows)


def start_run(session: Session, verb: str) -> str:
    """Write down that a run has begun, and return its Id (sortable by time)."""
    now = datetime.now(UTC)
    run_id = f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"
    session.execute(
        "INSERT INTO sfsync.runs VALUES (?, ?, ?, NULL, 'running', 0, '{}')",
        [run_id, verb, now.replace(tzinfo=None)],
    )
    return run_id


def finish_run(session: Session, run_id: str, *, state: str, api_calls: int, summary: Mapping[str, Any]) -> None:
    """Write down how a run ended: `done`, `partial` or `failed`."""
    session.execute(
        "UPDATE sfsync.runs SET finished_at = ?, state = ?, api_calls = ?, summary = ? WHERE id = ?",
        [datetime.now(UTC).replace(tzinfo=None), state, api_calls, json.dumps(summary, default=str), run_id],
    )


def recent_runs(session: Session, limit: int = 10) -> list[Run]:
    """The newest runs, newest first. One that never finished (a kill, a crash) still says `running`."""
    rows = session.execute(
        "SELECT id, verb, started_at, finished_at, state, api_calls, summary FROM sfsync.runs "
        "ORDER BY started_at DESC, id DESC LIMIT ?",
        [limit],
    )
    return [
        Run(run_id, verb, started_at, finished_at, state, api_calls, json.loads(summary))
        for run_id, verb, started_at, finished_at, state, api_calls, summary in rows
    ]


def save_cursor(
    session: Session, describe: ObjectDescribe, upper_bound: datetime, run_id: str, *, history: bool = False
) -> int:
    """Move an object's cursor, in the transaction that stored its rows; returns how many rows the object has now.

    Args:
        session: A writing session.
        describe: The object as it was read.
        upper_bound: Up to which instant (naive UTC) it is mirrored now.
        run_id: The run that read it.
        history: Whether this pull kept the versions it replaced; if not, what was before it is not known any more.
    """
    fields = ",".join(sorted(f.name for f in describe.stored_fields))
    count = int(session.execute(f"SELECT count(*) FROM {table('sf_all', describe.name)}").scalar())
    known = session.execute("SELECT known_from FROM sfsync.cursors WHERE object = ?", [describe.name]).scalar()
    session.execute("DELETE FROM sfsync.cursors WHERE object = ?", [describe.name])
    session.execute(
        "INSERT INTO sfsync.cursors VALUES (?, ?, ?, ?, ?, ?)",
        [describe.name, upper_bound, run_id, fields, count, (known if history else None) or upper_bound],
    )
    return count


def advance_cursor(session: Session, object_name: str, upper_bound: datetime, run_id: str, *, history: bool) -> None:
    """Move the cursor of an object of which nothing has changed; see `save_cursor`."""
    first = "known_from" if history else "$upper"
    session.execute(
        f"UPDATE sfsync.cursors SET upper_bound = $upper, run_id = $run, known_from = {first} WHERE object = $name",
        {"upper": upper_bound, "run": run_id, "name": object_name},
    )


def recount(session: Session, object_name: str) -> None:
    """Count an object's records again, after something else than a pull changed them."""
    session.execute(
        f"UPDATE sfsync.cursors SET row_count = (SELECT count(*) FROM {table('sf_all', object_name)}) WHERE object = ?",
        [object_name],
    )


def save_describe(session: Session, describe: ObjectDescribe, taken_at: datetime) -> None:
    """Keep what the org said about an object, for checks that must not need the network."""
    session.execute("DELETE FROM sfsync.describes WHERE object = ?", [describe.name])
    session.execute("INSERT INTO sfsync.describes VALUES (?, ?, ?)", [describe.name, taken_at, describe_body(describe)])


def read_describes(session: Session) -> dict[str, ObjectDescribe]:
    """Object name → what the org said about it at the last pull; empty before the first."""
    return {name: describe_from(body) for name, body in describe_bodies(session).items()}


def describe_bodies(session: Session) -> dict[str, str]:
    """Object name → what the org said about it at the last pull, as text; see `describe_body`."""
    if not has_ledger(session):
        return {}
    return dict(session.execute("SELECT object, body FROM sfsync.describes").rows)


def describe_body(describe: ObjectDescribe) -> str:
    """A describe as text: the same for the same describe."""
    return orjson.dumps(describe).decode()


@lru_cache(maxsize=MOST_DESCRIBES)
def describe_from(text: str) -> ObjectDescribe:
    """The describe of a text; of the last ones it is remembered, for each step of a run reads them all again."""
    body = orjson.loads(text)
    known = {f.name for f in dataclasses.fields(FieldDescribe)}
    fields = tuple(_field_from({k: v for k, v in f.items() if k in known}) for f in body.pop("fields"))
    return ObjectDescribe(fields=fields, left_out=tuple(body.pop("left_out", ())), **body)


def _field_from(body: dict[str, Any]) -> FieldDescribe:
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in body.items()}
    values["picklist_entries"] = tuple(PicklistEntry(**entry) for entry in body.get("picklist_entries") or ())
    return FieldDescribe(**values)

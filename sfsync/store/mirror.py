"""The mirror's tables: `sf_all` holds every record under API names, `sf` shows the live ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sfsync.errors import MirrorUnfit
from sfsync.records import ObjectDescribe
from sfsync.store import compounds, coverage, drift, ledger, proofs, refreshes, rekey, selections, spending
from sfsync.store.columns import column_types, mirror_columns, sql_type, table_columns, tables_in
from sfsync.store.compounds import Compounds, compound_columns
from sfsync.store.drift import Drift, find_drift, find_drifts
from sfsync.store.history import SCHEMA, keep_versions, shape_history
from sfsync.store.interface import Session
from sfsync.store.ledger import read_describes
from sfsync.store.names import quote, table
from sfsync.store.selections import EVERYTHING, KeptSelection

__all__ = [
    "Drift",
    "MirrorState",
    "ObjectState",
    "column_types",
    "find_drift",
    "find_drifts",
    "mirror_columns",
    "object_states",
    "prepare_mirror",
    "read_describes",
    "read_state",
    "shape_table",
    "sql_type",
]

#: Old type and new type of a column whose values all fit the new one; text takes any.
_WIDER = frozenset(
    {("INTEGER", "BIGINT"), ("INTEGER", "DOUBLE"), ("DOUBLE PRECISION", "DOUBLE"), ("DATE", "TIMESTAMP")}
)


@dataclass(frozen=True, slots=True)
class ObjectState:
    """One mirrored object.

    Attributes:
        name: API name.
        known_from: From which instant (naive UTC) on its past is known without a gap.
        upper_bound: Up to which instant (naive UTC) it is mirrored.
        rows: Records, deleted ones included.
        run_id: The run that pulled it last.
        fields: What was mirrored of it then.
        selection: Which part of it was wanted then.
        versioned: A table keeps its superseded versions.
    """

    name: str
    known_from: datetime
    upper_bound: datetime
    rows: int
    run_id: str
    fields: frozenset[str]
    selection: KeptSelection = EVERYTHING
    versioned: bool = False


@dataclass(frozen=True, slots=True)
class MirrorState:
    """The mirror as a whole.

    Attributes:
        as_of: The instant (naive UTC) up to which *every* object is mirrored: the oldest of the cursors.
        objects: API name → state.
        org_id: 18-character Id of the org, or None when unknown.
        instance_url: Where the org is, for record links.
    """

    as_of: datetime
    objects: dict[str, ObjectState]
    org_id: str | None
    instance_url: str | None


def prepare_mirror(session: Session) -> None:
    """Make the schemas and the ledger where they are missing."""
    for schema in ("sf_all", "sf"):
        session.execute(f"CREATE SCHEMA IF NOT EXISTS {quote(schema)}")
    ledger.prepare_ledger(session)
    for part in (compounds, coverage, drift, proofs, refreshes, rekey, selections, spending):
        part.prepare(session)


def object_states(session: Session) -> dict[str, ObjectState]:
    """API name → state, for every object pulled so far; empty before the first pull."""
    if not ledger.has_ledger(session):
        return {}
    rows = session.execute("SELECT object, known_from, upper_bound, row_count, run_id, field_names FROM sfsync.cursors")
    chosen, versioned = selections.read_selections(session), tables_in(session, SCHEMA)
    return {
        name: ObjectState(
            name,
            first,
            last,
            count,
            run_id,
            frozenset(fields.split(",")),
            chosen.get(name, EVERYTHING),
            name in versioned,
        )
        for name, first, last, count, run_id, fields in rows
    }


def read_state(session: Session) -> MirrorState:
    """What the mirror holds and as of when. Raises `MirrorUnfit` when nothing was ever pulled."""
    objects = object_states(session)
    if not objects:
        raise MirrorUnfit("the mirror is empty: nothing was pulled yet", hint="run `sfsync pull` first")
    known = ledger.facts(session)
    return MirrorState(
        as_of=min(state.upper_bound for state in objects.values()),
        objects=objects,
        org_id=known.get("org_id"),
        instance_url=known.get("instance_url"),
    )


def shape_table(
    session: Session, describe: ObjectDescribe, drift: Drift, *, keep_at: datetime | None = None, history: bool = True
) -> None:
    """Bring an object's table and view into the shape of its describe.

    A column whose field is gone stays with its values. A column that changes its type keeps its values only where the
    new type has room for all of the old one's, so the caller must fill it in the same transaction.

    Args:
        session: A writing session.
        describe: The object as it is now.
        drift: How that differs from the mirror.
        keep_at: The upper bound of this pull, to keep what a column held before its type changed as a superseded
            version of the record; None for nowhere.
        history: Versions are kept of every change. Otherwise they are kept of values alone that the new type has no
            room for, because nobody could tell them any more.
    """
    name, wanted = table("sf_all", describe.name), column_types(describe)
    if drift.created:
        columns = ", ".join(f"{quote(column)} {kind}" for column, kind in wanted.items())
        session.execute(f"CREATE TABLE {name} ({columns})")
    elif not (drift.added or drift.recast or drift.respelled or drift.regrouped):
        return
    session.execute(f"DROP VIEW IF EXISTS {table('sf', describe.name)}")
    for column, spelled in drift.respelled.items():
        _respell(session, describe.name, column, spelled)
    recast = _recasts(session, describe.name, drift, wanted)
    lost = [each for each, fits in recast.items() if history or not fits]
    if lost and keep_at is not None:
        _keep_old_values(session, describe.name, lost, keep_at)
    for column, fits in recast.items():
        _recast(session, describe.name, column, wanted[column], fits=fits)
    for column in drift.added:
        session.execute(f"ALTER TABLE {name} ADD COLUMN {quote(column)} {wanted[column]}")
    # A database takes its time to tell what columns a table has.
    held = wanted if drift.created else table_columns(session, "sf_all", describe.name)
    show_live(session, describe.name, held, compounds.remember(session, describe))


def show_live(session: Session, object_name: str, columns: Mapping[str, str], known: Compounds) -> None:
    """Make the view of an object's live records, its compound fields put together."""
    wholes = compound_columns(known, columns)
    shown = ", ".join(["*", *(f"{expression} AS {quote(whole)}" for whole, expression in wholes.items())])
    live = ' WHERE "IsDeleted" IS NOT TRUE' if "IsDeleted" in columns else ""
    session.execute(
        f"CREATE VIEW {table('sf', object_name)} AS SELECT {shown} FROM {table('sf_all', object_name)}{live}"
    )


def _respell(session: Session, object_name: str, column: str, spelled: str) -> None:
    """Follow an API name that differs in upper and lower case alone: to Salesforce, and in SQL, it is the same."""
    for schema in ("sf_all", SCHEMA):
        if column in table_columns(session, schema, object_name):
            where = table(schema, object_name)
            session.execute(f"ALTER TABLE {where} RENAME COLUMN {quote(column)} TO {quote(spelled)}")


def _keep_old_values(session: Session, object_name: str, columns: Sequence[str], at: datetime) -> None:
    """Keep a version of every record that holds something in these columns."""
    held = " OR ".join(f"{quote(column)} IS NOT NULL" for column in columns)
    ids = f'SELECT "Id" FROM {table("sf_all", object_name)} WHERE {held}'
    if session.execute(f"{ids} LIMIT 1").rows:
        shape_history(session, object_name, table_columns(session, "sf_all", object_name))
        keep_versions(session, object_name, ids, at)


def _recasts(session: Session, object_name: str, drift: Drift, wanted: dict[str, str]) -> dict[str, bool]:
    """Column that changes its type → whether the new one has room for all values of the old one."""
    if not drift.recast:
        return {}
    present = table_columns(session, "sf_all", object_name)
    return {
        column: wanted[column] == "VARCHAR" or (present[column], wanted[column]) in _WIDER for column in drift.recast
    }


def _recast(session: Session, object_name: str, column: str, kind: str, *, fits: bool) -> None:
    """Give a column another type, with its values where all of them fit, and emptied otherwise."""
    name = table("sf_all", object_name)
    if fits:
        session.execute(f"ALTER TABLE {name} ALTER COLUMN {quote(column)} TYPE {kind}")
        return
    session.execute(f"ALTER TABLE {name} DROP COLUMN {quote(column)}")
    session.execute(f"ALTER TABLE {name} ADD COLUMN {quote(column)} {kind}")

"""The mirror's tables: `sf_all` holds every record under API names, `sf` shows the live ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sfsync.errors import MirrorUnfit
from sfsync.records import FieldDescribe, ObjectDescribe
from sfsync.store import ledger
from sfsync.store.interface import Session
from sfsync.store.ledger import read_describes
from sfsync.store.names import quote, table

__all__ = [
    "Drift",
    "MirrorState",
    "ObjectState",
    "column_types",
    "find_drift",
    "mirror_columns",
    "object_states",
    "prepare_mirror",
    "read_describes",
    "read_state",
    "shape_table",
    "sql_type",
]

_SQL_TYPES = {
    "boolean": "BOOLEAN",
    "int": "INTEGER",
    "long": "BIGINT",
    # The API's own type for all three is xsd:double; a DECIMAL of the displayed scale would round stored values.
    "double": "DOUBLE",
    "currency": "DOUBLE",
    "percent": "DOUBLE",
    "date": "DATE",
    "datetime": "TIMESTAMP",  # UTC, like every instant that Salesforce sends
    "time": "TIME",
}


def sql_type(described: FieldDescribe) -> str:
    """The column type that holds a field's values without loss."""
    return _SQL_TYPES.get(described.type, "VARCHAR")


def column_types(describe: ObjectDescribe) -> dict[str, str]:
    """Column name → SQL type of an object's table, in the describe's order."""
    return {f.name: sql_type(f) for f in describe.stored_fields}


@dataclass(frozen=True, slots=True)
class Drift:
    """How an object's fields differ from what the mirror holds.

    Attributes:
        created: The table is new.
        added: Fields the mirror did not have; every record must be read again to fill them.
        gone: Fields the org no longer shows (removed, or no longer readable); their columns and values stay.
        retyped: Field → "old type → new type".
    """

    created: bool = False
    added: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    retyped: dict[str, str] = field(default_factory=dict)


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
    """

    name: str
    known_from: datetime
    upper_bound: datetime
    rows: int
    run_id: str
    fields: frozenset[str]


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


def mirror_columns(session: Session) -> dict[str, dict[str, str]]:
    """Object → column → SQL type, for every object the mirror holds."""
    rows = session.execute(
        "SELECT table_name, column_name, data_type FROM information_schema.columns "
        "WHERE table_schema = 'sf_all' ORDER BY table_name, ordinal_position"
    )
    columns: dict[str, dict[str, str]] = {}
    for object_name, column, data_type in rows:
        columns.setdefault(object_name, {})[column] = data_type
    return columns


def object_states(session: Session) -> dict[str, ObjectState]:
    """API name → state, for every object pulled so far; empty before the first pull."""
    if not ledger.has_ledger(session):
        return {}
    rows = session.execute("SELECT object, known_from, upper_bound, row_count, run_id, field_names FROM sfsync.cursors")
    return {
        name: ObjectState(name, first, last, count, run_id, frozenset(fields.split(",")))
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


def find_drift(session: Session, describe: ObjectDescribe) -> Drift:
    """How an object's fields differ from the mirror's columns; changes nothing."""
    wanted = column_types(describe)
    present = mirror_columns(session).get(describe.name)
    if present is None:
        return Drift(created=True)
    return Drift(
        added=tuple(name for name in wanted if name not in present),
        gone=tuple(name for name in present if name not in wanted),
        retyped={name: f"{present[name]} → {kind}" for name, kind in wanted.items() if present.get(name, kind) != kind},
    )


def shape_table(session: Session, describe: ObjectDescribe, drift: Drift) -> None:
    """Bring an object's table and view into the shape of its describe.

    A retyped column is emptied into its new type, so the caller must store every record again in the same
    transaction; a column whose field is gone stays with its values.
    """
    name, wanted = table("sf_all", describe.name), column_types(describe)
    if drift.created:
        columns = ", ".join(f"{quote(column)} {kind}" for column, kind in wanted.items())
        session.execute(f"CREATE TABLE {name} ({columns})")
    elif drift.added or drift.retyped:
        session.execute(f"DROP VIEW IF EXISTS {table('sf', describe.name)}")
        for column in drift.retyped:
            session.execute(f"ALTER TABLE {name} DROP COLUMN {quote(column)}")
        for column in (*drift.added, *drift.retyped):
            session.execute(f"ALTER TABLE {name} ADD COLUMN {quote(column)} {wanted[column]}")
    else:
        return
    live = ' WHERE "IsDeleted" IS NOT TRUE' if "IsDeleted" in wanted else ""
    session.execute(f"CREATE VIEW {table('sf', describe.name)} AS SELECT * FROM {name}{live}")

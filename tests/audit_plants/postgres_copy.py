"""The mirror's tables on a PostgreSQL, so that the whole catalogue is judged by a second engine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import psycopg
from postgres_examples import PostgresSession

from sfsync.audit.context import context_of
from sfsync.audit.find import Finder
from sfsync.audit.judge import Place, judge
from sfsync.audit.ledger import prepare_audits
from sfsync.audit.load import load_rules
from sfsync.audit.overrides import resolve_rules
from sfsync.config.settings import Settings
from sfsync.store import Store
from sfsync.store.history import shape_history
from sfsync.store.interface import Session
from sfsync.store.mirror import find_drift, mirror_columns, prepare_mirror, read_describes, read_state, shape_table
from sfsync.store.names import quote

#: A finding as it is told: record, discriminator, severity, message.
Told = tuple[str, str | None, str, str]

_AUDIT = "99999999A"
_COPIED = ("sf_all", "sf_history", "sfsync")


@contextmanager
def connected(address: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection to a server of one's own, closed at the end."""
    with psycopg.connect(address, options="-c jit=off -c synchronous_commit=off -c timezone=UTC") as connection:
        yield connection


def copy_mirror(store: Store, connection: psycopg.Connection[Any]) -> None:
    """Make the database hold what this store does."""
    with store.reading() as source:
        session = PostgresSession(connection)
        prepare_mirror(session)
        prepare_audits(session)
        for name, described in read_describes(source).items():
            shape_table(session, described, find_drift(session, described))
            shape_history(session, name, mirror_columns(session)[name])
        for schema, name in _tables(session) & _tables(source):
            _copy_rows(source, connection, f"{quote(schema)}.{quote(name)}")
    connection.execute("ANALYZE")


def findings_of(connection: psycopg.Connection[Any], settings: Settings) -> dict[str, list[Told]]:
    """Rule → its findings in this database, each rule's statement rendered for it."""
    resolved = [one for one in resolve_rules(load_rules(), settings, None) if one.enabled]
    session = PostgresSession(connection)
    session.execute("DELETE FROM sfsync.findings")
    context = context_of(session, read_state(session), settings, "postgres")
    context = replace(context, used=frozenset(name for one in resolved for name in one.rule.fields))
    finder = Finder(session, context)
    for position, one in enumerate(resolved):
        judge(finder.find(one), Place(session, _AUDIT, position, context))
    rows = session.execute("SELECT rule_id, record_id, discriminator, severity, message FROM sfsync.findings")
    told: dict[str, list[Told]] = {one.rule.id: [] for one in resolved}
    for rule, *finding in rows:
        told[rule].append(tuple(finding))
    return {rule: sorted(each, key=str) for rule, each in told.items()}


def _tables(session: Session) -> set[tuple[str, str]]:
    places = ", ".join(f"'{schema}'" for schema in _COPIED)
    rows = session.execute(
        "SELECT table_schema, table_name FROM information_schema.tables"
        f" WHERE table_type = 'BASE TABLE' AND table_schema IN ({places})"
    )
    return {(schema, name) for schema, name in rows}


def _copy_rows(source: Session, connection: psycopg.Connection[Any], table: str) -> None:
    rows = source.execute(f"SELECT * FROM {table}")
    names = ", ".join(quote(name) for name in rows.columns)
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {table}")  # type: ignore[arg-type]  # names of the mirror's own tables, quoted
        with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as writer:  # type: ignore[arg-type]
            for row in rows:
                writer.write_row([_plain(value) for value in row])


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float | str | date | datetime) else str(value)

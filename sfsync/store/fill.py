"""Puts values of single fields into records that are stored already, and touches nothing else of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sfsync.errors import IncompleteAnswer
from sfsync.records import ObjectDescribe
from sfsync.store.columns import column_types, table_columns
from sfsync.store.history import keep_versions, shape_history
from sfsync.store.interface import Session
from sfsync.store.names import quote, table

_STAMP = "SystemModstamp"


@dataclass(frozen=True, slots=True)
class FillCounts:
    """What filling did: records that came, and stored records that got another value."""

    read: int
    changed: int


@dataclass(frozen=True, slots=True)
class FillOptions:
    """How to fill.

    Attributes:
        expected: How many records the org says the pages hold.
        history_at: The mirror's upper bound, to keep the versions that lose a value; None where no history is kept.
        quiet: Columns that held nothing yet: filling them is no change of the record, and leaves no version behind.
    """

    expected: int
    history_at: datetime | None = None
    quiet: Collection[str] = ()


def fill_columns(
    session: Session, describe: ObjectDescribe, columns: Sequence[str], pages: Sequence[Path], options: FillOptions
) -> FillCounts:
    """Give stored records the pages' values of some columns, where the pages speak of the very version that is stored.

    A record that has changed since (another SystemModstamp) is left alone: it comes as a whole with the next pull.
    Records of objects without a SystemModstamp are matched by Id.

    Args:
        session: A writing session; the filling is part of its transaction.
        describe: Its stored fields are the pages' columns, in that order; `Id`, and SystemModstamp where there is one.
        columns: Which of them to fill.
        pages: CSV files.
        options: What is known of them.

    Raises:
        IncompleteAnswer: The pages hold another number of records than was announced.
    """
    target, types = table("sf_all", describe.name), column_types(describe)
    session.execute("CREATE TEMP TABLE filling (" + ", ".join(f"{quote(n)} {kind}" for n, kind in types.items()) + ")")
    loaded = session.load_csv("filling", types, pages)
    if loaded != options.expected:
        raise IncompleteAnswer(
            f"{describe.name}: {loaded} records arrived where the org announced {options.expected}",
            hint="run the pull again; nothing of this answer was kept",
        )
    same = 'f."Id" = t."Id"' + (f" AND f.{quote(_STAMP)} = t.{quote(_STAMP)}" if _STAMP in types else "")
    told = [name for name in columns if name not in options.quiet]
    # What has moved is found once, in one join of all that came with all that is stored; the rest is about that alone.
    values = ", ".join(['f."Id"', *(f"f.{quote(name)}" for name in columns)])
    session.execute(
        f"CREATE TEMP TABLE moved AS SELECT {values}, {_differ(told)} AS is_change "
        f"FROM filling AS f JOIN {target} AS t ON {same} WHERE {_differ(columns)}"
    )
    if options.history_at is not None and session.execute('SELECT "Id" FROM moved WHERE is_change LIMIT 1').rows:
        shape_history(session, describe.name, table_columns(session, "sf_all", describe.name))
        keep_versions(session, describe.name, 'SELECT "Id" FROM moved WHERE is_change', options.history_at)
    changed = session.execute('SELECT count(DISTINCT "Id") FROM moved')
    assigned = ", ".join(f"{quote(name)} = m.{quote(name)}" for name in columns)
    session.execute(f'UPDATE {target} AS t SET {assigned} FROM moved AS m WHERE m."Id" = t."Id"')
    session.execute("DROP TABLE moved")
    session.execute("DROP TABLE filling")
    return FillCounts(loaded, int(changed.scalar()))


def _differ(columns: Sequence[str]) -> str:
    clauses = " OR ".join(f"f.{quote(name)} IS DISTINCT FROM t.{quote(name)}" for name in columns)
    return f"({clauses})" if clauses else "FALSE"

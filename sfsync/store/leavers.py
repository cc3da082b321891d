"""Takes out of the mirror what no longer belongs there: records that the org has and the selection leaves out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sfsync.errors import IncompleteAnswer
from sfsync.records import ObjectDescribe
from sfsync.store.columns import column_types, mirror_columns
from sfsync.store.history import keep_versions, shape_history
from sfsync.store.interface import Session
from sfsync.store.merge import STAMP
from sfsync.store.names import quote, table


@dataclass(frozen=True, slots=True)
class Listed:
    """Records as they came from the org.

    Attributes:
        describe: Its stored fields are the pages' columns.
        pages: CSV files.
        rows: How many records the org says they hold.
    """

    describe: ObjectDescribe
    pages: Sequence[Path]
    rows: int


Span = tuple[datetime | None, datetime | None]


def take_out_leavers(
    session: Session, everyone: Listed, selected: Listed, span: Span, history_at: datetime | None
) -> int:
    """Remove the records that the org listed without the selection and not with it; returns how many.

    What the org does not list at all stays: it was deleted, or changed again since, and is told in another way. A
    record is compared by its Id alone, because it may have left without a newer stamp.

    Args:
        session: A writing session.
        everyone: The records of a window (or more), whatever the selection. Read after `selected`.
        selected: The records of that window (or more) that the selection takes.
        span: The window: from where, and up to where, SystemModstamps (naive UTC) count; None leaves a side open.
        history_at: The upper bound of this pull, to keep the version that is taken out; None where none is kept.
    """
    name = everyone.describe.name
    try:
        load_listed(session, "everyone", everyone)
        load_listed(session, "selected", selected)
        session.execute(
            f'CREATE TEMP TABLE leavers AS SELECT t."Id" FROM {table("sf_all", name)} AS t '
            f'WHERE EXISTS (SELECT 1 FROM everyone AS e WHERE e."Id" = t."Id"{_within(everyone, span)}) '
            'AND NOT EXISTS (SELECT 1 FROM selected AS s WHERE s."Id" = t."Id")'
        )
        count = int(session.execute("SELECT count(*) FROM leavers").scalar())
        if count:
            if history_at is not None:
                shape_history(session, name, mirror_columns(session)[name])
                keep_versions(session, name, 'SELECT "Id" FROM leavers', history_at)
            session.execute(f'DELETE FROM {table("sf_all", name)} WHERE "Id" IN (SELECT "Id" FROM leavers)')
    finally:
        for temporary in ("everyone", "selected", "leavers"):
            session.execute(f"DROP TABLE IF EXISTS {temporary}")
    return count


def _within(listed: Listed, span: Span) -> str:
    """A small object is listed whole, whatever was asked for; only what lies in the window can be compared."""
    if listed.describe.field(STAMP) is None:
        return ""
    return "".join(
        f" AND e.{quote(STAMP)} {sign} TIMESTAMP '{instant:%Y-%m-%d %H:%M:%S}'"
        for sign, instant in zip((">=", "<"), span, strict=True)
        if instant is not None
    )


def load_listed(session: Session, name: str, listed: Listed) -> None:
    """Make a temporary table of what the org listed. Raises `IncompleteAnswer` when it is not all there."""
    columns = column_types(listed.describe)
    declared = ", ".join(f"{quote(column)} {kind}" for column, kind in columns.items())
    session.execute(f"CREATE TEMP TABLE {name} ({declared})")
    loaded = session.load_csv(name, columns, listed.pages)
    if loaded != listed.rows:
        raise IncompleteAnswer(
            f"{listed.describe.name}: {loaded} records arrived where the org announced {listed.rows}",
            hint="run the pull again; nothing of this answer was kept",
        )

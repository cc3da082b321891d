"""What the org had before: a file that was exported then has it still, and nobody has edited it.

By the file alone nobody can tell a value that was edited back to what it was from one that the org has changed since.
When the file was exported decides; without that, such a file is refused.
"""

from __future__ import annotations

from datetime import datetime

from sfsync.mapping.local_names import ID_COLUMN
from sfsync.mapping.two_way import TwoWayColumn, TwoWayTable
from sfsync.store.columns import table_columns
from sfsync.store.compounds import compound_columns, remembered
from sfsync.store.history import SCHEMA, has_history
from sfsync.store.interface import Session
from sfsync.store.names import literal, quote, table
from sfsync.sync.merge3.tables import any_rows, remake

#: Earlier versions of the records that a file has, in local form.
_PAST = "two_way_past"


def find_past(session: Session, two_way: TwoWayTable, records: str, as_of: datetime | None) -> bool:
    """Make the table of what records were; whether they were anything else than they are.

    Args:
        session: A writing session.
        two_way: The table.
        records: A SELECT of the Ids concerned.
        as_of: Only what they were at that instant (naive UTC); ever, unless given.
    """
    name = two_way.mapping.object
    if not has_history(session, name):
        return False
    columns, kept = table_columns(session, "sf_all", name), table_columns(session, SCHEMA, name)
    values = [
        f"TRY_CAST({quote(each)} AS {kind}) AS {quote(each)}"
        if each in kept
        else f"CAST(NULL AS {kind}) AS {quote(each)}"
        for each, kind in columns.items()
    ]
    at = "TRUE"
    if as_of is not None:
        instant = f"CAST({literal(as_of.isoformat(sep=' '))} AS TIMESTAMP)"
        at = f"valid_to > {instant} AND (valid_from IS NULL OR valid_from <= {instant})"
    versions = f'SELECT {", ".join(values)} FROM {table(SCHEMA, name)} WHERE existed AND "Id" IN ({records}) AND {at}'
    wholes = compound_columns(remembered(session).get(name, {}), columns)
    shown = "".join(f", {expression} AS {quote(whole)}" for whole, expression in wholes.items())
    # The same expressions as of the org's side, over other rows of the same shape.
    now = f'{table("sf", name)} AS "record"'
    past = two_way.theirs.replace(now, f'(SELECT v.*{shown} FROM ({versions}) AS v) AS "record"', 1)
    remake(session, _PAST, f"SELECT DISTINCT {', '.join(_names(two_way))} FROM ({past}) AS p")
    return any_rows(session, _PAST)


def _names(two_way: TwoWayTable) -> list[str]:
    return [ID_COLUMN, *(quote(each.name) for each in two_way.columns if each.shown)]


def was(column: TwoWayColumn, alias: str) -> str:
    """SQL of whether a value of the file, under this alias, is one that its record had before."""
    name = quote(column.name)
    if not column.shown:
        return "FALSE"
    equal = f"NOT {column.differs(f'{alias}.{name}', f'p.{name}')}"
    return f"EXISTS (SELECT 1 FROM {_PAST} AS p WHERE p.{ID_COLUMN} = {alias}.{ID_COLUMN} AND {equal})"

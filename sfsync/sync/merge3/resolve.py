"""A person's decisions on conflicts."""

from __future__ import annotations

from collections.abc import Mapping as AnyMapping
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from sfsync.errors import MappingError, UsageError
from sfsync.mapping.check import check_mappings
from sfsync.mapping.schema import Mapping
from sfsync.mapping.two_way import base_name
from sfsync.records import ObjectDescribe
from sfsync.soql.dates import Calendar
from sfsync.store.interface import Session
from sfsync.sync.merge3.merge import merge_every
from sfsync.sync.merge3.tables import prepare, remake

#: The conflicts that a decision is about.
_CHOSEN = "two_way_chosen"


@dataclass(frozen=True, slots=True)
class Choice:
    """Which conflicts a decision is about; what is not given does not matter.

    Attributes:
        records: 18-character Ids.
        columns: Of the local table.
    """

    records: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()


def resolve(
    session: Session,
    mappings: Sequence[Mapping],
    describes: AnyMapping[str, ObjectDescribe],
    winner: Literal["org", "local"],
    choice: Choice | None = None,
    *,
    calendar: Calendar | None = None,
) -> int:
    """Settle open conflicts; returns how many: those whose values have moved meanwhile go on.

    `org` takes the org's value into the local table; `local` keeps the local one, and the next plan writes it. Of a
    record that is gone in the org, `org` takes the row away, and `local` makes a new record of it.

    Args:
        session: A writing session.
        mappings: Whose conflicts.
        describes: API name → describe.
        winner: Which side is right.
        choice: Which conflicts; every one unless given.
        calendar: Time zone and fiscal year of date literals in filters.

    Raises:
        UsageError: There is no such conflict.
        MappingError: A mapping does not fit the org.
    """
    prepare(session)
    choice = choice or Choice()
    tables = [base_name(each.local_table) for each in mappings if each.direction == "both"]
    where, params = [f"table_name IN ({', '.join('?' * len(tables)) or 'NULL'})"], list(tables)
    if choice.records:
        where.append(f"record_id IN ({', '.join('?' * len(choice.records))})")
        params += choice.records
    if choice.columns:
        where.append(f"lower(column_name) IN ({', '.join('?' * len(choice.columns))})")
        params += [column.casefold() for column in choice.columns]
    chosen = f"FROM sfsync.conflicts WHERE {' AND '.join(where)}"
    count = int(session.execute(f"SELECT count(*) {chosen}", params).scalar())
    if not count:
        raise UsageError("there is no such conflict", hint="`sfsync resolve` lists what waits")
    problems = check_mappings(mappings, dict(describes))
    if problems:
        raise MappingError(problems)
    remake(session, _CHOSEN, "SELECT table_name, record_id, column_name FROM sfsync.conflicts WHERE FALSE")
    session.execute(f"INSERT INTO {_CHOSEN} SELECT table_name, record_id, column_name {chosen}", params)
    session.execute(
        "INSERT INTO sfsync.resolutions SELECT table_name, record_id, column_name, CAST(? AS VARCHAR), local_value, "
        f"org_value, CAST(? AS TIMESTAMP), NULL {chosen}",
        [winner, datetime.now(UTC).replace(tzinfo=None), *params],
    )
    merge_every(session, mappings, describes, calendar=calendar)
    left = session.execute(
        f"SELECT count(*) FROM {_CHOSEN} AS x JOIN sfsync.conflicts AS c ON c.table_name = x.table_name "
        "AND c.record_id = x.record_id AND c.column_name = x.column_name"
    )
    return count - int(left.scalar())

"""Makes the local tables that mappings describe, and never touches a table that sfsync did not make.

A local table that only shows the org is a view; one that goes both ways (`direction: both`) is a table with a base, see
`two_way`. Which views were made, and exactly how, is written down in `sfsync.local_tables`: a relation of the same name
that is not listed there, or was changed since, is someone else's. So is a table without a base.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass
from datetime import datetime

from sfsync.errors import MappingError, Problem, QueryFailed
from sfsync.mapping.columns import select_sql
from sfsync.mapping.local_names import TableName
from sfsync.mapping.schema import Mapping
from sfsync.mapping.two_way import BASE_SCHEMA, has_base, two_way_table
from sfsync.mapping.two_way_shape import drop_two_way, make_two_way, own_columns, reshape, unsent_edits
from sfsync.records import ObjectDescribe
from sfsync.soql.dates import Calendar
from sfsync.store.interface import Session
from sfsync.store.mirror import read_state
from sfsync.store.names import quote, table

_REGISTRY = (
    "CREATE TABLE IF NOT EXISTS sfsync.local_tables (table_schema VARCHAR, table_name VARCHAR, object VARCHAR,"
    " definition VARCHAR, database_version VARCHAR)"
)
_RELATIONS = """\
SELECT t.table_schema, t.table_name, v.view_definition, version()
FROM information_schema.tables AS t
LEFT JOIN information_schema.views AS v
  ON v.table_catalog = t.table_catalog AND v.table_schema = t.table_schema AND v.table_name = t.table_name
WHERE t.table_catalog = current_database() AND lower(t.table_schema) = lower(?)"""


def refresh_local_tables(
    session: Session,
    mappings: Sequence[Mapping],
    describes: AnyMapping[str, ObjectDescribe],
    *,
    timezone: str = "UTC",
    fiscal_year_start_month: int = 1,
    as_of: datetime | None = None,
) -> list[str]:
    """Make or renew the local table of every mapping, and drop those whose mapping is gone.

    Args:
        session: A writing session; everything is part of its transaction.
        mappings: Checked against `describes`. A mapping that only pushes has a table of yours, and none is made.
        describes: API name → describe, of every object the mappings read.
        timezone: In which days of date literals in filters begin, such as `TODAY`.
        fiscal_year_start_month: For date literals such as `THIS_FISCAL_QUARTER`.
        as_of: The instant (naive UTC) such literals count from; the mirror's own unless given.

    Returns:
        The local tables there are now, e.g. `crm.leads`.

    Raises:
        MappingError: A local table has the name of a relation that sfsync did not make. Nothing is changed then.
    """
    session.execute("CREATE SCHEMA IF NOT EXISTS sfsync")
    session.execute(_REGISTRY)
    made = _made_before(session)
    shown = [mapping for mapping in mappings if mapping.direction != "push"]
    problems = [problem for mapping in shown for problem in _in_the_way(session, mapping, made)]
    if problems:
        raise MappingError(problems, hint="sfsync never overwrites a table or view that it did not make")
    problems = [problem for mapping in shown for problem in _edits_in_the_way(session, mapping)]
    if problems:
        raise MappingError(problems, hint="nothing was changed")
    wanted = {mapping.local_table.key for mapping in shown}
    for entry in made.values():
        if entry.name.key not in wanted:
            _forget(session, entry)
    _forget_two_way(session, wanted)
    if as_of is None and any(mapping.filter is not None for mapping in shown):
        as_of = read_state(session).as_of
    calendar = Calendar(timezone, fiscal_year_start_month)
    for mapping in shown:
        if mapping.direction == "both":
            _make_two_way(session, mapping, describes, as_of, calendar)
        else:
            _make(session, mapping, select_sql(mapping, describes, as_of=as_of, calendar=calendar))
    return [str(mapping.local_table) for mapping in shown]


@dataclass(frozen=True, slots=True)
class _Entry:
    """A table or view: its definition in the database's own words, and which version of the database worded it.

    `definition` is None for a table.
    """

    name: TableName
    definition: str | None
    database_version: str


def _made_before(session: Session) -> dict[tuple[str, str], _Entry]:
    rows = session.execute(
        "SELECT table_schema, table_name, definition, database_version FROM sfsync.local_tables ORDER BY 1, 2"
    )
    entries = [_Entry(TableName(schema, name), definition, version) for schema, name, definition, version in rows]
    return {entry.name.key: entry for entry in entries}


def _relation(session: Session, name: TableName) -> _Entry | None:
    """The table or view that has this name, in any case."""
    for schema, relation, definition, version in session.execute(_RELATIONS, [name.schema]):
        if relation.casefold() == name.name.casefold():
            return _Entry(TableName(schema, relation), definition, version)
    return None


def _is_untouched(relation: _Entry, made: _Entry | None) -> bool:
    """Whether a relation is the very view that sfsync made.

    Another version of the database may word the same view in another way: then being a view of that name is enough.
    """
    if made is None or relation.definition is None:
        return False
    return relation.definition == made.definition or relation.database_version != made.database_version


def _in_the_way(session: Session, mapping: Mapping, made: AnyMapping[tuple[str, str], _Entry]) -> Iterable[Problem]:
    relation = _relation(session, mapping.local_table)
    if relation is None or _is_untouched(relation, made.get(mapping.local_table.key)):
        return
    kind = "table" if relation.definition is None else "view"
    if kind == "table" and has_base(session, mapping.local_table):
        return
    message = f"there is a {kind} `{relation.name}` that sfsync did not make"
    yield mapping.problem("table", message=message, hint="choose another name, or rename yours")


def _edits_in_the_way(session: Session, mapping: Mapping) -> Iterable[Problem]:
    """A table that was edited cannot become a view: its edits would be gone."""
    name = mapping.local_table
    if mapping.direction == "both" or not has_base(session, name):
        return
    if count := unsent_edits(session, name):
        message = f"`{name}` has {count:,} rows with edits that the org does not have, so it cannot become a view"
        yield mapping.problem("table", message=message, hint="send them with `direction: both`, or undo them")
    elif columns := own_columns(session, name):
        message = f"`{name}` has columns of yours (`{'`, `'.join(columns)}`), so it cannot become a view"
        yield mapping.problem("table", message=message, hint="copy them to another table and drop them here")


def _forget(session: Session, entry: _Entry) -> None:
    """Drop a local table whose mapping is gone; one that was changed since it was made is left to its owner."""
    relation = _relation(session, entry.name)
    if relation is not None and _is_untouched(relation, entry):
        session.execute(f"DROP VIEW {table(relation.name.schema, relation.name.name)}")
    session.execute(
        "DELETE FROM sfsync.local_tables WHERE table_schema = ? AND table_name = ?",
        [entry.name.schema, entry.name.name],
    )


def _forget_two_way(session: Session, wanted: set[tuple[str, str]]) -> None:
    """Drop the two-way tables whose mapping is gone; one that holds anything of yours stays, with its base."""
    rows = session.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = ?", [BASE_SCHEMA])
    for (base,) in rows:
        name = TableName.parse(base)
        if name.key not in wanted and not unsent_edits(session, name) and not own_columns(session, name):
            drop_two_way(session, name)


def _make_two_way(
    session: Session,
    mapping: Mapping,
    describes: AnyMapping[str, ObjectDescribe],
    as_of: datetime | None,
    calendar: Calendar,
) -> None:
    """Make a two-way table where there is none, or where there was a view; what is there keeps what it holds."""
    two_way = two_way_table(session, mapping, describes, as_of=as_of, calendar=calendar)
    relation = _relation(session, mapping.local_table)
    if relation is not None and relation.definition is None:
        reshape(session, two_way)
        return
    if relation is not None:
        session.execute(f"DROP VIEW {table(relation.name.schema, relation.name.name)}")
        _unlist(session, mapping.local_table)
    make_two_way(session, two_way)


def _unlist(session: Session, name: TableName) -> None:
    session.execute(
        "DELETE FROM sfsync.local_tables WHERE lower(table_schema) = lower(?) AND lower(table_name) = lower(?)",
        [name.schema, name.name],
    )


def _make(session: Session, mapping: Mapping, sql: str) -> None:
    name = mapping.local_table
    qualified = table(name.schema, name.name)
    if has_base(session, name):
        drop_two_way(session, name)
    try:
        session.execute(f"CREATE SCHEMA IF NOT EXISTS {quote(name.schema)}")
        session.execute(f"DROP VIEW IF EXISTS {qualified}")
        session.execute(f"CREATE VIEW {qualified} AS {sql}")
    except QueryFailed as error:
        message = f"the database refused the local table `{name}`: {error.message.splitlines()[0]}"
        raise MappingError([mapping.problem("table", message=message)], hint=error.hint) from error
    made = _relation(session, name)
    assert made is not None  # noqa: S101 - it was made two lines above
    _unlist(session, name)
    session.execute(
        "INSERT INTO sfsync.local_tables VALUES (?, ?, ?, ?, ?)",
        [name.schema, name.name, mapping.object, made.definition, made.database_version],
    )

"""Holds the rows of a source against the org, through the mapping: what a push would refuse, before there is a plan."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Mapping as AnyMapping

from sfsync.config.spelling import shown
from sfsync.errors import MappingError, Problem
from sfsync.mapping.foreign_ids import KnownIds
from sfsync.mapping.push_columns import PushColumn, PushLookup, PushPlan, push_columns
from sfsync.mapping.schema import Mapping
from sfsync.records import ObjectDescribe
from sfsync.store.columns import table_columns
from sfsync.store.interface import Session
from sfsync.store.names import quote, table

#: How many different problems of one field are named.
_NAMED = 3


def check_data(
    session: Session,
    mapping: Mapping,
    describes: AnyMapping[str, ObjectDescribe],
    source_table: str,
    source_columns: AnyMapping[str, str],
) -> list[Problem]:
    """What the org would refuse of the rows of a source, counted by field, at the field's line of the mapping.

    Args:
        session: May make temporary tables.
        mapping: Has passed `check_mappings` with the same describes.
        describes: API name → describe.
        source_table: Qualified and quoted already.
        source_columns: Column → SQL type.

    Raises:
        MappingError: The source lacks columns that the mapping reads.
    """
    plan = push_columns(
        mapping, describes, source_columns, secret=frozenset(name.casefold() for name in mapping.sensitive)
    )
    plan.prepare(session, source_table)
    known = KnownIds.of(session, describes)
    found: list[Problem] = []
    for section, items in (("fields", plan.columns), ("lookups", plan.lookups)):
        for each in items:
            described = describes[mapping.object].field(each.field)
            is_plain = section == "fields" and described is not None and described.type == "reference"
            unknown = known.unknown_sql(described, each.value_sql) if is_plain and described is not None else None
            found.extend(_problems(session, mapping, plan, (section, each, unknown), source_table))
    return found


def local_table_problems(
    session: Session, mappings: Sequence[Mapping], describes: AnyMapping[str, ObjectDescribe]
) -> Iterator[Problem]:
    """What a push would refuse of the rows of local tables. A view shows what the org has, and is not looked at."""
    tables = session.execute(
        "SELECT table_schema, table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE'"
    )
    spelled = {(schema.casefold(), name.casefold()): (schema, name) for schema, name in tables}
    for mapping in mappings:
        found = spelled.get(mapping.local_table.key)
        if mapping.direction == "pull" or mapping.source is not None or found is None:
            continue
        try:
            yield from check_data(session, mapping, describes, table(*found), table_columns(session, *found))
        except MappingError as error:
            yield from error.problems


def _problems(
    session: Session,
    mapping: Mapping,
    plan: PushPlan,
    entry: tuple[str, PushColumn | PushLookup, str | None],
    source_table: str,
) -> Iterator[Problem]:
    section, each, unknown = entry
    told = [each.problem_sql, *([each.note_sql] if isinstance(each, PushColumn) else [])]
    if isinstance(each, PushColumn) and each.is_key:
        told.append(f"CASE WHEN {each.value_sql} IS NULL THEN 'the key is empty' END")
    if unknown is not None:
        told.append(unknown)
    problem = quote("problem")
    rows = session.execute(
        f"SELECT {problem}, count(*) AS n, sum(count(*)) OVER () AS total, count(*) OVER () AS kinds FROM "
        f"(SELECT coalesce({', '.join([*told, 'CAST(NULL AS VARCHAR)'])}) AS {problem} "
        f"FROM {plan.from_sql(source_table)}) "
        f"AS found WHERE {problem} IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {_NAMED}"
    ).rows
    if not rows:
        return
    _, _, total, kinds = rows[0]
    named = "; ".join(f"{shown(text, 160)} ({count:,})" for text, count, _, _ in rows)
    more = f"; and {kinds - len(rows):,} more kinds" if kinds > len(rows) else ""
    message = f"{total:,} rows: {each.field}: {named}{more}"
    yield mapping.problem(section, each.field, message=message, key=True)

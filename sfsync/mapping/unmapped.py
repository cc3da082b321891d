"""What the mirror holds that a mapping has no answer for: values that `values` leaves out, parents that are missing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Mapping as AnyMapping
from datetime import datetime

from sfsync.config.spelling import shown
from sfsync.errors import Problem
from sfsync.mapping.filter import filter_sql
from sfsync.mapping.schema import Lookup, Mapping
from sfsync.records import ObjectDescribe
from sfsync.soql.dates import Calendar
from sfsync.store.interface import Session
from sfsync.store.names import literal, quote, table

_NAMED_VALUES = 5


def unmapped_values(
    session: Session,
    mappings: Sequence[Mapping],
    describes: AnyMapping[str, ObjectDescribe],
    *,
    as_of: datetime,
    calendar: Calendar | None = None,
) -> list[Problem]:
    """Where `otherwise: fail` or `on_missing: fail` would stop a push, and a local table shows what it can instead.

    Args:
        session: Of a mirror that holds every object of the mappings.
        mappings: Have passed `check_mappings` with the same describes.
        describes: API name → describe.
        as_of: The instant (UTC) that date literals of filters count from.
        calendar: Time zone and fiscal year of date literals.
    """
    found: list[Problem] = []
    for mapping in mappings:
        describe = describes[mapping.object]
        where = filter_sql(mapping, describe, alias="record", now=as_of, calendar=calendar)
        source = f"{table('sf', mapping.object)} AS {quote('record')}"
        for name, item in mapping.fields.items():
            if item.values is not None and item.otherwise == "fail":
                found.extend(_unnamed(session, mapping, name, f"FROM {source} WHERE {where}"))
            if item.values is not None and mapping.direction_of(item) == "both":
                found.extend(_mistaken(session, mapping, name, f"FROM {source} WHERE {where}"))
        for name, lookup in mapping.lookups.items():
            if lookup.on_missing == "fail" and lookup.local is not None:
                found.extend(_parentless(session, mapping, name, lookup, (source, where)))
    return found


def _unnamed(session: Session, mapping: Mapping, name: str, rest: str) -> Iterator[Problem]:
    value = f"CAST({quote('record')}.{quote(name)} AS VARCHAR)"
    named = ", ".join(literal(each) for each in mapping.fields[name].values or ())
    rows = session.execute(
        f"SELECT {value} AS value, count(*) AS n {rest} AND {value} IS NOT NULL AND {value} NOT IN ({named}) "
        f"GROUP BY 1 ORDER BY 2 DESC, 1"
    ).rows
    if rows:
        total = sum(count for _, count in rows)
        listed = ", ".join(f"`{shown(each)}`" for each, _ in rows[:_NAMED_VALUES])
        more = "" if len(rows) <= _NAMED_VALUES else f" and {len(rows) - _NAMED_VALUES} more"
        message = f"{total:,} records have a {name} that `values` does not name: {listed}{more}"
        hint = "add them, or say what becomes of them: `otherwise: keep`"
        yield mapping.problem("fields", name, "values", message=message, hint=hint, key=True)


def _mistaken(session: Session, mapping: Mapping, name: str, rest: str) -> Iterator[Problem]:
    """Values of the org that stand for themselves, and are the local name of another: a push would change them."""
    item, value = mapping.fields[name], f"CAST({quote('record')}.{quote(name)} AS VARCHAR)"
    org_values = item.values or {}
    taken = {local: org for org, local in item.value_pairs() if local not in org_values}
    if not taken:
        return
    listed = ", ".join(literal(each) for each in taken)
    rows = session.execute(
        f"SELECT {value} AS value, count(*) AS n {rest} AND {value} IN ({listed}) GROUP BY 1 ORDER BY 2 DESC, 1"
    )
    for org_value, count in rows:
        message = (
            f"{count:,} records have the {name} `{shown(org_value)}`, which is also what `{shown(taken[org_value])}` "
            "is called locally: a push would write the other"
        )
        yield mapping.problem("fields", name, "values", message=message, hint="call it something else", key=True)


def _parentless(
    session: Session, mapping: Mapping, name: str, lookup: Lookup, records: tuple[str, str]
) -> Iterator[Problem]:
    source, where = records
    reference = f"{quote('record')}.{quote(name)}"
    joins, missing = "", ""
    for number, object_name in enumerate(lookup.objects):
        parent = quote("parent" if not number else f"parent{number}")
        joins += f" LEFT JOIN {table('sf', object_name)} AS {parent} ON {parent}.{quote('Id')} = {reference}"
        missing += f" AND {parent}.{quote('Id')} IS NULL"
    count = session.execute(
        f"SELECT count(*) FROM {source}{joins} WHERE {where} AND {reference} IS NOT NULL{missing}"
    ).scalar()
    if count:
        objects = " or ".join(lookup.objects)
        message = f"{count:,} records refer by {name} to a {objects} that the mirror does not hold"
        hint = f"`{', '.join(lookup.columns)}` is empty for them"
        yield mapping.problem("lookups", name, message=message, hint=hint, key=True)

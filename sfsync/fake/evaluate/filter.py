"""The WHERE of a SOQL query as SQL: its condition, its scope, and the records that a plain query does not show."""

from __future__ import annotations

from collections.abc import Iterator

from sfsync.fake.evaluate.paths import Paths
from sfsync.fake.evaluate.semi_joins import check_semi_joins, semi_join_sides
from sfsync.fake.evaluate.setting import Setting, not_in_this_org
from sfsync.soql.ast import Query, SemiJoin, WithFlag
from sfsync.soql.condition_sql import condition_sql
from sfsync.soql.sql_literals import quoted, text_literal

#: Objects whose archived records only `queryAll` shows.
_ARCHIVING = frozenset({"Task", "Event"})

#: Clauses that say with whose permissions a query runs; over the API it is always the user's own.
_PERMISSIONS = frozenset({"SECURITY_ENFORCED", "USER_MODE", "SYSTEM_MODE"})

_QUEUE_PREFIX = "00G"


def where_sql(query: Query, paths: Paths, setting: Setting) -> str:
    """The WHERE clause, empty when everything is shown; raises `SoqlError`."""
    conditions = [] if setting.all_rows else list(_shown(paths))
    conditions += _scope(query, paths, setting)
    if query.where is not None:
        check_semi_joins(query.where)
        conditions.append(
            condition_sql(
                query.where,
                paths.column,
                setting.now,
                calendar=setting.calendar,
                semi_join=lambda node: _semi_join_sql(node, paths, setting),
            )
        )
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""


def check_clauses(query: Query) -> None:
    """Refuse the clauses whose meaning the fake org does not know, rather than answer as if they were not there."""
    for clause in query.with_clauses:
        if not isinstance(clause, WithFlag):
            raise not_in_this_org(clause.place, "This WITH clause")
        if clause.name.upper() not in _PERMISSIONS:
            raise clause.place.error(f"unexpected token: '{clause.name}'")


def _shown(paths: Paths) -> Iterator[str]:
    hiding = ["IsDeleted"] + (["IsArchived"] if paths.object.name in _ARCHIVING else [])
    for name in hiding:
        if paths.object.field(name) is not None:
            yield f"t0.{quoted(name)} IS NOT TRUE"


def _scope(query: Query, paths: Paths, setting: Setting) -> Iterator[str]:
    scope = (query.scope or "everything").lower()
    if scope == "everything":
        return
    place = query.source.path.place
    if scope not in {one.lower() for one in paths.object.scopes}:
        # from memory
        raise place.error(f"Invalid query scope '{query.scope}' for {paths.object.name}", code="INVALID_QUERY_SCOPE")
    owner = f"t0.{quoted('OwnerId')}"
    if scope == "mine" and setting.user_id:
        yield f"{owner} = {text_literal(setting.user_id)}"
    elif scope in {"queue_owned", "user_owned"}:
        yield f"starts_with({owner}, '{_QUEUE_PREFIX}') = {'true' if scope == 'queue_owned' else 'false'}"
    else:
        raise not_in_this_org(place, f"USING SCOPE {query.scope}")


def _semi_join_sql(node: SemiJoin, paths: Paths, setting: Setting) -> str:
    inner_paths = Paths(setting, node.query)
    left, inner = semi_join_sides(node, paths, inner_paths)
    where = where_sql(node.query, inner_paths, setting)
    where += f" {'AND' if where else 'WHERE'} {inner.sql} IS NOT NULL"
    test = f"{left.sql} IN (SELECT {inner.sql} {inner_paths.from_sql} {where})"
    # The opposite holds as well for records that point to nothing.
    return f"(({test}) IS NOT TRUE)" if node.negated else f"({test})"

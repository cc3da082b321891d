"""Questions to the mirror as it was: the same SQL, with the tables of `sf` and `sf_all` as they stood at an instant."""

from __future__ import annotations

from datetime import datetime

import sqlglot
from sqlglot import exp

from sfsync.errors import QueryFailed, UsageError
from sfsync.store.history import relation_as_of
from sfsync.store.interface import Session, Store
from sfsync.store.mirror import object_states
from sfsync.store.sql_trees import sql_trees


def as_of_sql(store: Store, sql: str, instant: datetime) -> str:
    """The statement with every table of `sf` and `sf_all` replaced by what it held at an instant (naive UTC).

    Raises:
        UsageError: The instant lies before what is known of an object or after the mirror's end, or the statement
            reads a local table, whose past is not kept.
        QueryFailed: The statement is no SELECT.
    """
    try:
        trees = sql_trees(sql, store.dialect)
    except sqlglot.errors.SqlglotError as error:
        raise QueryFailed(f"the statement cannot be read: {error}", hint="check its spelling") from error
    except RecursionError as error:
        raise QueryFailed("the statement is nested too deeply", hint="make tables of its parts") from error
    tree = trees[0] if len(trees) == 1 else None
    if not isinstance(tree, exp.Query):
        raise QueryFailed("only a SELECT can be asked as of an earlier time", hint="leave out --as-of")
    own = {cte.alias_or_name for cte in tree.find_all(exp.CTE)}
    with store.reading() as session:
        tables = [found for found in tree.find_all(exp.Table) if found.name and (found.db or found.name not in own)]
        for found in tables:
            name = _checked(session, found, instant)
            relation = relation_as_of(session, name, f"TIMESTAMP '{instant:%Y-%m-%d %H:%M:%S}'", live=found.db == "sf")
            parsed = sqlglot.parse_one(relation, dialect=store.dialect)
            found.replace(exp.Subquery(this=parsed, alias=exp.TableAlias(this=exp.to_identifier(found.alias_or_name))))
    return tree.sql(dialect=store.dialect)


def _checked(session: Session, found: exp.Table, instant: datetime) -> str:
    """The object a table stands for, once it is sure that its past is known."""
    states = object_states(session)
    spelled = {name.casefold(): name for name in states}
    name = spelled.get(found.name.casefold())
    if found.db.casefold() not in {"sf", "sf_all"} or name is None:
        raise UsageError(
            f"only tables of sf and sf_all have a past, and {found.sql()} is none", hint="ask sf.Lead, say, instead"
        )
    state = states[name]
    if instant < state.known_from:
        raise UsageError(
            f"what {name} was before {state.known_from:%Y-%m-%d %H:%M:%S} UTC is not known",
            hint="that is its first pull, or the last one without history; ask for a later time",
        )
    if instant > state.upper_bound:
        raise UsageError(
            f"the mirror of {name} ends at {state.upper_bound:%Y-%m-%d %H:%M:%S} UTC", hint="pull first, or ask earlier"
        )
    return name

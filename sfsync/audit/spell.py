"""Turns a checked query into one that runs: macros expanded, names spelled as the mirror has them, options filled in.

Everything happens on the parsed query; no value is ever pasted into a text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Protocol

from sqlglot import exp

from sfsync.audit.alike import blanks
from sfsync.audit.business_hours import business_hours
from sfsync.audit.context import AuditContext
from sfsync.audit.portable import parse_select
from sfsync.audit.relations.relation import SQL_TYPES, Relation
from sfsync.audit.rule import FieldType, OptionalNeed
from sfsync.config.definitions_hours import WHOLE_WORKING_DAYS

#: Marks a name that is a relation's column, whatever the fields are called.
_KEPT = "kept"

#: Engines on which a part of a statement can be told to be computed once.
_KNOW_MATERIALIZED = frozenset({"duckdb", "postgres"})

#: Gives a relation's name in the statement.
Call = Callable[[str], str]

Literals = Mapping[str, exp.Expr | list[exp.Expr]]


class Reader(Protocol):
    """A rule or relation: its SQL, and what the SQL may read."""

    @property
    def fields(self) -> dict[str, dict[str, FieldType]]:
        """Object → field → type."""
        ...

    @property
    def every_option(self) -> tuple[OptionalNeed, ...]:
        """What may be absent."""
        ...


def literal(value: object) -> exp.Expr:
    """A value as SQL."""
    if value is None:
        return exp.null()
    if isinstance(value, bool):
        return exp.true() if value else exp.false()
    if isinstance(value, datetime):
        return exp.cast(exp.Literal.string(value.isoformat(sep=" ")), "TIMESTAMP")
    if isinstance(value, date):
        return exp.cast(exp.Literal.string(value.isoformat()), "DATE")
    if isinstance(value, int | float):
        number = exp.Literal.number(repr(abs(value)))
        return exp.Paren(this=exp.Neg(this=number)) if value < 0 else number
    return exp.Literal.string(str(value))


def given_literals(context: AuditContext) -> dict[str, exp.Expr | list[exp.Expr]]:
    """The parameters every query has; `$as_of` and `$today` stay where no mirror is at hand."""
    given: dict[str, exp.Expr | list[exp.Expr]] = {"fiscal_year_start_month": literal(context.fiscal_year_start_month)}
    if context.as_of is not None and context.today is not None:
        given |= {"as_of": literal(context.as_of), "today": literal(context.today)}
    return given


def with_parameters(query: exp.Query, literals: Literals) -> exp.Query:
    """The query with its parameters put in."""
    for node in list(query.find_all(exp.Placeholder)):
        value = literals.get(node.name)
        if isinstance(value, list):
            _put_list(node, value)
        elif value is not None:
            node.replace(value.copy())
    return query


def relation_sources(query: exp.Expr, known: Mapping[str, object]) -> list[exp.Table]:
    """Where a query reads relations: bare names that are not its own CTEs."""
    found = list(query.find_all(exp.CTE, exp.Table))
    own = {each.alias.casefold() for each in found if isinstance(each, exp.CTE)}
    return [
        source
        for source in found
        if isinstance(source, exp.Table)
        and not source.db
        and source.name.casefold() in known
        and source.name.casefold() not in own
    ]


def read_relations(
    query: exp.Query,
    reader: Reader,
    context: AuditContext,
    relations: Mapping[str, Relation],
    call: Callable[[str], str],
) -> exp.Query:
    """The query with its relations under the names that `call` gives them.

    A column of a relation that is called like a field (`status`, where the query reads `Lead.Status`) is renamed to the
    field's spelling at the source, so that it is the same name on engines that tell capitals apart.
    """
    spelled = _spelled_fields(reader, context)
    for source in relation_sources(query, relations):
        relation = relations[source.name.casefold()]
        alias = source.alias or source.name
        named = exp.to_table(call(relation.name))
        clashing = [name for name in relation.columns if name in spelled]
        if clashing:
            columns = [
                _kept(name, "r").as_(spelled.get(name, name), quoted=name in spelled) for name in relation.columns
            ]
            source.replace(exp.select(*columns).from_(named.as_("r")).subquery(alias))
        else:
            source.replace(exp.alias_(named, alias, table=True))
    return query


def runnable(query: exp.Query, reader: Reader, context: AuditContext) -> exp.Query:
    """The query with macros expanded, tables and fields as the mirror spells them, and absent options as NULL."""
    query = _expand_macros(query, context)
    spelled = _spelled_fields(reader, context)
    named = list(query.find_all(exp.Column, exp.Alias, exp.TableAlias, exp.Table, exp.Star))
    for identifier in _column_names(named):
        name = spelled.get(identifier.name.casefold())
        if name is not None and not identifier.meta_get(_KEPT):
            identifier.set("this", name)
            identifier.set("quoted", True)
    mentioned = _mentioned(named)
    for source in [table for table in named if isinstance(table, exp.Table) and table.db]:
        source.replace(_source(source, reader, context, mentioned))
    return query


def relation_query(
    relation: Relation, context: AuditContext, relations: Mapping[str, Relation], call: Call
) -> exp.Query:
    """A relation's query as it runs, its columns under their own names."""
    if relation.rows is not None:
        columns: list[exp.Expr] = [exp.column(name) for name in relation.columns]
        return exp.select(*columns).from_(
            exp.Table(this=exp.to_identifier(relation.name), db=exp.to_identifier("sfsync"))
        )
    if relation.query is not None:
        query = relation.query(context)
    else:
        query = with_parameters(parse_select(relation.sql or ""), given_literals(context))
    query = runnable(read_relations(query, relation, context, relations, call), relation, context)
    spelled = _spelled_fields(relation, context)
    if not any(name in spelled for name in relation.columns):
        return query
    columns = [
        exp.column(exp.to_identifier(spelled.get(name, name), quoted=name in spelled), table="q").as_(name)
        for name in relation.columns
    ]
    return exp.select(*columns).from_(query.subquery("q", copy=False), copy=False)


def _kept(name: str, table: str) -> exp.Column:
    identifier = exp.to_identifier(name)
    identifier.meta[_KEPT] = True
    return exp.Column(this=identifier, table=exp.to_identifier(table))


def _spelled_fields(reader: Reader, context: AuditContext) -> dict[str, str]:
    """Field in lower case → as the mirror spells it."""
    return {
        name.casefold(): context.column(of_object, name) or name
        for of_object, names in reader.fields.items()
        for name in names
    }


def _source(source: exp.Table, reader: Reader, context: AuditContext, mentioned: frozenset[str] | None) -> exp.Expr:
    """The table, with a column of NULLs for each optional field that may not be read, or is of another type."""
    name = context.object(source.name)
    declared = next((n for n in reader.fields if n.casefold() == source.name.casefold()), source.name)
    alias = source.alias or source.name
    spelled = exp.to_identifier(name or declared, quoted=True)
    quoted = exp.Table(this=spelled, db=exp.to_identifier(source.db.lower()))
    absent = {
        field: kind
        for field, kind in _optional_fields(reader, source.name).items()
        if not context.holds(source.name, field, kind)
    }
    if not absent or not context.columns:
        return exp.alias_(quoted, alias, table=True)
    nulls = [
        exp.cast(exp.null(), SQL_TYPES[kind]).as_(context.column(source.name, field) or field, quoted=True)
        for field, kind in absent.items()
    ]
    if name is None:
        return exp.select(*nulls).where(exp.false()).subquery(alias)
    others = {field.casefold() for field in absent}
    # Not `*`: a field that may no longer be read keeps its column, and its old values would come along.
    kept = [
        exp.column(field, quoted=True)
        for field in context.columns[name]
        if (mentioned is None or field.casefold() in mentioned) and field.casefold() not in others
    ]
    if source.db.casefold() == "sf_history":
        kept += [exp.column(column) for column in ("valid_from", "valid_to", "existed")]
    return exp.select(*kept, *nulls).from_(quoted).subquery(alias)


def _optional_fields(reader: Reader, object_name: str) -> dict[str, FieldType]:
    folded = object_name.casefold()
    return {
        field: kind
        for option in reader.every_option
        if option.object is not None and option.object.casefold() == folded
        for field, kind in option.fields.items()
    }


def _put_list(node: exp.Placeholder, items: list[exp.Expr]) -> None:
    """`x IN ($names)`: each item for itself; nothing is in an empty list."""
    inside = node.parent
    assert isinstance(inside, exp.In)  # noqa: S101 - checked when the rule was loaded
    if not items:
        inside.replace(exp.false())
        return
    others = [item for item in inside.expressions if item is not node]
    inside.set("expressions", [*others, *(item.copy() for item in items)])


def _expand_macros(query: exp.Query, context: AuditContext) -> exp.Query:
    for call in reversed(list(query.find_all(exp.Anonymous))):  # the innermost first
        if call.name.casefold() == "is_blank":
            call.replace(_is_blank(call.expressions[0]))
        elif call.name.casefold() == "local_date":
            call.replace(_local_date(call.expressions[0], context.timezone))
        elif call.name.casefold() == "business_hours":
            since, until = call.expressions
            hours = context.definitions.business_hours or WHOLE_WORKING_DAYS
            part = call.find_ancestor(exp.CTE)
            if part is not None and context.dialect in _KNOW_MATERIALIZED:
                part.set("materialized", True)  # so much to compute is computed once, however often it is read
            call.replace(business_hours(since, until, hours, context.timezone))
    return query


def _is_blank(value: exp.Expr) -> exp.Expr:
    """True for NULL, nothing, and nothing but white space; never NULL."""
    trimmed = exp.Trim(this=value.copy(), expression=blanks())
    empty = exp.Coalesce(this=trimmed, expressions=[exp.Literal.string("")]).eq("")
    return exp.Paren(this=empty)


def _local_date(instant: exp.Expr, timezone: str) -> exp.Expr:
    """The calendar day of an instant (UTC) in the org's time zone."""
    if timezone == "UTC":
        return exp.cast(instant.copy(), "DATE")
    moved = exp.ConvertTimezone(
        source_tz=exp.Literal.string("UTC"), target_tz=exp.Literal.string(timezone), timestamp=instant.copy()
    )
    return exp.cast(moved, "DATE")


def _mentioned(nodes: Iterable[exp.Expr]) -> frozenset[str] | None:
    """Names of all columns a query mentions, or None when a `*` stands for all there are."""
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, exp.Star) and not isinstance(node.parent, exp.Count):
            return None
        if isinstance(node, exp.Column):
            names.add(node.name.casefold())
    return frozenset(names)


def _column_names(nodes: Iterable[exp.Expr]) -> Iterator[exp.Identifier]:
    for node in nodes:
        if isinstance(node, exp.Column) and isinstance(node.this, exp.Identifier):
            yield node.this
        elif isinstance(node, exp.Alias) and isinstance(node.args.get("alias"), exp.Identifier):
            yield node.args["alias"]
        elif isinstance(node, exp.TableAlias):
            yield from node.args.get("columns") or ()

"""A rule's statements: its queries and the relations they read, put together in the dialect of the engine."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from sfsync.audit.alike import alike
from sfsync.audit.context import AuditContext
from sfsync.audit.finding_columns import fingerprint_column, object_column, severity_column, text_or_null
from sfsync.audit.message import message_expression
from sfsync.audit.narrow import EVERY_RECORD, Part, narrowed
from sfsync.audit.parameter import AUTO, ENOUGH_RECORDS, Value
from sfsync.audit.portable import SCHEMAS, parse_select
from sfsync.audit.relations.relation import SQL_TYPES, Relation
from sfsync.audit.rule import FieldType, Rule
from sfsync.audit.spell import (
    Literals,
    given_literals,
    literal,
    read_relations,
    relation_query,
    runnable,
    with_parameters,
)
from sfsync.audit.straight import straightened
from sfsync.records import Severity

#: What a rule's parameters are set to.
Values = Mapping[str, Value]

#: Parameters every rule has.
GIVEN = ("as_of", "today", "fiscal_year_start_month")


_COUNT = exp.select(exp.Count(this=exp.Star()).as_("eligible")).from_("eligible")


@dataclass(frozen=True, slots=True)
class RuleSql:
    """The statements of one rule, ready to run.

    Attributes:
        findings: A row a finding: record_id, severity, discriminator, breakdown, message, fingerprint, object.
        eligible: One number: how many things were judged.
        thresholds: Parameter → a row a segment: segment, value, n, origin.
        fixes: See `render_fixes`; of a statement that is to run, they are rendered apart.
    """

    findings: str
    eligible: str
    thresholds: Mapping[str, str]
    fixes: str | None = None


def render(
    rule: Rule,
    values: Values,
    context: AuditContext,
    *,
    severity: Severity | None = None,
    built: Collection[str] | None = None,
    part: Part = EVERY_RECORD,
) -> RuleSql:
    """The rule's statements for these parameters and this mirror.

    Args:
        rule: The rule.
        values: All of its parameters.
        context: The mirror's time, definitions, columns and dialect. Without a time, `$as_of` and `$today` stay.
        severity: Of every finding, instead of the rule's own.
        built: Relations that are there as temporary tables; the others become part of the statement, and where None
            is given the statement is one to be shown: it holds nothing that it does not need.
        part: The records that are judged.
    """
    composer = _Composer(rule, values, context, built or (), part)
    violations = composer.violations()
    findings = exp.select(
        exp.column("record_id", table="v"),
        severity_column(rule, violations, severity).as_("severity"),
        text_or_null(violations, "discriminator"),
        text_or_null(violations, "breakdown"),
        message_expression(rule.message, "v").as_("message"),
        fingerprint_column(rule, violations).as_("fingerprint"),
        object_column(rule, violations).as_("object"),
    ).from_(exp.to_table("violations").as_("v"))
    given = {"violations": violations}
    if built is not None and part.is_all:
        given = _straight(violations, composer.query(rule.eligible)) or given
    statement = composer.statement(findings, **given)
    counted = (None if built is None else _counted(statement)) or composer.statement(_COUNT.copy())
    return RuleSql(
        findings=composer.written(statement),
        eligible=composer.written(counted),
        thresholds={
            name: composer.text(exp.select("segment", "value", "n", "origin").from_(name).order_by("segment"))
            for name, parameter in rule.params.items()
            if parameter.type == "threshold"
        },
    )


def render_fixes(
    rule: Rule, values: Values, context: AuditContext, *, built: Collection[str] = (), part: Part = EVERY_RECORD
) -> str | None:
    """The statement of what a rule proposes: a row a finding that proposes something.

    Its columns are record_id, fingerprint, reason, and each field to set under its API name.

    Args:
        rule: The rule.
        values: As for `render`.
        context: As for `render`.
        built: As for `render`.
        part: As for `render`.

    Returns:
        None for a rule without `fix`.
    """
    if rule.fix is None:
        return None
    composer = _Composer(rule, values, context, built, part)
    violations = composer.violations()
    proposed = [exp.column(column, table="v") for column in rule.fix.set.values()]
    select = exp.select(
        exp.column("record_id", table="v"),
        fingerprint_column(rule, violations).as_("fingerprint"),
        message_expression(rule.fix.reason, "v").as_("reason"),
        *(value.copy().as_(field, quoted=True) for field, value in zip(rule.fix.set, proposed, strict=True)),
    ).from_(exp.to_table("violations").as_("v"))
    some = exp.or_(*(exp.not_(value.is_(exp.null())) for value in proposed))
    return composer.text(select.where(some), violations=violations)


def built_name(relation: str) -> str:
    """What the temporary table of a relation is called."""
    return f"relation_{relation}"


def relation_text(relation: Relation, known: Collection[Relation], context: AuditContext) -> str:
    """The statement that a relation's temporary table is made of; it reads those of other relations."""
    by_name = {each.name: each for each in known}
    query = _alike(relation_query(relation, context, by_name, built_name), relation, known, context)
    return query.sql(dialect=context.dialect, pretty=True, comments=False, copy=False)


def spelled_out(statement: str, relations: Sequence[Relation], text_of: Callable[[Relation], str]) -> str:
    """A statement that reads relations' tables, as one that reads the mirror alone: what anybody can run again.

    Args:
        statement: Begins with `WITH`.
        relations: Those it may read, each after those it reads itself.
        text_of: Gives the statement of one.
    """
    parts: list[str] = []
    whole = statement
    for relation in reversed(relations):
        name = built_name(relation.name)
        if not relation.inline and re.search(rf"\b{name}\b", whole):
            text = text_of(relation)
            parts.insert(0, f"{name} AS (\n{text}\n)")
            whole += text
    return f"WITH {', '.join([*parts, statement.removeprefix('WITH ')])}" if parts else statement


def render_whole(
    rule: Rule,
    values: Values,
    context: AuditContext,
    *,
    severity: Severity | None = None,
    part: Part = EVERY_RECORD,
) -> RuleSql:
    """The rule's statements as they run, each with the relations it reads written in front; see `render`."""
    built = [each.name for each in rule.relations if not each.inline]
    sql = render(rule, values, context, severity=severity, built=built, part=part)
    texts = {each.name: "" for each in rule.relations}

    def text_of(relation: Relation) -> str:
        texts[relation.name] = texts[relation.name] or relation_text(relation, rule.relations, context)
        return texts[relation.name]

    fixes = render_fixes(rule, values, context, built=built, part=part)
    return RuleSql(
        findings=spelled_out(sql.findings, rule.relations, text_of),
        eligible=spelled_out(sql.eligible, rule.relations, text_of),
        thresholds={name: spelled_out(each, rule.relations, text_of) for name, each in sql.thresholds.items()},
        fixes=None if fixes is None else spelled_out(fixes, rule.relations, text_of),
    )


def _alike(
    statement: exp.Query, reader: Rule | Relation, built: Iterable[Relation], context: AuditContext
) -> exp.Query:
    """The statement with the same meaning on the context's engine as on any other."""
    fields = {name: {field: SQL_TYPES[kind] for field, kind in kinds.items()} for name, kinds in reader.fields.items()}
    if isinstance(reader, Relation) and reader.any_object:
        fields = {
            source.name: _column_types(source.name, context) for source in statement.find_all(exp.Table) if source.db
        }
    tables = {schema: {name: {"Id": "VARCHAR", **kinds} for name, kinds in fields.items()} for schema in SCHEMAS}
    tables["sfsync"] = {
        each.name: {name: SQL_TYPES[kind] for name, kind in each.columns.items()}
        for each in ((*reader.relations, *built) if isinstance(reader, Rule) else built)
        if each.rows is not None
    }
    relations = {
        built_name(each.name): {name: SQL_TYPES[kind] for name, kind in each.columns.items()} for each in built
    }
    return alike(statement, context.dialect, tables, relations)


def _column_types(object_name: str, context: AuditContext) -> dict[str, str]:
    """Column → type of a table of the mirror, as far as a rule may read it."""
    kinds = {name: context.kind(object_name, name) for name in context.columns.get(object_name, {})}
    return {name: SQL_TYPES[kind] for name, kind in kinds.items() if kind in SQL_TYPES}  # type: ignore[index]


class _Composer:
    """Builds one statement out of a rule's queries and the relations they read."""

    def __init__(self, rule: Rule, values: Values, context: AuditContext, built: Collection[str], part: Part) -> None:
        self.rule = rule
        self.context = context
        self.values = values
        self.built = built
        self.part = part
        self.relations = {relation.name: relation for relation in rule.relations}
        self.literals: Literals = {
            **{name: _parameter(rule, name, values[name]) for name in rule.params},
            **given_literals(context),
        }

    def query(self, text: str) -> exp.Query:
        """A query of the rule with its parameters put in."""
        return with_parameters(parse_select(text), self.literals)

    def violations(self) -> exp.Query:
        """The query that finds, among the records that are judged."""
        query = self.query(self.rule.sql)
        if self.part.is_all:
            return query
        columns = [exp.column(name, table="f").as_(name) for name in query.named_selects]
        judged = exp.select(exp.column("record_id", table="e")).from_(exp.to_table("eligible").as_("e"))
        inside = exp.In(this=exp.column("record_id", table="f"), query=judged.subquery())
        return exp.select(*columns).from_(query.subquery("f")).where(inside)

    def text(self, select: exp.Select, **parts: exp.Query) -> str:
        """The statement in the engine's dialect."""
        return self.written(self.statement(select, **parts))

    def written(self, statement: exp.Query) -> str:
        """A finished statement in the engine's dialect; what is left of it afterwards is of no use."""
        return statement.sql(dialect=self.context.dialect, pretty=True, comments=False, copy=False)

    def statement(self, select: exp.Select, **parts: exp.Query) -> exp.Query:
        """The statement with everything it reads, directly or not, in front."""
        collected: dict[str, exp.Query] = {}
        shared: dict[str, None] = {}
        for name, part in parts.items():  # in their order, whether they are read or not
            self._collect(part, parts, collected, shared)
            collected[name] = part
        self._collect(select, parts, collected, shared)
        statement: exp.Query = select.copy()
        for name, query in collected.items():
            own = query.copy() if name in parts else query  # what was given may be used again
            named = read_relations(own, self.rule, self.context, self.relations, self._called)
            statement = statement.with_(name, as_=named, copy=False)
        statement = runnable(statement, self.rule, self.context)
        self._put_in_front(statement, shared)
        built = [self.relations[name] for name in self.built if name in self.relations]
        return _alike(statement, self.rule, built, self.context)

    def _called(self, relation: str) -> str:
        return built_name(relation) if relation in self.built else relation

    def _collect(
        self,
        query: exp.Expr,
        given: Mapping[str, exp.Query],
        parts: dict[str, exp.Query],
        shared: dict[str, None],
    ) -> None:
        """The rule's own queries that a query reads, each after those it reads itself, and the relations."""
        own = {cte.alias.casefold() for cte in query.find_all(exp.CTE)}
        for source in query.find_all(exp.Table):
            name = source.name.casefold()
            if source.db or name in own or name in parts:
                continue
            if name in self.relations:
                shared[name] = None
                continue
            part = given[name] if name in given else self._part(name)
            self._collect(part, given, parts, shared)
            parts[name] = part

    def _put_in_front(self, statement: exp.Query, shared: Collection[str]) -> None:
        """Relations that no table holds, as CTEs, each after those it reads itself."""
        queries: dict[str, exp.Query] = {}

        def add(name: str) -> None:
            if name in queries or name in self.built:
                return
            relation = self.relations[name]
            for read in relation.reads:
                add(read)
            queries[name] = relation_query(relation, self.context, self.relations, self._called)

        for name in shared:
            add(name)
        if not queries:
            return
        ctes = [
            exp.CTE(this=query, alias=exp.TableAlias(this=exp.to_identifier(name))) for name, query in queries.items()
        ]
        present = statement.args.get("with_")
        statement.set("with_", exp.With(expressions=[*ctes, *(present.expressions if present else ())]))

    def _part(self, name: str) -> exp.Query:
        if name != "eligible":
            return self._threshold(name)
        return narrowed(self.query(self.rule.eligible), self.part, self.rule.object, self.context)

    def _threshold(self, name: str) -> exp.Query:
        """One value for each segment: the one that was set, else the org's own where enough records carry it."""
        parameter = self.rule.params[name]
        source = self.query(parameter.sql or "").subquery("s")
        n, value = exp.column("n", table="s"), exp.cast(exp.column("value", table="s"), "DOUBLE")
        set_to = self.values[name]
        if set_to == AUTO:
            enough = exp.GTE(this=n.copy(), expression=exp.Literal.number(ENOUGH_RECORDS))
            fallback = exp.cast(literal(parameter.fallback), "DOUBLE")
            chosen: exp.Expr = exp.Case(ifs=[exp.If(this=enough, true=value)], default=fallback)
            origin: exp.Expr = exp.Case(
                ifs=[exp.If(this=enough.copy(), true=exp.Literal.string("auto"))],
                default=exp.Literal.string("fallback"),
            )
        else:
            chosen, origin = exp.cast(literal(set_to), "DOUBLE"), exp.Literal.string("set")
        columns = [exp.column("segment", table="s"), chosen.as_("value"), n.copy(), origin.as_("origin")]
        return exp.select(*columns).from_(source)


def _parameter(rule: Rule, name: str, value: Value) -> exp.Expr | list[exp.Expr]:
    parameter = rule.params[name]
    if isinstance(value, tuple):
        return [literal(item) for item in value]
    if parameter.type == "threshold" and value == AUTO:
        return literal(parameter.fallback)
    if value is None:
        kinds: Mapping[str, FieldType] = {"integer": "number", "threshold": "number"}
        kind: FieldType = kinds.get(parameter.type) or parameter.type  # type: ignore[assignment]
        return exp.cast(exp.null(), SQL_TYPES[kind])
    return literal(value)


def _straight(violations: exp.Query, eligible: exp.Query) -> dict[str, exp.Query] | None:
    """The parts of a statement that looks at its records once; it says all the same, for readers, which they are."""
    direct = straightened(violations, eligible)
    return None if direct is None else {"eligible": eligible, "violations": direct}


def _counted(statement: exp.Query) -> exp.Query | None:
    """The number of things judged, by the same queries as in the statement that finds; None where it asks nobody."""
    ctes = statement.args["with_"].expressions
    names = [cte.alias for cte in ctes]
    if "eligible" not in names:
        return None
    counted = _COUNT.copy()
    counted.set("with_", exp.With(expressions=[cte.copy() for cte in ctes[: names.index("eligible") + 1]]))
    return counted

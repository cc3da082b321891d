"""A rule's SQL as it runs: parameters and definitions put in as literals, in the dialect of the engine.

Everything happens on the parsed query; no value is ever pasted into a text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlglot import exp

from sfsync.audit.context import AuditContext
from sfsync.audit.message import message_expression
from sfsync.audit.notions import RELATIONS, relation
from sfsync.audit.parameter import AUTO, ENOUGH_RECORDS, Value
from sfsync.audit.portable import MACROS, parse_select
from sfsync.audit.rule import FieldType, Rule
from sfsync.records import Severity

#: What a rule's parameters are set to.
Values = Mapping[str, Value]

#: Parameters every rule has.
GIVEN = ("as_of", "today")

_TYPES: Mapping[FieldType, str] = {
    "text": "VARCHAR",
    "boolean": "BOOLEAN",
    "number": "DOUBLE",
    "date": "DATE",
    "datetime": "TIMESTAMP",
}

#: What Salesforce's users leave in a field that looks empty: spaces, tabs, line ends, no-break spaces.
_BLANKS = (9, 10, 11, 12, 13, 160)


@dataclass(frozen=True, slots=True)
class RuleSql:
    """The statements of one rule, ready to run.

    Attributes:
        findings: A row a finding: record_id, severity, discriminator, breakdown, message, fingerprint.
        eligible: One number: how many things were judged.
        thresholds: Parameter → a row a segment: segment, value, n, origin.
    """

    findings: str
    eligible: str
    thresholds: Mapping[str, str]


def render(rule: Rule, values: Values, context: AuditContext, *, severity: Severity | None = None) -> RuleSql:
    """The rule's statements for these parameters and this mirror.

    Args:
        rule: The rule.
        values: All of its parameters.
        context: The mirror's time, definitions, columns and dialect. Without a time, `$as_of` and `$today` stay.
        severity: Of every finding, instead of the rule's own.
    """
    composer = _Composer(rule, values, context)
    violations = composer.query(rule.sql)
    findings = exp.select(
        exp.column("record_id", table="v"),
        _severity(rule, violations, severity).as_("severity"),
        _text_or_null(violations, "discriminator"),
        _text_or_null(violations, "breakdown"),
        message_expression(rule.message, "v").as_("message"),
        _fingerprint(rule, violations).as_("fingerprint"),
    ).from_(exp.to_table("violations").as_("v"))
    eligible = exp.select(exp.Count(this=exp.Star()).as_("eligible")).from_("eligible")
    return RuleSql(
        findings=composer.text(findings, violations=violations),
        eligible=composer.text(eligible),
        thresholds={
            name: composer.text(exp.select("segment", "value", "n", "origin").from_(name).order_by("segment"))
            for name, parameter in rule.params.items()
            if parameter.type == "threshold"
        },
    )


class _Composer:
    """Builds one statement out of a rule's queries and the relations they read."""

    def __init__(self, rule: Rule, values: Values, context: AuditContext) -> None:
        self.rule = rule
        self.context = context
        self.literals: dict[str, exp.Expr | list[exp.Expr]] = {}
        for name in rule.params:
            self.literals[name] = _parameter(rule, name, values[name])
        if context.as_of is not None and context.today is not None:
            self.literals |= {"as_of": literal(context.as_of), "today": literal(context.today)}
        self.values = values

    def query(self, text: str) -> exp.Query:
        """A query of the rule with its parameters put in."""
        return _with_parameters(parse_select(text), self.literals)

    def text(self, select: exp.Select, **relations: exp.Query) -> str:
        """The statement in the engine's dialect, with every relation it reads, directly or not, in front."""
        parts: dict[str, exp.Query] = {}
        self._collect(select, relations, parts)
        statement = select.copy()
        for name, query in parts.items():
            statement = statement.with_(name, as_=query, copy=False)
        statement = _expand_macros(statement)
        statement = self._spell(statement)
        return statement.sql(dialect=self.context.dialect, pretty=True)

    def _collect(self, query: exp.Expr, given: Mapping[str, exp.Query], parts: dict[str, exp.Query]) -> None:
        """The relations a query reads, each after those it reads itself."""
        own = {cte.alias.casefold() for cte in query.find_all(exp.CTE)}
        for source in query.find_all(exp.Table):
            name = source.name.casefold()
            if source.db or name in own or name in parts:
                continue
            part = given[name] if name in given else self._relation(name)
            self._collect(part, given, parts)
            parts[name] = part

    def _relation(self, name: str) -> exp.Query:
        if name == "eligible":
            return self.query(self.rule.eligible)
        return relation(name, self.context) if name in RELATIONS else self._threshold(name)

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

    def _spell(self, statement: exp.Select) -> exp.Select:
        """Tables and fields quoted as the mirror spells them; what is optional and absent becomes NULL."""
        fields = {
            name.casefold(): self.context.column(of_object, name) or name
            for of_object, names in self.rule.fields.items()
            for name in names
        }
        for identifier in _column_names(statement):
            spelled = fields.get(identifier.name.casefold())
            if spelled is not None:
                identifier.set("this", spelled)
                identifier.set("quoted", True)
        mentioned = _mentioned(statement)
        for source in [table for table in statement.find_all(exp.Table) if table.db]:
            source.replace(self._source(source, mentioned))
        return statement

    def _source(self, source: exp.Table, mentioned: frozenset[str] | None) -> exp.Expr:
        """The table, with a column of NULLs for each optional field that may not be read."""
        name = self.context.object(source.name)
        declared = next((n for n in self.rule.fields if n.casefold() == source.name.casefold()), source.name)
        alias = source.alias or source.name
        spelled = exp.to_identifier(name or declared, quoted=True)
        quoted = exp.Table(this=spelled, db=exp.to_identifier(source.db.lower()))
        absent = {
            field: kind
            for field, kind in self._optional_fields(source.name).items()
            if self.context.column(source.name, field) is None
        }
        if not absent or not self.context.columns:
            return exp.alias_(quoted, alias, table=True)
        nulls = [exp.cast(exp.null(), _TYPES[kind]).as_(field, quoted=True) for field, kind in absent.items()]
        if name is None:
            return exp.select(*nulls).where(exp.false()).subquery(alias)
        # Not `*`: a field that may no longer be read keeps its column, and its old values would come along.
        kept = [
            exp.column(field, quoted=True)
            for field in self.context.columns[name]
            if mentioned is None or field.casefold() in mentioned
        ]
        return exp.select(*kept, *nulls).from_(quoted).subquery(alias)

    def _optional_fields(self, object_name: str) -> dict[str, FieldType]:
        folded = object_name.casefold()
        return {
            field: kind
            for option in self.rule.optional
            if option.object is not None and option.object.casefold() == folded
            for field, kind in option.fields.items()
        }


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


def _parameter(rule: Rule, name: str, value: Value) -> exp.Expr | list[exp.Expr]:
    parameter = rule.params[name]
    if isinstance(value, tuple):
        return [literal(item) for item in value]
    if parameter.type == "threshold" and value == AUTO:
        return literal(parameter.fallback)
    if value is None:
        kinds: Mapping[str, FieldType] = {"integer": "number", "threshold": "number"}
        kind: FieldType = kinds.get(parameter.type) or parameter.type  # type: ignore[assignment]
        return exp.cast(exp.null(), _TYPES[kind])
    return literal(value)


def _with_parameters(query: exp.Query, literals: Mapping[str, exp.Expr | list[exp.Expr]]) -> exp.Query:
    for node in list(query.find_all(exp.Placeholder)):
        value = literals.get(node.name)
        if isinstance(value, list):
            _put_list(node, value)
        elif value is not None:
            node.replace(value.copy())
    return query


def _put_list(node: exp.Placeholder, items: list[exp.Expr]) -> None:
    """`x IN ($names)`: each item for itself; nothing is in an empty list."""
    inside = node.parent
    assert isinstance(inside, exp.In)  # noqa: S101 - checked when the rule was loaded
    if not items:
        inside.replace(exp.false())
        return
    others = [item for item in inside.expressions if item is not node]
    inside.set("expressions", [*others, *(item.copy() for item in items)])


def _expand_macros(statement: exp.Select) -> exp.Select:
    for call in list(statement.find_all(exp.Anonymous)):
        if call.name.casefold() in MACROS:
            call.replace(_is_blank(call.expressions[0]))
    return statement


def _is_blank(value: exp.Expr) -> exp.Expr:
    """True for NULL, nothing, and nothing but white space; never NULL."""
    blanks: exp.Expr = exp.Literal.string(" ")
    for code in _BLANKS:
        blanks = exp.DPipe(this=blanks, expression=exp.Chr(expressions=[exp.Literal.number(code)]), safe=True)
    trimmed = exp.Trim(this=value.copy(), expression=blanks)
    empty = exp.Coalesce(this=trimmed, expressions=[exp.Literal.string("")]).eq("")
    return exp.Paren(this=empty)


def _mentioned(statement: exp.Expr) -> frozenset[str] | None:
    """Names of all columns a statement mentions, or None when a `*` stands for all there are."""
    if any(not isinstance(star.parent, exp.Count) for star in statement.find_all(exp.Star)):
        return None
    return frozenset(column.name.casefold() for column in statement.find_all(exp.Column))


def _column_names(statement: exp.Expr) -> Iterator[exp.Identifier]:
    for node in statement.find_all(exp.Column, exp.Alias, exp.TableAlias):
        if isinstance(node, exp.Column) and isinstance(node.this, exp.Identifier):
            yield node.this
        elif isinstance(node, exp.Alias) and isinstance(node.args.get("alias"), exp.Identifier):
            yield node.args["alias"]
        elif isinstance(node, exp.TableAlias):
            yield from node.args.get("columns") or ()


def _has(violations: exp.Query, column: str) -> bool:
    return column in {name.casefold() for name in violations.named_selects}


def _severity(rule: Rule, violations: exp.Query, override: Severity | None) -> exp.Expr:
    if override is None and _has(violations, "severity"):
        return exp.column("severity", table="v")
    return exp.Literal.string((override or rule.severity).value)


def _text_or_null(violations: exp.Query, column: str) -> exp.Expr:
    value: exp.Expr = exp.column(column, table="v") if _has(violations, column) else exp.null()
    return exp.cast(value, "VARCHAR").as_(column)


def _fingerprint(rule: Rule, violations: exp.Query) -> exp.Expr:
    """Stable across runs: made of rule, object, Id and discriminator, never of values."""
    identity: exp.Expr = exp.DPipe(
        this=exp.Literal.string(f"{rule.id}/{rule.object}/"), expression=exp.column("record_id", table="v"), safe=True
    )
    if _has(violations, "discriminator"):
        which = exp.Coalesce(
            this=exp.cast(exp.column("discriminator", table="v"), "VARCHAR"), expressions=[exp.Literal.string("")]
        )
        identity = exp.DPipe(
            this=exp.DPipe(this=identity, expression=exp.Literal.string("/"), safe=True), expression=which, safe=True
        )
    return exp.MD5(this=identity)

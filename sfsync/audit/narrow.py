"""Judges a part of the records: a condition of sfsync.yml over a rule's object, as a part of the rule's own query.

A condition is SQL over the fields of the object and, one step up, of its parents: `RecordType.DeveloperName`. It is
held to the same list of what is allowed as a rule, and reads no other table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlglot import exp

from sfsync.audit.context import AuditContext
from sfsync.audit.portable import Fault, Places, UnreadableSql, check_portable, parse_select, placed_select
from sfsync.audit.spell import given_literals, with_parameters
from sfsync.config.spelling import suggestion

#: How a segment names the records in which the field is empty.
BLANK = "(blank)"

_HEAD = "SELECT 1 AS one FROM it WHERE\n"
_NOT_A_CONDITION = Fault("this is not a condition", "e.g. `RecordType.DeveloperName <> 'Renewal'`")

#: Relationships of every object, and where they lead when the org has not said.
_STANDARD = {"Owner": "User", "CreatedBy": "User", "LastModifiedBy": "User"}


class UnknownField(Exception):
    """The mirror has no such field."""

    def __init__(self, path: str, message: str, hint: str | None) -> None:
        super().__init__(message)
        self.path, self.message, self.hint = path, message, hint


@dataclass(frozen=True, slots=True)
class Part:
    """Some of the records a rule judges: those that a condition holds for, in one segment, and in none of others.

    Attributes:
        where: The condition; None for all.
        segment: Field path and value; None for all.
        without: Segments whose records are judged apart.
    """

    where: str | None = None
    segment: tuple[str, str] | None = None
    without: tuple[tuple[str, str], ...] = ()

    @property
    def is_all(self) -> bool:
        """Whether it is every record."""
        return self.where is None and self.segment is None and not self.without


EVERY_RECORD = Part()


def condition_faults(text: str) -> Iterator[Fault]:
    """Everything wrong with a condition that can be told without a mirror."""
    try:
        query = placed_select(_HEAD + text)
    except UnreadableSql as unreadable:
        fault = unreadable.fault
        row = None if fault.row is None else max(1, fault.row - 1)
        yield _NOT_A_CONDITION if fault.row is None else Fault(fault.message, fault.hint, row, fault.column)
        return
    except RecursionError:
        yield Fault("the condition is nested too deeply")
        return
    given = {key for key, value in query.args.items() if value}
    if not isinstance(query, exp.Select) or given - {"expressions", "from_", "where", "kind"}:
        yield _NOT_A_CONDITION
        return
    if len(list(query.find_all(exp.Table))) != 1 or len(list(query.find_all(exp.Query))) != 1:
        yield Fault("a condition reads the record and its parents, no other table")
        return
    places = Places(_HEAD + text)
    for fault in check_portable(query, places):
        yield Fault(fault.message, fault.hint, None if fault.row is None else max(1, fault.row - 1), fault.column)
    for node in query.find_all(exp.Placeholder):
        if node.name not in ("as_of", "today", "fiscal_year_start_month"):
            yield Fault(f"`${node.name}` is not known here", "known: `$as_of`, `$today`")
    for column in query.find_all(exp.Column):
        if column.db or not isinstance(column.this, exp.Identifier):
            yield Fault(f"`{column.sql()}` goes too far: only the record's own parents can be asked")


def narrowed(query: exp.Query, part: Part, object_name: str, context: AuditContext) -> exp.Query:
    """Only those rows of a query whose `record_id` is in the part. Raises `UnknownField`."""
    if part.is_all:
        return query
    record = _Record(object_name, context)
    conditions: list[exp.Expr] = []
    if part.where is not None:
        conditions.append(record.condition(part.where))
    if part.segment is not None:
        conditions.append(record.has_value(*part.segment))
    conditions += [exp.not_(exp.paren(record.has_value(*other))) for other in part.without]
    columns = [exp.column(name, table="e").as_(name) for name in query.named_selects]
    inside = exp.In(this=exp.column("record_id", table="e"), query=record.ids(exp.and_(*conditions)).subquery())
    return exp.select(*columns).from_(query.subquery("e")).where(inside)


def check_part(part: Part, object_name: str, context: AuditContext) -> None:
    """Raise `UnknownField` for a field that the mirror does not have."""
    narrowed(exp.select(exp.null().as_("record_id")), part, object_name, context)


def field_of(path: str, object_name: str, context: AuditContext) -> tuple[str, str]:
    """Object and field that a path leads to. Raises `UnknownField`."""
    record = _Record(object_name, context)
    column = record.column(path)
    return (record.joins[column.table][0] if column.table in record.joins else record.object), column.name


class _Record:
    """The fields of an object's records and of their parents, as columns of one query."""

    def __init__(self, object_name: str, context: AuditContext) -> None:
        self.object = context.object(object_name) or object_name
        self.context = context
        self.joins: dict[str, tuple[str, str]] = {}

    def condition(self, text: str) -> exp.Expr:
        """A condition with its fields resolved."""
        query = with_parameters(parse_select(_HEAD + text), given_literals(self.context))
        found: exp.Expr = query.args["where"].this
        for column in list(found.find_all(exp.Column)):
            path = f"{column.table}.{column.name}" if column.table else column.name
            resolved = self.column(path)
            if column is found:
                found = resolved
            else:
                column.replace(resolved)
        return exp.paren(found)

    def has_value(self, path: str, value: str) -> exp.Expr:
        """That a field has this value; upper and lower case do not matter. Never NULL."""
        column = self.column(path)
        if value == BLANK:
            return exp.Anonymous(this="is_blank", expressions=[exp.cast(column, "VARCHAR")])
        wanted = exp.Literal.string(value.strip().casefold())
        same = exp.Lower(this=exp.Trim(this=exp.cast(column, "VARCHAR"))).eq(wanted)
        return exp.Coalesce(this=same, expressions=[exp.false()])

    def ids(self, condition: exp.Expr) -> exp.Select:
        """The Ids of the records for which the condition holds."""
        select = exp.select(exp.column("Id", table="s", quoted=True)).from_(self._table(self.object, "s"))
        for alias, (parent, link) in self.joins.items():
            here = exp.column("Id", table=alias, quoted=True).eq(exp.column(link, table="s", quoted=True))
            select = select.join(self._table(parent, alias), on=here, join_type="left")
        return select.where(condition)

    def column(self, path: str) -> exp.Column:
        """The column of a field path."""
        parent, _, field = path.rpartition(".")
        if not parent:
            return exp.column(self._field(self.object, field, path), table="s", quoted=True)
        link, targets = self._relationship(parent, path)
        target = next((name for name in targets if self.context.column(name, field)), targets[0])
        alias = next((known for known, found in self.joins.items() if found == (target, link)), None)
        if alias is None:
            alias = f"p{len(self.joins) + 1}"
            self.joins[alias] = (target, link)
        return exp.column(self._field(target, field, path), table=alias, quoted=True)

    def _field(self, object_name: str, field: str, path: str) -> str:
        found = self.context.column(object_name, field)
        if found is None and self.context.columns:
            held = self.context.object(object_name)
            if held is None:
                message = f"{object_name} is not in the mirror, so `{path}` cannot be asked"
                raise UnknownField(path, message, f"add {object_name} to `pull: {{objects: [...]}}` and pull")
            message = f"the mirror has no field {object_name}.{field} (or the user who pulled may not read it)"
            raise UnknownField(path, message, suggestion(field, self.context.columns[held]))
        return found or field

    def _relationship(self, name: str, path: str) -> tuple[str, tuple[str, ...]]:
        """The lookup behind a parent's name, and the objects it may lead to."""
        known = self._relationships()
        for relationship, (link, targets) in known.items():
            if relationship.casefold() == name.casefold():
                return link, targets
        if self.context.columns:
            hint = suggestion(name, known)
            raise UnknownField(path, f"{self.object} has no parent `{name}` in the mirror", hint)
        return (f"{name[:-3]}__c" if name.endswith("__r") else f"{name}Id"), (_STANDARD.get(name, name),)

    def _relationships(self) -> Mapping[str, tuple[str, tuple[str, ...]]]:
        """Parent → lookup and objects: as the org says, and as its naming goes where it has not said."""
        known: dict[str, tuple[str, tuple[str, ...]]] = {}
        for column in self.context.columns.get(self.object, ()):
            if column.casefold().endswith("__c"):
                known[f"{column[:-1]}r"] = (column, (column,))
            elif column.endswith("Id") and len(column) > len("Id"):
                name = column.removesuffix("Id")
                target = self.object if name == "Parent" else _STANDARD.get(name, name)
                known[name] = (column, (target,))
        described = self.context.describes.get(self.object)
        for field in described.fields if described else ():
            link = self.context.column(self.object, field.name)
            if field.relationship_name and field.reference_to and link is not None:
                known[field.relationship_name] = (link, self._held(field.reference_to))
        return known

    def _held(self, targets: tuple[str, ...]) -> tuple[str, ...]:
        """Those of the objects that the mirror has, before the others."""
        return tuple(sorted(targets, key=lambda name: self.context.object(name) is None))

    def _table(self, name: str, alias: str) -> exp.Expr:
        held = self.context.object(name) or name
        table = exp.Table(this=exp.to_identifier(held, quoted=True), db=exp.to_identifier("sf_all"))
        return exp.alias_(table, alias, table=True)

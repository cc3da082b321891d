"""What a SOQL statement says, as frozen records.

Two trees are equal when they say the same: where a node stands in the text (`place`) is left out of the comparison.
Names keep the spelling of the text; Salesforce compares them without regard to case, and so does everything that
reads these trees. `render.render` turns a tree back into text.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import TypeAlias

from sfsync.soql.place import NOWHERE, Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A part of the tree that errors can point at.

    Attributes:
        place: Where it stands in the text.
    """

    place: Place = field(default=NOWHERE, compare=False, repr=False)


# --- values -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StringValue(Node):
    """`'text'`, with escapes resolved."""

    text: str


@dataclass(frozen=True, slots=True)
class LikePattern(Node):
    r"""`'Acme%'` after LIKE: `%` and `_` are wildcards, `\%`, `\_` and `\\` stand for themselves."""

    text: str


@dataclass(frozen=True, slots=True)
class NumberValue(Node):
    """`42` or `-1.5`."""

    number: Decimal


@dataclass(frozen=True, slots=True)
class CurrencyValue(Node):
    """`USD5000`."""

    code: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class BooleanValue(Node):
    """`true` or `false`."""

    value: bool


@dataclass(frozen=True, slots=True)
class NullValue(Node):
    """`null`."""


@dataclass(frozen=True, slots=True)
class DateValue(Node):
    """`2026-01-31`."""

    value: date


@dataclass(frozen=True, slots=True)
class DateTimeValue(Node):
    """`2026-01-31T12:00:00Z`; always aware."""

    value: datetime


@dataclass(frozen=True, slots=True)
class TimeValue(Node):
    """`10:30:00.000Z`; always UTC, kept without zone."""

    value: time


@dataclass(frozen=True, slots=True)
class DateLiteral(Node):
    """`TODAY`, `LAST_N_DAYS:7`: a range of days that depends on when and where it is asked.

    Attributes:
        name: In capitals, one of `dates.DATE_LITERALS` or `dates.COUNTED_DATE_LITERALS`.
        count: The number after the colon, for the counted ones.
    """

    name: str
    count: int | None = None


Value: TypeAlias = (
    StringValue
    | LikePattern
    | NumberValue
    | CurrencyValue
    | BooleanValue
    | NullValue
    | DateValue
    | DateTimeValue
    | TimeValue
    | DateLiteral
)


# --- expressions ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FieldPath(Node):
    """`Email` or `Account.Owner.Name`."""

    names: tuple[str, ...]

    def __str__(self) -> str:
        return ".".join(self.names)


@dataclass(frozen=True, slots=True)
class Call(Node):
    """`COUNT(Id)`, `CALENDAR_YEAR(convertTimezone(CreatedDate))`, `DISTANCE(At__c, GEOLOCATION(37.7, -122), 'mi')`."""

    name: str
    arguments: tuple[Argument, ...] = ()

    @property
    def key(self) -> str:
        """The function's name in capitals."""
        return self.name.upper()


Expression: TypeAlias = FieldPath | Call
Argument: TypeAlias = FieldPath | Call | NumberValue | StringValue


# --- conditions -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Comparison:
    """`Amount >= 1000`, `Name LIKE 'Acme%'`.

    Attributes:
        left: What is compared.
        operator: One of `= != < <= > >= LIKE`; `<>` is read as `!=`.
        right: What it is compared with.
    """

    left: Expression
    operator: str
    right: Value


@dataclass(frozen=True, slots=True)
class Membership:
    """`Status IN ('Open', 'New')`, `Regions__c INCLUDES ('EMEA;APAC', 'NA')`.

    Attributes:
        left: What is looked for.
        operator: One of `IN`, `NOT IN`, `INCLUDES`, `EXCLUDES`.
        values: At least one.
    """

    left: Expression
    operator: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class SemiJoin:
    """`Id IN (SELECT AccountId FROM Opportunity)`, or NOT IN."""

    left: Expression
    negated: bool
    query: Query


@dataclass(frozen=True, slots=True)
class And:
    """All of them. SOQL lets AND and OR mix only through parentheses, and so does this tree: no operand needs none."""

    operands: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one of them."""

    operands: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite: true as well where the operand could not be decided for lack of a value."""

    operand: Condition


Condition: TypeAlias = Comparison | Membership | SemiJoin | And | Or | Not


# --- the statement ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FieldsOf(Node):
    """`FIELDS(ALL)`, `FIELDS(STANDARD)` or `FIELDS(CUSTOM)`; `which` in capitals."""

    which: str


@dataclass(frozen=True, slots=True)
class When(Node):
    """`WHEN User THEN Username, Email` of a TYPEOF."""

    object: str
    fields: tuple[FieldPath, ...]


@dataclass(frozen=True, slots=True)
class TypeOf(Node):
    """`TYPEOF Owner WHEN User THEN Username ELSE Name END`."""

    relationship: FieldPath
    branches: tuple[When, ...]
    otherwise: tuple[FieldPath, ...] = ()


@dataclass(frozen=True, slots=True)
class ChildQuery(Node):
    """`(SELECT Id FROM Contacts)` in a field list."""

    query: Query


Selectable: TypeAlias = FieldPath | Call | FieldsOf | TypeOf | ChildQuery


@dataclass(frozen=True, slots=True)
class Selected:
    """One entry of the field list."""

    what: Selectable
    alias: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """One entry after FROM: `Lead`, `Contact c`, `c.Account a`."""

    path: FieldPath
    alias: str | None = None


@dataclass(frozen=True, slots=True)
class DataCategory:
    """`Geography__c ABOVE_OR_BELOW (usa__c, uk__c)`; `operator` in capitals."""

    group: str
    operator: str
    categories: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WithDataCategories(Node):
    """`WITH DATA CATEGORY …`."""

    categories: tuple[DataCategory, ...]


@dataclass(frozen=True, slots=True)
class WithFlag(Node):
    """`WITH SECURITY_ENFORCED`, `WITH USER_MODE`."""

    name: str


@dataclass(frozen=True, slots=True)
class WithFilter(Node):
    """`WITH Network = 'x'`."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class WithContext(Node):
    """`WITH RecordVisibilityContext (maxDescriptorPerRecord=100)`; numbers, texts and booleans as values."""

    name: str
    settings: tuple[tuple[str, Value], ...]


With: TypeAlias = WithDataCategories | WithFlag | WithFilter | WithContext


@dataclass(frozen=True, slots=True)
class GroupBy:
    """`GROUP BY …`; `kind` is empty, `ROLLUP` or `CUBE`."""

    expressions: tuple[Expression, ...]
    kind: str = ""


@dataclass(frozen=True, slots=True)
class OrderBy:
    """One key of ORDER BY; records without a value come first unless `nulls_last`, in both directions."""

    expression: Expression
    descending: bool = False
    nulls_last: bool = False


@dataclass(frozen=True, slots=True)
class Query(Node):
    """A whole SELECT statement.

    Attributes:
        select: The field list, in order.
        sources: What stands after FROM; the first is the object asked for, the others name relationships of it.
        scope: After USING SCOPE.
        where: The filter.
        with_clauses: In order.
        group_by: Grouping.
        having: The filter on groups.
        order_by: Sort keys, most significant first.
        limit: May be negative, which only an org refuses.
        offset: Likewise.
        purpose: `VIEW` or `REFERENCE` of `FOR …`.
        update: `TRACKING`, `VIEWSTAT` of `UPDATE …`.
        limit_place: Where the number after LIMIT stands.
        offset_place: Where the number after OFFSET stands.
    """

    select: tuple[Selected, ...]
    sources: tuple[Source, ...]
    scope: str | None = None
    where: Condition | None = None
    with_clauses: tuple[With, ...] = ()
    group_by: GroupBy | None = None
    having: Condition | None = None
    order_by: tuple[OrderBy, ...] = ()
    limit: int | None = None
    offset: int | None = None
    purpose: str | None = None
    update: tuple[str, ...] = ()
    limit_place: Place = field(default=NOWHERE, compare=False, repr=False)
    offset_place: Place = field(default=NOWHERE, compare=False, repr=False)

    @property
    def source(self) -> Source:
        """The object asked for."""
        return self.sources[0]

    @property
    def is_count(self) -> bool:
        """Whether this is `SELECT COUNT() FROM …`."""
        first = self.select[0].what
        return len(self.select) == 1 and isinstance(first, Call) and first.key == "COUNT" and not first.arguments

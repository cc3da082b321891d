"""The columns that conditions are about, and which kinds of field compare alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from sfsync.errors import SoqlError
from sfsync.soql.ast import Call, Expression, FieldPath


class Family(StrEnum):
    """Kinds of field that compare alike; the value is the word in Salesforce's messages."""

    TEXT = "string"
    MULTIPICKLIST = "multipicklist"
    ID = "ID"
    NUMBER = "double"
    INTEGER = "int"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "dateTime"
    TIME = "time"
    ADDRESS = "address"


_FAMILIES = {
    "id": Family.ID,
    "reference": Family.ID,
    "int": Family.INTEGER,
    "long": Family.INTEGER,
    "double": Family.NUMBER,
    "currency": Family.NUMBER,
    "percent": Family.NUMBER,
    "boolean": Family.BOOLEAN,
    "date": Family.DATE,
    "datetime": Family.DATETIME,
    "time": Family.TIME,
    "multipicklist": Family.MULTIPICKLIST,
    "address": Family.ADDRESS,
    "location": Family.ADDRESS,
}


@dataclass(frozen=True, slots=True)
class Column:
    """What a field path or function stands for in SQL.

    Attributes:
        sql: An SQL expression. Dates and times are expected as DATE, TIME and TIMESTAMP in UTC, Ids in 18 characters.
        type: Salesforce's describe type: `string`, `picklist`, `reference`, `datetime`, …
        name: The field as the org spells it, for messages; the path's own last name when empty.
        filterable: False for fields that Salesforce does not let anyone filter by.
        picklist: The values of a picklist in the order of the org's setup, which is their sort order.
        labels: Values of a picklist that people see under another name, with that name.
        scale: Digits after the point that people are shown.
        iso_code: For money in an org with several currencies: an SQL expression for the code of its currency.
        rate_date: For money that is converted by the rate of a day: an SQL expression for that day.
        convert: Turns money into another currency, the one named or the user's own.
    """

    sql: str
    type: str
    name: str = ""
    filterable: bool = True
    picklist: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    scale: int = 0
    iso_code: str = ""
    rate_date: str = ""
    convert: Callable[[Column, str | None], Column] | None = field(default=None, compare=False, repr=False)

    def in_currency(self, code: str | None) -> Column:
        """The column in the currency named, or in the user's own; as it is where there is one currency."""
        return self.convert(self, code) if self.convert else self

    @property
    def family(self) -> Family:
        """How it compares."""
        return _FAMILIES.get(self.type, Family.TEXT)

    @property
    def key(self) -> str:
        """The SQL expression to compare and group by: text without regard to case, no missing booleans."""
        if self.family in {Family.TEXT, Family.MULTIPICKLIST}:
            return f"lower({self.sql})"
        if self.family is Family.BOOLEAN:
            return f"coalesce({self.sql}, false)"
        return self.sql


def last_name(expression: Expression) -> str:
    """The field that an expression ends at: `Name` of `Account.Name`, `CreatedDate` of `DAY_ONLY(CreatedDate)`."""
    while isinstance(expression, Call):
        inner = next((argument for argument in expression.arguments if isinstance(argument, FieldPath | Call)), None)
        if inner is None:
            return expression.name
        expression = inner
    return expression.names[-1]


def unsupported(expression: Expression, what: str) -> SoqlError:
    """The error for what Salesforce knows and this program does not evaluate."""
    return expression.place.error(f"{what} is not supported here", code="FUNCTIONALITY_NOT_ENABLED")

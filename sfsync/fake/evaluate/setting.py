"""The circumstances of a query: who asks, when and where, and what the org has."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from sfsync.errors import SoqlError
from sfsync.fake.evaluate.catalog import Catalog
from sfsync.soql.columns import Column
from sfsync.soql.dates import Calendar
from sfsync.soql.place import Place
from sfsync.soql.sql_literals import text_literal


class Money(Protocol):
    """The currencies of an org that has several."""

    @property
    def corporate(self) -> str:
        """ISO code of the currency that totals are in."""
        ...

    def of_user(self, user_id: str) -> str:
        """ISO code of a user's own currency."""
        ...

    def sql(self, amount_sql: str, iso_sql: str, target: str, date_sql: str | None = None) -> str:
        """An SQL expression for an amount of the currency `iso_sql` in the currency `target`, by a day's rates."""
        ...


@dataclass(frozen=True, slots=True)
class Setting:
    """The circumstances of a query.

    Attributes:
        catalog: The org's objects.
        now: The org's time.
        calendar: The user's time zone and the org's fiscal year.
        all_rows: Whether deleted and archived records are shown (`queryAll`).
        user_id: Who asks.
        money: The org's currencies, where there are several.
    """

    catalog: Catalog
    now: datetime
    calendar: Calendar
    all_rows: bool
    user_id: str = ""
    money: Money | None = None

    def convert(self, column: Column, code: str | None) -> Column:
        """Money in the currency named, or in the user's own."""
        if self.money is None or not column.iso_code:
            return column
        target = code or self.money.of_user(self.user_id)
        amount = self.money.sql(column.sql, column.iso_code, target, column.rate_date or None)
        return replace(column, sql=amount, iso_code=text_literal(target))

    def for_totals(self, column: Column) -> Column:
        """A column as an aggregate function takes it: money of several currencies in the corporate one."""
        return self.convert(column, self.money.corporate) if self.money else column


def not_in_this_org(place: Place, what: str) -> SoqlError:
    """The error for what Salesforce does and the fake org does not."""
    return place.error(f"{what} is not supported by this fake org", code="FUNCTIONALITY_NOT_ENABLED")

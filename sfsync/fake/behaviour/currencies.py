"""Several currencies in one org: `CurrencyIsoCode` on records, rates in CurrencyType, and amounts converted by them.

A rate says how much of a currency one unit of the corporate currency buys. Rates are records: a client that changes one
changes every conversion from then on.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from sfsync.errors import UsageError
from sfsync.fake.catalog import FieldFacts, ObjectFacts
from sfsync.fake.catalog.facts import PicklistEntry
from sfsync.fake.sql_names import literal, quote

if TYPE_CHECKING:
    from sfsync.fake.org import FakeOrg

#: Day → rate from that day on.
DatedRates = Mapping[date, float]

#: Objects whose records have a currency as soon as there are several.  # from memory
_WITH_CURRENCY = (
    "Account",
    "Campaign",
    "CampaignMember",
    "Contact",
    "Event",
    "Lead",
    "Opportunity",
    "OpportunityContactRole",
    "OpportunityHistory",
    "Task",
    "User",
)

#: Objects whose records take the currency of another one and are never asked for it.
_FOLLOWING = frozenset({"OpportunityHistory"})

_STAMPS = (
    FieldFacts("CreatedDate", "Created Date", "datetime", flags="d"),
    FieldFacts("CreatedById", "Created By ID", "reference", 18, flags="d", points_to=("User",), parent="CreatedBy"),
    FieldFacts("LastModifiedDate", "Last Modified Date", "datetime", flags="d"),
    FieldFacts(
        "LastModifiedById",
        "Last Modified By ID",
        "reference",
        18,
        flags="d",
        points_to=("User",),
        parent="LastModifiedBy",
    ),
    FieldFacts("SystemModstamp", "System Modstamp", "datetime", flags="d"),
)


class Currencies:
    """The currencies of one org.

    Attributes:
        corporate: ISO code of the currency whose rate is 1.
        enabled: Whether the org has several currencies.
        dated: Whether it has dated rates (advanced currency management).
    """

    def __init__(self, org: FakeOrg) -> None:
        self._org = org
        self.corporate = "USD"
        self.enabled = False
        self.dated = False

    def enable(self, rates: Mapping[str, float], dated: Mapping[str, DatedRates] | None = None) -> None:
        """Let the org have these currencies; the one with rate 1 is the corporate one."""
        corporate = [code for code, rate in rates.items() if rate == 1]
        if not corporate or any(rate <= 0 for rate in rates.values()):
            raise UsageError(
                "multi_currency needs positive rates, and one of them to be 1",
                hint='the corporate currency has rate 1: {"USD": 1, "EUR": 0.9}',
            )
        if self.enabled:
            raise UsageError("multi-currency is on already", hint="change the records of CurrencyType")
        strange = set(dated or {}) - set(rates)
        if strange:
            raise UsageError(f"`{min(strange)}` has dated rates and is not one of the org's currencies")
        self.corporate = corporate[0]
        self._add_objects(rates, dated or {})
        self._add_fields(tuple(rates))
        self.enabled, self.dated = True, bool(dated)

    def of_user(self, user_id: str) -> str:
        """The currency that `convertCurrency()` converts to for a user."""
        if not self.enabled:
            return self.corporate
        with self._org.database.reading() as cursor:
            row = cursor.execute('SELECT "DefaultCurrencyIsoCode" FROM "User" WHERE "Id" = ?', [user_id]).fetchone()
        return str(row[0]) if row and row[0] else self.corporate

    def sql(self, amount_sql: str, iso_sql: str, target: str, date_sql: str | None = None) -> str:
        """An SQL expression for an amount (in the currency `iso_sql`, null is the corporate one) in another currency.

        Args:
            amount_sql: The amount.
            iso_sql: ISO code of its currency.
            target: ISO code of the currency wanted.
            date_sql: The day whose dated rates hold; without it, and where there are none, today's rates do.
        """
        if not self.enabled:
            return amount_sql
        source = self._rate(f"coalesce({iso_sql}, {literal(self.corporate)})", date_sql)
        wanted = self._rate(literal(target), date_sql)
        return f"round({amount_sql} / {source} * {wanted}, 6)"

    def _rate(self, iso_sql: str, date_sql: str | None) -> str:
        plain = f'(SELECT any_value(ct."ConversionRate") FROM "CurrencyType" AS ct WHERE ct."IsoCode" = {iso_sql})'
        if not self.dated or date_sql is None:
            return plain
        dated = (
            '(SELECT any_value(dr."ConversionRate") FROM "DatedConversionRate" AS dr'
            f' WHERE dr."IsoCode" = {iso_sql} AND dr."StartDate" <= {date_sql}'
            f' AND (dr."NextStartDate" IS NULL OR dr."NextStartDate" > {date_sql}))'
        )
        return f"coalesce({dated}, {plain})"

    def _add_objects(self, rates: Mapping[str, float], dated: Mapping[str, DatedRates]) -> None:
        self._org.database.add_object(_currency_type(tuple(rates)))
        self._org.insert(
            "CurrencyType",
            [
                {
                    "IsoCode": code,
                    "ConversionRate": rate,
                    "DecimalPlaces": 2,
                    "IsActive": True,
                    "IsCorporate": code == self.corporate,
                }
                for code, rate in rates.items()
            ],
        )
        if not dated:
            return
        self._org.database.add_object(_dated_rate(tuple(rates)))
        rows: list[dict[str, Any]] = []
        for code, by_day in dated.items():
            days: list[date | None] = [*sorted(by_day), None]
            rows += [
                {"IsoCode": code, "StartDate": start, "NextStartDate": end, "ConversionRate": by_day[start]}
                for start, end in pairwise(days)
                if start is not None
            ]
        self._org.insert("DatedConversionRate", rows)

    def _add_fields(self, codes: tuple[str, ...]) -> None:
        entries = tuple(PicklistEntry(code, code, code == self.corporate) for code in codes)
        for name in _WITH_CURRENCY:
            facts = self._org.catalog.facts(name)
            if facts is None:
                continue
            flags = "dr" if name in _FOLLOWING else "ncur"
            fields = [
                FieldFacts("CurrencyIsoCode", f"{facts.label} Currency", "picklist", 3, flags=flags, values=entries)
            ]
            if name == "User":
                fields.append(
                    FieldFacts(
                        "DefaultCurrencyIsoCode", "Default Currency", "picklist", 3, flags="ncur", values=entries
                    )
                )
            self._org.database.add_fields(facts, fields)
            with self._org.database.writing() as cursor:
                assigned = ", ".join(f"{quote(field.name)} = $code" for field in fields)
                cursor.execute(f"UPDATE {quote(name)} SET {assigned}", {"code": self.corporate})


def _currency_type(codes: tuple[str, ...]) -> ObjectFacts:
    own = (
        _iso_code(codes),
        FieldFacts("ConversionRate", "Conversion Rate", "double", precision=18, scale=6, flags="cu"),
        FieldFacts("DecimalPlaces", "Decimal Places", "int", digits=9, flags="cu"),
        FieldFacts("IsActive", "Active", "boolean", flags="cud"),
        FieldFacts("IsCorporate", "Is Corporate Currency", "boolean", flags="cud"),
    )
    return _setup_object("CurrencyType", "Currency Type", "01L", "CU", own)  # prefix from memory


def _dated_rate(codes: tuple[str, ...]) -> ObjectFacts:
    own = (
        _iso_code(codes),
        FieldFacts("StartDate", "Date", "date", flags="c"),
        FieldFacts("NextStartDate", "Next Start Date", "date", flags="n"),
        FieldFacts("ConversionRate", "Exchange Rate", "double", precision=18, scale=6, flags="cu"),
    )
    # Prefix and the missing blank from memory.
    return _setup_object("DatedConversionRate", "Dated Conversion Rate", "04w", "CUD", own, "DatedConversion Rate ID")


def _setup_object(
    name: str, label: str, prefix: str, flags: str, own: tuple[FieldFacts, ...], id_label: str = ""
) -> ObjectFacts:
    """An object of the set-up: its own fields between an Id and the stamps."""
    first = FieldFacts("Id", id_label or f"{label} ID", "id", 18, flags="di")
    return ObjectFacts(name, label, label, prefix, flags, ("everything",), (first, *own, *_STAMPS))


def _iso_code(codes: tuple[str, ...]) -> FieldFacts:
    entries = tuple(PicklistEntry(code, code) for code in codes)
    return FieldFacts("IsoCode", "Currency ISO Code", "picklist", 3, flags="cr", values=entries)

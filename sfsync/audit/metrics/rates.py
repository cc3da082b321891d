"""Exchange rates: none unless the settings say so, and then the same for every total of every metric."""

from __future__ import annotations

from dataclasses import dataclass

from sfsync.audit.metrics.context import MetricContext

DATED = "DatedConversionRate"
DATED_COLUMNS = ("IsoCode", "StartDate", "ConversionRate")


@dataclass(frozen=True, slots=True)
class Factor:
    """How an amount becomes one of the currency of the totals.

    Attributes:
        expression: The factor in SQL; NULL where no rate is known.
        source: The table of rates, or None where there is no policy.
        dated: A rate holds for some days alone.
    """

    expression: str
    source: str | None
    dated: bool = False

    def join(self, currency: str, day: str) -> str:
        """What `expression` needs beside a row with this currency and day."""
        if self.source is None:
            return ""
        days = f" AND {day} >= rate.first_day AND {day} < rate.next_day" if self.dated else ""
        return f"LEFT JOIN ({self.source}) AS rate ON rate.currency = {currency}{days}"


def factor(context: MetricContext) -> Factor:
    """The factor by the policy of the settings."""
    rates = context.definitions.metrics.rates
    if rates is None or not context.multi_currency:
        return Factor("CAST(NULL AS DOUBLE)", None)
    if rates.policy == "fixed":
        known = {rates.to: 1.0} | dict(rates.rates)
        rows = " UNION ALL ".join(
            f"SELECT '{code}' AS currency, CAST({worth!r} AS DOUBLE) AS factor" for code, worth in known.items()
        )
        return Factor("rate.factor", rows)
    if not context.has(DATED, *DATED_COLUMNS):
        return Factor("CAST(NULL AS DOUBLE)", None)
    next_day = (
        """COALESCE(r."NextStartDate", DATE '9999-12-31')"""
        if context.has(DATED, "NextStartDate")
        else """lead(r."StartDate", 1, DATE '9999-12-31') OVER (PARTITION BY r."IsoCode" ORDER BY r."StartDate")"""
    )
    spans = f"""
        SELECT r."IsoCode" AS currency, r."StartDate" AS first_day, {next_day} AS next_day,
            NULLIF(r."ConversionRate", 0) AS per_corporate
        FROM sf."{DATED}" AS r
    """
    # A rate is what one unit of the corporate currency is worth; two of them relate any two currencies of a day.
    source = f"""
        SELECT s.currency, greatest(s.first_day, t.first_day) AS first_day, least(s.next_day, t.next_day) AS next_day,
            t.per_corporate / s.per_corporate AS factor
        FROM ({spans}) AS s JOIN ({spans}) AS t
            ON t.currency = '{rates.to}' AND s.first_day < t.next_day AND t.first_day < s.next_day
    """
    return Factor("rate.factor", source, dated=True)


def converted_label(context: MetricContext) -> str | None:
    """How the row of totals over all currencies is named, or None where no policy allows one."""
    rates = context.definitions.metrics.rates
    return f"all, in {rates.to}" if rates and context.multi_currency else None


def missing_rates(context: MetricContext) -> str | None:
    """Why there are no totals although a policy asks for them."""
    rates = context.definitions.metrics.rates
    if rates and rates.policy == "close_date" and context.multi_currency and not context.has(DATED, *DATED_COLUMNS):
        return f"no totals over all currencies: the mirror holds no {DATED} (or not {', '.join(DATED_COLUMNS)})"
    return None

"""What metrics need to be told because no org's data says it: quotas, exchange rates, horizons."""

from __future__ import annotations

import math
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from sfsync.config.model import Fault, Lax, StrictModel, faulty
from sfsync.config.spelling import shown

#: Amounts and rates in a file.
Number = Annotated[float, BeforeValidator(lambda value: float(value) if type(value) is int else value)]


def _check_currency(code: str) -> str:
    if len(code) != 3 or not code.isascii() or not code.isalpha() or not code.isupper():
        raise faulty(Fault(f"`{shown(code)}` is not a currency", "three capitals, like `EUR`"))
    return code


def _check_positive(number: float) -> float:
    if not math.isfinite(number) or number <= 0:
        raise faulty(Fault("should be more than 0"))
    return number


def _as_date(value: Any) -> Any:
    """A day as YAML has it: as text, or as the date some reader has made of it."""
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise faulty(Fault(f"`{shown(value)}` is not a date", "year, month, day: `2026-03-31`")) from None
    return value


Currency = Annotated[str, AfterValidator(_check_currency)]
Positive = Annotated[Number, AfterValidator(_check_positive)]
Day = Annotated[date, BeforeValidator(_as_date)]


class Quota(StrictModel):
    """What was to be won in a period; `from` and `to` belong to it.

    Attributes:
        amount: In `currency`.
        currency: None in an org of one currency.
        owner: Id of the user it is for; None for everybody together.
    """

    first: Day = Field(alias="from")
    last: Day = Field(alias="to")
    amount: Positive
    currency: Currency | None = None
    owner: str | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.last < self.first:
            raise faulty(Fault("the quota's period ends before it begins", at=("to",)))
        return self


class Rates(StrictModel):
    """How amounts of several currencies are brought into one, for totals beside the table of each currency.

    Attributes:
        to: The currency of the totals.
        policy: `fixed` takes the rates given here; `close_date` those that the org's own table DatedConversionRate has
            for the day on which an opportunity closes or is to close, as Salesforce's own reports do.
        rates: Currency → how much of `to` one unit of it is worth.
    """

    to: Currency
    policy: Literal["fixed", "close_date"] = "fixed"
    rates: dict[Currency, Positive] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _rates_where_fixed(self) -> Self:
        if self.policy == "fixed" and not self.rates:
            raise faulty(Fault("fixed rates, and none is given", "e.g. `rates: {USD: 0.92}`", key=True))
        if self.policy == "close_date" and self.rates:
            message = "the rates of `close_date` come from the org's DatedConversionRate"
            raise faulty(Fault(message, "remove `rates`", ("rates",), True))
        return self

    @property
    def in_words(self) -> str:
        """The policy with its rates, to be printed beside every total."""
        if self.policy == "close_date":
            return f"totals in {self.to} by the org's dated rate of the close date (DatedConversionRate)"
        listed = ", ".join(f"1 {code} = {rate:g} {self.to}" for code, rate in sorted(self.rates.items()))
        return f"totals in {self.to} at fixed rates ({listed})"


class MetricDefinitions(StrictModel):
    """The block `definitions: {metrics: …}`.

    Attributes:
        maturity_days: Age from which a lead counts as old enough to judge its conversion.
        sla_hours: Within how many hours a lead is to be touched (business hours where `definitions:` has them).
        quotas: For the coverage of the pipeline.
        rates: None keeps currencies apart and makes no totals.
        omitted: Whether the pipeline includes opportunities of forecast category Omitted.
    """

    maturity_days: int = Field(default=90, ge=1, le=3650)
    sla_hours: Positive = 24.0
    quotas: Annotated[tuple[Quota, ...], Lax] = ()
    rates: Rates | None = None
    omitted: Literal["in", "out"] = "out"

"""When the org works: days, hours and holidays, in the org's time zone."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from sfsync.config.model import Fault, Filled, Lax, StrictModel, faulty
from sfsync.config.pull_settings import Day
from sfsync.config.spelling import shown, suggestion

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

#: In the order of ISO: Monday is 1.
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_CLOCK = re.compile(r"([01]\d|2[0-4]):([0-5]\d)")
_MIDNIGHT = 24 * 60


def _short(day: Any) -> Any:
    if not isinstance(day, str):
        raise faulty(Fault("should be a day of the week", "e.g. `mon`"))
    folded = day.strip().casefold()
    if folded in _NAMES:
        return folded[:3]
    if folded not in WEEKDAYS:
        raise faulty(Fault(f"`{shown(day)}` is no day of the week", suggestion(folded, WEEKDAYS)))
    return folded


def _check_clock(text: str) -> str:
    match = _CLOCK.fullmatch(text)
    if match is None or minutes_of(text) > _MIDNIGHT:
        raise faulty(Fault(f"`{shown(text)}` is no time of the day", "hours and minutes in quotes: `'09:00'`"))
    return text


def minutes_of(clock: str) -> int:
    """Minutes after midnight of a time like `09:30`."""
    hours, _, minutes = clock.partition(":")
    return int(hours) * 60 + int(minutes)


WeekdayName = Annotated[Weekday, BeforeValidator(_short)]
Clock = Annotated[
    str, AfterValidator(_check_clock), WithJsonSchema({"type": "string", "pattern": r"^([01]\d|2[0-4]):[0-5]\d$"})
]


class BusinessHours(StrictModel):
    """The hours in which somebody is there to answer.

    Attributes:
        days: Days of the week.
        opens: Written `from:`; the first minute of a working day.
        closes: Written `to:`; its end, up to `24:00`.
        holidays: Days on which nobody works.
    """

    days: Annotated[tuple[WeekdayName, ...], Lax, *Filled] = ("mon", "tue", "wed", "thu", "fri")
    opens: Clock = Field(default="00:00", alias="from")
    closes: Clock = Field(default="24:00", alias="to")
    holidays: Annotated[tuple[Day, ...], Lax] = ()

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if minutes_of(self.opens) >= minutes_of(self.closes):
            raise faulty(Fault("should be later than `from`", "a day that ends after midnight is two days", ("to",)))
        if len(set(self.days)) < len(self.days):
            raise faulty(Fault("a day is listed twice", at=("days",)))
        return self

    @property
    def minutes_a_day(self) -> int:
        """How long a working day is."""
        return minutes_of(self.closes) - minutes_of(self.opens)


#: What counts as business hours where nobody has said: whole days, Monday to Friday.
WHOLE_WORKING_DAYS = BusinessHours()

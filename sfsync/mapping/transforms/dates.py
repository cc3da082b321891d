"""Days as people write them, and as the API does."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Annotated, Any, Self

from pydantic import AfterValidator, model_validator

from sfsync.config.model import Fault, StrictModel, faulty
from sfsync.config.spelling import shown
from sfsync.mapping.transforms import months
from sfsync.mapping.transforms.stage import Kind, Stage, Telling, fallible, matches, plain, some, trimmed
from sfsync.store.names import literal

_ORDERS = {"dmy": "%d/%m/%Y", "mdy": "%m/%d/%Y", "ymd": "%Y/%m/%d"}
_ISO = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
#: What may stand in a format of yours; the rest of it stands for itself.
DIRECTIVES = frozenset("aAbBdfgHIjmMnpSyYz%")
_NAMES = {"%d": "[0-9]{1,2}", "%m": "[0-9]{1,2}", "%Y": "[0-9]{4}"}

#: Salesforce knows no day before or after these.
FIRST_DAY, LAST_DAY = "1700-01-01", "4000-12-31"


def check_format(text: str, needed: tuple[frozenset[str], ...]) -> None:
    """Raise unless a format has only known directives, and at least one of each set of `needed`."""
    used = directives(text)
    for each in used:
        if each not in DIRECTIVES:
            known = ", ".join(f"%{one}" for one in sorted(DIRECTIVES - {"%"}))
            raise faulty(Fault(f"`%{shown(each)}` is no part of a date format", f"known: {known}"))
    if any(not (each & used) for each in needed):
        raise faulty(Fault(f"`{shown(text)}` does not name a whole day", "like `%d.%m.%Y`"))


def directives(text: str) -> frozenset[str]:
    """The letters behind the percent signs."""
    return frozenset(re.findall(r"%(.?)", text, re.DOTALL))


#: Digits of the parts that are numbers; a fraction of a second has as many as it likes.
_DIGITS = {**dict.fromkeys("dmyHIMS", "{2}"), "Y": "{4}", "j": "{3}", "f": "{1,6}", "g": "{1,3}"}
_PART = re.compile(r"%(.)|(.)", re.DOTALL)


def as_wide_as(form: str, text: str, value: str) -> str:
    """SQL of a value read from a text in a form; NULL where numbers stand side by side and any of them lacks a digit.

    `2026113` in `%Y%m%d` may be the 13th of January or the 3rd of November: where nothing divides the parts of a day,
    a zero that a spreadsheet has cut off in front makes another day of it.
    """
    parts = [(match[1], match[2]) for match in _PART.finditer(form)]
    beside = [name in _DIGITS and other in _DIGITS for (name, _), (other, _) in pairwise(parts)]
    if not any(beside):
        return value
    pattern = ""
    for at, (name, char) in enumerate(parts):
        if name in _DIGITS:
            close = any(beside[max(0, at - 1) : at + 1])
            pattern += "[0-9]" + (_DIGITS[name] if close else "+")
        elif name is None or name == "%":
            pattern += "\\s*" if char is not None and char.isspace() else re.escape(char or "%")
        else:
            pattern += "\\S+"
    whole = rf"(?i)\s*{pattern}\s*"
    return f"CASE WHEN {matches(text, whole)} THEN {value} END"


#: A day is a year, with a month and a day or with the day of the year.
YEAR = frozenset("Yy")
MONTH = frozenset("mbBj")
DAY = frozenset("dj")


def _check_date_format(text: Any) -> Any:
    if text in _ORDERS:
        return text
    if "%" not in text:
        hint = "one of dmy, mdy, ymd, or a format like `%d.%m.%Y`"
        raise faulty(Fault(f"`{shown(text)}` is not the order of a date", hint))
    check_format(text, (YEAR, MONTH, DAY))
    if "z" in directives(text):
        raise faulty(Fault("a day has no zone", "use `datetime` where the field holds a time"))
    return text


class DateFormat(StrictModel):
    """How days are written in a column of texts.

    Attributes:
        format: `dmy`, `mdy`, `ymd`, or a format like `%d.%m.%Y`.
        locale: Language of the months' names in a format that has them, like `de`; English unless given.
    """

    format: Annotated[str, AfterValidator(_check_date_format)]
    locale: str | None = None

    @model_validator(mode="after")
    def _language_is_known(self) -> Self:
        months.check_language(self.locale, self.format)
        return self

    @property
    def loss(self) -> str | None:
        """What a day would lose."""
        used = directives(self.format)
        return "leaves the century out" if "y" in used and "Y" not in used else None

    def stages(self, telling: Telling) -> tuple[Stage, ...]:
        """From text to day."""
        if self.format in _ORDERS:
            return _ordered_stages(self.format, telling)
        words = f"is no day in the form {self.format}" + (f" ({self.locale})" if self.locale else "")
        if self.locale is None:
            value = f"CAST(try_strptime({{x}}, {literal(self.format)}) AS DATE)"
        else:
            form = literal(months.numbered(self.format))
            value = f"CAST(try_strptime({months.numbered_sql('{x}', self.locale)}, {form}) AS DATE)"
        return (fallible(lambda x: as_wide_as(self.format, x, value.replace("{x}", x)), Kind.DATE, words, telling),)

    def shown_sql(self, sql: str) -> str:
        """SQL of a day as text."""
        if self.locale is not None:
            return months.named_sql(sql, self.format, self.locale)
        return f"strftime({sql}, {literal(_ORDERS.get(self.format, self.format))})"


def _ordered_stages(form: str, telling: Telling) -> tuple[Stage, ...]:
    pattern = r"[./-]".join(_NAMES[f"%{letter}"] for letter in form.replace("y", "Y"))

    def value(x: str) -> str:
        day = f"try_strptime(translate({x}, '.-', '//'), {literal(_ORDERS[form])})"
        days = f"WHEN {matches(x, pattern)} THEN CAST({day} AS DATE)"
        # A spreadsheet has days that are days among those that somebody typed; this form is one of no order's.
        return f"CASE WHEN {matches(x, _ISO)} THEN TRY_CAST({x} AS DATE) {days} END"

    order = {"dmy": "day, month, year", "mdy": "month, day, year", "ymd": "year, month, day"}[form]
    return plain(lambda x: some(trimmed(x))), fallible(
        value, Kind.DATE, f"is no day in the order {order} (with four digits of the year)", telling
    )


def plain_date_stages(telling: Telling) -> tuple[Stage, ...]:
    """From text to day where nothing is declared: `2026-01-31` and nothing else."""
    return plain(lambda x: some(trimmed(x))), fallible(
        lambda x: f"CASE WHEN {matches(x, _ISO)} THEN TRY_CAST({x} AS DATE) END",
        Kind.DATE,
        "is no day as the API writes it, like 2026-01-31 (declare how it is written, like `transform: {date: dmy}`)",
        telling,
    )

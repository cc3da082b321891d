"""Days as people write them, and as the API does."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator

from sfsync.config.model import Fault, faulty
from sfsync.config.spelling import shown
from sfsync.mapping.transforms.stage import Kind, Stage, Telling, fallible, matches, plain, some, trimmed
from sfsync.store.names import literal

_ORDERS = {"dmy": "%d/%m/%Y", "mdy": "%m/%d/%Y", "ymd": "%Y/%m/%d"}
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


DateFormat = Annotated[str, AfterValidator(_check_date_format)]


def date_loss(form: str) -> str | None:
    """What a date would lose in this format."""
    return "leaves the century out" if "y" in directives(form) and "Y" not in directives(form) else None


def date_stages(form: str, telling: Telling) -> tuple[Stage, ...]:
    """From text to day."""
    if form not in _ORDERS:
        words = f"is no day in the form {form}"
        return (fallible(lambda x: f"CAST(try_strptime({x}, {literal(form)}) AS DATE)", Kind.DATE, words, telling),)
    pattern = r"[./-]".join(_NAMES[f"%{letter}"] for letter in form.replace("y", "Y"))

    def value(x: str) -> str:
        day = f"try_strptime(translate({x}, '.-', '//'), {literal(_ORDERS[form])})"
        return f"CASE WHEN {matches(x, pattern)} THEN CAST({day} AS DATE) END"

    order = {"dmy": "day, month, year", "mdy": "month, day, year", "ymd": "year, month, day"}[form]
    return plain(lambda x: some(trimmed(x))), fallible(
        value, Kind.DATE, f"is no day in the order {order} (with four digits of the year)", telling
    )


def shown_date_sql(sql: str, form: str) -> str:
    """SQL of a day as text."""
    return f"strftime({sql}, {literal(_ORDERS.get(form, form))})"


def plain_date_stages(telling: Telling) -> tuple[Stage, ...]:
    """From text to day where nothing is declared: `2026-01-31` and nothing else."""
    return plain(lambda x: some(trimmed(x))), fallible(
        lambda x: f"CASE WHEN {matches(x, '[0-9]{4}-[0-9]{2}-[0-9]{2}')} THEN TRY_CAST({x} AS DATE) END",
        Kind.DATE,
        "is no day as the API writes it, like 2026-01-31 (declare how it is written, like `transform: {date: dmy}`)",
        telling,
    )

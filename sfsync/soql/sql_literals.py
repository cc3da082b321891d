"""Values as SQL literals: the one place where a value from a SOQL text becomes part of an SQL text."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlglot import Generator

_DIALECT = "duckdb"

#: Whole numbers of up to this many digits are exact in every SQL integer type involved.
_EXACT_DIGITS = 18


@lru_cache(maxsize=4096)
def quoted(identifier: str) -> str:
    """An identifier, quoted."""
    from sqlglot import exp  # noqa: PLC0415 - as below

    return exp.to_identifier(identifier, quoted=True).sql(_DIALECT)


def text_literal(text: str) -> str:
    """A text."""
    return f"'{_writer().escape_str(text)}'"


def number_literal(number: Decimal) -> str:
    """A number: whole numbers as they are, others as DOUBLE, which is what number columns hold."""
    if number == number.to_integral_value() and number.adjusted() < _EXACT_DIGITS:
        return str(int(number))
    return _cast(repr(float(number)), "DOUBLE")


def date_literal(day: date) -> str:
    """A day."""
    return _cast(day.isoformat(), "DATE")


def timestamp_literal(moment: datetime) -> str:
    """A moment, as a timestamp without zone in UTC; a moment without zone is UTC already."""
    utc = moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    return _cast(utc.isoformat(sep=" "), "TIMESTAMP")


def time_literal(moment: time) -> str:
    """A time of day."""
    return _cast(moment.isoformat(), "TIME")


def _cast(text: str, sql_type: str) -> str:
    return f"CAST({text_literal(text)} AS {sql_type})"


@cache
def _writer() -> Generator:
    """Writes one literal without a tree around it: an IN may list thousands."""
    from sqlglot.dialects.dialect import Dialect  # noqa: PLC0415 - 100 ms, for those who have a condition to compile

    return Dialect.get_or_raise(_DIALECT).generator()

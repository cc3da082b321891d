"""How Salesforce writes values: JSON of the REST API and CSV of Bulk API 2.0.

A page of JSON is written from Python values (`json_writer`), CSV of a million rows by the database (`csv_select`),
so that they never pass through Python objects. Both write a double as Java does: always with a point, and from ten
million on with an exponent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, time
from itertools import count
from typing import Any

import duckdb
import orjson

#: SQL macros that `csv_select` and `csv_expression` need.
MACROS = """
CREATE MACRO wire_scientific(digits, exponent) AS
    digits[1] || '.' || coalesce(nullif(digits[2:], ''), '0') || 'E' || exponent;
CREATE MACRO wire_mantissa(whole, fraction, exponent) AS
    CASE WHEN whole <> '0'
         THEN wire_scientific(whole[1] || rtrim(whole[2:] || fraction, '0'), length(whole) - 1 + exponent)
         ELSE wire_scientific(rtrim(ltrim(fraction, '0'), '0'), length(ltrim(fraction, '0')) - length(fraction) - 1)
    END;
CREATE MACRO wire_positive(shortest) AS
    wire_mantissa(
        split_part(split_part(shortest, 'e', 1), '.', 1),
        split_part(split_part(shortest, 'e', 1), '.', 2),
        coalesce(TRY_CAST(split_part(shortest, 'e', 2) AS INTEGER), 0)
    );
CREATE MACRO wire_whole(digits) AS
    left(digits, 1) || '.' || coalesce(nullif(rtrim(substr(digits, 2), '0'), ''), '0') || 'E' || (length(digits) - 1);
CREATE MACRO wire_double(x) AS
    CASE WHEN x = 0 THEN '0.0'
         WHEN abs(x) >= 1e-3 AND abs(x) < 1e7 THEN CAST(x AS VARCHAR)
         -- Amounts of money are mostly whole: these digits cost a third of the others. (A constant goes through
         -- every branch before one is chosen, hence TRY_CAST.)
         WHEN abs(x) >= 1e7 AND abs(x) < 1e15 AND x = trunc(x)
         THEN CASE WHEN x < 0 THEN '-' ELSE '' END || wire_whole(CAST(TRY_CAST(abs(x) AS BIGINT) AS VARCHAR))
         ELSE CASE WHEN x < 0 THEN '-' ELSE '' END || wire_positive(CAST(abs(x) AS VARCHAR))
    END;
"""

_DOUBLES = frozenset({"double", "currency", "percent"})

#: Doubles from here to there are written without an exponent.
_SMALLEST_PLAIN, _SMALLEST_SCIENTIFIC = 1e-3, 1e7

JsonWriter = Callable[[Any], Any]


# --- Python values -------------------------------------------------------------------------------------------------


def java_double(number: float) -> str:
    """A double as Java writes it: `33.0`, `8.0E7`."""
    if number == 0:
        return "0.0"
    if _SMALLEST_PLAIN <= abs(number) < _SMALLEST_SCIENTIFIC:
        return repr(float(number))
    mantissa, _, exponent = f"{float(number)!r}".partition("e")
    sign = "-" if mantissa.startswith("-") else ""
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    digits = (whole + fraction).lstrip("0")
    leading = len(whole) - 1 if whole != "0" else -(len(fraction) - len(fraction.lstrip("0"))) - 1
    digits = digits.rstrip("0")
    return f"{sign}{digits[0]}.{digits[1:] or '0'}E{leading + int(exponent or 0)}"


def _json_double(number: float | None) -> Any:
    if number is None:
        return None
    number = float(number)
    # Between these bounds orjson writes what Java does.
    if _SMALLEST_PLAIN <= abs(number) < _SMALLEST_SCIENTIFIC:
        return number
    return orjson.Fragment(java_double(number))


def _json_moment(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment.isoformat(timespec='milliseconds')}+0000"


def _json_day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _json_time(moment: time | None) -> str | None:
    return None if moment is None else f"{moment.isoformat(timespec='milliseconds')}Z"


_JSON_WRITERS: dict[str, JsonWriter] = {
    **dict.fromkeys(_DOUBLES, _json_double),
    "datetime": _json_moment,
    "date": _json_day,
    "time": _json_time,
}


def json_writer(field_type: str) -> JsonWriter | None:
    """What turns a database's value of this describe type into what `orjson` writes as Salesforce does.

    None where nothing is to be done. Moments are expected in UTC without zone.
    """
    return _JSON_WRITERS.get(field_type)


def json_value(value: Any, field_type: str) -> Any:
    """One value of this describe type, ready for `orjson`."""
    write = _JSON_WRITERS.get(field_type)
    return value if write is None else write(value)


# --- SQL -----------------------------------------------------------------------------------------------------------


def csv_select(source: str, columns: Sequence[tuple[str, str, str]]) -> str:
    """A SELECT of the texts of values in a Bulk API 2.0 result.

    All doubles of a record are written by one expression: a hundred lines of it, for every column that may hold
    numbers, took longer to read than a page of a few records to answer.

    Args:
        source: A relation, with its conditions.
        columns: An SQL expression, its describe type and the name of the text, each.
    """
    doubles = [f"CAST({sql} AS DOUBLE)" for sql, field_type, _name in columns if field_type in _DOUBLES]
    places = count(1)
    texts = ", ".join(
        (f"coalesce(doubles[{next(places)}], '')" if field_type in _DOUBLES else csv_expression(sql, field_type))
        + f" AS {name}"
        for sql, field_type, name in columns
    )
    if not doubles:
        return f"SELECT {texts} FROM {source}"
    written = f"list_transform([{', '.join(doubles)}], lambda number: wire_double(number))"
    return f"SELECT {texts} FROM (SELECT *, {written} AS doubles FROM {source})"


def csv_few(
    cursor: duckdb.DuckDBPyConnection, source: str, columns: Sequence[tuple[str, str, str]]
) -> Iterator[list[str]]:
    """What `csv_select` answers, of a few rows: their doubles are written here, which takes no planning."""
    values = ", ".join(
        (f"CAST({sql} AS DOUBLE)" if field_type in _DOUBLES else csv_expression(sql, field_type))
        for sql, field_type, _name in columns
    )
    for row in cursor.execute(f"SELECT {values} FROM {source}").fetchall():
        yield ["" if value is None else java_double(value) if isinstance(value, float) else value for value in row]


def csv_expression(sql: str, field_type: str) -> str:
    """An SQL expression for the text of a value in a Bulk API 2.0 result; an empty value is an empty text."""
    if field_type in _DOUBLES:
        text = f"wire_double(CAST({sql} AS DOUBLE))"
    elif field_type == "datetime":
        text = f"strftime({sql}, '%Y-%m-%dT%H:%M:%S.%gZ')"
    elif field_type == "date":
        text = f"strftime({sql}, '%Y-%m-%d')"
    elif field_type == "time":
        text = f"strftime(DATE '2000-01-01' + {sql}, '%H:%M:%S.%gZ')"
    else:
        text = f"CAST({sql} AS VARCHAR)"
    return f"coalesce({text}, '')"


# --- moments outside of records ------------------------------------------------------------------------------------


def json_datetime(moment: datetime) -> str:
    """A moment (UTC) as the REST API writes it: `2022-02-15T06:21:19.000+0000`."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}+0000"


def soap_datetime(moment: datetime) -> str:
    """A moment (UTC) as the SOAP API writes it: `2022-02-15T06:21:19.000Z`."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"

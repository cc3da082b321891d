from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import duckdb
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sfsync.fake.wire import MACROS, csv_expression, json_datetime, json_expression, soap_datetime


@pytest.fixture(scope="module")
def database():
    with duckdb.connect() as connection:
        connection.execute(MACROS)
        yield connection


def java_double(number: float) -> str:
    """Java's Double.toString, for comparison."""
    if number == 0:
        return "0.0"
    sign, size = ("-" if number < 0 else ""), abs(number)
    if 1e-3 <= size < 1e7:
        return sign + repr(size)
    digits = "".join(map(str, Decimal(repr(size)).as_tuple().digits)).rstrip("0")
    return f"{sign}{digits[0]}.{digits[1:] or '0'}E{Decimal(repr(size)).adjusted()}"


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (33, "33.0"),
        (4000, "4000.0"),
        (0.5, "0.5"),
        (80000000.0, "8.0E7"),
        (12345678.9, "1.23456789E7"),
        (9999999.5, "9999999.5"),
        (10000000.0, "1.0E7"),
        (-80000000.0, "-8.0E7"),
        (0.0001, "1.0E-4"),
        (1e22, "1.0E22"),
        (0, "0.0"),
    ],
)
def test_doubles_always_have_a_point_and_large_ones_an_exponent(database, number, text):
    assert database.execute(f"SELECT {json_expression('?::DOUBLE', 'currency')}", [number]).fetchone() == (text,)
    assert database.execute(f"SELECT {csv_expression('?::DOUBLE', 'double')}", [number]).fetchone() == (text,)


@given(numbers=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=50))
@example(numbers=[5e-324, 1.7976931348623157e308, 9.999999999999999e-4, 0.001, 123456789012345680.0])
def test_any_double_is_written_as_java_writes_it(database, numbers):
    rows = database.execute("SELECT wire_double(x) FROM (SELECT unnest(?::DOUBLE[]) AS x)", [numbers]).fetchall()
    assert [row[0] for row in rows] == [java_double(number) for number in numbers]


@given(text=st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40))
def test_any_text_survives_json(database, text):
    written = database.execute(f"SELECT {json_expression('?::VARCHAR', 'string')}", [text]).fetchone()[0]
    assert json.loads(written) == text


@pytest.mark.parametrize(
    ("sql", "kind", "in_json", "in_csv"),
    [
        ("TIMESTAMP '2022-02-15 06:21:19'", "datetime", '"2022-02-15T06:21:19.000+0000"', "2022-02-15T06:21:19.000Z"),
        ("DATE '2022-02-15'", "date", '"2022-02-15"', "2022-02-15"),
        ("TIME '06:21:19'", "time", '"06:21:19.000Z"', "06:21:19.000Z"),
        ("true", "boolean", "true", "true"),
        ("42", "int", "42", "42"),
        ("'a \"b\"'", "string", '"a \\"b\\""', 'a "b"'),
        ("NULL::VARCHAR", "picklist", "null", ""),
        ("NULL::DOUBLE", "percent", "null", ""),
        ("NULL::TIMESTAMP", "datetime", "null", ""),
        ("NULL::DATE", "date", "null", ""),
        ("NULL::BOOLEAN", "boolean", "null", ""),
    ],
)
def test_values_look_as_salesforce_writes_them(database, sql, kind, in_json, in_csv):
    assert database.execute(f"SELECT {json_expression(sql, kind)}, {csv_expression(sql, kind)}").fetchone() == (
        in_json,
        in_csv,
    )


def test_moments_outside_of_records():
    moment = datetime(2022, 2, 15, 6, 21, 19, 45000, UTC)
    assert json_datetime(moment) == "2022-02-15T06:21:19.045+0000"
    assert soap_datetime(moment) == "2022-02-15T06:21:19.045Z"

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time
from decimal import Decimal

import duckdb
import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sfsync.fake.wire import (
    MACROS,
    csv_expression,
    csv_few,
    csv_select,
    java_double,
    json_datetime,
    json_value,
    soap_datetime,
)


@pytest.fixture(scope="module")
def database():
    with duckdb.connect() as connection:
        connection.execute("SET disabled_optimizers = 'statistics_propagation'")  # as in an org's database
        connection.execute(MACROS)
        yield connection


def java_double_by_the_book(number: float) -> str:
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
    assert orjson.dumps(json_value(number, "currency")).decode() == text
    assert database.execute(f"SELECT {csv_expression('?::DOUBLE', 'double')}", [float(number)]).fetchone() == (text,)


@given(numbers=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=50))
@example(numbers=[5e-324, 1.7976931348623157e308, 9.999999999999999e-4, 0.001, 123456789012345680.0, -0.0])
def test_any_double_is_written_as_java_writes_it(database, numbers):
    rows = database.execute("SELECT wire_double(x) FROM (SELECT unnest(?::DOUBLE[]) AS x)", [numbers]).fetchall()
    wanted = [java_double_by_the_book(number) for number in numbers]
    assert [row[0] for row in rows] == wanted
    assert [java_double(number) for number in numbers] == wanted
    assert orjson.dumps([json_value(number, "double") for number in numbers]).decode() == f"[{','.join(wanted)}]"


@given(rows=st.lists(st.tuples(*[st.none() | st.floats(allow_nan=False, allow_infinity=False)] * 2), max_size=20))
@example(rows=[(None, 5e-324), (1.7976931348623157e308, None), (None, None)])
def test_many_columns_are_written_as_each_of_them_is(database, rows):
    sides = [[row[side] for row in rows] for side in (0, 1)]
    database.execute(
        "CREATE OR REPLACE TEMP TABLE numbers AS"
        " SELECT unnest(?::INTEGER[]) AS place, unnest(?::DOUBLE[]) AS a, unnest(?::DOUBLE[]) AS b",
        [list(range(len(rows))), *sides],
    )
    columns = [("b", "currency", '"B"'), ("place", "int", "place"), ("a", "double", '"A"')]
    each = ", ".join(f"{csv_expression(sql, kind)} AS {name}" for sql, kind, name in columns)
    ordered = "(SELECT * FROM numbers ORDER BY place)"
    texts = database.execute(csv_select(ordered, columns)).fetchall()
    assert [column[0] for column in database.description] == ["B", "place", "A"]
    assert texts == database.execute(f"SELECT {each} FROM {ordered}").fetchall()
    assert [tuple(row) for row in csv_few(database, ordered, columns)] == texts


@given(moment=st.datetimes(datetime(1700, 1, 1), datetime(4000, 12, 31)))
def test_the_database_and_python_write_the_same_moments(database, moment):
    for value, kind, sql_type in (
        (moment, "datetime", "TIMESTAMP"),
        (moment.date(), "date", "DATE"),
        (moment.time(), "time", "TIME"),
    ):
        row = database.execute(f"SELECT x, {csv_expression('x', kind)} FROM (SELECT ?::{sql_type} AS x)", [value])
        stored, in_csv = row.fetchone()
        in_json = json_value(stored, kind)
        assert in_json == (in_csv.removesuffix("Z") + "+0000" if kind == "datetime" else in_csv)


@given(text=st.text(st.characters(codec="utf-8"), max_size=40))
def test_any_text_survives_json(text):
    assert json.loads(orjson.dumps(json_value(text, "string"))) == text


@pytest.mark.parametrize(
    ("value", "kind", "in_json", "in_csv"),
    [
        (datetime(2022, 2, 15, 6, 21, 19), "datetime", '"2022-02-15T06:21:19.000+0000"', "2022-02-15T06:21:19.000Z"),
        (date(2022, 2, 15), "date", '"2022-02-15"', "2022-02-15"),
        (time(6, 21, 19), "time", '"06:21:19.000Z"', "06:21:19.000Z"),
        (True, "boolean", "true", "true"),
        (42, "int", "42", "42"),
        ('a "b"', "string", '"a \\"b\\""', 'a "b"'),
        (None, "picklist", "null", ""),
        (None, "percent", "null", ""),
        (None, "datetime", "null", ""),
        (None, "date", "null", ""),
        (None, "time", "null", ""),
        (None, "boolean", "null", ""),
    ],
)
def test_values_look_as_salesforce_writes_them(database, value, kind, in_json, in_csv):
    assert orjson.dumps(json_value(value, kind)).decode() == in_json
    sql_type = {"datetime": "TIMESTAMP", "percent": "DOUBLE", "int": "INTEGER", "boolean": "BOOLEAN"}.get(kind)
    sql_type = sql_type or (kind if kind in {"date", "time"} else "VARCHAR")
    assert database.execute(f"SELECT {csv_expression(f'?::{sql_type}', kind)}", [value]).fetchone() == (in_csv,)


def test_moments_outside_of_records():
    moment = datetime(2022, 2, 15, 6, 21, 19, 45000, UTC)
    assert json_datetime(moment) == "2022-02-15T06:21:19.045+0000"
    assert soap_datetime(moment) == "2022-02-15T06:21:19.045Z"

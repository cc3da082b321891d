"""Conditions compiled to SQL pick the records that a slow, plain reading of SOQL's rules picks."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sfsync.errors import SoqlError
from sfsync.record_ids import long_id
from sfsync.soql import ast, parse_condition, render
from sfsync.soql.condition_sql import Column, condition_sql
from sfsync.soql.dates import Calendar, date_range

NOW = datetime(2026, 3, 29, 3, 30, tzinfo=UTC)
CALENDAR = Calendar("America/Los_Angeles", fiscal_start_month=2)
TODAY = date(2026, 3, 28)  # in Los Angeles

#: Field → (describe type, SQL type).
FIELDS = {
    "Id": ("id", "VARCHAR"),
    "OwnerId": ("reference", "VARCHAR"),
    "Name": ("string", "VARCHAR"),
    "Status": ("picklist", "VARCHAR"),
    "Regions__c": ("multipicklist", "VARCHAR"),
    "Amount": ("currency", "DOUBLE"),
    "Score__c": ("int", "INTEGER"),
    "IsConverted": ("boolean", "BOOLEAN"),
    "CloseDate": ("date", "DATE"),
    "CreatedDate": ("datetime", "TIMESTAMP"),
    "CallAt__c": ("time", "TIME"),
}
NAMES = [None, "Acme", "ACME", "acme Ltd", "100%", "100 %", "a_b", "axb", "É\\x", "é", "ß", "O'Brien", "😀", "a\nb"]
STATUSES = [None, "Open", "open", "Closed - Converted", "Nurturing"]
REGIONS = [None, "EMEA", "EMEA;APAC", "apac;NA", "NA", "EMEA;APAC;NA", "EM"]
IDS = [long_id(f"00Q5e00000{letter}BcD{n}") for letter in "aA" for n in range(3)]
AMOUNTS = [None, 0.0, -1.5, 0.1, 99.99, 100.0, 1e7]
SCORES = [None, 0, -3, 5, 100]
TIMES = [None, time(0), time(10, 30), time(23, 59, 59)]


def resolve(path: ast.FieldPath) -> Column:
    name = next(name for name in FIELDS if name.casefold() == path.names[-1].casefold())
    return Column(f'"{name}"', FIELDS[name][0], name)


@dataclass(frozen=True)
class Table:
    """Random records, in the database and as plain Python."""

    connection: duckdb.DuckDBPyConnection
    rows: list[dict[str, Any]]

    def picked(self, condition: ast.Condition) -> list[int]:
        sql = condition_sql(condition, resolve, NOW, calendar=CALENDAR)
        found = self.connection.execute(f"SELECT row FROM records WHERE {sql} ORDER BY row").fetchall()
        return [row for (row,) in found]


@pytest.fixture(scope="module")
def table() -> Iterator[Table]:
    chance = random.Random(7)
    days = [None, *(TODAY + timedelta(days=chance.randint(-500, 500)) for _ in range(40)), TODAY]
    midnight = CALENDAR.midnight(TODAY)
    moments = [None, midnight, midnight - timedelta(seconds=1), NOW.replace(tzinfo=None)]
    moments += [midnight + timedelta(hours=chance.randint(-9000, 9000)) for _ in range(40)]
    choices: dict[str, list[Any]] = {
        "Id": IDS,
        "OwnerId": [None, *IDS],
        "Name": NAMES,
        "Status": STATUSES,
        "Regions__c": REGIONS,
        "Amount": AMOUNTS,
        "Score__c": SCORES,
        "IsConverted": [None, True, False],
        "CloseDate": days,
        "CreatedDate": moments,
        "CallAt__c": TIMES,
    }
    rows = [{name: chance.choice(values) for name, values in choices.items()} for _ in range(300)]
    connection = duckdb.connect()
    listed = ", ".join(f'"{name}" {kind}' for name, (_, kind) in FIELDS.items())
    connection.execute(f"CREATE TABLE records (row INTEGER, {listed})")
    marks = ", ".join("?" for _ in range(len(FIELDS) + 1))
    connection.executemany(f"INSERT INTO records VALUES ({marks})", [[n, *row.values()] for n, row in enumerate(rows)])
    yield Table(connection, rows)
    connection.close()


# --- the slow reading of the rules ------------------------------------------------------------------------------------


def holds(node: ast.Condition, row: dict[str, Any]) -> bool:
    match node:
        case ast.And(operands):
            return all(holds(operand, row) for operand in operands)
        case ast.Or(operands):
            return any(holds(operand, row) for operand in operands)
        case ast.Not(operand=inner):
            return not holds(inner, row)
        case ast.Membership(left=ast.FieldPath() as path, operator="INCLUDES", values=values):
            return any(includes(row[path.names[0]], value) for value in values)
        case ast.Membership(left=ast.FieldPath() as path, operator="EXCLUDES", values=values):
            return not any(includes(row[path.names[0]], value) for value in values)
        case ast.Membership(left=ast.FieldPath() as path, operator="IN", values=values):
            return any(compare(path, "=", value, row) for value in values)
        case ast.Membership(left=ast.FieldPath() as path, operator="NOT IN", values=values):
            return not any(compare(path, "=", value, row) for value in values)
        case ast.Comparison(left=ast.FieldPath() as path, operator=operator, right=right):
            return compare(path, operator, right, row)
    raise AssertionError(node)


def compare(path: ast.FieldPath, operator: str, value: ast.Value, row: dict[str, Any]) -> bool:
    kind = FIELDS[path.names[0]][0]
    actual = row[path.names[0]]
    if kind == "boolean":
        actual = bool(actual)
    if operator == "LIKE":
        assert isinstance(value, ast.LikePattern)
        return like(actual, value.text)
    if isinstance(value, ast.NullValue) and isinstance(actual, bool):
        return actual is (operator == "!=")
    if isinstance(value, ast.NullValue) or (isinstance(value, ast.StringValue) and not value.text):
        return {"=": actual is None, "!=": actual is not None}.get(operator, False)
    if operator == "!=":
        return not compare(path, "=", value, row)
    if actual is None:
        return False
    if isinstance(value, ast.DateLiteral):
        return in_range(actual, operator, value)
    wanted: Any = plain(value)
    if kind in {"id", "reference"}:
        wanted = long_id(wanted)
    elif isinstance(actual, str):
        actual, wanted = actual.lower(), wanted.lower()
    return {
        "=": actual == wanted,
        "<": operator == "<" and actual < wanted,
        "<=": operator == "<=" and actual <= wanted,
        ">": operator == ">" and actual > wanted,
        ">=": operator == ">=" and actual >= wanted,
    }[operator]


def plain(value: ast.Value) -> Any:
    match value:
        case ast.StringValue(text=text):
            return text
        case ast.NumberValue(number=number) | ast.CurrencyValue(amount=number):
            return float(number)
        case ast.DateTimeValue(value=moment):
            return moment.astimezone(UTC).replace(tzinfo=None)
    return value.value  # type: ignore[union-attr]


def in_range(actual: date, operator: str, literal: ast.DateLiteral) -> bool:
    days = date_range(literal, TODAY, CALENDAR)
    if isinstance(actual, datetime):
        actual = actual.replace(tzinfo=UTC).astimezone(CALENDAR.zone).date()
    return {
        "=": days.start <= actual < days.end,
        "<": actual < days.start,
        "<=": actual < days.end,
        ">": actual >= days.end,
        ">=": actual >= days.start,
    }[operator]


def like(actual: str | None, pattern: str) -> bool:
    if not pattern:
        return actual is None
    pieces = re.findall(r"\\.|.", pattern.lower(), re.DOTALL)
    wild = {"%": ".*", "_": "."}
    regex = "".join(wild.get(piece) or re.escape(piece[-1]) for piece in pieces)
    return actual is not None and re.fullmatch(regex, actual.lower(), re.DOTALL) is not None


def includes(actual: str | None, value: ast.Value) -> bool:
    assert isinstance(value, ast.StringValue)
    wanted = [entry.lower() for entry in value.text.split(";") if entry]
    if not wanted:
        return actual is None
    return actual is not None and set(wanted) <= set(actual.lower().split(";"))


# --- random conditions ------------------------------------------------------------------------------------------------

ORDERINGS = ["=", "!=", "<", "<=", ">", ">="]
absent = st.just(ast.NullValue())


def one_field(
    name: str, values: st.SearchStrategy[Any], operators: list[str], *, lists: bool = True
) -> st.SearchStrategy[Any]:
    path = ast.FieldPath((name,))
    kinds = [st.builds(ast.Comparison, st.just(path), st.sampled_from(operators), values | absent)]
    if lists:
        listed = st.lists(values | absent, min_size=1, max_size=3).map(tuple)
        kinds.append(st.builds(ast.Membership, st.just(path), st.sampled_from(["IN", "NOT IN"]), listed))
    return st.one_of(kinds)


def strings(samples: list[Any], *more: str) -> st.SearchStrategy[ast.StringValue]:
    return st.sampled_from([*(one for one in samples if one), "", *more]).map(ast.StringValue)


record_ids = st.sampled_from([*IDS, *(one[:15] for one in IDS), "00Q5e00000zzzzz"]).map(ast.StringValue)
date_literals = st.sampled_from(
    [
        ast.DateLiteral("TODAY"),
        ast.DateLiteral("LAST_WEEK"),
        ast.DateLiteral("THIS_FISCAL_QUARTER"),
        ast.DateLiteral("LAST_N_DAYS", 200),
        ast.DateLiteral("NEXT_N_MONTHS", 3),
        ast.DateLiteral("N_YEARS_AGO", 1),
    ]
)
dates = st.one_of(date_literals, st.dates(date(2025, 1, 1), date(2027, 1, 1)).map(ast.DateValue))
moments = st.one_of(
    date_literals,
    st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1)).map(lambda m: ast.DateTimeValue(m.replace(tzinfo=UTC))),
    st.just(ast.DateTimeValue(NOW)),
)
numbers = st.sampled_from(["0", "-1.5", "0.1", "99.99", "100", "100.0", "10000000", "5.5", "9" * 25]).map(
    lambda text: ast.NumberValue(Decimal(text))
)
pieces = st.sampled_from(["%", "_", r"\%", r"\_", r"\\", "a", "A", "acme", "100", "é", "ß", "'", " ", "b", "x"])
patterns = st.lists(pieces, max_size=5).map(lambda parts: ast.LikePattern("".join(parts)))
entries = st.lists(st.sampled_from(["EMEA", "apac", "NA", "EM", ""]), min_size=1, max_size=2).map(";".join)

simple = st.one_of(
    one_field("Name", strings(NAMES, "nobody", "\x00"), ORDERINGS),
    one_field("Status", strings(STATUSES), ORDERINGS),
    one_field("Regions__c", strings(REGIONS), ["=", "!="]),
    one_field("Id", record_ids, ORDERINGS),
    one_field("OwnerId", record_ids, ORDERINGS),
    one_field("Amount", st.one_of(numbers, numbers.map(lambda n: ast.CurrencyValue("USD", n.number))), ORDERINGS),
    one_field("Score__c", numbers, ORDERINGS),
    one_field("IsConverted", st.booleans().map(ast.BooleanValue), ["=", "!="]),
    one_field("CloseDate", dates, ORDERINGS),
    one_field("CreatedDate", moments, ORDERINGS),
    one_field("CallAt__c", st.sampled_from([one for one in TIMES if one]).map(ast.TimeValue), ORDERINGS),
    st.builds(ast.Comparison, st.just(ast.FieldPath(("Name",))), st.just("LIKE"), patterns),
    st.builds(
        ast.Membership,
        st.just(ast.FieldPath(("Regions__c",))),
        st.sampled_from(["INCLUDES", "EXCLUDES"]),
        st.lists(entries.map(ast.StringValue), min_size=1, max_size=2).map(tuple),
    ),
)
conditions: st.SearchStrategy[ast.Condition] = st.recursive(
    simple,
    lambda inner: st.one_of(
        st.builds(ast.And, st.lists(inner, min_size=2, max_size=3).map(tuple)),
        st.builds(ast.Or, st.lists(inner, min_size=2, max_size=3).map(tuple)),
        st.builds(ast.Not, inner),
    ),
    max_leaves=5,
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(conditions)
def test_sql_picks_the_records_that_soqls_rules_pick(table: Table, condition: ast.Condition):
    expected = [number for number, row in enumerate(table.rows) if holds(condition, row)]
    assert table.picked(condition) == expected, render(condition)
    assert table.picked(parse_condition(render(condition))) == expected


# --- rules worth a name -----------------------------------------------------------------------------------------------


def picked_names(table: Table, text: str) -> set[Any]:
    return {table.rows[row]["Name"] for row in table.picked(parse_condition(text))}


def test_text_compares_without_regard_to_case(table: Table):
    assert picked_names(table, "Name = 'aCmE'") == {"Acme", "ACME"}
    assert picked_names(table, "Name LIKE 'É%'") == {"É\\x", "é"}


def test_an_empty_text_is_no_value(table: Table):
    assert picked_names(table, "Name = ''") == picked_names(table, "Name = null") == {None}


def test_unequal_and_not_in_include_records_without_a_value(table: Table):
    assert None in picked_names(table, "Name != 'Acme'")
    assert None in picked_names(table, "Name NOT IN ('Acme', 'x')")
    assert None not in picked_names(table, "Name NOT IN ('Acme', null)")


def test_escaped_wildcards_stand_for_themselves(table: Table):
    assert picked_names(table, r"Name LIKE '100\%'") == {"100%"}
    assert picked_names(table, r"Name LIKE 'a\_b'") == {"a_b"}
    assert picked_names(table, "Name LIKE 'a_b'") == {"a_b", "axb", "a\nb"}
    assert picked_names(table, r"Name LIKE '%\\x'") == {"É\\x"}


def test_ids_are_found_by_either_form_and_tell_case_apart(table: Table):
    wanted = IDS[0]
    for text in (wanted, wanted[:15]):
        found = table.picked(parse_condition(f"Id = '{text}'"))
        assert {table.rows[row]["Id"] for row in found} == {wanted}


def test_a_boolean_without_a_value_is_false(table: Table):
    false = table.picked(parse_condition("IsConverted = false"))
    assert any(table.rows[row]["IsConverted"] is None for row in false)
    assert table.picked(parse_condition("IsConverted = null")) == false
    assert table.picked(parse_condition("IsConverted != null")) == table.picked(parse_condition("IsConverted = true"))


def test_days_begin_at_midnight_of_the_users_zone(table: Table):
    today = {table.rows[row]["CreatedDate"] for row in table.picked(parse_condition("CreatedDate = TODAY"))}
    assert datetime(2026, 3, 29, 3, 30) in today
    assert CALENDAR.midnight(TODAY) in today
    assert CALENDAR.midnight(TODAY) - timedelta(seconds=1) not in today


DATE_FUNCTIONS: dict[str, Callable[[datetime], int]] = {
    "CALENDAR_YEAR(CreatedDate)": lambda m: m.year,
    "CALENDAR_MONTH(CreatedDate)": lambda m: m.month,
    "CALENDAR_QUARTER(CreatedDate)": lambda m: (m.month - 1) // 3 + 1,
    "DAY_IN_MONTH(CreatedDate)": lambda m: m.day,
    "DAY_IN_WEEK(CreatedDate)": lambda m: m.isoweekday() % 7 + 1,
    "DAY_IN_YEAR(CreatedDate)": lambda m: m.timetuple().tm_yday,
    "WEEK_IN_MONTH(CreatedDate)": lambda m: (m.day - 1) // 7 + 1,
    "WEEK_IN_YEAR(CreatedDate)": lambda m: (m.timetuple().tm_yday - 1) // 7 + 1,
    "HOUR_IN_DAY(CreatedDate)": lambda m: m.hour,
    "FISCAL_YEAR(CreatedDate)": lambda m: m.year + (m.month >= 2),
    "FISCAL_QUARTER(CreatedDate)": lambda m: (m.month - 2) % 12 // 3 + 1,
    "FISCAL_MONTH(CreatedDate)": lambda m: (m.month - 2) % 12 + 1,
    "HOUR_IN_DAY(convertTimezone(CreatedDate))": lambda m: m.replace(tzinfo=UTC).astimezone(CALENDAR.zone).hour,
}


@pytest.mark.parametrize("function", DATE_FUNCTIONS)
def test_date_functions_take_moments_apart(table: Table, function: str):
    expected = DATE_FUNCTIONS[function]
    moments = {row["CreatedDate"] for row in table.rows if row["CreatedDate"]}
    for wanted in {expected(moment) for moment in moments}:
        found = {table.rows[row]["CreatedDate"] for row in table.picked(parse_condition(f"{function} = {wanted}"))}
        assert found == {moment for moment in moments if expected(moment) == wanted}


def test_the_date_of_a_moment_compares_with_dates(table: Table):
    found = table.picked(parse_condition("DAY_ONLY(CreatedDate) = 2026-03-29"))
    assert {table.rows[row]["CreatedDate"].date() for row in found} == {date(2026, 3, 29)}


# --- what is refused --------------------------------------------------------------------------------------------------

MISMATCH = "value of filter criterion for field '{}' must be of type {}"


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        (
            "createddate > '2024-01-01T00:00:00Z'",
            "INVALID_FIELD",
            MISMATCH.format("CreatedDate", "dateTime and should not be enclosed in quotes"),
        ),
        ("CreatedDate > 2024-01-01", "INVALID_FIELD", MISMATCH.format("CreatedDate", "dateTime")),
        ("CloseDate = 2024-01-01T00:00:00Z", "INVALID_FIELD", MISMATCH.format("CloseDate", "date")),
        ("CloseDate = ''", "INVALID_FIELD", MISMATCH.format("CloseDate", "date")),
        (
            "Amount = '100'",
            "INVALID_FIELD",
            MISMATCH.format("Amount", "double and should not be enclosed in quotes"),
        ),
        ("Score__c IN (1, '2')", "INVALID_FIELD", MISMATCH.format("Score__c", "int")),
        ("Score__c = USD5", "INVALID_FIELD", MISMATCH.format("Score__c", "int")),
        ("IsConverted = 'true'", "INVALID_FIELD", MISMATCH.format("IsConverted", "boolean")),
        ("Name = 5", "INVALID_FIELD", MISMATCH.format("Name", "string and should be enclosed in quotes")),
        ("Name LIKE 5", "INVALID_FIELD", MISMATCH.format("Name", "string")),
        ("Regions__c INCLUDES (5)", "INVALID_FIELD", MISMATCH.format("Regions__c", "string")),
        ("OwnerId = 5", "INVALID_FIELD", MISMATCH.format("OwnerId", "ID and should be enclosed in quotes")),
        ("Id = 'nonsense'", "INVALID_QUERY_FILTER_OPERATOR", "invalid ID field: nonsense"),
        ("Id LIKE '00Q%'", "INVALID_QUERY_FILTER_OPERATOR", "invalid operator on id field"),
        ("Regions__c LIKE 'E%'", "INVALID_QUERY_FILTER_OPERATOR", "invalid operator on multipicklist field"),
        ("Regions__c > 'E'", "INVALID_QUERY_FILTER_OPERATOR", "invalid operator on multipicklist field"),
        ("Name INCLUDES ('E')", "INVALID_QUERY_FILTER_OPERATOR", "invalid operator on string field"),
        ("IsConverted > true", "INVALID_QUERY_FILTER_OPERATOR", "invalid operator on boolean field"),
        (f"Amount = {'9' * 400}", "NUMBER_OUTSIDE_VALID_RANGE", "value outside of valid range on numeric field"),
        ("CALENDAR_YEAR(Name) = 2020", "INVALID_FIELD", "Invalid argument type for CALENDAR_YEAR: Name"),
        ("HOUR_IN_DAY(CloseDate) = 2", "INVALID_FIELD", "Invalid argument type for HOUR_IN_DAY: CloseDate"),
        ("UPPER(Name) = 'A'", "MALFORMED_QUERY", "Invalid function: UPPER"),
        ("COUNT(Id) > 1", "MALFORMED_QUERY", "Aggregate function is not allowed here: COUNT"),
        ("DISTANCE(Name, GEOLOCATION(1,2), 'mi') < 5", "INVALID_FIELD", "Invalid argument type for DISTANCE: Name"),
        (
            "Id IN (SELECT Id FROM Lead)",
            "FUNCTIONALITY_NOT_ENABLED",
            "A subquery in a condition is not supported here",
        ),
    ],
)
def test_values_that_do_not_fit_are_refused_in_salesforces_words(text: str, code: str, message: str):
    with pytest.raises(SoqlError) as caught:
        condition_sql(parse_condition(text), resolve, NOW)
    assert caught.value.code == code
    assert message in str(caught.value.context["text"])


def test_an_error_points_at_the_field_and_not_at_the_value():
    with pytest.raises(SoqlError) as caught:
        condition_sql(parse_condition("Name = 'x' AND Id = 'nonsense'"), resolve, NOW)
    assert (caught.value.row, caught.value.column) == (1, 16)


def test_fields_that_cannot_be_filtered_are_refused():
    with pytest.raises(SoqlError, match="field 'Description' can not be filtered in a query call") as caught:
        condition_sql(
            parse_condition("description = 'x'"),
            lambda _: Column("d", "textarea", "Description", filterable=False),
            NOW,
        )
    assert caught.value.code == "INVALID_FIELD"


def test_addresses_are_filtered_by_distance_alone():
    with pytest.raises(SoqlError, match="Address fields can only be filtered using Distance expressions"):
        condition_sql(parse_condition("BillingAddress = 'x'"), lambda _: Column("a", "address", "BillingAddress"), NOW)


@pytest.mark.parametrize(
    "text", ["x'; DROP TABLE records; --", "\\", "'", "\x00", "%' OR 1=1", "\u2028", "$now", "{x}"]
)
def test_hostile_values_stay_values(table: Table, text: str):
    for condition in (
        ast.Comparison(ast.FieldPath(("Name",)), "=", ast.StringValue(text)),
        ast.Membership(ast.FieldPath(("Regions__c",)), "INCLUDES", (ast.StringValue(text),)),
    ):
        assert table.picked(condition) == []
    assert table.connection.execute("SELECT count(*) FROM records").fetchone() == (300,)


def test_a_function_of_the_callers_own_is_resolved_by_the_caller():
    condition = parse_condition("COUNT(Id) > 1 AND Name = 'x'")
    sql = condition_sql(condition, resolve, NOW, resolve_call=lambda call: Column(f"my_{call.name}", "int"))
    assert sql == """((my_COUNT > 1) AND (lower("Name") = lower('x')))"""

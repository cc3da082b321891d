"""SQL of the portable subset means the same on every engine there is."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from sqlglot import exp

from sfsync.audit.alike import alike
from sfsync.audit.matching import company, digits, domain, letters, local_part, mailbox, sound, web_domain
from sfsync.audit.portable import Places, check_portable, parse_select
from sfsync.config.definitions_duplicates import Duplicates
from sfsync.store import Store

VALUES = [
    # numbers
    ("7 / 2", 3.5),
    ("CAST(7 AS INTEGER) / CAST(2 AS INTEGER)", 3.5),
    ("7 / 0", None),
    ("v.fraction / v.nothing", None),
    ("7 % 4", 3),
    ("7 % v.nothing", None),
    ("CAST(7.5 AS DOUBLE) % 2", 1.5),
    ("ROUND(CAST(2.5 AS DOUBLE))", 3),
    ("ROUND(CAST(3.5 AS DOUBLE))", 4),
    ("ROUND(CAST(2.567 AS DOUBLE), 2)", 2.57),
    ("CAST(FLOOR(CAST(2.5 AS DOUBLE)) AS INTEGER)", 2),
    # numbers as texts
    ("CAST(v.whole AS VARCHAR)", "2"),
    ("CAST(v.fraction AS VARCHAR)", "2.5"),
    ("CAST(v.version AS VARCHAR)", "Version 2.0"),
    ("CAST(v.whole / 2 AS VARCHAR)", "1"),
    ("CAST(ROUND(100.0 * v.whole / 3, 1) AS VARCHAR)", "66.7"),
    ("CAST(v.flag AS VARCHAR)", "true"),
    ("CAST(v.at AS VARCHAR)", "2026-03-29 10:00:01.5"),
    # texts
    ("'a' || v.blank", None),
    ("CONCAT('a', v.blank, 'b')", "ab"),
    ("LENGTH('äö')", 2),
    ("LEFT('abc', -1)", "ab"),
    ("RIGHT('abc', 2)", "bc"),
    ("SUBSTRING('abcdef', 0, 3)", "ab"),
    ("LOWER('ÉÄ')", "éä"),
    ("'a' < 'B'", False),
    ("TRIM('  a ' || CHR(160) || CHR(9))", "a"),
    ("TRIM('xxaxx', 'x')", "a"),
    ("GREATEST(1, NULL, 3)", 3),
    ("'50%' LIKE '%\\%'", False),
    ("'50%' LIKE '%\\%' ESCAPE '\\'", True),
    ("'a\\b' ILIKE 'A\\B'", True),
    ("TRANSLATE('abc', 'ab', 'xy')", "xyc"),
    ("REGEXP_REPLACE('+49 (0)40-1', '\\D', '', 'g')", "490401"),
    # regular expressions
    ("REGEXP_MATCHES('ab1', '\\d$')", True),
    ("REGEXP_MATCHES('é', '\\w')", False),
    ("REGEXP_MATCHES('é-', '[\\w]-')", False),
    ("REGEXP_MATCHES('foo bar', '\\bbar\\b')", True),
    ("REGEXP_MATCHES('a' || CHR(10) || 'b', 'a.b')", False),
    ("REGEXP_MATCHES('a' || CHR(10), 'a$')", False),
    ("REGEXP_MATCHES('aÉ', '(?i)aé')", True),
    ("REGEXP_MATCHES('x@y.io', '^[^@\\s]+@[^@\\s]+\\.[a-z]+$')", True),
    # days and instants
    ("DATE_DIFF('day', CAST('2026-01-01 23:00:00' AS TIMESTAMP), CAST('2026-01-02 01:00:00' AS TIMESTAMP))", 1),
    ("DATE_DIFF('hour', CAST('2026-01-01 23:59:00' AS TIMESTAMP), CAST('2026-01-02 01:00:00' AS TIMESTAMP))", 2),
    ("DATE_DIFF('month', CAST('2026-01-31' AS DATE), CAST('2026-02-01' AS DATE))", 1),
    ("DATE_DIFF('quarter', CAST('2025-12-31' AS DATE), CAST('2026-02-01' AS DATE))", 1),
    ("CAST(DATE_TRUNC('month', CAST('2026-03-31' AS DATE)) AS VARCHAR)", "2026-03-01 00:00:00"),
    ("CAST(DATE_TRUNC('week', v.at) AS DATE) = CAST('2026-03-23' AS DATE)", True),
    ("CAST(CAST('2026-03-29' AS DATE) - INTERVAL '5 days' AS VARCHAR)", "2026-03-24 00:00:00"),
    ("CAST('2026-03-29' AS DATE) - CAST('2026-03-01' AS DATE)", 28),
    ("EXTRACT(dow FROM CAST('2026-03-29' AS DATE))", 0),
    ("EXTRACT(month FROM v.at) / 2", 1.5),
    ("EXTRACT(second FROM v.at)", 1),
    ("EXTRACT(epoch FROM v.at - INTERVAL '1 second') - EXTRACT(epoch FROM v.at)", -1),
    # three-valued logic
    ("v.blank = 'x'", None),
    ("1 IS DISTINCT FROM NULL", True),
    ("CASE WHEN NULL THEN 1 ELSE 0 END", 0),
]

HOW = Duplicates()

MATCHING = [
    (letters("'Ó\u2019Neill-Großmann '"), "oneillgrossmann"),
    (letters("'山田'"), "山田"),
    (sound("'mueller'"), "m46"),
    (sound("'muller'"), "m46"),
    (sound("'king'"), "k52"),
    (digits("'+49 (0)30 / 123-45 67'"), "301234567"),
    (digits("'12-34'"), None),
    (company("'The Acme & Söhne GmbH & Co. KG'", HOW), "acmesohne"),
    (company("'Coca Cola Company'", HOW), "cocacola"),
    (company("'Inc.'", Duplicates(company_words=("a.s.", "c++"))), "inc"),
    (mailbox("' Ada+News@Example.com '", HOW), "ada+news@example.com"),
    (mailbox("'Ada+News@Example.com'", Duplicates(plus_addresses="same")), "ada@example.com"),
    (local_part("'ada@example.com'"), "ada"),
    (domain("'ada@example.com'"), "example.com"),
    (web_domain("'https://www.Zenith.example:80/de?x=1'"), "zenith.example"),
    (web_domain("'zenith.example'"), "zenith.example"),
]

GROUPED = [
    ("MAX(v.b)", True),
    ("MIN(v.b)", False),
    ("CAST(AVG(v.n) AS VARCHAR)", "2"),
    ("CAST(AVG(v.n) FILTER (WHERE v.n > 1) AS VARCHAR)", "3"),
    ("AVG(v.n / v.n)", 1),
    ("SUM(v.n)", 4),
    ("COUNT(DISTINCT v.t)", 1),
    ("PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY v.n)", 2),
    ("CAST(PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY v.n) AS VARCHAR)", "2"),
    ("COUNT(*) FILTER (WHERE v.n > 1)", 1),
]

ONE = (
    "SELECT CAST(2 AS DOUBLE) AS whole, CAST(2.5 AS DOUBLE) AS fraction, 0 AS nothing, 'Version 2.0' AS version,"
    " TRUE AS flag, CAST(NULL AS VARCHAR) AS blank, CAST('2026-03-29 10:00:01.5' AS TIMESTAMP) AS at"
)
THREE = (
    "SELECT 1 AS n, TRUE AS b, 'x' AS t UNION ALL SELECT 3 AS n, FALSE AS b, CAST(NULL AS VARCHAR) AS t"
    " UNION ALL SELECT CAST(NULL AS INTEGER) AS n, CAST(NULL AS BOOLEAN) AS b, 'x' AS t"
)

Answer = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture(scope="module", params=["duckdb", "postgres"])
def answer(request: pytest.FixtureRequest) -> Answer:
    """What an engine answers."""
    if request.param == "duckdb":
        connection = duckdb.connect()
        return lambda sql: connection.execute(written(sql, "duckdb")).fetchall()
    store: Store = request.getfixturevalue("postgres_store")

    def ask(sql: str) -> list[tuple[Any, ...]]:
        with store.reading() as session:
            return [
                tuple(float(value) if isinstance(value, Decimal) else value for value in row)
                for row in session.execute(written(sql, "postgres"))
            ]

    return ask


def written(sql: str, dialect: str) -> str:
    query = parse_select(sql)
    assert list(check_portable(query, Places(sql))) == []
    return alike(query, dialect, {}, {}).sql(dialect=dialect)


@pytest.mark.parametrize(("expression", "value"), VALUES)
def test_an_expression_has_one_value(answer: Answer, expression: str, value: object) -> None:
    assert answer(f"SELECT {expression} AS value FROM ({ONE}) AS v") == [(value,)]


@pytest.mark.parametrize(("expression", "value"), MATCHING)
def test_names_and_addresses_are_compared_in_one_form(answer: Answer, expression: str, value: object) -> None:
    assert answer(f"SELECT {expression} AS value") == [(value,)]


@pytest.mark.parametrize(("expression", "value"), GROUPED)
def test_a_group_has_one_value(answer: Answer, expression: str, value: object) -> None:
    assert answer(f"SELECT {expression} AS value FROM ({THREE}) AS v") == [(value,)]


def test_what_has_no_value_comes_last_in_either_order(answer: Answer) -> None:
    sql = "SELECT ROW_NUMBER() OVER (ORDER BY v.n) AS up, ROW_NUMBER() OVER (ORDER BY v.n DESC) AS down"
    assert sorted(answer(f"{sql} FROM ({THREE}) AS v")) == [(1, 2), (2, 1), (3, 3)]


def test_an_average_over_a_window_is_a_plain_number(answer: Answer) -> None:
    sql = f"SELECT CAST(AVG(v.n) OVER (ORDER BY v.n) AS VARCHAR) AS value FROM ({THREE}) AS v WHERE v.n > 0"
    assert sorted(answer(sql)) == [("1",), ("2",)]


def test_columns_of_tables_and_relations_say_what_they_hold() -> None:
    query = parse_select(
        "SELECT CAST(o.Amount AS VARCHAR) AS a, CAST(r.share AS VARCHAR) AS b FROM sf.Opportunity AS o, r"
    )
    alike(query, "duckdb", {"sf": {"Opportunity": {"Amount": "DOUBLE"}}}, {"r": {"share": "DOUBLE"}})
    assert len(list(query.find_all(exp.RegexpReplace))) == 2


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT LAST_VALUE(v.a IGNORE NULLS) OVER (ORDER BY v.b) AS x FROM v", "IGNORE NULLS"),
        ("SELECT DATE_DIFF('week', v.a, v.b) AS x FROM v", "counting weeks"),
        ("SELECT SUBSTRING(v.a, -2) AS x FROM v", "counting from the end"),
        ("SELECT REGEXP_MATCHES(v.a, '[[:alpha:]]') AS x FROM v", "`[:alpha:]` in a regular expression"),
        ("SELECT REGEXP_MATCHES(v.a, '\\p{L}') AS x FROM v", "`\\p` in a regular expression"),
        ("SELECT REGEXP_MATCHES(v.a, 'a(?=b)') AS x FROM v", "in a regular expression"),
    ],
)
def test_what_engines_take_for_different_things_is_refused(sql: str, message: str) -> None:
    faults = list(check_portable(parse_select(sql), Places(sql)))
    assert any(message in fault.message for fault in faults)

"""SQL of other people is read, or refused; it never ends the process."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from sqlglot import exp

from sfsync.errors import QueryFailed
from sfsync.store.as_of import as_of_sql
from sfsync.store.duckdb import DuckDBStore
from sfsync.store.sql_trees import MOST_NESTED, sql_trees

DEEP = 20_000


@pytest.mark.parametrize(
    "text",
    [
        f"SELECT 1 FROM {'(' * DEEP}t{')' * DEEP}",
        f"SELECT 1 FROM a JOIN {'(' * DEEP}t",
        f"{'SELECT 1 FROM (' * DEEP}SELECT 1{')' * DEEP}",
        f"SELECT CAST(a AS {'STRUCT(a ' * DEEP}INT{')' * DEEP})",
        f"SELECT {'[' * DEEP}1{']' * DEEP}",
        f"SELECT {'f(' * DEEP}1{')' * DEEP}",
        "SELECT " + "{'a': " * DEEP + "1" + "}" * DEEP,
        f"SELECT {'NOT ' * DEEP}a",
        f"SELECT {'CASE WHEN a THEN ' * DEEP}1{' END' * DEEP}",
        f"SELECT {'- ' * DEEP}1",
    ],
    ids=range(10),
)
def test_a_text_that_is_nested_as_nobody_nests_it_is_refused(text: str) -> None:
    with pytest.raises(RecursionError):
        sql_trees(text, "duckdb")


def test_a_long_text_is_not_a_deep_one() -> None:
    listed = ", ".join(f"('{number}')" for number in range(5_000))
    (tree,) = sql_trees(f"SELECT ')))', '((((' FROM t WHERE a IN ({listed})", "duckdb")
    assert len(list(tree.find_all(exp.Literal))) == 5_002


def test_brackets_within_strings_do_not_count() -> None:
    assert len(sql_trees(f"SELECT '{'(' * 2 * MOST_NESTED}'; SELECT 2;", "duckdb")) == 2


def test_a_question_as_of_a_day_that_is_nested_too_deeply_is_told(tmp_path: Path) -> None:
    deep = f"SELECT 1 FROM {'(' * DEEP}sf.Lead{')' * DEEP}"
    with pytest.raises(QueryFailed, match="nested too deeply"):
        as_of_sql(DuckDBStore(tmp_path / "mirror.duckdb"), deep, datetime(2026, 1, 1))

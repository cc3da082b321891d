"""Answers as CSV files, as the Bulk API takes them."""

from __future__ import annotations

import csv
from pathlib import Path

from sfsync.store.duckdb import DuckDBStore


def test_texts_come_out_as_they_are_and_nulls_as_empty_cells(tmp_path: Path) -> None:
    store, file = DuckDBStore(tmp_path / "m.duckdb"), tmp_path / "out.csv"
    texts = ['"quoted", and', "two\nlines", "\u2028", "#N/A", "=1+1", " blank ", "007"]
    rows = ", ".join(f"({n}, '{text}')" for n, text in enumerate(texts))
    with store.writing() as session:
        written = session.write_csv(
            f'SELECT CAST(n AS VARCHAR) AS n, t AS "Text, quoted", NULL AS nothing FROM (VALUES {rows}) AS v(n, t) ORDER BY n',
            file,
        )
    assert written == len(texts)
    assert b"\r" not in file.read_bytes()
    assert oct(file.stat().st_mode)[-3:] == "600"
    with file.open(encoding="utf-8", newline="") as lines:
        found = list(csv.reader(lines))
    assert found == [["n", "Text, quoted", "nothing"], *([str(n), text, ""] for n, text in enumerate(texts))]

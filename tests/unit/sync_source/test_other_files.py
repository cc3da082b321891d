"""Parquet, Excel and data frames: types stay, texts stay, and what a cell shows is what arrives."""

from __future__ import annotations

import sys
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sfsync.errors import SourceError, UsageError
from sfsync.mapping.source_spec import SourceSpec
from sfsync.sync.source import load_source
from sfsync.sync.source.frame import load_frame

openpyxl = pytest.importorskip("openpyxl", reason="the extra `excel` is not installed")


@pytest.fixture
def sheet(tmp_path, session):
    """Write an Excel file of one sheet, and load it as a source."""

    def run(*rows, change=lambda book: None, **spec):
        book = openpyxl.Workbook()
        for row in rows:
            book.active.append(row)
        change(book)
        book.save(tmp_path / "x.xlsx")
        return load_source(session, SourceSpec(file="x.xlsx", **spec), "x", root=tmp_path)

    return run


def refused(run, *args, **options):
    with pytest.raises(SourceError) as caught:
        run(*args, **options)
    return str(caught.value)


def test_cells_arrive_as_what_they_show(sheet, rows):
    source = sheet(
        ["text", "int", "number", "noise", "large", "flag", "day", "at", "clock"],
        ["007", 7, 1.5, 0.1 + 0.2, 1e20, True, date(2026, 1, 31), datetime(2026, 1, 31, 12, 30), time(9, 5)],
        [" x ", -3, 2.0, 1e-7, 12345678901234, False, None, None, None],
    )
    assert set(source.columns.values()) == {"VARCHAR"}
    assert rows(source) == [
        (1, "007", "7", "1.5", "0.3", "1" + "0" * 20, "true", "2026-01-31", "2026-01-31T12:30:00", "09:05:00"),
        (2, " x ", "-3", "2", "0.0000001", "12345678901234", "false", None, None, None),
    ]
    assert source.notes == ("sheet: Sheet", "2 rows, 9 columns")


def test_midnight_of_a_cell_that_shows_a_time_stays_a_time(sheet, rows):
    def change(book):
        book.active["A2"].number_format = "yyyy-mm-dd hh:mm"
        book.active["B2"].number_format = 'dd.mm.yyyy "h"'

    source = sheet(["at", "day"], [datetime(2026, 1, 31), datetime(2026, 1, 31)], change=change)
    assert rows(source) == [(1, "2026-01-31T00:00:00", "2026-01-31")]


def test_a_code_that_is_shown_with_zeros_keeps_them(sheet, rows):
    def change(book):
        book.active["A2"].number_format = "00000"

    assert rows(sheet(["zip", "n"], [1234, 1234], change=change)) == [(1, "01234", "1234")]


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [
        (0.12, "0%", "12%"),
        (0.12345, "0.00%", "12.345%"),
        (0.07, '0" "%', "7%"),
        (-0.5, "0%;[Red]-0%", "-50%"),
        (1, "0%", "100%"),
        (12.5, "0.0\\%", "12.5"),
    ],
)
def test_a_percentage_keeps_its_sign_so_that_no_field_takes_a_hundredth_of_it(sheet, rows, value, form, text):
    def change(book):
        book.active["A2"].number_format = form

    assert rows(sheet(["rebate", "n"], [value, 0.12], change=change)) == [(1, text, "0.12")]


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [
        (21014321, "00000-0000", "02101-4321"),
        (12345678, "000\\-000\\-000", "012-345-678"),
        (1067, "[$-407]00000", "01067"),
        (1067, "00000;[Red]-00000", "01067"),
        (123456, "00-00", "1234-56"),
        (7, '00"/"00', "00/07"),
        (7, "0.00", "7"),
        (7, '0" kg"', "7"),
        (-7, "000", "-7"),
    ],
)
def test_a_code_in_groups_is_what_its_cell_shows(sheet, rows, value, form, text):
    def change(book):
        book.active["A2"].number_format = form

    assert rows(sheet(["code"], [value], change=change)) == [(1, text)]


def test_merged_cells_are_refused_for_all_but_the_first_would_be_empty(sheet, rows):
    table = (["account", "contact"], ["Acme", "Ada"], [None, "Bob"])
    message = refused(sheet, *table, change=lambda book: book.active.merge_cells("A2:A3"))
    assert message.startswith("x.xlsx:2: the cells A2:A3 are merged, and the first alone holds their value")
    assert "the cells A3:B3 are merged" in refused(
        sheet, ["a", "b"], [1, 2], ["x", None], change=lambda book: book.active.merge_cells("A3:B3")
    )
    title = (["Accounts", None], ["a", "b"], [1, 2])
    assert rows(sheet(*title, skip=1, change=lambda book: book.active.merge_cells("A1:B1"))) == [(1, "1", "2")]
    empty = (["a", "b"], [None, None], [1, 2])
    assert rows(sheet(*empty, change=lambda book: book.active.merge_cells("A2:B2"))) == [(2, "1", "2")]


def test_rows_that_a_filter_hides_are_read_and_that_is_told(sheet, rows):
    def change(book):
        book.active.row_dimensions[3].hidden = True

    source = sheet(["a", "b"], [1, 2], [3, 4], change=change)
    assert rows(source) == [(1, "1", "2"), (2, "3", "4")]
    assert "1 rows are hidden in the sheet, and are read like the others" in source.notes


def test_characters_that_the_file_has_to_escape_arrive_as_they_are(sheet, rows):
    assert rows(sheet(["a", "b"], ["x_x000D_\ny", "_x005F_x000D_"])) == [(1, "x\r\ny", "_x000D_")]
    # No text has a NUL or half a character in it, so these were typed.
    assert rows(sheet(["a", "b"], ["_x0000_", "_xD83D_"])) == [(1, "_x0000_", "_xD83D_")]


def test_the_sheet_is_named_where_there_are_several(sheet, rows):
    def change(book):
        book.create_sheet("Leads").append(["a"])
        book["Leads"].append(["x"])

    assert "it has several sheets: `Sheet`, `Leads` (declare which: `sheet: NAME`)" in refused(
        sheet, ["b"], change=change
    )
    assert "there is no sheet `Lead` (did you mean `Leads`?)" in refused(sheet, ["b"], change=change, sheet="Lead")
    assert rows(sheet(["b"], change=change, sheet="Leads")) == [(1, "x")]


def test_a_hidden_sheet_is_none_to_choose_from(sheet, rows):
    def change(book):
        book.create_sheet("lists").sheet_state = "hidden"

    assert rows(sheet(["a"], ["x"], change=change)) == [(1, "x")]


def test_errors_in_cells_are_refused_unless_they_are_declared_to_mean_nothing(sheet, rows):
    table = (["a", "b"], ["x", "#N/A"])
    assert (
        'x.xlsx:2: the cell B2 holds the error #N/A (mend it, or declare that it means nothing: `empty: ["#N/A"]`)'
        in refused(sheet, *table)
    )
    assert rows(sheet(*table, empty=("#N/A",))) == [(1, "x", None)]


def test_a_formula_without_a_value_is_no_empty_cell(sheet):
    assert "the cell B3 is a formula whose value is not in the file" in refused(
        sheet, ["a", "b"], ["x", 1], ["y", "=B2+1"]
    )


def test_lines_above_the_header_blank_rows_and_nameless_columns(sheet, rows):
    table = (
        ["Report", None, None],
        [None, None, None],
        ["a", "b", None],
        [1, 2, None],
        [None, None, None],
        [3, 4, None],
    )
    source = sheet(*table, skip=1)
    assert rows(source) == [(1, "1", "2"), (3, "3", "4")]
    assert "left out: 1 rows without any value" in source.notes
    assert "column 1 of 2 has no name" in refused(sheet, [None, "b"], [1, 2])
    assert "the cell C2 stands beside the columns" in refused(sheet, ["a", "b"], [1, 2, 3])
    assert rows(sheet([1, 2], header=False, columns=("a", "b"))) == [(1, "1", "2")]


def test_an_empty_sheet_and_a_file_that_is_none_are_refused(sheet, load):
    assert "the sheet `Sheet` is empty" in refused(sheet)
    assert "it is no Excel file" in refused(load, "a,b\n1,2\n", "x.xlsx")


def test_without_the_extra_the_way_to_it_is_told(sheet, monkeypatch):
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(UsageError) as caught:
        load_source(None, SourceSpec(file=__file__, format="excel"), "x")
    assert "pip install 'sfsync[excel]'" in caught.value.hint


def test_parquet_keeps_its_types(session, tmp_path, rows):
    table = pa.table(
        {
            "code": ["007", None],
            "n": pa.array([1, None], pa.int32()),
            "day": [date(2026, 1, 31), None],
            "raw": [b"\x00", b"x"],
            "kind": pa.array(["a", None]).dictionary_encode(),
        }
    )
    pq.write_table(table, tmp_path / "x[1].parquet")
    source = load_source(session, SourceSpec(file="x[1].parquet"), "x", root=tmp_path)
    assert source.columns == {"code": "VARCHAR", "n": "INTEGER", "day": "DATE", "kind": "VARCHAR"}
    assert rows(source) == [(1, "007", 1, date(2026, 1, 31), "a")]
    assert source.notes[:2] == ("left out: the column raw is binary", "left out: 1 rows without any value")


def test_a_time_without_end_in_a_parquet_file_does_not_keep_the_others_from_being_read(session, tmp_path):
    file = tmp_path / "x.parquet"
    values = "VALUES (TIMESTAMP 'infinity'), (TIMESTAMP '2026-01-31 12:00:00')"
    session.execute(f"""COPY (SELECT * FROM ({values}) AS v("at")) TO '{file}' (FORMAT parquet)""")
    source = load_source(session, SourceSpec(file="x.parquet"), "x", root=tmp_path)
    assert source.rows == 2
    assert "times without a zone" in " ".join(source.notes)


def test_what_is_no_parquet_file_is_refused(load):
    assert "it is no Parquet file" in refused(load, "a,b\n", "x.parquet")


def test_a_column_of_the_name_of_ours_is_refused(session, tmp_path):
    pq.write_table(pa.table({"Source_Row": [5]}), tmp_path / "x.parquet")
    message = refused(load_source, session, SourceSpec(file="x.parquet"), "x", root=tmp_path)
    assert "a column is called `source_row`, which is sfsync's own" in message


@pytest.mark.parametrize("names", [("Name", "NAME"), ("Name", " name ")])
def test_parquet_columns_that_differ_in_capitals_alone_are_refused(session, tmp_path, names):
    pq.write_table(pa.table([["x"], ["y"]], names=list(names)), tmp_path / "x.parquet")
    message = refused(load_source, session, SourceSpec(file="x.parquet"), "x", root=tmp_path)
    assert f"two columns are called `{names[0]}` and `{names[1].strip()}` (capitals do not matter)" in message


def test_a_parquet_column_is_called_without_the_blanks_around_its_name(session, tmp_path, rows):
    pq.write_table(pa.table({" Name ": ["x"]}), tmp_path / "x.parquet")
    source = load_source(session, SourceSpec(file="x.parquet"), "x", root=tmp_path)
    assert (source.columns, rows(source)) == ({"Name": "VARCHAR"}, [(1, "x")])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pd.Categorical([1, None, 2]), ["1", None, "2"]),
        (pd.Categorical([2**60 + 1, None]), [str(2**60 + 1), None]),
        (pd.Categorical([True, None, False]), ["true", None, "false"]),
        (pd.period_range("2026-01", periods=2, freq="M"), ["2026-01", "2026-02"]),
        ([2**70, 1], [str(2**70), "1"]),
        (pd.Series([np.bool_(True), "x", np.float64(2), np.int64(3)], dtype=object), ["true", "x", "2", "3"]),
    ],
)
def test_columns_that_arrow_has_no_place_for_keep_their_values(session, values, expected):
    frame = pd.DataFrame({"v": values})
    frame["row"] = range(len(frame))
    source = load_frame(session, frame, "f")
    found = session.execute(f"SELECT CAST(v AS VARCHAR) FROM {source.table} ORDER BY source_row").rows
    assert [value for (value,) in found] == expected


@pytest.mark.parametrize("kind", [pa.float64(), pa.float32()])
def test_nan_of_an_arrow_table_is_no_value(session, rows, kind):
    frame = pa.table({"n": pa.array([1.5, float("nan"), None, 2], kind), "row": [1, 2, 3, 4]})
    assert [row[1] for row in rows(load_frame(session, frame, "f"))] == [1.5, None, None, 2.0]


def test_a_pandas_frame_keeps_its_types_and_has_no_nan(session, rows):
    frame = pd.DataFrame(
        {
            "name": ["Ada", None, "Bob"],
            "n": [1.0, np.nan, 2.5],
            "flag": pd.array([True, None, False], dtype="boolean"),
            "at": pd.to_datetime(["2026-01-31T12:00:00Z", None, "2026-02-01T00:00:00Z"]),
            "kind": pd.Categorical(["x", "y", None]),
            "mixed": [1, "a", 2.0],
            "none": [None, None, None],
        }
    )
    source = load_frame(session, frame, "f")
    assert source.columns == {
        "name": "VARCHAR",
        "n": "DOUBLE",
        "flag": "BOOLEAN",
        "at": "TIMESTAMP WITH TIME ZONE",
        "kind": "VARCHAR",
        "mixed": "VARCHAR",
        "none": "VARCHAR",
    }
    utc = 'CAST("at" AT TIME ZONE ? AS VARCHAR)'
    assert (
        session.execute(f"SELECT {utc} FROM {source.table} ORDER BY source_row", ["UTC"]).scalar()
        == "2026-01-31 12:00:00"
    )
    session.execute(f'ALTER TABLE {source.table} DROP COLUMN "at"')
    assert [(row[1], row[2], row[4], row[5]) for row in rows(source)] == [
        ("Ada", 1.0, "x", "1"),
        (None, None, "y", "a"),
        ("Bob", 2.5, None, "2"),
    ]
    assert source.notes[0] == "the column mixed holds values of several kinds, and is taken as text"


def test_an_index_is_no_column_and_that_is_told(session):
    source = load_frame(session, pd.DataFrame({"a": [1]}, index=pd.Index([7], name="id")), "f")
    assert list(source.columns) == ["a"]
    assert source.notes[0] == "left out: the index (`reset_index()` makes columns of it)"


@pytest.mark.parametrize("shape", [lambda t: t, lambda t: t.to_batches()[0], lambda t: t.to_reader()])
def test_arrow_in_any_shape_is_a_source(session, rows, shape):
    table = pa.table({"a": ["x"], "d": [Decimal("1.50")], "t": [timedelta(seconds=1)]})
    source = load_frame(session, shape(table), "f")
    assert rows(source)[0][:3] == (1, "x", Decimal("1.50"))


def test_a_frame_whose_columns_cannot_be_told_apart_is_refused(session):
    assert "two columns are called `a`" in refused(load_frame, session, pd.DataFrame([[1, 2]], columns=["a", "a"]), "f")
    with pytest.raises(UsageError, match="Series is no data frame"):
        load_frame(session, pd.Series([1]), "f")
    with pytest.raises(UsageError, match="dict is no data frame"):
        load_frame(session, {"a": [1]}, "f")


def test_the_temporary_folder_is_left_as_it_was(load, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temp"))
    (tmp_path / "temp").mkdir()
    load("a,b\n1,2\n")
    assert list(Path(tmp_path / "temp").iterdir()) == []

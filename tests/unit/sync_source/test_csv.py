"""CSV files: what is in them arrives as the text it is, and what is doubtful is refused with what to declare."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sfsync.errors import SourceError
from sfsync.mapping.source_spec import SourceSpec
from sfsync.sync.source import load_source


def test_values_stay_the_text_they_are(load, rows):
    source = load('code,none,money,blank\n007,NA,"1,77,000.00 ", x \nNULL,1e5,true,\n')
    assert source.columns == dict.fromkeys(("code", "none", "money", "blank"), "VARCHAR")
    assert rows(source) == [(1, "007", "NA", "1,77,000.00 ", " x "), (2, "NULL", "1e5", "true", None)]
    assert source.rows == 2


def test_what_was_found_out_is_told(load):
    assert load("a;b\n1;2,5\n").notes == (
        "encoding: utf-8 (every byte of it fits)",
        "delimiter: `;` (detected: the header has 2 columns by it)",
        "1 rows, 2 columns",
    )


def test_only_declared_words_mean_nothing(load, rows):
    source = load('a,b\nNA,-\n"NA",x\n', empty=("NA", "-"))
    assert rows(source) == [(2, None, "x")]
    assert "left out: 1 rows without any value" in source.notes


@pytest.mark.parametrize(
    ("encoding", "how"),
    [
        ("utf-8", "utf-8 (every byte of it fits)"),
        ("utf-8-sig", "utf-8 (by its byte-order mark)"),
        ("utf-16", "utf-16 (by its byte-order mark)"),
        ("utf-32", "utf-32 (by its byte-order mark)"),
    ],
)
def test_encodings_that_show_themselves_are_detected(load, rows, encoding, how):
    source = load('name,city\r\nÅse,"Æ, Ø"\r\n'.encode(encoding))
    assert list(source.columns) == ["name", "city"]
    assert rows(source) == [(1, "Åse", "Æ, Ø")]
    assert source.notes[0] == f"encoding: {how}"


@pytest.mark.parametrize("encoding", ["windows-1252", "latin-1", "mac-roman", "utf-16-le", "shift_jis"])
def test_other_encodings_are_declared(load, rows, encoding):
    text = "名前,b\nx,表\n" if encoding == "shift_jis" else "name,b\nÅse,ü\n"
    source = load(text.encode(encoding), encoding=encoding)
    assert rows(source)[0][1:] == tuple(text.splitlines()[1].split(","))
    assert source.notes[0].endswith("(declared)")


def test_an_encoding_that_does_not_show_itself_is_asked_for_with_what_it_would_read(refusal):
    line, message, hint = refusal(b"name,b\nx,1\nCaf\xe9 M\xfcller,2\n")
    assert (line, message) == (3, "the byte E9 is not utf-8")
    assert hint == "declare the encoding: with `encoding: windows-1252` the place reads `Café Müller,2`"


def test_a_bad_byte_far_into_a_file_is_told_with_its_line(refusal):
    line, _, _ = refusal(b"name,b\n" + b"x,1\n" * 400_000 + b"\xff,1\n")
    assert line == 400_002


@pytest.mark.parametrize(
    ("content", "encoding", "message"),
    [
        (
            b"\xef\xbb\xbfa,b\n1,2\n",
            "latin-1",
            "it begins with the byte-order mark of utf-8, and `encoding: latin-1` is declared",
        ),
        (b"a,b\n1,2\n", "klingon", "`encoding: klingon` is no encoding of text"),
        (b"a,b\n1,2\n", "rot13", "`encoding: rot13` is no encoding of text"),
        (b"a,b\n1,\x81\n", "windows-1252", "the byte 81 is not cp1252"),
        (b"a,b\n1,\xc3\xa9\n", "ascii", "the byte C3 is not ascii"),
    ],
)
def test_an_encoding_that_cannot_be_is_refused(refusal, content, encoding, message):
    assert refusal(content, encoding=encoding)[1] == message


def test_a_nul_is_refused_with_its_line(refusal):
    line, message, hint = refusal(b"a,b\n1,2\n1,x\0y\n")
    assert (line, message) == (3, "it holds a NUL character, which no text can have")
    assert "utf-16-le" in hint


def test_text_that_was_damaged_before_is_told(load):
    assert any("replacement characters" in note for note in load("a,b\nM\ufffdller,1\n").notes)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_where_only_one_can_be_meant(load, rows, delimiter):
    source = load(f'a{delimiter}b\n"x{delimiter}y"{delimiter}2\n')
    assert rows(source) == [(1, f"x{delimiter}y", "2")]


@pytest.mark.parametrize("delimiter", ["~", "\x1f", "§", ":", " "])
def test_any_delimiter_may_be_declared(load, rows, delimiter):
    assert rows(load(f"a{delimiter}b\n1,2{delimiter}2\n", delimiter=delimiter)) == [(1, "1,2", "2")]


def test_a_delimiter_that_divides_every_line_evenly_goes_before_one_that_does_not(load, rows):
    source = load("first, middle;last\na;b\nc;d\n")
    assert list(source.columns) == ["first, middle", "last"]
    assert "and by no other" in source.notes[1]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b;c\n1,2;3\n", "the columns may be divided by `,` or `;`"),
        ("a,b\tc\n1\n", "the columns may be divided by `,` or tab"),
        ("note\nHello, world\n", "the header has one column, and lines below it hold `,`"),
    ],
)
def test_a_delimiter_that_may_be_one_or_another_is_refused(refusal, content, message):
    _, told, hint = refusal(content)
    assert told == message
    assert "delimiter: " in hint


def test_declaring_the_delimiter_ends_the_doubt(load, rows):
    assert rows(load("a,b;c\n1,2;3\n", delimiter=";")) == [(1, "1,2", "3")]
    assert rows(load('note\n"Hello, world"\n')) == [(1, "Hello, world")]


def test_a_line_for_spreadsheets_in_front_of_the_file_says_the_delimiter(load, rows):
    source = load("sep=;\r\na;b\r\n1,5;2\r\n")
    assert rows(source) == [(1, "1,5", "2")]
    assert source.notes[1] == "delimiter: `;` (the file's first line says so)"


def test_tabs_are_expected_in_a_tsv(load, refusal, rows):
    assert rows(load("a,b\tc\n1\t2\n", "x.tsv")) == [(1, "1", "2")]
    assert refusal("a;b\n1;2\n", "x.tsv")[1] == "by its name tabs divide the columns, and the header has none"


def test_one_column_is_a_table_too(load, rows):
    source = load("email\na@example.com\n\nb@example.com\n")
    assert [row[1] for row in rows(source)] == ["a@example.com", "b@example.com"]
    assert source.notes[1] == "delimiter: `,` (there is one column, and nothing that could divide it)"


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        ("a,b\n1,2\n3\n", 3, "1 values, and the header has 2 columns"),
        ("a,b\n1,2\n3,4,5\n", 3, "3 values, and the header has 2 columns"),
        ("a,b\n1,2\n3,4,\n", 3, "3 values, and the header has 2 columns"),
        ('a,b\n"1\r\n\r\n",2\n3,4,5\n', 5, "3 values, and the header has 2 columns"),
        ('a,b\n1,"2\n3,4\n', 2, "a quote is opened here and never closed"),
        ('a,b\n1,2\n3,"4"x\n', 3, "something stands behind a closing quote (quotes within a value are doubled)"),
        ('a,b\n1,"4\\" tape"\n', 2, "something stands behind a closing quote (quotes within a value are doubled)"),
    ],
)
def test_a_line_that_does_not_fit_is_refused_with_its_number(refusal, content, line, message):
    assert refusal(content)[:2] == (line, message)


def test_a_note_below_the_rows_is_told_as_what_it_may_be(refusal):
    line, message, hint = refusal("a,b\n1,2\n\nGenerated by Ann\n")
    assert (line, message) == (4, "1 values, and the header has 2 columns")
    assert hint.startswith(
        "take the line out where it is a note or a total below the rows; else a value that holds `,`"
    )
    assert "note" not in refusal("a,b\n1,2,3\n")[2]


def test_many_lines_that_end_with_an_empty_value_are_in_order(load, rows):
    assert rows(load("a,b\n1,\n2,\n")) == [(1, "1", None), (2, "2", None)]
    assert rows(load('a,b\n"1,\n",\n2,""\n')) == [(1, "1,\n", None), (2, "2", None)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,,c\n1,2,3\n", "column 2 of 3 has no name"),
        ("a,b,\n1,2,\n1,2,3\n", "column 3 of 3 has no name, and in row 2 a value"),
        ("Leads of May,,\nName,E-Mail,Phone\n", "column 2 of 3 has no name, and in row 1 a value"),
        ("Name,E-Mail,name\n1,2,3\n", "two columns are called `Name` and `name` (capitals do not matter)"),
        ("a, a\n1,2\n", "two columns are called `a` (capitals do not matter)"),
        ("a,SOURCE_ROW\n1,2\n", "a column is called `source_row`, which is sfsync's own"),
        ("'a','b'\n1,2\n", "the names of the columns stand in ': 'a', 'b'"),
        ("", "it is empty: there is not even a line with the names of the columns"),
        ("\n\r\n", "it is empty: there is not even a line with the names of the columns"),
    ],
)
def test_a_header_that_names_no_columns_is_refused(refusal, content, message):
    assert refusal(content)[1] == message


@pytest.mark.parametrize(
    ("encoding", "mark"), [("utf-8", ","), ("utf-8", ";"), ("windows-1252", ";"), ("utf-16", "\t")]
)
def test_empty_columns_that_a_spreadsheet_wrote_behind_its_own_are_left_out_and_told(load, rows, encoding, mark):
    content = "Name,E-Mail,,\r\nÄda,a@b.c,,\r\nBob,,,\r\n".replace(",", mark)
    declared = {} if encoding == "utf-16" else {"encoding": encoding}
    source = load(content.encode(encoding), **declared)
    assert rows(source) == [(1, "Äda", "a@b.c"), (2, "Bob", None)]
    assert list(source.columns) == ["Name", "E-Mail"]
    assert "left out: 2 columns at the end, without a name and without any value" in source.notes


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("name", ["Ada", "Änne"])
def test_utf_16_without_its_mark_is_recognised_in_the_refusal(refusal, encoding, name):
    hint = refusal(f"Name\tE-Mail\r\n{name}\ta@b.c\r\n".encode(encoding))[2]
    assert hint == f"it looks like UTF-16 without a byte-order mark: declare `encoding: {encoding}`"


def test_names_may_be_given_instead_of_a_header(load, rows):
    source = load("x,,x\n1,2,3\n", header=False, skip=1, columns=("a", "b", "c"))
    assert rows(source) == [(1, "1", "2", "3")]
    assert rows(load("1,2\n", header=False, columns=("a", "b"))) == [(1, "1", "2")]


def test_lines_in_front_of_the_header_are_skipped(load, rows):
    assert rows(load('Report "of\n2026\n\na,b\n1,2\n', skip=2)) == [(1, "1", "2")]


def test_a_file_of_nothing_but_a_header_is_an_empty_table(load, rows):
    source = load("a,b")
    assert (source.rows, rows(source), list(source.columns)) == (0, [], ["a", "b"])


def test_header_names_may_hold_anything_that_tells_them_apart(load, rows):
    source = load('"First Name (1)","a ""quoted"" name","line\nbreak",\' "; DROP TABLE x;--\n1,2,3,4\n', delimiter=",")
    assert list(source.columns) == ["First Name (1)", 'a "quoted" name', "line\nbreak", "' \"; DROP TABLE x;--"]
    assert rows(source) == [(1, "1", "2", "3", "4")]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_may_end_in_any_way(load, rows, end):
    assert rows(load(f'a,b{end}"x\r\ny",2{end}{end}3,"p\nq"{end}')) == [(1, "x\r\ny", "2"), (2, "3", "p\nq")]


def test_mixed_line_ends_are_no_trouble(load, rows):
    wanted = [(1, "1", "2"), (2, "3", "4"), (3, "5", "6")]
    assert rows(load("a,b\r\n1,2\n3,4\r5,6")) == wanted
    assert rows(load("a,b\r\n1,2\n3,4\r\n5,6")) == wanted
    assert rows(load("a,b\n1,2\r\n3,4\n5,6\n")) == wanted
    assert rows(load('a,b\r\n1,\r\n"3\n",\n5,6\r\n')) == [(1, "1", None), (2, "3\n", None), (3, "5", "6")]


def test_a_file_that_the_database_does_not_take_leaves_its_transaction_alive(load, rows, session):
    session.connection.begin()
    source = load("a,b\n1,2\r\n3,4\n")
    assert rows(source) == [(1, "1", "2"), (2, "3", "4")]
    session.connection.commit()


def test_other_quotes_may_be_declared(load, rows):
    assert rows(load("a,b\n'x, y','it''s \"so\"'\n", quote="'")) == [(1, "x, y", 'it\'s "so"')]


def test_a_huge_value_arrives_and_an_endless_one_is_refused(load, rows, refusal):
    assert len(rows(load("a,b\n1," + "x" * 3_000_000 + "\n"))[0][2]) == 3_000_000
    line, message, _ = refusal('a,b\n1,"' + "x\n" * 2_500_000 + '"\n')
    assert (line, message) == (2, "a quote is opened here and never closed")
    assert refusal("a,b\n1," + "x" * 4_500_000 + "\n")[0] == 2


@pytest.mark.parametrize("name", ["leads[1].csv", "a*b?.csv", "it's.csv", "ü \u202e.csv"])
def test_a_file_may_have_any_name(load, rows, name):
    assert rows(load("a,b\n1,2\n", name)) == [(1, "1", "2")]


def test_a_packed_or_unknown_file_is_refused(refusal):
    assert refusal("", "leads.csv.gz")[1:] == ("it is packed (.gz)", "unpack it first")
    assert refusal("", "leads.xls")[2] == "save it as .xlsx"
    assert refusal("", "leads.dat")[2] == "declare `format`: csv, parquet or excel"


def test_a_file_that_is_not_there_is_told(session, tmp_path):
    with pytest.raises(SourceError, match="there is no such file"):
        load_source(session, SourceSpec(file="no.csv"), "t", root=tmp_path)


def test_rows_keep_their_order_and_numbers_in_a_large_file(load, session):
    source = load("n,text\n" + "".join(f"{n},{'x' * 90}\n" for n in range(1, 300_001)))
    assert source.rows == 300_000
    assert session.execute(f"SELECT count(*) FROM {source.table} WHERE CAST(n AS BIGINT) <> source_row").scalar() == 0


VALUE = st.text(st.sampled_from(list("ab ,;\t|\"'\\\n\r0.-é\u2028\x0b\x85")), max_size=6)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    table=st.integers(1, 4).flatmap(lambda n: st.lists(st.lists(VALUE, min_size=n, max_size=n), max_size=6)),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    always=st.booleans(),
)
@example(table=[["a\rb", "x"]], end="\n", delimiter=",", encoding="utf-8", always=True)
@example(table=[[" ", ""], ["", '"']], end="\r\n", delimiter=";", encoding="utf-8", always=False)
def test_whatever_is_written_by_the_rules_is_read_as_it_was_meant(load, rows, table, end, delimiter, encoding, always):
    width = len(table[0]) if table else 2
    out = io.StringIO()
    quoting = csv.QUOTE_ALL if always else csv.QUOTE_MINIMAL
    writer = csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=quoting)
    writer.writerow([f"c{n}" for n in range(width)])
    # Of what is quoted only when needed, a value with blanks at its edge and a lone carriage return is ours to quote.
    for row in table:
        risky = any("\r" in value or "\n" in value or value.strip(" ")[:1] == '"' for value in row)
        writer_of_row = (
            csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL) if risky else writer
        )
        writer_of_row.writerow(row)
    source = load(out.getvalue().encode(encoding), delimiter=delimiter)
    wanted = [tuple(value or None for value in row) for row in table]
    assert [row[1:] for row in rows(source)] == [row for row in wanted if any(row)]


def test_the_files_of_csv_spectrum_are_read_as_their_makers_say(real_data, session):
    folder = real_data("naughty_inputs") / "csv_spectrum"
    read = 0
    for path in sorted((folder / "csvs").glob("*.csv")):
        if path.stem == "location_coordinates":
            continue  # its answer is damaged
        source = load_source(session, SourceSpec(file=str(path)), path.stem)
        found = session.execute(f"SELECT * EXCLUDE (source_row) FROM {source.table} ORDER BY source_row").dicts()
        wanted = json.loads((folder / "json" / f"{path.stem}.json").read_text("utf-8"))
        wanted = [{key: value or None for key, value in row.items()} for row in wanted]
        assert found == [row for row in wanted if any(row.values())], path.name
        read += 1
    assert read > 5


def test_the_files_of_data_loader_are_read_whatever_their_byte_order_mark(real_data, session):
    folder = real_data("dataloader")
    read = refused = 0
    for path in sorted(folder.rglob("*.csv")):
        try:
            load_source(session, SourceSpec(file=str(path)), "x")
            read += 1
        except SourceError:
            refused += 1
    assert read > 40
    assert refused < 10

"""CSV files and their kin: how they are written is declared or found out, and shown; values stay the text they are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from sfsync.config.spelling import shown
from sfsync.errors import QueryFailed
from sfsync.mapping.source_spec import SourceSpec
from sfsync.store.interface import Session, TextForm
from sfsync.store.names import quote
from sfsync.sync.source import sniff
from sfsync.sync.source.batches import load_rows
from sfsync.sync.source.csv_records import LONGEST_RECORD, Malformed, Record, read_records
from sfsync.sync.source.faults import unreadable
from sfsync.sync.source.source_table import NAMES, SourceTable, column_names, finished
from sfsync.sync.source.text_file import TextFile, read_text_file

#: What spreadsheets write in front of a file, to tell each other the delimiter.
_SEP_LINE = re.compile(r"sep=(.)\r?\n?", re.IGNORECASE)
#: A line by the three line ends of files; `splitlines` knows a dozen.
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")
_UTF8 = frozenset({"utf-8", "utf-8-sig", "ascii"})


@dataclass(frozen=True, slots=True)
class _Form:
    """A file whose form is known; its last `nameless` columns have names of ours, for the header has none for them."""

    text: TextFile
    delimiter: str
    quote: str
    skip: int
    header: bool
    columns: tuple[str, ...]
    empty: tuple[str, ...]
    nameless: int = 0
    header_line: int | None = None

    @property
    def is_plain(self) -> bool:
        """Whether the database reads it as it is."""
        marks = self.delimiter + self.quote
        return self.text.encoding in _UTF8 and self.text.cr == 0 and self.skip == 0 and marks.isascii()

    def records(self) -> Iterator[Record]:
        """The data's records, all with as many values as there are columns; the header is checked and left out."""
        with self.text.open() as lines:
            rest = islice(lines, self.skip, None)
            records = _told(read_records(rest, self.delimiter, self.quote, first_line=self.skip + 1), self.text)
            for number, record in enumerate(records):
                if len(record.values) != len(self.columns):
                    raise self._ragged(record)
                if number > 0 or not self.header:
                    yield record

    def rows(self) -> Iterator[list[str | None]]:
        """The values of the data's records."""
        nothing = {"", *self.empty}
        for record in self.records():
            yield [None if value in nothing else value for value in record.values]

    def _ragged(self, record: Record) -> Exception:
        has, wanted = len(record.values), len(self.columns)
        message = f"{has} values, and {'the header has' if self.header else 'there are'} {wanted} columns"
        hint = (
            f"a value that holds {sniff.named(self.delimiter)} or a line end stands in {self.quote}quotes{self.quote}"
        )
        if has < wanted:
            hint = f"take the line out where it is a note or a total below the rows; else {hint}"
        return unreadable(self.text.shown_as, message, hint, line=record.line)


def load_csv_file(session: Session, path: Path, spec: SourceSpec, shown_as: str, table: str) -> SourceTable:
    """Load a delimited text file: every column text, nothing in it changed.

    Raises:
        SourceError: It is not written as declared, or how it is written cannot be known; the line is told.
    """
    text = read_text_file(path, shown_as, spec.encoding)
    form, notes = _form(text, spec)
    if not (form.is_plain and _loaded(session, form, table)):
        load_rows(session, table, form.columns, form.rows())
    if form.nameless:
        _drop_nameless(session, form, table)
        notes.append(f"left out: {form.nameless} columns at the end, without a name and without any value")
    if text.damaged:
        notes.append("it holds replacement characters (U+FFFD): an earlier program has lost the letters there")
    return finished(session, table, shown_as, notes=notes)


def _loaded(session: Session, form: _Form, table: str) -> bool:
    """Whether the database's own reader took the file, and is sure to have understood it."""
    text_form = TextForm(form.delimiter, form.quote, form.header, form.empty)
    try:
        session.load_text(table, form.columns, form.text.path, text_form)
    except QueryFailed:
        return False  # read again, to say what is wrong and on which line
    return not _may_have_more(session, form, table)


def _may_have_more(session: Session, form: _Form, table: str) -> bool:
    """Whether lines may end with a delimiter too many, which the reader forgives."""
    ends = 0
    mark, last = form.delimiter.encode(), b""
    # Where line ends are mixed, those of the other sort can only be within quotes.
    end = mark + (b"\r\n" if form.text.crlf else b"\n")
    with form.text.path.open("rb") as file:
        while chunk := file.read(1 << 20):
            ends += (last + chunk).count(end)
            last = chunk[-(len(end) - 1) :]
    if last.endswith(mark):
        ends += 1
    empty = session.execute(f"SELECT count(*) FROM {table} WHERE {quote(form.columns[-1])} IS NULL").scalar()
    return ends > int(empty)


def _drop_nameless(session: Session, form: _Form, table: str) -> None:
    """Take away the columns that a spreadsheet wrote behind its own; a value in one is one that nobody could map."""
    for number, name in list(enumerate(form.columns, start=1))[-form.nameless :]:
        row = session.execute(f"SELECT min(source_row) FROM {table} WHERE {quote(name)} IS NOT NULL").scalar()
        if row is not None:
            message = f"column {number} of {len(form.columns)} has no name, and in row {row:,} a value"
            hint = f"where a title stands above the names, `skip: {form.header_line}`; else {NAMES}"
            raise unreadable(form.text.shown_as, message, hint, line=form.header_line)
        session.execute(f"ALTER TABLE {table} DROP COLUMN {quote(name)}")


def _form(text: TextFile, spec: SourceSpec) -> tuple[_Form, list[str]]:
    """How the file is written, and what to tell of that."""
    quote_mark = spec.quote or '"'
    with text.open() as file:
        sample = file.read(sniff.SAMPLE)
        whole = not file.read(1)
    lines = _LINE.findall(sample)
    skip, notes = spec.skip, [text.note]
    delimiter = spec.delimiter
    if lines[skip:] and delimiter is None and (sep := _SEP_LINE.fullmatch(lines[skip])):
        delimiter, skip = sep[1], skip + 1
        notes.append(f"delimiter: {sniff.named(delimiter)} (the file's first line says so)")
    lines, before = _from_header(lines[skip:], skip)
    if not lines:
        raise unreadable(text.shown_as, "it is empty: there is not even a line with the names of the columns")
    if delimiter is None:
        sniffed = _delimiter(text, lines, quote_mark, spec, whole=whole)
        delimiter = sniffed.delimiter
        notes.append(sniffed.note)
    form = _Form(text, delimiter, quote_mark, before, spec.header, spec.columns, spec.empty)
    first = next(_told(read_records(lines, delimiter, quote_mark, first_line=before + 1), text))
    if spec.header:
        _check_quotes(first, text, quote_mark)
        names = [name.strip() for name in first.values]
        while len(names) > 1 and not names[-1]:
            names.pop()
        nameless = len(first.values) - len(names)
        names += [f"~{number}" for number in range(len(names) + 1, len(first.values) + 1)]
        named = tuple(column_names(names, text.shown_as, line=first.line))
        form = replace(form, columns=named, nameless=nameless, header_line=first.line)
    else:
        form = replace(form, columns=tuple(column_names(spec.columns, text.shown_as)))
    return form, notes


def _from_header(lines: list[str], skip: int) -> tuple[list[str], int]:
    """The lines from the first that is not blank on, and how many stand before it in the file."""
    blank = 0
    while blank < len(lines) and not lines[blank].strip("\r\n"):
        blank += 1
    return lines[blank:], skip + blank


def _delimiter(text: TextFile, lines: list[str], quote_mark: str, spec: SourceSpec, *, whole: bool) -> sniff.Sniffed:
    if text.path.suffix.casefold() in {".tsv", ".tab"}:
        if "\t" in lines[0] or not any(mark in lines[0] for mark in ",;|"):
            return sniff.Sniffed("\t", "by the ending of the file's name")
        hint = 'declare it: `delimiter: "\\t"`, or the other'
        raise unreadable(text.shown_as, "by its name tabs divide the columns, and the header has none", hint)
    if not spec.header and len(spec.columns) == 1:
        return sniff.Sniffed(",", "one column is declared")
    return sniff.find_delimiter(lines, quote_mark, text.shown_as, whole=whole)


def _check_quotes(header: Record, text: TextFile, quote_mark: str) -> None:
    for mark in {"'", '"', "`"} - {quote_mark}:
        if all(len(name) > 1 and name.strip()[:1] == mark == name.strip()[-1:] for name in header.values):
            message = f"the names of the columns stand in {mark}: {shown(', '.join(header.values))}"
            written = f'"{mark}"' if mark != '"' else "'\"'"
            raise unreadable(text.shown_as, message, f"declare it: `quote: {written}`", line=header.line)


def _told(records: Iterator[Record], text: TextFile) -> Iterator[Record]:
    """The records; what is wrong with them is told as the file's fault."""
    try:
        for record in records:
            if sum(map(len, record.values)) > LONGEST_RECORD:
                message = f"a record of more than {LONGEST_RECORD:,} characters; Salesforce takes 400,000"
                raise unreadable(text.shown_as, message, "a quote that is not closed does this", line=record.line)
            yield record
    except Malformed as error:
        raise unreadable(text.shown_as, str(error), line=error.line) from None

"""Excel files: what people see in the cells, as text; dates by ISO 8601, numbers without the noise of doubles."""

from __future__ import annotations

import re
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sfsync.config.spelling import nearest_name, shown
from sfsync.errors import UsageError
from sfsync.mapping.source_spec import SourceSpec
from sfsync.store.interface import Session
from sfsync.sync.source.batches import load_rows
from sfsync.sync.source.faults import unreadable
from sfsync.sync.source.source_table import SourceTable, column_names, finished

if TYPE_CHECKING:
    from openpyxl.workbook import Workbook

_CLOCK = re.compile(r"[hs]|AM/PM", re.IGNORECASE)
_QUOTED = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.')
#: A form that fills digits up with zeros: a code, maybe in groups, like `00000-0000`; text in it stands in quotes.
_CODE = re.compile(r"(?:0|[-/ ()]|\\[-/. ()+]|\"[-/. ()+]*\")+")
_COLOURS = re.compile(r"^(?:\[[^\]<>=]*\])+")
#: How the file writes characters that XML does not take, like a carriage return: `_x000D_`. NUL and halves of others
#: are in no text: somebody typed those like that.
_ESCAPED = re.compile(r"_x(?!0000|[Dd][89A-Fa-f])([0-9A-Fa-f]{4})_")
_HIDDEN = re.compile(rb"<(?:\w+:)?row [^>]*?\br=\"([0-9]+)\"[^>]*?\bhidden=\"(?:1|true)\"")
_MERGED = re.compile(rb"<(?:\w+:)?mergeCell [^>]*?ref=\"([A-Z]{1,3})([0-9]+):([A-Z]{1,3})([0-9]+)\"")


def load_excel(session: Session, path: Path, spec: SourceSpec, shown_as: str, table: str) -> SourceTable:
    """Load one sheet of an Excel file, every column text.

    Raises:
        SourceError: The sheet is not named and there are several, a cell holds an error, or a formula has no value.
        UsageError: The extra `excel` is not installed.
    """
    with _opened(path, shown_as) as workbook:
        sheet = _Sheet(workbook, _sheet_name(workbook, spec, shown_as), spec, shown_as)
        columns = sheet.columns()
        if _has_formulas(path):
            _check_formulas(path, sheet, shown_as)
        load_rows(session, table, columns, sheet.rows(columns))
    notes = [f"sheet: {shown(sheet.name)}"]
    if sheet.hidden:
        notes.append(f"{len(sheet.hidden):,} rows are hidden in the sheet, and are read like the others")
    return finished(session, table, shown_as, notes=notes)


@contextmanager
def _opened(path: Path, shown_as: str, *, formulas: bool = False) -> Iterator[Workbook]:
    try:
        import openpyxl  # noqa: PLC0415 - an extra
        from openpyxl.utils.exceptions import InvalidFileException  # noqa: PLC0415
    except ImportError:
        raise UsageError(
            f"{shown_as}: reading Excel files takes openpyxl, which is not installed",
            hint="pip install 'sfsync[excel]', or save the sheet as CSV",
        ) from None
    # From a stream: by its name openpyxl would refuse a file whose ending is another.
    with path.open("rb") as file:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of styles and extensions, which carry no values
                workbook = openpyxl.load_workbook(file, read_only=True, data_only=not formulas)
        except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError) as error:
            hint = "save it as .xlsx, without a password"
            raise unreadable(shown_as, f"it is no Excel file: {shown(error, 120)}", hint) from None
        try:
            yield workbook
        finally:
            workbook.close()


def _sheet_name(workbook: Workbook, spec: SourceSpec, shown_as: str) -> str:
    names = [str(name) for name in workbook.sheetnames]
    listed = ", ".join(f"`{shown(name)}`" for name in names)
    if spec.sheet is not None:
        if spec.sheet in names:
            return spec.sheet
        near = nearest_name(spec.sheet, names)
        hint = f"did you mean `{shown(near)}`?" if near else f"there are: {listed}"
        raise unreadable(shown_as, f"there is no sheet `{shown(spec.sheet)}`", hint)
    visible = [str(sheet.title) for sheet in workbook.worksheets if sheet.sheet_state == "visible"]
    if len(visible) != 1:
        raise unreadable(shown_as, f"it has several sheets: {listed}", "declare which: `sheet: NAME`")
    return visible[0]


class _Sheet:
    """One sheet, read from its top as often as needed."""

    def __init__(self, workbook: Workbook, name: str, spec: SourceSpec, shown_as: str) -> None:
        self.name = name
        self.shown_as = shown_as
        self._spec = spec
        self._sheet: Any = workbook[name]
        if not hasattr(self._sheet, "iter_rows"):
            raise unreadable(shown_as, f"the sheet `{shown(name)}` is a chart", "declare another: `sheet: NAME`")
        self._sheet.reset_dimensions()  # programs write them wrongly, and rows would be missing
        self._merged: dict[tuple[int, int], str] | None = None
        self.hidden: set[bytes] = set()  # numbers of rows, known once the rows were read

    def cells(self) -> Iterator[tuple[int, Sequence[Any]]]:
        """Every row below what is skipped, with its number."""
        first = self._spec.skip + 1
        yield from enumerate(self._sheet.iter_rows(min_row=first), start=first)

    def columns(self) -> list[str]:
        """The names of the columns; columns without a name and without a value are no columns."""
        if not self._spec.header:
            return column_names(self._spec.columns, self.shown_as)
        for number, row in self.cells():
            names = ["" if cell.value is None else self._text(cell, number) or "" for cell in row]
            if any(name.strip() for name in names):
                while not names[-1].strip():
                    names.pop()
                return column_names(names, self.shown_as, line=number)
        raise unreadable(self.shown_as, f"the sheet `{shown(self.name)}` is empty")

    def rows(self, columns: Sequence[str]) -> Iterator[list[str | None]]:
        """The values below the header."""
        named = not self._spec.header
        for number, row in self.cells():
            if not named:
                named = any(cell.value not in (None, "") for cell in row)
                continue
            for cell in row[len(columns) :]:
                if cell.value is not None:
                    hint = "name the column, or take the value out"
                    raise unreadable(self.shown_as, f"{_place(cell, number)} stands beside the columns", hint)
            cells = row[: len(columns)]
            self._refuse_merged(cells, number)
            yield [
                None if cell is None or cell.value is None else self._text(cell, number)
                for cell, _ in zip_longest(cells, columns)
            ]

    def _refuse_merged(self, cells: Sequence[Any], number: int) -> None:
        """Of merged cells the first alone holds the value: the rows and columns beside it would be empty."""
        if self._merged is None:
            self._merged = dict(self._merged_cells())
        for at, cell in enumerate(cells, start=1) if self._merged else ():
            if cell.value is not None and (area := self._merged.get((number, at))):
                hint = "take them apart in the spreadsheet, and write the value into every cell that it is meant for"
                message = f"the cells {area} are merged, and the first alone holds their value"
                raise unreadable(self.shown_as, message, hint, line=number)

    def _merged_cells(self) -> Iterator[tuple[tuple[int, int], str]]:
        """Row and column of the first of merged cells, and which they are."""
        from openpyxl.utils import column_index_from_string  # noqa: PLC0415 - an extra

        with self._sheet._get_source() as part:  # noqa: SLF001 - sheets that are streamed do not tell of it
            before = b""
            while chunk := part.read(1 << 20):
                self.hidden.update(_HIDDEN.findall(before + chunk))
                for left, top, right, bottom in _MERGED.findall(before + chunk):
                    area = f"{left.decode()}{int(top)}:{right.decode()}{int(bottom)}"
                    yield (int(top), column_index_from_string(left.decode())), area
                before = chunk[-200:]

    def _text(self, cell: Any, number: int) -> str | None:
        value = cell.value
        text = _as_text(value, str(cell.number_format or ""))
        if text in self._spec.empty or text == "":
            return None
        if cell.data_type == "e":
            hint = f'mend it, or declare that it means nothing: `empty: ["{text}"]`'
            raise unreadable(self.shown_as, f"{_place(cell, number)} holds the error {text}", hint, line=number)
        return text


def _as_text(value: Any, form: str) -> str:
    """A cell's value as text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return _shown_number(value, form)
    if isinstance(value, datetime):
        is_day = value.time() == time() and not _CLOCK.search(_QUOTED.sub("", form))
        return value.date().isoformat() if is_day else value.isoformat()
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, str):
        return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), value) if "_x" in value else value
    return str(value) if isinstance(value, timedelta) else shown(value, 1000)


def _shown_number(value: float, form: str) -> str:
    """A number as its cell shows it, as far as that says what it is: a code, a percentage, or just a number."""
    if (isinstance(value, int) or value.is_integer()) and value >= 0:
        first = _COLOURS.sub("", form.partition(";")[0])
        if _CODE.fullmatch(first) and first.count("0") > 1:
            return _code(str(int(value)), first)
    if "%" in _QUOTED.sub("", form):
        # The cell holds 0.12 where people see 12%: the bare number would be a hundredth of what they mean.
        return _number(Decimal(format(value, ".15g")) * 100) + "%"
    return str(value) if isinstance(value, int) else _number(Decimal(format(value, ".15g")))


def _code(digits: str, form: str) -> str:
    """Digits in a form of zeros: each zero takes one from the right, the first takes all that are left."""
    zeros = form.count("0")
    left = iter(digits.zfill(zeros))
    more = max(0, len(digits) - zeros)
    text = ""
    for char in form:
        if char == "0":
            text += "".join(next(left) for _ in range(more + 1))
            more = 0
        elif char not in '\\"':
            text += char
    return text


def _number(value: Decimal) -> str:
    """A number with the fifteen digits that Excel has, and no exponent."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _place(cell: Any, number: int) -> str:
    return f"the cell {getattr(cell, 'coordinate', None) or f'in row {number}'}"


def _has_formulas(path: Path) -> bool:
    """Whether any sheet has formulas at all: looking for those without a value means reading everything twice."""
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.startswith("xl/worksheets/") and name.endswith(".xml"):
                with archive.open(name) as part:
                    before = b""
                    while chunk := part.read(1 << 20):
                        if re.search(rb"<(?:\w+:)?f[ >/]", before + chunk):
                            return True
                        before = chunk[-16:]
    return False


def _check_formulas(path: Path, sheet: _Sheet, shown_as: str) -> None:
    """A formula whose value was never stored would pass for an empty cell."""
    with _opened(path, shown_as, formulas=True) as workbook:
        formulas = _Sheet(workbook, sheet.name, sheet._spec, shown_as)  # noqa: SLF001 - one of its own kind
        for (number, values), (_, written) in zip(sheet.cells(), formulas.cells(), strict=False):
            for value, formula in zip(values, written, strict=False):
                if formula.data_type == "f" and value.value is None:
                    hint = "open the file in Excel and save it, so that its formulas are computed"
                    message = f"{_place(formula, number)} is a formula whose value is not in the file"
                    raise unreadable(shown_as, message, hint, line=number)

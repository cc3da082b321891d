"""An Excel workbook: what was found in short, the rules, the findings, the metrics, the waivers.

Cells are texts and numbers and nothing else, so no value of a record can become a formula.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import IO, TYPE_CHECKING, Any

from sfsync.audit.formats import Shown
from sfsync.audit.formats.csv import COLUMNS, cells
from sfsync.audit.formats.escaping import visible
from sfsync.audit.formats.sentences import (
    baseline_line,
    figure,
    fitness_gap,
    notes,
    outcome,
    preflight_line,
    stamp,
    waiver_lines,
)
from sfsync.audit.formats.told import mirror_word, moment
from sfsync.errors import UsageError

if TYPE_CHECKING:
    from openpyxl.workbook import Workbook
    from openpyxl.worksheet._write_only import WriteOnlyWorksheet

#: Rows of a sheet, and characters of a cell; Excel takes no more.
MOST_ROWS, LONGEST = 1_048_576, 32_767

_RULE_COLUMNS = (
    *("rule", "name", "title", "group", "severity", "confidence", "state", "found", "of", "new", "persisting"),
    *("reappeared", "fixed", "waived", "baselined", "notes", "how to enable it", "why", "what to do"),
)


def write(shown: Shown, out: IO[bytes]) -> None:
    """Write the workbook; of too many findings as many as a sheet takes, and say so."""
    try:
        from openpyxl import Workbook  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise UsageError(
            "Excel files need the extra `excel`", hint="pip install 'sfsync[excel]', or take csv"
        ) from error
    book = Workbook(write_only=True)
    room = MOST_ROWS - 1
    left_out = max(shown.listed - room, 0)
    _sheet(book, "Summary", ("what", "value"), _facts(shown, left_out))
    _sheet(book, "Rules", _RULE_COLUMNS, (_rule_row(rule) for rule in shown.audit.rules))
    findings = (cells(shown, finding) for _, finding in zip(range(room), shown.findings(), strict=False))
    _sheet(book, "Findings", COLUMNS, findings)
    _sheet(
        book,
        "Metrics",
        ("metric", "title", "value", "unit", "n", "in words", "why there is none", "definition", "context"),
        (_metric_row(metric) for metric in shown.audit.details.get("metrics", [])),
    )
    columns = ("rule", "record", "field", "reason", "by", "expires", "findings", "expired", "unused", "place")
    waivers = shown.audit.details.get("waivers", [])
    _sheet(book, "Waivers", columns, ([each.get(name) for name in columns] for each in waivers))
    book.save(out)


def _facts(shown: Shown, left_out: int) -> Iterable[Sequence[Any]]:
    audit, strip = shown.audit, shown.audit.strip
    yield "mirror", mirror_word(audit)
    for line in (stamp(audit), preflight_line(audit), fitness_gap(audit)):
        if line:
            yield "", line
    yield "org", audit.org
    yield "address", audit.instance_url
    yield "as of", moment(audit.as_of)
    yield "days in", audit.timezone
    yield "audit", audit.audit_id
    yield "definitions", audit.definitions_digest
    yield "verdict", outcome(shown)
    yield "new", strip.new
    yield "persisting", strip.persisting
    yield "fixed", strip.fixed
    yield "waived", strip.waived
    yield "rules not evaluable", strip.not_evaluable
    if left_out:
        yield "", f"{left_out:,} more findings have no room in a sheet of Excel; CSV has all of them"
    for line in (baseline_line(audit), *waiver_lines(audit)):
        if line:
            yield "", line


def _rule_row(rule: Any) -> list[Any]:
    counts = [
        rule.counts.get(state, 0) for state in ("new", "persisting", "reappeared", "fixed", "waived", "baselined")
    ]
    texts = [rule.text(name) for name in ("name", "title", "group")]
    state = "nothing to judge" if rule.vacuous else rule.state.replace("_", " ")
    return [
        *(rule.id, *texts, rule.worst, rule.confidence, state, rule.count, rule.eligible, *counts),
        *(notes(rule), rule.enable, rule.text("why"), rule.text("remedy")),
    ]


def _metric_row(metric: dict[str, Any]) -> list[Any]:
    told = [metric[name] for name in ("id", "title", "value", "unit", "n")]
    return [*told, figure(metric), metric["reason"], metric["definition"], json.dumps(metric["context"], default=str)]


def _sheet(book: Workbook, title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    sheet: WriteOnlyWorksheet = book.create_sheet(title)
    sheet.freeze_panes = "A2"
    sheet.append(_row(sheet, columns))
    for row in rows:
        sheet.append(_row(sheet, row))


def _row(sheet: WriteOnlyWorksheet, values: Sequence[Any]) -> list[Any]:
    """The values as cells of which none is a formula; numbers stay numbers, the rest is text."""
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415 - an extra

    row: list[Any] = []
    for value in values:
        if value is None or isinstance(value, int | float):
            row.append(value)
            continue
        text = visible(value)[:LONGEST]
        if text.startswith(("=", "+", "-", "@", "#")):
            cell = WriteOnlyCell(sheet, text)
            cell.data_type = "s"
            cell.quotePrefix = True
            row.append(cell)
        else:
            row.append(text)
    return row

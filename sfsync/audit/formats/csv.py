"""A CSV file of all findings, after RFC 4180, in which no cell can become a formula."""

from __future__ import annotations

import csv
from typing import IO, Any

from sfsync.audit.formats import Shown
from sfsync.audit.formats.escaping import sheet_cell
from sfsync.audit.formats.told import finding_told
from sfsync.audit.stored import StoredFinding

#: In this order; new columns come at the end.
COLUMNS = (
    "rule",
    "severity",
    "state",
    "object",
    "record_id",
    "message",
    "discriminator",
    "breakdown",
    "first_seen",
    "waiver",
    "url",
    "fingerprint",
    "mirror",
)

#: Those of them that may hold anything: what stands in the others is ours.
_FREE = frozenset({"object", "record_id", "message", "discriminator", "breakdown"})


def write(shown: Shown, out: IO[str]) -> None:
    """Write a line a finding."""
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for finding in shown.findings():
        writer.writerow(
            [
                sheet_cell(cell) if name in _FREE else cell
                for name, cell in zip(COLUMNS, cells(shown, finding), strict=True)
            ]
        )


def cells(shown: Shown, finding: StoredFinding) -> list[Any]:
    """The cells of a finding, nothing as an empty text."""
    told = finding_told(shown.audit, finding)
    return ["" if told[name] is None else told[name] for name in COLUMNS]

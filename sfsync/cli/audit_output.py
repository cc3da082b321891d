"""Where an audit is written to, and what its exit code is: shared by `sfsync audit` and `sfsync audit show`."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sfsync.cli.console import Console
from sfsync.cli.exit_codes import ExitCode
from sfsync.cli.options import together
from sfsync.errors import SfsyncError, UsageError

if TYPE_CHECKING:
    from sfsync.audit.formats import Shown
    from sfsync.audit.stored import StoredAudit
    from sfsync.store.interface import Session

LEVELS = ("error", "warning", "info", "never")
FORMAT_NAMES = ("human", "json", "jsonl", "csv", "excel", "junit", "sarif", "markdown", "github")


@dataclass(frozen=True, slots=True)
class OutputOptions:
    """In which formats, and where to, an audit is written, and what of it fails the run: as it was asked for."""

    fail_on: str | None
    fail_on_new: bool
    max_new: int | None
    format_name: str | None
    outputs: tuple[Path, ...]
    max_findings: int | None

    def verdict(
        self, fail_on: str | None = None, max_new: int | None = None, *, all_evaluable: bool = False
    ) -> Verdict:
        """What makes the run fail; `fail_on` and `max_new` are those of a profile, for what no option says."""
        if self.fail_on_new:
            max_new = 0
        if self.max_new is not None:
            max_new = self.max_new
        return Verdict(self.fail_on or fail_on or "error", max_new, all_evaluable)

    @property
    def asks_for_verdict(self) -> bool:
        """Whether any option says what is to fail."""
        return self.fail_on is not None or self.fail_on_new or self.max_new is not None


output_options = together(
    "output",
    OutputOptions,
    click.option(
        "--fail-on",
        type=click.Choice(LEVELS),
        help="Exit with 1 when a finding is at least this severe; heuristic rules never fail a run.  [default: error]",
    ),
    click.option("--fail-on-new", is_flag=True, help="Fail only on new findings: the same as --max-new 0."),
    click.option(
        "--max-new",
        type=click.IntRange(min=0),
        metavar="N",
        help="Fail only when more than N findings at or above --fail-on are new.",
    ),
    click.option(
        "--format",
        "format_name",
        type=click.Choice(FORMAT_NAMES),
        help="Of stdout, or of the one --output.  [default: human]",
    ),
    click.option(
        "--output",
        "outputs",
        multiple=True,
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="Write to FILE, in the format its name ends with; may be given several times.",
    ),
    click.option(
        "--max-findings",
        type=click.IntRange(min=0),
        metavar="N",
        help="List at most N findings. All are stored either way.",
    ),
)


@dataclass(frozen=True, slots=True)
class Outputs:
    """What is written where.

    Attributes:
        stdout: Format, or None for the JSON envelope.
        files: Format and path of each file.
        max_findings: At most so many are listed; None lists all.
    """

    stdout: str | None
    files: tuple[tuple[str, Path], ...]
    max_findings: int | None


def plan_outputs(console: Console, asked: OutputOptions) -> Outputs:
    """Decide on formats before anything is judged. Raises `UsageError` for a name that asks for none.

    One file with `--format` is written in that format, whatever its name is; annotations of GitHub always go to stdout,
    where alone they are read.
    """
    from sfsync.audit.formats import format_of

    format_name, outputs, most = asked.format_name, asked.outputs, asked.max_findings
    if console.json and format_name is not None:
        raise UsageError(
            "--json and --format cannot go together", hint="`--format json` is the result without envelope"
        )
    if len(outputs) == 1 and format_name not in {None, "github"}:
        return Outputs(None if console.json else "human", ((str(format_name), outputs[0]),), most)
    files = tuple((format_of(path), path) for path in outputs)
    if console.json:
        return Outputs(None, files, most)
    if format_name == "excel":
        raise UsageError("an Excel file cannot go to a terminal", hint="name one with --output audit.xlsx")
    return Outputs(format_name or "human", files, most)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What makes a run fail.

    Attributes:
        fail_on: The mildest severity that counts, or `never`.
        max_new: So many new findings are allowed, and only new ones count; None counts all.
        all_evaluable: A rule that is not evaluable makes the run partial.
    """

    fail_on: str
    max_new: int | None = None
    all_evaluable: bool = False

    def shown(self, audit: StoredAudit, session: Session, max_findings: int | None) -> Shown:
        """The audit for a format to write."""
        from sfsync.audit.formats import Shown
        from sfsync.records import Severity

        mildest = None if self.fail_on == "never" else Severity(self.fail_on)
        return Shown(audit, session, mildest, self.max_new is not None, max_findings)

    def status(self, audit: StoredAudit) -> int:
        """The exit code."""
        from sfsync.records import Severity

        if audit.unfit is not None or all(rule.state == "not_evaluable" for rule in audit.rules):
            return ExitCode.FAILED
        if self.fail_on != "never":
            failing = audit.at_least(Severity(self.fail_on), only_new=self.max_new is not None)
            if failing > (self.max_new or 0):
                return ExitCode.NEEDS_YOU
        if any(rule.broken for rule in audit.rules) or (self.all_evaluable and audit.strip.not_evaluable):
            return ExitCode.PARTIAL
        return ExitCode.FINE


def write_outputs(console: Console, shown: Shown, outputs: Outputs, status: int) -> int:
    """Write everything, and return the exit code: 4 when a file could not be written, for then something is missing."""
    from sfsync.audit.formats import write, write_file

    failed = False
    for name, path in outputs.files:
        try:
            write_file(shown, name, path)
            console.note(f"{path}: {name}, {shown.listed:,} findings")
        except UsageError:
            raise
        except SfsyncError as error:
            console.warn(f"{error.message}" + (f" ({error.hint})" if error.hint else ""))
            failed = True
    if shown.listed < shown.audit.total:
        rest = "" if "preflight" in shown.audit.details else "; all are in sfsync.findings"
        console.warn(f"{shown.listed:,} of {shown.audit.total:,} findings are listed{rest}")
    _warn(console, shown, outputs)
    if failed:
        status = ExitCode.PARTIAL if status in {ExitCode.FINE, ExitCode.NEEDS_YOU} else status
    if outputs.stdout is None:
        _envelope(console, shown, status)
    else:
        write(shown, outputs.stdout, sys.stdout)
    if outputs.stdout == "github":
        _step_summary(console, shown)
    sys.stdout.flush()
    return status


def _warn(console: Console, shown: Shown, outputs: Outputs) -> None:
    """What a reader of stdout would not see there."""
    from sfsync.audit.formats import sentences

    audit = shown.audit
    told = [sentences.stamp(audit)]
    if outputs.stdout != "human":
        told += [sentences.fitness_gap(audit), sentences.baseline_line(audit), *sentences.waiver_lines(audit)]
    for line in told:
        if line:
            console.warn(line)


def _envelope(console: Console, shown: Shown, status: int) -> None:
    """The sf CLI's envelope around the document, written as it is read."""
    from sfsync.audit.formats import json

    sys.stdout.write(f'{{"status": {int(status)},\n"result": ')
    json.write(shown, sys.stdout)
    sys.stdout.write(f',\n"warnings": {json.encoded(console.warnings)}}}\n')


def _step_summary(console: Console, shown: Shown) -> None:
    """Add the summary to the page of a GitHub Actions run."""
    from sfsync.audit.formats import write

    page = os.environ.get("GITHUB_STEP_SUMMARY")
    if not page:
        return
    try:
        with Path(page).open("a", encoding="utf-8", errors="replace", newline="\n") as file:
            write(shown, "markdown", file)
    except OSError as error:
        console.warn(f"the step summary cannot be written: {error.strerror or error}")

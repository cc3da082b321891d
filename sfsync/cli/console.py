"""Where every command's words go: data on stdout, everything else on stderr, one JSON envelope with `--json`."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import click

from sfsync.errors import ConfigError, SfsyncError

# Values from the org may hold terminal escapes and direction overrides: they are shown, never obeyed.
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069]")

#: So many problems of one file are told; more than that is one fault seen many times.
MOST_PROBLEMS = 50

#: Where there is no terminal, lines are as long as their content: a log or a pipe has no edge to fold at.
UNLIMITED = 100_000


def printable(text: str) -> str:
    """The text with control and direction characters made visible, fit for a terminal or a log line."""
    return _UNPRINTABLE.sub(lambda match: f"\\x{ord(match.group()):02x}", text)


class Console:
    """What a command prints through.

    Attributes:
        json: Whether the user asked for `--json`.
        warnings: Warnings so far; part of the JSON envelope.
    """

    def __init__(self) -> None:
        self.json = False
        self.warnings: list[str] = []

    def out(self, text: str = "") -> None:
        """Print data (stdout); nothing in JSON mode, where the envelope is the data."""
        if not self.json:
            click.echo(printable(text))

    def note(self, text: str = "") -> None:
        """Tell the user something (stderr)."""
        click.echo(printable(text), err=True)

    def warn(self, text: str) -> None:
        """Warn the user (stderr), and in the envelope."""
        self.warnings.append(text)
        self.note(f"warning: {text}")

    def next_step(self, text: str) -> None:
        """Say what to do next; every command ends with this."""
        if not self.json:
            self.note(f"\nNext: {text}")

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, right: Sequence[str] = ()) -> None:
        """Print a table on stdout: folded to fit a terminal, in full width elsewhere; nothing is ever cut."""
        if self.json:
            return
        from rich import box
        from rich.console import Console as RichConsole
        from rich.table import Table
        from rich.text import Text

        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
        for column in columns:
            table.add_column(Text(printable(column)), justify="right" if column in right else "left", overflow="fold")
        for row in rows:
            table.add_row(*(Text(printable("" if cell is None else str(cell))) for cell in row))
        width = None if sys.stdout.isatty() else UNLIMITED
        RichConsole(file=sys.stdout, width=width, highlight=False).print(table)

    def records(self, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Print rows of unknown width: as a table where it fits, else one record after the other, a field a line."""
        widest = [max([len(name), *(len(str(row[at])) for row in rows)]) for at, name in enumerate(columns)]
        room = shutil.get_terminal_size().columns if sys.stdout.isatty() else UNLIMITED
        if sum(widest) + 3 * len(widest) <= room:
            self.table(columns, rows)
            return
        names = max(len(name) for name in columns)
        for number, row in enumerate(rows, start=1):
            self.out(f"── record {number} " + "─" * 20)
            for name, cell in zip(columns, row, strict=True):
                self.out(f"{name.ljust(names)}  {'' if cell is None else cell}")

    def finish(self, result: Any, human: Callable[[], None] | None = None, *, status: int = 0) -> None:
        """End a command: print `result` in the envelope with `--json`, else call `human`; then exit with `status`."""
        if self.json:
            self._envelope({"status": status, "result": result, "warnings": self.warnings})
        elif human is not None:
            human()
        if status:
            click.get_current_context().exit(status)

    def fail(self, error: SfsyncError) -> None:
        """Print an error: message and hint on stderr, and the envelope on stdout with `--json`."""
        if isinstance(error, ConfigError):
            self._problems(error)
        else:
            self.note(f"error: {error.message}")
        if error.hint:
            self.note(f"  hint: {error.hint}")
        if error.docs:
            self.note(f"  more: {error.docs}")
        if self.json:
            self._envelope(
                {
                    "status": error.exit_code,
                    "name": type(error).__name__,
                    "message": error.message,
                    "actions": [error.hint] if error.hint else [],
                    "context": error.context,
                    "warnings": self.warnings,
                }
            )

    def _problems(self, error: ConfigError) -> None:
        for problem in error.problems[:MOST_PROBLEMS]:
            self.note(f"error: {problem.place}: {problem.message}")
            if problem.hint:
                self.note(f"  hint: {problem.hint}")
        if len(error.problems) > MOST_PROBLEMS:
            self.note(f"error: and {len(error.problems) - MOST_PROBLEMS:,} more problems")

    @staticmethod
    def _envelope(payload: dict[str, Any]) -> None:
        import orjson

        options = orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z
        sys.stdout.write(orjson.dumps(payload, default=str, option=options).decode() + "\n")
        sys.stdout.flush()

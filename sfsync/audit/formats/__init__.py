"""One audit in the formats that people and machines read, a module each, all made of what is stored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import IO, Any, Protocol, cast

from sfsync.audit.stored import (
    FixedFinding,
    StoredAudit,
    StoredFinding,
    StoredRule,
    finding_batches,
    fixed_batches,
    worst_findings,
)
from sfsync.errors import SfsyncError, UsageError
from sfsync.records import Severity
from sfsync.store.interface import Session
from sfsync.whole_file import whole_file

#: Format → how names of its files end; the first one is the usual one.
FORMATS = {
    "human": (".txt",),
    "json": (".json",),
    "jsonl": (".jsonl", ".ndjson"),
    "csv": (".csv",),
    "excel": (".xlsx",),
    "junit": (".xml",),
    "sarif": (".sarif", ".sarif.json"),
    "markdown": (".md", ".markdown"),
    "github": (),
}

#: Formats that are no text.
BINARY = ("excel",)


@dataclass(frozen=True, slots=True)
class Shown:
    """What a format is given.

    Attributes:
        audit: The audit.
        session: Where its findings are read, batch by batch.
        fail_on: The mildest severity that fails a run; None when nothing does.
        only_new: New findings alone fail it.
        max_findings: List so many at most; None for all.
    """

    audit: StoredAudit
    session: Session
    fail_on: Severity | None = Severity.ERROR
    only_new: bool = False
    max_findings: int | None = None

    @property
    def listed(self) -> int:
        """How many findings are listed."""
        return self.audit.total if self.max_findings is None else min(self.max_findings, self.audit.total)

    def findings(self) -> Iterator[StoredFinding]:
        """The findings that are to be listed, in their order."""
        return chain.from_iterable(finding_batches(self.session, self.audit, limit=self.max_findings))

    def first(self, rule: StoredRule, limit: int) -> list[StoredFinding]:
        """The first findings of one rule."""
        return list(chain.from_iterable(finding_batches(self.session, self.audit, rule=rule, limit=limit)))

    def worst(self, limit: int) -> list[StoredFinding]:
        """The findings that matter most."""
        return worst_findings(self.session, self.audit, limit)

    def fixed(self) -> Iterator[FixedFinding]:
        """The findings of earlier audits that are gone."""
        return chain.from_iterable(fixed_batches(self.session, self.audit))

    def failing(self, rule: StoredRule) -> int:
        """How many findings of a rule fail the run."""
        return 0 if self.fail_on is None else rule.at_least(self.fail_on, only_new=self.only_new)


class Format(Protocol):
    """What a module of this package offers."""

    def write(self, shown: Shown, out: IO[Any]) -> None:
        """Write the audit."""
        ...


def format_of(path: Path) -> str:
    """The format that a file's name asks for. Raises `UsageError` when it asks for none."""
    name = path.name.casefold()
    by_length = sorted(
        ((ending, known) for known, endings in FORMATS.items() for ending in endings), key=lambda each: -len(each[0])
    )
    for ending, known in by_length:
        if name.endswith(ending):
            return known
    hint = f"known endings: {', '.join(ending for _, ending in sorted(by_length))}; or say --format"
    raise UsageError(f"the name {path.name} does not say which format is wanted", hint=hint)


def write(shown: Shown, name: str, out: IO[Any]) -> None:
    """Write an audit in the format of this name."""
    cast(Format, import_module(f"sfsync.audit.formats.{name}")).write(shown, out)


def write_file(shown: Shown, name: str, path: Path) -> None:
    """Write an audit to a file readable by its owner alone: whoever reads it meets the old one or the whole new one."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Lone surrogates cannot be written; whoever put them in a value must not stop the whole output.
        with whole_file(path, binary=name in BINARY, errors="replace", newline="") as file:
            write(shown, name, file)
    except OSError as error:
        raise SfsyncError(
            f"the audit cannot be written to {path}: {error.strerror or error}", hint="name another file with --output"
        ) from error

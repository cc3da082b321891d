"""`sfsync audit --baseline` and `--write-baseline`: the findings that count as known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sfsync.cli.console import Console
from sfsync.cli.options import together

if TYPE_CHECKING:
    from sfsync.audit import AuditResult
    from sfsync.config.settings import Settings
    from sfsync.project import Project
    from sfsync.store import Store


@dataclass(frozen=True, slots=True)
class Baselines:
    """Which baseline holds, and which one is to be written.

    Attributes:
        baseline: A file, in place of the one that the settings name.
        write_baseline: The file to be written, or None.
    """

    baseline: Path | None
    write_baseline: Path | None

    def in_force(self, project: Project) -> Settings:
        """The settings with the baseline in force."""
        chosen = project.settings.baseline if self.baseline is None else str(self.baseline)
        # The first baseline of a project is written to the file that its settings name already.
        if self.baseline is None and chosen is not None and self.write_baseline and not Path(chosen).exists():
            chosen = None
        return project.settings.model_copy(update={"baseline": chosen})

    def write(self, console: Console, store: Store, result: AuditResult, settings: Settings) -> bool:
        """Write it where one is wanted and the mirror is fit; entries of rules that did not run stay in it."""
        from sfsync.audit.baseline import write_baseline

        path = self.write_baseline
        if path is None or not result.fitness.fit:
            return False
        keep = None if settings.baseline is None else Path(settings.baseline)
        count = write_baseline(store, result.audit_id, path, judged=result.judged, keep=keep)
        console.note(f"{path}: baseline of {count:,} findings; name it as `baseline:` in sfsync.yml")
        return True


baseline_options = together(
    "baselines",
    Baselines,
    click.option(
        "--baseline",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="Findings listed there count as known. Default: `baseline:` of sfsync.yml.",
    ),
    click.option(
        "--write-baseline",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="List what is found in FILE, for later audits to leave aside.",
    ),
)

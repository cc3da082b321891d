"""The `sfsync` command: one small file a command, imported when called."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from sfsync import __version__
from sfsync.cli.console import Console
from sfsync.cli.exit_codes import ExitCode
from sfsync.cli.lazy import Entry, LazyGroup
from sfsync.errors import SfsyncError, UsageError

SECTIONS = {
    "Start": {
        "demo": Entry("sfsync.cli.demo", "Try everything on a made-up org: no credentials, no network."),
        "init": Entry("sfsync.cli.init", "Make a project folder: settings and starter mappings."),
    },
    "Mirror": {
        "pull": Entry("sfsync.cli.pull", "Bring the mirror up to date with the org."),
        "verify": Entry("sfsync.cli.verify", "Prove that the mirror equals the org."),
        "status": Entry("sfsync.cli.status", "What the mirror holds, and as of when."),
        "query": Entry("sfsync.cli.query", "Ask the mirror in SQL."),
    },
    "Change": {
        "plan": Entry("sfsync.cli.plan", "Show what a push would write, and write nothing."),
        "apply": Entry("sfsync.cli.apply", "Write a plan to the org: exactly its changes, each at most once."),
        "retry": Entry("sfsync.cli.retry", "Send rejected changes again, where that can help."),
        "undo": Entry("sfsync.cli.undo", "Plan to take back what a run has written."),
        "import": Entry("sfsync.cli.import_edits", "Take the edits of a file into a two-way table."),
        "resolve": Entry("sfsync.cli.resolve", "Settle conflicts of two-way tables."),
    },
    "Check": {
        "audit": Entry("sfsync.cli.audit", "Find conversion and qualification faults in the mirror."),
        "rule": Entry("sfsync.cli.rule", "List, explain and test audit rules."),
        "metric": Entry("sfsync.cli.metric", "List and compute metrics, one by one."),
        "report": Entry("sfsync.cli.report", "Audit the mirror and write one HTML file."),
    },
    "Setup": {
        "config": Entry("sfsync.cli.config", "Show the settings in force, and where they come from."),
        "mapping": Entry("sfsync.cli.mapping", "Draft, check and list field mappings."),
        "fake": Entry("sfsync.cli.fake", "Run the fake org, for tests in any language."),
    },
}

HELP = """Mirror a Salesforce org's leads and opportunities, and audit how leads are converted.

\b
Examples:
  sfsync demo                          everything, on a made-up org
  sfsync init myorg && cd myorg        start a project
  sfsync pull --target-org prod        mirror an org the sf CLI knows
  sfsync query "SELECT count(*) FROM sf.Lead"
  sfsync audit && sfsync report        find faults, write report.html
"""

_version = click.version_option(__version__, "--version", prog_name="sfsync", message="%(prog)s %(version)s")

cli = LazyGroup(
    "sfsync",
    sections=SECTIONS,
    help=HELP,
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "SFSYNC", "max_content_width": 100},
)
_version(cli)


def run(args: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code; every error is printed, none is raised."""
    console = Console()
    arguments = None if args is None else list(args)
    try:
        value = cli.main(args=arguments, prog_name="sfsync", obj=console, standalone_mode=False)
    except (click.Abort, KeyboardInterrupt):
        console.note("interrupted: what was finished is kept, the rest is as it was before")
        return int(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        # The reader (head, less) has seen enough; point stdout elsewhere so that the final flush is quiet.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(ExitCode.FINE)
    except Exception as error:
        if os.environ.get("SFSYNC_DEBUG"):
            raise
        problem = _as_sfsync_error(error)
        console.fail(problem)
        return problem.exit_code
    return value if isinstance(value, int) else int(ExitCode.FINE)


def _as_sfsync_error(error: Exception) -> SfsyncError:
    """The error in our own terms: what it was, and what to do next."""
    if isinstance(error, SfsyncError):
        return error
    if isinstance(error, click.ClickException):
        context = getattr(error, "ctx", None)
        where = f"{context.command_path} --help" if context else "sfsync --help"
        return UsageError(error.format_message(), hint=f"see `{where}`")
    return SfsyncError(
        f"sfsync stumbled over something it did not expect: {type(error).__name__}: {error}",
        hint="set SFSYNC_DEBUG=1 and run again to see where, then please report it",
    )


def main() -> None:
    """Entry point of the `sfsync` command."""
    sys.exit(run())

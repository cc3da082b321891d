"""The exit codes of every command, in one place."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What a script may conclude from the exit status."""

    FINE = 0
    NEEDS_YOU = 1  # findings at or above --fail-on
    USAGE = 2  # command line, settings, mapping or rule file
    FAILED = 3  # or the mirror is unfit to judge
    PARTIAL = 4  # some records rejected, budget reached
    TRY_LATER = 75  # EX_TEMPFAIL: lock held, org limit
    INTERRUPTED = 130

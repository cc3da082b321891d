"""A baseline: the fingerprints of findings that were there before anybody looked, in a file that a repository can keep.

It is a CSV file, a line a finding, sorted, without values; what it does not list is new.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sfsync.errors import ConfigError, Problem, SfsyncError, UsageError
from sfsync.store.interface import Session, Store, TextForm
from sfsync.store.names import quote
from sfsync.whole_file import whole_file

#: First line of a baseline; another version has another one.
HEADER = "sfsync_baseline_v1,fingerprint"

_VERSION = re.compile(r"sfsync_baseline_v(\d+),")
_LINE = re.compile(r"([A-Z]{1,12}[0-9]{1,4}),([0-9a-f]{32})")

#: Fingerprints read at once.
_BATCH = 100_000


@dataclass(frozen=True, slots=True)
class BaselineUse:
    """What a baseline did for an audit.

    Attributes:
        file: Its name.
        entries: How many findings it lists.
        gone: Rule → how many of its entries are no longer found, of the rules that were judged.
    """

    file: str
    entries: int
    gone: dict[str, int] = field(default_factory=dict)


def load_baseline(session: Session, path: Path) -> frozenset[str]:
    """Put a baseline into the temporary table `audit_baseline`; gives the rules it names.

    Raises:
        UsageError: There is no such file.
        ConfigError: It is no baseline, of another version, or damaged; with the line.
    """
    _check_header(path)
    file = str(path)
    try:
        session.load_text(quote("audit_baseline"), ("rule_id", "fingerprint"), path, TextForm())
    except SfsyncError as error:
        raise ConfigError(
            [Problem(file, _bad_line(path), None, "the line is not `RULE,fingerprint`", "write the baseline anew")]
        ) from error
    bad = session.execute(
        "SELECT min(source_row) FROM audit_baseline WHERE rule_id IS NULL OR fingerprint IS NULL"
        " OR length(fingerprint) <> 32 OR translate(fingerprint, '0123456789abcdef', '') <> ''"
    ).scalar()
    if bad is not None:
        hint = "take the conflict out of it, or write the baseline anew with `sfsync audit --write-baseline`"
        raise ConfigError([Problem(file, int(bad) + 1, None, "the line is not `RULE,fingerprint`", hint)])
    return frozenset(rule_id for (rule_id,) in session.execute("SELECT DISTINCT rule_id FROM audit_baseline"))


def baseline_use(session: Session, path: Path, audit_id: str, judged: Sequence[str]) -> BaselineUse:
    """How many entries there are, and which are no longer found."""
    entries = session.execute("SELECT count(DISTINCT fingerprint) FROM audit_baseline").scalar()
    rows = session.execute(
        "SELECT rule_id, count(DISTINCT fingerprint) FROM audit_baseline WHERE fingerprint NOT IN"
        " (SELECT f.fingerprint FROM sfsync.findings AS f WHERE f.audit_id = ?) GROUP BY rule_id ORDER BY rule_id",
        [audit_id],
    )
    return BaselineUse(str(path), int(entries), {rule: int(n) for rule, n in rows if rule in set(judged)})


def write_baseline(store: Store, audit_id: str, path: Path, *, judged: Iterable[str], keep: Path | None) -> int:
    """Write the findings of an audit as a baseline and return how many it lists.

    Waived findings stay out: they have their reason elsewhere. Entries of rules that this audit did not judge stay.

    Args:
        store: Holds the audit.
        audit_id: Its name.
        path: Whoever reads it meets the old file or the whole new one.
        judged: Rules that this audit judged.
        keep: The baseline in force, if any.
    """
    rules = set(judged)
    kept = _kept_lines(keep, rules) if keep is not None and keep.exists() else {}
    count = 0
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Not a secret: it holds no values, and others have to read it in their checkouts.
        with whole_file(path, mode=0o644) as file, store.reading() as session:
            file.write(HEADER + "\n")
            for rule_id in sorted(rules | kept.keys()):
                lines = kept.get(rule_id) or _fingerprints(session, audit_id, rule_id)
                for fingerprint in lines:
                    file.write(f"{rule_id},{fingerprint}\n")
                    count += 1
    except OSError as error:
        raise UsageError(f"the baseline cannot be written to {path}: {error.strerror or error}") from error
    return count


def _fingerprints(session: Session, audit_id: str, rule_id: str) -> Iterator[str]:
    """Those of a rule's findings that are not waived, in order."""
    last = ""
    while True:
        rows = session.execute(
            "SELECT fingerprint FROM sfsync.findings WHERE audit_id = ? AND rule_id = ? AND state <> 'waived'"
            f" AND fingerprint > ? ORDER BY fingerprint LIMIT {_BATCH}",
            [audit_id, rule_id, last],
        ).rows
        for (last,) in rows:
            yield last
        if len(rows) < _BATCH:
            return


def _kept_lines(path: Path, judged: set[str]) -> dict[str, list[str]]:
    """Rule → fingerprints, of the rules that were not judged."""
    _check_header(path)
    kept: dict[str, set[str]] = {}
    with path.open(encoding="ascii", errors="replace") as lines:
        for line in lines:
            match = _LINE.fullmatch(line.strip())
            if match and match[1] not in judged:
                kept.setdefault(match[1], set()).add(match[2])
    return {rule_id: sorted(fingerprints) for rule_id, fingerprints in kept.items()}


def _check_header(path: Path) -> None:
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as lines:
            first = lines.readline(200).strip()
    except OSError as error:
        hint = "write one with `sfsync audit --write-baseline FILE`"
        raise UsageError(f"the baseline {path} cannot be read: {error.strerror or error}", hint=hint) from error
    if first == HEADER:
        return
    version = _VERSION.match(first)
    message = f"it is of version {version[1]}, and this sfsync reads version 1" if version else "it is no baseline"
    raise ConfigError([Problem(str(path), 1, None, message, f"its first line should be `{HEADER}`")])


def _bad_line(path: Path) -> int | None:
    """The first line that is none of a baseline."""
    with path.open(encoding="utf-8", errors="replace") as lines:
        return next((n for n, line in enumerate(lines, 1) if n > 1 and not _LINE.fullmatch(line.strip())), None)

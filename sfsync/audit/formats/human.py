"""Tables for people: folded to fit a terminal, in full width elsewhere; nothing is ever cut."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import IO, Any

from sfsync.audit.formats import Shown
from sfsync.audit.formats.escaping import one_line
from sfsync.audit.formats.sentences import baseline_line, enabling, figure, fitness_gap, notes, stamp, strip_told
from sfsync.audit.formats.sentences import waiver_lines as of_waivers
from sfsync.audit.stored import StoredAudit, StoredRule

#: So many rules are shown one by one; of more, those alone that have something to say.
ALL_SHOWN = 30

#: Where there is no terminal, lines are as long as their content.
UNLIMITED = 100_000

_NUMBERS = frozenset({"found", "of", "value", "n", "caused", "solved", "anyway"})


def write(shown: Shown, out: IO[str]) -> None:
    """Write the tables."""
    audit = shown.audit
    if "preflight" in audit.details:
        from sfsync.audit.preflight_table import write as write_preflight  # noqa: PLC0415 - it uses this module

        write_preflight(shown, out)
        return
    host = one_line(audit.instance_url or "the mirror")
    out.write(f"{host} as of {audit.as_of:%Y-%m-%d %H:%M:%S} UTC\n")
    if stamp(audit):
        out.write(f"\n{one_line(stamp(audit))}\n")
    out.write(f"\n{strip_told(audit)}\n\n")
    told = audit.rules if len(audit.rules) <= ALL_SHOWN else [rule for rule in audit.rules if _says_something(rule)]
    if told:
        table(out, ("rule", "name", "severity", "state", "found", "of", "notes"), map(_row, told))
    _rest(out, audit, told)
    _remedies(out, audit)
    for line in (fitness_gap(audit), baseline_line(audit), *of_waivers(audit)):
        if line:
            out.write(f"{one_line(line)}\n")
    metrics = audit.details.get("metrics", [])
    if metrics:
        out.write("\n")
        table(out, ("metric", "what", "value", "n", "notes"), map(_metric_row, metrics))
    if stamp(audit):
        out.write(f"\n{one_line(stamp(audit))}\n")


def _says_something(rule: StoredRule) -> bool:
    return rule.state == "finding" or any(rule.counts.values())


def _rest(out: IO[str], audit: StoredAudit, told: Sequence[StoredRule]) -> None:
    """The rules that have no line of their own."""
    left = [rule for rule in audit.rules if rule not in told]
    groups = (
        ("looked and found nothing", [rule.id for rule in left if rule.state == "pass" and not rule.vacuous]),
        ("had nothing to judge", [rule.id for rule in left if rule.vacuous]),
    )
    for what, ids in groups:
        if ids:
            out.write(f"\n{len(ids)} rules {what}: {', '.join(ids)}\n")


def _remedies(out: IO[str], audit: StoredAudit) -> None:
    remedies = enabling(audit)
    if remedies:
        out.write("\nTo enable what could not be evaluated:\n")
    for ids, remedy in remedies:
        out.write(f"  {ids}  {one_line(remedy)}\n")
    out.write("\n" if remedies else "")


def _row(rule: StoredRule) -> tuple[str, ...]:
    state = "nothing to judge" if rule.vacuous else rule.state.replace("_", " ")
    count = "" if rule.eligible is None else f"{rule.count:,}"
    eligible = "" if rule.eligible is None else f"{rule.eligible:,}"
    return rule.id, rule.text("name"), rule.worst, state, count, eligible, notes(rule)


def _metric_row(metric: dict[str, Any]) -> tuple[str, ...]:
    return metric["id"], metric["title"], figure(metric), f"{metric['n']:,}", metric["reason"] or ""


def table(out: IO[str], columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write one table, as wide as the terminal is."""
    from rich import box  # noqa: PLC0415 - a table is not always wanted
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        grid.add_column(Text(column), justify="right" if column in _NUMBERS else "left", overflow="fold")
    for row in rows:
        grid.add_row(*(Text(one_line(cell)) for cell in row))
    Console(file=out, width=None if out.isatty() else UNLIMITED, highlight=False).print(grid)

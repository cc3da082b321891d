"""A preflight for people: what a plan would cause, what it would solve, and what it cannot show."""

from __future__ import annotations

from typing import IO, Any

from sfsync.audit.formats import Shown
from sfsync.audit.formats.escaping import one_line
from sfsync.audit.formats.human import ALL_SHOWN, table
from sfsync.audit.formats.sentences import enabling, notes, outcome, preflight_line
from sfsync.audit.stored import StoredRule

#: Findings listed one by one; the other formats list all of them.
LISTED = 20


def write(shown: Shown, out: IO[str]) -> None:
    """Write the tables."""
    audit = shown.audit
    told: dict[str, Any] = audit.details["preflight"]
    out.write(f"{one_line(preflight_line(audit) or '')}\n")
    for each in told["changes"]:
        refused = f", {each['refused']:,} refused" if each["refused"] else ""
        out.write(f"  {each['action']} {each['changes']:,} {one_line(each['object'])}{refused}\n")
    out.write(
        f"\n{told['caused']:,} caused by the plan · {told['solved']:,} solved by it · "
        f"{told['anyway']:,} there anyway · {audit.strip.not_evaluable:,} rules not evaluable\n\n"
    )
    rules = [rule for rule in audit.rules if _says_something(rule)]
    if rules or len(audit.rules) <= ALL_SHOWN:
        columns = ("rule", "name", "severity", "caused", "solved", "anyway", "of", "notes")
        table(out, columns, map(_row, rules if len(audit.rules) > ALL_SHOWN else audit.rules))
    _findings(shown, out, told["caused"] if told["shown"] == "caused" else audit.total)
    for ids, remedy in enabling(audit):
        out.write(f"not evaluable: {ids}: {one_line(remedy)}\n")
    for line in told["limits"]:
        out.write(f"not shown: {one_line(line)}\n")
    out.write(f"\n{outcome(shown)}\n")


def _says_something(rule: StoredRule) -> bool:
    return any(rule.details["preflight"].values())


def _row(rule: StoredRule) -> tuple[str, ...]:
    numbers = rule.details["preflight"]
    blind = rule.state == "not_evaluable"
    counts = ("", "", "") if blind else tuple(f"{numbers[what]:,}" for what in ("caused", "solved", "anyway"))
    eligible = "" if rule.eligible is None else f"{rule.eligible:,}"
    what = f"not evaluable: {rule.reason}" if blind else notes(rule)
    return rule.id, rule.text("name"), rule.worst, *counts, eligible, what


def _findings(shown: Shown, out: IO[str], total: int) -> None:
    """Some findings one by one, with the row of the source where the record is one to be made."""
    listed = shown.worst(LISTED if shown.max_findings is None else min(LISTED, shown.max_findings))
    for each in listed:
        what = f"{each.rule_id} {each.severity} {each.object} {each.record_id}: {each.message}"
        out.write(f"{one_line(what)}\n")
    if total > len(listed):
        out.write(f"… and {total - len(listed):,} more: `--output findings.csv` has all of them\n")
    out.write("\n" if listed else "")

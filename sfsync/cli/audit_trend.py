"""`sfsync audit trend`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sfsync.cli.console import Console
from sfsync.cli.options import json_option, pass_console, project_option

if TYPE_CHECKING:
    from sfsync.audit.trend import AuditPoint, RuleTrend

HELP = """Show how audits went over time: all of them, or those of some rules.

RULES are ids or codes such as CV. What each rule found in number is kept for good.

\b
Examples:
  sfsync audit trend
  sfsync audit trend CV001
  sfsync audit trend CV,FM --last 90 --json
"""

_BARS = "▁▂▃▄▅▆▇█"

#: Audits in the small picture of a rule.
_PICTURED = 20


@click.command("trend", help=HELP, short_help="Show how audits went over time.")
@click.argument("rules", nargs=-1)
@click.option("--last", type=click.IntRange(min=1), default=30, show_default=True, metavar="N", help="So many audits.")
@project_option
@json_option
@pass_console
@click.pass_context
def trend(ctx: click.Context, console: Console, rules: tuple[str, ...], last: int, project: Path | None) -> None:
    """Print the newest audits, oldest first, and every rule over them."""
    from sfsync.audit.trend import audit_points, rule_trends
    from sfsync.cli.audit_show import _outer
    from sfsync.project import find_project
    from sfsync.store import open_store

    with open_store(find_project(project or _outer(ctx)).store_path).reading() as session:
        points = audit_points(session, rules, last)
        trends = rule_trends(session, points)
    if rules:
        codes = tuple(code.strip().upper() for words in rules for code in words.split(",") if code.strip())
        trends = [each for each in trends if each.rule_id.startswith(codes)]
    payload = {"audits": [_point(each) for each in points], "rules": [_trend(each) for each in trends]}
    console.finish(payload, lambda: _show(console, points, trends))


def _point(point: AuditPoint) -> dict[str, Any]:
    return {**asdict(point), "as_of": f"{point.as_of.isoformat(timespec='seconds')}Z"}


def _trend(each: RuleTrend) -> dict[str, Any]:
    first = None if each.first_seen is None else f"{each.first_seen.isoformat(timespec='seconds')}Z"
    return {
        "id": each.rule_id,
        "severity": each.severity,
        "counts": each.counts,
        "change": each.change,
        "first_seen": first,
    }


def _show(console: Console, points: list[AuditPoint], trends: list[RuleTrend]) -> None:
    console.table(
        ("audit", "as of", "found", "of", "new", "fixed", "waived", "rules", "not evaluable", "mirror"),
        [_row(point, one_rule=len(trends) == 1) for point in points],
        right=("found", "of", "new", "fixed", "waived", "rules", "not evaluable"),
    )
    told = [each for each in trends if any(each.counts)]
    if told:
        console.out()
        console.table(
            ("rule", "severity", "over time", "now", "change", "oldest since"),
            [_rule_row(each) for each in told],
            right=("now", "change"),
        )
    console.next_step("`sfsync audit show AUDIT` shows one of them again")


def _row(point: AuditPoint, *, one_rule: bool) -> tuple[object, ...]:
    eligible = f"{point.eligible:,}" if one_rule and point.eligible is not None else ""
    found = "" if point.rules == point.not_evaluable else f"{point.found:,}"
    return (
        *(point.audit_id, f"{point.as_of:%Y-%m-%d %H:%M}", found, eligible, f"{point.new:,}", f"{point.fixed:,}"),
        *(f"{point.waived:,}", point.rules, point.not_evaluable, "unfit" if point.unfit else ""),
    )


def _rule_row(each: RuleTrend) -> tuple[object, ...]:
    now = next((count for count in reversed(each.counts) if count is not None), None)
    change = "" if each.change is None else f"{each.change:+,}"
    since = "" if each.first_seen is None else f"{each.first_seen:%Y-%m-%d}"
    return each.rule_id, each.severity, _picture(each.counts), "" if now is None else f"{now:,}", change, since


def _picture(counts: tuple[int | None, ...]) -> str:
    """The numbers as small bars; a space where there is none."""
    shown = counts[-_PICTURED:]
    most = max((count for count in shown if count is not None), default=0) or 1
    return "".join(" " if n is None else _BARS[round(n / most * (len(_BARS) - 1))] for n in shown)

"""`sfsync metric`: list, show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sfsync.cli.console import Console
from sfsync.cli.options import json_option, pass_console, project_option

if TYPE_CHECKING:
    from sfsync.audit.metrics.context import MetricContext, Scope
    from sfsync.audit.metrics.metric import Metric
    from sfsync.records import MetricResult

HELP = """The figures of an audit one by one: what each counts, and what it comes to.

\b
Examples:
  sfsync metric list
  sfsync metric show M05
  sfsync metric show M11 --from 2026-01-01 --to 2026-01-31
"""

LIST_HELP = """List the metrics there are.

\b
Examples:
  sfsync metric list
  sfsync metric list --json
"""

SHOW_HELP = """Compute one metric on the mirror, with its definition, what was left out, its tables and its SQL.

Days begin and end in the time zone of sfsync.yml. A comparison of two instants (M11) may lie anywhere in the past that
the mirror knows or that the org's stage history tells.

\b
Examples:
  sfsync metric show lead-conversion
  sfsync metric show M11 --from 2026-01-01 --to 2026-01-31 --closing 2026-01-01..2026-03-31
  sfsync metric show M13 --from 2025-10-01 --to 2025-12-31
  sfsync metric show M07 --sql
  sfsync metric show M15 --json
"""

_TIMES = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S"])


@click.group("metric", help=HELP, short_help="List and compute metrics, one by one.", no_args_is_help=True)
def command() -> None:
    """Group of the commands about metrics."""


@command.command("list", help=LIST_HELP, short_help="List the metrics there are.")
@json_option
@pass_console
def list_metrics(console: Console) -> None:
    """Print one line a metric."""
    from sfsync.audit.metrics import METRICS

    metrics = [each.metric for each in METRICS]

    def human() -> None:
        console.table(("metric", "name", "is"), [(each.id, each.name, each.definition_for(None)) for each in metrics])
        console.next_step("`sfsync metric show ID` computes one of them")

    console.finish([_told(each) for each in metrics], human)


@command.command("show", help=SHOW_HELP, short_help="Compute one metric.")
@click.argument("name", metavar="ID")
@click.option(
    "--from", "since", type=_TIMES, metavar="TIME", help="Where its period begins: a day, or an instant (UTC)."
)
@click.option("--to", "until", type=_TIMES, metavar="TIME", help="Where it ends; a day belongs to it.")
@click.option("--closing", metavar="DAY..DAY", help="M11: only what is to close in these days.")
@click.option("--owner", "owners", multiple=True, metavar="ID", help="M11: only what this user owns; several times.")
@click.option("--sql", "with_sql", is_flag=True, help="Print the SQL it was counted by, to run with `sfsync query`.")
@project_option
@json_option
@pass_console
def show_metric(
    console: Console,
    name: str,
    since: datetime | None,
    until: datetime | None,
    closing: str | None,
    owners: tuple[str, ...],
    with_sql: bool,
    project: Path | None,
) -> None:
    """Compute a metric and print it."""
    from sfsync.audit.metrics import compute_metric, find_metric
    from sfsync.project import find_project
    from sfsync.store import open_store

    found = find_metric(name)
    scope = _scope(found.metric, closing, owners)
    _check_period(found.metric, since, until)
    place = find_project(project)
    store = open_store(place.store_path)
    with store.reading() as session:
        context = replace(_context(session, place, store.dialect), scope=scope)
        context = replace(context, since=_begin(context, since), until=_end(context, until))
        result = compute_metric(session, context, found)
    payload = _told(found.metric) | {
        "value": result.value,
        "unit": result.unit,
        "n": result.n,
        "definition": result.definition,
        "context": dict(result.context),
        "reason": result.reason,
        "sql": list(result.sql),
    }
    console.finish(payload, lambda: _show(console, found.metric, result, with_sql=with_sql))


def _told(metric: Metric) -> dict[str, Any]:
    return {
        "id": metric.id,
        "name": metric.name,
        "title": metric.title,
        "version": metric.version,
        "definition": metric.definition_for(None),
        "population": metric.population,
        "denominator": metric.denominator,
        "why": metric.why,
        "unit": metric.unit,
        "needs": list(metric.needs),
        "has_period": metric.period,
    }


def _context(session: Any, project: Any, dialect: str) -> MetricContext:
    from sfsync.audit.context import context_of
    from sfsync.audit.definitions import check_definitions
    from sfsync.audit.metrics import metric_context
    from sfsync.store.mirror import read_state

    state = read_state(session)
    audit = context_of(session, state, project.settings, dialect)
    check_definitions(session, audit, project.document)
    return metric_context(state, project.settings, audit)


def _scope(metric: Metric, closing: str | None, owners: tuple[str, ...]) -> Scope:
    from sfsync.audit.metrics.context import Scope
    from sfsync.errors import UsageError

    if (closing or owners) and not metric.scope:
        raise UsageError(
            f"{metric.id} looks at all opportunities: it takes no --closing and no --owner",
            hint="`sfsync metric show M11` does",
        )
    if closing is None:
        return Scope(owners=owners)
    first, dots, last = closing.partition("..")
    try:
        days = (date.fromisoformat(first), date.fromisoformat(last)) if dots else None
    except ValueError:
        days = None
    if days is None or days[1] < days[0]:
        raise UsageError(f"--closing {closing!r} is no span of days", hint="e.g. --closing 2026-01-01..2026-03-31")
    return Scope(*days, owners=owners)


def _check_period(metric: Metric, since: datetime | None, until: datetime | None) -> None:
    from sfsync.errors import UsageError

    if (since or until) and not metric.period:
        raise UsageError(f"{metric.id} has no period: it speaks of the mirror as of its own time", hint="leave it out")
    if since and until and until < since:
        raise UsageError("the period ends before it begins", hint="swap --from and --to")


def _begin(context: MetricContext, at: datetime | None) -> datetime | None:
    from sfsync.audit.metrics.periods import start_of

    return start_of(context, at.date()) if at is not None and _is_day(at) else at


def _end(context: MetricContext, at: datetime | None) -> datetime | None:
    from sfsync.audit.metrics.periods import start_of

    return start_of(context, at.date() + timedelta(days=1)) if at is not None and _is_day(at) else at


def _is_day(at: datetime) -> bool:
    return at.time() == at.min.time()


def _show(console: Console, metric: Metric, result: MetricResult, *, with_sql: bool) -> None:
    from sfsync.audit.metrics.shown import details, figure

    console.out(f"{result.id}  {result.title}: {figure(result)}")
    if result.reason:
        console.out(f"  {result.reason}")
    if result.context.get("enable"):
        console.out(f"  to enable it: {result.context['enable']}")
    console.out()
    for what, value in details(result):
        console.out(f"  {what.ljust(14)} {value}")
    console.out(f"  {'why so'.ljust(14)} {metric.why}")
    for note in result.context.get("notes", ()):
        console.out(f"  {'note'.ljust(14)} {note}")
    for shown in result.context.get("tables", ()):
        _table(console, shown)
    if with_sql:
        for statement in result.sql:
            console.out(f"\n{statement};")
    elif result.sql:
        console.next_step(f"`sfsync metric show {result.id} --sql` prints the SQL behind it")


def _table(console: Console, shown: Mapping[str, Any]) -> None:
    from sfsync.audit.metrics.shown import cell, is_number

    if not shown["rows"]:
        return
    columns = shown["columns"]
    headings = [column["heading"] or " " for column in columns]
    console.out(f"\n{shown['title']}")
    console.table(
        headings,
        [[cell(column["kind"], row.get(column["name"])) for column in columns] for row in shown["rows"]],
        right=[heading for heading, column in zip(headings, columns, strict=True) if is_number(column["kind"])],
    )
    if shown["rows_left_out"]:
        console.out(f"and {shown['rows_left_out']:,} more rows")

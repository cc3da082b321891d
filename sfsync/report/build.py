"""Puts an audit into one HTML file that needs nothing else: no script, no network, no style sheet beside it."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from sfsync import __version__
from sfsync.audit.formats.sentences import baseline_line, fitness_gap, stamp, waiver_lines
from sfsync.audit.ledger import read_findings
from sfsync.audit.result import AuditResult
from sfsync.audit.stored import read_audit
from sfsync.errors import SfsyncError
from sfsync.records import MetricResult
from sfsync.report.figures import MonthBar, SourceBar, conversion_by_month, conversion_by_source
from sfsync.report.metric_cards import MetricCard, metric_card
from sfsync.report.rule_cards import Page, RuleCard, by_weight, records_each, rule_card, with_statements
from sfsync.report.text import impersonal, instance_host, instant, number, prose, visible
from sfsync.report.touched import money_line, oldest_findings, records_touched
from sfsync.report.verdict import passed, tiles, touched, unevaluated, verdict
from sfsync.store.interface import Session, Store
from sfsync.store.mirror import object_states
from sfsync.whole_file import whole_file


def build_report(store: Store, result: AuditResult, *, project_name: str, include_values: bool = False) -> str:
    """The report of an audit as one HTML text.

    Args:
        store: The mirror that was audited, for the findings and for what it holds.
        result: The audit.
        project_name: Headline of the report.
        include_values: Whether what the findings say may be shown; it may hold names and addresses of people.
    """
    with store.reading() as session:
        facts = _facts(session, result)
        cards = _rule_cards(session, result, include_values=include_values)
    metrics = [metric_card(metric, include_values=include_values) for metric in result.metrics]
    charts = _charts(result.metrics, metrics, include_values=include_values)
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            facts,
            project_name=visible(project_name, 120),
            include_values=include_values,
            verdict=verdict(result.rules),
            cards=cards,
            metrics=metrics,
            charts=charts,
            charted=[chart["id"] for chart in charts],
            passed=passed(result.rules),
            unevaluated=unevaluated(result.rules),
            warnings=[visible(warning, 1000) for warning in result.warnings],
            version=__version__,
        )
    )


def write_report(
    path: Path, store: Store, result: AuditResult, *, project_name: str, include_values: bool = False
) -> None:
    """Build the report of an audit and write it, readable by its owner alone.

    Whoever reads `path` meets the old file or the whole new one. The arguments are those of `build_report`.
    """
    html = build_report(store, result, project_name=project_name, include_values=include_values)
    with _told(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as file:
            file.write(html)


def check_place(path: Path) -> None:
    """Refuse a place where no report can be written, before an audit is made for it; nothing is made there.

    Raises:
        SfsyncError: It is a folder, or lies in a file, or in a folder that may not be written to.
    """
    with _told(path):
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        folder = next(each for each in path.absolute().parents if each.exists())
        if not folder.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SfsyncError(
            f"the report cannot be written to {path}: {error.strerror or error}",
            hint="name another file with --output",
        ) from error


def _facts(session: Session, result: AuditResult) -> dict[str, Any]:
    """What stands at the top of the page and in its appendix."""
    objects = sorted(object_states(session).values(), key=lambda each: each.name)
    stored = read_audit(session, result.audit_id)
    lines = (fitness_gap(stored), baseline_line(stored), *waiver_lines(stored))
    return {
        "host": instance_host(result.instance_url),
        "org_id": visible(result.org, 18) if result.org else None,
        "as_of": instant(result.as_of),
        "timezone": visible(result.timezone, 60),
        "definitions_digest": visible(result.definitions_digest, 80),
        "audit_id": visible(result.audit_id, 80),
        "profile": result.profile and visible(result.profile, 80),
        "unfit": visible(stamp(stored) or "", 2000),
        "to_look_at": [visible(line, 1000) for line in lines if line],
        "tiles": tiles(result),
        "touched": touched(result.rules, records_touched(session, result.audit_id)),
        "money": money_line(session, result.audit_id),
        "objects": [(each.name, number(each.rows), instant(each.upper_bound)) for each in objects],
    }


def _rule_cards(session: Session, result: AuditResult, *, include_values: bool) -> list[RuleCard]:
    weighed = by_weight(result.rules)
    page = Page(
        audit_id=result.audit_id,
        host=instance_host(result.instance_url),
        objects=frozenset(object_states(session)),
        include_values=include_values,
        oldest=oldest_findings(session, result.audit_id),
        with_sql=with_statements(weighed),
    )
    room = records_each(len(weighed))
    return [
        rule_card(each, read_findings(session, result.audit_id, rule_id=each.rule.id, limit=room, waived=False), page)
        for each in weighed
    ]


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("sfsync.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["prose"] = prose
    return environment


def _charts(
    metrics: Sequence[MetricResult], cards: Sequence[MetricCard], *, include_values: bool
) -> list[dict[str, Any]]:
    """The charts that there is something for, each with the table that says the same."""
    conversion = next((metric for metric in metrics if metric.id == "M01"), None)
    context: Mapping[str, Any] = conversion.context if conversion else {}
    label = visible if include_values else impersonal
    sources = [
        SourceBar(label(row["source"]), row["n"], row["percent"], tuple(row["wilson95"]), row["rankable"])
        for row in context.get("by_source") or ()
    ]
    months = [
        MonthBar(row["month"], row["n"], row["percent"], tuple(row["wilson95"]), row["mature"])
        for row in context.get("by_month") or ()
    ]
    tables = {table.key: table for card in cards for table in card.tables}
    drawn = [
        (
            "by-source",
            "Conversion by lead source",
            conversion_by_source(sources, conversion.value if conversion else None),
        ),
        ("by-month", "Conversion by month of creation", conversion_by_month(months)),
    ]
    return [
        {"id": key, "title": title, "figure": figure, "table": tables.get(key)}
        for key, title, figure in drawn
        if figure
    ]

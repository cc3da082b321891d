"""A summary in Markdown, for the page of a CI run or a pull request: rules, Ids and numbers, no values of records."""

from __future__ import annotations

from typing import IO

from sfsync.audit.formats import Shown
from sfsync.audit.formats.escaping import markdown
from sfsync.audit.formats.sentences import (
    baseline_line,
    by_weight,
    changes,
    enabling,
    figure,
    fitness_gap,
    outcome,
    preflight_line,
    stamp,
    waiver_lines,
)
from sfsync.audit.stored import StoredRule

#: Records linked for a rule.
LINKED = 3

#: Rules listed; a page of GitHub takes a megabyte.
MOST_RULES = 200


def write(shown: Shown, out: IO[str]) -> None:
    """Write the summary."""
    audit, strip = shown.audit, shown.audit.strip
    out.write(f"## sfsync audit, as of {audit.as_of:%Y-%m-%d %H:%M} UTC\n\n")
    if stamp(audit):
        out.write(f"> [!CAUTION]\n> **{markdown(stamp(audit))}**\n\n")
    if preflight_line(audit):
        out.write(f"> [!NOTE]\n> {markdown(preflight_line(audit))}\n\n")
    out.write(f"{outcome(shown)}.\n\n")
    out.write("| new | persisting | fixed | waived | rules not evaluable |\n|---:|---:|---:|---:|---:|\n")
    out.write(
        f"| {strip.new:,} | {strip.persisting:,} | {strip.fixed:,} | {strip.waived:,} | {strip.not_evaluable:,} |\n\n"
    )
    found = by_weight(audit.rules)
    if found:
        since = "with the plan" if preflight_line(audit) else "since the last audit"
        out.write(f"| rule | what it means | severity | found | of | {since} | first records |\n")
        out.write("|---|---|---|---:|---:|---|---|\n")
    for rule in found[:MOST_RULES]:
        out.write(_row(shown, rule))
    if len(found) > MOST_RULES:
        out.write(f"\n… and {len(found) - MOST_RULES} more rules.\n")
    _lists(shown, out)


def _row(shown: Shown, rule: StoredRule) -> str:
    share = f" ({100 * rule.count / rule.eligible:.1f} %)" if rule.eligible else ""
    links = []
    for finding in shown.first(rule, LINKED):
        address = shown.audit.link(finding.object, finding.record_id)
        links.append(f"[{finding.record_id}]({address})" if address else markdown(finding.record_id))
    cells = (
        f"**{markdown(rule.id)}**",
        markdown(rule.text("title")),
        rule.worst,
        f"{rule.count:,}{share}",
        f"{rule.eligible:,} {markdown(rule.text('population'))}",
        markdown(", ".join(changes(rule))),
        " ".join(links),
    )
    return f"| {' | '.join(cells)} |\n"


def _lists(shown: Shown, out: IO[str]) -> None:
    audit = shown.audit
    remedies = enabling(audit)
    if remedies:
        out.write("\n<details><summary>What could not be evaluated</summary>\n\n")
        for ids, remedy in remedies:
            out.write(f"- {markdown(ids)}: {markdown(remedy)}\n")
        out.write("\n</details>\n")
    lines = [line for line in (fitness_gap(audit), baseline_line(audit), *waiver_lines(audit)) if line]
    if lines:
        out.write("\n### To be looked at\n\n")
        for line in lines:
            out.write(f"- {markdown(line)}\n")
    metrics = audit.details.get("metrics", [])
    if metrics:
        out.write("\n| metric | what | value | n |\n|---|---|---:|---:|\n")
    for metric in metrics:
        value = markdown(figure(metric)) + (f" ({markdown(metric['reason'])})" if metric["reason"] else "")
        out.write(f"| {markdown(metric['id'])} | {markdown(metric['title'])} | {value} | {metric['n']:,} |\n")

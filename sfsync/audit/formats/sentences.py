"""The audit in sentences, the same wherever people read it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from sfsync.audit.formats import Shown
from sfsync.audit.result import SEVERITIES
from sfsync.audit.stored import StoredAudit, StoredRule

#: Buckets of a breakdown and data-driven numbers named in a line; machines are told all of them.
NAMED = 4


def strip_told(audit: StoredAudit) -> str:
    """The five numbers."""
    strip = audit.strip
    return (
        f"{strip.new:,} new · {strip.persisting:,} persisting · {strip.fixed:,} fixed · {strip.waived:,} waived"
        f" · {strip.not_evaluable:,} {'rule' if strip.not_evaluable == 1 else 'rules'} not evaluable"
    )


def stamp(audit: StoredAudit) -> str | None:
    """What has to stand above everything when the mirror is unfit."""
    if audit.unfit is None:
        return None
    return f"THE MIRROR IS UNFIT TO BE JUDGED, and nothing below can be relied on: {audit.unfit}"


def preflight_line(audit: StoredAudit) -> str | None:
    """Of which plan this is a preflight; None where it is an audit of what is there."""
    told: dict[str, Any] | None = audit.details.get("preflight")
    if told is None:
        return None
    return (
        f"Preflight of plan {told['plan']} ({told['kind']}, {told['source']}): nothing is written yet; judged is what"
        f" {audit.instance_url or 'the mirror'}, as of {audit.as_of:%Y-%m-%d %H:%M:%S} UTC, would be after it"
    )


def fitness_gap(audit: StoredAudit) -> str | None:
    """Which rules on the mirror's fitness could not look."""
    if not audit.blind:
        return None
    return f"the mirror's fitness is not fully proven: {', '.join(audit.blind)} could not be evaluated"


def notes(rule: StoredRule) -> str:
    """Breakdown, numbers the data decided, what became of findings, and what must be known besides."""
    told = []
    breakdown: dict[str, int] = rule.details.get("breakdown", {})
    if breakdown:
        told.append(_few([f"{name} {count:,}" for name, count in breakdown.items()]))
    numbers = [
        f"{segment} {value:,.0f} (n={n:,})"
        for _, segment, value, n, origin in sorted(rule.details.get("thresholds", []), key=lambda t: -t[3])
        if origin == "auto"
    ]
    if numbers:
        told.append(f"from the data: {_few(numbers)}")
    told += changes(rule)
    if rule.reason:
        told.append(rule.reason.removeprefix("nothing to judge: ") if rule.vacuous else rule.reason)
    return "; ".join(told)


def changes(rule: StoredRule) -> Iterator[str]:
    """What is not plainly persisting, and how it compares."""
    seen_before = bool(rule.details.get("compared_with"))
    for state in ("new", "reappeared", "fixed", "waived", "baselined"):
        # Where nobody has looked before, all is new, and saying so of every rule says nothing.
        if rule.counts.get(state) and (seen_before or state != "new"):
            yield f"{rule.counts[state]:,} {state}"
    if rule.details.get("not_judged"):
        yield f"{rule.details['not_judged']:,} known findings not judged"
    if rule.details.get("changed") and rule.counts.get("fixed"):
        yield "the rule or its settings have changed since, so what is gone need not be mended"


def waiver_lines(audit: StoredAudit) -> Iterator[str]:
    """What has to be told of waivers: those that do not apply, those that end soon, those that cover nothing."""
    for problem in audit.details.get("malformed_waivers", []):
        hint = f" ({problem['hint']})" if problem.get("hint") else ""
        yield f"{problem['place']}: the waiver does not apply: {problem['message']}{hint}"
    waivers: list[dict[str, Any]] = audit.details.get("waivers", [])
    for each in waivers:
        if each["expired"]:
            yield f"{each['place']}: the waiver {named(each)} does not apply: it expired on {each['expires']}"
    for each in waivers:
        if each["expires_soon"]:
            yield f"{each['place']}: the waiver {named(each)} expires on {each['expires']}"
    for each in waivers:
        if each["unused"]:
            yield f"{each['place']}: the waiver {named(each)} covers nothing any more"


def named(waiver: dict[str, Any]) -> str:
    """A waiver in few words."""
    what = waiver.get("record") or waiver.get("field")
    return f"of {waiver['rule']}" + (f" on {what}" if what else "")


def baseline_line(audit: StoredAudit) -> str | None:
    """What of the baseline is no longer found."""
    baseline: dict[str, Any] | None = audit.details.get("baseline")
    gone = sum(baseline["gone"].values()) if baseline else 0
    if baseline is None or not gone:
        return None
    rules = ", ".join(f"{rule} {n:,}" for rule, n in baseline["gone"].items())
    return (
        f"{gone:,} of the {baseline['entries']:,} entries of the baseline are no longer found ({rules}):"
        " write it anew, so that they cannot come back unseen"
    )


def enabling(audit: StoredAudit) -> list[tuple[str, str]]:
    """What would make rules evaluable, and which rules; the remedy for most of them first."""
    by_remedy: dict[str, list[str]] = {}
    for rule in audit.rules:
        if rule.state == "not_evaluable":
            by_remedy.setdefault(rule.enable or rule.reason or "", []).append(rule.id)
    return [(", ".join(ids), remedy) for remedy, ids in sorted(by_remedy.items(), key=lambda item: -len(item[1]))]


def by_weight(rules: Iterable[StoredRule]) -> list[StoredRule]:
    """Rules that found something, the worst severity first, then those with most findings."""
    worst_first = [severity.value for severity in SEVERITIES]
    found = [rule for rule in rules if rule.state == "finding"]
    return sorted(found, key=lambda rule: (worst_first.index(rule.worst), -rule.count, rule.position))


def outcome(shown: Shown) -> str:
    """Whether the run fails, and by what."""
    failing = sum(shown.failing(rule) for rule in shown.audit.rules)
    if shown.fail_on is None:
        return "nothing fails this run"
    which = ("new " if shown.only_new else "") + ("finding" if failing == 1 else "findings")
    return f"{failing:,} {which} of severity {shown.fail_on.value} or worse"


def figure(metric: dict[str, Any]) -> str:
    """A metric's value with its unit."""
    if metric["value"] is None:
        return "none"
    unit = "%" if metric["unit"] == "percent" else f" {metric['unit']}"
    return f"{metric['value']:,.3f}".rstrip("0").rstrip(".") + unit


def _few(items: list[str]) -> str:
    left = len(items) - NAMED
    return ", ".join(items[:NAMED]) + (f", {left} more" if left > 0 else "")

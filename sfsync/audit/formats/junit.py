"""JUnit XML: a test case a rule, for the test pages of GitLab, Jenkins and the like.

A rule fails when it has findings that fail the run; one that could not look is skipped, with the reason.
"""

from __future__ import annotations

from itertools import groupby
from typing import IO
from xml.sax.saxutils import escape, quoteattr

from sfsync.audit.formats import Shown
from sfsync.audit.formats.escaping import one_line, visible
from sfsync.audit.formats.sentences import notes, preflight_line, stamp
from sfsync.audit.formats.told import moment
from sfsync.audit.stored import StoredRule

#: Findings written out for a rule.
LISTED = 50


def write(shown: Shown, out: IO[str]) -> None:
    """Write a test suite a group of rules, and one for the mirror."""
    audit = shown.audit
    groups = [
        (code, list(rules)) for code, rules in groupby(audit.rules, key=lambda rule: rule.id.rstrip("0123456789"))
    ]
    failures = sum(1 for rule in audit.rules if shown.failing(rule))
    errors = int(audit.unfit is not None) + sum(1 for rule in audit.rules if rule.broken)
    out.write('<?xml version="1.0" encoding="UTF-8"?>\n')
    out.write(
        f'<testsuites name="sfsync audit" tests="{len(audit.rules) + 1}" failures="{failures}" errors="{errors}"'
        ' time="0">\n'
    )
    _mirror(shown, out)
    for code, rules in groups:
        _suite(shown, out, code, rules)
    out.write("</testsuites>\n")


def _mirror(shown: Shown, out: IO[str]) -> None:
    """Whether the mirror is fit, as a test of its own: nobody may overlook it."""
    audit = shown.audit
    out.write(
        f'<testsuite name="mirror" tests="1" failures="0" errors="{int(audit.unfit is not None)}" skipped="0" time="0"'
        f' timestamp="{audit.as_of:%Y-%m-%dT%H:%M:%S}">\n'
    )
    out.write("<properties>\n")
    facts = {
        "audit_id": audit.audit_id,
        "as_of": moment(audit.as_of),
        "org": audit.org,
        "definitions_digest": audit.definitions_digest,
        "mirror": "fit" if audit.unfit is None else "unfit",
        **({"preflight": preflight_line(audit)} if preflight_line(audit) else {}),
    }
    for name, value in facts.items():
        out.write(f"<property name={_attribute(name)} value={_attribute(value or '')}/>\n")
    out.write('</properties>\n<testcase classname="sfsync.mirror" name="fit to be judged" time="0">')
    if stamp(audit):
        out.write(f'<error type="unfit" message={_attribute(stamp(audit))}/>')
    out.write("</testcase>\n</testsuite>\n")


def _suite(shown: Shown, out: IO[str], code: str, rules: list[StoredRule]) -> None:
    failures = sum(1 for rule in rules if shown.failing(rule))
    broken = sum(1 for rule in rules if rule.broken)
    skipped = sum(1 for rule in rules if rule.state == "not_evaluable") - broken
    out.write(
        f'<testsuite name={_attribute(rules[0].text("group") or code)} tests="{len(rules)}"'
        f' failures="{failures}" errors="{broken}" skipped="{skipped}" time="0"'
        f' timestamp="{shown.audit.as_of:%Y-%m-%dT%H:%M:%S}">\n'
    )
    for rule in rules:
        name = _attribute(f"{rule.id} {rule.text('name')}".strip())
        out.write(f'<testcase classname={_attribute(f"sfsync.{code}")} name={name} time="0">')
        _outcome(shown, out, rule)
        out.write("</testcase>\n")
    out.write("</testsuite>\n")


def _outcome(shown: Shown, out: IO[str], rule: StoredRule) -> None:
    if rule.state == "not_evaluable":
        told = "; ".join(part for part in (rule.reason, rule.enable) if part)
        outcome = 'error type="sql"' if rule.broken else "skipped"
        out.write(f"<{outcome} message={_attribute(told)}/>")
        return
    if not rule.stored:
        return
    lines = [f"{f.severity} {f.state} {f.object} {f.record_id}: {f.message}" for f in shown.first(rule, LISTED)]
    if rule.stored > LISTED:
        lines.append(f"… and {rule.stored - LISTED:,} more")
    text = escape(visible("\n".join(lines)))
    failing = shown.failing(rule)
    if failing:
        message = f"{rule.text('title')}: {failing:,} of {rule.count:,} findings fail the run; {notes(rule)}"
        out.write(f'<failure type="{rule.worst}" message={_attribute(message)}>{text}</failure>')
    else:
        out.write(f"<system-out>{text}</system-out>")


def _attribute(value: object) -> str:
    return quoteattr(one_line(value))

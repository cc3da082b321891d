"""SARIF 2.1.0, for code scanning pages; never the only output, because they take 25,000 results and show 5,000.

Records are no source files, so a result's place is the record's object and Id, and its link leads into the org.
"""

from __future__ import annotations

import re
from typing import IO, Any

from sfsync.audit.formats import Shown
from sfsync.audit.formats.escaping import visible
from sfsync.audit.formats.json import encoded
from sfsync.audit.formats.sentences import fitness_gap, preflight_line, stamp
from sfsync.audit.formats.told import moment
from sfsync.audit.stored import StoredFinding, StoredRule
from sfsync.errors import DOCS

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

#: Results that GitHub takes of a run, and those of them that it shows.
MOST_RESULTS, SHOWN_RESULTS = 25_000, 5_000

#: What GitHub keeps of a message.
LONGEST = 1000

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,199}")
_LEVELS = {"error": "error", "warning": "warning", "info": "note"}
_STATES = {"new": "new", "reappeared": "new"}


def write(shown: Shown, out: IO[str]) -> None:
    """Write one run; of too many findings those that matter most, and say so."""
    audit = shown.audit
    most = MOST_RESULTS if shown.max_findings is None else min(MOST_RESULTS, shown.max_findings)
    places = {rule.id: index for index, rule in enumerate(audit.rules)}
    out.write(f'{{"$schema": {encoded(SCHEMA)},\n"version": "2.1.0",\n"runs": [{{\n')
    driver = {
        "name": "sfsync",
        "informationUri": DOCS + "audit-results.md",
        **({"version": audit.details["sfsync"]} if audit.details.get("sfsync") else {}),
        "rules": [_rule(rule) for rule in audit.rules],
    }
    out.write(f'"tool": {encoded({"driver": driver})},\n')
    out.write(f'"invocations": [{encoded(_invocation(shown, most))}],\n')
    category = {"id": f"sfsync/{audit.org or 'org'}/"}
    out.write(f'"automationDetails": {encoded(category)},\n')
    out.write(f'"properties": {encoded({"auditId": audit.audit_id, "asOf": moment(audit.as_of)})},\n')
    out.write('"columnKind": "unicodeCodePoints",\n"results": [')
    for number, finding in enumerate(shown.worst(most)):
        out.write((",\n  " if number else "\n  ") + encoded(_result(shown, finding, places)))
    out.write("\n]}]}\n")


def _rule(rule: StoredRule) -> dict[str, Any]:
    name = "".join(part.capitalize() for part in rule.text("name").split("-"))
    why, remedy = rule.text("why"), rule.text("remedy")
    told: dict[str, Any] = {
        "id": rule.id,
        **({"name": name} if name else {}),
        "shortDescription": {"text": rule.text("title") or rule.id},
        "fullDescription": {"text": why or rule.id},
        "help": {"text": f"{why}\n\n{remedy}".strip() or rule.id},
        "helpUri": DOCS + "audits.md",
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {
            "tags": ["salesforce", rule.text("group") or rule.id.rstrip("0123456789")],
            "precision": {"certain": "very-high", "likely": "high"}.get(rule.confidence, "low"),
            "problem.severity": {"info": "recommendation"}.get(rule.severity, rule.severity),
        },
    }
    return told


def _invocation(shown: Shown, most: int) -> dict[str, Any]:
    audit = shown.audit
    told = [("error", stamp(audit)), ("note", preflight_line(audit)), ("note", fitness_gap(audit))]
    if audit.total > most:
        told.append(
            (
                "warning",
                f"{most:,} of {audit.total:,} findings are listed, the worst first: code scanning takes no more",
            )
        )
    if min(audit.total, most) > SHOWN_RESULTS:
        told.append(("note", f"GitHub shows {SHOWN_RESULTS:,} results of a run"))
    gaps = [
        {
            "level": "warning",
            "message": {"text": visible(f"{rule.id} is not evaluable: {rule.reason}. {rule.enable or ''}").strip()},
            "associatedRule": {"id": rule.id},
        }
        for rule in audit.rules
        if rule.state == "not_evaluable"
    ]
    return {
        "executionSuccessful": audit.unfit is None,
        "endTimeUtc": moment(audit.audited_at),
        "toolExecutionNotifications": [
            *({"level": level, "message": {"text": visible(text)}} for level, text in told if text),
            *gaps,
        ],
    }


def _result(shown: Shown, finding: StoredFinding, places: dict[str, int]) -> dict[str, Any]:
    audit = shown.audit
    link = audit.link(finding.object, finding.record_id)
    # Ids of one's own rules may be anything, and a place is an address.
    plain = _PLAIN.fullmatch(finding.record_id) and _PLAIN.fullmatch(finding.object)
    place = f"{finding.object}/{finding.record_id}" if plain else finding.rule_id
    suppressed = _suppression(shown, finding)
    return {
        "ruleId": finding.rule_id,
        "ruleIndex": places[finding.rule_id],
        "level": _LEVELS[finding.severity],
        "kind": "fail",
        "message": {"text": visible(finding.message)[:LONGEST] or finding.rule_id},
        "locations": [
            {
                "physicalLocation": {"artifactLocation": {"uri": f"salesforce/{place}"}, "region": {"startLine": 1}},
                "logicalLocations": [
                    {
                        "name": visible(finding.record_id),
                        "fullyQualifiedName": visible(f"{finding.object}.{finding.record_id}"),
                        "kind": "record",
                    }
                ],
            }
        ],
        "partialFingerprints": {"sfsyncFinding/v1": finding.fingerprint},
        "baselineState": _STATES.get(finding.state, "unchanged"),
        **({"hostedViewerUri": link} if link else {}),
        **({"suppressions": [suppressed]} if suppressed else {}),
        "properties": {"state": finding.state, "mirror": "fit" if audit.unfit is None else "unfit"},
    }


def _suppression(shown: Shown, finding: StoredFinding) -> dict[str, str] | None:
    if finding.state == "baselined":
        return {"kind": "external", "status": "accepted", "justification": "in the baseline"}
    if finding.state != "waived":
        return None
    waivers = shown.audit.details.get("waivers", [])
    reason = next((each["reason"] for each in waivers if each["number"] == finding.waiver), "waived")
    return {"kind": "external", "status": "accepted", "justification": visible(reason)}

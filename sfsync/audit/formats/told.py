"""Parts of an audit as plain data, the same in every format for machines."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sfsync.audit.formats import Shown
from sfsync.audit.stored import FixedFinding, StoredAudit, StoredFinding, StoredRule

#: Raised when a key changes its meaning or goes; new keys may come at any time.
FORMAT_VERSION = 1


def moment(at: datetime | None) -> str | None:
    """An instant in naive UTC, as ISO 8601 has it."""
    return None if at is None else f"{at.isoformat(timespec='seconds')}Z"


def mirror_word(audit: StoredAudit) -> str:
    """Stands beside every finding: `fit`, or `unfit` when nobody can tell whether it is one."""
    return "unfit" if audit.unfit else "fit"


def header_told(shown: Shown) -> dict[str, Any]:
    """The audit without rules, metrics and findings."""
    audit, strip = shown.audit, shown.audit.strip
    return {
        "format": "sfsync-audit",
        "format_version": FORMAT_VERSION,
        "sfsync": audit.details.get("sfsync"),
        "audit_id": audit.audit_id,
        "as_of": moment(audit.as_of),
        "audited_at": moment(audit.audited_at),
        "compared_with": audit.details.get("compared_with"),
        "org": {"id": audit.org, "instance_url": audit.instance_url},
        "profile": audit.details.get("profile"),
        "timezone": audit.timezone,
        "definitions_digest": audit.definitions_digest,
        "mirror": {"fit": audit.unfit is None, "unfit_because": audit.unfit, "not_judged": audit.blind},
        "summary": {
            "new": strip.new,
            "persisting": strip.persisting,
            "fixed": strip.fixed,
            "waived": strip.waived,
            "not_evaluable": strip.not_evaluable,
        },
        "failing": sum(shown.failing(rule) for rule in audit.rules),
        "disabled": audit.details.get("disabled", []),
        "warnings": audit.details.get("warnings", []),
        "waivers": audit.details.get("waivers", []),
        "malformed_waivers": audit.details.get("malformed_waivers", []),
        "baseline": audit.details.get("baseline"),
        **_preflight(audit.details),
    }


def _preflight(details: Mapping[str, Any]) -> dict[str, Any]:
    """What a preflight says beside an audit."""
    return {"preflight": details["preflight"]} if "preflight" in details else {}


def rule_told(shown: Shown, rule: StoredRule) -> dict[str, Any]:
    """One rule."""
    details = rule.details
    return {
        "id": rule.id,
        "name": rule.text("name"),
        "title": rule.text("title"),
        "group": rule.text("group"),
        "object": rule.text("object"),
        "population": rule.text("population"),
        "severity": rule.severity,
        "confidence": rule.confidence,
        "state": rule.state,
        "count": rule.count,
        "eligible": rule.eligible,
        "reason": rule.reason,
        "enable": rule.enable,
        "failing": shown.failing(rule),
        "findings": dict(rule.counts),
        "not_judged": details.get("not_judged", 0),
        "compared_with": details.get("compared_with"),
        "changed": details.get("changed", False),
        "breakdown": details.get("breakdown", {}),
        "severities": rule.severities,
        "params": details.get("values", {}),
        "thresholds": [
            dict(zip(("param", "segment", "value", "n", "origin"), each, strict=True))
            for each in details.get("thresholds", [])
        ],
        **_preflight(details),
    }


def metric_told(metric: dict[str, Any]) -> dict[str, Any]:
    """One metric."""
    keys = ("id", "name", "title", "value", "unit", "n", "definition", "context", "reason")
    return {key: metric.get(key) for key in keys}


def finding_told(audit: StoredAudit, finding: StoredFinding) -> dict[str, Any]:
    """One finding."""
    return {
        "rule": finding.rule_id,
        "severity": finding.severity,
        "state": finding.state,
        "object": finding.object,
        "record_id": finding.record_id,
        "message": finding.message,
        "discriminator": finding.discriminator,
        "breakdown": finding.breakdown,
        "fingerprint": finding.fingerprint,
        "first_seen": moment(finding.first_seen),
        "waiver": finding.waiver,
        "url": audit.link(finding.object, finding.record_id),
        "mirror": mirror_word(audit),
    }


def fixed_told(audit: StoredAudit, finding: FixedFinding) -> dict[str, Any]:
    """One finding that is gone."""
    return {
        "rule": finding.rule_id,
        "severity": finding.severity,
        "object": finding.object,
        "record_id": finding.record_id,
        "fingerprint": finding.fingerprint,
        "first_seen": moment(finding.first_seen),
        "url": audit.link(finding.object, finding.record_id),
    }

"""JSON Lines: one object a line, each saying in `type` what it is; the header comes first."""

from __future__ import annotations

from typing import IO

from sfsync.audit.formats import Shown
from sfsync.audit.formats.json import encoded
from sfsync.audit.formats.told import finding_told, fixed_told, header_told, metric_told, rule_told


def write(shown: Shown, out: IO[str]) -> None:
    """Write the audit line by line."""
    audit = shown.audit
    out.write(encoded({"type": "audit", **header_told(shown)}) + "\n")
    for rule in audit.rules:
        out.write(encoded({"type": "rule", **rule_told(shown, rule)}) + "\n")
    for metric in audit.details.get("metrics", []):
        out.write(encoded({"type": "metric", **metric_told(metric)}) + "\n")
    for finding in shown.findings():
        out.write(encoded({"type": "finding", **finding_told(audit, finding)}) + "\n")
    for gone in shown.fixed():
        out.write(encoded({"type": "fixed", **fixed_told(audit, gone)}) + "\n")

"""A project with a rule of its own, for tests of what becomes of findings; its mirror is the one that `mirror` fills."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from sfsync.audit import AuditResult, audit
from sfsync.config.settings import settings_from
from sfsync.config.yaml_reader import read_yaml
from sfsync.store.duckdb import DuckDBStore
from tests.unit.audit.conftest import AS_OF, RULE, lead

__all__ = ["AS_OF", "GATE", "MakeProject", "Project", "lead", "odd"]

#: A rule on the mirror itself that finds it unfit when a lead says so.
GATE = (
    RULE.replace("OWN001", "SY901")
    .replace("confidence: certain", "confidence: certain\ngate: true")
    .replace("name: odd-status", "name: broken-mirror")
    .replace("title: The status is odd", "title: The mirror is broken")
    .replace("severity: warning", "severity: error")
    .replace("default: Odd", "default: Broken")
    .replace("Status: Odd", "Status: Broken")
)

MakeProject = Callable[..., "Project"]


def odd(number: int, **values: Any) -> dict[str, Any]:
    """A lead that OWN001 finds."""
    return lead(number, Status="Odd", **values)


class Project:
    """A folder with settings and rules, and a mirror to be filled again and again."""

    def __init__(self, root: Path, mirror: Callable[..., DuckDBStore]) -> None:
        self.root = root
        self.mirror = mirror
        (root / "rules").mkdir()
        self.rule("OWN001", RULE)
        self.settings()

    @property
    def store(self) -> DuckDBStore:
        return DuckDBStore(self.root / "mirror.duckdb")

    def rule(self, rule_id: str, text: str) -> None:
        (self.root / "rules" / f"{rule_id}.yml").write_text(text, encoding="utf-8")

    def settings(self, text: str = "") -> None:
        (self.root / "sfsync.yml").write_text(f"version: 1\nstore: mirror.duckdb\n{text}", encoding="utf-8")

    def fill(self, *leads: dict[str, Any], as_of: datetime = AS_OF, **others: Iterable[dict[str, Any]]) -> None:
        self.mirror(as_of=as_of, Lead=leads, **others)

    def audit(self, *leads: dict[str, Any], as_of: datetime = AS_OF, **options: Any) -> AuditResult:
        """Fill the mirror with these leads, where there are any, and audit it."""
        if leads:
            self.fill(*leads, as_of=as_of)
        document = read_yaml(self.root / "sfsync.yml", "sfsync.yml")
        settings = settings_from(document, root=self.root)
        options = {"select": ["OWN001"], "rules_dir": self.root / "rules", "settings_file": document} | options
        return audit(self.store, settings, **options)

    def states(self, result: AuditResult) -> dict[str, str]:
        """Number of the lead → state of its finding."""
        return {str(int(f.record_id[3:15])): f.state for f in result.findings()}

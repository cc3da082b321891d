from __future__ import annotations

import pytest

from sfsync.audit import audit
from sfsync.audit.context import AuditContext, context_of
from sfsync.audit.explain import Explanation, explain
from sfsync.audit.load import load_rules
from sfsync.audit.overrides import resolve_rules
from sfsync.audit.rule import Rule
from sfsync.config.settings import RuleSettings, Settings
from sfsync.records import Severity
from sfsync.store.duckdb import DuckDBStore
from sfsync.store.mirror import read_state
from tests.unit.audit.conftest import MakeMirror, lead


def explained(rule_id: str, settings: Settings | None = None, store: DuckDBStore | None = None) -> Explanation:
    known = settings or Settings()
    (resolved,) = [each for each in resolve_rules(load_rules(), known) if each.rule.id == rule_id]
    if store is None:
        return explain(resolved)
    with store.reading() as session:
        return explain(resolved, context_of(session, read_state(session), known, store.dialect))


@pytest.mark.parametrize("rule", load_rules(), ids=lambda rule: rule.id)
def test_every_rule_can_be_explained_without_a_mirror(rule: Rule) -> None:
    page = explained(rule.id)
    text = page.as_text()
    needs = ["Needs"] if rule.every_need else []
    for heading in ("Judges", "Why it matters", "What to do", "When it may be wrong", *needs, "SQL of the findings"):
        assert f"\n{heading}\n" in text
    assert page.as_json()["sql"] in text


def test_the_sql_explained_is_the_sql_that_ran(mirror: MakeMirror) -> None:
    store = mirror(Lead=[lead(1)])
    settings = Settings(rules={"LA004": RuleSettings(params={"days": 12})})
    ran = audit(store, settings, select=["LA004"]).rule("LA004").sql
    assert explained("LA004", settings, store).as_json()["sql"] == ran
    assert store.query(ran).rows().dicts()[0]["record_id"] == lead(1)["Id"]


def test_resolved_parameters_are_shown() -> None:
    settings = Settings(rules={"LA004": RuleSettings(severity=Severity.INFO, params={"days": 12})})
    page = explained("LA004", settings)
    assert "days = 12 days" in page.as_text()
    assert "lead ageing · info · certain" in page.as_text()
    assert page.as_json()["params"]["days"]["value"] == 12
    assert "days = auto (else 90 days)" in explained("LA004").as_text()


def test_what_cannot_be_judged_is_said_with_what_would_enable_it(mirror: MakeMirror) -> None:
    page = explained("OP001", store=mirror(Lead=[lead(1)]))
    assert "Cannot judge yet\n  Opportunity is not in the mirror" in page.as_text()
    assert page.as_json()["reason"] == "Opportunity is not in the mirror"
    assert "framework" in (explained("LQ002").as_json()["reason"] or "")


def test_what_cannot_be_seen_is_said(mirror: MakeMirror) -> None:
    page = explained("LA004", store=mirror(Lead=[lead(1)]))
    assert "Cannot see in this mirror" in page.as_text()


def test_evidence_is_shown_even_without_a_mirror() -> None:
    settings = Settings.model_validate({"definitions": {"frameworks": {"BANT": {"budget": ["Budget__c"]}}}})
    (resolved,) = [each for each in resolve_rules(load_rules(), Settings()) if each.rule.id == "LQ002"]
    page = explain(resolved, AuditContext(as_of=None, definitions=settings.definitions))
    assert 'l."Budget__c"' in page.as_json()["sql"]
    assert page.as_json()["reason"] is None

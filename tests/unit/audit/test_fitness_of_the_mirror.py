from __future__ import annotations

from datetime import timedelta

import pytest

from sfsync.records import RuleState
from tests.unit.audit.conftest import RULE
from tests.unit.audit.results import AS_OF, GATE, Project, lead, odd

BROKEN = lead(9, Status="Broken")


@pytest.fixture
def gated(project_with: Project) -> Project:
    project_with.rule("SY901", GATE)
    return project_with


def test_an_unfit_mirror_is_judged_no_further(gated: Project) -> None:
    result = gated.audit(odd(1), BROKEN)
    assert [each.rule.id for each in result.rules] == ["SY901"]
    assert not result.fitness.fit
    assert result.fitness.unfit == ("SY901: The mirror is broken (1)",)
    assert {finding.rule_id for finding in result.findings()} == {"SY901"}


def test_an_unfit_mirror_is_judged_when_asked_for_and_marked(gated: Project) -> None:
    result = gated.audit(odd(1), BROKEN, even_if_unfit=True)
    assert [each.rule.id for each in result.rules] == ["SY901", "OWN001"]
    assert result.fitness.unfit
    assert result.fitness.ignored


def test_a_fit_mirror_says_nothing_of_rules_that_were_not_asked_for(gated: Project) -> None:
    result = gated.audit(odd(1))
    assert [each.rule.id for each in result.rules] == ["OWN001"]
    assert result.fitness.fit
    assert [each.rule.id for each in gated.audit(odd(1), select=["OWN001", "SY901"]).rules] == ["SY901", "OWN001"]


def test_findings_that_do_not_make_a_mirror_unfit_are_not_kept_unasked(gated: Project) -> None:
    gated.rule("SY901", GATE.replace("l.Status AS status", "l.Status AS status, 'warning' AS severity"))
    result = gated.audit(odd(1), BROKEN)
    assert result.fitness.fit
    assert {finding.rule_id for finding in result.findings()} == {"OWN001"}


@pytest.mark.parametrize("change", ["{severity: warning}", "{enabled: false}"])
def test_a_project_may_say_that_a_rule_does_not_decide(gated: Project, change: str) -> None:
    gated.settings(f"rules:\n  SY901: {change}\n")
    assert gated.audit(odd(1), BROKEN).fitness.fit


def test_a_waived_fault_of_the_mirror_does_not_make_it_unfit(gated: Project) -> None:
    gated.settings("waivers:\n  - {rule: SY901, reason: known, expires: 2027-01-01}\n")
    assert gated.audit(odd(1), BROKEN).fitness.fit


def test_a_baseline_does_not_make_a_mirror_fit(gated: Project) -> None:
    result = gated.audit(BROKEN)
    (finding,) = result.findings()
    (gated.root / "baseline.csv").write_text(
        f"sfsync_baseline_v1,fingerprint\nSY901,{finding.fingerprint}\n", encoding="utf-8"
    )
    gated.settings("baseline: baseline.csv\n")
    assert not gated.audit().fitness.fit


def test_what_could_not_be_judged_of_the_mirror_is_told(gated: Project) -> None:
    gated.rule("SY901", GATE.replace("Status: text", "Status: text, Nowhere__c: text"))
    result = gated.audit(odd(1))
    assert result.fitness.fit
    assert "SY901" in result.fitness.blind


def test_an_unfit_mirror_teaches_nothing_about_what_is_gone(gated: Project) -> None:
    gated.audit(odd(1))
    unfit = gated.audit(BROKEN, as_of=AS_OF + timedelta(days=1), even_if_unfit=True)
    assert unfit.strip.fixed == 0
    after = gated.audit(odd(1), as_of=AS_OF + timedelta(days=2))
    assert gated.states(after) == {"1": "persisting"}
    assert after.rules[0].compared_with != unfit.audit_id


def test_the_gate_comes_first_whatever_the_order_of_rules(gated: Project) -> None:
    gated.rule("LI901", RULE.replace("OWN001", "LI901"))
    result = gated.audit(odd(1), BROKEN, select=["LI901", "SY901"], even_if_unfit=True)
    assert [each.rule.id for each in result.rules] == ["SY901", "LI901"]
    assert all(each.state is RuleState.FINDING for each in result.rules)

from __future__ import annotations

from datetime import datetime, timedelta

from sfsync.audit.history import REMEMBERED
from sfsync.audit.result import Strip
from sfsync.audit.standing import FindingState
from sfsync.records import RuleState, Severity
from sfsync.store.ledger import set_fact
from tests.unit.audit.conftest import RULE
from tests.unit.audit.results import AS_OF, Project, lead, odd

DAY = timedelta(days=1)


def test_in_a_first_audit_everything_is_new(project_with: Project) -> None:
    result = project_with.audit(odd(1), odd(2), lead(3))
    assert project_with.states(result) == {"1": "new", "2": "new"}
    assert result.strip == Strip(new=2, persisting=0, fixed=0, waived=0, not_evaluable=0)
    assert result.compared_with is None
    assert result.rules[0].compared_with is None


def test_findings_persist_go_and_come_back(project_with: Project) -> None:
    first = project_with.audit(odd(1), odd(2))
    second = project_with.audit(odd(1), lead(2), odd(3), as_of=AS_OF + DAY)
    assert project_with.states(second) == {"1": "persisting", "3": "new"}
    assert second.strip == Strip(new=1, persisting=1, fixed=1, waived=0, not_evaluable=0)
    assert second.compared_with == second.rules[0].compared_with == first.audit_id
    third = project_with.audit(odd(1), odd(2), odd(3), as_of=AS_OF + 2 * DAY)
    assert project_with.states(third) == {"1": "persisting", "2": "reappeared", "3": "persisting"}
    assert third.strip.new == 1
    assert third.rules[0].at_least(Severity.INFO, only_new=True) == 1
    assert {f.record_id: f.first_seen for f in third.findings()} == {
        odd(1)["Id"]: AS_OF,
        odd(2)["Id"]: AS_OF,
        odd(3)["Id"]: AS_OF + DAY,
    }


def test_auditing_the_same_mirror_twice_changes_nothing(project_with: Project) -> None:
    project_with.audit(odd(1))
    assert project_with.states(project_with.audit()) == {"1": "persisting"}
    with project_with.store.reading() as session:
        assert session.execute("SELECT count(*) FROM sfsync.finding_history").scalar() == 1


def test_what_was_not_judged_is_not_fixed(project_with: Project) -> None:
    project_with.audit(odd(1), odd(2))
    with project_with.store.writing() as session:
        session.execute("UPDATE sfsync.cursors SET field_names = 'Id,CreatedDate' WHERE object = 'Lead'")
    blind = project_with.audit()
    (rule,) = blind.rules
    assert rule.state is RuleState.NOT_EVALUABLE
    assert (rule.fixed, rule.not_judged) == (0, 2)
    again = project_with.audit(odd(1), lead(2), as_of=AS_OF + DAY)
    assert project_with.states(again) == {"1": "persisting"}
    assert again.rules[0].fixed == 1


def test_a_rule_that_does_not_run_leaves_its_findings_as_they_are(project_with: Project) -> None:
    project_with.rule("OWN002", RULE.replace("OWN001", "OWN002"))
    both = ["OWN001", "OWN002"]
    project_with.audit(odd(1), select=both)
    other = project_with.audit(lead(1), select=["OWN002"], as_of=AS_OF + DAY)
    assert other.strip.fixed == 1
    last = project_with.audit(select=both)
    assert {rule.rule.id: rule.fixed for rule in last.rules} == {"OWN001": 1, "OWN002": 0}


def test_a_rule_turned_on_later_is_compared_with_nothing(project_with: Project) -> None:
    project_with.audit(odd(1))
    project_with.rule("OWN002", RULE.replace("OWN001", "OWN002"))
    result = project_with.audit(select=["OWN001", "OWN002"])
    assert {rule.rule.id: rule.in_finding_state(FindingState.NEW) for rule in result.rules} == {
        "OWN001": 0,
        "OWN002": 1,
    }
    assert result.rule("OWN002").compared_with is None


def test_changed_settings_are_told_when_something_is_gone(project_with: Project) -> None:
    project_with.audit(odd(1))
    project_with.settings("rules:\n  OWN001: {params: {odd: Other}}\n")
    (rule,) = project_with.audit().rules
    assert (rule.fixed, rule.changed) == (1, True)
    assert not project_with.audit().rules[0].changed


def test_another_org_is_compared_with_nothing(project_with: Project) -> None:
    project_with.audit(odd(1))
    with project_with.store.writing() as session:
        set_fact(session, "org_id", "00D000000000002AAA")
    assert project_with.states(project_with.audit()) == {"1": "new"}


def test_a_finding_gone_for_years_is_new_when_it_comes_back(project_with: Project) -> None:
    project_with.audit(odd(1))
    project_with.audit(lead(1), as_of=AS_OF + DAY)
    project_with.audit(lead(1), as_of=AS_OF + REMEMBERED + 2 * DAY)
    late = project_with.audit(odd(1), as_of=AS_OF + REMEMBERED + 3 * DAY)
    assert project_with.states(late) == {"1": "new"}


def test_a_changed_value_does_not_make_a_finding_new(project_with: Project) -> None:
    project_with.audit(odd(1, LeadSource="Web"))
    result = project_with.audit(odd(1, LeadSource="Phone", CreatedDate=datetime(2025, 1, 1)), as_of=AS_OF + DAY)
    assert project_with.states(result) == {"1": "persisting"}


def test_numbers_of_each_rule_are_kept_for_the_trend(project_with: Project) -> None:
    project_with.audit(odd(1), odd(2))
    project_with.audit(odd(1), lead(2), as_of=AS_OF + DAY)
    with project_with.store.reading() as session:
        rows = session.execute(
            "SELECT finding_count, new_count, persisting_count, fixed_count FROM sfsync.audit_rules ORDER BY audit_id"
        ).rows
    assert rows == [(2, 2, 0, 0), (1, 0, 1, 1)]


def test_a_store_of_the_first_version_gets_what_it_lacks(project_with: Project) -> None:
    project_with.fill(odd(1))
    with project_with.store.writing() as session:
        session.execute(
            "CREATE TABLE sfsync.audits (audit_id VARCHAR, as_of TIMESTAMP, audited_at TIMESTAMP, org_id VARCHAR,"
            " timezone VARCHAR, definitions_digest VARCHAR, rule_count INTEGER)"
        )
        session.execute(
            "CREATE TABLE sfsync.findings (audit_id VARCHAR, position INTEGER, rule_id VARCHAR, object VARCHAR,"
            " record_id VARCHAR, severity VARCHAR, discriminator VARCHAR, breakdown VARCHAR, message VARCHAR,"
            " fingerprint VARCHAR)"
        )
        session.execute("INSERT INTO sfsync.audits VALUES ('20250101T000000', NULL, NULL, NULL, 'UTC', '', 1)")
    assert project_with.states(project_with.audit()) == {"1": "new"}

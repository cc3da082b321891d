from __future__ import annotations

from datetime import timedelta

import pytest

from sfsync.errors import ConfigError
from sfsync.record_ids import long_id
from sfsync.records import RuleState, Severity
from tests.unit.audit.conftest import RULE
from tests.unit.audit.results import AS_OF, Project, lead, odd

#: Finds two faults of each lead, told apart by the field they are in.
BY_FIELD = RULE.replace(
    "SELECT l.Id AS record_id, l.Status AS status\n",
    "SELECT l.Id AS record_id, l.Status AS status, 'LeadSource' AS discriminator\n",
).replace("OWN001", "OWN002")


def waivers(*lines: str) -> str:
    return "waivers:\n" + "".join(f"  - {{{line}}}\n" for line in lines)


GOOD = "reason: agreed, by: ana, expires: 2027-03-31"


def test_a_waived_finding_is_stored_and_counted_apart_and_fails_nothing(project_with: Project) -> None:
    project_with.settings(waivers(f"rule: OWN001, record: {long_id(odd(1)['Id'])}, {GOOD}"))
    result = project_with.audit(odd(1), odd(2))
    assert project_with.states(result) == {"1": "waived", "2": "new"}
    (rule,) = result.rules
    assert (rule.count, rule.severities, result.strip.waived) == (1, {Severity.WARNING: 1}, 1)
    assert result.at_least(Severity.INFO) == 1
    (waiver,) = result.waivers.listed
    assert (waiver.findings, waiver.unused, waiver.place) == (1, False, "sfsync.yml:4:5")
    assert [finding.waiver for finding in result.findings()] == [1, None]


def test_a_rule_whose_findings_are_all_waived_passes(project_with: Project) -> None:
    project_with.settings(waivers(f"rule: OWN, {GOOD}"))
    result = project_with.audit(odd(1))
    assert result.rules[0].state is RuleState.PASS
    assert result.strip.waived == 1


def test_ids_of_fifteen_characters_mean_the_same_record(project_with: Project) -> None:
    project_with.settings(waivers(f"rule: OWN001, record: {odd(1)['Id'][:15]}, {GOOD}"))
    assert project_with.states(project_with.audit(odd(1), odd(2))) == {"1": "waived", "2": "new"}


@pytest.mark.parametrize("field", ["Lead.LeadSource", "lead.leadsource"])
@pytest.mark.parametrize("told", ["LeadSource", "Lead.LeadSource", "Lead.LeadSource/path/x"])
def test_a_field_is_waived_where_a_rule_tells_fields_apart(project_with: Project, field: str, told: str) -> None:
    project_with.rule("OWN002", BY_FIELD.replace("'LeadSource' AS", f"'{told}' AS"))
    project_with.settings(waivers(f"rule: OWN, field: {field}, {GOOD}"))
    result = project_with.audit(odd(1), select=["OWN"])
    assert {f.rule_id: f.state for f in result.findings()} == {"OWN001": "new", "OWN002": "waived"}


def test_a_field_of_one_record_is_waived_alone(project_with: Project) -> None:
    project_with.rule("OWN002", BY_FIELD)
    project_with.settings(waivers(f"rule: OWN002, field: Lead.LeadSource, record: {long_id(odd(1)['Id'])}, {GOOD}"))
    assert project_with.states(project_with.audit(odd(1), odd(2), select=["OWN002"])) == {"1": "waived", "2": "new"}


def test_the_narrowest_waiver_counts(project_with: Project) -> None:
    project_with.settings(waivers(f"rule: OWN001, {GOOD}", f"rule: OWN001, record: {long_id(odd(1)['Id'])}, {GOOD}"))
    result = project_with.audit(odd(1), odd(2))
    assert [waiver.findings for waiver in result.waivers.listed] == [1, 1]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("rule: OWN001, expires: 2027-01-01", "`reason` is missing"),
        ("rule: OWN001, reason: ' ', expires: 2027-01-01", "the reason is empty"),
        ("rule: OWN001, reason: agreed", "`expires` is missing"),
        ("rule: OWN001, reason: agreed, expires: soon", "should be a date"),
        ("rule: OWN001, reason: agreed, expires: 2027-02-30", "should be a date"),
        ("rule: OWN001, reason: agreed, expire: 2027-02-03", "unknown key `expire`"),
        ("rule: OWN001, reason: agreed, expires: 2027-02-03, record: ", "`record` has no value"),
        ("rule: OWN001, reason: agreed, expires: 2027-02-03, record: 00Q", "not a record Id"),
        ("rule: OWN001, reason: agreed, expires: 2027-02-03, record: 00Q000000000001AAB", "last three characters"),
        ("rule: OWN001, reason: agreed, expires: 2027-02-03, field: LeadSource", "not a field of an object"),
        ("reason: agreed, expires: 2027-02-03", "`rule` is missing"),
    ],
)
def test_a_waiver_that_is_not_in_order_does_not_apply_and_is_told(
    project_with: Project, line: str, message: str
) -> None:
    project_with.settings(waivers(line))
    result = project_with.audit(odd(1))
    assert project_with.states(result) == {"1": "new"}
    (problem,) = result.waivers.malformed
    assert message in problem.message
    assert problem.place.startswith("sfsync.yml:4:")


def test_one_malformed_waiver_does_not_spoil_the_others(project_with: Project) -> None:
    project_with.settings(waivers("rule: OWN001", f"rule: OWN001, record: {long_id(odd(1)['Id'])}, {GOOD}"))
    result = project_with.audit(odd(1), odd(2))
    assert project_with.states(result) == {"1": "waived", "2": "new"}
    assert result.findings()[0].waiver == 2


@pytest.mark.parametrize(("days", "state"), [(-1, "new"), (0, "waived"), (1, "waived")])
def test_a_waiver_holds_to_the_end_of_its_day_by_the_mirrors_time(project_with: Project, days: int, state: str) -> None:
    project_with.settings(waivers(f"rule: OWN001, reason: agreed, expires: {AS_OF.date() + timedelta(days=days)}"))
    result = project_with.audit(odd(1))
    assert project_with.states(result) == {"1": state}
    assert result.waivers.listed[0].expired is (days < 0)


def test_a_waiver_that_ends_within_thirty_days_is_told(project_with: Project) -> None:
    lines = [f"rule: OWN001, reason: agreed, expires: {AS_OF.date() + timedelta(days=days)}" for days in (-1, 30, 31)]
    project_with.settings(waivers(*lines))
    assert [each.expires_soon for each in project_with.audit(odd(1)).waivers.listed] == [False, True, False]


def test_an_expired_waiver_makes_no_finding_new_that_was_there_before(project_with: Project) -> None:
    project_with.settings(waivers("rule: OWN001, reason: agreed, expires: 2026-02-01"))
    project_with.audit(odd(1))
    later = project_with.audit(odd(1), as_of=AS_OF + timedelta(days=5))
    assert project_with.states(later) == {"1": "persisting"}


def test_a_rule_that_does_not_exist_is_an_error_at_its_line(project_with: Project) -> None:
    project_with.settings(waivers(f"rule: OWN01, {GOOD}", f"rule: OWN009, {GOOD}"))
    with pytest.raises(ConfigError, match=r"sfsync.yml:4:12: no rule is called `OWN01`") as error:
        project_with.audit(odd(1))
    assert "did you mean `OWN001`?" in str(error.value)
    assert len(error.value.problems) == 2


def test_unused_waivers_are_listed_unless_their_rule_did_not_run(project_with: Project) -> None:
    project_with.rule("OWN002", RULE.replace("OWN001", "OWN002"))
    project_with.settings(waivers(f"rule: OWN001, {GOOD}", f"rule: OWN002, {GOOD}"))
    result = project_with.audit(lead(1))
    assert [waiver.unused for waiver in result.waivers.listed] == [True, False]


def test_a_thousand_waivers_are_each_held_against_their_record(project_with: Project) -> None:
    project_with.settings(waivers(*(f"rule: OWN001, record: {long_id(odd(n)['Id'])}, {GOOD}" for n in range(1000))))
    result = project_with.audit(*(odd(n) for n in range(0, 1010, 5)))
    assert (result.strip.waived, result.strip.new) == (200, 2)
    assert sum(waiver.unused for waiver in result.waivers.listed) == 800

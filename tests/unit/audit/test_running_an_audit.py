from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

import sfsync
from sfsync.audit import audit, ledger
from sfsync.audit.ledger import read_findings
from sfsync.config.settings import RuleSettings, Settings
from sfsync.errors import ConfigError, MirrorUnfit, RuleError, UsageError
from sfsync.records import Confidence, FieldDescribe, RuleState, Severity
from sfsync.store.duckdb import DuckDBStore
from tests.unit.audit.conftest import AS_OF, MakeMirror, converted, lead

OWN_RULE = """\
version: 1
id: OWN001
name: own-rule
title: A rule of one's own
group: own
since: "1"
object: Lead
population: leads
severity: warning
confidence: {confidence}
why: Because.
remedy: Do something.
needs:
  Lead: {{Id: text, Status: text}}
eligible: SELECT l.Id AS record_id FROM sf.Lead AS l
sql: |
  {sql}
message: "found"
examples:
  - name: finds
    given: {{Lead: [{{Id: 00QFk0000000001MAA, Status: Odd}}]}}
    finds: [00QFk0000000001MAA]
  - name: clean
    given: {{Lead: [{{Id: 00QFk0000000001MAA, Status: Fine}}]}}
    finds: []
"""


def own_rule(folder: Path, sql: str, confidence: str = "certain") -> Path:
    (folder / "rules").mkdir()
    (folder / "rules" / "OWN001.yml").write_text(OWN_RULE.format(sql=sql, confidence=confidence))
    return folder / "rules"


def test_a_fault_is_found_and_stored(mirror: MakeMirror) -> None:
    store = mirror(Lead=[lead(1, LeadSource=None), lead(2), converted(3, LeadSource=" ")])
    result = audit(store, Settings(), select=["LI001"])
    (rule,) = result.rules
    assert (rule.state, rule.count, rule.eligible) == (RuleState.FINDING, 2, 3)
    assert rule.breakdown == {"open": 1, "converted": 1}
    assert rule.severities == {Severity.WARNING: 2}
    assert result.as_of == AS_OF
    first, second = result.findings()
    assert (first.rule_id, first.severity, first.object, first.record_id) == (
        "LI001",
        Severity.WARNING,
        "Lead",
        lead(1)["Id"],
    )
    assert first.message == "LeadSource is empty (open lead)"
    assert second.record_id == lead(3)["Id"]


def test_findings_can_be_read_for_one_rule_and_up_to_a_limit(mirror: MakeMirror) -> None:
    store = mirror(Lead=[converted(n, LeadSource=None, ConvertedAccountId=None) for n in range(5)])
    result = audit(store, Settings(), select=["LI001", "CV001"])
    assert len(result.findings()) == 10
    assert {finding.rule_id for finding in result.findings("CV001")} == {"CV001"}
    assert len(result.findings("CV001", limit=2)) == 2


def test_a_rule_without_anything_wrong_passes(mirror: MakeMirror) -> None:
    rule = audit(mirror(Lead=[converted(1)]), Settings(), select=["CV001"]).rule("CV001")
    assert (rule.state, rule.count, rule.eligible, rule.reason) == (RuleState.PASS, 0, 1, None)
    assert not rule.vacuous


def test_passing_with_nothing_to_judge_is_not_the_same_as_passing(mirror: MakeMirror) -> None:
    rule = audit(mirror(Lead=[lead(1)]), Settings(), select=["CV001"]).rule("CV001")
    assert (rule.state, rule.eligible, rule.rate) == (RuleState.PASS, 0, None)
    assert rule.vacuous
    assert rule.reason == "nothing to judge: no converted leads"


def test_an_empty_object_is_not_evaluable_because_access_may_be_missing(mirror: MakeMirror) -> None:
    store = mirror(Lead=[], described={"Lead.LeadSource": FieldDescribe("LeadSource", "picklist")})
    rule = audit(store, Settings(), select=["LI001"]).rule("LI001")
    assert rule.state is RuleState.NOT_EVALUABLE
    assert "holds no Lead record" in (rule.reason or "")


def test_a_missing_object_is_not_evaluable_and_says_how_to_enable_it(mirror: MakeMirror) -> None:
    rule = audit(mirror(Lead=[lead(1)]), Settings(), select=["OP001"]).rule("OP001")
    assert (rule.state, rule.eligible, rule.count, rule.sql) == (RuleState.NOT_EVALUABLE, None, 0, "")
    assert rule.reason == "Opportunity is not in the mirror"
    assert "`sfsync pull`" in (rule.enable or "")


def test_a_field_the_user_can_no_longer_read_is_not_evaluable_though_its_old_values_are_there(
    mirror: MakeMirror,
) -> None:
    mirror(Lead=[converted(1, ConvertedAccountId=None)])
    without = {name: value for name, value in converted(1).items() if name != "ConvertedAccountId"}
    store = mirror(Lead=[without])
    rule = audit(store, Settings(), select=["CV001"]).rule("CV001")
    assert rule.state is RuleState.NOT_EVALUABLE
    assert "Lead.ConvertedAccountId" in (rule.reason or "")


def test_an_optional_field_that_is_no_longer_readable_reads_as_null(mirror: MakeMirror) -> None:
    leads = [converted(1, ConvertedContactId=None)]
    mirror(Lead=leads, Account=[{"Id": leads[0]["ConvertedAccountId"], "IsDeleted": False, "IsPersonAccount": True}])
    store = mirror(Lead=leads, Account=[{"Id": leads[0]["ConvertedAccountId"], "IsDeleted": False}])
    with store.writing() as session:
        session.execute('UPDATE sf_all."Account" SET "IsPersonAccount" = TRUE')
    assert audit(store, Settings(), select=["CV002"]).rule("CV002").count == 1


def test_a_field_of_another_type_is_not_evaluable_rather_than_a_crash(mirror: MakeMirror) -> None:
    store = mirror(
        Lead=[converted(1, ConvertedDate="soon")],
        described={"Lead.ConvertedDate": FieldDescribe("ConvertedDate", "string")},
    )
    rule = audit(store, Settings(), select=["CV006"]).rule("CV006")
    assert rule.state is RuleState.NOT_EVALUABLE
    assert rule.reason == "Lead.ConvertedDate holds text values, where the rule expects date"


def test_field_names_are_found_in_any_case(mirror: MakeMirror) -> None:
    record = {name.upper(): value for name, value in converted(1, ConvertedAccountId=None).items()}
    described = {
        f"Lead.{f.name.upper()}": FieldDescribe(f.name.upper(), f.type)
        for f in (
            FieldDescribe("IsDeleted", "boolean"),
            FieldDescribe("IsConverted", "boolean"),
        )
    }
    assert audit(mirror(Lead=[record], described=described), Settings(), select=["CV001"]).rule("CV001").count == 1


def test_without_a_mirror_there_is_nothing_to_judge(store: DuckDBStore) -> None:
    with pytest.raises(MirrorUnfit) as error:
        audit(store, Settings())
    assert "sfsync pull" in (error.value.hint or "")
    assert not store.exists()


def test_a_mirror_that_was_never_pulled_is_unfit(mirror: MakeMirror) -> None:
    with pytest.raises(MirrorUnfit):
        audit(mirror(), Settings())


def test_everything_is_judged_as_of_the_mirrors_time(mirror: MakeMirror) -> None:
    deal = {"Id": "006000000000001AAA", "IsDeleted": False, "IsClosed": False, "CloseDate": date(2020, 5, 10)}
    earlier = audit(mirror(as_of=datetime(2020, 5, 10, 23), Opportunity=[deal]), Settings(), select=["OP007"])
    assert earlier.rule("OP007").state is RuleState.PASS
    later = audit(mirror(as_of=datetime(2020, 5, 11, 1), Opportunity=[deal]), Settings(), select=["OP007"])
    assert later.rule("OP007").state is RuleState.FINDING


@pytest.mark.parametrize(("timezone", "found"), [("UTC", 0), ("Asia/Tokyo", 1), ("America/New_York", 0)])
def test_the_day_is_counted_in_the_orgs_time_zone(mirror: MakeMirror, timezone: str, found: int) -> None:
    deal = {"Id": "006000000000001AAA", "IsDeleted": False, "IsClosed": False, "CloseDate": date(2020, 5, 10)}
    store = mirror(as_of=datetime(2020, 5, 10, 16), Opportunity=[deal])
    assert audit(store, Settings(timezone=timezone), select=["OP007"]).rule("OP007").count == found


def test_fingerprints_are_stable_and_hold_no_values(mirror: MakeMirror) -> None:
    def fingerprints(source: str | None) -> list[str]:
        store = mirror(as_of=datetime(2025, 6, 1), Lead=[converted(1, LeadSource=source, ConvertedAccountId=None)])
        return [finding.fingerprint for finding in audit(store, Settings(), select=["CV001"]).findings()]

    assert fingerprints("Web") == fingerprints("Phone")


def test_several_faults_of_one_record_have_fingerprints_of_their_own(mirror: MakeMirror) -> None:
    objects = {name: [{"Id": "x", "IsDeleted": False}] for name in ("Account", "Contact", "Opportunity")}
    result = audit(mirror(Lead=[converted(1)], **objects), Settings(), select=["CV003"])
    findings = result.findings()
    assert len(findings) == 2
    assert len({finding.fingerprint for finding in findings}) == 2
    assert result.rule("CV003").eligible == 2


def test_hostile_values_are_data_and_nothing_else(mirror: MakeMirror) -> None:
    source = "'; DROP TABLE sfsync.findings; -- {x} $as_of %s"
    leads = [lead(n, LeadSource=source, CreatedDate=datetime(2020, 1, 1)) for n in range(3)]
    result = audit(mirror(Lead=leads), Settings(), select=["LA004"])
    assert result.rule("LA004").breakdown == {source: 3}
    assert source in result.findings()[0].message


def test_long_values_are_cut_in_messages(mirror: MakeMirror) -> None:
    result = audit(
        mirror(Lead=[lead(1, LeadSource="x" * 5000, CreatedDate=datetime(2020, 1, 1))]), Settings(), select=["LA004"]
    )
    assert len(result.findings()[0].message) < 500


def test_thresholds_come_from_the_orgs_own_data_where_there_is_enough_of_it(mirror: MakeMirror) -> None:
    won = [converted(n, CreatedDate=datetime(2025, 1, 1), ConvertedDate=date(2025, 1, 1 + n % 10)) for n in range(50)]
    few = [converted(100 + n, LeadSource="Fair", ConvertedDate=date(2026, 1, 16)) for n in range(49)]
    still_open = [lead(200, CreatedDate=AS_OF - timedelta(days=10)), lead(201, LeadSource="Fair")]
    rule = audit(mirror(Lead=[*won, *few, *still_open]), Settings(), select=["LA004"]).rule("LA004")
    assert [(t.segment, t.value, t.n, t.origin) for t in rule.thresholds] == [
        ("Fair", 90, 49, "fallback"),
        ("Web", 9, 50, "auto"),
    ]
    assert rule.count == 1


def test_a_project_sets_parameters_and_severity(mirror: MakeMirror) -> None:
    store = mirror(Lead=[lead(1)])
    settings = Settings(rules={"LA004": RuleSettings(severity=Severity.INFO, params={"days": 10})})
    result = audit(store, settings, select=["LA004"])
    assert result.rule("LA004").severity is Severity.INFO
    assert result.findings()[0].severity is Severity.INFO
    assert result.rule("LA004").values == {"days": 10}
    assert "is 10 days" in result.findings()[0].message


def test_a_project_gives_a_graded_rule_one_severity(mirror: MakeMirror) -> None:
    deal = {"Id": "006000000000001AAA", "IsDeleted": False, "IsClosed": False, "CloseDate": date(2020, 5, 10)}
    settings = Settings(rules={"OP007": RuleSettings(severity=Severity.INFO)})
    assert audit(mirror(Opportunity=[deal]), settings, select=["OP007"]).findings()[0].severity is Severity.INFO


def test_a_disabled_rule_is_left_out_and_named(mirror: MakeMirror) -> None:
    settings = Settings(rules={"LI001": RuleSettings(enabled=False)})
    result = audit(mirror(Lead=[lead(1)]), settings)
    assert "LI001" not in {each.rule.id for each in result.rules}
    assert result.disabled == ("LI001",)
    assert "turned off in sfsync.yml: LI001" in result.warnings


def test_a_disabled_rule_runs_when_it_is_asked_for_by_name(mirror: MakeMirror) -> None:
    settings = Settings(rules={"LI001": RuleSettings(enabled=False)})
    assert [each.rule.id for each in audit(mirror(Lead=[lead(1)]), settings, select=["LI001"]).rules] == ["LI001"]


def test_rules_are_selected_by_code_and_shown_in_the_order_of_a_leads_life(mirror: MakeMirror) -> None:
    store = mirror(Lead=[lead(1)])
    ran = [each.rule.id for each in audit(store, Settings(), select=["CV,li001"]).rules]
    assert ran[:4] == ["LI001", "CV001", "CV002", "CV003"]
    assert {rule_id[:2] for rule_id in ran[4:]} == {"CV"}


def test_selecting_a_rule_that_does_not_exist_suggests_the_nearest(mirror: MakeMirror) -> None:
    with pytest.raises(UsageError) as error:
        audit(mirror(Lead=[lead(1)]), Settings(), select=["CX001"])
    assert "did you mean `" in (error.value.hint or "")


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"LI0001": RuleSettings()}, "did you mean `LI001`"),
        ({"LI001": RuleSettings(params={"grace_hour": 2})}, "did you mean `grace_hours`"),
        ({"LI001": RuleSettings(params={"grace_hours": "two"})}, "should be a whole number, not `two`"),
        ({"LI001": RuleSettings(params={"grace_hours": -1})}, "should be at least 0"),
        ({"LI001": RuleSettings(params={"since": "last year"})}, "should be a date like 2026-01-31"),
        ({"LA004": RuleSettings(params={"days": "automatic"})}, "should be a number or `auto`"),
    ],
)
def test_settings_for_what_does_not_exist_or_fit_are_errors(
    mirror: MakeMirror, rules: dict[str, RuleSettings], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        audit(mirror(Lead=[lead(1)]), Settings(rules=rules))


def test_an_audit_that_fails_leaves_nothing_behind(mirror: MakeMirror, tmp_path: Path) -> None:
    sql = "SELECT l.Id AS record_id FROM sf.Lead AS l UNION ALL SELECT l.Id AS record_id FROM sf.Lead AS l"
    store = mirror(Lead=[lead(1, LeadSource=None)])
    audit(store, Settings(), select=["LI001"])
    with pytest.raises(RuleError, match="finds a record twice"):
        audit(store, Settings(), rules_dir=own_rule(tmp_path, sql))
    with store.reading() as session:
        assert session.execute("SELECT count(*) FROM sfsync.audits").scalar() == 1
        assert session.execute("SELECT count(*) FROM sfsync.findings").scalar() == 1
        assert session.execute("SELECT count(*) FROM sfsync.runs WHERE verb = 'audit'").scalar() == 1


def test_a_rule_that_finds_a_record_twice_is_told_so(mirror: MakeMirror, tmp_path: Path) -> None:
    sql = "SELECT l.Id AS record_id FROM sf.Lead AS l UNION ALL SELECT l.Id AS record_id FROM sf.Lead AS l"
    with pytest.raises(RuleError, match="OWN001: the SQL finds a record twice") as error:
        audit(mirror(Lead=[lead(1)]), Settings(), rules_dir=own_rule(tmp_path, sql), select=["OWN001"])
    assert "discriminator" in (error.value.problems[0].hint or "")


def test_a_rule_that_finds_nobody_in_particular_is_told_so(mirror: MakeMirror, tmp_path: Path) -> None:
    sql = "SELECT CAST(NULL AS VARCHAR) AS record_id FROM sf.Lead AS l"
    with pytest.raises(RuleError, match="without a record_id"):
        audit(mirror(Lead=[lead(1)]), Settings(), rules_dir=own_rule(tmp_path, sql), select=["OWN001"])


def test_a_rule_with_an_unknown_severity_is_told_so(mirror: MakeMirror, tmp_path: Path) -> None:
    sql = "SELECT l.Id AS record_id, 'fatal' AS severity FROM sf.Lead AS l"
    with pytest.raises(RuleError, match="the column `severity` holds 'fatal'"):
        audit(mirror(Lead=[lead(1)]), Settings(), rules_dir=own_rule(tmp_path, sql), select=["OWN001"])


def test_heuristic_rules_never_count_against_a_run(mirror: MakeMirror, tmp_path: Path) -> None:
    rules = own_rule(tmp_path, "SELECT l.Id AS record_id FROM sf.Lead AS l", "heuristic")
    result = audit(mirror(Lead=[lead(1)]), Settings(), rules_dir=rules, select=["OWN001"])
    assert result.rule("OWN001").rule.confidence is Confidence.HEURISTIC
    assert result.rule("OWN001").count == 1
    assert result.at_least(Severity.INFO) == 0


def test_severities_are_counted_from_the_worst_down(mirror: MakeMirror) -> None:
    deals = [
        {
            "Id": f"00600000000000{n}AAA",
            "IsDeleted": False,
            "IsClosed": False,
            "CloseDate": AS_OF.date() - timedelta(days=late),
        }
        for n, late in enumerate((1, 7, 8))
    ]
    result = audit(mirror(Opportunity=deals), Settings(), select=["OP007"])
    rule = result.rule("OP007")
    assert rule.severities == {Severity.ERROR: 1, Severity.WARNING: 2}
    assert (rule.worst, rule.at_least(Severity.ERROR), rule.at_least(Severity.WARNING)) == (Severity.ERROR, 1, 3)
    assert result.at_least(Severity.INFO) == 3


def test_findings_of_earlier_audits_stay_until_they_are_old(
    mirror: MakeMirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = 4
    assert kept < ledger.KEPT_AUDITS
    monkeypatch.setattr(ledger, "KEPT_AUDITS", kept)
    store = mirror(Lead=[lead(1, LeadSource=None)])
    ids = [audit(store, Settings(), select=["LI001"]).audit_id for _ in range(kept + 2)]
    assert ids == sorted(ids)
    with store.reading() as session:
        assert read_findings(session, ids[0]) == []
        assert len(read_findings(session, ids[2])) == 1
        assert session.execute("SELECT count(*) FROM sfsync.audit_rules").scalar() == len(ids)


def test_what_became_of_every_rule_is_stored_passes_too(mirror: MakeMirror) -> None:
    store = mirror(Lead=[lead(1, LeadSource=None)])
    audit(store, Settings(), select=["LI001", "CV001", "OP001"])
    with store.reading() as session:
        rows = session.execute(
            "SELECT rule_id, state, finding_count, eligible FROM sfsync.audit_rules ORDER BY position"
        ).rows
    assert rows == [("LI001", "finding", 1, 1), ("CV001", "pass", 0, 0), ("OP001", "not_evaluable", 0, None)]


def test_an_audit_appears_among_the_runs(mirror: MakeMirror) -> None:
    store = mirror(Lead=[lead(1, LeadSource=None)])
    result = audit(store, Settings(), select=["LI001"])
    with store.reading() as session:
        (state, summary) = session.execute("SELECT state, summary FROM sfsync.runs WHERE verb = 'audit'").rows[0]
    assert state == "done"
    assert result.audit_id in summary


def test_warnings_say_what_could_not_be_judged(mirror: MakeMirror) -> None:
    store = mirror(Lead=[lead(1)])
    assert audit(store, Settings(), select=["LI001", "OP001"]).warnings == (
        "1 of 2 rules could not be evaluated: OP001",
    )
    assert audit(store, Settings(), select=["OP001"]).warnings == (
        "no rule could judge this mirror: nothing is known to be right",
    )


def test_the_definitions_used_are_hashed_into_the_result(mirror: MakeMirror) -> None:
    settings = Settings.model_validate({"definitions": {"lead_status": {"disqualified": ["Dead"]}}})
    result = audit(mirror(Lead=[lead(1)]), settings, select=["LA004"])
    assert result.definitions_digest == settings.definitions.digest()
    assert result.rule("LA004").reason is None


def test_an_undefined_but_optional_notion_is_said(mirror: MakeMirror) -> None:
    reason = audit(mirror(Lead=[lead(1)]), Settings(), select=["LA004"]).rule("LA004").reason
    assert reason == "every unconverted lead counts as open, because no lead status is defined as disqualified"


def test_the_public_name_can_be_called_whatever_was_imported_before(mirror: MakeMirror) -> None:
    store = mirror(Lead=[lead(1)])
    assert callable(sfsync.audit)
    assert sfsync.audit(store, Settings(), select=["LI001"]).rule("LI001").state is RuleState.PASS

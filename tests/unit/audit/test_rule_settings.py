"""What sfsync.yml changes about rules: layers over each other, conditions, segments, limits, and profiles."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from sfsync.audit.choice import choose, profile_of
from sfsync.audit.load import parse_rule
from sfsync.audit.overrides import ResolvedRule, resolve_rules
from sfsync.config.settings import Limit, settings_from
from sfsync.config.yaml_reader import parse_yaml
from sfsync.errors import ConfigError, UsageError
from sfsync.records import Severity
from tests.unit.audit.conftest import RULE
from tests.unit.audit.results import MakeProject, lead, odd

RULES = [
    parse_rule(RULE.replace("OWN001", rule_id).replace("version: 1", f"version: 1\n{more}", 1), "x.yml")
    for rule_id, more in (("OWN001", ""), ("OWN002", ""), ("OWN010", "enabled: false"), ("ELSE001", ""))
]


def resolved(text: str, rule_id: str = "OWN001", profile: str | None = None) -> ResolvedRule:
    document = parse_yaml(f"version: 1\n{text}", "sfsync.yml")
    rules = resolve_rules(RULES, settings_from(document), document, profile=profile)
    return next(each for each in rules if each.rule.id == rule_id)


def refused(text: str) -> list[str]:
    document = parse_yaml(f"version: 1\n{text}", "sfsync.yml")
    with pytest.raises(ConfigError) as error:
        resolve_rules(RULES, settings_from(document), document)
    return [str(problem) for problem in error.value.problems]


LAYERS = """\
target_org: prod
orgs:
  prod: {rules: {OWN001: {severity: info, params: {odd: org, words: [org]}}}}
  other: {rules: {OWN001: {owner: nobody}}}
profiles:
  weekly: {rules: {OWN: {params: {odd: profile}}, OWN001: {owner: profile}}}
rules:
  OWN: {severity: error}
  OWN001: {params: {odd: rule}, by: {LeadSource: {Web: {odd: segment}}}}
"""


def test_later_layers_win_over_earlier_ones() -> None:
    rule = resolved(LAYERS, profile="weekly")
    assert rule.values == {"odd": "rule", "words": ("org",)}
    assert rule.severity is Severity.ERROR
    assert rule.owner == "profile"
    (segment,) = rule.segments
    assert segment.values == {"odd": "segment", "words": ("org",)}
    assert segment.severity is Severity.ERROR


def test_without_the_profile_it_does_not_hold() -> None:
    assert resolved(LAYERS).owner is None
    assert resolved(LAYERS, "OWN002", "weekly").values["odd"] == "profile"
    assert resolved(LAYERS, "OWN002").values["odd"] == "Odd"


def test_every_value_knows_where_it_comes_from() -> None:
    origins = {name: str(origin) for name, origin in resolved(LAYERS, profile="weekly").origins.items()}
    assert origins == {
        "enabled": "default",
        "severity": "rule, sfsync.yml:9",
        "owner": "profile, sfsync.yml:7",
        "params.odd": "rule, sfsync.yml:10",
        "params.words": "org, sfsync.yml:4",
        "by.LeadSource.Web.odd": "segment, sfsync.yml:10",
    }


def test_the_longer_code_wins_within_a_layer() -> None:
    text = "rules:\n  OWN001: {severity: info}\n  OWN: {severity: error}\n"
    assert resolved(text).severity is Severity.INFO
    assert resolved(text, "OWN002").severity is Severity.ERROR


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("rules: {OWM001: {}}", "sfsync.yml:2:9: there is no rule `OWM001` (did you mean `OWN001`?)"),
        ("rules: {OWN001: {params: {od: x}}}", "sfsync.yml:2:27: OWN001 has no parameter `od` (did you mean `odd`?)"),
        ("rules: {OWN: {params: {od: x}}}", "has a parameter `od` (did you mean `odd`?)"),
        ("rules: {OWN001: {by: {LeadSource: {Web: {od: x}}}}}", "sfsync.yml:2:42: OWN001 has no parameter `od`"),
        ("rules: {OWN001: {by: {LeadSource: {Web: {odd: 3}}}}}", "`odd` should be a text, not `3`"),
        ("rules: {OWN001: {params: {odd: 3}}}", "sfsync.yml:2:32: `odd` should be a text, not `3`"),
        ("orgs: {a: {rules: {OWN003: {}}}}", "sfsync.yml:2:20: there is no rule `OWN003`"),
        ("profiles: {p: {rules: {OWN003: {}}}}", "sfsync.yml:2:24: there is no rule `OWN003`"),
        ("profiles: {p: {select: [OWN, CW]}}", "sfsync.yml:2:30: no rule begins with `CW`"),
        ("profiles: {p: {ignore: [CW]}}", "sfsync.yml:2:25: no rule begins with `CW`"),
        ("rules: {OWN001: {where: 'Status ='}}", "sfsync.yml:2:"),
        ("rules: {OWN001: {where: \"Status = 'a'; DROP TABLE x\"}}", "not a condition"),
        ('rules: {OWN001: {where: "1 = 1 UNION SELECT 1"}}', "not a condition"),
        ('rules: {OWN001: {where: "1 = 1 GROUP BY 1"}}', "not a condition"),
        ('rules: {OWN001: {where: "Id IN (SELECT Id FROM sf.User)"}}', "no other table"),
        ("rules: {OWN001: {where: \"getenv('HOME') = 'x'\"}}", "the function `getenv`"),
        ('rules: {OWN001: {where: "CreatedDate < now()"}}', "reads the clock"),
        ('rules: {OWN001: {where: "Status = $odd"}}', "`$odd` is not known here"),
        ("rules: {OWN001: {where: \"Account.Owner.Name = 'x'\"}}", "goes too far"),
    ],
)
def test_names_and_conditions_nobody_knows_are_errors_at_their_place(text: str, told: str) -> None:
    assert told in "\n".join(refused(text))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("rules: {OWN001: {warn: {}}}", "neither `count` nor `percent`"),
        ("rules: {OWN001: {warn: {percent: 120}}}", "less than or equal to 100"),
        ("rules: {OWN001: {warn: {count: 3, min_eligible: 4}}}", "`min_eligible` goes with `percent`"),
        ("rules: {OWN001: {warm: {count: 3}}}", "unknown key `warm` (did you mean `warn`?)"),
        ("rules: {OWN001: {by: {'a b': {x: {}}}}}", "`a b` is not a field"),
        ("profiles: {Nightly: {}}", "cannot be the name of a profile"),
        ("profiles: {p: {selct: [CV]}}", "unknown key `selct` (did you mean `select`?)"),
        ("profiles: {p: {select: []}}", "is empty"),
    ],
)
def test_settings_that_do_not_fit_are_told(text: str, told: str) -> None:
    with pytest.raises(ConfigError) as error:
        settings_from(parse_yaml(f"version: 1\n{text}", "sfsync.yml"))
    assert told in "\n".join(str(problem) for problem in error.value.problems)


def chosen(text: str = "", **options: Sequence[str] | str | None) -> list[str]:
    document = parse_yaml(f"version: 1\n{text}", "sfsync.yml")
    settings = settings_from(document)
    rules = resolve_rules(RULES, settings, document)
    return [each.rule.id for each in choose(rules, settings, **options).running]  # type: ignore[arg-type]


def test_without_a_choice_every_rule_runs_that_is_not_off() -> None:
    assert chosen() == ["OWN001", "OWN002", "ELSE001"]
    assert chosen("rules: {OWN010: {enabled: true}, OWN001: {enabled: false}}") == ["OWN002", "OWN010", "ELSE001"]


@pytest.mark.parametrize(
    ("select", "ignore", "running"),
    [
        (["OWN"], [], ["OWN001", "OWN002"]),
        (["own001,ELSE"], [], ["OWN001", "ELSE001"]),
        (["OWN010"], [], ["OWN010"]),
        ([], ["OWN002"], ["OWN001", "ELSE001"]),
        (["OWN"], ["OWN002"], ["OWN001"]),
        (["OWN001"], ["OWN"], ["OWN001"]),
        (["OWN"], ["OWN"], []),
    ],
)
def test_the_longer_code_of_select_and_ignore_wins(select: list[str], ignore: list[str], running: list[str]) -> None:
    assert chosen(select=select, ignore=ignore) == running


def test_a_profile_chooses_and_an_option_stands_in_its_place() -> None:
    text = "profiles: {p: {select: [OWN], ignore: [OWN002]}}"
    assert chosen(text, profile="p") == ["OWN001"]
    assert chosen(text, profile="p", select=["ELSE"]) == ["ELSE001"]


def test_built_in_profiles_are_there_and_can_be_replaced() -> None:
    settings = settings_from(parse_yaml("version: 1\nprofiles: {nightly: {fail_on: never}}", "sfsync.yml"))
    assert profile_of(settings, "nightly").fail_on == "never"
    assert profile_of(settings, "migration").select == ("SY", "RI", "MC", "FM", "DU")
    assert profile_of(settings, "quarter-end").fail_on == "error"
    assert profile_of(settings, None).select is None
    with pytest.raises(UsageError) as error:
        profile_of(settings, "nightli")
    assert "did you mean `nightly`?" in (error.value.hint or "")


def test_an_unknown_code_is_refused_with_a_suggestion() -> None:
    for options in ({"select": ["OWM01"]}, {"ignore": ["OWM01"]}):
        with pytest.raises(UsageError, match="`OWM01`"):
            chosen(**options)


def test_rules_off_by_their_file_are_not_told_as_turned_off() -> None:
    document = parse_yaml("version: 1\nrules: {OWN001: {enabled: false}}", "sfsync.yml")
    settings = settings_from(document)
    choice = choose(resolve_rules(RULES, settings, document), settings)
    assert (choice.turned_off, choice.off_by_default) == (("OWN001",), ("OWN010",))


def test_only_the_records_that_meet_the_condition_are_judged(project_with: MakeProject) -> None:
    project_with.settings("rules: {OWN001: {where: \"LeadSource <> 'Test' AND CreatedDate < $as_of\"}}\n")
    result = project_with.audit(odd(1), odd(2, LeadSource="Test"), lead(3), odd(4, LeadSource=None))
    (rule,) = result.rules
    assert (rule.count, rule.eligible) == (1, 2)
    assert rule.where == "LeadSource <> 'Test' AND CreatedDate < $as_of"


def test_a_condition_may_ask_a_parent(project_with: MakeProject) -> None:
    types = [
        {"Id": "012000000000001AAA", "DeveloperName": "Renewal"},
        {"Id": "012000000000002AAA", "DeveloperName": "New"},
    ]
    project_with.settings("rules: {OWN001: {where: \"RecordType.DeveloperName <> 'Renewal'\"}}\n")
    leads = [odd(1, RecordTypeId="012000000000001AAA"), odd(2, RecordTypeId="012000000000002AAA")]
    project_with.fill(*leads, RecordType=types)
    assert [f.record_id for f in project_with.audit().findings()] == [leads[1]["Id"]]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{where: \"LeadSorce = 'x'\"}", "sfsync.yml:3:25: `where`: the mirror has no field Lead.LeadSorce"),
        ("{where: \"RecordTyp.Name = 'x'\"}", "Lead has no parent `RecordTyp` in the mirror"),
        ("{where: \"Owner.Name = 'x'\"}", "Lead has no parent `Owner` in the mirror"),
        ("{by: {LeadSorce: {Web: {odd: x}}}}", "sfsync.yml:3:23: the mirror has no field Lead.LeadSorce"),
        ("{by: {LeadSource: {Wep: {odd: x}}}}", "LeadSource of a Lead has no value `Wep` (did you mean `Web`?)"),
    ],
)
def test_fields_and_values_the_mirror_does_not_have_are_errors(project_with: MakeProject, text: str, told: str) -> None:
    from sfsync.records import FieldDescribe, PicklistEntry  # noqa: PLC0415

    project_with.settings(f"rules: {{OWN001: {text}}}\n")
    source = FieldDescribe("LeadSource", "picklist", picklist_entries=(PicklistEntry("Web"), PicklistEntry("Phone")))
    project_with.mirror(Lead=[odd(1)], described={"Lead.LeadSource": source})
    with pytest.raises(ConfigError) as error:
        project_with.audit()
    assert told in "\n".join(str(problem) for problem in error.value.problems)


SEGMENTS = """\
rules:
  OWN001:
    by:
      LeadSource:
        trade show: {odd: Strange, severity: error}
        Web: {enabled: false}
        (blank): {odd: Nothing}
"""


def test_each_segment_is_judged_by_what_is_set_for_it(project_with: MakeProject) -> None:
    project_with.settings(SEGMENTS)
    result = project_with.audit(
        odd(1, LeadSource="Trade Show"),
        lead(2, LeadSource="Trade Show", Status="Strange"),
        odd(3, LeadSource="Web"),
        odd(4, LeadSource="Phone"),
        odd(5, LeadSource=None),
        lead(6, LeadSource=" ", Status="Nothing"),
    )
    found = {int(f.record_id[3:15]): f.severity for f in result.findings()}
    assert found == {2: Severity.ERROR, 4: Severity.WARNING, 6: Severity.WARNING}
    (rule,) = result.rules
    assert (rule.count, rule.eligible) == (3, 5)  # the lead from the web is nobody's
    assert "left out by sfsync.yml: LeadSource = Web" in (rule.reason or "")
    told = {segment.name: (segment.eligible, segment.count) for segment in rule.segments}
    assert told == {
        "LeadSource = trade show": (2, 1),
        "LeadSource = Web": (None, 0),
        "LeadSource = (blank)": (2, 1),
    }


def test_a_record_in_two_segments_is_judged_in_the_first(project_with: MakeProject) -> None:
    project_with.settings(
        "rules: {OWN001: {by: {LeadSource: {Web: {odd: Strange}}, IsConverted: {'false': {odd: Odd}}}}}\n"
    )
    result = project_with.audit(odd(1), odd(2, LeadSource="Phone"), lead(3, Status="Strange"))
    assert sorted(int(f.record_id[3:15]) for f in result.findings()) == [2, 3]
    assert result.rules[0].eligible == 3


@pytest.mark.parametrize(
    ("limits", "odd_leads", "severity"),
    [
        ("warn: {count: 3}", 2, Severity.INFO),
        ("warn: {count: 3}", 3, Severity.WARNING),
        ("warn: {count: 2}, error: {percent: 50}", 4, Severity.WARNING),
        ("warn: {count: 2}, error: {percent: 50}", 5, Severity.ERROR),
        ("error: {percent: 50, min_eligible: 11}", 9, Severity.WARNING),
        ("error: {percent: 50, min_eligible: 10}", 9, Severity.ERROR),
        ("severity: error, error: {count: 9}", 8, Severity.WARNING),
    ],
)
def test_a_rule_is_as_severe_as_its_limits_say(
    project_with: MakeProject, limits: str, odd_leads: int, severity: Severity
) -> None:
    project_with.settings(f"rules: {{OWN001: {{{limits}}}}}\n")
    leads = [odd(i) if i <= odd_leads else lead(i) for i in range(1, 11)]
    (rule,) = project_with.audit(*leads).rules
    assert rule.severities == {severity: odd_leads}
    assert rule.severity is severity
    assert f"{odd_leads * 10:.1f} % of 10" in (rule.reason or "")
    stored = project_with.store.query("SELECT DISTINCT severity FROM sfsync.findings").rows().rows
    assert stored == [(severity.value,)]


def test_a_limit_is_told_in_words() -> None:
    assert str(Limit(count=1000)) == "1,000 findings"
    assert str(Limit(count=3, percent=2.5, min_eligible=50)) == "3 findings or 2.5 % of at least 50"


def test_nothing_found_reaches_no_share() -> None:
    assert not Limit(percent=5).reached(0, 0)
    assert Limit(percent=5).reached(1, 20)
    assert not Limit(percent=5).reached(1, 21)


def test_the_owner_of_a_rule_stands_in_its_result(project_with: MakeProject) -> None:
    project_with.settings("rules: {OWN001: {owner: sdr-lead@example.com}}\n")
    assert project_with.audit(odd(1)).rules[0].owner == "sdr-lead@example.com"

"""What an org says about qualification: evidence of every kind, known frameworks, scores, profile, owners and hours."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from sfsync.config.definitions import Definitions
from sfsync.config.definitions_frameworks import BUILT_IN
from sfsync.config.definitions_hours import WHOLE_WORKING_DAYS, BusinessHours
from sfsync.config.problems import read_model
from sfsync.config.yaml_reader import parse_yaml
from sfsync.errors import ConfigError, Problem


def definitions(text: str) -> Definitions:
    return read_model(Definitions, parse_yaml(text, "sfsync.yml"))


def problems(text: str) -> list[Problem]:
    with pytest.raises(ConfigError) as caught:
        definitions(text)
    return caught.value.problems


def test_evidence_lies_in_fields_activities_and_contact_roles():
    said = definitions("""
frameworks:
  MEDDIC:
    grace: 5d
    metrics: [{field: Goal__c, object: Opportunity}]
    economic_buyer: [{contact_role: [Economic Buyer]}, Buyer__c]
    identify_pain: [{activity: {subject: "discovery|needs? analysis", kind: event}}]
    champion: [{activity: {kind: call, done: false}}]
""").in_force
    assert said is not None
    assert said.grace == timedelta(days=5)
    assert [piece.words for piece in said.evidence] == [
        "Opportunity.Goal__c",
        "contact role Economic Buyer",
        "Buyer__c",
        "event about discovery|needs? analysis",
        "call",
    ]


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_misspelt_criterion_of_a_known_framework_is_an_error_with_a_suggestion(name: str):
    criterion = BUILT_IN[name][0]
    (problem,) = problems(f"frameworks: {{{name}: {{{criterion[:-1]}: [Field__c]}}}}")
    assert problem.message == f"{name} has no criterion `{criterion[:-1]}`"
    assert f"did you mean `{criterion}`?" in (problem.hint or "")
    assert (problem.line, problem.column) == (1, 17 + len(name))


def test_a_framework_of_another_name_has_the_criteria_it_likes():
    assert definitions("frameworks: {GPCT: {goals: [A__c], plans: [B__c]}}").in_force is not None
    assert definitions("frameworks: {bant: {budget: [A__c]}}").in_force is not None


@pytest.mark.parametrize(
    ("evidence", "message"),
    [
        ("{activity: {subject: '(', kind: call}}", "`(` is not a regular expression"),
        ("{activity: {subject: '(?=a)'}}", "`(?=a)` has something that not every engine knows"),
        ("{activity: {subject: '\\bcall'}}", "`\\bcall` has something that not every engine knows"),
        ("{activity: {subject: ' '}}", "a pattern has 1 to 200 characters"),
        ("{activity: {kind: fax}}", "`kind` should be one of task, call, email, event, not `fax`"),
        ("{activity: {}, field: F}", "`field` and `activity` cannot stand together"),
        ("{contact_role: []}", "`contact_role` is empty"),
        ("{contact_role: [A], in: [b]}", "`in` belongs to a `field`"),
        ("{field: F, object: Case}", "`object` should be one of Lead, Opportunity, Contact, Account, not `Case`"),
    ],
)
def test_evidence_that_cannot_be_is_refused(evidence: str, message: str):
    (problem,) = problems(f"frameworks: {{MINE: {{x: [{evidence}]}}}}")
    assert message in problem.message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("scoring: {field: Score__c}", "neither `hot` nor `floor` is given"),
        ("scoring: {field: Score__c, hot: 20, floor: 80}", "`floor` should not be above `hot`"),
        ("icp: {Industry: {in: [A], min: 3}}", "`in` and `min` cannot stand together"),
        ("icp: {Industry: {required: false}}", "says nothing"),
        ("icp: {Employees: {min: 5, max: 2}}", "`max` should not be below `min`"),
        ("icp: {'no field': [A]}", "`no field` is not an API name"),
        ("required_by_status: {Working: []}", "`Working` is empty"),
        ("assignment: [{when: {Country: [DE]}}]", "neither `owners` nor `queue` is given"),
        ("assignment: [{owners: [a]}, {when: {Country: [DE]}, owners: [b]}]", "takes every lead"),
        ("assignment: [{when: {Country: []}, owners: [b]}]", "`Country` is empty"),
        ("business_hours: {days: [mon, funday]}", "`funday` is no day of the week"),
        ("business_hours: {days: [mon, monday]}", "a day is listed twice"),
        ("business_hours: {from: '17:00', to: '09:00'}", "`to` should be later than `from`"),
        ("business_hours: {from: '9:00'}", "`9:00` is no time of the day"),
        ("business_hours: {to: '24:30'}", "`24:30` is no time of the day"),
        ("business_hours: {holidays: [2026-02-30]}", "`2026-02-30` is not a day of the calendar"),
        ("reasons: {disqualified: Reason__c, won: Why__c}", "unknown key `won`"),
    ],
)
def test_mistakes_are_found_where_they_are(text: str, message: str):
    (problem,) = problems(text)
    assert message in problem.message


def test_business_hours_have_defaults_and_take_days_by_either_name():
    hours = BusinessHours.model_validate({"days": ["Monday", "fri"], "from": "08:30", "holidays": ["2026-05-01"]})
    assert hours.days == ("mon", "fri")
    assert hours.minutes_a_day == 24 * 60 - 510
    assert hours.holidays == (date(2026, 5, 1),)
    assert WHOLE_WORKING_DAYS.minutes_a_day == 24 * 60
    assert WHOLE_WORKING_DAYS.days == ("mon", "tue", "wed", "thu", "fri")
    assert WHOLE_WORKING_DAYS.holidays == ()


def test_the_digest_knows_which_lists_have_an_order():
    first = "assignment: [{when: {Country: [DE, AT]}, owners: [a]}, {owners: [b]}]"
    assert definitions(first).digest() == definitions(first.replace("[DE, AT]", "[AT, DE]")).digest()
    second = "assignment: [{when: {Country: [DE]}, owners: [a]}, {when: {Country: [DE]}, owners: [b]}]"
    turned = "assignment: [{when: {Country: [DE]}, owners: [b]}, {when: {Country: [DE]}, owners: [a]}]"
    assert definitions(second).digest() != definitions(turned).digest()


def test_the_digest_does_not_change_when_a_default_is_spelled_out():
    short = "frameworks: {MINE: {x: [F__c]}}"
    assert definitions(short).digest() == definitions("frameworks: {MINE: {grace: 2d, x: [{field: F__c}]}}").digest()
    assert definitions("business_hours: null").digest() == Definitions().digest()


def test_every_field_that_a_definition_names_is_known():
    said = definitions("""
frameworks: {MINE: {x: [A__c, {contact_role: [Boss]}]}}
scoring: {field: B__c, hot: 3}
icp: {C__c: [x]}
required_by_status: {New: [D__c]}
stage_exit: {Proposal: [E__c]}
pricing: [F__c]
reasons: {disqualified: G__c, lost: H__c}
assignment: [{when: {I__c: [x]}, queue: Q}]
waits_until: J__c
reachable_by: [K__c]
origin_detail: [L__c]
""")
    assert said.named_fields == {f"{letter}__c" for letter in "ABCDEFGHIJKL"}

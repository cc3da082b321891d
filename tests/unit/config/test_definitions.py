"""What an org means by its words: status groups, frameworks, and a digest that follows the meaning."""

from __future__ import annotations

import pytest

from sfsync.config.definitions import Definitions, Evidence
from sfsync.config.problems import read_model
from sfsync.config.yaml_reader import parse_yaml
from sfsync.errors import ConfigError

BANT = """
lead_status: {new: [Open - Not Contacted], qualified: [Closed - Converted, Hot]}
frameworks:
  BANT:
    min: 3
    budget: [AnnualRevenue, {field: Budget__c, min: 1000}]
    authority: [Is_Decider__c]
    need: [{field: Rating, in: [Hot, Warm]}]
    timeline: [Timeframe__c]
"""


def definitions(text: str) -> Definitions:
    return read_model(Definitions, parse_yaml(text, "sfsync.yml"))


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        definitions(text)
    return [problem.message for problem in caught.value.problems]


def test_evidence_is_a_field_a_choice_of_values_or_a_least_number():
    framework = definitions(BANT).in_force
    assert framework is not None
    assert framework.required == 3
    assert list(framework.criteria) == ["budget", "authority", "need", "timeline"]
    assert framework.criteria["budget"] == (Evidence(field="AnnualRevenue"), Evidence(field="Budget__c", min=1000))
    assert framework.criteria["need"][0].one_of == ("Hot", "Warm")


def test_nothing_is_assumed():
    empty = Definitions()
    assert empty.in_force is None
    assert empty.lead_status.qualified == ()


def test_the_only_framework_is_in_force_and_of_several_one_must_be_named():
    assert definitions(BANT).framework == "BANT"
    two = "frameworks: {A: {x: [F]}, B: {x: [G]}}"
    assert problems(two) == ["several frameworks, and `framework` does not say which is in force"]
    assert definitions(two + "\nframework: B").in_force.criteria["x"][0].field == "G"
    assert problems(two + "\nframework: C") == ["there is no framework `C`"]


def test_all_criteria_are_required_unless_fewer_are_said_to_be_enough():
    assert definitions("frameworks: {A: {x: [F], y: [G]}}").in_force.required == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lead_status: {new: [Open], working: [open]}", "`open` is already listed under `new`"),
        ("lead_status: {new: ['']}", "a lead status is empty"),
        ("lead_status: {qualfied: [x]}", "unknown key `qualfied`"),
        ("frameworks: {A: {}}", "the framework has no criteria"),
        ("frameworks: {A: {min: 2, x: [F]}}", "`min` should be at most 1, the number of criteria"),
        ("frameworks: {A: {min: 0, x: [F]}}", "`min` should be greater than or equal to 1"),
        ("frameworks: {A: {x: []}}", "`x` is empty"),
        ("frameworks: {A: {x: F}}", "`x` should be a list"),
        ("frameworks: {A: {x: [5]}}", "item 1 of `x` should be a text or a block with `field:`"),
        ("frameworks: {A: {x: [{in: [a]}]}}", "`field` is missing"),
        ("frameworks: {A: {x: [{field: F, in: [a], min: 1}]}}", "`in` and `min` cannot stand together"),
        ("frameworks: {A: {x: [{field: F, in: []}]}}", "`in` is empty"),
        ("frameworks: {A: {x: ['F; DROP TABLE']}}", "`F; DROP TABLE` is not an API name"),
    ],
)
def test_mistakes_are_found_where_they_are(text, message):
    assert problems(text) == [message]


def test_the_digest_follows_the_meaning_not_the_order():
    reordered = BANT.replace("[Closed - Converted, Hot]", "[Hot, Closed - Converted]").replace(
        "[Hot, Warm]", "[Warm, Hot]"
    )
    assert definitions(reordered).digest() == definitions(BANT).digest()
    assert definitions(BANT.replace("min: 3", "min: 2")).digest() != definitions(BANT).digest()
    assert definitions(BANT.replace("Warm", "Cold")).digest() != definitions(BANT).digest()
    assert len({Definitions().digest(), definitions(BANT).digest()}) == 2

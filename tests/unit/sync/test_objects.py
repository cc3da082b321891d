from __future__ import annotations

import pytest

from sfsync.config.settings import settings_from
from sfsync.config.yaml_reader import parse_yaml
from sfsync.errors import ConfigError, UsageError
from sfsync.sync.objects import DEFAULT_OBJECTS, choose_objects
from sfsync.sync.selection import selections_from

ORG = {**dict.fromkeys(DEFAULT_OBJECTS, True), "Deal__c": True, "Secret__c": False}


def test_the_default_set_is_taken_as_far_as_the_org_has_it() -> None:
    chosen, left_out = choose_objects({"Lead": True, "User": True, "Account": False}, None)
    assert chosen == ("User", "Lead")
    assert set(left_out) == set(DEFAULT_OBJECTS) - {"Lead", "User"}
    assert left_out["Account"] == "it cannot be queried"


def test_names_are_taken_in_any_case_and_spelled_as_the_org_does() -> None:
    assert choose_objects(ORG, ["lead", "DEAL__C", "Lead"]) == (("Lead", "Deal__c"), {})


def test_objects_that_mappings_show_come_along() -> None:
    assert choose_objects(ORG, ["Lead"], ["User", "Lead"])[0] == ("Lead", "User")


def test_a_misspelled_object_is_refused_with_a_suggestion() -> None:
    with pytest.raises(UsageError, match="Oportunity") as caught:
        choose_objects(ORG, ["Oportunity"])
    assert "`Opportunity`" in (caught.value.hint or "")


def test_names_of_a_file_are_refused_where_they_stand_all_at_once() -> None:
    document = parse_yaml("pull:\n  objects:\n    - Lead\n    - Oportunity\n    - Secret__c: {}\n", "sfsync.yml")
    selections = selections_from(settings_from(document), document)
    with pytest.raises(ConfigError) as caught:
        choose_objects(ORG, list(selections), (), selections)
    assert [str(problem) for problem in caught.value.problems] == [
        "sfsync.yml:4:7: object `Oportunity`: the org does not have it, or this user may not see it "
        "(did you mean `Opportunity`?)",
        "sfsync.yml:5:7: object `Secret__c`: it cannot be queried (check the user's permissions)",
    ]


def test_an_object_the_user_asked_for_but_may_not_query_is_refused() -> None:
    with pytest.raises(UsageError, match="cannot be queried"):
        choose_objects(ORG, ["Secret__c"])

"""The `pull:` block of `sfsync.yml`: what may be chosen, in which forms, and what is said about slips."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from sfsync.config.pull_settings import ObjectSettings, PullSettings, object_path
from sfsync.config.settings import settings_from, settings_schema
from sfsync.config.yaml_reader import parse_yaml
from sfsync.errors import ConfigError


def pull(text: str) -> PullSettings:
    return settings_from(parse_yaml(text, "sfsync.yml")).pull


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        pull(text)
    return [str(problem).removeprefix("sfsync.yml:") for problem in caught.value.problems]


CHOSEN = ObjectSettings(exclude=("Description",), filter="LeadSource != 'Test'", since=date(2024, 1, 1), history=False)


@pytest.mark.parametrize(
    "text",
    [
        """
pull:
  objects:
    - User
    - Lead:
        exclude: [Description]
        filter: LeadSource != 'Test'
        since: 2024-01-01
        history: false
    - Deal__c: {}
""",
        """
pull:
  objects:
    User:
    Lead: {fields: all, exclude: [Description], filter: "LeadSource != 'Test'", since: 2024-01-01, history: false}
    Deal__c: {}
""",
    ],
    ids=["a list", "a block"],
)
def test_objects_are_a_list_or_a_block_with_settings_where_they_are_wanted(text):
    assert pull(text).objects == {"User": ObjectSettings(), "Lead": CHOSEN, "Deal__c": ObjectSettings()}


def test_the_order_of_the_file_is_kept():
    assert list(pull("pull: {objects: [User, Lead, {Account: {}}]}").objects or ()) == ["User", "Lead", "Account"]


def test_costs_and_formulas_have_defaults_and_can_be_set():
    default = pull("version: 1")
    assert (default.concurrency, default.most_vanished, default.formulas.every) == (4, 0.05, timedelta(days=1))
    assert (default.budget.calls_per_run, default.budget.reserve) == (None, 0.1)
    read = pull(
        """
pull:
  concurrency: 2
  most_vanished: 12.5%
  formulas: {every: never, calls: 10}
  budget: {calls_per_run: 100, calls_per_day: 5000, bulk_jobs_per_day: 20, reserve: 35 %}
"""
    )
    assert (read.concurrency, read.most_vanished) == (2, 0.125)
    assert (read.formulas.every, read.formulas.calls) == (None, 10)
    assert (read.budget.calls_per_run, read.budget.bulk_jobs_per_run, read.budget.bulk_jobs_per_day) == (100, None, 20)
    assert read.budget.reserve == 0.35


def test_every_slip_is_named_at_its_place_in_the_list_form():
    assert problems(
        """\
pull:
  objects:
    - User
    - Lead:
        feilds: [Email]
        since: last year
        filter: ""
    - Account:
        fields: [Name, name, 'Bad Name']
        history: no
    - Contact:
      filter: Email != null
    - Task: {fields: Subject}
    - Event: {fields: [Subject], exclude: [Id]}
    - user
"""
    ) == [
        "5:9: unknown key `feilds` (did you mean `fields`?)",
        "6:16: `since` should be a day (year, month and day: `2024-01-01`)",
        "7:17: the filter is empty (leave `filter` out to take every record)",
        "9:30: `Bad Name` is not an API name (letters, digits and single underscores, like `Crm_Id__c`)",
        "10:18: `history` should be `true` or `false` (write `false`)",
        "12:7: `filter` stands beside `Contact`, not below it (indent it further than `Contact:`)",
        "13:22: `fields` should be a list of fields, or `all` (write `[Subject]`)",
        "14:34: `exclude` means nothing beside a list of `fields` (leave the fields out of `fields` instead)",
    ]


def test_every_slip_is_named_at_its_place_in_the_block_form():
    assert problems(
        """\
pull:
  objects:
    Lead: {feilds: [Email], since: 2024-02-30}
    Bad Name: {}
    Task: [Subject]
    Event: {history: 5, filter: 7}
"""
    ) == [
        "3:12: unknown key `feilds` (did you mean `fields`?)",
        "3:36: `2024-02-30` is not a day of the calendar",
        "4:5: `Bad Name` is not an API name (letters, digits and single underscores, like `Crm_Id__c`)",
        "5:11: `Task` should be a block of `key: value` lines",
        "6:22: `history` should be `true` or `false`",
        '6:33: `filter` should be text, and `7` is read as a number (put it in quotes: "7")',
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("objects: {}", "1:17: `objects` is empty"),
        ("objects: {Lead: {}, lead: {}}", "1:28: `lead` is listed twice"),
        ("objects: [Lead, {lead: {}}]", "1:25: `lead` is listed twice"),
        ("objects: [[Lead]]", "1:18: item 1 of `objects` should be text, not a list"),
        ("objects: [Lead, null]", "1:24: item 2 of `objects` has no value (give it one, or remove it)"),
        ("objects: {Lead: {filter: null}}", "1:33: `filter` has no value (give it one, or remove it)"),
        ("objects: {Lead: {since: 2024}}", "1:32: `since` should be a day (year, month and day: `2024-01-01`)"),
        ("objects: {Lead: {since: 1066-10-14}}", "1:32: `since` should be a day (year, month and day: `2024-01-01`)"),
        ("most_vanished: 5", "1:23: `most_vanished` should be a share (a percentage: `5%`)"),
        ("most_vanished: 101%", "1:23: `most_vanished` should be a share (a percentage: `5%`)"),
        ("budget: {reserve: lots}", "1:26: `reserve` should be a share (a percentage: `5%`)"),
        ("budget: {calls_per_rum: 5}", "1:17: unknown key `calls_per_rum` (did you mean `calls_per_run`?)"),
        ("budget: {calls_per_run: 0}", "1:32: `calls_per_run` should be greater than or equal to 1"),
        ("concurrency: 0", "1:21: `concurrency` should be greater than or equal to 1"),
        (
            "formulas: {every: daily}",
            "1:26: `every` should be a time span (a number and a unit: `90s`, `5m`, `1h`, `2d`)",
        ),
        (
            "{objects: {Lead: {history: true}}, without_history: [lead]}",
            "1:60: `Lead` is set to keep its history under `objects` (say it once)",
        ),
    ],
)
def test_one_slip_is_one_plain_sentence(text, message):
    inner = text if text.startswith("{") else f"{{{text}}}"
    (problem,) = problems(f"pull: {inner}")
    assert problem == message


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("pull: {objects: [User, Lead]}", ("pull", "objects", 1)),
        ("pull: {objects: [User, {Lead: {}}]}", ("pull", "objects", 1, "Lead")),
        ("pull: {objects: {User: {}, Lead: {}}}", ("pull", "objects", "Lead")),
    ],
)
def test_the_settings_of_an_object_are_found_in_the_file(text, path):
    assert object_path(parse_yaml(text, "sfsync.yml"), "Lead") == path


def test_the_json_schema_knows_both_forms_of_objects():
    schema = settings_schema()
    listed, block = schema["$defs"]["PullSettings"]["properties"]["objects"]["anyOf"]
    assert listed["items"]["anyOf"][0] == {"type": "string"}
    assert listed["items"]["anyOf"][1]["maxProperties"] == 1
    assert block["additionalProperties"]["anyOf"][0] == {"$ref": "#/$defs/ObjectSettings"}
    told = schema["$defs"]["ObjectSettings"]["properties"]
    assert set(told) == {"fields", "exclude", "filter", "since", "history", "formulas"}
    assert all(details["description"] for details in told.values())

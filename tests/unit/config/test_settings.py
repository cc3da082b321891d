"""`sfsync.yml`: what it may say, and what is said about it when it says something else."""

from __future__ import annotations

import json
import traceback
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from sfsync.config.settings import Settings, read_settings, settings_from, settings_schema
from sfsync.config.yaml_reader import parse_yaml
from sfsync.errors import ConfigError
from sfsync.records import Severity


def settings(text: str, **options) -> Settings:
    return settings_from(parse_yaml(text, "sfsync.yml"), **options)


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        settings(text)
    return [str(problem) for problem in caught.value.problems]


def test_everything_has_a_default():
    default = Settings()
    assert default.timezone == "UTC"
    assert default.fiscal_year_start_month == 1
    assert default.store == ".sfsync/mirror.duckdb"
    assert default.pull.lag == timedelta(minutes=5)
    assert default.pull.overlap == timedelta(minutes=10)
    assert default.pull.bulk_threshold == 5000
    assert default.pull.objects is None
    assert settings("version: 1") == default


def test_a_full_file_is_read():
    read = settings(
        """
version: 1
requires_sfsync: ">=0.1,<2"
target_org: prod
orgs: {prod: {}}
timezone: Europe/Berlin
fiscal_year_start_month: 2
pull: {objects: [Lead, Custom__c, ns__Thing__c], lag: 90s, overlap: 1h30m, bulk_threshold: 0}
store: data/mirror.duckdb
definitions:
  lead_status: {qualified: [Closed - Converted]}
rules:
  LA004: {severity: warning, params: {days: 90, sources: [a, b], none: null}}
  LI001: {enabled: false}
"""
    )
    assert read.zone == ZoneInfo("Europe/Berlin")
    assert list(read.pull.objects) == ["Lead", "Custom__c", "ns__Thing__c"]
    assert read.pull.overlap == timedelta(minutes=90)
    assert read.rules["LA004"].severity is Severity.WARNING
    assert read.rules["LA004"].params == {"days": 90, "sources": ["a", "b"], "none": None}
    assert not read.rules["LI001"].enabled


def test_every_problem_is_named_at_its_place_with_a_suggestion():
    assert problems(
        """\
versoin: 1
timezone: Europe/Berln
targetorg: prod
pull: {objects: Lead, lag: 5, bulk_threshold: many, overlap: soon}
fiscal_year_start_month: 13
rules: {la004: {severity: warn, enabled: yes}, OP007: {severity: loud}}
store: postgresql://db
"""
    ) == [
        "sfsync.yml:1:1: unknown key `versoin` (did you mean `version`?)",
        "sfsync.yml:2:11: `Europe/Berln` is not a time zone (did you mean `Europe/Berlin`?)",
        "sfsync.yml:3:1: unknown key `targetorg` (did you mean `target_org`?)",
        "sfsync.yml:4:17: `objects` should be a list (write `[Lead]`)",
        "sfsync.yml:4:28: `lag` should be a time span (a number and a unit: `90s`, `5m`, `1h`, `2d`)",
        "sfsync.yml:4:47: `bulk_threshold` should be a whole number",
        "sfsync.yml:4:62: `overlap` should be a time span (a number and a unit: `90s`, `5m`, `1h`, `2d`)",
        "sfsync.yml:5:26: `fiscal_year_start_month` should be less than or equal to 12",
        "sfsync.yml:6:9: `la004` is not the id of a rule (capitals and digits, like `LA004`, or a beginning like `LA`)",
        "sfsync.yml:6:27: `severity` should be one of error, warning, info, not `warn` (did you mean `warning`?)",
        "sfsync.yml:6:42: `enabled` should be `true` or `false` (write `true`)",
        "sfsync.yml:6:66: `severity` should be one of error, warning, info, not `loud`",
        "sfsync.yml:7:8: the store is the path of a DuckDB file, not an address (e.g. `.sfsync/mirror.duckdb`)",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("version: 2", "`version` should be 1, the only version of this file format so far"),
        ("version: '1'", "`version` should be 1, the only version of this file format so far"),
        ("version: true", "`version` should be 1, the only version of this file format so far"),
        ("timezone: 1", '`timezone` should be text, and `1` is read as a number (put it in quotes: "1")'),
        ("timezone: [a]", "`timezone` should be text, not a list"),
        ("timezone:", "`timezone` has no value (give it one, or remove it)"),
        ("target_org:", "`target_org` has no value (give it one, or remove it)"),
        (
            "timezone: ../../etc/passwd",
            "`../../etc/passwd` is not a time zone (a name of the zone database, like `Europe/Berlin`)",
        ),
        ("timezone: europe/berlin", "`europe/berlin` is not a time zone (did you mean `Europe/Berlin`?)"),
        ("pull:", "`pull` has no value (give it one, or remove it)"),
        ("pull: [a]", "`pull` should be a block of `key: value` lines"),
        ("pull: {objects: []}", "`objects` is empty"),
        ("pull: {objects: [Lead, lead]}", "`lead` is listed twice"),
        (
            "pull: {objects: ['Lead; DROP']}",
            "`Lead; DROP` is not an API name (letters, digits and single underscores, like `Crm_Id__c`)",
        ),
        (
            "pull: {objects: [Lead, 5]}",
            'item 2 of `objects` should be text, and `5` is read as a number (put it in quotes: "5")',
        ),
        ("pull: {lag: -5m}", "`lag` should be a time span (a number and a unit: `90s`, `5m`, `1h`, `2d`)"),
        ("pull: {lag: ''}", "`lag` should be a time span (a number and a unit: `90s`, `5m`, `1h`, `2d`)"),
        ("store: ''", "the path of the store is empty (e.g. `.sfsync/mirror.duckdb`)"),
        ("store: sf.duckdb", "a store called `sf` would hide the schema of that name (e.g. `.sfsync/mirror.duckdb`)"),
        ("requires_sfsync: newest", "`newest` is not a version requirement (e.g. `>=0.1,<1`)"),
        ("orgs: {prod: hunter2}", "`prod` should be a block of `key: value` lines"),
    ],
)
def test_one_mistake_is_one_plain_sentence(text, message):
    (problem,) = problems(text)
    assert problem.split(": ", 1)[1] == message


def test_a_misspelt_required_key_is_one_problem_not_two():
    (problem,) = problems("definitions: {frameworks: {X: {budget: [{feild: Amount}]}}}")
    assert problem.endswith("unknown key `feild` (did you mean `field`?)")


@pytest.mark.parametrize(
    ("wanted", "allowed"),
    [
        (">=0.1", True),
        (">=0.1,<1", True),
        ("==0.1.0", True),
        ("==0.1", True),
        ("<0.1", False),
        (">=0.2", False),
        ("!=0.1.0", False),
        (">0.0.9, <=0.1", True),
    ],
)
def test_a_project_may_want_certain_versions(wanted, allowed):
    text = f"requires_sfsync: '{wanted}'"
    if allowed:
        assert settings(text, installed="0.1.0").requires_sfsync == wanted
    else:
        with pytest.raises(ConfigError, match="wants sfsync"):
            settings(text, installed="0.1.0")


def test_a_development_version_comes_before_its_release():
    with pytest.raises(ConfigError, match="wants sfsync"):
        settings("requires_sfsync: '>=0.2'", installed="0.2.0.dev1")


def test_a_file_for_another_version_is_not_judged_further():
    with pytest.raises(ConfigError) as caught:
        settings("requires_sfsync: '>=9'\nkey_of_version_nine: 1", installed="0.1.0")
    assert [p.message for p in caught.value.problems] == ["this project wants sfsync >=9, and this is 0.1.0"]


def test_an_error_never_shows_what_was_in_the_file_by_way_of_its_cause(tmp_path):
    (tmp_path / "sfsync.yml").write_text("orgs: {prod: {auth: password, username: a@b.c, password: hunter2}}")
    with pytest.raises(ConfigError) as caught:
        read_settings(tmp_path / "sfsync.yml")
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))
    assert "hunter2" not in json.dumps(caught.value.context)


def test_the_json_schema_knows_every_key():
    schema = settings_schema()
    assert set(schema["properties"]) == set(Settings.model_fields)
    assert schema["additionalProperties"] is False
    json.dumps(schema)

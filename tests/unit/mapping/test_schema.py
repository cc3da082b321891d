"""The mapping language: what a file may say, and where it is told that it said something else."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sfsync.errors import ConfigError, MappingError
from sfsync.mapping.load import parse_mapping
from sfsync.mapping.schema import FieldMapping, Mapping, OtherValue, mapping_schema

DESIGN = """\
version: 1
object: Lead
table: crm.leads
external_id: Crm_Id__c
direction: both                 # pull | push | both
conflicts: newest               # newest | org | local | fail, overridable a field
filter: LeadSource != 'Test'    # SOQL WHERE, parsed and checked before any call
fields:
  Email: email
  AnnualRevenue: {local: revenue, direction: push, null: keep}      # null: keep | clear
  Status: {local: stage, values: {Open - Not Contacted: new}, otherwise: fail}
lookups:
  OwnerId: {object: User, by: Email, local: owner_email, on_missing: fail}   # fail | null | defer
deletes: never                  # never | soft | hard
budget: {daily_api_calls: 5000}
"""


def problems(text: str) -> list[str]:
    with pytest.raises(MappingError) as caught:
        parse_mapping(text, "m.yml")
    return [str(problem) for problem in caught.value.problems]


def one_field(item: str, top: str = "") -> str:
    return f"object: Lead\ntable: leads\n{top}fields:\n  Status: {item}\n"


def test_every_documented_key_is_read():
    mapping = parse_mapping(DESIGN)
    assert mapping.object == "Lead"
    assert str(mapping.local_table) == "crm.leads"
    assert mapping.fields["Email"] == FieldMapping(local="email")
    assert mapping.fields["AnnualRevenue"].direction == "push"
    assert mapping.fields["Status"].values == {"Open - Not Contacted": "new"}
    assert mapping.lookups["OwnerId"].by == "Email"
    assert mapping.budget is not None
    assert mapping.budget.daily_api_calls == 5000
    assert mapping.objects == ("Lead", "User")
    assert set(mapping.shown_fields()) == {"Email", "Status"}


def test_nothing_is_written_or_deleted_unless_a_mapping_says_so():
    mapping = parse_mapping("object: Lead\ntable: leads\nfields: {Email: email}")
    assert (mapping.direction, mapping.deletes, mapping.conflicts) == ("pull", "never", "fail")
    assert str(mapping.local_table) == "crm.leads"


@pytest.mark.parametrize(
    ("otherwise", "read"),
    [
        ("fail", "fail"),
        ("keep", "keep"),
        ("null", "null"),
        ("'null'", "null"),
        ("{value: other}", OtherValue(value="other")),
        ("{value: keep}", OtherValue(value="keep")),
    ],
)
def test_otherwise_is_a_word_or_a_fixed_value(otherwise, read):
    text = one_field(f"{{local: s, values: {{a: b}}, otherwise: {otherwise}}}")
    assert parse_mapping(text).fields["Status"].otherwise == read


def test_an_unquoted_null_means_the_word_null():
    text = "object: Lead\ntable: t\nfields: {A: a}\nlookups: {OwnerId: {object: User, by: Name, local: o, on_missing: null}}"
    assert parse_mapping(text).lookups["OwnerId"].on_missing == "null"


def test_every_problem_of_a_file_is_reported_once_at_its_place():
    text = """\
object: lead x
table: sf.leads
direction: pul
conflicts: [a]
filter: ""
fields:
  Email: email
  Em ail: email
  Id: 5
  Fax: {lokal: x, null: kep}
  Status: {local: "x;drop", values: {}, otherwise: fial}
  Title: {local: t, otherwise: keep}
  A: {local: a, values: {a: 1}}
lookups:
  OwnerId: User
  X: {object: User, on_missing: nul}
budget: {daily_api_calls: 0}
deletes: maybe
"""
    assert problems(text) == [
        "m.yml:1:9: `lead x` is not an API name (letters, digits and single underscores, like `Crm_Id__c`)",
        "m.yml:2:8: the schema `sf` is reserved (use another, like `crm.leads`)",
        "m.yml:3:12: `direction` should be one of pull, push, both, not `pul` (did you mean `pull`?)",
        "m.yml:4:12: `conflicts` should be one of newest, org, local, fail",
        "m.yml:5:9: the filter is empty (leave `filter` out to take every record)",
        "m.yml:8:3: `Em ail` is not an API name (letters, digits and single underscores, like `Crm_Id__c`)",
        "m.yml:9:7: `Id` should be a text or a block with `local:`",
        "m.yml:10:9: unknown key `lokal` (did you mean `local`?)",
        "m.yml:10:25: `null` should be one of keep, clear, not `kep` (did you mean `keep`?)",
        "m.yml:11:19: `x;drop` is not a column name "
        "(letters, digits and underscores, at most 63, not beginning with a digit)",
        "m.yml:11:37: `values` is empty",
        "m.yml:11:52: `otherwise` should be one of fail, keep, null, not `fial` (did you mean `fail`?)",
        "m.yml:12:21: `otherwise` means nothing without `values` (add `values`)",
        'm.yml:13:29: `a` should be text, and `1` is read as a number (put it in quotes: "1")',
        "m.yml:15:12: `OwnerId` should be a block of `key: value` lines",
        "m.yml:16:3: `local` is missing",
        "m.yml:16:3: `by` is missing",
        "m.yml:16:33: `on_missing` should be one of fail, null, defer, not `nul` (did you mean `null`?)",
        "m.yml:17:27: `daily_api_calls` should be greater than or equal to 1",
        "m.yml:18:10: `deletes` should be one of never, soft, hard, not `maybe`",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("table: t\nfields: {A: a}", "m.yml:1:1: `object` is missing"),
        ("object: Lead\ntable: t\nfields: {}", "m.yml:3:9: `fields` is empty"),
        ("object: Lead\ntable: t\nfields:", "m.yml:3:8: `fields` has no value (give it one, or remove it)"),
        ("object: Lead\ntable: t\nfilter:\nfields: {A: a}", "m.yml:3:8: `filter` has no value (give it one, or remove it)"),
        (one_field("{local: s, direction: }"), "m.yml:4:33: `direction` has no value (give it one, or remove it)"),
        ("object: Lead\ntable: t\nfields: {A: a, B: }", "m.yml:3:19: `B` has no value (give it one, or remove it)"),
        ("object: Lead\ntable: t\nfields: [Email]", "m.yml:3:9: `fields` should be a block of `key: value` lines"),
        ("object: Lead\ntable: t\nfeilds: {A: a}", "m.yml:3:1: unknown key `feilds` (did you mean `fields`?)"),
        ("object: Lead\ntable: t\nfields: {A: a, B: A}", "m.yml:3:19: the column `A` already holds A (give it another name)"),
        (
            "object: Lead\ntable: t\nfields: {A: sf_ID}",
            "m.yml:3:13: `sf_id` is the column that holds the record's Id (give the column another name)",
        ),
        (
            "object: Lead\ntable: t\nfields: {A: a}\nlookups: {B: {object: U, by: N, local: a}}",
            "m.yml:4:40: the column `a` already holds A (give it another name)",
        ),
        (one_field("{local: s, otherwise: foo, values: {a: b}}"), "m.yml:4:33: `otherwise` should be one of fail, keep, null, not `foo` (a fixed value is written `{value: foo}`)"),
        (one_field("{local: s, otherwise: 5, values: {a: b}}"), "m.yml:4:33: `otherwise` should be one of fail, keep, null, or a fixed value: `{value: text}`"),
        (
            one_field("{local: s, values: {a: x, b: x}}", "direction: both\n"),
            "m.yml:5:40: `x` stands for `a` and `b` (a push could not tell which to write: use different values, or `direction: pull`)",
        ),
        (
            "object: Lead\ntable: t\ndirection: both\nfields: {A: a}\nlookups: {A: {object: U, by: N, local: b}}",
            "m.yml:5:11: `A` would be pushed from two columns (give one of them `direction: pull`)",
        ),
        ("version: 2\nobject: Lead\ntable: t\nfields: {A: a}", "m.yml:1:10: `version` should be 1, the only version of this file format so far"),
    ],
)  # fmt: skip
def test_one_mistake_is_one_problem(text, problem):
    assert problems(text) == [problem]


@pytest.mark.parametrize("values", ["{a: x, b: x}"])
def test_two_values_may_share_a_local_one_where_nothing_is_pushed(values):
    assert parse_mapping(one_field(f"{{local: s, values: {values}}}")).fields["Status"].values


@pytest.mark.parametrize(
    "table",
    [
        "sf.x",
        "SF_ALL.x",
        "sf_history.x",
        "sfsync.x",
        "information_schema.x",
        "pg_catalog.x",
        "temp.x",
        "a.b.c",
        "a b",
        ".x",
        "x.",
        "",
        "1x",
        'x"; DROP TABLE y; --',
        "x'y",
        "crm.sélect",
        "x" * 64,
    ],
)
def test_a_local_table_is_a_plain_name_outside_the_reserved_schemas(table):
    with pytest.raises(MappingError):
        parse_mapping(f"object: Lead\ntable: {json.dumps(table)}\nfields: {{A: a}}")


def test_the_json_schema_knows_every_key_and_both_forms_of_a_field():
    schema = mapping_schema()
    assert set(schema["properties"]) == set(Mapping.model_fields)
    assert {"type": "string"} in schema["properties"]["fields"]["additionalProperties"]["anyOf"]
    json.dumps(schema)


PIECES = st.sampled_from(
    ["", " ", "\n", "  ", "\t", ":", ": ", "- ", "{", "}", "[", "]", ",", "'", '"', "#", "&a ", "*a", "!x ", "|", ">", "5", "null", "true", "~", "local", "fields: ", "values: {a: b}", "\x00", "é", "😀", "\\", "%", "@", "---\n", "version: 1\n", "=", "--"]
)  # fmt: skip


@st.composite
def mutations(draw):
    text = DESIGN
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(len(text), start + draw(st.sampled_from([0, 1, 5, 40])))))
        text = text[:start] + draw(PIECES) + text[end:]
    return text


@given(mutations())
@settings(max_examples=300, deadline=None)
@example("")
@example(DESIGN.replace("fields:", "fields:\n  <<: {Email: a}"))
def test_any_mutation_of_a_mapping_is_read_or_refused_at_a_line_inside_the_file(text):
    found = ()
    try:
        assert parse_mapping(text, "m.yml").object
    except ConfigError as error:
        found = error.problems
        assert isinstance(error, MappingError)  # noqa: PT017
    for problem in found:
        assert problem.message
        assert 1 <= problem.line <= text.count("\n") + 1
        assert 1 <= problem.column <= len(text) + 1

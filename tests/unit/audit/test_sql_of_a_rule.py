from __future__ import annotations

from datetime import date, datetime

import pytest
from sqlglot import exp, parse_one

from sfsync.audit.context import AuditContext
from sfsync.audit.load import find_rule, load_rules, parse_rule
from sfsync.audit.overrides import default_values
from sfsync.audit.rule import Rule
from sfsync.audit.sql import literal, render
from sfsync.config.definitions import Definitions
from sfsync.records import Severity
from sfsync.store.duckdb import DuckDBStore
from tests.unit.audit.conftest import AS_OF, MakeMirror, lead

COLUMNS = {"Lead": {"Id": "VARCHAR", "Status": "VARCHAR", "LeadSource": "VARCHAR", "IsConverted": "BOOLEAN"}}
CONTEXT = AuditContext(as_of=AS_OF, columns=COLUMNS)


def rule_with(sql: str, params: str = "{}", extra: str = "", message: str = "found") -> Rule:
    text = f"""\
version: 1
id: OWN001
name: own
title: Own
group: own
since: "1"
object: Lead
population: leads
severity: warning
confidence: certain
why: Because.
remedy: Do.
params: {params}
needs: {{Lead: {{Id: text, Status: text, LeadSource: text}}}}
{extra}
eligible: SELECT l.Id AS record_id FROM sf.Lead AS l
sql: |
  {sql}
message: "{message}"
examples:
  - {{name: a, given: {{Lead: [{{Id: 00QFk0000000001MAA}}]}}, finds: [00QFk0000000001MAA]}}
  - {{name: b, finds: []}}
"""
    return parse_rule(text, "own.yml")


def found(store: DuckDBStore, rule: Rule, **values: object) -> set[str]:
    sql = render(rule, default_values(rule, values), CONTEXT)
    return {row["record_id"] for row in store.query(sql.findings).rows().dicts()}


@pytest.mark.parametrize(
    "value",
    [
        "O'Brien",
        "'; DROP TABLE sf.Lead; --",
        "a\\",
        "\\'",
        "$as_of",
        "%(x)s",
        '"quoted"',
        "line\nbreak",
        "ünïcödé 🎉",
        "",
        "{Status}",
    ],
)
def test_any_text_can_be_a_parameter(mirror: MakeMirror, value: str) -> None:
    store = mirror(Lead=[lead(1, Status=value), lead(2, Status="other")])
    rule = rule_with(
        "SELECT l.Id AS record_id FROM sf.Lead AS l WHERE l.Status = $odd", "{odd: {type: text, default: x, about: y}}"
    )
    assert found(store, rule, odd=value) == {lead(1)["Id"]}


@pytest.mark.parametrize("value", [None, True, False, 0, -3, 2.5, -0.1, 10**12, date(2026, 1, 31), AS_OF, "x'y", ""])
def test_a_literal_means_its_value(mirror: MakeMirror, value: object) -> None:
    sql = exp.select(literal(value).as_("x")).sql("duckdb")
    got = mirror(Lead=[lead(1)]).query(sql).rows().scalar()
    assert got == value or float(got) == value


def test_a_list_is_put_in_item_by_item(mirror: MakeMirror) -> None:
    store = mirror(Lead=[lead(1, Status="a'b"), lead(2, Status="c"), lead(3, Status="d"), lead(4, Status="e")])
    rule = rule_with(
        "SELECT l.Id AS record_id FROM sf.Lead AS l WHERE l.Status IN ($words, 'd')",
        "{words: {type: texts, default: [], about: y}}",
    )
    assert found(store, rule, words=["a'b", "c"]) == {lead(n)["Id"] for n in (1, 2, 3)}


def test_nothing_is_in_an_empty_list_and_everything_is_outside_of_it(mirror: MakeMirror) -> None:
    store = mirror(Lead=[lead(1), lead(2)])
    params = "{words: {type: texts, default: [], about: y}}"
    inside = rule_with("SELECT l.Id AS record_id FROM sf.Lead AS l WHERE l.Status IN ($words)", params)
    outside = rule_with("SELECT l.Id AS record_id FROM sf.Lead AS l WHERE l.Status NOT IN ($words)", params)
    assert found(store, inside) == set()
    assert len(found(store, outside)) == 2


def test_a_parameter_that_is_not_set_is_null(mirror: MakeMirror) -> None:
    rule = rule_with(
        "SELECT l.Id AS record_id FROM sf.Lead AS l WHERE $since IS NULL OR l.Status > CAST($since AS VARCHAR)",
        "{since: {type: date, default: null, about: y}}",
    )
    assert len(found(mirror(Lead=[lead(1)]), rule)) == 1


@pytest.mark.parametrize("value", [None, "", " ", "\t\r\n", "\u00a0 \u00a0", "\x0b\x0c"])
def test_blank_is_whatever_looks_empty(mirror: MakeMirror, value: str | None) -> None:
    rule = rule_with("SELECT l.Id AS record_id FROM sf.Lead AS l WHERE is_blank(l.Status)")
    assert len(found(mirror(Lead=[lead(1, Status=value), lead(2, Status=" x ")]), rule)) == 1


def test_not_blank_is_true_and_not_null(mirror: MakeMirror) -> None:
    rule = rule_with("SELECT l.Id AS record_id FROM sf.Lead AS l WHERE NOT is_blank(l.Status)")
    assert found(mirror(Lead=[lead(1, Status=None), lead(2, Status="x")]), rule) == {lead(2)["Id"]}


def test_time_and_day_are_literals_of_the_mirrors_time() -> None:
    rule = rule_with("SELECT l.Id AS record_id FROM sf.Lead AS l WHERE $as_of > $today")
    late = AuditContext(as_of=datetime(2026, 1, 31, 23, 30), timezone="Europe/Berlin", columns=COLUMNS)
    sql = render(rule, {}, late).findings
    assert "CAST('2026-01-31 23:30:00' AS TIMESTAMP) > CAST('2026-02-01' AS DATE)" in sql


def test_without_a_mirror_its_time_stays_open() -> None:
    rule = rule_with("SELECT l.Id AS record_id FROM sf.Lead AS l WHERE $as_of > $today")
    assert "$as_of > $today" in render(rule, {}, AuditContext(as_of=None)).findings


def test_tables_and_fields_are_quoted_as_the_mirror_spells_them() -> None:
    rule = rule_with("SELECT l.id AS record_id FROM SF.LEAD AS l WHERE l.STATUS = 'x' ORDER BY l.leadsource")
    sql = render(rule, {}, CONTEXT).findings
    assert 'sf."Lead" AS l' in sql
    assert 'l."Id" AS record_id' in sql
    assert 'l."Status"' in sql
    assert 'l."LeadSource"' in sql


def test_an_alias_that_is_also_a_field_stays_one_name_on_every_engine() -> None:
    rule = rule_with(
        "SELECT x.record_id AS record_id FROM (SELECT l.Id AS record_id, l.Status AS status FROM sf.Lead AS l) AS x WHERE x.status = 'y'"
    )
    sql = render(rule, {}, CONTEXT).findings
    assert 'AS "Status"' in sql
    assert 'x."Status"' in sql


def test_an_optional_field_that_is_absent_reads_as_null(mirror: MakeMirror) -> None:
    rule = rule_with(
        "SELECT l.Id AS record_id FROM sf.Lead AS l WHERE l.Extra__c IS NULL",
        extra="optional: [{object: Lead, fields: {Extra__c: text}}]",
    )
    assert len(found(mirror(Lead=[lead(1)]), rule)) == 1


def test_an_optional_object_that_is_absent_reads_as_empty(mirror: MakeMirror) -> None:
    rule = rule_with(
        "SELECT l.Id AS record_id FROM sf.Lead AS l WHERE NOT EXISTS (SELECT 1 AS one FROM sf_all.Task AS t WHERE t.WhoId = l.Id)",
        extra="optional: [{object: Task, fields: {WhoId: text}}]",
    )
    assert len(found(mirror(Lead=[lead(1)]), rule)) == 1


def test_a_rule_may_grade_its_findings_and_a_project_may_overrule_it(mirror: MakeMirror) -> None:
    store = mirror(Lead=[lead(1)])
    rule = rule_with("SELECT l.Id AS record_id, 'info' AS severity FROM sf.Lead AS l")
    own = render(rule, {}, CONTEXT).findings
    overruled = render(rule, {}, CONTEXT, severity=Severity.ERROR).findings
    assert store.query(own).rows().dicts()[0]["severity"] == "info"
    assert store.query(overruled).rows().dicts()[0]["severity"] == "error"


def test_a_message_holds_values_and_braces(mirror: MakeMirror) -> None:
    rule = rule_with("SELECT l.Id AS record_id, l.Status AS status FROM sf.Lead AS l", message="{{ {Status} }} it's")
    store = mirror(Lead=[lead(1, Status=None), lead(2, Status="Odd")])
    messages = {row["message"] for row in store.query(render(rule, {}, CONTEXT).findings).rows().dicts()}
    assert messages == {"{ (blank) } it's", "{ Odd } it's"}


BOUND = Definitions.model_validate(
    {
        "lead_status": {"qualified": ["Qualified"], "disqualified": ["Dead"]},
        "frameworks": {
            "BANT": {
                "budget": [{"field": "Budget__c", "min": 1}],
                "authority": ["Decides__c"],
                "need": ["Need__c"],
                "timeline": [{"field": "When__c", "in": ["Now", "It's soon"]}],
            }
        },
    }
)
EVIDENCE = {"Budget__c": "DOUBLE", "Decides__c": "BOOLEAN", "Need__c": "VARCHAR", "When__c": "VARCHAR"}
SQL_TYPES = {"text": "VARCHAR", "boolean": "BOOLEAN", "number": "DOUBLE", "date": "DATE", "datetime": "TIMESTAMP"}


@pytest.mark.parametrize(("dialect", "full"), [("spark", True), ("spark", False), ("snowflake", True)], ids=str)
@pytest.mark.parametrize("rule", load_rules(), ids=lambda rule: rule.id)
def test_every_rule_can_be_written_for_engines_on_which_no_test_runs_it(rule: Rule, full: bool, dialect: str) -> None:
    fields = rule.fields if full else rule.needs
    columns = {name: {field: SQL_TYPES[kind] for field, kind in held.items()} for name, held in fields.items()}
    columns.setdefault("Lead", {}).update(EVIDENCE)
    context = AuditContext(as_of=AS_OF, columns=columns, definitions=BOUND if full else Definitions(), dialect=dialect)
    sql = render(rule, default_values(rule), context)
    for statement in (sql.findings, sql.eligible, *sql.thresholds.values()):
        tree = parse_one(statement, dialect=dialect)
        assert not [call.name for call in tree.find_all(exp.Anonymous)]
        assert not list(tree.find_all(exp.Placeholder, exp.Parameter))


def test_postgresql_gets_its_own_spelling() -> None:
    rule = find_rule(load_rules(), "LA004")
    columns = {"Lead": {name: SQL_TYPES[kind] for name, kind in rule.needs["Lead"].items()}}
    sql = render(rule, default_values(rule), AuditContext(as_of=AS_OF, columns=columns, dialect="postgres")).findings
    assert "PERCENTILE_CONT(0.95) WITHIN GROUP" in sql
    assert "DATE_DIFF" not in sql

"""A rule's records are looked at once where its query joins them to themselves, and it finds what it says."""

from __future__ import annotations

import pytest

from sfsync.audit.load import load_rules
from sfsync.audit.overrides import default_values
from sfsync.audit.portable import parse_select
from sfsync.audit.sql import render
from sfsync.audit.straight import straightened
from tests.unit.audit.conftest import MakeMirror, lead
from tests.unit.audit.test_sql_of_a_rule import CONTEXT, rule_with

ELIGIBLE = "SELECT l.Id AS record_id FROM sf.Lead AS l WHERE l.Status = 'Open' OR l.Status = 'New'"
JOINED = "SELECT e.record_id AS record_id FROM eligible AS e JOIN sf.Lead AS x ON x.Id = e.record_id"


def straight(violations: str, eligible: str = ELIGIBLE) -> str | None:
    query = straightened(parse_select(violations), parse_select(eligible))
    return None if query is None else query.sql(dialect="duckdb")


def test_the_condition_takes_the_place_of_the_join():
    assert straight(f"{JOINED} WHERE x.Name = 'A' OR x.Name = 'B'") == (
        "SELECT x.Id AS record_id FROM sf.Lead AS x WHERE (x.Name = 'A' OR x.Name = 'B')"
        " AND (x.Status = 'Open' OR x.Status = 'New')"
    )


def test_a_join_that_tells_which_records_are_judged_moves_along():
    eligible = (
        "SELECT l.Id AS record_id FROM sf.Lead AS l LEFT JOIN lead_status AS s ON s.status = l.Status"
        " WHERE s.status IS NULL"
    )
    assert straight(f"{JOINED} LEFT JOIN sf.Task AS t ON t.WhoId = e.record_id", eligible) == (
        "SELECT x.Id AS record_id FROM sf.Lead AS x LEFT JOIN lead_status AS s ON s.status = x.Status"
        " LEFT JOIN sf.Task AS t ON t.WhoId = x.Id WHERE (s.status IS NULL)"
    )


def test_a_join_in_a_part_of_the_query_is_taken_out_too():
    assert straight(f"WITH named AS ({JOINED}) SELECT n.record_id FROM named AS n") == (
        "WITH named AS (SELECT x.Id AS record_id FROM sf.Lead AS x WHERE (x.Status = 'Open' OR x.Status = 'New'))"
        " SELECT n.record_id FROM named AS n"
    )


@pytest.mark.parametrize(
    "violations",
    [
        "SELECT e.record_id FROM eligible AS e JOIN sf.Task AS t ON t.WhoId = e.record_id",
        "SELECT e.record_id FROM eligible AS e LEFT JOIN sf.Lead AS x ON x.Id = e.record_id",
        "SELECT e.record_id FROM eligible AS e JOIN sf_all.Lead AS x ON x.Id = e.record_id",
        "SELECT e.record_id FROM eligible AS e JOIN sf.Lead AS x ON x.Email = e.record_id",
        "SELECT e.record_id FROM eligible AS e JOIN sf.Lead AS x ON x.Id = e.record_id AND x.Name = 'A'",
        f"{JOINED} RIGHT JOIN sf.Task AS t ON t.WhoId = x.Id",
        f"{JOINED} WHERE Name = 'A'",
        f"{JOINED} JOIN sf.Task AS e ON e.WhoId = x.Id",
        f"{JOINED} WHERE EXISTS (SELECT 1 AS one FROM eligible AS o WHERE o.record_id <> x.Id)",
        "SELECT * FROM eligible AS e JOIN sf.Lead AS x ON x.Id = e.record_id",
    ],
)
def test_a_query_that_means_something_else_stays_as_it_is(violations: str):
    assert straight(violations) is None


@pytest.mark.parametrize(
    "eligible",
    [
        "SELECT l.Id AS record_id, l.Name AS name FROM sf.Lead AS l",
        "SELECT l.Email AS record_id FROM sf.Lead AS l",
        "SELECT DISTINCT l.Id AS record_id FROM sf.Lead AS l",
        "SELECT l.Id AS record_id FROM sf.Lead AS l GROUP BY l.Id",
        "SELECT l.Id AS record_id FROM sf.Contact AS l",
        "SELECT l.Id AS record_id FROM sf.Lead AS l WHERE Status = 'Open'",
        "SELECT l.Id AS record_id FROM sf.Lead AS l RIGHT JOIN sf.Task AS t ON t.WhoId = l.Id",
        "SELECT l.Id AS record_id FROM sf.Lead AS l JOIN sf.Task AS x ON x.WhoId = l.Id",
        "SELECT l.Id AS record_id FROM sf.Lead AS l WHERE EXISTS (SELECT 1 AS one FROM sf.Task AS x WHERE x.Id = l.Id)",
        "SELECT l.Id AS record_id FROM sf.Lead AS l WHERE EXISTS (SELECT 1 AS one FROM sf.Task AS l WHERE l.Id = 'A')",
        "SELECT 1 AS record_id",
    ],
)
def test_records_that_are_told_otherwise_are_joined(eligible: str):
    assert straight(JOINED, eligible) is None


def test_many_rules_look_at_their_records_once():
    rules = load_rules()
    once = {rule.id for rule in rules if straight(rule.sql, rule.eligible) is not None}
    assert {"LI010", "LA003", "OP012", "FC001"} <= once
    assert len(once) > 40


def test_a_statement_that_runs_says_which_records_are_judged_and_reads_them_once(mirror: MakeMirror):
    store = mirror(
        Lead=[
            lead(1, Status="Open", LeadSource="Web"),
            lead(2, Status="Open", LeadSource="Fair"),
            lead(3, Status="Done", LeadSource="Web"),
        ]
    )
    rule = rule_with(f"{JOINED} WHERE x.LeadSource = 'Web'").model_copy(update={"eligible": ELIGIBLE})
    running = render(rule, default_values(rule), CONTEXT, built=frozenset())
    shown = render(rule, default_values(rule), CONTEXT)
    assert (running.findings.count("eligible"), shown.findings.count("eligible")) == (1, 2)
    rows = [store.query(each.findings).rows().dicts() for each in (running, shown)]
    assert [row["record_id"] for row in rows[0]] == [lead(1)["Id"]]
    assert rows[0] == rows[1]
    assert store.query(running.eligible).rows().scalar() == 2

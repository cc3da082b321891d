from __future__ import annotations

import pytest

from sfsync.audit.examples import try_example, try_rules
from sfsync.audit.load import parse_rule
from sfsync.store.duckdb import DuckDBStore
from tests.unit.audit.conftest import RULE


def differences(store: DuckDBStore, *changes: tuple[str, str]) -> list[str]:
    text = RULE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    rule = parse_rule(text, "rules/x.yml")
    return [difference for example in rule.examples for difference in try_example(store, rule, example)]


def test_examples_that_agree_have_no_differences(store: DuckDBStore) -> None:
    assert differences(store) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("Status: Odd", "Status: Even"), "does not find {'record_id': '00QFk0000000001MAA'}"),
        (("Status: Fine", "Status: Odd"), "also finds 00QFk0000000001MAA: Status is Odd"),
        (("finds: [00QFk0000000001MAA]", "finds: [00QFk0000000001MAA]\n    eligible: 2"), "1 eligible, not 2"),
        (("finds: [00QFk0000000001MAA]", "finds: [{Id: 00QFk0000000001MAA, severity: error}]"), "does not find"),
        (("finds: [00QFk0000000001MAA]", "finds: [{Id: 00QFk0000000001MAA, message: Odd}]"), "but {"),
        (("finds: [00QFk0000000001MAA]", "finds: [00QFk0000000001MAA]\n    without: [Lead.Status]"), "not evaluable: "),
    ],
)
def test_an_example_that_disagrees_says_how(store: DuckDBStore, change: tuple[str, str], words: str) -> None:
    assert words in "\n".join(differences(store, change))


def test_an_example_that_should_not_be_evaluable_must_say_why(store: DuckDBStore) -> None:
    more = "  - {name: blind, given: {Lead: [{Id: a}]}, %s not_evaluable: Lead.Status}\nsource:"
    text = RULE + more.partition("\nsource")[0]
    blind = parse_rule(text % "without: [Lead.Status],", "x.yml")
    assert try_example(store, blind, blind.examples[-1]) == []
    seeing = parse_rule(text % "", "x.yml")
    assert "not `not_evaluable`" in try_example(store, seeing, seeing.examples[-1])[0]
    other = parse_rule(
        (text % "without: [Lead.Status],").replace("not_evaluable: Lead.Status", "not_evaluable: moon"), "x.yml"
    )
    assert "the reason does not say 'moon'" in try_example(store, other, other.examples[-1])[0]


def test_more_findings_than_things_judged_are_a_difference(store: DuckDBStore) -> None:
    change = ("FROM sf.Lead AS l\nsql", "FROM sf.Lead AS l WHERE l.Status = 'never'\nsql")
    query = ("FROM eligible AS e\n  JOIN sf.Lead AS l ON l.Id = e.record_id", "FROM sf.Lead AS l")
    assert "more findings (1) than things judged (0)" in differences(store, change, query)


def test_an_example_leaves_nothing_behind(store: DuckDBStore) -> None:
    differences(store)
    with store.reading() as session:
        assert session.execute("SELECT count(*) FROM information_schema.tables").scalar() == 0


def test_rules_are_tried_in_a_database_that_is_thrown_away() -> None:
    tried = try_rules([parse_rule(RULE, "rules/x.yml")])
    assert [(each.rule_id, each.example, each.differences) for each in tried] == [
        ("OWN001", "finds", ()),
        ("OWN001", "clean", ()),
    ]

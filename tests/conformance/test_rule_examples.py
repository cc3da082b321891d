"""Every rule does what its own examples say, on every engine there is."""

from __future__ import annotations

import pytest

from sfsync.audit.examples import try_example
from sfsync.audit.load import load_rules, survey_rules
from sfsync.audit.rule import Example, Rule
from sfsync.store import Store

ENGINES = ("duckdb", "postgres")


@pytest.fixture(scope="module", params=ENGINES)
def empty_store(request: pytest.FixtureRequest) -> Store:
    """A store without a mirror; examples leave it as it is."""
    store: Store = request.getfixturevalue(f"{request.param}_store")
    return store


#: As they are; one of the tests below holds each against itself, which takes longer than all that is collected here.
RULES = load_rules()


def test_every_rule_and_relation_is_in_order() -> None:
    rules, problems = survey_rules()
    assert [str(problem) for problem in problems] == []
    assert rules == RULES


@pytest.mark.parametrize(
    ("rule", "example"),
    [pytest.param(rule, example, id=f"{rule.id} {example.name}") for rule in RULES for example in rule.examples],
)
def test_the_rule_does_what_its_example_says(empty_store: Store, rule: Rule, example: Example) -> None:
    assert try_example(empty_store, rule, example) == []

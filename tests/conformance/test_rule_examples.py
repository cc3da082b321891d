"""Every rule does what its own examples say, on every engine there is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sfsync.audit.examples import try_example
from sfsync.audit.load import survey_rules
from sfsync.audit.rule import Example, Rule
from sfsync.store import Store
from sfsync.store.duckdb import DuckDBStore

ENGINES = ("duckdb", "postgres")


@pytest.fixture(scope="module", params=ENGINES)
def empty_store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store without a mirror; examples leave it as it is."""
    if request.param == "duckdb":
        store = DuckDBStore(tmp_path_factory.mktemp("examples") / "examples.duckdb")
        with store.at_hand():  # opening it anew takes longer than most examples
            yield store
    else:
        yield request.getfixturevalue("postgres_store")


RULES, PROBLEMS = survey_rules()


def test_every_rule_and_relation_is_in_order() -> None:
    assert [str(problem) for problem in PROBLEMS] == []


@pytest.mark.parametrize(
    ("rule", "example"),
    [pytest.param(rule, example, id=f"{rule.id} {example.name}") for rule in RULES for example in rule.examples],
)
def test_the_rule_does_what_its_example_says(empty_store: Store, rule: Rule, example: Example) -> None:
    assert try_example(empty_store, rule, example) == []

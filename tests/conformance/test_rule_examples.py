"""Every rule does what its own examples say, on every store there is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sfsync.audit.examples import try_example
from sfsync.audit.load import load_rules
from sfsync.audit.rule import Example, Rule
from sfsync.store import Store
from sfsync.store.duckdb import DuckDBStore

STORES: dict[str, Callable[[Path], Store]] = {"duckdb": lambda folder: DuckDBStore(folder / "examples.duckdb")}


@pytest.fixture(scope="module", params=STORES)
def empty_store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store without a mirror; examples leave it as it is."""
    return STORES[request.param](tmp_path_factory.mktemp("examples"))


@pytest.mark.parametrize(
    ("rule", "example"),
    [pytest.param(rule, example, id=f"{rule.id} {example.name}") for rule in load_rules() for example in rule.examples],
)
def test_the_rule_does_what_its_example_says(empty_store: Store, rule: Rule, example: Example) -> None:
    assert try_example(empty_store, rule, example) == []

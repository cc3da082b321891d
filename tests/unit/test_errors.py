from __future__ import annotations

import pickle
from collections.abc import Iterator

import pytest

from sfsync import errors
from sfsync.errors import BudgetReached, ConfigError, Problem, RequestRefused, SfsyncError, SoqlError


def every(kind: type[SfsyncError]) -> Iterator[type[SfsyncError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from every(below)


def made(kind: type[SfsyncError]) -> SfsyncError:
    if issubclass(kind, ConfigError):
        return kind([Problem("sfsync.yml", 3, 5, "unknown key `objcts`", "did you mean `objects`?")], hint="mend it")
    if issubclass(kind, RequestRefused):
        return kind("refused", error_code="INVALID_FIELD", status=400, hint="look again")
    if issubclass(kind, SoqlError):
        return kind("unexpected token", row=1, column=7, hint="look again")
    return kind("it went wrong", hint="do this", docs="docs/mirror.md", context={"job": "750x"})


@pytest.mark.parametrize("kind", sorted({k for k in every(SfsyncError) if k.__module__ == errors.__name__}, key=str))
def test_every_error_survives_the_way_from_one_process_to_another(kind: type[SfsyncError]) -> None:
    error = made(kind)
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is kind
    assert vars(copy) == vars(error)
    assert str(copy) == str(error)
    assert copy.exit_code == error.exit_code


def test_a_budget_that_is_reached_is_neither_a_failure_nor_green() -> None:
    assert BudgetReached("spent").exit_code == 4

from __future__ import annotations

from datetime import date

import pytest

from sfsync.audit.message import message_columns
from sfsync.audit.parameter import Parameter


def parameter(kind: str, default: object = None, **more: object) -> Parameter:
    return Parameter.model_validate({"type": kind, "default": default, "about": "x", **more})


@pytest.mark.parametrize(
    ("kind", "given", "value"),
    [
        ("integer", 3, 3),
        ("number", 3, 3),
        ("number", 2.5, 2.5),
        ("text", "a", "a"),
        ("texts", ["a", "b"], ("a", "b")),
        ("texts", [], ()),
        ("date", "2026-01-31", date(2026, 1, 31)),
        ("boolean", True, True),
    ],
)
def test_a_fitting_value_is_taken_in_its_type(kind: str, given: object, value: object) -> None:
    assert parameter(kind).check(given) == value


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("integer", 3.0),
        ("integer", True),
        ("integer", "3"),
        ("number", "3"),
        ("number", float("nan")),
        ("number", float("inf")),
        ("number", False),
        ("text", 3),
        ("text", "nul\0"),
        ("texts", "a"),
        ("texts", ["a", 3]),
        ("date", "31.01.2026"),
        ("date", 20260131),
        ("boolean", "yes"),
        ("boolean", 1),
    ],
)
def test_a_value_that_does_not_fit_is_refused(kind: str, given: object) -> None:
    with pytest.raises(ValueError, match="should be "):
        parameter(kind).check(given)


def test_nothing_is_a_value_only_where_nothing_is_the_default() -> None:
    assert parameter("integer").check(None) is None
    with pytest.raises(ValueError, match="should be a whole number"):
        parameter("integer", 3).check(None)


def test_a_threshold_is_a_number_or_left_to_the_data() -> None:
    days = parameter("threshold", "auto", fallback=90, sql="SELECT 1", minimum=0)
    assert days.check("auto") == "auto"
    assert days.check(30) == 30
    for wrong in ("Auto", -1, None):
        with pytest.raises(ValueError, match="should be"):
            days.check(wrong)


def test_columns_of_a_message_are_those_in_single_braces() -> None:
    assert message_columns("{A} and {{B}} and {C_d}{A}") == ("A", "C_d", "A")
    for wrong in ("{", "}", "{a b}", "{}", "{1}", "{{{a}}"):
        with pytest.raises(ValueError, match="stands alone"):
            message_columns(wrong)

"""What a rule lets you set: a typed value with a default, or a threshold the org's own data decides."""

from __future__ import annotations

import math
from datetime import date
from typing import Any, Literal, Self

from pydantic import model_validator

from sfsync.config.model import Fault, StrictModel, faulty
from sfsync.config.spelling import shown

#: What a threshold is set to when the org's own data is to decide it.
AUTO = "auto"

#: `auto` is trusted from this many records on; below it the fallback stands.
ENOUGH_RECORDS = 50

ParameterType = Literal["integer", "number", "text", "texts", "date", "boolean", "threshold"]

#: A parameter's value after checking; None means "not set".
Value = int | float | str | bool | date | tuple[str, ...] | None


class Parameter(StrictModel):
    """One setting of a rule, usable in its SQL as `$name`.

    A threshold may be `auto`: its `sql` then computes one value for each segment (columns `segment`, `value`, `n`),
    which the rule joins as a relation of the parameter's name; where `n` is too small, `fallback` stands. Its `$name`
    is the fixed number when one is set, else the fallback.

    Attributes:
        type: What the value must be.
        default: Used when nobody sets another; null means "not set" (SQL NULL).
        about: What it does, in one sentence.
        unit: What the number counts, e.g. `days`.
        minimum: Smallest number allowed.
        fallback: A threshold's number where the data does not suffice.
        sql: How `auto` computes a threshold.
    """

    type: ParameterType
    default: Any = None
    about: str
    unit: str | None = None
    minimum: float | None = None
    fallback: float | None = None
    sql: str | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.type == "threshold" and (self.fallback is None or self.sql is None):
            raise faulty(Fault("a threshold needs `fallback` and `sql`", at=("type",)))
        if self.type != "threshold" and (self.fallback is not None or self.sql is not None):
            raise faulty(Fault("only a threshold has `fallback` and `sql`", at=("type",)))
        try:
            self.check(self.default)
        except ValueError as error:
            raise faulty(Fault(str(error), at=("default",))) from None
        return self

    def check(self, value: Any) -> Value:
        """The value in its proper type; raises `ValueError` saying what it should be."""
        if value is None and self.default is None:
            return None
        checked = _CHECKS[self.type](value)
        if checked is None:
            raise ValueError(f"should be {_WANTED[self.type]}, not `{shown(value)}`")
        if self.minimum is not None and isinstance(checked, int | float) and checked < self.minimum:
            raise ValueError(f"should be at least {self.minimum:g}, not `{shown(value)}`")
        return checked


_WANTED: dict[str, str] = {
    "integer": "a whole number",
    "number": "a number",
    "text": "a text",
    "texts": "a list of texts",
    "date": "a date like 2026-01-31",
    "boolean": "true or false",
    "threshold": "a number or `auto`",
}


def _integer(value: Any) -> Value:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _number(value: Any) -> Value:
    usable = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return value if usable else None


def _text(value: Any) -> Value:
    return value if isinstance(value, str) and "\0" not in value else None


def _texts(value: Any) -> Value:
    usable = isinstance(value, list | tuple) and all(_text(item) is not None for item in value)
    return tuple(value) if usable else None


def _date(value: Any) -> Value:
    try:
        return value if type(value) is date else date.fromisoformat(value)
    except (TypeError, ValueError):
        return None


def _boolean(value: Any) -> Value:
    return value if isinstance(value, bool) else None


def _threshold(value: Any) -> Value:
    return AUTO if value == AUTO else _number(value)


_CHECKS = {
    "integer": _integer,
    "number": _number,
    "text": _text,
    "texts": _texts,
    "date": _date,
    "boolean": _boolean,
    "threshold": _threshold,
}

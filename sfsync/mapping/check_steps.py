"""Whether transforms and defaults fit the fields they stand at."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import date, datetime, time

from sfsync.config.spelling import shown
from sfsync.mapping.transforms.steps import Step
from sfsync.record_ids import is_id
from sfsync.records import FieldDescribe

_NUMBERS = frozenset({"int", "long", "double", "currency", "percent"})
#: Transform → the types of fields it makes values for; the others make texts.
_TYPES: dict[str, frozenset[str]] = {
    "number": _NUMBERS,
    "date": frozenset({"date"}),
    "datetime": frozenset({"datetime"}),
    "boolean": frozenset({"boolean"}),
    "multi": frozenset({"multipicklist"}),
}
_TYPED = _NUMBERS | {"date", "datetime", "time", "boolean"}


def step_problem(step: Step, found: FieldDescribe, *, both_ways: bool) -> tuple[str, str | None] | None:
    """What is wrong with a transform at a field, and a hint; None when it fits."""
    fits = _TYPES.get(step.key)
    if fits is not None and found.type not in fits:
        hint = next((f"use `{key}`" for key, types in _TYPES.items() if found.type in types), "remove it")
        return f"`{step.key}` makes values of another type, and {found.name} is of type {found.type}", hint
    if step.key in ("phone", "email") and found.type in _TYPED:
        return f"`{step.key}` makes texts, and {found.name} is of type {found.type}", "remove it"
    if step.multi is not None and both_ways:
        separator = step.multi.strip() or step.multi
        unclear = next((value for value in found.picklist_values if separator in value or value != value.strip()), None)
        if unclear is not None:
            message = f"`{shown(unclear)}` of {found.name} holds the separator, so it could not be pushed back"
            return message, "use another separator, or declare `direction: push` or `direction: pull`"
    return None


def default_problem(found: FieldDescribe, value: str) -> str | None:
    """Why a default is no value of the field, or None."""
    if not _readable(found, value):
        return f"`{shown(value)}` is no value of a field of type {found.type}, as the API writes them"
    if found.length and len(value) > found.length and found.type not in _TYPED:
        return f"`{shown(value)}` has {len(value)} characters, and {found.name} takes {found.length}"
    if found.type == "picklist" and found.picklist_values and value not in found.picklist_values:
        return f"`{shown(value)}` is not an active value of {found.name}"
    return None


def _readable(found: FieldDescribe, value: str) -> bool:
    read = _READERS.get(found.type)
    if read is None:
        return True
    try:
        return read(value)
    except ValueError:
        return False


def _whole(bits: int) -> Callable[[str], bool]:
    return lambda value: re.fullmatch(r"[+-]?[0-9]+", value) is not None and abs(int(value)) < 2**bits


def _number(value: str) -> bool:
    return re.fullmatch(r"[+-]?[0-9.]+([eE][+-]?[0-9]+)?", value) is not None and math.isfinite(float(value))


def _day(value: str) -> bool:
    return re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value) is not None and bool(date.fromisoformat(value))


#: Type of a field → whether a text is a value of it, as the API writes them.
_READERS: dict[str, Callable[[str], bool]] = {
    "int": _whole(31),
    "long": _whole(63),
    **dict.fromkeys(("double", "currency", "percent"), _number),
    "date": _day,
    "datetime": lambda value: value.endswith("Z") and bool(datetime.fromisoformat(value)),
    "time": lambda value: time.fromisoformat(value.removesuffix("Z")) is not None,
    "boolean": lambda value: value in ("true", "false"),
    **dict.fromkeys(("id", "reference"), is_id),
}

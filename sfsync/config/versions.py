"""Version requirements such as `>=0.1,<1`: enough of them for `requires_sfsync`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_CLAUSE = re.compile(r"\s*(>=|<=|==|!=|<|>)\s*([0-9]{1,6}(?:\.[0-9]{1,6}){0,4})\s*")
_VERSION = re.compile(r"([0-9]+(?:\.[0-9]+)*)(.*)")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
}


@dataclass(frozen=True, slots=True)
class Requirement:
    """Clauses that a version must meet, all of them."""

    clauses: tuple[tuple[str, str], ...]

    @classmethod
    def parse(cls, text: str) -> Requirement | None:
        """The requirement a text states, or None when it states none."""
        found = [_CLAUSE.fullmatch(part) for part in text.split(",")]
        clauses = tuple((match[1], match[2]) for match in found if match)
        return cls(clauses) if len(clauses) == len(found) else None

    def allows(self, version: str) -> bool:
        """Whether a version meets every clause."""
        return all(_COMPARE[sign](_order(version), _order(bound)) for sign, bound in self.clauses)


def _order(version: str) -> tuple[tuple[int, ...], bool]:
    """Sorts versions; 1.0 equals 1.0.0, and a pre-release or development version comes before its release."""
    match = _VERSION.match(version)
    numbers, rest = (match[1], match[2]) if match else ("0", "")
    release = tuple(int(part) for part in numbers.split("."))[:5]
    return release + (0,) * (5 - len(release)), not re.match(r"[.-]?(a|b|rc|dev)", rest)

"""`@{reference.path}`: what one subrequest of a composite request takes from the answers to those before it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

#: From this version on, reference IDs are checked for their characters, and a null may be referred to.
STRICT_VERSION = 52.0

_REFERENCE = re.compile(r"@\{([^{}]*)\}")
_PATH = re.compile(r"([^.\[\]]+)((?:\.\w+|\[\d+\])*)")
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")

_NOTHING = object()


class NoSuchValue(Exception):
    """A reference to something that no earlier answer holds; the message is Salesforce's."""


@dataclass(frozen=True, slots=True)
class Answers:
    """The bodies of earlier answers by reference ID.

    Attributes:
        bodies: Of those subrequests that succeeded.
        nulls: Whether a null counts as a value.
    """

    bodies: dict[str, Any]
    nulls: bool

    def into(self, value: Any) -> Any:
        """The value with every reference replaced; a text that is nothing else takes its type."""
        if isinstance(value, str):
            whole = _REFERENCE.fullmatch(value)
            if whole is not None:
                return self._at(whole.group(1))
            return _REFERENCE.sub(lambda match: _as_text(self._at(match.group(1))), value)
        if isinstance(value, list):
            return [self.into(item) for item in value]
        if isinstance(value, dict):
            return {name: self.into(item) for name, item in value.items()}
        return value

    def into_url(self, url: str) -> str:
        """An address with every reference replaced, its value escaped."""
        return _REFERENCE.sub(lambda match: quote(_as_text(self._at(match.group(1))), safe=""), url)

    def _at(self, reference: str) -> Any:
        shape = _PATH.fullmatch(reference)
        name = shape.group(1) if shape else reference
        found = self.bodies.get(name, _NOTHING) if shape else _NOTHING
        for key, index in _STEP.findall(shape.group(2) if shape else ""):
            if key and isinstance(found, dict):
                found = found.get(key, _NOTHING)
            elif index and isinstance(found, list) and int(index) < len(found):
                found = found[int(index)]
            else:
                found = _NOTHING
        if found is _NOTHING or (found is None and not self.nulls):
            raise NoSuchValue(
                f"Invalid reference specified. No value for {reference} found in {name}. Provided referenceId"
                f" ('{reference}') must start with a letter or a number, and it can contain only letters, numbers and"
                " underscores ('_')."
            )
        return found


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)

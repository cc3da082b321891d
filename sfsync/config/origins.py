"""Every value of sfsync.yml that is in force, and where it comes from: a line of the file, or nobody's choice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Any

from pydantic import BaseModel

from sfsync.config.document import Document, KeyPath
from sfsync.config.settings import Settings

#: Blocks that are told rule by rule, with the rules' own values.
RULES = "rules"


@dataclass(frozen=True, slots=True)
class SetValue:
    """One value.

    Attributes:
        path: Its keys, joined by dots.
        value: As it is shown; a secret shows where it is kept, never what it is.
        origin: `sfsync.yml:12`, or `default`.
    """

    path: str
    value: str
    origin: str

    @property
    def is_unset(self) -> bool:
        """Whether nobody has set it, and it has no default either."""
        return self.origin == "default" and self.value in ("null", "[]", "{}")


def set_values(settings: Settings, document: Document | None) -> Iterator[SetValue]:
    """Every value in the order of the file's keys, but for `rules:`."""
    for name in type(settings).model_fields:
        if name != RULES:
            yield from _values((name,), getattr(settings, name), document)


def origin_of(path: KeyPath, document: Document | None) -> str:
    """Where the value at a path comes from."""
    if document is None:
        return "default"
    near = document.nearest(*path)
    if near == path or (near and not _is_block(document, near)):
        return f"{document.name}:{document.place(*near, key=True)[0]}"
    return "default"


def shown(value: object) -> str:
    """A value as YAML would have it, near enough to be read."""
    match value:
        case None:
            text = "null"
        case bool():
            text = "true" if value else "false"
        case Enum():
            text = str(value.value)
        case timedelta():
            text = _span(value)
        case list() | tuple() | frozenset() | set():
            text = f"[{', '.join(shown(item) for item in value)}]"
        case Mapping():
            text = f"{{{', '.join(f'{key}: {shown(item)}' for key, item in value.items())}}}"
        case BaseModel():
            text = shown(value.model_dump(exclude_defaults=True, by_alias=True))
        case _:
            text = str(value)
    return text


def _span(value: timedelta) -> str:
    """A time span as the file writes it: `1d`, `5m`, `1h30m`."""
    seconds = int(value.total_seconds())
    parts = ((seconds // 86400, "d"), (seconds // 3600 % 24, "h"), (seconds // 60 % 60, "m"), (seconds % 60, "s"))
    return "".join(f"{number}{unit}" for number, unit in parts if number) or "0s"


def _values(path: KeyPath, value: Any, document: Document | None) -> Iterator[SetValue]:
    if isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            yield from _values((*path, field.alias or name), getattr(value, name), document)
        for name, more in (value.__pydantic_extra__ or {}).items():
            yield from _values((*path, name), more, document)
    elif isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _values((*path, str(key)), item, document)
    else:
        yield SetValue(".".join(str(step) for step in path), shown(value), origin_of(path, document))


def _is_block(document: Document, path: KeyPath) -> bool:
    found: Any = document.data
    for step in path:
        found = found[step]
    return isinstance(found, dict)

"""Reads a YAML file into plain data, remembers every place, and refuses what a settings file has no use for.

Refused, each at its line and column: syntax errors, duplicate keys, tags, anchors and aliases (so neither objects nor
"billion laughs" can be built), several documents, control characters, other encodings than UTF-8, and files that are
too large or too deep. Only events of the parser are used; PyYAML's constructors never run.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from sfsync.config.document import Document, KeyPath, Lines, Spot
from sfsync.config.scalars import plain_scalar
from sfsync.config.yaml_syntax import syntax_problem
from sfsync.errors import ConfigError, Problem

__all__ = ["MAX_BYTES", "MAX_DEPTH", "Document", "parse_yaml", "read_yaml"]

MAX_BYTES = 1_048_576
MAX_DEPTH = 40

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_UNUSABLE = re.compile("[\x00\ud800-\udfff]")  # what an escape in double quotes can still bring in
_OTHER_ENCODINGS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)


def read_yaml(path: Path, shown_as: str | None = None) -> Document:
    """Read one file.

    Args:
        path: The file.
        shown_as: How messages name it; its path unless given.

    Raises:
        ConfigError: The file cannot be read, or is not a block of `key: value` lines; names every problem found.
    """
    name = shown_as or str(path)
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise ConfigError([Problem(name, None, None, "there is no such file")]) from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigError([Problem(name, None, None, f"the file cannot be read: {reason}")]) from None
    return parse_yaml(content, name)


def parse_yaml(content: bytes | str, name: str) -> Document:
    """Read the content of a file; `name` is how messages call it. Raises `ConfigError` like `read_yaml`."""
    text = _decode(content, name) if isinstance(content, bytes) else content
    if len(text) > MAX_BYTES:
        raise ConfigError([_too_large(name)])
    lines = Lines(text)
    if bad := _FORBIDDEN.search(text):
        line, column = lines.place(bad.start())
        message = f"the character U+{ord(bad.group()):04X} cannot stand in a text file"
        raise ConfigError([Problem(name, line, column, message, "remove it")])
    return _Reader(name, lines).document()


def _decode(content: bytes, name: str) -> str:
    if len(content) > MAX_BYTES:
        raise ConfigError([_too_large(name)])
    hint = "save the file as UTF-8"
    if content.startswith(_OTHER_ENCODINGS):
        raise ConfigError([Problem(name, 1, 1, "the file is UTF-16 or UTF-32, not UTF-8", hint)])
    body = content.removeprefix(codecs.BOM_UTF8)  # Windows editors put one there; it changes nothing
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        before = body[: error.start].decode()
        line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
        message = f"the byte 0x{body[error.start]:02X} is not UTF-8"
        raise ConfigError([Problem(name, line, column, message, hint)]) from None


def _too_large(name: str) -> Problem:
    return Problem(name, 1, 1, f"the file is larger than {MAX_BYTES // 1024} KiB", "is this the right file?")


class _Reader:
    """Turns the parser's events into data and places; problems that do not stop it are collected."""

    def __init__(self, name: str, lines: Lines) -> None:
        self.name = name
        self.lines = lines
        self.spots: dict[KeyPath, Spot] = {}
        self.problems: list[Problem] = []
        self.events: Iterator[Any] = iter(())

    def document(self) -> Document:
        """The whole file; raises `ConfigError` with everything found when anything was."""
        data: Any = None
        try:
            self.events = yaml.parse(self.lines.text, Loader=_LOADER)
            data = self._top()
        except yaml.YAMLError as error:
            self.problems.append(syntax_problem(error, self.name, self.lines))
        except _TooDeepError:
            pass
        if not self.problems and not isinstance(data, dict):
            self._refuse_top(data)
        if self.problems:
            raise ConfigError(self.problems)
        return Document(self.name, data, self.lines, self.spots)

    def _top(self) -> Any:
        data = None
        documents = 0
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._note(event, "a second document begins here", "one file holds one document: remove the `---`")
                    return None
            elif isinstance(event, yaml.NodeEvent):
                data = self._value(event, (), None)
        return data

    def _refuse_top(self, data: Any) -> None:
        if data is None:
            message, hint, at = "the file is empty", "write `key: value` lines", 0
        else:
            kind = "a list" if isinstance(data, list) else "a single value"
            message, hint = f"the file holds {kind}, not a block of `key: value` lines", None
            at = self.spots[()].start
        line, column = self.lines.place(at)
        self.problems.append(Problem(self.name, line, column, message, hint))

    def _value(self, event: Any, path: KeyPath, key: int | None) -> Any:
        """The data of the node that `event` begins; its spot is kept under `path`."""
        if isinstance(event, yaml.AliasEvent):
            self._note(event, "aliases (`*name`) are not read", "write the value out")
            return None
        if event.anchor is not None:
            self._note(event, "anchors (`&name`) are not read", "remove it")
        if event.tag is not None:
            self._note(event, "tags (`!name`) are not read", "put the text in quotes if the `!` belongs to it")
        start, end = event.start_mark.index, event.end_mark.index
        if isinstance(event, yaml.ScalarEvent):
            block = event.style in ("|", ">")
            self.spots[path] = Spot(key, start, end, event.value, block)
            if _UNUSABLE.search(event.value):
                self._note(event, "this text holds a NUL or half a character", "remove the escape")
            return event.value if event.style else plain_scalar(event.value)
        self.spots[path] = Spot(key, start, end)
        if len(path) >= MAX_DEPTH:
            self._note(event, f"more than {MAX_DEPTH} levels deep")
            raise _TooDeepError
        return self._list(path) if isinstance(event, yaml.SequenceStartEvent) else self._block(path)

    def _list(self, path: KeyPath) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            items.append(self._value(event, (*path, len(items)), None))
        return items

    def _block(self, path: KeyPath) -> dict[str, Any]:
        data: dict[str, Any] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key = self._key(event, path)
            at = event.start_mark.index
            if key is None:
                self._value(next(self.events), (*path, "?"), at)
            elif key in data:
                first = self.lines.place(self.spots[(*path, key)].key or 0)[0]
                self._note(event, f"`{key}` is given twice", f"the first is in line {first}")
                self._value(next(self.events), (*path, key, "?"), at)
            else:
                data[key] = self._value(next(self.events), (*path, key), at)
        return data

    def _key(self, event: Any, path: KeyPath) -> str | None:
        if isinstance(event, yaml.ScalarEvent) and event.tag is None and event.anchor is None:
            if event.value and not _UNUSABLE.search(event.value):
                return str(event.value)
            self._note(event, "a key is missing before the `:`, or holds a NUL")
            return None
        if isinstance(event, yaml.CollectionStartEvent):
            self._note(event, "a key must be a text", "put it in quotes if the brackets belong to it")
        self._value(event, (*path, "?"), None)
        return None

    def _note(self, event: Any, message: str, hint: str | None = None) -> None:
        line, column = self.lines.place(event.start_mark.index)
        self.problems.append(Problem(self.name, line, column, message, hint))


class _TooDeepError(Exception):
    """Reading stops: the rest of the file would only be deeper."""

"""A small YAML or JSON text as plain data, with the place of everything in it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import orjson
import yaml

from sfsync.errors import ConfigError, Problem

_MOST_BYTES = 256 * 1024
_DEEPEST = 20
_UNUSABLE = re.compile("[\x00\ud800-\udfff]")
_NULL = re.compile(r"~|null|Null|NULL|")
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_NUMBER = re.compile(r"[-+]?[0-9]{1,18}(\.[0-9]*)?([eE][-+]?[0-9]{1,3})?")

Path = tuple[str | int, ...]


@dataclass
class Placed:
    """Data, and where each value (or key) stands.

    Attributes:
        name: How messages call the text.
        data: Mappings, lists, texts, numbers, booleans, None.
        places: Path → line and column, from 1.
        problems: What is wrong with the text so far.
    """

    name: str
    data: Any = None
    places: dict[Path, tuple[int, int]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def wrong(self, path: Path, message: str, hint: str | None = None) -> None:
        """Note a problem at a place, or at the nearest one around it that is known."""
        while path and path not in self.places:
            path = path[:-1]
        line, column = self.places.get(path, (1, 1))
        self.problems.append(Problem(self.name, line, column, message, hint))


def read_placed(content: bytes, name: str) -> Placed:
    """Read a text; raises ConfigError where it is neither YAML nor JSON."""
    if len(content) > _MOST_BYTES:
        raise ConfigError([Problem(name, None, None, f"the file is larger than {_MOST_BYTES // 1024} kB")])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ConfigError([Problem(name, line, 1, "the file is not UTF-8")]) from None
    if _is_json(content):
        text = text.replace("\t", " ")  # which JSON allows between values, and YAML does not
    placed = Placed(name)
    try:
        _refuse_references(text, placed)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        placed.data = None if node is None else _build(node, (), placed)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise ConfigError([Problem(name, line, column, f"not YAML: {error.problem or error.context}")]) from None
    except yaml.YAMLError as error:
        place = text[: getattr(error, "position", 0) or 0].count("\n") + 1
        raise ConfigError([Problem(name, place, 1, "a character that cannot stand in a text file")]) from None
    except RecursionError:
        raise ConfigError([Problem(name, 1, 1, "the file is nested too deeply")]) from None
    if placed.problems:
        raise ConfigError(placed.problems)
    return placed


def _is_json(content: bytes) -> bool:
    try:
        orjson.loads(content)
    except orjson.JSONDecodeError:
        return False
    return True


def _refuse_references(text: str, placed: Placed) -> None:
    """Anchors and aliases could make a small text large."""
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if getattr(event, "anchor", None) is not None:
            mark: Any = event.start_mark
            message = "anchors and aliases are not read here"
            placed.problems.append(Problem(placed.name, mark.line + 1, mark.column + 1, message))
    if placed.problems:
        raise ConfigError(placed.problems)


def _build(node: yaml.Node, path: Path, placed: Placed) -> Any:
    placed.places.setdefault(path, (node.start_mark.line + 1, node.start_mark.column + 1))
    if len(path) > _DEEPEST:
        raise RecursionError
    if isinstance(node, yaml.SequenceNode):
        return [_build(one, (*path, number), placed) for number, one in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, placed)
    return _scalar(node, path, placed)


def _mapping(node: yaml.MappingNode, path: Path, placed: Placed) -> dict[str, Any]:
    built: dict[str, Any] = {}
    for key, value in node.value:
        mark = key.start_mark
        if not isinstance(key, yaml.ScalarNode):
            placed.problems.append(Problem(placed.name, mark.line + 1, mark.column + 1, "a key has to be a word"))
            continue
        place = (*path, str(key.value))
        if key.value in built:
            placed.problems.append(
                Problem(placed.name, mark.line + 1, mark.column + 1, f"`{key.value}` is there twice")
            )
        placed.places[place] = (mark.line + 1, mark.column + 1)
        built[str(key.value)] = _build(value, place, placed)
    return built


def _scalar(node: yaml.Node, path: Path, placed: Placed) -> Any:
    text = str(node.value)
    if _UNUSABLE.search(text):
        placed.wrong(path, "a character that cannot stand in a text")
    elif not node.tag.startswith("tag:yaml.org,2002:"):
        placed.wrong(path, "tags are not read here")
    is_quoted = getattr(node, "style", None) is not None  # or a block: a text, whatever it looks like
    return text if is_quoted else _plain(text)


def _plain(text: str) -> str | float | bool | None:
    if _NULL.fullmatch(text):
        return None
    if text in {"true", "false"}:
        return text == "true"
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text

"""Turns what pydantic found wrong into problems at file:line:column, in plain words, with a suggestion."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from sfsync.config.document import Document, KeyPath
from sfsync.config.model import Fault
from sfsync.config.spelling import nearest_name, shown, suggestion
from sfsync.errors import ConfigError, Problem

Model = TypeVar("Model", bound=BaseModel)

_A_BLOCK = "should be a block of `key: value` lines"
_SHAPES = {
    "int_type": "should be a whole number",
    "int_from_float": "should be a whole number",
    "float_type": "should be a number",
    "finite_number": "should be a number",
    "list_type": "should be a list",
    "tuple_type": "should be a list",
    "dict_type": _A_BLOCK,
    "model_type": _A_BLOCK,
    "model_attributes_type": _A_BLOCK,
}
_NO_VALUE = "has no value"
_NO_VALUE_HINT = "give it one, or remove it"
_BOOLEAN_WORDS = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}


def read_model(
    model: type[Model],
    document: Document,
    *,
    error: type[ConfigError] = ConfigError,
    context: Mapping[str, Any] | None = None,
    null_allowed: Callable[[KeyPath], bool] = lambda _: True,
) -> Model:
    """The document as a model.

    Args:
        model: What the document should be.
        document: The file, read.
        error: What to raise.
        context: For the model's validators.
        null_allowed: Whether the key at a path may stand without a value. Elsewhere `filter:` with nothing behind it
            is a problem, not the same as no filter.

    Raises:
        ConfigError: (or `error`) with every problem, when the document does not fit.
    """
    found = [
        document.problem(*path, message=f"{_subject(path)} {_NO_VALUE}", hint=_NO_VALUE_HINT)
        for path in _without_value(document.data)
        if not null_allowed(path)
    ]
    result = None
    try:
        result = model.model_validate(document.data, context=dict(context or {}))
    except ValidationError as invalid:
        found += problems_of(invalid, document, model)
    # Raised outside the handler: pydantic's error repeats its input, which must not show in a traceback.
    if result is None or found:
        raise error(sorted(dict.fromkeys(found), key=_place_of))
    return result


def _without_value(data: Any, path: KeyPath = ()) -> Iterator[KeyPath]:
    """The keys that stand without a value."""
    if data is None:
        yield path
    elif isinstance(data, dict):
        for key, value in data.items():
            yield from _without_value(value, (*path, key))
    elif isinstance(data, list):
        for i, value in enumerate(data):
            yield from _without_value(value, (*path, i))


def _place_of(problem: Problem) -> tuple[int, int]:
    return problem.line or 0, problem.column or 0


def problems_of(invalid: ValidationError, document: Document, model: type[BaseModel]) -> list[Problem]:
    """Every problem of a failed validation, in the order of the file."""
    schema = model.model_json_schema()
    details: list[Any] = invalid.errors(include_url=False)
    # A misspelt key is one mistake, not two: the key it was meant for is not reported as missing as well.
    meant = {(*d["loc"][:-1], _meant_key(d, schema)) for d in details if d["type"] == "extra_forbidden"}
    told = [d for d in details if d["type"] != "missing" or tuple(d["loc"]) not in meant]
    found = [problem for detail in told for problem in _told(detail, document, schema)]
    return sorted(found, key=_place_of)


def _meant_key(detail: Any, schema: dict[str, Any]) -> str | None:
    *path, key = detail["loc"]
    return nearest_name(str(key), known_keys(schema, tuple(path)))


def _told(detail: Any, document: Document, schema: dict[str, Any]) -> Iterator[Problem]:
    loc: KeyPath = tuple(detail["loc"])
    about_key = bool(loc) and loc[-1] == "[key]"
    if about_key:
        loc = loc[:-1]
    if detail["type"] == "faults":
        for fault in detail["ctx"]["faults"]:
            yield _fault_told(fault, document, loc, about_key=about_key)
        return
    kind, given = detail["type"], detail["input"]
    text = document.text_at(*document.nearest(*loc))
    name = shown(loc[-1]) if loc else "the file"
    if kind == "extra_forbidden":
        hint = suggestion(str(loc[-1]), known_keys(schema, loc[:-1]))
        yield document.problem(*loc, message=f"unknown key `{name}`", hint=hint, key=True)
    elif kind == "missing":
        yield document.problem(*loc[:-1], message=f"`{name}` is missing", key=True)
    else:
        if kind in ("literal_error", "enum"):
            message, hint = _choice_in_words(given, detail["ctx"]["expected"])
        elif given is None and kind.endswith("_type"):
            message, hint = _NO_VALUE, _NO_VALUE_HINT
        elif kind == "string_type":
            message, hint = _not_text_in_words(given, text)
        else:
            message, hint = _shape_in_words(kind, given, detail["msg"])
        yield document.problem(*loc, message=f"{_subject(loc)} {message}", hint=hint, key=about_key)


def _fault_told(fault: Fault, document: Document, loc: KeyPath, *, about_key: bool) -> Problem:
    path = (*loc, *fault.at)
    message = fault.message
    if message.startswith(("should ", "is ", "has no value")):
        message = f"{_subject(path)} {message}"
    return document.problem(*path, message=message, hint=fault.hint, key=fault.key or about_key)


def _subject(loc: KeyPath) -> str:
    """How a message names the value at `loc`: its key, or its number in a list."""
    if not loc:
        return "the file"
    if isinstance(loc[-1], int):
        return f"item {loc[-1] + 1} of {_subject(loc[:-1])}"
    return f"`{shown(loc[-1])}`"


def _choice_in_words(given: Any, expected: str) -> tuple[str, str | None]:
    known = re.findall(r"'([^']*)'", expected)
    listed = ", ".join(known) or expected
    if isinstance(given, str):
        near = nearest_name(given, known)
        return f"should be one of {listed}, not `{shown(given)}`", f"did you mean `{near}`?" if near else None
    return f"should be one of {listed}", None


def _not_text_in_words(given: Any, text: str | None) -> tuple[str, str | None]:
    if isinstance(given, (bool, int, float)):
        written = shown(given if text is None else text)
        return f"should be text, and `{written}` is read as a {_named(given)}", f'put it in quotes: "{written}"'
    return f"should be text, not a {_named(given)}", None


def _shape_in_words(kind: str, given: Any, told: str) -> tuple[str, str | None]:
    if kind == "bool_type":
        word = _BOOLEAN_WORDS.get(given.casefold()) if isinstance(given, str) else None
        return "should be `true` or `false`", f"write `{word}`" if word else None
    shape = _SHAPES.get(kind)
    if shape is None:
        return told.removeprefix("Input ").removeprefix("Value error, "), None
    return shape, f"write `[{shown(given)}]`" if shape == "should be a list" and isinstance(given, str) else None


def _named(value: object) -> str:
    kinds = {bool: "truth value", int: "number", float: "number", list: "list", dict: "block"}
    return kinds.get(type(value), "text")


def known_keys(schema: dict[str, Any], path: KeyPath) -> list[str]:
    """The keys a JSON Schema allows in the block at `path`."""
    nodes = _forms(schema, schema)
    for step in path:
        nodes = [form for node in nodes for child in _children(node, step) for form in _forms(child, schema)] or nodes
    return list(dict.fromkeys(key for node in nodes for key in node.get("properties", {})))


def _forms(node: Any, schema: dict[str, Any]) -> list[dict[str, Any]]:
    """A schema node with references and alternatives followed."""
    if not isinstance(node, dict):
        return []
    if "$ref" in node:
        return _forms(schema["$defs"][str(node["$ref"]).rsplit("/", 1)[-1]], schema)
    alternatives = [*node.get("anyOf", ()), *node.get("oneOf", ()), *node.get("allOf", ())]
    return [form for alternative in alternatives for form in _forms(alternative, schema)] or [node]


def _children(node: dict[str, Any], step: str | int) -> list[Any]:
    if isinstance(step, int):
        return [node["items"]] if "items" in node else []
    if step in node.get("properties", {}):
        return [node["properties"][step]]
    return [node["additionalProperties"]] if "additionalProperties" in node else []

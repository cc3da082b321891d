"""Carries the docstrings of models into their JSON Schema, so that editors show them beside the keys."""

from __future__ import annotations

import inspect
import re
from typing import Any

_ATTRIBUTE = re.compile(r"^    (\w+): (.+?)(?=^    \w+: |\Z)", re.MULTILINE | re.DOTALL)


def describe_schema(schema: dict[str, Any], model: type) -> None:
    """Put a model's summary and its `Attributes:` into the JSON Schema of the model, and leave out the noise."""
    text, _, attributes = inspect.cleandoc(model.__doc__ or "").partition("\nAttributes:\n")
    schema["description"] = _one_line(text)
    properties = schema.get("properties", {})
    for details in properties.values():
        details.pop("title", None)
        _leave_out_null(details)
    for name, words in _ATTRIBUTE.findall(attributes):
        key = _key(model, name)
        if key in properties:
            properties[key]["description"] = _one_line(words)


def _leave_out_null(details: dict[str, Any]) -> None:
    """A key that may be left out is not one that may stand without a value."""
    if details.get("default", ...) is None:
        del details["default"]
    forms = [form for form in details.get("anyOf", ()) if form != {"type": "null"}]
    if len(forms) == 1:
        del details["anyOf"]
        details.update(forms[0])
    elif forms:
        details["anyOf"] = forms


def _key(model: type, name: str) -> str:
    """An attribute as files write it."""
    field = getattr(model, "model_fields", {}).get(name)
    return str(getattr(field, "alias", None) or name)


def _one_line(text: str) -> str:
    return " ".join(text.split())

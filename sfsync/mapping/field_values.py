"""Values that keys of a field may have, with the forms a file may write them in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, PlainValidator, WithJsonSchema
from pydantic_core import PydanticKnownError

from sfsync.config.model import Fault, StrictModel, faulty
from sfsync.config.spelling import shown, suggestion
from sfsync.mapping.local_names import check_header

Direction = Literal["pull", "push", "both"]
ConflictPolicy = Literal["newest", "org", "local", "fail"]

_OTHERWISE = ("fail", "keep", "null")
_PERCENT = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,4})?) ?%")


class OtherValue(StrictModel):
    """A fixed value for everything that `values` does not name."""

    value: str


def _parse_otherwise(given: Any) -> Any:
    if given is None or given in _OTHERWISE:
        return given or "null"  # YAML reads an unquoted `null` as nothing
    if isinstance(given, dict) and set(given) == {"value"} and isinstance(given["value"], str):
        return OtherValue(value=given["value"])
    if isinstance(given, OtherValue):
        return given
    if isinstance(given, str):
        hint = suggestion(given, _OTHERWISE) if len(given) <= 6 else None
        raise faulty(
            Fault(
                f"should be one of {', '.join(_OTHERWISE)}, not `{shown(given)}`",
                hint if hint and "mean" in hint else f"a fixed value is written `{{value: {shown(given)}}}`",
            )
        )
    raise faulty(Fault(f"should be one of {', '.join(_OTHERWISE)}, or a fixed value: `{{value: text}}`"))


Otherwise = Annotated[
    Literal["fail", "keep", "null"] | OtherValue,
    BeforeValidator(_parse_otherwise),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": [*_OTHERWISE, None]},
                {
                    "type": "object",
                    "properties": {"value": {"type": "string"}},
                    "required": ["value"],
                    "additionalProperties": False,
                },
            ]
        }
    ),
]


def check_texts(given: Sequence[Any]) -> None:
    """Raise a fault of the file unless every item of a list is text."""
    for number, each in enumerate(given):
        if not isinstance(each, str):
            written = shown(str(each).lower() if isinstance(each, bool) else each)
            raise faulty(Fault(f"should be text, and `{written}` is not", f'put it in quotes: "{written}"', (number,)))


def _parse_texts(given: Any) -> Any:
    """A text, or a list of texts as a tuple; one text in a list is that text."""
    if isinstance(given, (list, tuple)):
        if not given:
            raise faulty(Fault("is empty"))
        check_texts(given)
        return tuple(given) if len(given) > 1 else given[0]
    if not isinstance(given, str):
        raise PydanticKnownError("string_type")
    return given


def _parse_columns(given: Any) -> Any:
    if given is None:
        return None
    columns = _parse_texts(given)
    for column in (columns,) if isinstance(columns, str) else columns:
        check_header(column)
    return columns


_TEXT_OR_TEXTS = WithJsonSchema(
    {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
)
#: One column, or several that a transform joins; None where a field has another source.
Columns = Annotated[str | tuple[str, ...] | None, PlainValidator(_parse_columns), _TEXT_OR_TEXTS]
#: The local values for one of the org's: any of them is pushed as it, the first is shown.
LocalValues = Annotated[str | tuple[str, ...], PlainValidator(_parse_texts), _TEXT_OR_TEXTS]


def _parse_scalar(given: Any) -> Any:
    if isinstance(given, bool):
        return "true" if given else "false"
    if isinstance(given, (int, float)):
        return repr(given)
    if given == "":
        raise faulty(Fault("is empty", "Salesforce knows no empty text: leave the key out"))
    return given


#: A fixed value, as the API writes it.
FixedValue = Annotated[str, BeforeValidator(_parse_scalar), WithJsonSchema({"type": ["string", "number", "boolean"]})]


def _parse_share(given: Any) -> Any:
    match = _PERCENT.fullmatch(given) if isinstance(given, str) else None
    if match is None or not 0 <= float(match[1]) <= 100:
        if isinstance(given, float) and 0 <= given <= 1:
            return given  # already read
        raise faulty(Fault("should be a share, like `5%`"))
    return float(match[1]) / 100


#: A share of records, from 0 to 1.
Share = Annotated[
    float,
    BeforeValidator(_parse_share),
    WithJsonSchema({"type": "string", "pattern": r"^[0-9.]+ ?%$", "examples": ["5%"]}),
]

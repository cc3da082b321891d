"""What all models of files share: unknown keys are errors, and nothing is converted silently."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from sfsync.config.described import describe_schema
from sfsync.config.spelling import shown

API_NAME = r"[A-Za-z][A-Za-z0-9]*(?:_{1,2}[A-Za-z0-9]+)*"
_API_NAME = re.compile(API_NAME)
_DURATION = re.compile(r"(?:(\d{1,4})d)?(?:(\d{1,4})h)?(?:(\d{1,5})m)?(?:(\d{1,6})s)?")


class StrictModel(BaseModel):
    """Base of every model of a file."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        schema = handler(core_schema)
        describe_schema(handler.resolve_ref_schema(schema), cls)
        return schema


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing a validator found wrong, at a place relative to the value it was given.

    Attributes:
        message: What is wrong, in one sentence; must not repeat a secret.
        hint: What to write instead, or None.
        at: Keys from the validated value down to the fault.
        key: The place to show is the key, not the value.
    """

    message: str
    hint: str | None = None
    at: tuple[str | int, ...] = ()
    key: bool = False


def faulty(*faults: Fault) -> PydanticCustomError:
    """The exception a validator raises to report faults with hints and places."""
    return PydanticCustomError("faults", "{text}", {"text": "; ".join(f.message for f in faults), "faults": faults})


@dataclass(frozen=True, slots=True)
class ShortForm:
    """Lets a model be written as a bare text: `email` for `{local: email}`.

    The short form is rewritten before validation, so every fault is reported once, at its exact place; a union of
    the two forms would report each fault twice.
    """

    key: str

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], CoreSchema]) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._long, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: Callable[[CoreSchema], Any]) -> dict[str, Any]:
        return {"anyOf": [{"type": "string"}, handler(schema)]}

    def _long(self, value: Any) -> Any:
        if isinstance(value, (dict, BaseModel)):
            return value
        if isinstance(value, str):
            return {self.key: value}
        if value is None:
            raise faulty(Fault("has no value", "give it one, or remove it"))
        raise faulty(Fault(f"should be a text or a block with `{self.key}:`"))


def check_api_name(name: str) -> str:
    """The name, when it can be one of the API's; raises a fault of the file otherwise."""
    if not _API_NAME.fullmatch(name):
        raise faulty(
            Fault(f"`{shown(name)}` is not an API name", "letters, digits and single underscores, like `Crm_Id__c`")
        )
    return name


def _check_filled(value: Any) -> Any:
    if not value:
        raise faulty(Fault("is empty"))
    return value


def _check_version(version: Any) -> Any:
    if type(version) is not int or version != 1:
        raise faulty(Fault("should be 1, the only version of this file format so far"))
    return version


def _parse_duration(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value
    match = _DURATION.fullmatch(value) if isinstance(value, str) and value else None
    if match is None:
        raise faulty(Fault("should be a time span", "a number and a unit: `90s`, `5m`, `1h`, `2d`"))
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


ApiName = Annotated[str, AfterValidator(check_api_name)]
Duration = Annotated[
    timedelta,
    BeforeValidator(_parse_duration),
    WithJsonSchema({"type": "string", "pattern": r"^(\d+d)?(\d+h)?(\d+m)?(\d+s)?$", "examples": ["5m", "90s", "1h"]}),
]
FormatVersion = Annotated[Literal[1], BeforeValidator(_check_version)]
#: Not by `min_length`, which would call a list empty whose only item is wrong.
Filled = (AfterValidator(_check_filled), Field(json_schema_extra={"minItems": 1, "minProperties": 1}))
#: Lists in files become tuples; only the container is converted, its items stay strict.
Lax = Field(strict=False)

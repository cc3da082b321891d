"""`waivers:` in sfsync.yml: findings that somebody has decided to live with, why, and until when.

A waiver that is not in order does not apply, and says so: a slip of the pen must show a finding, never hide one. So the
settings take the list as it is, and `read_waivers` tells the sound ones from the others.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, Any, cast

from pydantic import AfterValidator, BeforeValidator, ValidationError, WithJsonSchema, model_validator

from sfsync.config.document import Document, Lines, Spot
from sfsync.config.model import API_NAME, Fault, Lax, StrictModel, faulty
from sfsync.config.problems import problems_of
from sfsync.config.spelling import shown
from sfsync.errors import Problem
from sfsync.record_ids import is_id, long_id

_RULES = re.compile(r"[A-Z]{1,12}[0-9]{0,4}")
_FIELD = re.compile(rf"{API_NAME}\.{API_NAME}")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def _check_rules(text: str) -> str:
    if not _RULES.fullmatch(text):
        raise faulty(Fault(f"`{shown(text)}` is neither the id of a rule nor the beginning of one", "e.g. `FM005`"))
    return text


def _check_record(text: str) -> str:
    if not is_id(text):
        raise faulty(Fault(f"`{shown(text)}` is not a record Id", "15 or 18 letters and digits"))
    if len(text) == 18 and text != long_id(text):
        raise faulty(Fault(f"`{shown(text)}` is not a record Id: its last three characters do not fit the others"))
    return long_id(text)


def _check_field(text: str) -> str:
    if not _FIELD.fullmatch(text):
        raise faulty(Fault(f"`{shown(text)}` is not a field of an object", "e.g. `Lead.Internal_Note__c`"))
    return text


def _check_reason(text: str) -> str:
    if not text.strip():
        raise faulty(Fault("the reason is empty", "say why this may stay as it is"))
    return " ".join(text.split())


def _parse_day(value: Any) -> Any:
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value if isinstance(value, str) and _DATE.fullmatch(value) else "")
    except ValueError:
        raise faulty(Fault("should be a date like 2027-03-31", "the last day on which the waiver holds")) from None


class Waiver(StrictModel):
    """One decision to live with findings.

    Attributes:
        rule: Id of the rule, or how the ids of several begin.
        record: Of this record alone.
        field: Of this field alone, as `Object.Field`.
        reason: Why.
        by: Who decided.
        expires: The last day on which it holds.
    """

    rule: Annotated[str, AfterValidator(_check_rules)]
    record: Annotated[str, AfterValidator(_check_record)] | None = None
    field: Annotated[str, AfterValidator(_check_field)] | None = None
    reason: Annotated[str, AfterValidator(_check_reason)]
    by: str | None = None
    expires: Annotated[
        date,
        BeforeValidator(_parse_day),
        WithJsonSchema({"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$", "examples": ["2027-03-31"]}),
    ]

    @model_validator(mode="before")
    @classmethod
    def _check_values(cls, given: Any) -> Any:
        """A `record:` with nothing behind it must not read as the whole rule."""
        bare = [key for key, value in given.items() if value is None] if isinstance(given, dict) else []
        if bare:
            raise faulty(*(Fault("has no value", "give it one, or remove it", (key,)) for key in bare))
        return given


class _All(StrictModel):
    waivers: Annotated[tuple[Waiver, ...], Lax]


#: The list as it stands in the file, whatever stands in it; editors are told what should.
WaiverList = Annotated[
    tuple[Any, ...],
    Lax,
    WithJsonSchema({"type": "array", "items": Waiver.model_json_schema(), "default": []}),
]


@dataclass(frozen=True, slots=True)
class ReadWaivers:
    """The waivers of a project.

    Attributes:
        sound: Place in the list → a waiver in order.
        problems: Place in the list → what is wrong with one that is not.
    """

    sound: dict[int, Waiver]
    problems: dict[int, tuple[Problem, ...]]


def read_waivers(items: Sequence[Any], document: Document | None) -> ReadWaivers:
    """Tell the waivers that are in order from those that are not.

    Args:
        items: As the settings hold them.
        document: sfsync.yml as read, so that problems name their line.
    """
    if not items:
        return ReadWaivers({}, {})
    try:
        whole = _All.model_validate({"waivers": list(items)})
    except ValidationError as invalid:
        faults: dict[int, list[Any]] = {}
        for error in invalid.errors(include_url=False):
            faults.setdefault(int(error["loc"][1]), []).append(error)
    else:
        return ReadWaivers(dict(enumerate(whole.waivers)), {})
    sound = {i: Waiver.model_validate(item) for i, item in enumerate(items) if i not in faults}
    return ReadWaivers(sound, {i: _problems(errors, document) for i, errors in faults.items()})


def place_of_waiver(number: int, document: Document | None) -> str:
    """`file:line:column` of the waiver at this place of the list."""
    if document is None:
        return f"waiver {number + 1} of sfsync.yml"
    return document.problem("waivers", number, message="").place


def _problems(errors: list[Any], document: Document | None) -> tuple[Problem, ...]:
    """What is wrong with one waiver, at its place in the file."""
    where = document or Document("sfsync.yml", {}, Lines(""), {(): Spot(None, 0, 0)})
    told = problems_of(cast(ValidationError, _Errors(errors)), where, _All)
    return tuple(dict.fromkeys(each if document else replace(each, line=None, column=None) for each in told))


@dataclass(frozen=True, slots=True)
class _Errors:
    """A part of the errors of a validation."""

    listed: list[Any]

    def errors(self, **_: object) -> list[Any]:
        """As pydantic tells them."""
        return self.listed

"""The `pull:` block of `sfsync.yml`: which objects are mirrored, which part of each, and what reading them may cost."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator
from pydantic_core import CoreSchema, PydanticKnownError, core_schema

from sfsync.config.document import Document, KeyPath
from sfsync.config.model import ApiName, Duration, Fault, Filled, Lax, StrictModel, faulty
from sfsync.config.spelling import shown

_SHARE = re.compile(r"(\d{1,3}(?:\.\d{1,6})?)\s?%")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")

#: Salesforce stores no date outside these years.
_YEARS = range(1700, 4001)


def _check_distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    faults = list(_repeated(names))
    if faults:
        raise faulty(*faults)
    return names


def _repeated(names: tuple[str, ...]) -> Iterator[Fault]:
    seen: set[str] = set()
    for i, name in enumerate(names):
        if name.casefold() in seen:
            yield Fault(f"`{name}` is listed twice", at=(i,))
        seen.add(name.casefold())


def _all_is_no_choice(value: Any) -> Any:
    """`fields: all` is what leaving the key out means."""
    if value == "all":
        return None
    if isinstance(value, str):
        raise faulty(Fault("should be a list of fields, or `all`", f"write `[{shown(value)}]`"))
    return value


def _parse_day(value: Any) -> Any:
    if isinstance(value, date):
        return value
    day = None
    if isinstance(value, str) and _DAY.fullmatch(value):
        try:
            day = date.fromisoformat(value)
        except ValueError:
            raise faulty(Fault(f"`{value}` is not a day of the calendar")) from None
    if day is None or day.year not in _YEARS:
        raise faulty(Fault("should be a day", "year, month and day: `2024-01-01`"))
    return day


def _parse_share(value: Any) -> Any:
    match = _SHARE.fullmatch(value) if isinstance(value, str) else None
    share = float(match[1]) / 100 if match else value
    if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 <= share <= 1:
        raise faulty(Fault("should be a share", "a percentage: `5%`"))
    return float(share)


def _never_is_none(value: Any) -> Any:
    return None if value == "never" else value


def _check_filter(text: str) -> str:
    if not text.strip():
        raise faulty(Fault("the filter is empty", "leave `filter` out to take every record"))
    return text


Names = Annotated[tuple[ApiName, ...], Lax, AfterValidator(_check_distinct)]
_SomeNames = Annotated[tuple[ApiName, ...], Lax, *Filled, AfterValidator(_check_distinct)]
FieldNames = Annotated[
    _SomeNames | None,
    BeforeValidator(_all_is_no_choice),
    WithJsonSchema({"anyOf": [{"const": "all"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}),
]
Day = Annotated[date, BeforeValidator(_parse_day), WithJsonSchema({"type": "string", "format": "date"})]
Share = Annotated[
    float,
    BeforeValidator(_parse_share),
    WithJsonSchema(
        {"anyOf": [{"type": "string", "pattern": r"^\d+(\.\d+)?\s?%$"}, {"type": "number", "minimum": 0, "maximum": 1}]}
    ),
]
Often = Annotated[
    Duration | None,
    BeforeValidator(_never_is_none),
    WithJsonSchema(
        {"type": "string", "pattern": r"^(never|(\d+d)?(\d+h)?(\d+m)?(\d+s)?)$", "examples": ["1d", "never"]}
    ),
]
Count = Annotated[int, Field(ge=1)]


class ObjectSettings(StrictModel):
    """Which part of one object is mirrored, and how; all of it unless something is said.

    Attributes:
        fields: API names, or `all`. What the mirror itself and the project's mappings need is always added.
        exclude: Fields to leave out of `all`.
        filter: SOQL condition (what stands after WHERE); only records that meet it are mirrored.
        since: Only records created on this day or later, e.g. `2024-01-01`; the day begins in the project's time zone.
        history: Whether superseded versions are kept, instead of what `pull` says for all objects.
        formulas: Whether formula fields are refreshed on their own, though nothing else in a record changed.
    """

    fields: FieldNames = None
    exclude: Names = ()
    filter: Annotated[str, AfterValidator(_check_filter)] | None = None
    since: Day | None = None
    history: bool | None = None
    formulas: bool | None = None

    @model_validator(mode="after")
    def _one_way_to_choose_fields(self) -> Self:
        if self.fields is not None and self.exclude:
            hint = "leave the fields out of `fields` instead"
            raise faulty(Fault("`exclude` means nothing beside a list of `fields`", hint, ("exclude",), key=True))
        return self


class ObjectList:
    """Lets `objects` be a list of names, each with settings or without, or a block of `Name: settings`.

    Both are rewritten to a list of one-key blocks before validation, so every fault is reported once, at its exact
    place; a union of the forms would report each fault several times.
    """

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], CoreSchema]) -> CoreSchema:
        entry = core_schema.no_info_before_validator_function(self._entry, handler(source))
        entries = core_schema.no_info_before_validator_function(
            self._listed, core_schema.tuple_variable_schema(entry, strict=False)
        )
        return core_schema.no_info_after_validator_function(self._by_name, entries)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: Callable[[CoreSchema], Any]) -> dict[str, Any]:
        block = handler(schema)["items"]
        settings = {"anyOf": [block["additionalProperties"], {"type": "null"}]}
        block = {**block, "additionalProperties": settings, "minProperties": 1}
        entry = {"anyOf": [{"type": "string"}, {**block, "maxProperties": 1}]}
        return {"anyOf": [{"type": "array", "items": entry, "minItems": 1}, block]}

    def _listed(self, value: Any) -> Any:
        return [{name: settings} for name, settings in value.items()] if isinstance(value, dict) else value

    def _entry(self, value: Any) -> Any:
        if isinstance(value, str):
            return {value: {}}
        if value is None:
            raise faulty(Fault("has no value", "give it one, or remove it"))
        if not isinstance(value, dict):
            raise PydanticKnownError("string_type")
        name, *others = value
        if others:
            # The commonest slip: below `- Lead:` the settings must stand further right than the name.
            message = f"`{shown(others[0])}` stands beside `{shown(name)}`, not below it"
            raise faulty(Fault(message, f"indent it further than `{shown(name)}:`", (others[0],), key=True))
        return {name: {} if value[name] is None else value[name]}

    def _by_name(self, entries: tuple[dict[str, ObjectSettings], ...]) -> dict[str, ObjectSettings]:
        if not entries:
            raise faulty(Fault("is empty"))
        names = tuple(name for entry in entries for name in entry)
        faults = [Fault(fault.message, at=(*fault.at, names[int(fault.at[0])]), key=True) for fault in _repeated(names)]
        if faults:
            raise faulty(*faults)
        return {name: settings for entry in entries for name, settings in entry.items()}


class FormulaSettings(StrictModel):
    """How fields that change by themselves are kept fresh: formulas and roll-ups move without a change of the record.

    Attributes:
        every: How often they are read again, e.g. `1d`; or `never`.
        calls: How many API calls a pull may spend on it.
    """

    every: Often = timedelta(days=1)
    calls: Count = 200


class BudgetSettings(StrictModel):
    """What pulls may cost; when it is reached, a pull stops cleanly, and the next one goes on from there.

    Attributes:
        calls_per_run: API calls of one pull.
        calls_per_day: API calls of all pulls within 24 hours.
        bulk_jobs_per_run: Bulk jobs of one pull.
        bulk_jobs_per_day: Bulk jobs of all pulls within 24 hours.
        reserve: Share of the org's daily API calls and Bulk jobs that is left for people and other programs.
    """

    calls_per_run: Count | None = None
    calls_per_day: Count | None = None
    bulk_jobs_per_run: Count | None = None
    bulk_jobs_per_day: Count | None = None
    reserve: Share = 0.1


class PullSettings(StrictModel):
    """How the mirror is filled.

    Attributes:
        objects: API names to mirror, each with settings where only a part of it is wanted; the standard set unless
            given.
        lag: How far behind the org's clock a pull ends, so that late commits are not missed.
        overlap: How much of the time already read is read again.
        bulk_threshold: From how many records on a pull goes by Bulk API.
        history: Whether superseded versions of records are kept, for `sfsync query --as-of`.
        without_history: Objects of which none are kept all the same.
        concurrency: How many objects are read at the same time.
        most_vanished: Largest share of an object's records that may be taken for deleted because the org no longer
            lists them; more than that looks like a lost permission, and stops the object.
        formulas: How formula and roll-up fields are kept fresh.
        budget: What pulls may cost.
    """

    objects: Annotated[dict[ApiName, ObjectSettings], ObjectList()] | None = None
    lag: Duration = timedelta(minutes=5)
    overlap: Duration = timedelta(minutes=10)
    bulk_threshold: int = Field(default=5000, ge=0)
    history: bool = True
    without_history: Names = ()
    concurrency: int = Field(default=4, ge=1, le=16)
    most_vanished: Share = 0.05
    formulas: FormulaSettings = FormulaSettings()
    budget: BudgetSettings = BudgetSettings()

    @model_validator(mode="after")
    def _history_is_said_once(self) -> Self:
        without = {name.casefold(): i for i, name in enumerate(self.without_history)}
        faults = [
            Fault(f"`{name}` is set to keep its history under `objects`", "say it once", ("without_history", at))
            for name, settings in (self.objects or {}).items()
            if settings.history and (at := without.get(name.casefold())) is not None
        ]
        if faults:
            raise faulty(*faults)
        return self


def may_stand_bare(path: KeyPath) -> bool:
    """Whether a key may stand without a value: the name of an object of which everything is wanted."""
    return path[:2] == ("pull", "objects") and isinstance(path[-1], str) and len(path) <= (4 if _numbered(path) else 3)


def _numbered(path: KeyPath) -> bool:
    return len(path) > 2 and isinstance(path[2], int)


def object_path(document: Document, name: str) -> KeyPath:
    """Where in the file the settings of an object stand, or its name."""
    path: KeyPath = ("pull", "objects")
    pull = document.data.get("pull")
    written = pull.get("objects") if isinstance(pull, dict) else None
    if isinstance(written, list):
        found = next(
            (i for i, each in enumerate(written) if each == name or (isinstance(each, dict) and name in each)), 0
        )
        path = (*path, found)
    return document.nearest(*path, name)

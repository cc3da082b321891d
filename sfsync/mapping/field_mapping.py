"""One field of a mapping, and one lookup: where the value comes from, what becomes of it, when it is written."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as AnyMapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, ConfigDict, PlainValidator, WithJsonSchema, model_validator
from pydantic_core import PydanticKnownError

from sfsync.config.model import API_NAME, ApiName, Fault, Filled, StrictModel, check_api_name, faulty
from sfsync.mapping.field_values import (
    Columns,
    ConflictPolicy,
    Direction,
    FixedValue,
    LocalValues,
    Otherwise,
    check_texts,
)
from sfsync.mapping.transforms.computed import UnusableExpression, expression_of
from sfsync.mapping.transforms.mask import Mask
from sfsync.mapping.transforms.steps import Steps


def _local_may_be_left_out(schema: dict[str, Any]) -> None:
    schema["required"] = [key for key in schema.get("required", ()) if key != "local"]


class Sourced(StrictModel):
    """What fields and lookups have in common: a source, transforms, and when they are written."""

    model_config = ConfigDict(json_schema_extra=_local_may_be_left_out)

    local: Columns
    constant: FixedValue | None = None
    sql: str | None = None
    transform: Steps = ()
    default: FixedValue | None = None
    direction: Direction | None = None
    conflicts: ConflictPolicy | None = None
    null: Literal["keep", "clear"] = "keep"
    write: Literal["always", "if-empty", "never"] = "always"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the local table that it stands in; none for a constant or an expression."""
        if self.local is None:
            return ()
        return (self.local,) if isinstance(self.local, str) else self.local

    @property
    def is_only_pushed(self) -> bool:
        """Whether there is nothing that a pull could show."""
        return self.local is None

    @model_validator(mode="before")
    @classmethod
    def _other_sources(cls, data: Any) -> Any:
        # `local` is needed unless another source is named; required it stays, so that its lack is told with the rest.
        if isinstance(data, dict) and "local" not in data and ("constant" in data or "sql" in data):
            return {**data, "local": None}
        return data

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        sources = [key for key in ("local", "constant", "sql") if getattr(self, key) is not None]
        if len(sources) > 1:
            message = f"the value comes from one source, and here are `{'` and `'.join(sources)}`"
            raise faulty(Fault(message, "keep one of them", (sources[-1],), key=True))
        if self.sql is not None:
            try:
                expression_of(self.sql)
            except UnusableExpression as error:
                raise faulty(Fault(str(error), None, ("sql",))) from None
        joins = [number for number, step in enumerate(self.transform) if step.join is not None]
        if joins and (len(self.columns) < 2 or joins != [0]):
            hint = "name them: `local: [first_name, last_name]`"
            raise faulty(Fault("`join` comes first, and joins several columns", hint, ("transform",), key=True))
        if len(self.columns) > 1 and not joins:
            raise faulty(Fault("several columns need to be joined", "add `transform: {join: ' '}`", ("local",)))
        return self


def _null_is_a_word(given: Any) -> Any:
    # YAML reads an unquoted `null` as nothing, and `on_missing: null` or `mask: null` is what anyone would write.
    return "null" if given is None else given


class FieldMapping(Sourced):
    """One field and the column that holds it.

    Attributes:
        local: Column of the local table, or several that `transform: {join: ' '}` puts together.
        constant: Instead of a column: the same value in every record. Pushed only.
        sql: Instead of a column: an SQL expression over the columns of the source. Pushed only.
        transform: How the local value differs from the org's: one or several, in the order of a push.
        default: What a push writes where the local value is empty, as the API writes it.
        direction: Instead of the mapping's; a `push` field is not shown by the local table.
        conflicts: Instead of the mapping's.
        null: What an empty local value does on push: `keep` leaves the org's value, `clear` empties it.
        write: When a push may change the field: `always`, `if-empty` or `never`.
        values: The org's value → the local value, or a list of them (any is pushed, the first is shown). Exact, with
            case.
        otherwise: What becomes of a value that `values` does not name. `keep`: it stands as it is, both ways.
            `null`: it is empty. `{value: x}`: it is `x`. `fail`: a push refuses the record; a local table, which
            cannot refuse, shows the org's own value, and `sfsync mapping check` reports it.
        mask: What a push writes instead of the value: a `hash` of it, a `fake` one, `null`, or (of an e-mail address)
            a hash that keeps the domain, `keep-domain`. The same value always becomes the same.
    """

    values: Annotated[dict[str, LocalValues], *Filled] | None = None
    otherwise: Otherwise = "fail"
    mask: Annotated[Mask | None, BeforeValidator(_null_is_a_word)] = None

    @property
    def shown_values(self) -> dict[str, str]:
        """The org's value → the local value that is shown."""
        return {org: local if isinstance(local, str) else local[0] for org, local in (self.values or {}).items()}

    def value_pairs(self) -> Iterator[tuple[str, str]]:
        """Every local value with the org's value it is pushed as: (org, local)."""
        for org, local in (self.values or {}).items():
            yield from ((org, each) for each in ((local,) if isinstance(local, str) else local))

    @model_validator(mode="after")
    def _otherwise_needs_values(self) -> Self:
        if "otherwise" in self.model_fields_set and self.values is None:
            raise faulty(Fault("`otherwise` means nothing without `values`", "add `values`", ("otherwise",), key=True))
        return self


def _parse_objects(given: Any) -> Any:
    if isinstance(given, (list, tuple)):
        if not given:
            raise faulty(Fault("is empty"))
        check_texts(given)
        named = tuple(check_api_name(each) for each in given)
        return named if len(named) > 1 else named[0]
    return _api_name(given)


def _parse_by(given: Any) -> Any:
    if isinstance(given, AnyMapping):
        if not given:
            raise faulty(Fault("is empty"))
        return {_api_name(name): _api_name(field) for name, field in given.items()}
    return _api_name(given)


def _api_name(given: Any) -> str:
    if not isinstance(given, str):
        raise PydanticKnownError("string_type")
    return check_api_name(given)


_NAME = {"type": "string", "pattern": f"^{API_NAME}$"}
Objects = Annotated[
    str | tuple[str, ...],
    PlainValidator(_parse_objects),
    WithJsonSchema({"anyOf": [_NAME, {"type": "array", "items": _NAME, "minItems": 1}]}),
]
By = Annotated[
    str | dict[str, str],
    PlainValidator(_parse_by),
    WithJsonSchema({"anyOf": [_NAME, {"type": "object", "additionalProperties": _NAME, "minProperties": 1}]}),
]


class Lookup(Sourced):
    """A reference shown as a field of the record it points to, and found again by that field on push.

    Attributes:
        object: API name of the object referred to; several where a reference may point to one or the other, like an
            owner: `[User, Group]`. The first that has the value is taken.
        by: Its field that is shown; where it differs by object, `{User: Email, Group: DeveloperName}`.
        local: Column of the local table. Empty where the reference is empty, or points to a record that the
            mirror does not hold (a queue in place of a user, say).
        constant: Instead of a column: the same parent for every record. Pushed only.
        sql: Instead of a column: an SQL expression over the columns of the source. Pushed only.
        transform: How the local value differs from the parent's field.
        default: Which parent a push looks for where the local value is empty.
        direction: Instead of the mapping's.
        conflicts: Instead of the mapping's.
        null: What an empty local value does on push: `keep` leaves the org's reference, `clear` empties it.
        write: When a push may change the reference: `always`, `if-empty` or `never`.
        on_missing: What a push does with a value that no record has: `fail`, `null`, or `defer` to a second pass.
    """

    object: Objects
    by: By
    on_missing: Annotated[Literal["fail", "null", "defer"], BeforeValidator(_null_is_a_word)] = "fail"

    @property
    def objects(self) -> tuple[ApiName, ...]:
        """The objects it may refer to, in the order they are tried."""
        return (self.object,) if isinstance(self.object, str) else self.object

    def field_of(self, object_name: str) -> str:
        """The field of an object that the reference is shown as."""
        return self.by if isinstance(self.by, str) else self.by[object_name]

    def shown_as(self, name: str) -> str:
        """For people: `OwnerId → User.Email`."""
        return f"{name} → " + " or ".join(f"{each}.{self.field_of(each)}" for each in self.objects)

    @model_validator(mode="after")
    def _every_object_has_a_field(self) -> Self:
        if isinstance(self.by, dict):
            missing = [each for each in self.objects if each not in self.by]
            if missing:
                raise faulty(Fault(f"`by` does not say by which field {missing[0]} is found", None, ("by",)))
            extra = [each for each in self.by if each not in self.objects]
            if extra:
                raise faulty(Fault(f"`{extra[0]}` is not among the objects", None, ("by", extra[0]), key=True))
        return self

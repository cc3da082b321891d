"""The mapping language: what a mapping file may say, and what it means.

`direction`, `filter`, `fields`, `lookups` and `values` shape the local table that is shown. `external_id`,
`conflicts`, `null`, `write`, `on_missing`, `deletes` and `budget` govern writing to the org; they are checked here
like everything else.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as AnyMapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr, WithJsonSchema, model_validator

from sfsync.config.document import Document
from sfsync.config.model import ApiName, Fault, Filled, FormatVersion, ShortForm, StrictModel, faulty
from sfsync.config.spelling import shown, suggestion
from sfsync.errors import Problem
from sfsync.mapping.local_names import ID_COLUMN, LocalColumn, LocalTable, TableName

Direction = Literal["pull", "push", "both"]
ConflictPolicy = Literal["newest", "org", "local", "fail"]

_OTHERWISE = ("fail", "keep", "null")


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


class FieldMapping(StrictModel):
    """One field and the column that holds it.

    Attributes:
        local: Column of the local table.
        direction: Instead of the mapping's; a `push` field is not shown by the local table.
        conflicts: Instead of the mapping's.
        null: What an empty local value does on push: `keep` leaves the org's value, `clear` empties it.
        write: When a push may change the field: `always`, `if-empty` or `never`.
        values: The org's value → the local value. Exact, with case.
        otherwise: What becomes of a value that `values` does not name. `keep`: it stands as it is, both ways.
            `null`: it is empty. `{value: x}`: it is `x`. `fail`: a push refuses the record; a local table, which
            cannot refuse, shows the org's own value, and `sfsync mapping check` reports it.
    """

    local: LocalColumn
    direction: Direction | None = None
    conflicts: ConflictPolicy | None = None
    null: Literal["keep", "clear"] = "keep"
    write: Literal["always", "if-empty", "never"] = "always"
    values: Annotated[dict[str, str], *Filled] | None = None
    otherwise: Otherwise = "fail"

    @model_validator(mode="after")
    def _otherwise_needs_values(self) -> Self:
        if "otherwise" in self.model_fields_set and self.values is None:
            raise faulty(Fault("`otherwise` means nothing without `values`", "add `values`", ("otherwise",), key=True))
        return self


class Lookup(StrictModel):
    """A reference shown as a field of the record it points to, and found again by that field on push.

    Attributes:
        object: API name of the object referred to.
        by: Its field that is shown.
        local: Column of the local table. Empty where the reference is empty, or points to a record that the
            mirror does not hold (a queue in place of a user, say).
        direction: Instead of the mapping's.
        conflicts: Instead of the mapping's.
        on_missing: What a push does with a value that no record has: `fail`, `null`, or `defer` to a second pass.
    """

    object: ApiName
    by: ApiName
    local: LocalColumn
    direction: Direction | None = None
    conflicts: ConflictPolicy | None = None
    on_missing: Literal["fail", "null", "defer"] = "fail"

    @model_validator(mode="before")
    @classmethod
    def _null_is_a_word_here(cls, data: Any) -> Any:
        # YAML reads an unquoted `null` as nothing, and `on_missing: null` is what anyone would write.
        if isinstance(data, dict) and "on_missing" in data and data["on_missing"] is None:
            return {**data, "on_missing": "null"}
        return data


class Budget(StrictModel):
    """What a push may cost.

    Attributes:
        daily_api_calls: Requests a day.
    """

    daily_api_calls: int = Field(ge=1)


def _check_filter(text: str) -> str:
    if not text.strip():
        raise faulty(Fault("the filter is empty", "leave `filter` out to take every record"))
    return text


class Mapping(StrictModel):
    """One mapping file: an object, the local table for it, and which field is which column.

    Attributes:
        version: Of the file format.
        object: API name.
        table: `schema.name`, or `name` in the schema `crm`.
        external_id: Field by which a push finds the record.
        direction: `pull` shows the org's records as a local table, `push` sends local rows, `both` does both.
        conflicts: Who wins when both sides changed one field.
        filter: SOQL condition (what stands after WHERE): which records the mapping is about.
        fields: API name → column.
        lookups: API name of a reference field → column.
        deletes: Whether a push may delete: `never`, `soft` (to the recycle bin) or `hard`.
        budget: What a push may cost.
    """

    version: FormatVersion = 1
    object: ApiName
    table: LocalTable
    external_id: ApiName | None = None
    direction: Direction = "pull"
    conflicts: ConflictPolicy = "fail"
    filter: Annotated[str, AfterValidator(_check_filter)] | None = None
    fields: Annotated[dict[ApiName, Annotated[FieldMapping, ShortForm("local")]], *Filled]
    lookups: dict[ApiName, Lookup] = Field(default_factory=dict)
    deletes: Literal["never", "soft", "hard"] = "never"
    budget: Budget | None = None

    _document: Document | None = PrivateAttr(default=None)

    @property
    def file(self) -> str:
        """The file as messages call it."""
        return self._document.name if self._document else f"mapping of {self.object}"

    @property
    def local_table(self) -> TableName:
        """Where the records are shown."""
        return TableName.parse(self.table)

    @property
    def objects(self) -> tuple[str, ...]:
        """Every object the mapping reads: its own, and those its lookups show."""
        return tuple(dict.fromkeys([self.object, *(lookup.object for lookup in self.lookups.values())]))

    def direction_of(self, item: FieldMapping | Lookup) -> Direction:
        """A field's own direction, or the mapping's."""
        return item.direction or self.direction

    def shown_fields(self) -> dict[str, FieldMapping]:
        """The fields that the local table shows."""
        return {name: item for name, item in self.fields.items() if self.direction_of(item) != "push"}

    def shown_lookups(self) -> dict[str, Lookup]:
        """The lookups that the local table shows."""
        return {name: item for name, item in self.lookups.items() if self.direction_of(item) != "push"}

    def problem(self, *keys: str | int, message: str, hint: str | None = None, key: bool = False) -> Problem:
        """A problem of this mapping, at its place in the file."""
        if self._document is None:
            return Problem(self.file, None, None, message, hint)
        return self._document.problem(*keys, message=message, hint=hint, key=key)

    def filter_problem(self, message: str, row: int | None, column: int | None, hint: str | None = None) -> Problem:
        """A problem at a row and column (1-based) of the filter's text."""
        if self._document is None:
            return Problem(self.file, None, None, message, hint)
        line, at = self._document.place_in_text(("filter",), row, column)
        return Problem(self.file, line, at, message, hint)

    def from_document(self, document: Document) -> Mapping:
        """This mapping, knowing the file it came from."""
        self._document = document
        return self

    @model_validator(mode="after")
    def _makes_sense_as_a_whole(self) -> Self:
        faults = [*_repeated_columns(self), *_taken_id_column(self), *_ambiguous_values(self), *_written_twice(self)]
        if faults:
            raise faulty(*faults)
        return self


def _columns(mapping: Mapping) -> Iterator[tuple[tuple[str, str], str]]:
    """Place of the entry, and its local column."""
    for name, item in mapping.fields.items():
        yield ("fields", name), item.local
    for name, lookup in mapping.lookups.items():
        yield ("lookups", name), lookup.local


def _repeated_columns(mapping: Mapping) -> Iterator[Fault]:
    first: dict[str, str] = {}
    for at, column in _columns(mapping):
        other = first.setdefault(column.casefold(), at[1])
        if first[column.casefold()] is not at[1]:
            yield Fault(f"the column `{column}` already holds {other}", "give it another name", (*at, "local"))


def _taken_id_column(mapping: Mapping) -> Iterator[Fault]:
    for at, column in _columns(mapping):
        if column.casefold() == ID_COLUMN and at != ("fields", "Id"):
            hint = "give the column another name"
            yield Fault(f"`{ID_COLUMN}` is the column that holds the record's Id", hint, (*at, "local"))


def _ambiguous_values(mapping: Mapping) -> Iterator[Fault]:
    """On push each local value must lead back to one value of the org."""
    for name, item in mapping.fields.items():
        if item.values is None or mapping.direction_of(item) == "pull":
            continue
        first: dict[str, str] = {}
        for org_value, local_value in item.values.items():
            other = first.setdefault(local_value, org_value)
            if other is not org_value:
                message = f"`{shown(local_value)}` stands for `{shown(other)}` and `{shown(org_value)}`"
                hint = "a push could not tell which to write: use different values, or `direction: pull`"
                yield Fault(message, hint, ("fields", name, "values", org_value))


def _written_twice(mapping: Mapping) -> Iterator[Fault]:
    for name, lookup in mapping.lookups.items():
        item = mapping.fields.get(name)
        if item and "pull" not in (mapping.direction_of(item), mapping.direction_of(lookup)):
            hint = "give one of them `direction: pull`"
            yield Fault(f"`{name}` would be pushed from two columns", hint, ("lookups", name), key=True)


def mapping_schema() -> AnyMapping[str, Any]:
    """JSON Schema of a mapping file, for editors."""
    schema = Mapping.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "sfsync mapping"}

"""The mapping language: what a mapping file may say, and what it means.

Fields and lookups are in `field_mapping`, transforms in `transforms/`; here is the file as a whole.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping as AnyMapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, PrivateAttr, model_validator

from sfsync.config.document import Document
from sfsync.config.model import ApiName, Fault, Filled, FormatVersion, Lax, ShortForm, StrictModel, faulty
from sfsync.errors import Problem
from sfsync.mapping.field_mapping import FieldMapping, Lookup
from sfsync.mapping.field_values import ConflictPolicy, Direction, OtherValue, Share
from sfsync.mapping.local_names import LocalColumn, LocalTable, TableName
from sfsync.mapping.mapping_faults import mapping_faults
from sfsync.mapping.source_spec import SourceSpec
from sfsync.mapping.transforms.value_table import ValueTable

__all__ = [
    "Budget",
    "ConflictPolicy",
    "Direction",
    "FieldMapping",
    "Lookup",
    "Mapping",
    "OtherValue",
    "SourceSpec",
    "mapping_schema",
]


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
        table: `schema.name`, or `name` in the schema `crm`. May be left out where a `source` is pushed.
        source: A file or query whose rows are pushed, in place of the local table's.
        external_id: Field by which a push finds the record; `Id` for the record's own.
        key: The same as `external_id`.
        direction: `pull` shows the org's records as a local table, `push` sends local rows, `both` does both.
        conflicts: Who wins when both sides changed one field.
        modified: Local column that holds when a row was last changed (UTC), for `conflicts: newest`.
        filter: SOQL condition (what stands after WHERE): which records the mapping is about.
        fields: API name → column.
        lookups: API name of a reference field → column.
        deletes: Whether a push may delete: `never`, `soft` (to the recycle bin) or `hard`.
        most_deleted: A push that would delete a greater share of the records than this is refused.
        assignment_rules: Whether the org's assignment rules run for what is pushed.
        duplicate_rules: Whether a record that a duplicate rule warns of is refused (`block`) or saved (`allow`).
        budget: What a push may cost.
        sensitive: API names of fields whose values a plan shows only when asked to, beside e-mail addresses, phone
            numbers and names of people.
    """

    version: FormatVersion = 1
    object: ApiName
    table: LocalTable | None = None
    source: Annotated[SourceSpec, ShortForm("file")] | None = None
    external_id: ApiName | None = None
    key: ApiName | None = None
    direction: Direction = "pull"
    conflicts: ConflictPolicy = "fail"
    modified: LocalColumn | None = None
    filter: Annotated[str, AfterValidator(_check_filter)] | None = None
    fields: Annotated[dict[ApiName, Annotated[FieldMapping, ShortForm("local")]], *Filled]
    lookups: dict[ApiName, Lookup] = Field(default_factory=dict)
    deletes: Literal["never", "soft", "hard"] = "never"
    most_deleted: Share = 0.05
    assignment_rules: bool = False
    duplicate_rules: Literal["block", "allow"] = "block"
    budget: Budget | None = None
    sensitive: Annotated[tuple[ApiName, ...], Lax] = ()

    _document: Document | None = PrivateAttr(default=None)
    _tables: dict[str, ValueTable] = PrivateAttr(default_factory=dict)

    @property
    def file(self) -> str:
        """The file as messages call it."""
        return self._document.name if self._document else f"mapping of {self.object}"

    @property
    def local_table(self) -> TableName:
        """Where the records are shown, and read from unless there is a `source`."""
        return TableName.parse(self.table or self.object.casefold())

    @property
    def reads_from(self) -> str:
        """What a push reads, for people: the local table, a file, or a query."""
        if self.source is None:
            return str(self.local_table)
        return self.source.file or (f"the mirror {self.source.mirror}" if self.source.mirror else "a query")

    @property
    def key_field(self) -> str | None:
        """The field by which a push finds records, however the file names it."""
        return self.external_id or self.key

    @property
    def objects(self) -> tuple[str, ...]:
        """Every object the mapping reads: its own, and those its lookups show."""
        parents = (name for lookup in self.lookups.values() for name in lookup.objects)
        return tuple(dict.fromkeys([self.object, *parents]))

    def direction_of(self, item: FieldMapping | Lookup) -> Direction:
        """A field's own direction, or the mapping's; a constant or an expression can only be pushed."""
        if item.direction is None and item.is_only_pushed and self.direction == "both":
            return "push"
        return item.direction or self.direction

    def shown_fields(self) -> dict[str, FieldMapping]:
        """The fields that the local table shows."""
        return {name: item for name, item in self.fields.items() if self.direction_of(item) != "push"}

    def shown_lookups(self) -> dict[str, Lookup]:
        """The lookups that the local table shows."""
        return {name: item for name, item in self.lookups.items() if self.direction_of(item) != "push"}

    def pushed_fields(self) -> dict[str, FieldMapping]:
        """The fields that a push reads; `write: never` is among them, for a key may be one."""
        return {name: item for name, item in self.fields.items() if self.direction_of(item) != "pull"}

    def pushed_lookups(self) -> dict[str, Lookup]:
        """The lookups that a push writes."""
        kept = self.lookups.items()
        return {name: item for name, item in kept if self.direction_of(item) != "pull" and item.write != "never"}

    def value_table(self, file: str | None) -> ValueTable | None:
        """The table of values in a file that a transform names, read when the mapping was."""
        return None if file is None else self._tables.get(file)

    def digest(self) -> str:
        """What the mapping says, in one number: of two mappings with the same digest a push does the same."""
        content = [
            self.model_dump(mode="json", warnings=False),
            sorted((name, each.digest) for name, each in self._tables.items()),
        ]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

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

    def with_value_tables(self, tables: AnyMapping[str, ValueTable]) -> Mapping:
        """This mapping, knowing what is in the files that its transforms name."""
        self._tables = dict(tables)
        return self

    @model_validator(mode="after")
    def _makes_sense_as_a_whole(self) -> Self:
        faults = list(mapping_faults(self))
        if faults:
            raise faulty(*faults)
        return self


def mapping_schema() -> AnyMapping[str, Any]:
    """JSON Schema of a mapping file, for editors."""
    schema = Mapping.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "sfsync mapping"}

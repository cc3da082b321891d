"""What is known of an object and its fields, in the compact form of the catalogue's TSV files.

Most of a describe follows from a field's type; a file states only what does not. The columns are

`name`, `label`, `type`; `size` (characters, `precision.scale`, or digits); `flags` (below); `compound` (the field this
one is a part of); `points_to` (objects); `parent` (relationship name); `children` (name of the way back); `values`
(picklist: `value` or `value=label`, `;` between, `*` before the default); `extra` (extraTypeInfo).

Flags of a field: `n` nillable, `c` createable, `u` updateable, `d` defaulted on create, `i` idLookup, `p`
permissionable, `r` restricted picklist, `N` name field, `S` search prefilterable, `P` polymorphic, `e` External ID,
`q` unique, `F` formula or roll-up, `Z` formula to which a missing number is zero, and after `=` any of `f` filterable,
`s` sortable, `g` groupable, `a` aggregatable where the type alone would say otherwise.

Flags of an object: `C` createable, `U` updateable, `D` deletable, `N` undeletable, `M` mergeable, `L` layoutable,
`S` searchable, `R` mruEnabled, `T` triggerable, `F` feedEnabled, `Y` deepCloneable, `K` compactLayoutable,
`H` searchLayoutable, `X` the key prefix is not published, `O` not replicateable.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sfsync.records import FieldDescribe, ObjectDescribe

NUMBER_TYPES = frozenset({"double", "currency", "percent"})
INTEGER_TYPES = frozenset({"int", "long"})
ID_TYPES = frozenset({"id", "reference"})

#: Longest textarea that SOQL can still filter, sort and group by.
SHORT_TEXT = 255

_QUERY_ABILITIES = {
    "address": "f",
    "location": "f",
    "boolean": "fsg",
    "double": "fsa",
    "currency": "fsa",
    "percent": "fsa",
    "datetime": "fsa",
    "combobox": "fsa",
    "base64": "",
    "anyType": "",
    "multipicklist": "f",
}


@dataclass(frozen=True, slots=True)
class PicklistEntry:
    """One entry of a picklist."""

    value: str
    label: str
    default: bool = False


@dataclass(frozen=True, slots=True)
class FieldFacts:
    """One field: a line of the catalogue, or a custom field that the org's data brought along.

    `flags` and `abilities` hold the letters of this module's docstring.
    """

    name: str
    label: str
    type: str
    length: int = 0
    precision: int = 0
    scale: int = 0
    digits: int = 0
    flags: str = ""
    abilities: str = "fsga"
    compound: str | None = None
    points_to: tuple[str, ...] = ()
    parent: str | None = None
    children: str | None = None
    values: tuple[PicklistEntry, ...] = ()
    extra: str | None = None
    formula: str | None = None

    def has(self, flag: str) -> bool:
        """Whether the field has this one-letter flag."""
        return flag in self.flags

    def can(self, ability: str) -> bool:
        """Whether SOQL may filter (`f`), sort (`s`), group (`g`) or aggregate (`a`) by this field."""
        return ability in self.abilities

    @property
    def custom(self) -> bool:
        """Whether this is a custom field."""
        return self.name.endswith("__c")

    @property
    def default(self) -> str | bool | None:
        """What a new record gets when it says nothing: false for checkboxes, the default entry for picklists."""
        if self.type == "boolean":
            return False
        return next((entry.value for entry in self.values if entry.default), None)

    @property
    def stored(self) -> bool:
        """Whether the org keeps a column for it; compound fields are put together from their parts."""
        return self.type not in {"address", "location"}

    def describe(self) -> FieldDescribe:
        """The field as the shared record type knows it."""
        from sfsync.records import FieldDescribe  # noqa: PLC0415 - few orgs are asked for it

        return FieldDescribe(
            name=self.name,
            type=self.type,
            label=self.label,
            length=self.length,
            precision=self.precision,
            scale=self.scale,
            nillable=self.has("n"),
            calculated=self.has("F"),
            custom=self.custom,
            createable=self.has("c"),
            updateable=self.has("u"),
            external_id=self.has("e"),
            unique=self.has("q"),
            reference_to=self.points_to,
            relationship_name=self.parent,
            picklist_values=tuple(entry.value for entry in self.values),
        )


@dataclass(frozen=True)
class ObjectFacts:
    """One object with its fields."""

    name: str
    label: str
    plural: str
    prefix: str
    flags: str
    scopes: tuple[str, ...]
    fields: tuple[FieldFacts, ...]

    def has(self, flag: str) -> bool:
        """Whether the object has this one-letter flag."""
        return flag in self.flags

    @property
    def published_prefix(self) -> str | None:
        """The key prefix as the describe gives it: some objects have Ids but publish none."""
        return None if self.has("X") else self.prefix

    @cached_property
    def by_name(self) -> dict[str, FieldFacts]:
        """The fields by API name in lower case: Salesforce names are case-insensitive."""
        return {f.name.casefold(): f for f in self.fields}

    def field(self, name: str) -> FieldFacts | None:
        """The field of this API name, in any case, or None."""
        return self.by_name.get(name.casefold())

    @cached_property
    def stored_fields(self) -> tuple[FieldFacts, ...]:
        """The fields that are columns of the object's table."""
        return tuple(f for f in self.fields if f.stored)

    @cached_property
    def describe(self) -> ObjectDescribe:
        """The object as the shared record type knows it."""
        from sfsync.records import ObjectDescribe  # noqa: PLC0415 - few orgs are asked for it

        return ObjectDescribe(
            name=self.name,
            label=self.label,
            fields=tuple(f.describe() for f in self.fields),
            key_prefix=self.published_prefix,
            custom=self.name.endswith("__c"),
        )

    def with_fields(self, extra: Iterable[FieldFacts]) -> ObjectFacts:
        """The same object with more fields."""
        return replace(self, fields=(*self.fields, *extra))


@dataclass
class Catalog:
    """Every object of one org; custom fields may be added while the org lives, and `changes` counts that."""

    objects: dict[str, ObjectFacts] = field(default_factory=dict)  # by name in lower case
    changes: int = 0

    def facts(self, name: str) -> ObjectFacts | None:
        """The object of this API name, in any case, or None."""
        return self.objects.get(name.casefold())

    def object(self, name: str) -> ObjectDescribe | None:
        """The object of this API name as a describe, or None."""
        facts = self.facts(name)
        return facts.describe if facts else None

    def __iter__(self) -> Iterator[ObjectFacts]:
        return iter(self.objects.values())

    def copy(self) -> Catalog:
        """The same objects, in a catalogue that changes by itself."""
        return Catalog(dict(self.objects), self.changes)

    def put(self, facts: ObjectFacts) -> None:
        """Add an object, or replace it by one with more fields."""
        self.objects[facts.name.casefold()] = facts
        self.changes += 1


def abilities_of(field_type: str, length: int) -> str:
    """What SOQL can do with a field of this type, unless its line says otherwise."""
    if field_type == "textarea" and length > SHORT_TEXT:
        return ""
    return _QUERY_ABILITIES.get(field_type, "fsga")


def entry(text: str) -> PicklistEntry:
    """One picklist entry from its notation: `value`, `value=label`, `*value`."""
    value, _, label = text.removeprefix("*").partition("=")
    return PicklistEntry(value, label or value, default=text.startswith("*"))

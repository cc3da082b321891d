"""What the evaluation of SOQL needs to know of an org: objects by name, their fields, and the tables that hold them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from sfsync.fake.catalog import Catalog as FactsCatalog
from sfsync.fake.catalog import ObjectFacts
from sfsync.fake.catalog.facts import abilities_of
from sfsync.records import FieldDescribe, ObjectDescribe
from sfsync.soql.sql_literals import quoted


@dataclass(frozen=True)
class CatalogObject:
    """One object that can be queried.

    Attributes:
        describe: Its name and fields.
        table: The SQL table (quoted where needed) with one column for each stored field, named as the field.
        abilities: Field → letters of what SOQL may do with it: `f` filter, `s` sort, `g` group, `a` aggregate; a field
            that is not listed can what fields of its type usually can.
        children: Child relationship → (child object, its lookup field).
        labels: Picklist field → values that people see under another name, with that name.
        scopes: What may stand after USING SCOPE, in lower case.
    """

    describe: ObjectDescribe
    table: str
    abilities: Mapping[str, str] = field(default_factory=dict)
    children: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    labels: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    scopes: frozenset[str] = frozenset({"everything"})

    @property
    def name(self) -> str:
        """Its API name."""
        return self.describe.name

    @cached_property
    def _fields(self) -> dict[str, FieldDescribe]:
        return {one.name.casefold(): one for one in self.describe.fields}

    @cached_property
    def _parents(self) -> dict[str, FieldDescribe]:
        return {one.relationship_name.casefold(): one for one in self.describe.fields if one.relationship_name}

    @cached_property
    def _children(self) -> dict[str, tuple[str, tuple[str, str]]]:
        return {name.casefold(): (name, child) for name, child in self.children.items()}

    def field(self, name: str) -> FieldDescribe | None:
        """The field of this API name, in any case, or None."""
        return self._fields.get(name.casefold())

    def parent(self, relationship: str) -> FieldDescribe | None:
        """The lookup field whose parent path has this name, in any case, or None."""
        return self._parents.get(relationship.casefold())

    def child(self, relationship: str) -> tuple[str, str] | None:
        """The child object and lookup field behind a child relationship, in any case, or None."""
        found = self._children.get(relationship.casefold())
        return found[1] if found else None

    def child_name(self, relationship: str) -> str:
        """A child relationship as the org spells it."""
        return self._children[relationship.casefold()][0]

    def can(self, one: FieldDescribe, ability: str) -> bool:
        """Whether SOQL may filter (`f`), sort (`s`), group (`g`) or aggregate (`a`) by this field."""
        stated = self.abilities.get(one.name)
        return ability in (abilities_of(one.type, one.length) if stated is None else stated)


class Catalog(Protocol):
    """The objects of one org, as far as the user may see them."""

    def find(self, name: str) -> CatalogObject | None:
        """The object of this API name, in any case, or None."""
        ...


class OrgCatalog:
    """The fake org's own catalogue as a `Catalog`; tables are named after their objects."""

    def __init__(self, facts: FactsCatalog) -> None:
        self._facts = facts
        self._found: dict[str, CatalogObject | None] = {}
        self._children: dict[str, dict[str, tuple[str, str]]] = {}
        for owner in facts:
            for one in owner.fields:
                for target in one.points_to if one.children else ():
                    self._children.setdefault(target.casefold(), {})[str(one.children)] = (owner.name, one.name)

    def find(self, name: str) -> CatalogObject | None:
        """The object of this API name, in any case, or None."""
        key = name.casefold()
        if key not in self._found:
            facts = self._facts.facts(name)
            self._found[key] = self._object(facts) if facts else None
        return self._found[key]

    def _object(self, facts: ObjectFacts) -> CatalogObject:
        renamed = {
            one.name: tuple((entry.value, entry.label) for entry in one.values if entry.label != entry.value)
            for one in facts.fields
        }
        return CatalogObject(
            describe=facts.describe,
            table=quoted(facts.name),
            abilities={one.name: one.abilities for one in facts.fields},
            children=self._children.get(facts.name.casefold(), {}),
            labels={name: labels for name, labels in renamed.items() if labels},
            scopes=frozenset(scope.lower() for scope in facts.scopes),
        )

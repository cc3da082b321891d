"""What a write needs to know of an object, worked out once: required fields, defaults, what is unique."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sfsync.fake.catalog import FieldFacts, ObjectFacts

#: Checkboxes that are ticked unless somebody says otherwise.
TRUE_BY_DEFAULT = frozenset({("User", "IsActive"), ("OpportunityStage", "IsActive"), ("RecordType", "IsActive")})

#: Filled in by the org itself whenever a record is made.
STAMPS = ("CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp")


@dataclass(frozen=True, eq=False)
class Shape:
    """One object as its writes see it.

    Attributes:
        facts: The object as the writing user sees it, flags included.
        whole: The object with all its fields.
    """

    facts: ObjectFacts
    whole: ObjectFacts

    @property
    def name(self) -> str:
        """API name of the object."""
        return self.whole.name

    @cached_property
    def relations(self) -> Mapping[str, FieldFacts]:
        """Lookup fields by relationship name in lower case."""
        return {field.parent.casefold(): field for field in self.facts.fields if field.parent and field.points_to}

    @cached_property
    def required(self) -> tuple[str, ...]:
        """Fields that a new record must bring along."""
        return tuple(f.name for f in self.facts.fields if f.has("c") and not f.has("n") and not f.has("d"))

    @cached_property
    def never_empty(self) -> frozenset[str]:
        """Fields that an update must not clear; a cleared checkbox is false instead."""
        return frozenset(
            f.name for f in self.whole.stored_fields if not f.has("n") and not f.has("F") and f.type != "boolean"
        )

    @cached_property
    def template(self) -> dict[str, Any]:
        """A new record before anybody has said anything: every stored field, defaults filled in."""
        return {field.name: self.default(field) for field in self.whole.stored_fields}

    @cached_property
    def unique(self) -> tuple[FieldFacts, ...]:
        """Fields whose values no two live records share."""
        return tuple(field for field in self.whole.stored_fields if field.has("q"))

    @cached_property
    def booleans(self) -> frozenset[str]:
        """The checkboxes."""
        return frozenset(field.name for field in self.whole.stored_fields if field.type == "boolean")

    @cached_property
    def stamps(self) -> frozenset[str]:
        """Which of the usual stamps the object has."""
        return frozenset(name for name in STAMPS if self.whole.field(name) is not None)

    def default(self, field: FieldFacts) -> Any:
        """What a new record gets in a field that nobody set."""
        if (self.name, field.name) in TRUE_BY_DEFAULT:
            return True
        return field.default

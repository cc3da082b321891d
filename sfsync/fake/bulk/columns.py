"""The columns of an upload as fields of the job's object: plain ones, and parents named by an external ID."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sfsync.fake.bulk.csv_rows import BatchRefused
from sfsync.fake.catalog import Catalog, FieldFacts, ObjectFacts

#: A cell that clears the field; an empty one leaves it alone.
NULL = "#N/A"

_IDS_ONLY = frozenset({"delete", "hardDelete"})


@dataclass(frozen=True, slots=True)
class ParentColumn:
    """A column that names a parent record by one of its own fields.

    Attributes:
        relationship: `Account`, `Owner`, `Parent__r`.
        key: The parent's field that the cells hold.
        lookup: The field that will hold the parent's Id.
        object: The parent's object.
        told: Whether the column tells the object, as it has to for a polymorphic relationship.
    """

    relationship: str
    key: str
    lookup: str
    object: str
    told: bool = False

    def put(self, row: dict[str, Any], value: Any) -> None:
        """Set the parent of a row."""
        if value is None:
            row[self.lookup] = None
        else:
            parent: dict[str, Any] = {self.key: value}
            if self.told:
                parent["attributes"] = {"type": self.object}
            row[self.relationship] = parent


@dataclass(frozen=True, slots=True)
class Columns:
    """What each column of an upload is."""

    plain: tuple[tuple[int, str], ...]
    parents: tuple[tuple[int, ParentColumn], ...]

    def point_to(self, object_name: str) -> bool:
        """Whether a row may name a parent of this object."""
        return any(column.object == object_name for _, column in self.parents)

    def row(self, cells: Sequence[str]) -> dict[str, Any]:
        """A row of the upload as a record to be written."""
        row: dict[str, Any] = {
            name: None if value == NULL else value for place, name in self.plain if (value := cells[place])
        }
        for place, column in self.parents:
            if cells[place]:
                column.put(row, None if cells[place] == NULL else cells[place])
        return row


def read_columns(names: Sequence[str], facts: ObjectFacts, catalog: Catalog) -> Columns:
    """The header of a CSV; raises BatchRefused for a column that is no field of the object."""
    plain: list[tuple[int, str]] = []
    parents: list[tuple[int, ParentColumn]] = []
    for place, name in enumerate(names):
        if "." in name:
            parents.append((place, parent_column(name, facts, catalog)))
        else:
            plain.append((place, plain_column(name, facts)))
    seen: set[str] = set()
    for _, name in plain:
        if name in seen:
            raise BatchRefused(f"InvalidBatch : Duplicate field name found : {name}")  # from memory
        seen.add(name)
    return Columns(tuple(plain), tuple(parents))


def plain_column(name: str, facts: ObjectFacts) -> str:
    """A field as its object spells it."""
    field = facts.field(name)
    if field is None or not field.stored:
        raise unknown(name)
    return field.name


def parent_column(name: str, facts: ObjectFacts, catalog: Catalog) -> ParentColumn:
    """A column like `Account.Ext__c`, or `User:Owner.Email` where the parent may be of several objects."""
    kind, _, path = name.rpartition(":")
    relationship, _, key = path.partition(".")
    lookup = _lookup(facts, relationship)
    if lookup is None or (kind != "") != (len(lookup.points_to) > 1):
        raise unknown(name)
    target = kind or lookup.points_to[0]
    if target.casefold() not in (one.casefold() for one in lookup.points_to):
        raise unknown(name)
    parent = catalog.facts(target)
    field = parent.field(key) if parent is not None else None
    if parent is None or field is None or not identifies(field):
        raise unknown(name)
    return ParentColumn(str(lookup.parent), field.name, lookup.name, parent.name, told=bool(kind))


def identifies(field: FieldFacts) -> bool:
    """Whether records can be found by this field: an Id, an external ID, or another field with the idLookup flag."""
    return field.type == "id" or field.has("e") or field.has("i")


def check_columns(names: Iterable[str], operation: str, key: str | None) -> None:
    """Refuse an upload that lacks the column that says which record is meant, or has more than an Id for deletion."""
    given = {name.casefold() for name in names}
    if operation in _IDS_ONLY:
        if given != {"id"}:
            raise BatchRefused("InvalidBatch : The 'delete' batch must contain only ids")  # from memory
    elif operation == "update" and "id" not in given:
        raise unknown("Id")
    elif operation == "upsert" and key is not None and key.casefold() not in given:
        raise unknown(key)


def unknown(name: str) -> BatchRefused:
    """A column that the object does not have, or that the user may not see, or that is missing."""
    return BatchRefused(f"InvalidBatch : Field name not found : {name}")


def _lookup(facts: ObjectFacts, relationship: str) -> FieldFacts | None:
    wanted = relationship.casefold()
    return next((field for field in facts.fields if field.parent and field.parent.casefold() == wanted), None)

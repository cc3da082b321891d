"""What can be asked of every mirrored object alike: its records, its lookups and where they point."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sfsync.audit.context import AuditContext
from sfsync.records import ObjectDescribe
from sfsync.store.names import literal, quote

#: Where the Ids of standard objects begin, as Salesforce documents it; what the org says goes first.
KEY_PREFIXES = {
    "Account": "001",
    "Contact": "003",
    "User": "005",
    "Opportunity": "006",
    "Group": "00G",
    "OpportunityLineItem": "00k",
    "OpportunityContactRole": "00K",
    "Lead": "00Q",
    "Task": "00T",
    "Event": "00U",
    "CampaignMember": "00v",
    "UserRole": "00E",
    "Profile": "00e",
    "RecordType": "012",
    "Campaign": "701",
}

#: Ends of names of objects that nobody edits, and that come and go with their records; they are most of all records.
_LOGS = ("History", "Feed", "Share", "ChangeEvent")


@dataclass(frozen=True, slots=True)
class Lookup:
    """One lookup field of a mirrored object.

    Attributes:
        object: That has it.
        field: API name, as the mirror spells it.
        targets: Objects that it may point to.
    """

    object: str
    field: str
    targets: tuple[str, ...]


def objects(context: AuditContext) -> Iterator[str]:
    """Every mirrored object of which records have an Id, but for what Salesforce writes down of others by itself."""
    for name in sorted(context.columns):
        if context.column(name, "Id") is not None and not name.endswith(_LOGS):
            yield name


def lookups(context: AuditContext) -> Iterator[Lookup]:
    """Every lookup of these objects."""
    for name in objects(context):
        described = context.describes.get(name)
        if described is None:
            continue
        for field in described.fields:
            column = context.column(name, field.name)
            if field.type == "reference" and field.reference_to and column is not None:
                yield Lookup(name, column, field.reference_to)


@dataclass(frozen=True, slots=True)
class JudgedLookup:
    """A lookup to one object that the mirror holds whole, so that an Id it lacks is of no record.

    Attributes:
        object: That has it.
        field: API name, as the mirror spells it.
        target: Object that is pointed to.
        prefix: How Ids of that begin; None where the lookup points to nothing else.
    """

    object: str
    field: str
    target: str
    prefix: str | None

    def points(self, alias: str) -> str:
        """SQL that is true for records whose lookup points to this object."""
        column = f"{alias}.{quote(self.field)}"
        filled = f"{column} IS NOT NULL"
        return filled if self.prefix is None else f"{filled} AND LEFT({column}, 3) = {text(self.prefix)}"


def judged_lookups(context: AuditContext) -> Iterator[JudgedLookup]:
    """Every lookup, once for each object that it may point to and that the mirror holds whole."""
    for lookup in lookups(context):
        for target in lookup.targets:
            held = context.object(target)
            prefix = key_prefix(context, target)
            if held is None or not is_whole(context, held) or context.column(held, "Id") is None:
                continue
            if len(lookup.targets) == 1:
                yield JudgedLookup(lookup.object, lookup.field, held, None)
            elif prefix is not None:
                yield JudgedLookup(lookup.object, lookup.field, held, prefix)


def key_prefix(context: AuditContext, object_name: str) -> str | None:
    """With which three characters the Ids of an object begin, or None when that is not known."""
    described: ObjectDescribe | None = context.describes.get(object_name)
    return (described.key_prefix if described else None) or KEY_PREFIXES.get(object_name)


def is_whole(context: AuditContext, object_name: str) -> bool:
    """Whether the mirror holds every record of an object, so that one it lacks is not there."""
    return any(name == object_name and selection is None for name, selection in _selections(context))


def live(context: AuditContext, object_name: str, alias: str) -> str:
    """SQL that is true for records that are not deleted."""
    return f'{alias}."IsDeleted" IS NOT TRUE' if context.column(object_name, "IsDeleted") else "TRUE"


def text(value: str) -> str:
    """A text as SQL."""
    return literal(value)


def _selections(context: AuditContext) -> Iterator[tuple[str, str | None]]:
    for row in context.book.objects:
        yield row[0], row[5]

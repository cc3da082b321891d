"""What goes along when a record is deleted: its children, and the lookups that point to it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sfsync.fake.catalog import FieldFacts, ObjectFacts
from sfsync.fake.dml.call import Call
from sfsync.fake.dml.saving import refresh
from sfsync.fake.dml.storage import among
from sfsync.fake.sql_names import quote

#: Deleted along with their parent: parent → (child, lookup).
CASCADES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "Account": (
        ("Contact", "AccountId"),
        ("Opportunity", "AccountId"),
        ("Task", "WhatId"),
        ("Event", "WhatId"),
        ("AccountHistory", "AccountId"),
    ),
    "Contact": (
        ("OpportunityContactRole", "ContactId"),
        ("CampaignMember", "ContactId"),
        ("Task", "WhoId"),
        ("Event", "WhoId"),
        ("ContactHistory", "ContactId"),
    ),
    "Lead": (
        ("LeadHistory", "LeadId"),
        ("CampaignMember", "LeadId"),
        ("Task", "WhoId"),
        ("Event", "WhoId"),
    ),
    "Opportunity": (
        ("OpportunityHistory", "OpportunityId"),
        ("OpportunityContactRole", "OpportunityId"),
        ("OpportunityFieldHistory", "OpportunityId"),
        ("Task", "WhatId"),
        ("Event", "WhatId"),
    ),
    "Campaign": (("CampaignMember", "CampaignId"), ("Task", "WhatId"), ("Event", "WhatId")),
}

#: The other lookup of an activity: as long as it points to something, the activity stays.
_OTHER_SIDE = {"WhoId": "WhatId", "WhatId": "WhoId"}

#: Lookups that tell what once was, and go on telling it.
LASTING = frozenset({"MasterRecordId", "ConvertedAccountId", "ConvertedContactId", "ConvertedOpportunityId"})


@dataclass(frozen=True, slots=True)
class DoomedRecord:
    """A record that is about to be deleted; `root` is the one whose deletion was asked for."""

    object_name: str
    record_id: str
    root: str


@dataclass
class Doomed:
    """All records of one deletion."""

    records: dict[str, DoomedRecord] = field(default_factory=dict)

    def __iter__(self) -> Iterator[DoomedRecord]:
        return iter(self.records.values())

    def by_object(self) -> list[tuple[str, list[DoomedRecord]]]:
        """The records of each object, in the order in which they were found."""
        groups: defaultdict[str, list[DoomedRecord]] = defaultdict(list)
        for record in self:
            groups[record.object_name].append(record)
        return list(groups.items())


def doomed_with(call: Call, ids: Sequence[str], *, among_deleted: bool | None = False) -> Doomed:
    """These records and, step by step, everything that is deleted along with them.

    Args:
        call: The call.
        ids: The records.
        among_deleted: Whether to look for the others among live records, deleted ones (True), or both (None).
    """
    doomed = Doomed()
    found = [DoomedRecord(call.facts.name, one, one) for one in ids]
    while found:
        doomed.records.update((record.record_id, record) for record in found)
        groups: defaultdict[str, list[DoomedRecord]] = defaultdict(list)
        for record in found:
            groups[record.object_name].append(record)
        found = [
            child
            for name, parents in groups.items()
            for child_name, lookup in CASCADES.get(name, ())
            for child in _children(call, child_name, lookup, parents, among_deleted=among_deleted)
            if child.record_id not in doomed.records
        ]
    return doomed


def _children(
    call: Call, child_name: str, lookup: str, parents: Sequence[DoomedRecord], *, among_deleted: bool | None
) -> list[DoomedRecord]:
    child = call.org.catalog.facts(child_name)
    if child is None or child.field(lookup) is None:
        return []
    conditions = [] if among_deleted is None else ['"IsDeleted"' if among_deleted else 'NOT "IsDeleted"']
    other = _OTHER_SIDE.get(lookup)
    if other is not None and child.field(other) is not None:
        conditions.append(f"{quote(other)} IS NULL")
    roots = {parent.record_id: parent.root for parent in parents}
    condition, values = among(quote(lookup), roots)
    rows = call.cursor.execute(
        f'SELECT "Id", {quote(lookup)} FROM {quote(child.name)} WHERE {" AND ".join([condition, *conditions])}'
        ' ORDER BY "Id"',
        values,
    ).fetchall()
    return [DoomedRecord(child.name, record_id, roots[parent]) for record_id, parent in rows]


def histories_of_records(call: Call, name: str, ids: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """History object → the rows that tell of these records."""
    for child_name, lookup in CASCADES.get(name, ()):
        child = call.org.catalog.facts(child_name)
        if child is not None and child.field("LastModifiedDate") is None:
            condition, values = among(quote(lookup), ids)
            query = f'SELECT "Id" FROM {quote(child.name)} WHERE {condition}'
            yield child.name, [row[0] for row in call.cursor.execute(query, values).fetchall()]


def empty_lookups(call: Call, doomed: Doomed, *, for_good: bool = False) -> None:
    """Empty the lookups of live records that point to records being deleted, and remember what stood there."""
    for name, records in doomed.by_object():
        roots = {record.record_id: record.root for record in records}
        for child, lookup in _lookups_to(call, name):
            condition, values = among(quote(lookup.name), roots)
            live = ' AND NOT "IsDeleted"' if child.field("IsDeleted") else ""
            rows = call.cursor.execute(
                f'SELECT "Id", {quote(lookup.name)} FROM {quote(child.name)} WHERE {condition}{live}', values
            ).fetchall()
            pointing = [(record_id, value) for record_id, value in rows if record_id not in doomed.records]
            if not pointing:
                continue
            if not for_good:
                call.cursor.execute(
                    "INSERT INTO emptied_lookups SELECT unnest($1::VARCHAR[]), $2, unnest($3::VARCHAR[]), $4,"
                    " unnest($5::VARCHAR[])",
                    [
                        [roots[value] for _, value in pointing],
                        child.name,
                        [record_id for record_id, _ in pointing],
                        lookup.name,
                        [value for _, value in pointing],
                    ],
                )
            _empty(call, child, lookup, [record_id for record_id, _ in pointing])


def _empty(call: Call, child: ObjectFacts, lookup: FieldFacts, ids: Sequence[str]) -> None:
    # from memory: the record is touched by the org, not by a user, so only its SystemModstamp moves
    stamp = ', "SystemModstamp" = ?' if child.field("SystemModstamp") else ""
    condition, values = among('"Id"', ids)
    call.cursor.execute(
        f"UPDATE {quote(child.name)} SET {quote(lookup.name)} = NULL{stamp} WHERE {condition}",
        [*([call.now] if stamp else []), *values],
    )
    refresh(call.on(child.name), ids)


def refill_lookups(call: Call, roots: Sequence[str]) -> None:
    """Put back what lookups pointed to, where nobody has put anything else there meanwhile."""
    condition, values = among("root", roots)
    places = call.cursor.execute(
        f"SELECT DISTINCT object, field FROM emptied_lookups WHERE {condition}", values
    ).fetchall()
    for object_name, field_name in places:
        child = call.org.catalog.facts(object_name)
        if child is None or child.field(field_name) is None:
            continue
        stamp = ', "SystemModstamp" = ?' if child.field("SystemModstamp") else ""
        call.cursor.execute(
            f"UPDATE {quote(child.name)} AS child SET {quote(field_name)} = emptied.value{stamp}"
            f' FROM emptied_lookups AS emptied WHERE emptied.id = child."Id" AND emptied.object = ?'
            f" AND emptied.field = ? AND child.{quote(field_name)} IS NULL AND {condition}",
            [*([call.now] if stamp else []), object_name, field_name, *values],
        )
    call.cursor.execute(f"DELETE FROM emptied_lookups WHERE {condition}", values)


def _lookups_to(call: Call, name: str) -> list[tuple[ObjectFacts, FieldFacts]]:
    """The lookups that are emptied when a record of this object is deleted."""
    return [
        (child, lookup)
        for child in call.org.catalog
        for lookup in child.stored_fields
        if name in lookup.points_to and lookup.has("n") and lookup.name not in LASTING and not child.has("X")
    ]

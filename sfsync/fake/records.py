"""Adding, changing and deleting records, with what Salesforce does along with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from sfsync.errors import UsageError
from sfsync.fake.catalog import ObjectFacts
from sfsync.fake.catalog.facts import ID_TYPES
from sfsync.fake.completion import completing_insert, derived_assignments
from sfsync.fake.database import Cursor, quote, record, stage_rows
from sfsync.fake.ids import is_valid_id, make_id, to_18

if TYPE_CHECKING:
    from sfsync.fake.org import FakeOrg

#: Characters of an Id before those that count: key prefix and pod.
_BEFORE_COUNTER = 6

#: Deleted along with their parent: parent → (child, lookup).
_CASCADES = {
    "Opportunity": (
        ("OpportunityHistory", "OpportunityId"),
        ("OpportunityContactRole", "OpportunityId"),
        ("OpportunityFieldHistory", "OpportunityId"),
    ),
    "Lead": (("LeadHistory", "LeadId"),),
}


def insert(org: FakeOrg, facts: ObjectFacts, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Add records; those without an Id get the next free one."""
    if not rows:
        return []
    spelling = {name: _spelled(facts, name) for name in dict.fromkeys(chain.from_iterable(rows))}
    if any(name != spelled for name, spelled in spelling.items()):
        rows = [{spelling[name]: value for name, value in row.items()} for row in rows]
    columns = list(dict.fromkeys(["Id", *spelling.values()]))
    with org.database.writing() as cursor:
        rows = _numbered(cursor, facts, rows)
        table = stage_rows(cursor, columns, rows)
        insert_staged(org, cursor, facts, table, columns)
        cursor.execute(f"DROP TABLE {table}")
    return [to_18(row["Id"]) for row in rows]


def insert_staged(org: FakeOrg, cursor: Cursor, facts: ObjectFacts, table: str, given: Sequence[str]) -> None:
    """Add the rows of a staging table of text columns."""
    ids = [name for name in given if (field := facts.field(name)) is not None and field.type in ID_TYPES]
    short = " OR ".join(f"length({quote(name)}) = 15" for name in ids)
    short_ids = cursor.execute(f"SELECT 1 FROM {table} WHERE {short} LIMIT 1").fetchone() is not None
    statement = completing_insert(facts, table, given, admin=org.admin_id, short_ids=short_ids)
    cursor.execute(statement, {"now": org.clock.stamp()} if "$now" in statement else None)


def update(org: FakeOrg, facts: ObjectFacts, record_id: str, values: Mapping[str, Any]) -> None:
    """Change one record, the fields derived from what changes, and its stamps."""
    changes = {_spelled(facts, name): value for name, value in values.items()}
    stamps = {"LastModifiedDate": org.clock.stamp(), "LastModifiedById": org.admin_id}
    if "SystemModstamp" not in changes:
        stamps["SystemModstamp"] = changes.get("LastModifiedDate", stamps["LastModifiedDate"])
    elif set(changes) == {"SystemModstamp"}:
        stamps = {}  # a stamp that moves alone, as it does for roll-ups and renamed picklist values
    for name, value in stamps.items():
        if facts.field(name) is not None:
            changes.setdefault(name, value)
    derived = derived_assignments(facts, changes, later=False)
    # A changed stage moves Probability, which in turn moves ExpectedRevenue.
    later = derived_assignments(facts, {**changes, **derived}, later=True)
    with org.database.writing() as cursor:
        _assign(cursor, facts, record_id, changes)
        _derive(cursor, facts, record_id, derived)
        _derive(cursor, facts, record_id, later)


def delete(org: FakeOrg, facts: ObjectFacts, record_id: str, *, hard: bool) -> None:
    """Delete one record and what Salesforce deletes along with it."""
    gone = _existing(record_id, facts)
    targets = [(facts, "Id")]
    for child, lookup in _CASCADES.get(facts.name, ()):
        child_facts = org.catalog.facts(child)
        if child_facts is not None:
            targets.append((child_facts, lookup))
    with org.database.writing() as cursor:
        if record(cursor, facts, gone) is None:
            raise UsageError(f"there is no {facts.name} {record_id}")
        for target, lookup in targets:
            if hard or target.field("IsDeleted") is None:
                cursor.execute(f"DELETE FROM {quote(target.name)} WHERE {quote(lookup)} = ?", [gone])
                continue
            stamps = [name for name in ("LastModifiedDate", "SystemModstamp") if target.field(name) is not None]
            assignments = ", ".join(['"IsDeleted" = true', *(f"{quote(name)} = $now" for name in stamps)])
            cursor.execute(
                f'UPDATE {quote(target.name)} SET {assignments} WHERE {quote(lookup)} = $id AND NOT "IsDeleted"',
                {"id": gone, "now": org.clock.stamp()} if stamps else {"id": gone},
            )


def get(org: FakeOrg, facts: ObjectFacts, record_id: str) -> dict[str, Any] | None:
    """One record, deleted or not."""
    with org.database.reading() as cursor:
        return record(cursor, facts, _existing(record_id, facts))


def live(org: FakeOrg, facts: ObjectFacts) -> int:
    """How many records are not deleted."""
    condition = ' WHERE NOT "IsDeleted"' if facts.field("IsDeleted") else ""
    with org.database.reading() as cursor:
        row = cursor.execute(f"SELECT count(*) FROM {quote(facts.name)}{condition}").fetchone()
        return int(row[0]) if row else 0


def _spelled(facts: ObjectFacts, name: str) -> str:
    field = facts.field(name)
    if field is None or not field.stored:
        raise UsageError(
            f"{facts.name} has no field `{name}` that can be set", hint="see `catalog`, or use `add_field`"
        )
    return field.name


def _numbered(cursor: Cursor, facts: ObjectFacts, rows: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """The rows, each with an Id."""
    lacking = sum(1 for row in rows if not row.get("Id"))
    if not lacking:
        return rows
    free = iter(_free_ids(cursor, facts, lacking))
    return [row if row.get("Id") else {**row, "Id": next(free)} for row in rows]


def _free_ids(cursor: Cursor, facts: ObjectFacts, wanted: int) -> list[str]:
    """So many Ids that no record has, counting on from the records there are."""
    start = make_id(facts.prefix, 0)[:_BEFORE_COUNTER]
    counted = cursor.execute(f'SELECT count(*) FROM {quote(facts.name)} WHERE "Id" LIKE ?', [f"{start}%"]).fetchone()
    number = int(counted[0]) if counted else 0
    free: list[str] = []
    while len(free) < wanted:
        made = [make_id(facts.prefix, number + step) for step in range(wanted)]
        known = cursor.execute(
            f'SELECT "Id" FROM {quote(facts.name)} WHERE "Id" IN (SELECT unnest(?::VARCHAR[]))', [made]
        ).fetchall()
        taken = {row[0] for row in known}
        free += [one for one in made if one not in taken]
        number += wanted
    return free[:wanted]


def _existing(record_id: str, facts: ObjectFacts) -> str:
    if not is_valid_id(record_id, facts.prefix):
        raise UsageError(f"`{record_id}` is not an Id of {facts.name}")
    return to_18(record_id)


def _assign(cursor: Cursor, facts: ObjectFacts, record_id: str, changes: Mapping[str, Any]) -> None:
    assignments = ", ".join(f"{quote(name)} = ?" for name in changes)
    key = _existing(record_id, facts)
    if record(cursor, facts, key) is None:
        raise UsageError(f"there is no {facts.name} {record_id}")
    values = [None if value == "" else value for value in changes.values()]  # Salesforce keeps no empty text
    cursor.execute(f'UPDATE {quote(facts.name)} SET {assignments} WHERE "Id" = ?', [*values, key])


def _derive(cursor: Cursor, facts: ObjectFacts, record_id: str, assignments: Mapping[str, str]) -> None:
    if assignments:
        listed = ", ".join(f"{quote(name)} = {sql}" for name, sql in assignments.items())
        cursor.execute(f'UPDATE {quote(facts.name)} AS incoming SET {listed} WHERE "Id" = ?', [to_18(record_id)])

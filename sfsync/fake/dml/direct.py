"""Records from Python, past every protocol: what `FakeOrg.insert` and its like do, with the org's own rights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sfsync.errors import UsageError
from sfsync.fake.catalog import ObjectFacts
from sfsync.fake.database import record
from sfsync.fake.dml import bin as recycle_bin
from sfsync.fake.dml import writes
from sfsync.fake.dml.outcome import RowOutcome, WriteOptions
from sfsync.fake.ids import is_valid_id, to_18
from sfsync.fake.sql_names import quote

if TYPE_CHECKING:
    from sfsync.fake.org import FakeOrg


def insert(org: FakeOrg, facts: ObjectFacts, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Add records; those without an Id get the next free one. All of them, or none and UsageError."""
    if not rows:
        return []
    return [str(one.id) for one in _sound(writes.create(org, facts.name, rows, _rights(org)), facts)]


def update(org: FakeOrg, facts: ObjectFacts, record_id: str, values: Mapping[str, Any]) -> None:
    """Change one record, the fields derived from what changes, and its stamps."""
    key = existing(record_id, facts)
    given = {name: value for name, value in values.items() if name.casefold() != "id"}
    _sound(writes.update(org, facts.name, [{**given, "Id": key}], _rights(org)), facts)


def delete(org: FakeOrg, facts: ObjectFacts, record_id: str, *, hard: bool) -> None:
    """Delete one record and what Salesforce deletes along with it."""
    _sound(recycle_bin.delete(org, [existing(record_id, facts)], _rights(org), hard=hard), facts)


def undelete(org: FakeOrg, facts: ObjectFacts, record_id: str) -> None:
    """Take one record back from the recycle bin."""
    _sound(recycle_bin.undelete(org, [existing(record_id, facts)], _rights(org)), facts)


def get(org: FakeOrg, facts: ObjectFacts, record_id: str) -> dict[str, Any] | None:
    """One record, deleted or not."""
    recycle_bin.purge(org)
    with org.database.reading() as cursor:
        return record(cursor, facts, existing(record_id, facts))


def live(org: FakeOrg, facts: ObjectFacts) -> int:
    """How many records are not deleted."""
    condition = ' WHERE NOT "IsDeleted"' if facts.field("IsDeleted") else ""
    with org.database.reading() as cursor:
        row = cursor.execute(f"SELECT count(*) FROM {quote(facts.name)}{condition}").fetchone()
        return int(row[0]) if row else 0


def existing(record_id: str, facts: ObjectFacts) -> str:
    """The 18-character form of an Id of this object; raises UsageError for anything else."""
    if not is_valid_id(record_id, facts.prefix):
        raise UsageError(f"`{record_id}` is not an Id of {facts.name}")
    return to_18(record_id)


def _rights(org: FakeOrg) -> WriteOptions:
    return WriteOptions(org.admin_id, all_or_none=True, auto_assign=False, system=True)


def _sound(outcomes: Sequence[RowOutcome], facts: ObjectFacts) -> Sequence[RowOutcome]:
    errors = [error for one in outcomes for error in one.errors if error.code != "ALL_OR_NONE_OPERATION_ROLLED_BACK"]
    if errors:
        raise UsageError(
            f"{facts.name}: {errors[0].message}", hint="see `catalog` for its fields; `add_field` adds custom ones"
        )
    return outcomes

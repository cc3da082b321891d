"""Where plans are kept: one row a plan, one a step, and one wide table of changes a step, in the schema `sfsync`.

A step's table has, beside `FIXED`, three columns for every field F it may write: `"F"` (the value as the API writes it;
NULL where `"F.set"` means to empty the field), `"F.before"` (what the mirror holds) and `"F.set"` (whether this change
writes F at all). A value `=change:7` stands for the Id of the record that change 7 of the same plan makes.
"""

from __future__ import annotations

from collections.abc import Iterable

from sfsync.store.interface import Session
from sfsync.store.names import quote, table

#: Columns of every step's table, before those of its fields.
FIXED = {
    "change_no": "BIGINT",
    "source_row": "BIGINT",
    "record_id": "VARCHAR",
    "key": "VARCHAR",
    "refused": "VARCHAR",
    "note": "VARCHAR",
    "org_stamp": "TIMESTAMP",
}
#: In front of the number of the change that makes the record a value stands for.
REFERENCE = "=change:"

_TABLES = (
    "CREATE SCHEMA IF NOT EXISTS sfsync",
    "CREATE TABLE IF NOT EXISTS sfsync.plans (id VARCHAR, created_at TIMESTAMP, org_id VARCHAR, kind VARCHAR,"
    " state VARCHAR, fingerprint VARCHAR, header VARCHAR)",
    'CREATE TABLE IF NOT EXISTS sfsync.plan_steps (plan_id VARCHAR, step INTEGER, object VARCHAR, "action" VARCHAR,'
    " mapping VARCHAR, pass INTEGER, fields VARCHAR, key_field VARCHAR, table_name VARCHAR, row_count BIGINT,"
    " refused_count BIGINT, options VARCHAR)",
)


def prepare(session: Session) -> None:
    """Make the tables where they are missing."""
    for statement in _TABLES:
        session.execute(statement)


def step_table_name(plan_id: str, step: int) -> str:
    """Name of a step's table, without its schema."""
    return f"plan_{plan_id}_{step}"


def step_table(name: str) -> str:
    """A step's table as SQL writes it."""
    return table("sfsync", name)


def before(field: str) -> str:
    """Quoted column of the value that the mirror holds."""
    return quote(f"{field}.before")


def is_set(field: str) -> str:
    """Quoted column that says whether the change writes the field."""
    return quote(f"{field}.set")


def column_count(fields: int) -> int:
    """Columns of the table of a step that may write so many fields."""
    return len(FIXED) + 3 * fields


def make_step_table(session: Session, name: str, fields: Iterable[str]) -> None:
    """Make an empty table for a step."""
    columns = [f"{quote(column)} {kind}" for column, kind in FIXED.items()]
    for field in fields:
        columns += [f"{quote(field)} VARCHAR", f"{before(field)} VARCHAR", f"{is_set(field)} BOOLEAN"]
    session.expect_columns(len(columns))
    session.execute(f"CREATE TABLE {step_table(name)} ({', '.join(columns)})")

"""Where two-way tables keep their books, in the schema `sfsync`: conflicts, decisions, and what was sent."""

from __future__ import annotations

from sfsync.mapping import two_way
from sfsync.store.interface import Session

#: In place of a column, where a conflict is about a record as a whole.
WHOLE_RECORD = ""

#: Column, of rows that a plan was made of, of what stood in `sf_id`.
ROW_NAME = "~row"

#: What both sides did: changed one field; or one changed the record, and the other deleted it.
KINDS = ("field", "deleted in the org", "deleted here", "merged in the org")

_FOUND = (
    "table_name VARCHAR, object VARCHAR, mapping VARCHAR, record_id VARCHAR, column_name VARCHAR, field VARCHAR,"
    " kind VARCHAR, base_value VARCHAR, local_value VARCHAR, org_value VARCHAR"
)
_TABLES = (
    # What waits for a decision; made anew by each merge.
    f"CREATE TABLE IF NOT EXISTS sfsync.conflicts ({_FOUND}, local_changed TIMESTAMP, org_changed TIMESTAMP,"
    " reason VARCHAR, seen_at TIMESTAMP)",
    # What was decided, by a policy or by a person, with the value that lost; never taken away.
    f"CREATE TABLE IF NOT EXISTS sfsync.settled ({_FOUND}, winner VARCHAR, policy VARCHAR, settled_at TIMESTAMP,"
    " plan_id VARCHAR)",
    # What people decided, and on which values: it holds for these alone.
    "CREATE TABLE IF NOT EXISTS sfsync.resolutions (table_name VARCHAR, record_id VARCHAR, column_name VARCHAR,"
    " winner VARCHAR, local_value VARCHAR, org_value VARCHAR, decided_at TIMESTAMP, applied_at TIMESTAMP)",
    # Rows as they were when a plan was made of them: what becomes the base once the org has it.
    "CREATE TABLE IF NOT EXISTS sfsync.two_way_plans (plan_id VARCHAR, mapping VARCHAR, table_name VARCHAR,"
    " object VARCHAR, kept_in VARCHAR, columns VARCHAR)",
    "CREATE TABLE IF NOT EXISTS sfsync.two_way_written (plan_id VARCHAR, change_no BIGINT)",
    # Records that were written, and of which the mirror may still hold what they were before.
    "CREATE TABLE IF NOT EXISTS sfsync.two_way_awaited (table_name VARCHAR, object VARCHAR, record_id VARCHAR,"
    ' "action" VARCHAR, stamp TIMESTAMP, written_at TIMESTAMP)',
    # Which record a row that was added here has become.
    "CREATE TABLE IF NOT EXISTS sfsync.two_way_born (table_name VARCHAR, row_name VARCHAR, record_id VARCHAR)",
    # Which rows files have added: the same row of a file that is imported again is not another one.
    "CREATE TABLE IF NOT EXISTS sfsync.two_way_taken (table_name VARCHAR, digest VARCHAR, nth BIGINT,"
    " row_name VARCHAR)",
)


def prepare(session: Session) -> None:
    """Make the tables where they are missing."""
    two_way.prepare(session)
    for statement in _TABLES:
        session.execute(statement)


def remake(session: Session, name: str, select: str) -> None:
    """Make a temporary table out of a SELECT, in place of one that there was."""
    session.execute(f"DROP TABLE IF EXISTS {name}")
    session.execute(f"CREATE TEMPORARY TABLE {name} AS {select}")


def any_rows(session: Session, relation: str) -> bool:
    """Whether a relation has any row."""
    return bool(session.execute(f"SELECT 1 FROM {relation} LIMIT 1").rows)

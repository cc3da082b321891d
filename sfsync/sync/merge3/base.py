"""What becomes of a two-way table after an apply: what the org has taken is what both sides agree on from then on."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass

from sfsync.mapping.local_names import ID_COLUMN, TableName
from sfsync.mapping.two_way import BASE_SCHEMA
from sfsync.store.columns import has_table, table_columns
from sfsync.store.interface import Session
from sfsync.store.names import literal, quote, table
from sfsync.sync.merge3.tables import ROW_NAME, any_rows, prepare, remake
from sfsync.sync.plan.stored import PlanStep, read_stored_plan
from sfsync.sync.plan.tables import is_set

#: Changes of one step that the org has made, and that are not in the base yet.
_DONE = "two_way_done"


def settle(session: Session, plan_id: str) -> int:
    """Take over into bases and local tables what a plan has written; returns how many changes that were.

    May be called as often as outcomes come in: each change counts once. Local rows that were edited after the plan was
    made keep those edits.

    Args:
        session: A writing session.
        plan_id: Of a plan that was applied, in whole or in part.
    """
    if not has_table(session, "sfsync", "two_way_plans") or not has_table(session, "sfsync", "outcomes"):
        return 0
    prepare(session)
    kept = session.execute(
        "SELECT mapping, table_name, kept_in, columns FROM sfsync.two_way_plans WHERE plan_id = ?", [plan_id]
    ).rows
    if not kept:
        return 0
    count = 0
    steps = read_stored_plan(session, plan_id).steps
    for mapping, name, kept_in, columns in kept:
        base = table(BASE_SCHEMA, name)
        held = {column.casefold(): column for column in table_columns(session, BASE_SCHEMA, name)}
        if not held:
            continue  # the mapping is gone, and its table with it
        local = _local(session, name)
        for step in steps:
            if step.mapping == mapping:
                work = _Settling(session, plan_id, step, name, local, base, table("sfsync", kept_in), held)
                count += work.run(json.loads(columns))
    return count


def settle_every(session: Session) -> int:
    """Take over what plans have written and nobody took over: an apply that was killed, say."""
    if not has_table(session, "sfsync", "two_way_plans") or not has_table(session, "sfsync", "outcomes"):
        return 0
    found = session.execute(
        "SELECT DISTINCT p.plan_id FROM sfsync.two_way_plans AS p JOIN sfsync.outcomes AS o ON o.plan_id = p.plan_id "
        "WHERE o.state = 'done' AND NOT EXISTS (SELECT 1 FROM sfsync.two_way_written AS w "
        "WHERE w.plan_id = o.plan_id AND w.change_no = o.change_no)"
    )
    count = sum(settle(session, plan_id) for (plan_id,) in found)
    _forget_kept_rows(session)
    return count


def _forget_kept_rows(session: Session) -> None:
    """Drop the rows that plans were made of, of plans that will write nothing more."""
    over = session.execute(
        "SELECT p.kept_in FROM sfsync.two_way_plans AS p JOIN sfsync.plans AS s ON s.id = p.plan_id "
        "WHERE s.state IN ('applied', 'stale')"
    )
    for (kept_in,) in over:
        session.execute(f"DROP TABLE IF EXISTS {table('sfsync', kept_in)}")
        session.execute("DELETE FROM sfsync.two_way_plans WHERE kept_in = ?", [kept_in])


def _local(session: Session, name: str) -> str | None:
    """The local table as SQL writes it; None where somebody dropped it."""
    found = TableName.parse(name)
    rows = session.execute(
        "SELECT table_schema, table_name FROM information_schema.tables WHERE lower(table_schema) = ? "
        "AND lower(table_name) = ? AND table_catalog = current_database()",
        list(found.key),
    ).rows
    return table(*rows[0]) if rows else None


@dataclass(frozen=True, slots=True)
class _Settling:
    """One step of a plan, for one two-way table.

    Attributes:
        name: Of the table, in the books.
        local: The table, or None.
        base: Its base.
        kept: Its rows as the plan was made of them.
        held: Column, casefolded → column of the base.
    """

    session: Session
    plan_id: str
    step: PlanStep
    name: str
    local: str | None
    base: str
    kept: str
    held: AnyMapping[str, str]

    def run(self, columns: AnyMapping[str, list[str]]) -> int:
        plan, session = literal(self.plan_id), self.session
        written = f"SELECT change_no FROM sfsync.two_way_written WHERE plan_id = {plan}"
        at = f'max("at") {self._behind()}'
        remake(
            session,
            _DONE,
            f"SELECT s.*, o.written_id, o.written_at FROM (SELECT change_no, max(record_id) AS written_id, {at} AS "
            f"written_at FROM sfsync.outcomes WHERE plan_id = {plan} AND state = 'done' "
            f"AND change_no NOT IN ({written}) GROUP BY change_no) AS o "
            f"JOIN {self.step.table} AS s ON s.change_no = o.change_no",
        )
        count = int(session.execute(f"SELECT count(*) FROM {_DONE}").scalar())
        if not count:
            return 0
        if self.step.action == "delete":
            session.execute(f"DELETE FROM {self.base} WHERE {ID_COLUMN} IN (SELECT record_id FROM {_DONE})")
        else:
            self._name_new_rows()
            self._move_base(columns)
        self._await()
        session.execute(f"INSERT INTO sfsync.two_way_written SELECT {plan}, change_no FROM {_DONE}")
        return count

    def _behind(self) -> str:
        """SQL to be added to an instant of this machine's clock: how far it was behind that of the org.

        What the mirror has seen is told by the org's clock, and a write that seems to be older than it is would be
        taken for seen.
        """
        if not has_table(self.session, "sfsync", "batches"):
            return ""
        seconds = self.session.execute(
            'SELECT max(EXTRACT(EPOCH FROM org_time) - EXTRACT(EPOCH FROM "at")) FROM sfsync.batches WHERE plan_id = ?',
            [self.plan_id],
        ).scalar()
        return f"+ INTERVAL '{max(0, math.ceil(float(seconds or 0)))} seconds'"

    @property
    def _rows(self) -> str:
        """Done changes with the rows they were made of, and the Id that the record has now."""
        return f"{_DONE} AS d JOIN {self.kept} AS k ON k.source_row = d.source_row"

    def _record(self) -> str:
        # A second pass says which change made the record; its outcome has the Id all the same.
        return "coalesce(d.written_id, CASE WHEN d.record_id NOT LIKE '=%' THEN d.record_id END)"

    def _name_new_rows(self) -> None:
        """Rows that were added get the Id of their record; its base is empty so far."""
        session, row = self.session, f"k.{quote(ROW_NAME)}"
        born = f"SELECT {row} AS row_name, {self._record()} AS record_id FROM {self._rows} WHERE {row} LIKE 'new:%'"
        remake(session, "two_way_births", f"SELECT * FROM ({born}) AS n WHERE n.record_id IS NOT NULL")
        if not any_rows(session, "two_way_births"):
            return
        session.execute(
            f"INSERT INTO sfsync.two_way_born SELECT {literal(self.name)}, n.row_name, n.record_id "
            "FROM two_way_births AS n WHERE NOT EXISTS (SELECT 1 FROM sfsync.two_way_born AS o "
            f"WHERE o.table_name = {literal(self.name)} AND o.row_name = n.row_name)"
        )
        if self.local is not None:
            session.execute(
                f"UPDATE {self.local} AS l SET {ID_COLUMN} = n.record_id FROM two_way_births AS n "
                f"WHERE n.row_name = l.{ID_COLUMN}"
            )
        session.execute(
            f"INSERT INTO {self.base} ({ID_COLUMN}) SELECT n.record_id FROM two_way_births AS n "
            f"WHERE NOT EXISTS (SELECT 1 FROM {self.base} AS b WHERE b.{ID_COLUMN} = n.record_id)"
        )

    def _move_base(self, columns: AnyMapping[str, list[str]]) -> None:
        """What was written is what both agree on: the local values of the fields that were set."""
        kept = {name.casefold() for name in self.session.execute(f"SELECT * FROM {self.kept} LIMIT 0").columns}
        by_column: dict[str, list[str]] = {}
        for field in self.step.fields:
            for column in columns.get(field, ()):
                if column in self.held and column in kept:
                    by_column.setdefault(column, []).append(f"d.{is_set(field)}")
        if not by_column:
            return
        values = ", ".join(
            f"CASE WHEN {' OR '.join(sets)} THEN TRUE ELSE FALSE END AS s{at}, k.{quote(column)} AS v{at}"
            for at, (column, sets) in enumerate(by_column.items())
        )
        remake(self.session, "two_way_moves", f"SELECT {self._record()} AS record_id, {values} FROM {self._rows}")
        sets = ", ".join(
            f"{quote(self.held[column])} = CASE WHEN n.s{at} THEN n.v{at} ELSE b.{quote(self.held[column])} END"
            for at, column in enumerate(by_column)
        )
        self.session.execute(
            f"UPDATE {self.base} AS b SET {sets} FROM two_way_moves AS n WHERE n.record_id = b.{ID_COLUMN}"
        )

    def _await(self) -> None:
        """The mirror still has these records as they were: what it says of them is old until it has caught up."""
        self.session.execute(
            f"DELETE FROM sfsync.two_way_awaited WHERE table_name = {literal(self.name)} "
            f"AND record_id IN (SELECT {self._record()} FROM {_DONE} AS d)"
        )
        self.session.execute(
            f"INSERT INTO sfsync.two_way_awaited SELECT {literal(self.name)}, {literal(self.step.object)}, "
            f"{self._record()}, {literal(self.step.action)}, d.org_stamp, d.written_at FROM {_DONE} AS d "
            f"WHERE {self._record()} IS NOT NULL"
        )

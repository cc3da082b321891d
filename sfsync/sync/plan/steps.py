"""Fills the steps of one mapping: new records, changed records, and references that had to wait for a second pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sfsync.mapping.filter import filter_sql
from sfsync.store.interface import Session
from sfsync.store.names import literal, quote
from sfsync.sync.plan.entries import Entry, after_text, before_text, entries_of, parents_sql
from sfsync.sync.plan.options import PlanOptions
from sfsync.sync.plan.parents import lookup_table
from sfsync.sync.plan.stored import Action, PlanStep
from sfsync.sync.plan.tables import REFERENCE, before, is_set, make_step_table, step_table, step_table_name
from sfsync.sync.plan.unique import refuse_taken_values
from sfsync.sync.plan.work import Work

_NOTHING = "CAST(NULL AS VARCHAR)"


@dataclass
class StepMaker:
    """Makes the steps of a plan, one after the other.

    Attributes:
        session: A writing session.
        plan_id: Of the plan.
        options: How to plan.
        as_of: What date literals in filters count from (naive UTC).
        next_change: The next number that no change has.
        steps: Those made so far.
    """

    session: Session
    plan_id: str
    options: PlanOptions
    as_of: datetime
    next_change: int
    steps: list[PlanStep]

    def new_records(self, work: Work) -> None:
        """The step of a mapping's new records."""
        if not work.news:
            return
        rows = self._judged(work, creating=True)
        written = [f"(d.w{each.number} AND NOT d.q{each.number})" for each in entries_of(work)]
        step = self._begin(work, "create")
        work.creates = step.table_name
        self._insert(step, work, f"{rows} WHERE TRUE", written, number="d.change_no")
        self._end(step, work)

    def changed_records(self, work: Work) -> None:
        """The step of a mapping's changed records."""
        self._pick(work)
        if not self.session.execute(f"SELECT 1 FROM {work.temporary('picked')} LIMIT 1").rows:
            return
        written = [f"(d.w{each.number} AND NOT d.q{each.number})" for each in entries_of(work)]
        step = self._begin(work, "update")
        where = " OR ".join(["d.refused IS NOT NULL", *written])
        self._insert(step, work, f"{self._judged(work, creating=False)} WHERE {where}", written)
        self._end(step, work)

    def second_pass(self, work: Work, works: Sequence[Work]) -> None:
        """References to records that are made only after the record that refers to them."""
        entries = [each for each in entries_of(work) if each.stage != "NULL"]
        if not any(_may_wait(self.session, work, at) for at in range(len(work.push.lookups))):
            return
        every = [
            f"(d.w{each.number} AND d.q{each.number})" if each in entries else "FALSE" for each in entries_of(work)
        ]
        step = self._begin(work, "update", pass_=2)
        for creating in (True, False):
            if creating and work.creates is None:
                continue
            where = f"d.refused IS NULL AND ({' OR '.join(every)})"
            self._insert(step, work, f"{self._judged(work, creating=creating)} WHERE {where}", every, later=creating)
        if not work.describe.updateable:
            told = f"this user may not change {work.mapping.object} records, so no reference can be set later"
            self.session.execute(f"UPDATE {step.table} SET refused = {literal(told)}")
        for other in works:
            if other.creates is not None:
                self._refuse_children(step, entries, other)
        self._end(step, work)

    def _pick(self, work: Work) -> None:
        """The rows that may change their record: a look at the values as they stand, which is quick."""
        tests = ["m.lost IS NOT NULL"]
        tests += [each.may_differ() for each in entries_of(work) if not each.is_key and each.write != "never"]
        work.remake(
            self.session,
            work.temporary("picked"),
            f"SELECT m.source_row, m.record_id, m.key_text, m.lost, CAST(NULL AS BIGINT) AS change_no "
            f"FROM {work.rows_sql} JOIN {work.matched} AS m ON m.source_row = source.source_row "
            f'JOIN {work.every_record} AS rec ON rec."Id" = m.record_id{parents_sql(work)} '
            f"WHERE {' OR '.join(tests)}",
        )

    def _judged(self, work: Work, *, creating: bool) -> str:
        """FROM of the rows of a step, under the alias `d`: their values, what they write (`w`), what waits (`q`)."""
        entries = entries_of(work)
        flags = ", ".join(
            f"({each.wanted(creating=creating)}) AS w{each.number}, "
            f"{each.postponed(creating=creating)} AS q{each.number}"
            for each in entries
        )
        wanted = " OR ".join(f"d.w{each.number}" for each in entries)
        refusals = ["d.lost", *self._record_refusals(work, wanted, creating=creating)]
        barred = not (work.describe.createable if creating else work.describe.updateable)
        refusals += [told for each in entries for told in each.refusals(creating=creating, barred=barred)]
        notes = [each.column("t") for each in entries] + ["d.row_note"]
        flagged = f"SELECT d.*, {flags} FROM ({self._values(work, entries, creating=creating)}) AS d"
        texts = f"nullif(concat_ws('; ', {', '.join(refusals)}), '') AS refused"
        texts += f", nullif(concat_ws('; ', {', '.join(notes)}), '') AS note"
        return f"FROM (SELECT d.*, {texts} FROM ({flagged}) AS d) AS d"

    def _values(self, work: Work, entries: Sequence[Entry], *, creating: bool) -> str:
        """The innermost SELECT: one row a change, with everything that a decision needs."""
        if creating:
            entries = [replace(each, before=f"CAST(NULL AS {each.kind})") for each in entries]
        columns = [
            "m.source_row AS source_row",
            "m.key_text AS key_text",
            "m.lost AS lost",
            f"{work.source.extra_notes or _NOTHING} AS row_note",
            f"{'n' if creating else 'm'}.change_no AS change_no",
            f"{_NOTHING if creating else 'm.record_id'} AS record_id",
            *(f"{sql} AS {name}" for name, sql in self._of_record(work, creating=creating).items()),
            *(f"{sql} AS {name}" for each in entries for name, sql in each.columns.items()),
        ]
        if creating:
            joins = f"JOIN {work.new_rows} AS n ON n.source_row = source.source_row "
            joins += f"JOIN {work.matched} AS m ON m.source_row = n.source_row"
        else:
            joins = f"JOIN {work.temporary('picked')} AS m ON m.source_row = source.source_row "
            joins += f'JOIN {work.every_record} AS rec ON rec."Id" = m.record_id'
        return f"SELECT {', '.join(columns)} FROM {work.rows_sql} {joins}{parents_sql(work, creating=creating)}"

    def _of_record(self, work: Work, *, creating: bool) -> dict[str, str]:
        """What is asked of the record itself."""
        if creating:
            return {"org_stamp": "CAST(NULL AS TIMESTAMP)", "converted": "FALSE", "in_scope": "TRUE"}
        stamp = 'rec."SystemModstamp"' if work.has("SystemModstamp") else "CAST(NULL AS TIMESTAMP)"
        converted = 'rec."IsConverted" IS TRUE' if _knows_conversion(work) else "FALSE"
        scope = filter_sql(work.mapping, work.describe, alias="rec", now=self.as_of, calendar=self.options.calendar)
        return {"org_stamp": stamp, "converted": converted, "in_scope": f"coalesce({scope}, FALSE)"}

    def _record_refusals(self, work: Work, wanted: str, *, creating: bool) -> list[str]:
        """Why a row cannot be written, whatever its fields are."""
        name = work.mapping.object
        if creating:
            told = [literal(f"{name}: a new record needs it") for name in work.push.required_unmapped]
            return told if work.describe.createable else [literal(f"this user may not create {name} records"), *told]
        told = []
        if not work.describe.updateable:
            told.append(f"CASE WHEN {wanted} THEN {literal(f'this user may not change {name} records')} END")
        if not self.options.edit_converted:
            told.append(f"CASE WHEN d.converted AND ({wanted}) THEN 'a converted lead is read-only' END")
        # A row of a two-way table was edited while its record was within: it goes once the edit is sent.
        if work.mapping.filter is not None and not work.source.edited:
            told.append(
                f"CASE WHEN NOT d.in_scope AND ({wanted}) THEN 'the record is outside the filter of the mapping' END"
            )
        return told

    def _begin(self, work: Work, action: Action, *, pass_: int = 1) -> PlanStep:
        number = len(self.steps) + 1
        name = step_table_name(self.plan_id, number)
        fields = tuple(each.name for each in entries_of(work))
        make_step_table(self.session, name, fields)
        options = {
            "assignment_rules": work.mapping.assignment_rules,
            "duplicate_rules": work.mapping.duplicate_rules,
        }
        key = work.key
        upsert = action == "create" and key is not None and work.field(key.field).finds_records
        key_field = key.field if key is not None and upsert else None
        return PlanStep(
            number, work.mapping.object, action, work.mapping.file, pass_, fields, key_field, name, 0, 0, options
        )

    def _insert(
        self,
        step: PlanStep,
        work: Work,
        rows: str,
        written: Sequence[str],
        *,
        number: str | None = None,
        later: bool = False,
    ) -> None:
        """Write changes into a step's table.

        Args:
            step: Whose table.
            work: The mapping.
            rows: FROM and WHERE of the rows.
            written: SQL of whether each entry is written.
            number: SQL of the change's number; the next ones unless given.
            later: The record is one that an earlier step makes.
        """
        number = number or f"{self.next_change - 1} + row_number() OVER (ORDER BY d.source_row)"
        record = f"{literal(REFERENCE)} || d.change_no" if later else "d.record_id"
        note = "d.note" if step.pass_ == 1 else _NOTHING
        values = [number, "d.source_row", record, "d.key_text", "d.refused", note, "d.org_stamp"]
        for each, sets in zip(entries_of(work), written, strict=True):
            values += [f"CASE WHEN {sets} THEN {after_text(each)} END", before_text(each), f"coalesce({sets}, FALSE)"]
        self.session.execute(f"INSERT INTO {step.table} SELECT {', '.join(values)} {rows}")
        if number != "d.change_no":
            highest = self.session.execute(f"SELECT max(change_no) FROM {step.table}").scalar()
            self.next_change = max(self.next_change, (highest or 0) + 1)

    def _end(self, step: PlanStep, work: Work) -> None:
        """Judge the step as a whole, count it, and keep it unless it is empty."""
        for each in entries_of(work):
            if each.described.unique and not each.is_key:
                refuse_taken_values(self.session, step, each.described, work)
        self.keep(step)

    def keep(self, step: PlanStep) -> None:
        """Count a step and keep it, with the fields that it writes; an empty one is dropped."""
        sets = [f"count(*) FILTER (WHERE {is_set(field)})" for field in step.fields]
        counts: tuple[Any, ...] = self.session.execute(
            f"SELECT {', '.join(['count(*)', 'count(refused)', *sets])} FROM {step.table}"
        ).rows[0]
        if not counts[0]:
            self.session.execute(f"DROP TABLE {step.table}")
            return
        used = zip(step.fields, counts[2:], strict=True)
        fields = tuple(field for field, count in used if count or step.action == "delete")
        for field in set(step.fields) - set(fields):
            for column in (quote(field), before(field), is_set(field)):
                self.session.execute(f"ALTER TABLE {step.table} DROP COLUMN {column}")
        self.steps.append(replace(step, fields=fields, row_count=counts[0], refused_count=counts[1]))

    def _refuse_children(self, step: PlanStep, entries: Sequence[Entry], other: Work) -> None:
        """A reference to a record that will not be made cannot be set."""
        for each in entries:
            told = f"{literal(each.name + ': its parent, row ')} || made.source_row || "
            told += literal(f" of {other.source.shown_as}, is refused")
            self.session.execute(
                f"UPDATE {step.table} AS s SET refused = {told} FROM {step_table(other.creates or '')} AS made "
                f"WHERE made.refused IS NOT NULL AND s.{quote(each.name)} = {literal(REFERENCE)} || made.change_no"
            )


def _knows_conversion(work: Work) -> bool:
    return work.mapping.object == "Lead" and work.has("IsConverted")


def _may_wait(session: Session, work: Work, at: int) -> bool:
    """Whether any parent of a lookup is made by this mapping or a later one."""
    return bool(session.execute(f"SELECT 1 FROM {lookup_table(work, at)} WHERE stage > 0 LIMIT 1").rows)

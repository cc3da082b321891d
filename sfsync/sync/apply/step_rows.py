"""The changes of one step as SQL: with references to earlier changes replaced by the Ids of what they made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from sfsync.records import FieldDescribe, ObjectDescribe
from sfsync.store import Store
from sfsync.store.columns import sql_type
from sfsync.store.interface import Session
from sfsync.store.names import literal, quote
from sfsync.sync.apply.tables import Span, unsettled, within
from sfsync.sync.plan.stored import PlanStep
from sfsync.sync.plan.tables import REFERENCE, before, is_set
from sfsync.sync.plan.values import folded, same

#: The name under which `record_id` stands among the referring columns.
_RECORD = "record_id"


@dataclass(frozen=True, slots=True)
class StepRows:
    """The changes of one step.

    Attributes:
        plan_id: Of the plan.
        step: The step; its table goes by the alias `s`.
        describe: Of its object.
        mirrored: Columns that the mirror has of the object: of other fields nobody knows what they held before.
        referring: Columns in which some change refers to an earlier one.
        span: Numbers of the first and the last change to be looked at, where that is not all of them.
    """

    plan_id: str
    step: PlanStep
    describe: ObjectDescribe
    mirrored: frozenset[str]
    referring: tuple[str, ...]
    span: Span | None = None

    @property
    def from_sql(self) -> str:
        """What stands after FROM: the changes, each with the outcomes of those that it refers to."""
        joins = (
            f" LEFT JOIN sfsync.outcomes AS {self._parent(column)} ON {self._parent(column)}.plan_id ="
            f" {literal(self.plan_id)} AND {self._parent(column)}.state = 'done'"
            f" AND {self._parent(column)}.change_no = {referred(column)}"
            for column in self.referring
        )
        return f"{self.step.table} AS s" + "".join(joins)

    @property
    def pending(self) -> str:
        """SQL of whether a change may be sent now: not settled, and everything that it refers to is there."""
        there = (
            f" AND ({referred(column)} IS NULL OR {self._parent(column)}.record_id IS NOT NULL)"
            for column in self.referring
        )
        return f"{within('s', self.span)}s.refused IS NULL AND {self.unsettled}" + "".join(there)

    @property
    def unsettled(self) -> str:
        """SQL of whether a change has no outcome yet."""
        return unsettled(self.plan_id, self.span)

    @property
    def record_id(self) -> str:
        """SQL of the Id of the record to be changed, or of NULL."""
        return self._resolved(_RECORD)

    @property
    def key_field(self) -> str | None:
        """The external Id by which records are made; None where records are named by Id, or cannot be found again."""
        return self.step.key_field if self.step.action in {"create", "upsert"} else None

    @property
    def is_keyless(self) -> bool:
        """Whether a record that was made cannot be found again but by its content."""
        return self.step.action == "create" and self.key_field is None

    @property
    def correlation(self) -> str:
        """SQL of the text by which the org's answer about a change is known: its key, or the Id of its record."""
        if self.key_field is None:
            return self.record_id
        if self.key_field in self.step.fields:
            return f'coalesce({self.value(self.key_field)}, s."key")'
        return 's."key"'

    @property
    def sent_fields(self) -> tuple[str, ...]:
        """API names of the fields that are written beside the key."""
        return () if self.step.action == "delete" else tuple(f for f in self.step.fields if f != self.key_field)

    @property
    def compared(self) -> tuple[FieldDescribe, ...]:
        """The fields to be written that can be held against what the org has."""
        found = (self.describe.field(name) for name in self.sent_fields)
        return tuple(each for each in found if each is not None and each.name in self.mirrored)

    def value(self, field: str) -> str:
        """SQL of the text to be written to a field."""
        return self._resolved(field)

    def typed(self, text: str, field: FieldDescribe) -> str:
        """SQL of a canonical text as the mirror types the field, in the form in which equals are equal."""
        return same(f"CAST({text} AS {sql_type(field)})", field)

    def differs(self, field: FieldDescribe, alias: str, *, from_before: bool) -> str:
        """SQL of whether a record of `alias` holds neither the value to be written nor (if so asked) the one before."""
        held = same(f"{alias}.{quote(field.name)}", field)
        wanted = self.typed(self.value(field.name), field)
        text = f"{is_set_of(field.name)} AND {held} IS DISTINCT FROM {wanted}"
        if from_before:
            text += f" AND {held} IS DISTINCT FROM {self.typed(f's.{before(field.name)}', field)}"
        return f"({text})"

    def moved(self, field: FieldDescribe, alias: str) -> str:
        """SQL of whether a record of `alias` holds something else in a field to be written than it held before."""
        held = same(f"{alias}.{quote(field.name)}", field)
        return f"({is_set_of(field.name)} AND {held} IS DISTINCT FROM {self.typed(f's.{before(field.name)}', field)})"

    def same_key(self, alias: str) -> str:
        """SQL of whether a record of `alias` has the key of a change."""
        described = self.describe.field(self.key_field or "")
        if described is None:
            return "FALSE"
        wanted = folded(f"CAST({self.correlation} AS {sql_type(described)})", described)
        return f"{folded(f'{alias}.{quote(described.name)}', described)} = {wanted}"

    def _resolved(self, column: str) -> str:
        if column not in self.referring:
            return f"s.{quote(column)}"
        return f"CASE WHEN {referred(column)} IS NULL THEN s.{quote(column)} ELSE {self._parent(column)}.record_id END"

    def _parent(self, column: str) -> str:
        return f"p{self.referring.index(column)}"


def is_set_of(field: str) -> str:
    """SQL of whether a change writes the field."""
    return f"coalesce(s.{is_set(field)}, FALSE)"


def referred(column: str) -> str:
    """SQL of the number of the change that a value refers to, or of NULL."""
    start = len(REFERENCE) + 1
    value = f"s.{quote(column)}"
    return f"CASE WHEN {value} LIKE '{REFERENCE}%' THEN TRY_CAST(substr({value}, {start}) AS BIGINT) END"


def step_rows(
    session: Session, plan_id: str, step: PlanStep, describe: ObjectDescribe, mirrored: frozenset[str]
) -> StepRows:
    """The changes of a step; looks which of its columns hold references."""
    # Only a field that holds Ids can refer to anything: in any other, a text that looks like it is data.
    candidates = [
        name for name in step.fields if (found := describe.field(name)) is not None and found.type == "reference"
    ]
    candidates.append(_RECORD)
    asked = ", ".join(f"coalesce(bool_or({referred(name)} IS NOT NULL), FALSE)" for name in candidates)
    (found_in,) = session.execute(f"SELECT {asked} FROM {step.table} AS s")
    referring = tuple(name for name, refers in zip(candidates, found_in, strict=True) if refers)
    return StepRows(plan_id, step, describe, mirrored, referring)


def is_settled(session: Session, rows: StepRows) -> bool:
    """Whether every change of a step, or of its stretch, has an outcome.

    To count both is many times faster than to look for a change without one.
    """
    changes = rows.step.row_count
    if rows.span is not None:
        near = f"SELECT count(*) FROM {rows.step.table} AS s WHERE {within('s', rows.span)}TRUE"
        changes = int(session.execute(near).scalar())
    return changes == outcome_count(session, rows)


def outcome_count(session: Session, rows: StepRows) -> int:
    """How many outcomes there are of a step, or of its stretch."""
    return int(
        session.execute(
            f"SELECT count(*) FROM sfsync.outcomes AS e WHERE {within('e', rows.span)}"
            f"e.plan_id = {literal(rows.plan_id)} AND e.step = {rows.step.step}"
        ).scalar()
    )


def in_stretches(store: Store, rows: StepRows, spans: Callable[[Session], Sequence[Span]]) -> Iterator[StepRows]:
    """The changes of a step stretch by stretch, each given once; anew as long as something is left.

    What refers to records of its own step may be sent only when those are there.

    Args:
        store: Holds the plan and the outcomes.
        rows: Of the step.
        spans: Asked for the stretches of what may be sent now; none ends it.
    """
    while True:
        with store.reading() as session:
            found = () if is_settled(session, rows) else spans(session)
        if not found:
            return
        for span in found:
            yield replace(rows, span=span)


def stretches(session: Session, rows: StepRows, ready: str, each: int | None) -> list[Span]:
    """The numbers of the first and the last of so many changes each, one stretch after the other.

    Args:
        session: Any.
        rows: Of the step.
        ready: SQL of which of its changes; none of those, no stretch.
        each: How many; None for all of them in one.
    """
    place = "0" if each is None else f"(row_number() OVER (ORDER BY s.change_no) - 1) // {each}"
    numbered = f"SELECT s.change_no AS change_no, {place} AS place FROM {rows.from_sql} WHERE {ready}"
    found = session.execute(
        f"SELECT min(change_no), max(change_no) FROM ({numbered}) AS x GROUP BY place ORDER BY place"
    )
    return [Span(first, last) for first, last in found]

"""In which order a source writes its days: declared, decided by the days themselves, or refused."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass
from typing import Protocol

from sfsync.config.spelling import shown
from sfsync.errors import MappingError, Problem
from sfsync.mapping.push_pipeline import SourceColumns
from sfsync.mapping.schema import FieldMapping, Mapping
from sfsync.mapping.transforms.steps import Step
from sfsync.records import ObjectDescribe
from sfsync.store.interface import Session
from sfsync.store.names import literal, quote

_DAY_FIRST = r"^\s*([0-9]{1,2})[./-]([0-9]{1,2})[./-][0-9]{4}\s*$"


@dataclass(frozen=True, slots=True)
class DayOrder:
    """What a column's days say of their order.

    Attributes:
        order: `dmy` or `mdy`, or None where they do not decide it.
        witness: A day that decides it, as it is written; or any day.
        row: Where that stands.
        contradiction: A day that says otherwise, or nothing.
    """

    order: str | None
    witness: str
    row: int
    contradiction: str = ""


class Columns(Protocol):
    """What is needed of a loaded source: a table with `source_row`, and its columns."""

    @property
    def table(self) -> str:
        """Quoted name."""
        ...

    @property
    def columns(self) -> AnyMapping[str, str]:
        """Column → SQL type."""
        ...


def settle_dates(
    session: Session, source: Columns, mapping: Mapping, describes: AnyMapping[str, ObjectDescribe]
) -> tuple[Mapping, tuple[str, ...]]:
    """The mapping with the order of days that the source itself decides, and what to tell of it.

    Looked at are date fields without a transform that read a text column. Days like `2026-01-31` need nothing; of days
    like `31/1/2026`, one that has a number above 12 says for all which is the month.

    Raises:
        MappingError: Nothing decides it, or the days contradict each other: `transform: {date: dmy}` (or `mdy`) is to
            be declared, at the field's line.
    """
    describe = describes.get(mapping.object)
    fields = dict(mapping.fields)
    notes: list[str] = []
    problems: list[Problem] = []
    for name, item, column in _undeclared(mapping, describe, source):
        found = day_order(session, source.table, column)
        if found is None:
            continue
        if found.order is None:
            problems.append(_undecided(mapping, name, column, found))
            continue
        step = Step.model_validate({"date": found.order})
        fields[name] = item.model_copy(update={"transform": (step,)})
        words = "day, month, year" if found.order == "dmy" else "month, day, year"
        notes.append(
            f"dates of {shown(column)}: {words} (`{shown(found.witness)}` in row {found.row:,} can be nothing else)"
        )
    if problems:
        raise MappingError(problems)
    return (mapping.model_copy(update={"fields": fields}) if notes else mapping), tuple(notes)


def day_order(session: Session, table: str, column: str) -> DayOrder | None:
    """What the days of a text column say of their order; None where none is written with the year last."""
    text, pattern = quote(column), literal(_DAY_FIRST)
    first, second = (f"CAST(regexp_extract({text}, {pattern}, {group}) AS INTEGER)" for group in (1, 2))

    def earliest(condition: str) -> tuple[str, int] | None:
        days = f"SELECT {text}, source_row FROM {table} WHERE regexp_matches({text}, {pattern}) AND {condition}"
        rows = session.execute(f"{days} ORDER BY source_row LIMIT 1").rows
        return (rows[0][0], rows[0][1]) if rows else None

    any_day = earliest("true")
    if any_day is None:
        return None
    day_first, month_first = earliest(f"{first} > 12"), earliest(f"{second} > 12")
    if day_first and month_first:
        return DayOrder(None, *day_first, contradiction=month_first[0])
    if day_first:
        return DayOrder("dmy", *day_first)
    return DayOrder("mdy", *month_first) if month_first else DayOrder(None, *any_day)


def _undeclared(
    mapping: Mapping, describe: ObjectDescribe | None, source: Columns
) -> Iterator[tuple[str, FieldMapping, str]]:
    """Date fields that read a text column and say nothing of its form."""
    columns = SourceColumns.of(source.columns)
    for name, item in mapping.pushed_fields().items():
        described = describe.field(name) if describe is not None else None
        if described is None or described.type != "date" or item.transform or len(item.columns) != 1:
            continue
        if item.values is not None:
            continue
        column = columns.find(item.columns[0])
        if column is not None and source.columns[column] == "VARCHAR":
            yield name, item, column


def _undecided(mapping: Mapping, name: str, column: str, found: DayOrder) -> Problem:
    declare = "declare the order: `transform: {date: dmy}` or `transform: {date: mdy}`"
    if found.contradiction:
        both = f"`{shown(found.witness)}` and `{shown(found.contradiction)}`"
        message = f"the days of `{shown(column)}` are not all in one order: {both}"
    else:
        message = (
            f"the days of `{shown(column)}`, like `{shown(found.witness)}` in row {found.row:,}, "
            "may be day, month, year or month, day, year"
        )
    return mapping.problem("fields", name, message=message, hint=declare)

"""One mapping on its way to a plan: what is known of it, and the temporary tables it has so far."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass, field

from sfsync.errors import MirrorUnfit
from sfsync.mapping.push_columns import PushColumn, PushPlan
from sfsync.mapping.schema import Mapping
from sfsync.records import FieldDescribe, ObjectDescribe
from sfsync.store.interface import Session
from sfsync.store.names import quote, table


@dataclass(frozen=True, slots=True)
class PlanSource:
    """The rows of one mapping.

    Attributes:
        table: Qualified and quoted; has the column `source_row`.
        columns: Name → SQL type, `source_row` left out.
        shown_as: What it is, for people.
        rows: How many there are.
        notes: How it was read, for people.
        complete: Whether a record that is not among the rows is meant to be gone.
        edited: API name → SQL (over the alias `source`) of whether a row was edited in that field; fields that are
            not named are compared in every row.
        extra_notes: SQL (over the alias `source`) of a note on the row, or None.
        gone: A SELECT of the Ids of records that are to be deleted, where the source knows them; else they are those
            that a complete source lacks.
        content: SHA-256 of the file that they are from, or None.
        when_kept: Called with the session and the plan's Id once the plan is kept.
    """

    table: str
    columns: AnyMapping[str, str]
    shown_as: str
    rows: int = 0
    notes: tuple[str, ...] = ()
    complete: bool = True
    edited: AnyMapping[str, str] = field(default_factory=dict)
    extra_notes: str | None = None
    gone: str | None = None
    content: str | None = None
    when_kept: Callable[[Session, str], None] | None = None


@dataclass
class Work:
    """One mapping on its way to a plan.

    Attributes:
        position: Its place in the order of the plan, from 0.
        mapping: The mapping.
        describe: Of its object.
        push: SQL of its desired values.
        source: Its rows.
        mirror_columns: Columns that the mirror has of its object.
        first_change: The number of its first new record, once that is known.
        news: How many new records it has.
        creates: Name of the step table of its new records, once it is made.
        unmatched: Rows whose record could not be told.
        left_out: Rows about records that were written a moment ago.
    """

    position: int
    mapping: Mapping
    describe: ObjectDescribe
    push: PushPlan
    source: PlanSource
    mirror_columns: AnyMapping[str, str]
    first_change: int = 0
    news: int = 0
    creates: str | None = None
    unmatched: int = 0
    left_out: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def mirror(self) -> str:
        """The live records of its object, as SQL writes the table."""
        return table("sf", self.mapping.object)

    @property
    def every_record(self) -> str:
        """The records of its object, deleted ones included."""
        return table("sf_all", self.mapping.object)

    @property
    def rows_sql(self) -> str:
        """What stands after FROM: its rows with all that its expressions need, under the alias `source`."""
        return self.push.from_sql(self.source.table)

    @property
    def matched(self) -> str:
        """Its rows with the records they are: source_row, record_id, key_text, lost."""
        return self.temporary("matched")

    @property
    def new_rows(self) -> str:
        """Its rows that are new records: source_row, change_no."""
        return self.temporary("news")

    @property
    def key(self) -> PushColumn | None:
        """The field by which records are found, where it is not the Id."""
        return next((each for each in self.push.columns if each.is_key), None)

    def temporary(self, what: str) -> str:
        """Quoted name of a temporary table of this mapping."""
        return quote(f"plan work {self.position} {what}")

    def field(self, name: str) -> FieldDescribe:
        """A field that the mapping has, which the org therefore has too."""
        found = self.describe.field(name)
        if found is None:
            raise MirrorUnfit(f"{self.describe.name} has no field {name}", hint="run `sfsync pull` first")
        return found

    def has(self, column: str) -> bool:
        """Whether the mirror has this column."""
        return column in self.mirror_columns

    def remake(self, session: Session, name: str, select: str) -> None:
        """Make a temporary table out of a SELECT, in place of one that there was."""
        session.execute(f"DROP TABLE IF EXISTS {name}")
        session.execute(f"CREATE TEMPORARY TABLE {name} AS {select}")

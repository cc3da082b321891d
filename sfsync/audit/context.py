"""Everything outside of a rule that decides what it may read and how it judges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from sfsync.audit.mirror_book import EMPTY, MirrorBook, read_book
from sfsync.audit.portable import DIALECT
from sfsync.audit.standing import NOTHING_KNOWN, Standing
from sfsync.config.definitions import Definitions
from sfsync.config.settings import Settings
from sfsync.errors import MirrorUnfit
from sfsync.records import ObjectDescribe
from sfsync.store.interface import Session, Store
from sfsync.store.mirror import MirrorState, mirror_columns, read_describes, read_state

_NUMBERS = ("INTEGER", "BIGINT", "DOUBLE", "DOUBLE PRECISION", "DECIMAL", "NUMERIC", "REAL", "SMALLINT")
_KINDS = {
    "VARCHAR": "text",
    "TEXT": "text",
    "CHARACTER VARYING": "text",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "TIMESTAMP": "datetime",
    "TIMESTAMP WITHOUT TIME ZONE": "datetime",
    **dict.fromkeys(_NUMBERS, "number"),
}


def kind_of(sql_type: str) -> str:
    """What a column of this SQL type holds, in the words of a rule's `needs`."""
    return _KINDS.get(sql_type.partition("(")[0].upper(), "other")


@dataclass(frozen=True, slots=True)
class AuditContext:
    """The moment, the calendar, the definitions, and what the mirror shows.

    Attributes:
        as_of: The mirror's own time, naive UTC; None where no mirror is at hand (`rule explain` without one).
        timezone: IANA name of the zone in which instants become days.
        columns: Object → field → SQL type, of what the user who pulled may read.
        rows: Object → number of records mirrored, deleted ones too.
        history: Objects of which superseded versions are kept.
        definitions: What the org means by its own words.
        dialect: SQLGlot's name for the engine's SQL.
        describes: Object → what the org said about it at the last pull.
        fiscal_year_start_month: 1 to 12.
        standing: What findings are held against: earlier audits, waivers, a baseline.
        book: What the mirror's ledger says of its objects, runs and proofs.
        used: Objects that the running rules read; None where that is not known.
    """

    as_of: datetime | None
    timezone: str = "UTC"
    columns: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    rows: Mapping[str, int] = field(default_factory=dict)
    history: frozenset[str] = frozenset()
    definitions: Definitions = field(default_factory=Definitions)
    dialect: str = DIALECT
    describes: Mapping[str, ObjectDescribe] = field(default_factory=dict)
    fiscal_year_start_month: int = 1
    standing: Standing = NOTHING_KNOWN
    book: MirrorBook = EMPTY
    used: frozenset[str] | None = None

    @property
    def today(self) -> date | None:
        """The calendar day of `as_of` in the org's time zone."""
        if self.as_of is None:
            return None
        return self.as_of.replace(tzinfo=UTC).astimezone(ZoneInfo(self.timezone)).date()

    def object(self, name: str) -> str | None:
        """The mirror's spelling of an object's name, or None when it holds no such object."""
        return _spelled(name, self.columns)

    def column(self, object_name: str, name: str) -> str | None:
        """The mirror's spelling of a field's name, or None when it is not there or may not be read."""
        held = self.object(object_name)
        return None if held is None else _spelled(name, self.columns[held])

    def holds(self, object_name: str, name: str, kind: str) -> bool:
        """Whether the field is there and holds values of this kind."""
        return self.column(object_name, name) is not None and self.kind(object_name, name) == kind

    def kind(self, object_name: str, name: str) -> str:
        """What the field holds: `text`, `boolean`, `number`, `date`, `datetime` or `other`."""
        held = self.object(object_name)
        spelled = self.column(object_name, name)
        return "other" if held is None or spelled is None else kind_of(self.columns[held][spelled])


def context_of(session: Session, state: MirrorState, settings: Settings, dialect: str) -> AuditContext:
    """The context of an audit of this mirror.

    A column whose field the org no longer shows keeps its old values; it counts as absent, because a rule would judge
    what nobody has seen since.
    """
    columns = {
        name: {column: kind for column, kind in held.items() if column in state.objects[name].fields}
        for name, held in mirror_columns(session).items()
        if name in state.objects
    }
    kept = session.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'sf_history'")
    describes = read_describes(session)
    return AuditContext(
        as_of=state.as_of,
        timezone=settings.timezone,
        columns=columns,
        rows={name: held.rows for name, held in state.objects.items()},
        history=frozenset(name for (name,) in kept),
        definitions=settings.definitions,
        dialect=dialect,
        describes=describes,
        book=read_book(session, describes),
        fiscal_year_start_month=settings.fiscal_year_start_month,
    )


def known_context(store: Store, settings: Settings) -> AuditContext:
    """The context of a mirror, or, where there is none that could be read, what the settings alone say."""
    if store.exists():
        try:
            with store.reading() as session:
                return context_of(session, read_state(session), settings, store.dialect)
        except MirrorUnfit:
            pass  # never pulled: as good as none
    return AuditContext(
        as_of=None,
        timezone=settings.timezone,
        definitions=settings.definitions,
        fiscal_year_start_month=settings.fiscal_year_start_month,
    )


def _spelled(name: str, names: Mapping[str, object]) -> str | None:
    if name in names:
        return name
    folded = name.casefold()
    return next((known for known in names if known.casefold() == folded), None)

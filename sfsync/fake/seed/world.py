"""The seeded org while it is being made: rows, with what is known about them besides their fields."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sfsync.fake.seed.draw import Draw
from sfsync.fake.seed.id_series import id_series
from sfsync.fake.seed.people import Company, Crowd, Person, Staff
from sfsync.fake.seed.plan import QUIET, Source
from sfsync.fake.seed.setup import PREFIXES

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Customer:
    """A company with its account and the contacts that have long been there."""

    company: Company
    account: Row
    contacts: list[Row]


@dataclass(slots=True)
class Fate:
    """What becomes of a lead: one of the lead statuses, and since when."""

    created: datetime
    source: Source
    status: str
    ended: datetime | None = None


@dataclass(slots=True)
class Lead:
    """A lead's row, and the person behind it."""

    row: Row
    fate: Fate
    company: Company
    person: Person


@dataclass(slots=True)
class Deal:
    """An opportunity's row, and its way through the stages.

    Attributes:
        row: Of Opportunity, as it stands at the end.
        path: Indexes of the stages it went through, the last one being the current.
        changed: When it entered the current stage.
        dates: The close date at each stage of the path.
        lead: The lead it was made of, or None.
    """

    row: Row
    path: tuple[int, ...]
    changed: datetime
    dates: tuple[date, ...]
    lead: Lead | None = None


@dataclass(slots=True)
class Conversion:
    """A converted lead, and what it was converted to.

    Attributes:
        lead: The lead.
        at: When.
        account: Row of Account.
        contact: Row of Contact, or None where it is gone.
        deal: The opportunity, or None where none was wanted.
        made_account: Whether the conversion created the account (else it was attached).
        made_contact: The same of the contact.
        made_deal: The same of the opportunity.
    """

    lead: Lead
    at: datetime
    account: Row
    contact: Row | None
    deal: Deal | None
    made_account: bool
    made_contact: bool
    made_deal: bool


@dataclass(slots=True)
class World:
    """Everything made so far, and where the flaws are.

    Attributes:
        draw: Where choices come from.
        as_of: The org's present, naive UTC.
        staff: The org's own users.
        crowd: Persons and companies.
        leads: Live ones, oldest first.
        conversions: In order of time.
        deals: Opportunities.
        customers: Those of old, whose accounts were there before any lead.
        tables: Rows of every object, by API name.
        ids: Object → the Ids that its next rows get.
        planted: Rule → Ids of the records that break it.
        traps: Rule → Ids of records that look as if they broke it.
        taken: Ids of records that already carry a flaw or a trap; each carries at most one.
        removed: Object → Ids of rows that were deleted for good.
        forgotten: Ids of leads whose activities went down with what they had converted to.
        parts: How often the org has what is made here: more than once in a large org.
    """

    draw: Draw
    as_of: datetime
    staff: Staff
    crowd: Crowd
    leads: list[Lead] = field(default_factory=list)
    conversions: list[Conversion] = field(default_factory=list)
    deals: list[Deal] = field(default_factory=list)
    customers: list[Customer] = field(default_factory=list)
    tables: dict[str, list[Row]] = field(default_factory=lambda: {name: [] for name in PREFIXES})
    ids: dict[str, Iterator[str]] = field(
        default_factory=lambda: {name: id_series(prefix) for name, prefix in PREFIXES.items()}
    )
    planted: dict[str, set[str]] = field(default_factory=dict)
    traps: dict[str, set[str]] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    removed: dict[str, set[str]] = field(default_factory=dict)
    forgotten: set[str] = field(default_factory=set)
    parts: int = 1

    @property
    def latest(self) -> datetime:
        """The last instant at which anything may happen."""
        return self.as_of - QUIET

    @property
    def night(self) -> datetime:
        """When a recalculation moved the stamps of many leads to one and the same second."""
        return self.as_of.replace(hour=2, minute=0, second=0) - timedelta(days=45)

    def new_id(self, object_name: str) -> str:
        """The Id of the next row of this object."""
        return next(self.ids[object_name])

    def add(self, object_name: str, row: Row) -> Row:
        """Append a row to an object's table."""
        self.tables[object_name].append(row)
        return row

    def clear(self) -> None:
        """Take the rows that were deleted for good out of their tables."""
        for name, gone in self.removed.items():
            self.tables[name] = [row for row in self.tables[name] if row["Id"] not in gone]
        gone = self.removed.get("Opportunity", set())
        self.deals = [deal for deal in self.deals if deal.row["Id"] not in gone]

    def plant(self, rule: str, record_id: str) -> None:
        """Note that this record breaks this rule."""
        self.planted.setdefault(rule, set()).add(record_id)
        self.taken.add(record_id)

    def trap(self, rule: str, record_id: str) -> None:
        """Note that this record looks as if it broke this rule, and does not."""
        self.traps.setdefault(rule, set()).add(record_id)
        self.taken.add(record_id)


def stamps(created: datetime, creator: str, changed: datetime | None = None, changer: str | None = None) -> Row:
    """The audit fields every record has."""
    changed = changed or created
    return {
        "CreatedDate": created,
        "CreatedById": creator,
        "LastModifiedDate": changed,
        "LastModifiedById": changer or creator,
        "SystemModstamp": changed,
    }

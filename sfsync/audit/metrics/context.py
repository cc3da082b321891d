"""What every metric is told about the mirror before it computes anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sfsync.audit.context import AuditContext
from sfsync.audit.result import RuleResult
from sfsync.config.definitions import Definitions
from sfsync.config.settings import Settings
from sfsync.store.mirror import MirrorState

#: What a column must hold to be counted with; a field of this name that holds something else is as good as absent.
KINDS = {
    "CreatedDate": "TIMESTAMP",
    "ConvertedDate": "DATE",
    "CloseDate": "DATE",
    "IsConverted": "BOOLEAN",
    "IsClosed": "BOOLEAN",
    "IsWon": "BOOLEAN",
    "IsDeleted": "BOOLEAN",
    "Amount": "DOUBLE",
    "Probability": "DOUBLE",
    "ExpectedRevenue": "DOUBLE",
    "SystemModstamp": "TIMESTAMP",
    "StartDate": "DATE",
    "NextStartDate": "DATE",
    "ConversionRate": "DOUBLE",
    "SortOrder": "INTEGER",
}


@dataclass(frozen=True, slots=True)
class Scope:
    """Which opportunities count, of those that are pipeline.

    Attributes:
        first: First day on which they are to close; None with `last` for whenever.
        last: Last day.
        owners: Ids of users; empty for everybody's.
    """

    first: date | None = None
    last: date | None = None
    owners: tuple[str, ...] = ()

    @property
    def in_words(self) -> str:
        """For people."""
        when = f"closing {self.first} to {self.last}" if self.first and self.last else "whenever they are to close"
        whose = f", owned by {', '.join(self.owners)}" if self.owners else ""
        return f"open opportunities, {when}{whose}"


@dataclass(frozen=True, slots=True)
class MetricContext:
    """The moment, the calendar and the columns a metric may count on.

    Attributes:
        as_of: The mirror's own time, naive UTC. Nothing after it is judged, and no other clock is read.
        timezone: IANA name of the zone in which instants become calendar days, e.g. `Europe/Berlin`.
        columns: Object → column → SQL type, as they exist in schema `sf_all`.
        maturity_days: Age in days from which a lead counts as old enough to judge its conversion.
        definitions: What the org means by its own words.
        fiscal_year_start_month: 1 to 12.
        known_from: Object → instant (naive UTC) from which the mirror knows its past without a gap.
        since: Where the period of a metric begins, if the user chose it (naive UTC).
        until: Where it ends.
        scope: Which opportunities a comparison of two instants looks at.
        audit: What rules are told of the same mirror, for the relations that they share with metrics.
        judged: What became of the rules of the audit under way; None outside of one.
    """

    as_of: datetime
    timezone: str
    columns: Mapping[str, Mapping[str, str]]
    maturity_days: int = 90
    definitions: Definitions = field(default_factory=Definitions)
    fiscal_year_start_month: int = 1
    known_from: Mapping[str, datetime] = field(default_factory=dict)
    since: datetime | None = None
    until: datetime | None = None
    scope: Scope = Scope()
    audit: AuditContext | None = None
    judged: Sequence[RuleResult] | None = None

    @property
    def today(self) -> date:
        """The calendar day of `as_of` in `timezone`."""
        return self.as_of.replace(tzinfo=UTC).astimezone(ZoneInfo(self.timezone)).date()

    def has(self, object_name: str, *columns: str) -> bool:
        """Whether the mirror holds this object, and all these columns of it, fit to be counted with."""
        held = self.columns.get(object_name)
        return held is not None and all(
            column in held and held[column].upper().startswith(KINDS.get(column, "")) for column in columns
        )

    def missing(self, object_name: str, *columns: str) -> str | None:
        """Why a metric that needs these columns is not evaluable, or None when all of them are there."""
        if not self.has(object_name):
            return f"not evaluable: the mirror holds no {object_name}"
        absent = [column for column in columns if not self.has(object_name, column)]
        if not absent:
            return None
        names = ", ".join(absent)
        return f"not evaluable: {object_name} has no {names} (not in the org, not readable, or of another type)"

    def enable(self, object_name: str, *columns: str) -> str:
        """What to do so that the mirror holds this object and these columns."""
        if not self.has(object_name):
            return (
                f"let the user who pulls read {object_name}, name it under `pull: {{objects: [...]}}` in sfsync.yml "
                "if that is set or if it is not among the objects pulled by default, then run `sfsync pull`"
            )
        absent = ", ".join(f"{object_name}.{column}" for column in columns if not self.has(object_name, column))
        return f"give the user who pulls read access to {absent} (field-level security), then run `sfsync pull`"

    @property
    def multi_currency(self) -> bool:
        """Whether amounts may be of several currencies."""
        return self.has("Opportunity", "CurrencyIsoCode")

    @property
    def currency_policy(self) -> str:
        """How amounts of different currencies are kept apart, or brought together."""
        if not self.multi_currency:
            return "one currency: opportunities have no CurrencyIsoCode, amounts are in the org's own"
        rates = self.definitions.metrics.rates
        apart = "each currency for itself, never added up"
        return f"{apart}; beside it, {rates.in_words}" if rates else apart

    def stamp(self, version: int = 1) -> dict[str, Any]:
        """What every metric prints first: the version of its definition, and the moment it speaks of."""
        as_of = f"{self.as_of.isoformat(timespec='seconds')}Z"
        return {"definition_version": version, "as_of": as_of, "timezone": self.timezone}


def metric_context(
    state: MirrorState, settings: Settings, audit: AuditContext, *, judged: Sequence[RuleResult] | None = None
) -> MetricContext:
    """What metrics are told of a mirror; `dataclasses.replace` puts a chosen period and scope into it.

    Args:
        state: What the mirror holds.
        settings: Calendar and definitions.
        audit: What rules are told of it.
        judged: What became of the rules of the audit under way.
    """
    return MetricContext(
        as_of=state.as_of,
        timezone=settings.timezone,
        columns=audit.columns,
        maturity_days=settings.definitions.metrics.maturity_days,
        definitions=settings.definitions,
        fiscal_year_start_month=settings.fiscal_year_start_month,
        known_from={name: held.known_from for name, held in state.objects.items()},
        audit=audit,
        judged=judged,
    )

"""Records that travel between the parts of sfsync: small, frozen, and needing neither a database nor a network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

#: Field types whose value is only the sum of other fields; their parts are mirrored instead.
COMPOUND_TYPES = frozenset({"address", "location"})


@dataclass(frozen=True, slots=True)
class PicklistEntry:
    """One value of a picklist, active or retired; `label` is what people see."""

    value: str
    label: str = ""
    active: bool = True
    default: bool = False


@dataclass(frozen=True, slots=True)
class FieldDescribe:
    """One field of an object, as the org describes it.

    Attributes:
        name: API name, e.g. `AnnualRevenue`.
        type: Salesforce's describe type: `string`, `picklist`, `reference`, `id`, `boolean`, `int`, `long`,
            `double`, `currency`, `percent`, `date`, `datetime`, `time`, `textarea`, `multipicklist`, `address`, …
        label: What people see in the org.
        length: Characters, 0 for types without a length.
        precision: Digits in all (numbers).
        scale: Digits after the point (numbers).
        nillable: May be empty.
        calculated: A formula or roll-up: moves without SystemModstamp.
        custom: Name ends in `__c`.
        createable: May be set when a record is made.
        updateable: May be changed later.
        external_id: Marked as an External ID.
        unique: The org refuses a second record with this value.
        reference_to: Objects a lookup may point to.
        relationship_name: Name of the parent path, e.g. `Account` for `AccountId`.
        picklist_values: API values of the active picklist entries.
        picklist_entries: All of its entries, retired ones too.
        compound_field: The compound field that this one is a part of, e.g. `BillingAddress`, or None.
        restricted_picklist: The org refuses values that the picklist does not have.
        defaulted_on_create: The org fills it in where a new record leaves it out.
        case_sensitive: Two values that differ in upper and lower case alone are two values.
        filterable: May stand in a WHERE of a query.
        id_lookup: The org finds records by it, as it does by an External ID: `Username` of a user, say. That does not
            make it unique: `Email` of a contact is one too.
    """

    name: str
    type: str
    label: str = ""
    length: int = 0
    precision: int = 0
    scale: int = 0
    nillable: bool = True
    calculated: bool = False
    custom: bool = False
    createable: bool = True
    updateable: bool = True
    external_id: bool = False
    unique: bool = False
    reference_to: tuple[str, ...] = ()
    relationship_name: str | None = None
    picklist_values: tuple[str, ...] = ()
    compound_field: str | None = None
    restricted_picklist: bool = True
    defaulted_on_create: bool = False
    case_sensitive: bool = False
    picklist_entries: tuple[PicklistEntry, ...] = ()
    filterable: bool = True
    id_lookup: bool = False

    @property
    def finds_records(self) -> bool:
        """Whether an upsert may name records by this field."""
        return self.external_id or self.id_lookup


@dataclass(frozen=True, slots=True)
class ObjectDescribe:
    """One object, as the org describes it to the user who is logged in: a field that user may not read is absent.

    `replicateable`: the org keeps a log of its deletions and says how far its changes are committed.
    `left_out`: fields that the user may read and does not want to have mirrored.
    `createable`, `updateable`, `deletable`: what the user may do with records of it; true where nobody asked the org.
    """

    name: str
    label: str
    fields: tuple[FieldDescribe, ...]
    key_prefix: str | None = None
    custom: bool = False
    queryable: bool = True
    replicateable: bool = False
    left_out: tuple[str, ...] = ()
    createable: bool = True
    updateable: bool = True
    deletable: bool = True

    def field(self, name: str) -> FieldDescribe | None:
        """The field of this API name, in any case (Salesforce names are case-insensitive), or None."""
        wanted = name.casefold()
        return next((f for f in self.fields if f.name.casefold() == wanted), None)

    @property
    def stored_fields(self) -> tuple[FieldDescribe, ...]:
        """The fields a mirror holds: all but compound fields (their parts are held) and base64 bodies."""
        return tuple(f for f in self.fields if f.type not in COMPOUND_TYPES and f.type != "base64")


class Severity(StrEnum):
    """How bad a finding is: `error` contradicts itself or lost data, `warning` breaks a policy, `info` is advice."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Confidence(StrEnum):
    """How sure a rule can be from the data alone."""

    CERTAIN = "certain"
    LIKELY = "likely"
    HEURISTIC = "heuristic"


class RuleState(StrEnum):
    """What became of a rule: three values, because "could not look" is not "nothing wrong"."""

    PASS = "pass"  # noqa: S105
    FINDING = "finding"
    NOT_EVALUABLE = "not_evaluable"


@dataclass(frozen=True, slots=True)
class Finding:
    """One record that breaks one rule.

    Attributes:
        rule_id: e.g. `CV001`.
        severity: Of this finding (a rule may grade its findings).
        object: API name of the object the record belongs to.
        record_id: 18-character Id.
        message: One sentence naming the fault; may hold values from the org, so escape it where it is shown.
        fingerprint: Stable identity across runs, made of rule, object, Id and discriminator, never of values.
        state: `new`, `persisting`, `reappeared`, `waived` or `baselined`.
        discriminator: Which of several faults of the record, where a rule tells them apart.
        first_seen: As of when (naive UTC) it was found first.
        waiver: Number of the waiver that covers it, from 1.
    """

    rule_id: str
    severity: Severity
    object: str
    record_id: str
    message: str
    fingerprint: str
    state: str = "new"
    discriminator: str | None = None
    first_seen: datetime | None = None
    waiver: int | None = None


@dataclass(frozen=True, slots=True)
class MetricResult:
    """One figure with everything needed to read it rightly.

    Attributes:
        id: e.g. `M01`.
        name: e.g. `lead-conversion`.
        title: For people, e.g. "Lead conversion".
        value: The headline, or None when it cannot be computed (see `reason`).
        unit: `percent`, `days`, `hours`, `count`, `amount`, `amount per day`, `ratio` or `score`.
        n: How many records the figure rests on (its denominator).
        definition: The exact formula in words.
        context: Everything else that is printed with it: exclusions, time zone, as of, interval, breakdowns.
        reason: Why there is no value, or None.
        sql: The statements it was counted by, each for itself.
    """

    id: str
    name: str
    title: str
    value: float | None
    unit: str
    n: int
    definition: str
    context: Mapping[str, Any] = field(default_factory=dict)
    reason: str | None = None
    sql: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """One invocation that changed or judged the mirror, as the ledger keeps it.

    Attributes:
        id: Sortable text, e.g. `20260131T020304Z-3f2a`.
        verb: `pull`, `audit`, …
        started_at: UTC, this machine's clock (the only place where it is used).
        finished_at: UTC, or None while running or after a crash.
        state: `running`, `done`, `failed` or `partial`.
        api_calls: Requests sent to the org.
        summary: What it did, for `sfsync status`.
    """

    id: str
    verb: str
    started_at: datetime
    finished_at: datetime | None
    state: str
    api_calls: int
    summary: Mapping[str, Any] = field(default_factory=dict)

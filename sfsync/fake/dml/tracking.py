"""Which fields leave a trail when they change, and where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sfsync.errors import UsageError
from sfsync.fake.catalog import ObjectFacts

#: Object → its field history, and the lookup there.
FIELD_HISTORIES: Mapping[str, tuple[str, str]] = {
    "Lead": ("LeadHistory", "LeadId"),
    "Opportunity": ("OpportunityFieldHistory", "OpportunityId"),
    "Contact": ("ContactHistory", "ContactId"),
    "Account": ("AccountHistory", "AccountId"),
}

#: What an org tracks unless `FakeOrg.track` says otherwise: object → fields.
DEFAULT_TRACKING: Mapping[str, frozenset[str]] = {
    "Lead": frozenset({"Status", "OwnerId", "Company", "Email", "LeadSource", "Rating"}),
    "Opportunity": frozenset({"StageName", "OwnerId", "Amount", "CloseDate", "AccountId", "Probability"}),
    "Contact": frozenset({"OwnerId", "AccountId", "Email"}),
    "Account": frozenset({"OwnerId", "Name"}),
}


def tracking(facts: ObjectFacts, names: Sequence[str]) -> dict[str, frozenset[str]]:
    """What `tracked_fields` is to hold of an object when just these fields are tracked."""
    if facts.name not in FIELD_HISTORIES:
        raise UsageError(f"the fields of {facts.name} cannot be tracked", hint=", ".join(FIELD_HISTORIES))
    fields = {name: facts.field(name) for name in names}
    unknown = [name for name, field in fields.items() if field is None or not field.stored]
    if unknown:
        raise UsageError(f"{facts.name} has no field `{unknown[0]}` that can be tracked")
    return {facts.name: frozenset(field.name for field in fields.values() if field is not None)}

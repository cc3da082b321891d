"""A conversion as it is asked for, on its way, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sfsync.fake.dml.outcome import RowError, RowOutcome

Target = Literal["Account", "Contact", "Opportunity"]


@dataclass(frozen=True, slots=True)
class LeadConvert:
    """What a client wants done with one lead; Ids have 15 or 18 characters.

    Attributes:
        lead_id: The lead.
        converted_status: Its status afterwards: a LeadStatus that is one of a converted lead.
        account_id: The account to attach to, instead of making one.
        contact_id: The contact to attach to; belongs to `account_id`.
        opportunity_id: The opportunity to attach to.
        owner_id: Owner of what is made; the lead's own, if it is a person and nothing is said.
        opportunity_name: Name of the new opportunity; the company's, unless given.
        do_not_create_opportunity: Leave it at account and contact.
        overwrite_lead_source: Put the lead's source over that of an existing contact.
        bypass_account_dedupe: Make the account even if a duplicate rule would rather not.
        bypass_contact_dedupe: The same for the contact.
        account_record: Fields that the account gets whatever the lead says.
        contact_record: The same for the contact.
        opportunity_record: The same for the opportunity.
    """

    lead_id: str
    converted_status: str = ""
    account_id: str | None = None
    contact_id: str | None = None
    opportunity_id: str | None = None
    owner_id: str | None = None
    opportunity_name: str | None = None
    do_not_create_opportunity: bool = False
    overwrite_lead_source: bool = False
    bypass_account_dedupe: bool = False
    bypass_contact_dedupe: bool = False
    account_record: Mapping[str, Any] | None = None
    contact_record: Mapping[str, Any] | None = None
    opportunity_record: Mapping[str, Any] | None = None

    def record_of(self, target: Target) -> Mapping[str, Any]:
        """The fields that the client wants to have whatever the lead says."""
        given = {
            "Account": self.account_record,
            "Contact": self.contact_record,
            "Opportunity": self.opportunity_record,
        }[target]
        return given or {}

    def bypasses(self, target: Target) -> bool:
        """Whether duplicate rules are not to stand in the way."""
        return {"Account": self.bypass_account_dedupe, "Contact": self.bypass_contact_dedupe}.get(target, False)


@dataclass(frozen=True, slots=True)
class ConvertOutcome(RowOutcome):
    """What came of one lead; `id` is the lead's.

    Attributes:
        account_id: The account, new or attached to; None when the lead was not converted.
        contact_id: The contact.
        opportunity_id: The opportunity, if there is one.
    """

    account_id: str | None = None
    contact_id: str | None = None
    opportunity_id: str | None = None


@dataclass(slots=True)
class Case:
    """A conversion that nothing spoke against so far.

    Attributes:
        index: Its place in the client's call.
        request: What was asked for.
        lead: The lead's stored values.
        owner_id: Owner of what will be made.
        status: The lead's status afterwards, as the org spells it.
        ids: The target records, 18 characters: those to attach to, and those made on the way.
        made: Which of them are new.
    """

    index: int
    request: LeadConvert
    lead: Mapping[str, Any]
    owner_id: str
    status: str
    ids: dict[Target, str]
    made: set[Target] = field(default_factory=set)

    @property
    def lead_id(self) -> str:
        """18 characters."""
        return str(self.lead["Id"])

    def again(self) -> Case:
        """The case as it was before anything was made."""
        attached = {name: one for name, one in self.ids.items() if name not in self.made}
        return Case(self.index, self.request, self.lead, self.owner_id, self.status, attached)

    def outcome(self) -> ConvertOutcome:
        """What to tell of it once it is done."""
        ids = self.ids
        return ConvertOutcome(
            self.lead_id, False, (), (), ids.get("Account"), ids.get("Contact"), ids.get("Opportunity")
        )


#: Place of a case in the client's call → why its lead cannot be converted.
Refusals = dict[int, tuple[RowError, ...]]

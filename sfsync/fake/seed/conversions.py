"""Conversions of the seeded org: each converted lead's account, contact and opportunity, created or attached."""

from __future__ import annotations

from datetime import datetime, timedelta

from sfsync.fake.seed import plan
from sfsync.fake.seed.customers import add_account, add_contact
from sfsync.fake.seed.deals import Start, add_deal
from sfsync.fake.seed.leads import criteria_met
from sfsync.fake.seed.setup import CONVERTED
from sfsync.fake.seed.world import Conversion, Customer, Deal, Lead, Row, World

_WANTS_OPPORTUNITY = 0.86
_IS_KNOWN_CONTACT = 0.35
_JOINS_OPEN_DEAL = 0.25

#: So many conversions are to a known contact whatever chance says: they are a trap that even a small org has.
_FEWEST_KNOWN_CONTACTS = 2

_OF_THE_CONTACT = ("Salutation", "FirstName", "LastName", "Name", "Title", "Phone", "Email")


def convert_leads(world: World) -> None:
    """Convert every lead whose fate that is, in order of time: a later one finds the account of an earlier one."""
    due = [
        (lead.fate.ended, number, lead)
        for number, lead in enumerate(world.leads)
        if lead.fate.status == CONVERTED and lead.fate.ended is not None
    ]
    due.sort(key=lambda entry: entry[:2])
    customers = {customer.account["Id"]: customer for customer in world.customers}
    known: set[str] = set()
    for at, _, lead in due:
        account = lead.company.account
        customer = None if account is None else customers.get(account["Id"])
        world.conversions.append(_convert(world, lead, at, customer, known))


def _convert(world: World, lead: Lead, at: datetime, customer: Customer | None, known: set[str]) -> Conversion:
    row = lead.row
    made_account = lead.company.account is None
    account = lead.company.account or _new_account(world, lead, at)
    contact = None if customer is None else _known_contact(world, customer, known)
    made_contact = contact is None
    if contact is None:
        contact = add_contact(world, account, lead.person, at, row["OwnerId"])
        contact.update(LeadSource=row["LeadSource"], Description=row["Description"])
    else:
        row.update({field: contact[field] for field in _OF_THE_CONTACT})
    deal, joined = None, False
    if customer is not None and world.draw.chance(_JOINS_OPEN_DEAL):
        deal, joined = _open_deal(world, lead, at, customer), True
    elif world.draw.chance(_WANTS_OPPORTUNITY):
        deal = _new_deal(world, lead, at, account, contact)
    row.update(
        ConvertedDate=at.date(),
        ConvertedAccountId=account["Id"],
        ConvertedContactId=contact["Id"],
        ConvertedOpportunityId=deal.row["Id"] if deal else None,
    )
    return Conversion(lead, at, account, contact, deal, made_account, made_contact, deal is not None and not joined)


def _new_account(world: World, lead: Lead, at: datetime) -> Row:
    row = lead.row
    account = add_account(world, lead.company, at, row["OwnerId"], row["LeadSource"])
    account.update(Phone=row["Phone"], Rating=row["Rating"])
    return account


def _known_contact(world: World, customer: Customer, known: set[str]) -> Row | None:
    """A contact of the customer that was there before, and that no other lead turned out to be."""
    if len(known) >= _FEWEST_KNOWN_CONTACTS and not world.draw.chance(_IS_KNOWN_CONTACT):
        return None
    for contact in customer.contacts:
        if contact["Id"] not in known:
            known.add(contact["Id"])
            return contact
    return None


def _open_deal(world: World, lead: Lead, at: datetime, customer: Customer) -> Deal:
    """An opportunity that the customer had already when the lead came, and has still when it is converted."""
    draw = world.draw
    began = lead.fate.created - timedelta(days=draw.between(20, 70), minutes=draw.below(400))
    ends = at + timedelta(days=draw.between(6, 50))
    contact, owner = customer.contacts[0], lead.row["OwnerId"]
    start = Start(lead.company, customer.account, contact, owner, began, "Other", plan.WIN_RATE_DIRECT, ends)
    return add_deal(world, start)


def _new_deal(world: World, lead: Lead, at: datetime, account: Row, contact: Row) -> Deal:
    win_rate = plan.WIN_RATE_BY_CRITERIA[criteria_met(lead.row)]
    owner, source = lead.row["OwnerId"], lead.row["LeadSource"]
    return add_deal(world, Start(lead.company, account, contact, owner, at, source, win_rate, None, lead))

"""Accounts and contacts of the seeded org: the customers it has always had, and those that conversions make."""

from __future__ import annotations

from datetime import datetime, timedelta

from sfsync.fake.seed import plan
from sfsync.fake.seed.people import Company, Person
from sfsync.fake.seed.world import Customer, Row, World, stamps

_ACCOUNT_SOURCES = ("Web", "Referral", "Partner", "Other", None)
_CONTACT_SOURCES = ("Referral", "Partner", "Trade Show", "Other")


def add_customers(world: World, leads: int) -> None:
    """Add the accounts that were there before any lead of this history, each with one to three contacts."""
    for _ in range(max(10, leads // 20)):
        company = world.crowd.company()
        if company.account is None:
            world.customers.append(_add_customer(world, company))


def _add_customer(world: World, company: Company) -> Customer:
    draw = world.draw
    created = world.as_of - timedelta(days=draw.between(plan.HISTORY_DAYS + 100, 1050), seconds=draw.below(28_800))
    # The manager was there from the start and made them all; they belong to somebody who joined later.
    maker, owner = world.staff.manager, draw.pick(world.staff.reps)
    account = add_account(world, company, created, maker, draw.pick(_ACCOUNT_SOURCES))
    account.update(Type="Customer - Direct", OwnerId=owner)
    customer = Customer(company, account, [])
    for number in range(draw.between(1, 3)):
        person = world.crowd.person(company)
        contact = add_contact(world, account, person, created + timedelta(days=draw.between(0, 5) * number), maker)
        contact.update(LeadSource=draw.pick(_CONTACT_SOURCES), OwnerId=owner)
        customer.contacts.append(contact)
    return customer


def add_account(world: World, company: Company, created: datetime, owner: str, source: str | None) -> Row:
    """Add an account of this company, with everything a lead of it would carry over."""
    row = {
        "Id": world.new_id("Account"),
        "IsDeleted": False,
        "MasterRecordId": None,
        "Name": company.name,
        "Type": "Prospect",
        "ParentId": None,
        "BillingStreet": company.street,
        "BillingCity": company.city,
        "BillingState": company.state,
        "BillingPostalCode": company.postal_code,
        "BillingCountry": company.country.name,
        "Phone": company.phone,
        "Website": f"https://www.{company.domain}",
        "Industry": company.industry,
        "AnnualRevenue": company.revenue,
        "NumberOfEmployees": company.staff,
        "Rating": None,
        "AccountSource": source,
        "OwnerId": owner,
        "LastActivityDate": None,
        **stamps(created, owner),
    }
    company.account = row
    return world.add("Account", row)


def add_contact(world: World, account: Row, person: Person, created: datetime, owner: str) -> Row:
    """Add a contact for this person to an account, whose address it shares."""
    row = {
        "Id": world.new_id("Contact"),
        "IsDeleted": False,
        "MasterRecordId": None,
        "AccountId": account["Id"],
        **person.named(),
        "MailingStreet": account["BillingStreet"],
        "MailingCity": account["BillingCity"],
        "MailingState": account["BillingState"],
        "MailingPostalCode": account["BillingPostalCode"],
        "MailingCountry": account["BillingCountry"],
        "Phone": person.phone,
        "MobilePhone": None,
        "Email": person.email,
        "Description": None,
        "LeadSource": None,
        "OwnerId": owner,
        "IsEmailBounced": False,
        "LastActivityDate": None,
        **stamps(created, owner),
    }
    return world.add("Contact", row)

"""A small org in which everything is in order: real conversions, made by the fake org as Salesforce makes them.

`clean_org()` gives the org, `mirror()` pulls it, and puts in what the fake org does not know (field history of accounts,
duplicate rules, opt-outs, files), as it is in an org without a flaw. Plants go into the org or into its mirror.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sfsync.fake import FakeOrg
from sfsync.fake.clock import Clock
from sfsync.fake.convert import LeadConvert, convert_leads
from sfsync.fake.dml.outcome import WriteOptions
from sfsync.records import FieldDescribe, ObjectDescribe
from sfsync.salesforce import connect
from sfsync.store import Store, open_store
from sfsync.store.history import shape_history
from sfsync.store.interface import Session
from sfsync.store.ledger import save_cursor, save_describe
from sfsync.store.mirror import find_drift, mirror_columns, read_describes, read_state, shape_table
from sfsync.store.names import quote, table
from sfsync.sync.pull import pull

#: The day on which leads are converted.
CONVERTED = datetime(2026, 4, 20, 12, 0, tzinfo=UTC)

#: The day of the mirror.
TODAY = datetime(2026, 5, 20, 12, 0, tzinfo=UTC)

#: What is pulled.
OBJECTS = (
    *("Lead", "Account", "Contact", "Opportunity", "User", "LeadStatus", "OpportunityStage", "OpportunityHistory"),
    *(
        "LeadHistory",
        "ContactHistory",
        "OpportunityFieldHistory",
        "OpportunityContactRole",
        "Campaign",
        "CampaignMember",
    ),
    *("RecordType", "Task", "Event"),
)

#: What the org means by its own words.
DEFINITIONS: dict[str, Any] = {
    "lead_status": {
        "new": ["Open - Not Contacted"],
        "working": ["Working - Contacted"],
        "disqualified": ["Closed - Not Converted"],
    },
    "lead_conversion": {
        "mapping": [{"lead": "Budget__c", "to": "Opportunity.Budget__c"}],
        "require_validation": True,
        "track_history": True,
        "preserve_status": False,
        "record_types": {"Inbound": {"Opportunity": ["New_Business"]}},
    },
}

#: The status of converted leads.
DONE = "Closed - Converted"


def clean_org() -> FakeOrg:
    """The org: four converted leads (two into what was there before), two open ones."""
    org = FakeOrg.empty(clock=Clock(CONVERTED - timedelta(days=30)))
    for name in ("Lead", "Opportunity"):
        org.add_field(name, "Budget__c", "currency", "Budget")
    org.map_lead_field("Budget__c", {"Opportunity": "Budget__c"})
    org.set_picklist("Contact", "Salutation", ["Mr.", "Ms.", "Mrs.", "Dr.", "Prof.", "Mx."])
    org.add_record_type("Lead", "Inbound", default_for="everybody")
    org.add_record_type("Opportunity", "New_Business", default_for="everybody")
    (customer,) = org.insert("Account", [{"Name": "Old Customer", "Phone": "+49 30 5550100", **address("Billing")}])
    contact = {"LastName": "Known", "FirstName": "Karl", "AccountId": customer, "LeadSource": "Partner Referral"}
    (known,) = org.insert("Contact", [{**contact, "Email": "karl@old.example", "Phone": "+49 30 5550101"}])
    campaigns = org.insert(
        "Campaign", [{"Name": "Spring fair", "IsActive": True}, {"Name": "Webinar", "IsActive": True}]
    )
    again = {"FirstName": "Karl", "LastName": "Known", "Company": "Old Customer", "Email": "karl@old.example"}
    leads = org.insert("Lead", [lead(number, **(again if number == 4 else {})) for number in range(1, 7)])
    org.insert("CampaignMember", [{"LeadId": leads[0], "CampaignId": campaigns[0], "Status": "Sent"}])
    org.clock.advance(timedelta(days=2))
    org.insert("CampaignMember", [{"LeadId": leads[0], "CampaignId": campaigns[1], "Status": "Sent"}])
    org.clock.set(CONVERTED)
    convert(org, [LeadConvert(one, DONE) for one in leads[:3]])
    convert(org, [LeadConvert(leads[3], DONE, account_id=customer, contact_id=known)])
    org.clock.advance(timedelta(days=3))
    for number, converted in enumerate(leads[:4]):
        work_on(org, converted, number)
    org.clock.set(TODAY)
    return org


def convert(org: FakeOrg, wanted: list[LeadConvert], by: str | None = None) -> None:
    """Convert leads, as the administrator or another user; each of them succeeds."""
    outcomes = convert_leads(org, wanted, WriteOptions(user_id=by or org.admin_id))
    assert all(one.success for one in outcomes), outcomes


def mirror(org: FakeOrg, folder: Path) -> Store:
    """What a pull of the whole org leaves in a store, furnished."""
    store = pulled(org, folder, OBJECTS)
    with store.writing() as session:
        furnish(session)  # a pull takes away again what the org does not show
    return store


def pulled(org: FakeOrg, folder: Path, objects: Sequence[str]) -> Store:
    """What a pull leaves in a store."""
    store = open_store(folder / "mirror.duckdb")
    env = {"SF_ACCESS_TOKEN": org.token, "SF_ORG_INSTANCE_URL": org.instance_url}
    done = pull(connect(env=env, session=org.session()), store, workspace=folder, objects=list(objects))
    assert done.complete
    return store


def lead(number: int, **values: Any) -> dict[str, Any]:
    """A lead in which everything is filled in."""
    return {
        "FirstName": "Lena",
        "LastName": f"Lead {number}",
        "Company": f"Company {number}",
        "Title": "Head of Logistics",
        "Email": f"lena{number}@company{number}.example",
        "Phone": f"+49 30 11111{number:02}",
        "MobilePhone": f"+49 170 22222{number:02}",
        "Website": f"https://company{number}.example",
        "LeadSource": "Web",
        "Industry": "Shipping",
        "Rating": "Warm",
        "AnnualRevenue": 1_000_000 * number,
        "NumberOfEmployees": 10 * number,
        "Description": f"Wants an offer, number {number}",
        "Status": "Working - Contacted",
        "Budget__c": 10_000 * number,
        **address(),
        **values,
    }


def address(prefix: str = "") -> dict[str, str]:
    """An address, part by part."""
    parts = {"Street": "Hauptstr. 1", "City": "Berlin", "State": "Berlin", "PostalCode": "10115", "Country": "Germany"}
    return {f"{prefix}{name}": value for name, value in parts.items()}


def work_on(org: FakeOrg, lead_id: str, number: int) -> None:
    """Do with the opportunity of a converted lead what its owner does first."""
    opportunity = org.record("Lead", lead_id)["ConvertedOpportunityId"]  # type: ignore[index]
    worked_on = {"Amount": 20_000 + 500 * number, "StageName": "Qualification", "Description": f"Wants offer {number}"}
    org.update("Opportunity", opportunity, {**worked_on, "CloseDate": f"2026-07-{number % 28 + 1:02}"})


def add_object(session: Session, name: str, fields: Mapping[str, str], rows: Iterable[Mapping[str, Any]] = ()) -> None:
    """Put an object into the mirror that the fake org does not know: field → describe type, and its records."""
    described = ObjectDescribe(name, name, tuple(_field(field, kind) for field, kind in fields.items()))
    _shape(session, described)
    there = {one for (one,) in session.execute(f'SELECT "Id" FROM {table("sf_all", name)}').rows}
    for row in (one for one in rows if one["Id"] not in there):
        columns, marks = ", ".join(quote(field) for field in row), ", ".join("?" for _ in row)
        session.execute(f"INSERT INTO {table('sf_all', name)} ({columns}) VALUES ({marks})", list(row.values()))


def add_fields(session: Session, name: str, *fields: FieldDescribe) -> None:
    """Put fields into the mirror of an object; those it has are described anew."""
    known = read_describes(session)[name]
    new = {field.name: field for field in fields}
    kept = tuple(field for field in known.fields if field.name not in new)
    _shape(session, ObjectDescribe(name, known.label, (*kept, *new.values()), known.key_prefix))


def _shape(session: Session, described: ObjectDescribe) -> None:
    as_of = read_state(session).as_of
    shape_table(session, described, find_drift(session, described))
    shape_history(session, described.name, mirror_columns(session)[described.name])
    save_cursor(session, described, as_of, "plant")
    save_describe(session, described, as_of)


def _field(name: str, kind: str) -> FieldDescribe:
    return FieldDescribe(name, kind, label=name, custom=name.endswith("__c"))


def furnish(session: Session) -> None:
    """What the fake org does not know, as it is where everything is in order."""
    flags = ("DoNotCall", "HasOptedOutOfEmail", "HasOptedOutOfFax")
    for name in ("Lead", "Contact"):
        add_fields(session, name, *(_field(flag, "boolean") for flag in flags))
        _set(session, name, dict.fromkeys(flags, False))
    for name in ("Lead", "Opportunity"):
        add_fields(session, name, _field("CurrencyIsoCode", "picklist"))
        _set(session, name, {"CurrencyIsoCode": "EUR"})
    history = {"Id": "id", "AccountId": "reference", "Field": "picklist", "CreatedById": "reference"}
    add_object(
        session, "AccountHistory", {**history, "OldValue": "string", "NewValue": "string", "CreatedDate": "datetime"}
    )
    add_object(
        session,
        "DuplicateRule",
        {"Id": "id", "SobjectType": "picklist", "IsActive": "boolean"},
        [{"Id": "0BmFk0000000001AAA", "SobjectType": "Lead", "IsActive": True}],
    )
    add_object(
        session, "ContentDocumentLink", {"Id": "id", "LinkedEntityId": "reference", "ContentDocumentId": "reference"}
    )
    add_object(session, "FeedItem", {"Id": "id", "ParentId": "reference"})


def _set(session: Session, name: str, values: Mapping[str, Any]) -> None:
    columns = ", ".join(f"{quote(field)} = ?" for field in values)
    session.execute(f"UPDATE {table('sf_all', name)} SET {columns}", list(values.values()))

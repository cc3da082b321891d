"""Lead conversion, held to what Salesforce documents."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from sfsync.errors import UsageError
from sfsync.fake import FakeOrg
from sfsync.fake.clock import Clock
from sfsync.fake.convert import LeadConvert, convert_leads
from sfsync.fake.dml import WriteOptions
from sfsync.fake.faults import RestFault

DONE = "Closed - Converted"
NOW = datetime(2026, 5, 20, 12, 0, tzinfo=UTC)


@pytest.fixture
def org():
    with FakeOrg.empty(clock=Clock(NOW, ticking=False)) as org:
        yield org


@pytest.fixture
def lead(org):
    def lead(**values):
        return org.insert("Lead", [{"LastName": "Lovelace", "Company": "Engines", **values}])[0]

    return lead


@pytest.fixture
def convert(org):
    def convert(lead_id, *, options=None, **wanted):
        request = LeadConvert(lead_id, **{"converted_status": DONE, **wanted})
        return convert_leads(org, [request], options or WriteOptions(org.admin_id))[0]

    return convert


def live(org, name):
    facts = org.catalog.facts(name)
    with org.database.reading() as cursor:
        cursor.execute(f'SELECT * FROM "{name}"' + (' WHERE NOT "IsDeleted"' if facts.field("IsDeleted") else ""))
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def witnesses_of(org):
    return [row for row in live(org, "ContactHistory") if row["Field"].startswith("contact")]


def codes(outcome):
    return [error.code for error in outcome.errors]


# --- new records ---------------------------------------------------------------------------------------------------


def test_a_lead_becomes_an_account_a_contact_and_an_opportunity(org, lead, convert):
    values = {
        "FirstName": "Ada", "Salutation": "Ms.", "Title": "Countess", "Email": "ada@example.com", "Phone": "1", "Fax": "2",
        "MobilePhone": "3", "Description": "first", "LeadSource": "Web", "Website": "https://e.example", "Rating": "Hot",
        "Industry": "Energy", "AnnualRevenue": 5e6, "NumberOfEmployees": 12, "Street": "1 Way", "City": "London",
        "Country": "UK", "Latitude": 51.5, "Longitude": 0.1,
    }  # fmt: skip
    owner = org.add_user("Owner")
    outcome = convert(lead(**values, OwnerId=owner))
    assert outcome.success, outcome.errors
    account = org.record("Account", outcome.account_id)
    shared = {"Phone": "1", "Fax": "2", "OwnerId": owner}
    assert account | shared | {
        "Name": "Engines", "Website": "https://e.example", "Rating": "Hot", "Industry": "Energy", "AnnualRevenue": 5e6,
        "NumberOfEmployees": 12, "BillingStreet": "1 Way", "BillingCity": "London", "BillingCountry": "UK",
        "BillingLatitude": 51.5, "ShippingCity": None, "Description": None,
    } == account  # fmt: skip
    contact = org.record("Contact", outcome.contact_id)
    assert contact | shared | {
        "FirstName": "Ada", "LastName": "Lovelace", "Name": "Ada Lovelace", "Salutation": "Ms.", "Title": "Countess",
        "Email": "ada@example.com", "MobilePhone": "3", "Description": "first", "LeadSource": "Web",
        "MailingStreet": "1 Way", "MailingCity": "London", "OtherCity": None, "AccountId": outcome.account_id,
    } == contact  # fmt: skip
    opportunity = org.record("Opportunity", outcome.opportunity_id)
    assert opportunity | {
        "Name": "Engines", "AccountId": outcome.account_id, "LeadSource": "Web", "StageName": "Prospecting",
        "Probability": 10, "Amount": None, "CloseDate": date(2026, 6, 30), "OwnerId": owner, "IsClosed": False,
    } == opportunity  # fmt: skip


def test_the_lead_says_what_became_of_it(org, lead, convert):
    made = lead(IsUnreadByOwner=True)
    outcome = convert(made[:15])
    assert outcome.id == made
    converted = org.record("Lead", made)
    assert converted | {
        "Status": DONE, "IsConverted": True, "ConvertedDate": date(2026, 5, 20), "IsUnreadByOwner": False,
        "ConvertedAccountId": outcome.account_id, "ConvertedContactId": outcome.contact_id,
        "ConvertedOpportunityId": outcome.opportunity_id, "LastModifiedById": org.admin_id,
    } == converted  # fmt: skip


def test_the_day_of_conversion_is_that_of_the_orgs_time_zone(org, lead, convert):
    org.settings.timezone = "Asia/Tokyo"
    org.clock.set(datetime(2026, 5, 20, 16, tzinfo=UTC))
    made = lead()
    convert(made)
    assert org.record("Lead", made)["ConvertedDate"] == date(2026, 5, 21)


@pytest.mark.parametrize(
    ("start", "today", "last"),
    [
        (1, date(2026, 5, 20), date(2026, 6, 30)),
        (2, date(2026, 5, 20), date(2026, 7, 31)),
        (2, date(2026, 1, 3), date(2026, 1, 31)),
    ],
)
def test_an_opportunity_closes_on_the_last_day_of_the_fiscal_quarter(org, lead, convert, start, today, last):
    org.settings.fiscal_start_month = start
    org.clock.set(datetime(today.year, today.month, today.day, tzinfo=UTC))
    assert org.record("Opportunity", convert(lead()).opportunity_id)["CloseDate"] == last


def test_the_opportunity_can_be_named_or_left_out(org, lead, convert):
    named = convert(lead(), opportunity_name="Big one")
    assert org.record("Opportunity", named.opportunity_id)["Name"] == "Big one"
    without = convert(lead(), do_not_create_opportunity=True)
    assert (without.success, without.opportunity_id) == (True, None)
    assert len(live(org, "Opportunity")) == len(live(org, "OpportunityContactRole")) == 1


def test_the_contact_gets_a_primary_role_without_a_name(org, lead, convert):
    outcome = convert(lead())
    [role] = live(org, "OpportunityContactRole")
    assert role | {
        "OpportunityId": outcome.opportunity_id, "ContactId": outcome.contact_id, "IsPrimary": True, "Role": None,
    } == role  # fmt: skip


def test_what_is_made_belongs_to_the_owner_asked_for(org, lead, convert):
    other = org.add_user("Other")
    made = lead()
    outcome = convert(made, owner_id=other[:15])
    for name, one in (
        ("Account", outcome.account_id),
        ("Contact", outcome.contact_id),
        ("Opportunity", outcome.opportunity_id),
    ):
        assert org.record(name, one)["OwnerId"] == other
    assert org.record("Lead", made)["OwnerId"] == org.admin_id


def test_new_records_have_the_record_type_of_their_owner(org, lead, convert):
    other = org.add_user("Other")
    default = org.add_record_type("Account", "Partner", default_for=other)
    outcome = convert(lead(), owner_id=other)
    assert org.record("Account", outcome.account_id)["RecordTypeId"] == default
    assert org.record("Account", convert(lead()).account_id)["RecordTypeId"] is None


def test_records_given_along_are_laid_over_what_the_lead_says(org, lead, convert):
    outcome = convert(
        lead(Phone="1"),
        account_record={"Phone": "9", "Site": "HQ"},
        opportunity_record={"StageName": "Qualification", "Amount": "12.5"},
    )
    account = org.record("Account", outcome.account_id)
    assert (account["Phone"], account["Site"], account["Name"]) == ("9", "HQ", "Engines")
    opportunity = org.record("Opportunity", outcome.opportunity_id)
    assert (opportunity["StageName"], opportunity["Amount"]) == ("Qualification", 12.5)


# --- custom fields -------------------------------------------------------------------------------------------------


def test_custom_fields_go_where_an_admin_lets_them(org, lead, convert):
    for name in ("Lead", "Account", "Contact", "Opportunity"):
        org.add_field(name, "Size__c", "double", scale=1)
        org.add_field(name, "Since__c", "date")
    org.map_lead_field("Size__c", {"Account": "Size__c", "Opportunity": "size__C"})
    org.map_lead_field("Since__c", {"Contact": "Since__c"})
    outcome = convert(lead(Size__c=7.5, Since__c="2020-02-29"))
    assert org.record("Account", outcome.account_id)["Size__c"] == 7.5
    assert org.record("Opportunity", outcome.opportunity_id)["Size__c"] == 7.5
    contact = org.record("Contact", outcome.contact_id)
    assert (contact["Size__c"], contact["Since__c"]) == (None, date(2020, 2, 29))


def test_what_salesforce_would_not_map_is_refused(org):
    org.add_field("Lead", "Size__c", "double")
    org.add_field("Lead", "Note__c", "string", length=100)
    org.add_field("Account", "Note__c", "string", length=50)
    org.add_field("Account", "Other__c", "string", length=255)
    for field, targets in (
        ("Size__c", {"Account": "Note__c"}),
        ("Note__c", {"Account": "Note__c"}),
        ("Note__c", {"Account": "Missing__c"}),
        ("Note__c", {"Account": "Site"}),
        ("Phone", {"Account": "Other__c"}),
        ("Note__c", {"Case": "Other__c"}),
    ):
        with pytest.raises(UsageError):
            org.map_lead_field(field, targets)
    org.map_lead_field("Note__c", {"Account": "Other__c"})
    org.add_field("Lead", "Second__c", "string", length=10)
    with pytest.raises(UsageError, match=r"filled from Lead\.Note__c already"):
        org.map_lead_field("Second__c", {"Account": "Other__c"})


# --- records that are there ----------------------------------------------------------------------------------------


def test_only_what_is_empty_is_filled_in_existing_records(org, lead, convert):
    account = org.insert("Account", [{"Name": "There", "Phone": "old", "BillingCity": "Paris"}])[0]
    contact = org.insert(
        "Contact", [{"LastName": "Old", "AccountId": account, "Email": "old@example.com", "LeadSource": "Other"}]
    )[0]
    opportunity = org.insert(
        "Opportunity", [{"Name": "Deal", "StageName": "Qualification", "CloseDate": "2026-12-01", "AccountId": account}]
    )[0]
    made = lead(
        FirstName="Ada",
        Phone="new",
        Website="https://n.example",
        Email="new@example.com",
        LeadSource="Web",
        City="Rome",
    )
    outcome = convert(made, account_id=account, contact_id=contact, opportunity_id=opportunity)
    assert (outcome.account_id, outcome.contact_id, outcome.opportunity_id) == (account, contact, opportunity)
    filled = org.record("Account", account)
    assert (filled["Name"], filled["Phone"], filled["Website"], filled["BillingCity"]) == (
        "There",
        "old",
        "https://n.example",
        "Paris",
    )
    person = org.record("Contact", contact)
    assert (person["LastName"], person["FirstName"], person["Email"], person["Phone"], person["LeadSource"]) == (
        "Old", "Ada", "old@example.com", "new", "Other",
    )  # fmt: skip
    deal = org.record("Opportunity", opportunity)
    assert (deal["Name"], deal["StageName"], deal["CloseDate"], deal["LeadSource"]) == (
        "Deal",
        "Qualification",
        date(2026, 12, 1),
        "Web",
    )
    assert len(live(org, "Account")) == len(live(org, "Contact")) == len(live(org, "Opportunity")) == 1


def test_the_source_of_an_existing_contact_is_overwritten_on_demand(org, lead, convert):
    account = org.insert("Account", [{"Name": "There"}])[0]
    contact = org.insert("Contact", [{"LastName": "Old", "AccountId": account, "LeadSource": "Other"}])[0]
    convert(lead(LeadSource="Web"), account_id=account, contact_id=contact, overwrite_lead_source=True)
    assert org.record("Contact", contact)["LeadSource"] == "Web"
    convert(lead(), account_id=account, contact_id=contact, overwrite_lead_source=True)
    assert org.record("Contact", contact)["LeadSource"] == "Web"


def test_an_existing_records_owner_stays(org, lead, convert):
    other = org.add_user("Other")
    account = org.insert("Account", [{"Name": "There"}])[0]
    outcome = convert(lead(), account_id=account, owner_id=other)
    assert org.record("Account", account)["OwnerId"] == org.admin_id
    assert org.record("Contact", outcome.contact_id)["OwnerId"] == other


def test_several_leads_of_one_call_fill_the_same_account(org, lead):
    account = org.insert("Account", [{"Name": "There"}])[0]
    leads = [lead(Phone="first"), lead(Phone="second", Fax="second")]
    requests = [LeadConvert(one, DONE, account_id=account) for one in leads]
    outcomes = convert_leads(org, requests, WriteOptions(org.admin_id))
    assert all(outcome.success for outcome in outcomes)
    filled = org.record("Account", account)
    assert (filled["Phone"], filled["Fax"]) == ("first", "second")


# --- what moves along ----------------------------------------------------------------------------------------------


def test_histories_witness_how_the_contact_came_to_be(org, lead, convert):
    account = org.insert("Account", [{"Name": "There"}])[0]
    contact = org.insert("Contact", [{"LastName": "Old", "AccountId": account}])[0]
    new = convert(first := lead())
    convert(lead(), account_id=account, contact_id=contact)
    witnesses = {row["ContactId"]: row for row in witnesses_of(org)}
    assert witnesses[new.contact_id]["Field"] == "contactCreatedByLead"
    assert witnesses[contact]["Field"] == "contactUpdatedByLead"
    assert {(row["OldValue"], row["NewValue"]) for row in witnesses.values()} == {(None, None)}
    assert witnesses[contact]["CreatedDate"] == NOW.replace(tzinfo=None)
    changes = {row["Field"]: row for row in live(org, "LeadHistory") if row["LeadId"] == first}
    assert {"leadConverted", "Status"} <= set(changes)
    assert (changes["Status"]["OldValue"], changes["Status"]["NewValue"]) == ("Open - Not Contacted", DONE)


def test_campaign_members_become_the_contacts(org, lead, convert):
    made = lead()
    old, new = org.insert("Campaign", [{"Name": "Old"}, {"Name": "New"}])
    org.insert(
        "CampaignMember",
        [
            {"CampaignId": new, "LeadId": made, "CreatedDate": "2026-03-01T00:00:00Z"},
            {"CampaignId": old, "LeadId": made, "CreatedDate": "2026-01-01T00:00:00Z"},
        ],
    )
    outcome = convert(made)
    assert org.record("Opportunity", outcome.opportunity_id)["CampaignId"] == new
    members = live(org, "CampaignMember")
    assert {(row["LeadId"], row["ContactId"], row["LeadOrContactId"]) for row in members} == {
        (made, outcome.contact_id, outcome.contact_id)
    }


@pytest.mark.parametrize(("leads", "contacts"), [("Responded", "Sent"), ("Sent", "Responded")])
def test_of_two_members_in_one_campaign_the_further_one_stays(org, lead, convert, leads, contacts):
    account = org.insert("Account", [{"Name": "There"}])[0]
    contact = org.insert("Contact", [{"LastName": "Old", "AccountId": account}])[0]
    made, campaign = lead(), org.insert("Campaign", [{"Name": "One"}])[0]
    org.insert(
        "CampaignMember",
        [
            {"CampaignId": campaign, "LeadId": made, "Status": leads, "HasResponded": leads == "Responded"},
            {"CampaignId": campaign, "ContactId": contact, "Status": contacts, "HasResponded": contacts == "Responded"},
        ],
    )
    convert(made, account_id=account, contact_id=contact)
    [member] = live(org, "CampaignMember")
    assert (member["ContactId"], member["LeadId"], member["Status"], member["HasResponded"]) == (
        contact,
        made,
        "Responded",
        True,
    )


def test_activities_move_to_contact_and_opportunity_and_open_ones_to_the_new_owner(org, lead, convert):
    other, third = org.add_user("Other"), org.add_user("Third")
    made = lead()
    org.insert(
        "Task",
        [
            {"Subject": "open", "WhoId": made},
            {"Subject": "done", "WhoId": made, "Status": "Completed"},
            {"Subject": "of a third", "WhoId": made, "OwnerId": third},
        ],
    )
    org.insert(
        "Event",
        [
            {
                "Subject": "met",
                "WhoId": made,
                "StartDateTime": "2026-01-01T10:00:00Z",
                "EndDateTime": "2026-01-01T11:00:00Z",
            }
        ],
    )
    org.clock.set(NOW.replace(hour=15))
    outcome = convert(made, owner_id=other)
    tasks = {row["Subject"]: row for row in [*live(org, "Task"), *live(org, "Event")]}
    assert {row["WhoId"] for row in tasks.values()} == {outcome.contact_id}
    assert {row["WhatId"] for row in tasks.values()} == {outcome.opportunity_id}
    assert {row["AccountId"] for row in tasks.values()} == {outcome.account_id}
    owners = {"open": other, "done": org.admin_id, "of a third": third, "met": org.admin_id}
    assert {subject: row["OwnerId"] for subject, row in tasks.items()} == owners
    assert {row["SystemModstamp"].hour for row in tasks.values()} == {15}


def test_without_an_opportunity_activities_hang_on_the_account(org, lead, convert):
    made = lead()
    org.insert("Task", [{"Subject": "open", "WhoId": made}])
    outcome = convert(made, do_not_create_opportunity=True)
    assert live(org, "Task")[0]["WhatId"] == outcome.account_id


# --- refusals ------------------------------------------------------------------------------------------------------


def test_a_converted_lead_is_read_only_and_cannot_be_converted_again(org, lead, convert, client):
    made = lead()
    convert(made)
    assert codes(convert(made)) == ["CANNOT_UPDATE_CONVERTED_LEAD"]
    response = client("PATCH", f"/services/data/v60.0/sobjects/Lead/{made}", json={"Phone": "1"})
    assert response.json()[0]["errorCode"] == "CANNOT_UPDATE_CONVERTED_LEAD"


@pytest.mark.parametrize("status", ["", "Qualified", "Closed - Not Converted"])
def test_the_status_must_be_one_of_converted_leads(lead, convert, status):
    outcome = convert(lead(), converted_status=status)
    assert codes(outcome) == ["INVALID_STATUS"]
    assert outcome.errors[0].message == f"invalid convertedStatus: {status or 'null'}"


def test_a_lead_of_a_queue_needs_an_owner(org, lead, convert):
    queue = org.insert("Group", [{"Name": "Queue", "Type": "Queue"}])[0]
    made = lead(OwnerId=queue)
    assert "can only be owned by users" in convert(made).errors[0].message
    assert "can only be owned by users" in convert(made, owner_id=queue).errors[0].message
    assert convert(made, owner_id=org.admin_id).success


def test_an_inactive_owner_is_refused(org, lead, convert):
    gone = org.add_user("Gone", IsActive=False)
    assert codes(convert(lead(OwnerId=gone))) == ["INACTIVE_OWNER_OR_USER"]


def test_records_to_attach_to_must_fit_together(org, lead, convert):
    mine, other = org.insert("Account", [{"Name": "Mine"}, {"Name": "Other"}])
    contact = org.insert("Contact", [{"LastName": "C", "AccountId": other}])[0]
    deal = org.insert(
        "Opportunity", [{"Name": "D", "StageName": "Qualification", "CloseDate": "2026-12-01", "AccountId": other}]
    )[0]
    made = lead()
    assert codes(convert(made, contact_id=contact)) == ["MISSING_ARGUMENT"]
    assert codes(convert(made, account_id=mine, contact_id=contact)) == ["INVALID_CROSS_REFERENCE_KEY"]
    assert codes(convert(made, account_id=mine, opportunity_id=deal)) == ["INVALID_CROSS_REFERENCE_KEY"]
    assert codes(convert(made, account_id=other, opportunity_id=deal, opportunity_name="x")) == [
        "INVALID_ARGUMENT_TYPE"
    ]
    assert codes(convert(made, account_id=contact)) == ["INVALID_CROSS_REFERENCE_KEY"]
    assert codes(convert(made, account_id="nonsense")) == ["MALFORMED_ID"]
    org.delete("Account", mine)
    assert codes(convert(made, account_id=mine)) == ["ENTITY_IS_DELETED"]
    assert not org.record("Lead", made)["IsConverted"]


def test_leads_that_are_not_there_are_refused(org, lead, convert):
    gone = lead()
    org.delete("Lead", gone)
    assert codes(convert(gone)) == ["ENTITY_IS_DELETED"]
    assert codes(convert("00QFk0000000zzz")) == ["INVALID_CROSS_REFERENCE_KEY"]
    assert codes(convert("nonsense")) == ["MALFORMED_ID"]
    assert codes(convert("")) == ["MALFORMED_ID"]


def test_a_failure_leaves_nothing_behind(org, lead, convert):
    org.add_validation_rule("Opportunity", "no_web", "LeadSource = 'Web'", "Not from the web")
    made = lead(LeadSource="Web")
    outcome = convert(made)
    assert codes(outcome) == ["FIELD_CUSTOM_VALIDATION_EXCEPTION"]
    assert (outcome.account_id, outcome.contact_id) == (None, None)
    assert not any(live(org, name) for name in ("Account", "Contact", "Opportunity", "ContactHistory"))
    assert not org.record("Lead", made)["IsConverted"]


def test_rules_of_leads_are_asked_too(org, lead, convert):
    org.add_validation_rule("Lead", "needs_phone", "IsConverted = true AND Phone = null", "A phone is needed")
    assert codes(convert(lead())) == ["FIELD_CUSTOM_VALIDATION_EXCEPTION"]
    assert convert(lead(Phone="1")).success


def test_one_bad_lead_does_not_stop_the_others(org, lead):
    org.add_validation_rule("Account", "no_evil", "Name = 'Evil'", "No")
    leads = [lead(), lead(Company="Evil"), lead(Company="Good"), "nonsense"]
    outcomes = convert_leads(org, [LeadConvert(one, DONE) for one in leads], WriteOptions(org.admin_id))
    assert [outcome.success for outcome in outcomes] == [True, False, True, False]
    assert sorted(row["Name"] for row in live(org, "Account")) == ["Engines", "Good"]
    assert len(witnesses_of(org)) == 2


@pytest.mark.parametrize("bad", ["Evil", None])
def test_all_or_none_undoes_the_good_ones(org, lead, bad):
    org.add_validation_rule("Account", "no_evil", "Name = 'Evil'", "No")
    leads = [lead(), lead(Company=bad) if bad else "nonsense"]
    outcomes = convert_leads(
        org, [LeadConvert(one, DONE) for one in leads], WriteOptions(org.admin_id, all_or_none=True)
    )
    assert codes(outcomes[0]) == ["ALL_OR_NONE_OPERATION_ROLLED_BACK"]
    assert not outcomes[1].success
    assert live(org, "Account") == []


def test_the_same_lead_twice_in_one_call_is_converted_once(org, lead):
    made = lead()
    outcomes = convert_leads(org, [LeadConvert(made, DONE)] * 2, WriteOptions(org.admin_id))
    assert [outcome.success for outcome in outcomes] == [True, False]
    assert len(live(org, "Account")) == 1


def test_duplicate_rules_can_be_bypassed(org, lead, convert):
    org.insert("Account", [{"Name": "Engines"}])
    org.add_duplicate_rule("Account", ["Name"], action="alert")
    made = lead()
    assert codes(convert(made)) == ["DUPLICATES_DETECTED"]
    assert convert(made, bypass_account_dedupe=True).success


def test_texts_that_are_too_long_fail_unless_they_may_be_cut(org, lead, convert):
    made = lead(Company="E" * 200)
    assert codes(convert(made)) == ["STRING_TOO_LONG"]
    outcome = convert(made, options=WriteOptions(org.admin_id, truncate=True))
    assert org.record("Opportunity", outcome.opportunity_id)["Name"] == "E" * 120


def test_a_lead_without_a_company_is_no_person_account(org, lead, convert):
    assert codes(convert(lead(Company=None))) == ["REQUIRED_FIELD_MISSING"]


def test_more_than_a_hundred_leads_are_too_many(org):
    with pytest.raises(RestFault) as refusal:
        convert_leads(org, [LeadConvert("x", DONE)] * 101, WriteOptions(org.admin_id))
    assert refusal.value.code == "EXCEEDED_LEAD_CONVERT_LIMIT"


def test_a_user_who_may_not_edit_leads_converts_none(org, lead):
    user = org.add_user("Reader")
    org.set_permissions("Lead", ("read",), user=user)
    outcome = convert_leads(org, [LeadConvert(lead(), DONE)], WriteOptions(user))[0]
    assert codes(outcome) == ["INSUFFICIENT_ACCESS_OR_READONLY"]

from __future__ import annotations

from datetime import date, datetime

import pytest

from sfsync.fake import FakeOrg, dml, faults
from sfsync.fake.ids import make_id, to_15

NOON = datetime(2026, 3, 1, 12, 0, 0)


def test_a_new_lead_gets_defaults_a_name_an_owner_and_stamps(writer):
    lead = writer.lead(firstname="Ada", EMAIL="ada@engines.example")
    record = writer.record("Lead", lead)
    assert record["Name"] == "Ada Lovelace"
    assert record["Status"] == "Open - Not Contacted"
    assert record["Email"] == "ada@engines.example"
    assert record["OwnerId"] == record["CreatedById"] == record["LastModifiedById"] == writer.org.admin_id
    assert record["CreatedDate"] == record["LastModifiedDate"] == record["SystemModstamp"] == NOON
    assert (record["IsDeleted"], record["IsConverted"]) == (False, False)


def test_ids_count_up(writer):
    assert [writer.lead() for _ in range(3)] == [make_id("00Q", number) for number in range(3)]


def test_ids_go_on_after_those_that_somebody_chose(writer):
    writer.org.insert("Lead", [{"Id": make_id("00Q", 40), "LastName": "A", "Company": "B"}])
    assert writer.lead() == make_id("00Q", 41)


def test_ids_of_kinds_that_share_a_key_prefix_differ(writer):
    writer.lead()
    writer.deal()
    ids = writer.rows('SELECT "Id" FROM "LeadHistory" UNION ALL SELECT "Id" FROM "OpportunityFieldHistory"')
    assert len(ids) == len(set(ids)) == 2


@pytest.mark.parametrize(
    ("name", "values", "missing"),
    [
        ("Lead", {}, ["LastName", "Company"]),
        ("Lead", {"LastName": "A"}, ["Company"]),
        ("Lead", {"LastName": "A", "Company": "  "}, ["Company"]),
        ("Opportunity", {"Name": "A"}, ["StageName", "CloseDate"]),
        ("Account", {"Name": None}, ["Name"]),
    ],
)
def test_required_fields_must_be_there(writer, name, values, missing):
    error = writer.refused(name, **values)
    assert error.code == "REQUIRED_FIELD_MISSING"
    assert error.message == f"Required fields are missing: [{', '.join(missing)}]"
    assert error.fields == tuple(missing)


def test_a_field_that_is_not_there_is_named(writer):
    error = writer.refused("Lead", LastName="A", Company="B", Nope=1)
    assert (error.code, error.message) == ("INVALID_FIELD", "No such column 'Nope' on sobject of type Lead")


@pytest.mark.parametrize("field", ["Name", "CreatedDate", "SystemModstamp", "ConvertedDate", "Address", "IsDeleted"])
def test_fields_that_only_the_org_sets_cannot_be_set(writer, field):
    error = writer.refused("Lead", **{"LastName": "A", "Company": "B", field: None})
    assert error.code == "INVALID_FIELD_FOR_INSERT_UPDATE"
    assert error.message.startswith(f"Unable to create/update fields: {field}. Please check the security settings")
    assert error.fields == (field,)


def test_a_new_record_cannot_choose_its_id(writer):
    error = writer.refused("Lead", LastName="A", Company="B", Id=make_id("00Q", 7))
    assert error.message == "cannot specify Id in an insert call"


def test_attributes_are_ignored(writer):
    writer.lead(attributes={"type": "Lead"})


@pytest.mark.parametrize("name", ["LeadHistory", "OpportunityHistory", "OpportunityStage", "Organization"])
def test_some_objects_only_the_org_itself_adds_to(writer, name):
    error = writer.refused(name)
    assert error.code == "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"


def test_unknown_objects_are_not_found(writer):
    with pytest.raises(faults.RestFault) as caught:
        writer.create("Nothing", {})
    assert (caught.value.status, caught.value.code) == (404, "NOT_FOUND")


def test_null_takes_the_default_only_where_the_field_cannot_be_empty(writer):
    lead = writer.lead(Status=None, OwnerId=None, IsUnreadByOwner=None)
    record = writer.record("Lead", lead)
    assert record["Status"] == "Open - Not Contacted"
    assert record["OwnerId"] == writer.org.admin_id
    assert record["IsUnreadByOwner"] is False
    campaign = writer.made("Campaign", Name="C", Status=None)
    assert writer.record("Campaign", campaign)["Status"] is None


def test_each_record_stands_for_itself(writer):
    outcomes = writer.create("Account", {"Name": "A"}, {"Name": ""}, {"name": "C", "Nope": 1}, {"Name": "D"})
    assert [one.success for one in outcomes] == [True, False, False, True]
    assert [one.created for one in outcomes] == [True, False, False, True]
    assert writer.org.count("Account") == 2


def test_all_or_none_is_all_or_none(writer):
    outcomes = writer.create("Account", {"Name": "A"}, {"Name": ""}, all_or_none=True)
    assert [one.errors[0].code for one in outcomes] == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "REQUIRED_FIELD_MISSING"]
    assert [one.id for one in outcomes] == [None, None]
    assert writer.org.count("Account") == 0


def test_no_rows_are_no_outcomes(writer):
    assert writer.create("Account") == []
    assert writer.update("Account") == []
    assert writer.upsert("Account", "Id") == []
    assert writer.delete() == []
    assert writer.undelete() == []


# --- lookups -------------------------------------------------------------------------------------------------------


def test_lookups_are_taken_in_both_forms(writer):
    account = writer.made("Account", Name="A")
    contact = writer.made("Contact", LastName="B", AccountId=to_15(account))
    assert writer.record("Contact", contact)["AccountId"] == account


def test_lookups_must_lead_to_a_record_that_is_there(writer):
    error = writer.refused("Contact", LastName="B", AccountId=make_id("001", 5))
    assert error.code == "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY"
    assert error.message == f"insufficient access rights on cross-reference id: {make_id('001', 5)[:15]}"


def test_lookups_must_not_lead_into_the_recycle_bin(writer):
    account = writer.made("Account", Name="A")
    writer.delete(account)
    assert writer.refused("Contact", LastName="B", AccountId=account).code == "ENTITY_IS_DELETED"


@pytest.mark.parametrize("value", ["nonsense", "00Q000000000001", "001000000000001AAB", 7, ["x"]])
def test_lookups_must_be_ids_of_the_right_kind(writer, value):
    error = writer.refused("Contact", LastName="B", AccountId=value)
    assert (error.code, error.fields) == ("MALFORMED_ID", ("AccountId",))
    assert error.message.startswith("Account ID: id value of incorrect type: ")


def test_lookups_to_what_the_org_does_not_have_are_let_pass(writer):
    writer.lead(IndividualId="0PK000000000001")
    assert writer.refused("Lead", LastName="A", Company="B", IndividualId=make_id("001", 0)).code == "MALFORMED_ID"


def test_nothing_can_be_given_to_a_user_who_left(writer):
    profile = writer.record("User", writer.org.admin_id)["ProfileId"]
    [user] = writer.org.insert("User", [{"Username": "x@y.example", "LastName": "X", "Alias": "x", "IsActive": False,
                                         "ProfileId": profile}])  # fmt: skip
    error = writer.refused("Lead", LastName="A", Company="B", OwnerId=user)
    assert error.code == "INACTIVE_OWNER_OR_USER"
    assert error.message == f"operation performed with inactive user [{user[:15]}] as owner of lead"


def test_a_parent_can_be_named_by_its_external_id(writer):
    writer.org.add_field("Account", "Key__c", "string", external_id=True, unique=True)
    account = writer.made("Account", Name="A", Key__c="K1")
    contact = writer.made("Contact", LastName="B", Account={"key__c": "k1"})
    assert writer.record("Contact", contact)["AccountId"] == account
    error = writer.refused("Contact", LastName="B", account={"Key__c": "K2"})
    assert error.code == "INVALID_FIELD"
    assert error.message == "Foreign key external ID: K2 not found for field Key__c in entity Account"


@pytest.mark.parametrize("named", [{}, {"Nope__c": 1}, {"Phone": "1"}, {"attributes": "x"}])
def test_a_parent_must_be_named_by_a_field_that_identifies(writer, named):
    assert writer.refused("Contact", LastName="B", Account=named).code == "INVALID_FIELD"


def test_a_parent_of_several_kinds_can_be_told_by_its_type(writer):
    contact = writer.made("Contact", LastName="A", Email="a@b.example")
    lead = writer.lead(Email="a@b.example")
    task = writer.made("Task", Who={"attributes": {"type": "Lead"}, "Email": "a@b.example"})
    assert writer.record("Task", task)["WhoId"] == lead
    task = writer.made("Task", Who={"attributes": {"type": "Contact"}, "Email": "a@b.example"})
    assert writer.record("Task", task)["WhoId"] == contact


def test_a_parent_that_several_records_could_be_is_refused(writer):
    for _ in range(2):
        writer.made("Contact", LastName="A", Email="a@b.example")
    error = writer.refused("Contact", LastName="B", ReportsTo={"Email": "A@b.example"})
    assert error.code == "DUPLICATE_EXTERNAL_ID"


def test_a_parent_can_be_none(writer):
    assert writer.record("Contact", writer.made("Contact", LastName="B", Account=None))["AccountId"] is None


# --- uniqueness ----------------------------------------------------------------------------------------------------


def test_unique_values_are_unique_whatever_their_case(writer):
    writer.org.add_field("Lead", "Key__c", "string", unique=True)
    first = writer.lead(Key__c="Abc")
    error = writer.refused("Lead", LastName="A", Company="B", Key__c="aBC")
    assert (error.code, error.fields) == ("DUPLICATE_VALUE", ())
    assert error.message == f"duplicate value found: Key__c duplicates value on record with id: {to_15(first)}"


def test_unique_values_are_unique_within_one_call(writer):
    writer.org.add_field("Account", "Key__c", "double", unique=True)
    outcomes = writer.create("Account", {"Name": "A", "Key__c": 1}, {"Name": "B", "Key__c": "1.0"}, {"Name": "C"})
    assert [one.success for one in outcomes] == [True, False, True]


def test_the_recycle_bin_holds_no_unique_value(writer):
    writer.org.add_field("Lead", "Key__c", "string", unique=True)
    writer.delete(writer.lead(Key__c="a"))
    writer.lead(Key__c="a")


# --- derived fields ------------------------------------------------------------------------------------------------


def test_a_stage_decides_about_an_opportunity(writer):
    record = writer.record("Opportunity", writer.deal(Amount="80.005", StageName="Negotiation/Review"))
    assert (record["Probability"], record["ForecastCategory"], record["ForecastCategoryName"]) == (
        90.0,
        "Forecast",
        "Commit",
    )
    assert (record["IsClosed"], record["IsWon"]) == (False, False)
    assert (record["Amount"], record["ExpectedRevenue"]) == (80.01, 72.01)
    assert (record["FiscalYear"], record["FiscalQuarter"], record["Fiscal"]) == (2026, 2, "2026 2")


def test_probability_and_forecast_category_can_be_given(writer):
    record = writer.record("Opportunity", writer.deal(Probability=33, ForecastCategoryName="Best Case"))
    assert (record["Probability"], record["ForecastCategory"]) == (33.0, "BestCase")


def test_an_unknown_stage_decides_nothing(writer):
    record = writer.record("Opportunity", writer.deal(StageName="Made up"))
    assert (record["Probability"], record["IsClosed"], record["ForecastCategory"]) == (None, False, None)


def test_the_fiscal_year_begins_when_the_org_says(writer):
    writer.org.settings.fiscal_start_month = 4
    record = writer.record("Opportunity", writer.deal(CloseDate="2026-05-06"))
    assert (record["FiscalYear"], record["FiscalQuarter"]) == (2027, 1)
    record = writer.record("Opportunity", writer.deal(CloseDate="2026-03-31"))
    assert (record["FiscalYear"], record["FiscalQuarter"]) == (2026, 4)


def test_a_campaign_member_who_responded_is_marked(writer):
    campaign, lead = writer.made("Campaign", Name="C"), writer.lead()
    member = writer.made("CampaignMember", CampaignId=campaign, LeadId=lead, Status="Responded")
    record = writer.record("CampaignMember", member)
    assert (record["HasResponded"], record["FirstRespondedDate"]) == (True, date(2026, 3, 1))
    assert (record["LeadOrContactId"], record["Type"]) == (lead, "Lead")


def test_nobody_is_in_a_campaign_twice(writer):
    campaign, lead = writer.made("Campaign", Name="C"), writer.lead()
    row = {"CampaignId": campaign, "LeadId": lead}
    outcomes = writer.create("CampaignMember", row, row)
    assert [one.success for one in outcomes] == [True, False]
    error = writer.refused("CampaignMember", **row)
    assert (error.code, error.message) == ("DUPLICATE_VALUE", "Already a campaign member.")


def test_a_completed_task_is_closed(writer):
    record = writer.record("Task", writer.made("Task", Status="Completed", Priority="High"))
    assert (record["IsClosed"], record["IsHighPriority"], record["CompletedDateTime"]) == (True, True, NOON)


# --- scale ---------------------------------------------------------------------------------------------------------


def test_ten_thousand_records_are_made_in_one_call(writer):
    rows = [{"LastName": f"L{number}", "Company": "C" if number % 10 else ""} for number in range(10_000)]
    outcomes = writer.create("Lead", *rows)
    assert [one.success for one in outcomes] == [number % 10 != 0 for number in range(10_000)]
    assert writer.org.count("Lead") == 9000
    [(distinct,)] = writer.rows('SELECT count(DISTINCT "Id") FROM "Lead"')
    assert distinct == 9000


def test_an_org_that_is_undone_is_as_before(writer):
    with writer.org.database.together():
        lead = writer.lead()
        assert dml.status_of(writer.org, lead) == "live"
        raise_undone()
    assert writer.org.count("Lead") == 0
    assert dml.status_of(writer.org, lead) == "absent"


def raise_undone() -> None:
    from sfsync.fake.database import Undone  # noqa: PLC0415

    raise Undone


def test_another_org_knows_nothing_of_it(writer):
    writer.lead()
    with FakeOrg.empty() as other:
        assert other.count("Lead") == 0

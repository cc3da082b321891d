from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from sfsync.errors import UsageError
from sfsync.fake import FakeOrg
from sfsync.fake.clock import Clock
from sfsync.fake.ids import is_valid_id, make_id, to_15

NOON = datetime(2026, 3, 1, 12, 0, 0)


@pytest.fixture
def org():
    with FakeOrg.empty(clock=Clock(NOON, ticking=False)) as org:
        yield org


def test_a_new_org_has_an_administrator_statuses_stages_and_nothing_else(org):
    assert org.count("User") == 1
    assert org.count("LeadStatus") == 4
    assert org.count("OpportunityStage") == 10
    assert org.count("Organization") == 1
    assert org.count("Lead") == 0
    assert org.record("User", org.admin_id)["Username"] == org.credentials.username


def test_ids_count_up_and_are_the_same_in_every_run(org):
    first = org.insert("Lead", [{"LastName": "A", "Company": "X"}, {"LastName": "B", "Company": "X"}])
    second = org.insert("Lead", [{"LastName": "C", "Company": "X"}])
    assert first + second == [make_id("00Q", 0), make_id("00Q", 1), make_id("00Q", 2)]


def test_new_ids_avoid_those_that_are_taken(org):
    org.insert("Account", [{"Id": make_id("001", 1), "Name": "taken"}])
    assert org.insert("Account", [{"Name": "a"}, {"Name": "b"}]) == [make_id("001", 2), make_id("001", 3)]


def test_a_new_lead_is_completed(org):
    [lead] = org.insert("Lead", [{"FirstName": "Ada", "LastName": "Lovelace", "Company": "X", "Email": ""}])
    record = org.record("Lead", lead)
    assert record["Name"] == "Ada Lovelace"
    assert record["Status"] == "Open - Not Contacted"
    assert record["OwnerId"] == record["CreatedById"] == record["LastModifiedById"] == org.admin_id
    assert record["CreatedDate"] == record["LastModifiedDate"] == record["SystemModstamp"] == NOON
    assert record["IsDeleted"] is False
    assert record["IsConverted"] is False
    assert record["Email"] is None


def test_field_names_are_taken_in_any_case(org):
    [lead] = org.insert("lead", [{"lastname": "A", "COMPANY": "X"}])
    assert org.record("LEAD", lead)["Company"] == "X"


def test_values_of_every_type_are_kept(org):
    [lead] = org.insert(
        "Lead",
        [
            {
                "LastName": "A 'quoted' \"name\"\n☃",
                "Company": "X",
                "AnnualRevenue": 12.5,
                "NumberOfEmployees": 7,
                "IsConverted": True,
                "ConvertedDate": date(2026, 2, 3),
                "CreatedDate": datetime(2026, 1, 1, 2, tzinfo=UTC) + timedelta(hours=1),
                "EmailBouncedDate": "2026-01-01T05:00:00+02:00",
            }
        ],
    )
    record = org.record("Lead", lead)
    assert record["LastName"] == "A 'quoted' \"name\"\n☃"
    assert (record["AnnualRevenue"], record["NumberOfEmployees"], record["IsConverted"]) == (12.5, 7, True)
    assert record["ConvertedDate"] == date(2026, 2, 3)
    assert record["CreatedDate"] == datetime(2026, 1, 1, 3)
    assert record["LastModifiedDate"] == datetime(2026, 1, 1, 3)
    assert record["EmailBouncedDate"] == datetime(2026, 1, 1, 3)


def test_short_ids_are_stored_in_their_long_form(org):
    [account] = org.insert("Account", [{"Name": "A"}])
    [contact] = org.insert("Contact", [{"LastName": "B", "AccountId": to_15(account)}])
    assert org.record("Contact", to_15(contact))["AccountId"] == account


def test_the_stage_decides_about_an_opportunity(org):
    [deal] = org.insert(
        "Opportunity", [{"Name": "D", "StageName": "Closed Won", "CloseDate": "2026-05-06", "Amount": 80}]
    )
    record = org.record("Opportunity", deal)
    assert (record["IsClosed"], record["IsWon"], record["Probability"]) == (True, True, 100.0)
    assert (record["ForecastCategory"], record["ForecastCategoryName"]) == ("Closed", "Closed")
    assert (record["FiscalYear"], record["FiscalQuarter"], record["Fiscal"]) == (2026, 2, "2026 2")
    assert record["ExpectedRevenue"] == 80.0
    org.update("Opportunity", deal, {"StageName": "Prospecting"})
    record = org.record("Opportunity", deal)
    assert (record["IsClosed"], record["IsWon"], record["Probability"]) == (False, False, 10.0)
    assert record["ExpectedRevenue"] == 8.0
    org.update("Opportunity", deal, {"Probability": 50})
    assert org.record("Opportunity", deal)["ExpectedRevenue"] == 40.0


def test_what_is_given_is_not_derived(org):
    [deal] = org.insert(
        "Opportunity",
        [{"Name": "D", "StageName": "Closed Won", "CloseDate": "2026-05-06", "Probability": 42, "IsWon": False}],
    )
    record = org.record("Opportunity", deal)
    assert (record["Probability"], record["IsWon"], record["IsClosed"]) == (42.0, False, True)


def test_an_update_moves_the_stamps(org):
    [lead] = org.insert("Lead", [{"LastName": "A", "Company": "X"}])
    org.clock.advance(timedelta(hours=1))
    org.update("Lead", to_15(lead), {"FirstName": "B", "Email": ""})
    record = org.record("Lead", lead)
    assert record["Name"] == "B A"
    assert record["CreatedDate"] == NOON
    assert record["LastModifiedDate"] == record["SystemModstamp"] == NOON + timedelta(hours=1)
    assert record["Email"] is None


def test_a_stamp_can_move_alone(org):
    [lead] = org.insert("Lead", [{"LastName": "A", "Company": "X"}])
    org.update("Lead", lead, {"SystemModstamp": NOON + timedelta(days=1)})
    record = org.record("Lead", lead)
    assert record["SystemModstamp"] == NOON + timedelta(days=1)
    assert record["LastModifiedDate"] == NOON


def test_a_back_dated_update_can_be_made(org):
    [lead] = org.insert("Lead", [{"LastName": "A", "Company": "X"}])
    early = NOON - timedelta(days=9)
    org.update("Lead", lead, {"Company": "Y", "LastModifiedDate": early})
    assert org.record("Lead", lead)["SystemModstamp"] == early


def test_a_deleted_record_goes_to_the_recycle_bin(org):
    [lead] = org.insert("Lead", [{"LastName": "A", "Company": "X"}])
    org.clock.advance(timedelta(hours=1))
    org.delete("Lead", lead)
    record = org.record("Lead", lead)
    assert record["IsDeleted"] is True
    assert record["SystemModstamp"] == NOON + timedelta(hours=1)
    assert org.count("Lead") == 0


def test_a_hard_delete_leaves_nothing(org):
    [lead] = org.insert("Lead", [{"LastName": "A", "Company": "X"}])
    org.delete("Lead", lead, hard=True)
    assert org.record("Lead", lead) is None


def test_an_opportunitys_history_goes_with_it(org):
    [deal] = org.insert("Opportunity", [{"Name": "D", "StageName": "Prospecting", "CloseDate": "2026-05-06"}])
    org.insert("OpportunityHistory", [{"OpportunityId": deal, "StageName": "Prospecting"}])
    org.delete("Opportunity", deal)
    assert org.count("OpportunityHistory") == 0


def test_records_without_a_recycle_bin_are_gone_when_deleted(org):
    [status] = org.insert("LeadStatus", [{"MasterLabel": "Odd"}])
    org.delete("LeadStatus", status)
    assert org.record("LeadStatus", status) is None


@pytest.mark.parametrize(
    "mistake",
    [
        lambda org: org.insert("Nothing", [{}]),
        lambda org: org.insert("Lead", [{"Nothing": 1}]),
        lambda org: org.insert("Lead", [{"Address": "compound"}]),
        lambda org: org.update("Lead", make_id("00Q", 5), {"LastName": "x"}),
        lambda org: org.delete("Lead", make_id("00Q", 5)),
        lambda org: org.delete("Lead", make_id("001", 5)),
        lambda org: org.record("Lead", "nonsense"),
        lambda org: org.add_field("Lead", "Score", "double"),
    ],
)
def test_mistakes_are_refused_with_a_sentence(org, mistake):
    with pytest.raises(UsageError):
        mistake(org)


def test_nothing_is_kept_of_an_insert_that_fails(org):
    with pytest.raises(Exception, match="abc"):
        org.insert(
            "Lead", [{"LastName": "A", "Company": "X"}, {"LastName": "B", "Company": "X", "AnnualRevenue": "abc"}]
        )
    assert org.count("Lead") == 0


def test_a_custom_field_is_there_at_once(org, client_of):
    [lead] = org.insert("Lead", [{"LastName": "A", "Company": "X"}])
    org.add_field("Lead", "Score__c", "double", scale=2)
    org.add_field("Lead", "Ready__c", "boolean")
    org.update("Lead", lead, {"Score__c": 1.5})
    assert client_of(org).rows("SELECT Score__c, Ready__c FROM Lead") == [{"Score__c": 1.5, "Ready__c": False}]


def test_new_statuses_and_stages_show_in_the_picklists():
    with FakeOrg.seeded(leads=50) as org:
        values = {entry.value for entry in org.catalog.facts("Lead").field("Status").values}
        with org.database.reading() as cursor:
            used = {row[0] for row in cursor.execute('SELECT DISTINCT "Status" FROM "Lead"').fetchall()}
        assert used <= values | {None}


def test_a_seeded_org_is_the_same_every_time():
    def contents():
        with FakeOrg.seeded(seed=3, leads=60) as org, org.database.reading() as cursor:
            names = [facts.name for facts in org.catalog]
            return {n: cursor.execute(f'SELECT * FROM "{n}" ORDER BY "Id"').fetchall() for n in names}, org.planted

    assert contents() == contents()


def test_a_seeded_org_has_what_was_planted():
    with FakeOrg.seeded(leads=60) as org:
        assert org.count("Lead") == 60
        assert org.planted
        assert all(is_valid_id(record) for ids in org.planted.values() for record in ids)
        assert org.clock.now().date() == date(2026, 1, 31)

"""Rows of histories wait in memory until somebody looks for them: nobody can tell."""

from __future__ import annotations

from threading import Thread

import pytest

from sfsync.fake.database import Undone

DATA = "/services/data/v60.0"
NEW = {"LastName": "Doe", "Company": "Acme"}
HISTORY = "SELECT LeadId, Field FROM LeadHistory"


@pytest.fixture
def made(client):
    """The Id of a lead that a client just made."""
    return client("POST", f"{DATA}/sobjects/Lead", json=NEW).json()["id"]


def test_a_query_finds_them(client, made):
    assert client.rows(HISTORY) == [{"LeadId": made, "Field": "created"}]


def test_they_are_counted_wherever_records_are_counted(org, client, made):
    assert client.query("SELECT COUNT() FROM LeadHistory")["totalSize"] == 1
    client("POST", f"{DATA}/sobjects/Lead", json=NEW)
    assert org.count("LeadHistory") == 2
    client("POST", f"{DATA}/sobjects/Lead", json=NEW)
    counts = client.get(f"{DATA}/limits/recordCount", params={"sObjects": "LeadHistory"}).json()
    assert counts["sObjects"] == [{"name": "LeadHistory", "count": 3}]


def test_a_child_query_and_a_semi_join_find_them(client, made):
    [lead] = client.query("SELECT Id, (SELECT Field FROM Histories) FROM Lead")["records"]
    assert lead["Histories"]["totalSize"] == 1
    second = client("POST", f"{DATA}/sobjects/Lead", json=NEW).json()["id"]
    found = client.rows("SELECT Id FROM Lead WHERE Id IN (SELECT LeadId FROM LeadHistory) ORDER BY Id")
    assert [row["Id"] for row in found] == [made, second]


def test_a_bulk_query_finds_them(client, made):
    job = client.bulk(HISTORY)["id"]
    assert client.get(f"{DATA}/jobs/query/{job}").json()["numberRecordsProcessed"] == 1
    assert made in client.get(f"{DATA}/jobs/query/{job}/results").text


def test_one_is_read_by_its_id(org, client, made):
    [row] = client.rows("SELECT Id FROM LeadHistory")
    client("POST", f"{DATA}/sobjects/Lead", json=NEW)
    following = f"{row['Id'][:14]}{int(row['Id'][14]) + 1}"
    assert client.get(f"{DATA}/sobjects/LeadHistory/{following}").json()["Field"] == "created"
    assert org.record("LeadHistory", following)["LeadId"] != made


def test_they_go_with_the_record_that_they_tell_of(org, client, made):
    org.delete("Lead", made, hard=True)
    assert client.rows(HISTORY) == []


def test_an_opportunity_tells_of_its_way(client):
    deal = {"Name": "Deal", "StageName": "Prospecting", "CloseDate": "2026-05-06", "Amount": 5}
    made = client("POST", f"{DATA}/sobjects/Opportunity", json=deal).json()["id"]
    client("PATCH", f"{DATA}/sobjects/Opportunity/{made}", json={"Amount": 7})
    amounts = client.rows("SELECT Amount FROM OpportunityHistory ORDER BY Id")
    assert amounts == [{"Amount": 5.0}, {"Amount": 7.0}]
    assert len(client.rows("SELECT Id FROM OpportunityFieldHistory")) == 2


def test_what_is_undone_leaves_no_history(org, client, made):
    with org.database.together():
        org.insert("Lead", [NEW])
        raise Undone
    assert client.rows(HISTORY) == [{"LeadId": made, "Field": "created"}]


def test_a_history_read_within_an_undone_transaction_is_still_there_afterwards(org, client, made):
    with org.database.together():
        org.insert("Lead", [NEW])
        assert org.count("LeadHistory") == 2
        raise Undone
    assert org.count("LeadHistory") == 1
    with pytest.raises(ZeroDivisionError), org.database.together():
        assert org.count("LeadHistory") == 1
        _ = 1 / 0
    assert client.rows(HISTORY) == [{"LeadId": made, "Field": "created"}]


def test_a_history_read_within_a_transaction_is_not_written_twice(org, made):
    with org.database.together():
        org.insert("Lead", [NEW])
        assert org.count("LeadHistory") == 2
    assert org.count("LeadHistory") == 2


def test_new_histories_get_ids_of_their_own_when_somebody_chose_one(org, client, made):
    org.insert("LeadHistory", [{"Id": "017Fk0000000009", "LeadId": made, "Field": "Status"}])
    client("POST", f"{DATA}/sobjects/Lead", json=NEW)
    ids = [row["Id"] for row in client.rows("SELECT Id FROM LeadHistory ORDER BY Id")]
    assert len(set(ids)) == 3
    assert ids[2] > "017Fk0000000009"


def test_who_sees_a_record_sees_its_history(org, client_of):
    torn = []

    def watch():
        client = client_of(org)
        while not done:
            leads = client.query("SELECT COUNT() FROM Lead")["totalSize"]
            if client.query("SELECT COUNT() FROM LeadHistory")["totalSize"] < leads:
                torn.append(leads)

    done: list[bool] = []
    watcher = Thread(target=watch)
    watcher.start()
    client = client_of(org)
    try:
        for _ in range(40):
            client("POST", f"{DATA}/sobjects/Lead", json=NEW)
    finally:
        done.append(True)
        watcher.join()
    assert torn == []
    assert org.count("LeadHistory") == 40


def test_a_new_field_of_a_history_comes_with_all_its_rows(org, client, made):
    org.add_field("LeadHistory", "Note__c", "string")
    assert client.rows("SELECT Field, Note__c FROM LeadHistory") == [{"Field": "created", "Note__c": None}]
    client("POST", f"{DATA}/sobjects/Lead", json=NEW)
    assert org.count("LeadHistory") == 2

from __future__ import annotations

import pytest

from sfsync.fake import dml, faults
from sfsync.fake.ids import make_id, to_15


@pytest.fixture
def keyed(writer):
    writer.org.add_field("Account", "Key__c", "string", external_id=True, unique=True)
    writer.org.add_field("Account", "Loose__c", "double", external_id=True)
    return writer


def test_what_is_there_is_changed_and_what_is_missing_is_made(keyed):
    account = keyed.made("Account", Name="A", Key__c="K1")
    outcomes = keyed.upsert("account", "key__c", {"Key__c": "k1", "Phone": "1"}, {"KEY__C": "K2", "Name": "B"})
    assert [one.created for one in outcomes] == [False, True]
    assert outcomes[0].id == account
    assert keyed.record("Account", account)["Phone"] == "1"
    assert keyed.record("Account", outcomes[1].id)["Key__c"] == "K2"


def test_numbers_are_keys_too(keyed):
    account = keyed.made("Account", Name="A", Loose__c=5)
    [outcome] = keyed.upsert("Account", "Loose__c", {"Loose__c": "5.0", "Name": "B"})
    assert (outcome.id, outcome.created) == (account, False)


def test_by_id_nothing_is_looked_for(keyed):
    account = keyed.made("Account", Name="A")
    outcomes = keyed.upsert(
        "Account", "Id", {"Id": to_15(account), "Name": "B"}, {"Id": None, "Name": "C"}, {"Name": "D"},
        {"Id": make_id("001", 99), "Name": "E"},
    )  # fmt: skip
    assert [one.created for one in outcomes] == [False, True, True, False]
    assert [error.code for error in outcomes[3].errors] == ["INVALID_CROSS_REFERENCE_KEY"]


def test_several_records_with_the_key_are_told(keyed):
    ids = [keyed.made("Account", Name="A", Loose__c=5) for _ in range(2)]
    [outcome] = keyed.upsert("Account", "Loose__c", {"Loose__c": 5, "Name": "B"})
    assert outcome.matches == tuple(ids)
    assert [error.code for error in outcome.errors] == ["DUPLICATE_EXTERNAL_ID"]


def test_a_row_without_the_key_is_refused(keyed):
    outcomes = keyed.upsert("Account", "Key__c", {"Name": "B"}, {"Key__c": None, "Name": "B"})
    assert [one.errors[0].code for one in outcomes] == ["MISSING_ARGUMENT"] * 2


def test_the_same_key_twice_in_a_chunk_is_refused_and_in_another_chunk_is_not(keyed):
    rows = [{"Key__c": f"K{number}", "Name": "A"} for number in range(250)]
    rows[1]["Key__c"] = "k0"
    rows[249]["Key__c"] = "K2"
    outcomes = keyed.upsert("Account", "Key__c", *rows)
    assert [place for place, one in enumerate(outcomes) if not one.success] == [0, 1]
    assert outcomes[0].errors[0].message == "Duplicate external id specified: K0"
    assert (outcomes[249].id, outcomes[249].created) == (outcomes[2].id, False)
    assert keyed.org.count("Account") == 247


@pytest.mark.parametrize("key", ["Nope__c", "Phone", "BillingAddress"])
def test_the_key_must_identify(keyed, key):
    with pytest.raises(faults.RestFault) as caught:
        keyed.upsert("Account", key, {"Name": "A"})
    assert (caught.value.status, caught.value.code) == (404, "NOT_FOUND")
    assert caught.value.message == f"Provided external ID field does not exist or is not accessible: {key}"


def test_the_recycle_bin_has_no_keys(keyed):
    keyed.delete(keyed.made("Account", Name="A", Key__c="K"))
    [outcome] = keyed.upsert("Account", "Key__c", {"Key__c": "K", "Name": "B"})
    assert outcome.created


def test_nothing_is_made_where_only_changes_are_wanted(keyed):
    [outcome] = keyed.upsert("Account", "Key__c", {"Key__c": "K", "Name": "B"}, update_only=True)
    assert not outcome.success
    assert keyed.org.count("Account") == 0


def test_all_or_none(keyed):
    keyed.made("Account", Name="A", Key__c="K")
    outcomes = keyed.upsert("Account", "Key__c", {"Key__c": "K", "Name": "B"}, {"Key__c": "L"}, all_or_none=True)
    assert [one.errors[0].code for one in outcomes] == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "REQUIRED_FIELD_MISSING"]
    assert keyed.rows('SELECT "Name" FROM "Account"') == [("A",)]


def test_fields_for_new_records_only_are_refused_where_the_record_is_there(writer):
    writer.org.add_field("OpportunityContactRole", "Key__c", "string", external_id=True)
    deal, contact = writer.deal(), writer.made("Contact", LastName="A")
    row = {"Key__c": "1", "OpportunityId": deal, "ContactId": contact}
    [outcome] = writer.upsert("OpportunityContactRole", "Key__c", row)
    assert outcome.created
    [outcome] = writer.upsert("OpportunityContactRole", "Key__c", row)
    assert [error.code for error in outcome.errors] == ["INVALID_FIELD_FOR_INSERT_UPDATE"]


def test_records_are_found_by_key(keyed):
    ids = [keyed.made("Account", Name="A", Loose__c=5) for _ in range(2)]
    assert dml.find_by_key(keyed.org, "account", "loose__c", "5") == ids
    assert dml.find_by_key(keyed.org, "Account", "Loose__c", "nonsense") == []
    assert dml.find_by_key(keyed.org, "Account", "Loose__c", None) == []
    assert dml.find_by_key(keyed.org, "Account", "Id", to_15(ids[0])) == [ids[0]]


def test_chunks_of_new_and_known_records_keep_their_order(keyed):
    rows = [{"Key__c": f"K{number}", "Name": "A"} for number in range(0, 600, 2)]
    assert all(one.created for one in keyed.upsert("Account", "Key__c", *rows))
    rows = [{"Key__c": f"K{number}", "Name": f"{number}"} for number in range(600)]
    outcomes = keyed.upsert("Account", "Key__c", *rows)
    assert [one.created for one in outcomes] == [bool(number % 2) for number in range(600)]
    for number in (0, 1, 599):
        assert keyed.record("Account", outcomes[number].id)["Name"] == f"{number}"

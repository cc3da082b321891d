from __future__ import annotations

import json

import pytest

from sfsync.fake import dml, faults
from sfsync.fake.ids import to_15


def retrieve(writer, name, ids, fields=None):
    return dml.retrieve(writer.org, name, ids, fields, writer.org.admin_id, "60.0")


def test_records_come_as_rest_writes_them(writer):
    contact = writer.made("Contact", LastName="B", MailingCity="Rome", MailingLatitude=1.5, Birthdate="1815-12-10")
    [record] = retrieve(writer, "contact", [to_15(contact)])
    assert list(record)[:2] == ["attributes", "Id"]
    assert record["attributes"] == {"type": "Contact", "url": f"/services/data/v60.0/sobjects/Contact/{contact}"}
    assert record["MailingAddress"] == {
        "city": "Rome",
        "country": None,
        "geocodeAccuracy": None,
        "latitude": 1.5,
        "longitude": None,
        "postalCode": None,
        "state": None,
        "street": None,
    }
    assert (record["OtherAddress"], record["Birthdate"]) == (None, "1815-12-10")
    assert record["CreatedDate"] == "2026-03-01T12:00:00.000+0000"
    json.dumps(record)


def test_only_the_fields_asked_for_come_in_their_order_and_the_id(writer):
    lead = writer.lead()
    [record] = retrieve(writer, "Lead", [lead], ["company", "LASTNAME", "company"])
    assert list(record) == ["attributes", "Company", "LastName", "Id"]


def test_what_is_not_there_is_none(writer):
    lead, gone, account = writer.lead(), writer.lead(), writer.made("Account", Name="A")
    writer.delete(gone)
    found = retrieve(writer, "Lead", [gone, lead, account, "nonsense", lead], ["Id"])
    assert [record and record["Id"] for record in found] == [None, lead, None, None, lead]


def test_fields_that_are_not_there_are_refused(writer):
    with pytest.raises(faults.RestFault) as caught:
        retrieve(writer, "Lead", [], ["Nope"])
    assert caught.value.code == "INVALID_FIELD"
    assert caught.value.message.startswith("No such column 'Nope' on entity 'Lead'.")


def test_what_is_hidden_is_not_there(writer):
    lead = writer.lead(Email="a@b.example")
    writer.org.hide("Lead", "Email")
    [record] = retrieve(writer, "Lead", [lead])
    assert "Email" not in record
    writer.org.hide("Lead")
    with pytest.raises(faults.RestFault):
        retrieve(writer, "Lead", [lead])


def test_locations_are_put_together(writer):
    writer.org.add_field("Lead", "Spot__c", "location")
    writer.org.add_field("Lead", "Spot__Latitude__s__c", "double")
    [record] = retrieve(writer, "Lead", [writer.lead()], ["Spot__c"])
    assert record["Spot__c"] is None

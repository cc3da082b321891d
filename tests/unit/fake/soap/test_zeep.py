"""zeep, a strict client: it refuses every answer whose elements are not those of the description, in their order."""

from __future__ import annotations

from datetime import timedelta

import pytest
import zeep

DONE = "Closed - Converted"


@pytest.fixture
def service(org, zeep_client):
    """The partner API, logged in; calls take the session header by themselves."""
    known = org.credentials
    login = zeep_client.service.login(known.username, known.password + known.security_token)
    port = zeep_client.create_service("{urn:partner.soap.sforce.com}SoapBinding", login.serverUrl)
    header = zeep_client.get_element("{urn:partner.soap.sforce.com}SessionHeader")(sessionId=login.sessionId)

    def call(name, *args, **options):
        headers = {"SessionHeader": header, **options.pop("headers", {})}
        answer = getattr(port, name)(*args, **options, _soapheaders=headers)
        return answer.body.result if hasattr(answer, "body") and answer.body is not None else answer

    return call


@pytest.fixture
def sobject(zeep_client):
    """A record as zeep sends it."""
    kind = zeep_client.get_type("{urn:sobject.partner.soap.sforce.com}sObject")
    namespace = "urn:sobject.partner.soap.sforce.com"

    def sobject(name, record_id=zeep.xsd.SkipValue, nulls=(), **fields):
        string = zeep.xsd.String()
        values = [
            zeep.xsd.AnyObject(zeep.xsd.Element(f"{{{namespace}}}{field}", string), value)
            for field, value in fields.items()
        ]
        return kind(type=name, fieldsToNull=list(nulls), Id=record_id, _value_1=values)

    return sobject


def test_login_tells_who_is_there(org, zeep_client):
    known = org.credentials
    result = zeep_client.service.login(known.username, known.password)
    assert result.userInfo.userName == known.username
    assert result.passwordExpired is False


def test_records_are_made_read_changed_and_deleted(org, service, sobject):
    [made, bad] = service("create", [sobject("Lead", LastName="A", Company="C"), sobject("Lead", LastName="B")])
    assert (made.success, bad.errors[0].statusCode, bad.id) == (True, "REQUIRED_FIELD_MISSING", None)
    result = service("query", "SELECT Id, LastName, CreatedDate, Owner.Name FROM Lead")
    assert (result.size, result.done, result.queryLocator) == (1, True, None)
    values = result.records[0]._value_1  # the parent comes as the record that its xsi:type says it is
    assert [getattr(value, "text", None) or value.type for value in values if value is not None][:2] == [made.id, "A"]
    assert values[-1].type == "Name"
    assert service("update", [sobject("Lead", made.id, ["Company"], Phone="1")])[0].errors
    assert service("update", [sobject("Lead", made.id, Phone="1")])[0].success
    assert service("upsert", "Id", [sobject("Lead", made.id, Phone="2")])[0].created is False
    assert org.record("Lead", made.id)["Phone"] == "2"
    assert service("delete", [made.id])[0].id == made.id
    assert service("undelete", [made.id])[0].success
    assert service("retrieve", "Phone", "Lead", [made.id])[0].type == "Lead"


def test_a_lead_is_converted(org, service):
    lead = org.insert("Lead", [{"LastName": "A", "Company": "C"}])[0]
    wanted = {
        "convertedStatus": DONE, "doNotCreateOpportunity": False, "leadId": lead, "overwriteLeadSource": False,
        "sendNotificationEmail": False, "accountId": None, "contactId": None, "opportunityId": None, "ownerId": None,
    }  # fmt: skip
    [result] = service("convertLead", [wanted])
    assert result.success
    assert org.record("Lead", lead)["ConvertedContactId"] == result.contactId
    [again] = service("convertLead", [wanted])
    assert again.errors[0].statusCode == "CANNOT_UPDATE_CONVERTED_LEAD"


def test_describes_are_as_described(org, service):
    lead, account = service("describeSObjects", ["Lead", "Account"])
    assert [len(one.fields) for one in (lead, account)] == [
        len(org.catalog.facts(n).fields) for n in ("Lead", "Account")
    ]
    assert service("describeSObject", "Opportunity").name == "Opportunity"
    assert "Lead" in [one.name for one in service("describeGlobal").sobjects]


def test_changes_merges_and_the_rest_are_as_described(org, service, sobject):
    first, second = org.insert("Account", [{"Name": "A"}, {"Name": "B"}])
    org.insert("Contact", [{"LastName": "C", "AccountId": second}])
    [merged] = service("merge", [{"masterRecord": sobject("Account", first), "recordToMergeIds": [second]}])
    assert (merged.mergedRecordIds, len(merged.updatedRelatedIds)) == ([second], 1)
    now = service("getServerTimestamp").timestamp
    span = (now - timedelta(hours=1), now + timedelta(minutes=2))
    assert first in service("getUpdated", "Account", *span).ids
    assert service("getDeleted", "Account", *span).deletedRecords[0].id == second
    assert service("getUserInfo").userId == org.admin_id
    service("logout")
    with pytest.raises(zeep.exceptions.Fault, match="INVALID_SESSION_ID"):
        service("getUserInfo")

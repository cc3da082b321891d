from __future__ import annotations

import pytest

DONE = "Closed - Converted"


@pytest.fixture
def lead(org):
    return org.insert("Lead", [{"LastName": "Lovelace", "Company": "Engines", "Phone": "1"}])[0]


def request(xml, **values):
    given = {"convertedStatus": DONE, "doNotCreateOpportunity": "false", "overwriteLeadSource": "false", **values}
    extra = given.pop("extra", "")
    return f"<leadConverts>{xml.fields(**given)}{extra}</leadConverts>"


def test_a_conversion_answers_in_the_order_of_the_wsdl(org, soap, xml, lead):
    [result] = soap("convertLead", request(xml, leadId=lead, sendNotificationEmail="false"))
    assert [xml.local(child) for child in result] == ["accountId", "contactId", "leadId", "opportunityId", "success"]
    told = xml.values(result)
    assert (told["leadId"], told["success"]) == (lead, "true")
    assert [told[name][:3] for name in ("accountId", "contactId", "opportunityId")] == ["001", "003", "006"]
    assert org.record("Lead", lead)["ConvertedAccountId"] == told["accountId"]


def test_newer_versions_tell_of_person_accounts(soap, xml, lead):
    [result] = soap("convertLead", request(xml, leadId=lead), path="/services/Soap/u/60.0")
    assert xml.values(result)["relatedPersonAccountId"] is None


def test_everything_that_can_be_asked_for_is_heard(org, soap, xml, lead):
    account = org.insert("Account", [{"Name": "There"}])[0]
    contact = org.insert("Contact", [{"LastName": "Old", "AccountId": account, "LeadSource": "Other"}])[0]
    org.update("Lead", lead, {"LeadSource": "Web"})
    owner = org.add_user("Owner")
    overlay = "<opportunityRecord><type>Opportunity</type><Amount>5</Amount></opportunityRecord>"
    [result] = soap(
        "convertLead",
        request(
            xml, leadId=lead, accountId=account, contactId=contact, ownerId=owner, opportunityName="Deal",
            overwriteLeadSource="true", extra=overlay,
        ),
    )  # fmt: skip
    told = xml.values(result)
    assert (told["accountId"], told["contactId"]) == (account, contact)
    opportunity = org.record("Opportunity", told["opportunityId"])
    assert (opportunity["Name"], opportunity["OwnerId"], opportunity["Amount"]) == ("Deal", owner, 5)
    assert org.record("Contact", contact)["LeadSource"] == "Web"


def test_each_lead_succeeds_or_fails_for_itself(soap, xml, lead):
    good, bad = map(
        xml.values,
        soap(
            "convertLead",
            request(xml, leadId=lead, doNotCreateOpportunity="true") + request(xml, leadId="00QFk0000000zzz"),
        ),
    )
    assert (good["success"], good["opportunityId"]) == ("true", None)
    assert (bad["success"], bad["accountId"], bad["errors"]["statusCode"]) == (
        "false",
        None,
        "INVALID_CROSS_REFERENCE_KEY",
    )


def test_nil_ids_ask_for_nothing(soap, xml, lead):
    nil = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true"'
    extra = "".join(
        f"<{name} {nil}/>" for name in ("accountId", "contactId", "ownerId", "opportunityName", "accountRecord")
    )
    assert xml.values(soap("convertLead", request(xml, leadId=lead, extra=extra))[0])["success"] == "true"


def test_too_many_leads_and_unknown_fields_refuse_the_call(soap, xml, lead):
    assert soap.fault("convertLead", request(xml, leadId=lead) * 101)[0] == "EXCEEDED_LEAD_CONVERT_LIMIT"
    overlay = "<accountRecord><type>Account</type><Nope>1</Nope></accountRecord>"
    assert soap.fault("convertLead", request(xml, leadId=lead, extra=overlay))[0] == "INVALID_FIELD"

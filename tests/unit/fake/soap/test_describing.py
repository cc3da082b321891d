from __future__ import annotations

import pytest


def test_a_describe_says_what_the_rest_describe_says(org, soap, client, xml):
    [result] = soap("describeSObject", xml.fields(sObjectType="lead"))
    told = xml.values(result)
    real = client.get("/services/data/v48.0/sobjects/Lead/describe").json()
    assert [field["name"] for field in told["fields"]] == [field["name"] for field in real["fields"]]
    for key in ("name", "keyPrefix", "label", "labelPlural"):
        assert told[key] == real[key]
    fields = {field["name"]: field for field in told["fields"]}
    assert [entry["value"] for entry in fields["Rating"]["picklistValues"]] == ["Hot", "Warm", "Cold"]
    assert fields["OwnerId"]["referenceTo"] == ["Group", "User"]
    assert (fields["LastName"]["length"], fields["LastName"]["soapType"]) == ("80", "xsd:string")
    assert fields["Address"]["soapType"] == "tns:address"
    assert fields["IsConverted"]["defaultValue"] == "false"


def test_members_stand_in_the_order_of_the_wsdl(soap, xml):
    [result] = soap("describeSObject", xml.fields(sObjectType="Lead"))
    names = [xml.local(child) for child in result]
    assert names == sorted(names)
    first = next(child for child in result if xml.local(child) == "fields")
    inner = [xml.local(child) for child in first]
    assert inner == sorted(inner)


def test_newer_versions_tell_of_more(soap, xml):
    new = xml.values(soap("describeSObject", xml.fields(sObjectType="Lead"), path="/services/Soap/u/60.0")[0])
    old = xml.values(soap("describeSObject", xml.fields(sObjectType="Lead"))[0])
    assert set(new) - set(old) == {"associateEntityType", "associateParentEntity", "extendedBy", "extendsInterfaces"}


def test_several_objects_are_described_at_once(soap, xml):
    names = "<sObjectType>Lead</sObjectType><sObjectType>Account</sObjectType>"
    assert [xml.values(one)["name"] for one in soap("describeSObjects", names)] == ["Lead", "Account"]
    assert soap.fault("describeSObjects", names * 51)[0] == "EXCEEDED_ID_LIMIT"


@pytest.mark.parametrize("name", ["Nope", ""])
def test_unknown_objects_are_faults(soap, xml, name):
    assert soap.fault("describeSObject", xml.fields(sObjectType=name))[0::2] == ("INVALID_TYPE", "InvalidSObjectFault")


def test_the_global_describe_lists_every_object(org, soap, xml):
    told = xml.values(soap("describeGlobal")[0])
    assert [one["name"] for one in told["sobjects"]] == sorted(facts.name for facts in org.catalog)
    assert (told["encoding"], told["maxBatchSize"]) == ("UTF-8", "200")

from __future__ import annotations

import pytest

URN = "urn:partner.soap.sforce.com"


def header(name, **values):
    inner = "".join(f"<{key}>{value}</{key}>" for key, value in values.items())
    return f'<{name} xmlns="{URN}">{inner}</{name}>'


@pytest.fixture
def create(soap, xml):
    def create(*records, **options):
        return [xml.values(one) for one in soap("create", "".join(records), **options)]

    return create


def test_records_are_made_and_refused_one_by_one(org, create, xml, soap):
    results = soap("create", xml.record("Lead", LastName="A", Company="C") + xml.record("Lead", LastName="B"))
    good, bad = map(xml.values, results)
    assert [xml.local(child) for child in results[0]] == ["id", "success"]
    assert (good["success"], org.record("Lead", good["id"])["LastName"]) == ("true", "A")
    assert [xml.local(child) for child in results[1]] == ["errors", "id", "success"]
    assert bad == {
        "errors": {
            "fields": "Company", "message": "Required fields are missing: [Company]", "statusCode": "REQUIRED_FIELD_MISSING",
        },
        "id": None,
        "success": "false",
    }  # fmt: skip


def test_values_are_read_as_their_fields_are_typed(org, create, xml):
    [result] = create(
        xml.record(
            "Lead", LastName=" <A> ", Company="C", AnnualRevenue="12", IsUnreadByOwner="true", NumberOfEmployees="3"
        )
    )
    made = org.record("Lead", result["id"])
    assert (made["AnnualRevenue"], made["IsUnreadByOwner"], made["NumberOfEmployees"]) == (12.0, True, 3)
    assert made["LastName"].strip() == "<A>"


def test_a_parent_may_be_named_by_an_external_id(org, soap, xml):
    org.add_field("Account", "Key__c", "string", external_id=True, unique=True)
    account = org.insert("Account", [{"Name": "A", "Key__c": "k1"}])[0]
    parent = "<Account><type>Account</type><Key__c>k1</Key__c></Account>"
    body = f"<sObjects><type>Contact</type><LastName>C</LastName>{parent}</sObjects>"
    made = xml.values(soap("create", body)[0])["id"]
    assert org.record("Contact", made)["AccountId"] == account


def test_records_of_several_objects_go_together(org, create, xml):
    results = create(
        xml.record("Account", Name="A"), xml.record("Lead", LastName="L", Company="C"), xml.record("Account", Name="B")
    )
    assert [one["id"][:3] for one in results] == ["001", "00Q", "001"]


def test_all_or_none_undoes_records_of_every_object(org, create, xml):
    results = create(
        xml.record("Account", Name="A"),
        xml.record("Lead", LastName="L"),
        header=header("AllOrNoneHeader", allOrNone="true"),
    )
    assert [one["errors"]["statusCode"] for one in results] == [
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
        "REQUIRED_FIELD_MISSING",
    ]
    assert [one["id"] for one in results] == [None, None]
    assert org.count("Account") == 0


def test_an_update_changes_what_it_names_and_clears_what_it_lists(org, soap, xml, leads):
    org.update("Lead", leads[0], {"Phone": "1", "City": "Rome", "Email": "a@b.example"})
    body = xml.record("Lead", Id=leads[0][:15], nulls=("Phone",), Title="T").replace(
        "</sObjects>", "<City/><Email xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' xsi:nil='true'/></sObjects>"
    )
    assert xml.values(soap("update", body)[0]) == {"id": leads[0], "success": "true"}
    lead = org.record("Lead", leads[0])
    assert (lead["Phone"], lead["Title"], lead["City"], lead["Email"]) == (None, "T", "Rome", "a@b.example")


def test_an_upsert_tells_whether_it_made_a_record(org, soap, xml):
    org.add_field("Lead", "Key__c", "string", external_id=True, unique=True)
    known = org.insert("Lead", [{"LastName": "A", "Company": "C", "Key__c": "1"}])[0]
    body = xml.fields(externalIDFieldName="key__C")
    body += xml.record("Lead", Key__c="1", LastName="B") + xml.record("Lead", Key__c="2", LastName="New", Company="C")
    changed, made = [xml.values(one) for one in soap("upsert", body)]
    assert changed == {"created": "false", "id": known, "success": "true"}
    assert made["created"] == "true"
    assert org.record("Lead", known)["LastName"] == "B"


@pytest.mark.parametrize("key", ["", "Nope__c", "LastName"])
def test_an_upsert_needs_a_field_that_identifies(soap, xml, key):
    body = xml.fields(externalIDFieldName=key) + xml.record("Lead", LastName="A", Company="C")
    assert soap.fault("upsert", body)[0] in {"MISSING_ARGUMENT", "INVALID_FIELD"}


def test_records_are_deleted_and_taken_back(org, soap, xml, leads):
    ids = "".join(f"<ids>{one}</ids>" for one in (leads[0], leads[1][:15], "00QFk0000000zzz"))
    results = [xml.values(one) for one in soap("delete", ids)]
    assert [one["success"] for one in results] == ["true", "true", "false"]
    assert org.count("Lead") == 5
    assert xml.values(soap("undelete", f"<ids>{leads[0]}</ids>")[0]) == {"id": leads[0], "success": "true"}
    assert org.count("Lead") == 6


def test_a_merge_leaves_the_master_and_moves_what_hung_on_the_others(org, soap, xml):
    master, loser = org.insert("Account", [{"Name": "Master"}, {"Name": "Loser", "Phone": "1"}])
    contact = org.insert("Contact", [{"LastName": "C", "AccountId": loser}])[0]
    body = (
        "<request>"
        + xml.record("Account", tag="masterRecord", Id=master, Phone="2")
        + f"<recordToMergeIds>{loser}</recordToMergeIds></request>"
    )
    [result] = soap("merge", body)
    assert xml.values(result) == {
        "id": master,
        "mergedRecordIds": loser,
        "success": "true",
        "updatedRelatedIds": contact,
    }
    assert org.record("Account", loser)["MasterRecordId"] == master
    assert org.record("Account", master)["Phone"] == "2"
    assert org.record("Contact", contact)["AccountId"] == master


def test_what_cannot_be_merged_is_refused(org, soap, xml, leads):
    def request(record, *losers):
        return f"<request>{record}{''.join(f'<recordToMergeIds>{one}</recordToMergeIds>' for one in losers)}</request>"

    lead = xml.record("Lead", tag="masterRecord", Id=leads[0])
    assert soap.fault("merge", request(lead))[0] == "INVALID_ARGUMENT_TYPE"
    assert soap.fault("merge", request(lead, *leads[1:4]))[0] == "INVALID_ARGUMENT_TYPE"
    assert soap.fault("merge", request("", leads[1]))[0] == "MISSING_ARGUMENT"
    opportunity = xml.record("Opportunity", tag="masterRecord", Id=leads[0])
    assert soap.fault("merge", request(opportunity, leads[1]))[0] == "INVALID_TYPE"


def test_assignment_rules_fire_only_for_those_who_ask(org, create, xml):
    other = org.add_user("Other")
    org.add_assignment_rule("Lead", "Company = 'C'", other)
    [plain] = create(xml.record("Lead", LastName="A", Company="C"))
    [ruled] = create(
        xml.record("Lead", LastName="B", Company="C"), header=header("AssignmentRuleHeader", useDefaultRule="true")
    )
    assert org.record("Lead", plain["id"])["OwnerId"] == org.admin_id
    assert org.record("Lead", ruled["id"])["OwnerId"] == other


def test_duplicates_are_told_in_full_and_can_be_insisted_on(org, create, xml, leads):
    org.add_duplicate_rule("Lead", ["LastName"], action="alert")
    [refused] = create(xml.record("Lead", LastName="lead 0", Company="C"))
    assert refused["errors"]["statusCode"] == "DUPLICATES_DETECTED"
    found = refused["errors"]["duplicateResult"]
    assert found["matchResults"]["matchRecords"]["record"] == {"type": "Lead", "Id": leads[0]}
    [saved] = create(
        xml.record("Lead", LastName="lead 0", Company="C"), header=header("DuplicateRuleHeader", allowSave="true")
    )
    assert saved["success"] == "true"


def test_long_texts_are_cut_for_those_who_allow_it(org, create, xml):
    body = xml.record("Lead", LastName="A" * 100, Company="C")
    assert create(body)[0]["errors"]["statusCode"] == "STRING_TOO_LONG"
    allowed = header("AllowFieldTruncationHeader", allowFieldTruncation="true")
    assert len(org.record("Lead", create(body, header=allowed)[0]["id"])["LastName"]) == 80


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("<sObjects><LastName>A</LastName></sObjects>", "INVALID_TYPE"),
        ("<sObjects><type>Nope</type></sObjects>", "INVALID_TYPE"),
        ("<sObjects><type>Lead</type><Nope>1</Nope></sObjects>", "INVALID_FIELD"),
        ("<sObjects><type>Lead</type><Nope><type>Account</type><Name>x</Name></Nope></sObjects>", "INVALID_FIELD"),
        ("<sObjects><type>Lead</type></sObjects>" * 201, "EXCEEDED_ID_LIMIT"),
        ("<sObjects><type>Lead</type></sObjects><sObjects><type>Account</type></sObjects>" * 6, "LIMIT_EXCEEDED"),
    ],
)
def test_what_no_record_can_be_refuses_the_whole_call(soap, body, code):
    assert soap.fault("create", body)[0] == code


def test_a_call_without_records_answers_nothing(soap):
    for name in ("create", "update", "delete", "undelete", "convertLead"):
        assert soap(name) == []

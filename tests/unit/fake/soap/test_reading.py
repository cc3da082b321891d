from __future__ import annotations

from datetime import timedelta

import pytest

NAMES = {"p": "urn:partner.soap.sforce.com", "s": "urn:sobject.partner.soap.sforce.com"}


@pytest.fixture
def query(soap, xml):
    def query(text, call="query", header=""):
        [result] = soap(call, xml.fields(queryString=text), header)
        return result

    return query


def records(result):
    return result.findall("p:records", NAMES)


def test_a_query_answers_in_the_order_of_the_wsdl(org, query, leads, xml):
    result = query("SELECT Id, Name, AnnualRevenue FROM Lead ORDER BY Name LIMIT 2")
    assert [xml.local(child) for child in result] == ["done", "queryLocator", "records", "records", "size"]
    first = records(result)[0]
    # The Id comes twice: in its own place and among what was selected.
    assert [(xml.local(child), child.text) for child in first] == [
        ("type", "Lead"), ("Id", leads[0]), ("Id", leads[0]), ("Name", "Lead 0"), ("AnnualRevenue", None),
    ]  # fmt: skip
    assert result.find("p:size", NAMES).text == "2"


def test_values_are_told_as_soap_tells_them(org, query, xml):
    org.insert(
        "Lead",
        [
            {
                "LastName": "<&\r\n\x02>",
                "Company": "C",
                "AnnualRevenue": 8e7,
                "City": "Rome",
                "CreatedDate": "2026-01-02T03:04:05Z",
            }
        ],
    )
    soql = "SELECT LastName, AnnualRevenue, IsConverted, CreatedDate, Description, Address, Owner.Name FROM Lead"
    values = xml.values(records(query(soql))[0])
    assert values["LastName"] == "<&\r\n?>"
    assert values["AnnualRevenue"] == "8.0E7"
    assert (values["IsConverted"], values["CreatedDate"], values["Description"]) == (
        "false",
        "2026-01-02T03:04:05.000Z",
        None,
    )
    assert values["Address"]["city"] == "Rome"
    assert (
        values["Owner"] == {"type": "User", "Id": None, "Name": "Ada Admin"} or values["Owner"]["Name"] == "Ada Admin"
    )
    assert values["Id"] is None


def test_a_text_that_looks_like_a_moment_stays_what_it_is(org, query, xml):
    org.insert("Lead", [{"LastName": "2026-01-02T03:04:05.000+0000", "Company": "C"}])
    assert xml.values(records(query("SELECT LastName FROM Lead"))[0])["LastName"] == "2026-01-02T03:04:05.000+0000"


def test_aggregates_say_of_what_type_they_are(org, query, leads, xml):
    result = query("SELECT Company, COUNT(Id) n, MAX(CreatedDate) m FROM Lead GROUP BY Company")
    [record] = records(result)
    assert xml.values(record) | {"type": "AggregateResult", "Company": "Acme", "n": "7"} == xml.values(record)
    kinds = [child.get("{http://www.w3.org/2001/XMLSchema-instance}type") for child in record][2:]
    assert kinds == ["xsd:string", "xsd:int", "xsd:dateTime"]
    assert xml.values(record)["m"].endswith("Z")


def test_children_are_query_results_of_their_own(org, query, xml):
    account = org.insert("Account", [{"Name": "A"}, {"Name": "B"}])[0]
    org.insert("Contact", [{"LastName": "C", "AccountId": account}])
    first, second = records(query("SELECT Name, (SELECT LastName FROM Contacts) FROM Account ORDER BY Name"))
    inner = xml.values(first)["Contacts"]
    assert (inner["done"], inner["size"], inner["records"]["LastName"]) == ("true", "1", "C")
    assert xml.values(second)["Contacts"] is None


def test_later_pages_follow_a_locator(org, soap, query, xml):
    org.insert("Lead", [{"LastName": f"L{number:03d}", "Company": "C"} for number in range(450)])
    header = '<QueryOptions xmlns="urn:partner.soap.sforce.com"><batchSize>200</batchSize></QueryOptions>'
    result = query("SELECT LastName FROM Lead ORDER BY LastName", header=header)
    names = [xml.values(record)["LastName"] for record in records(result)]
    while result.find("p:done", NAMES).text == "false":
        assert result.find("p:size", NAMES).text == "450"
        [result] = soap("queryMore", xml.fields(queryLocator=result.find("p:queryLocator", NAMES).text))
        names += [xml.values(record)["LastName"] for record in records(result)]
    assert names == [f"L{number:03d}" for number in range(450)]
    assert result.find("p:queryLocator", NAMES).text is None


def test_query_all_shows_the_recycle_bin(org, query, leads):
    org.delete("Lead", leads[0])
    assert query("SELECT COUNT() FROM Lead").find("p:size", NAMES).text == "6"
    assert query("SELECT COUNT() FROM Lead", call="queryAll").find("p:size", NAMES).text == "7"


@pytest.mark.parametrize(
    ("soql", "code", "detail"),
    [
        ("SELECT Nope FROM Lead", "INVALID_FIELD", "InvalidFieldFault"),
        ("SELECT Id FROM Nope", "INVALID_TYPE", "InvalidSObjectFault"),
        ("SELECT FROM Lead", "MALFORMED_QUERY", "MalformedQueryFault"),
        ("", "MALFORMED_QUERY", "MalformedQueryFault"),
    ],
)
def test_bad_queries_are_faults_with_a_place(soap, xml, soql, code, detail):
    response = soap.raw("query", xml.fields(queryString=soql))
    assert xml.told(response)[0::2] == (code, detail)
    assert "<sf:row>" in response.text


def test_a_bad_locator_is_a_fault(soap, xml):
    assert soap.fault("queryMore", xml.fields(queryLocator="nope"))[0::2] == (
        "INVALID_QUERY_LOCATOR",
        "InvalidQueryLocatorFault",
    )


def test_fields_that_a_user_may_not_see_are_not_there(org, soap_of, xml, leads):
    user = org.add_user("Reader")
    org.hide("Lead", "Email", user=user)
    reader = soap_of(org, org.token_for(user))
    assert reader.fault("query", xml.fields(queryString="SELECT Email FROM Lead"))[0] == "INVALID_FIELD"
    assert "Email" not in xml.values(reader("describeSObject", xml.fields(sObjectType="Lead"))[0])


# --- retrieve ------------------------------------------------------------------------------------------------------


def test_retrieve_answers_in_order_with_nothing_for_what_is_not_there(org, soap, leads, xml):
    org.delete("Lead", leads[1])
    ids = "".join(f"<ids>{one}</ids>" for one in (leads[2], leads[1], leads[0][:15]))
    found = soap("retrieve", xml.fields(fieldList="lastname, CreatedDate", sObjectType="lead") + ids)
    assert [xml.values(one).get("LastName") for one in found] == ["Lead 2", None, "Lead 0"]
    assert xml.values(found[0])["CreatedDate"].endswith(".000Z")
    assert found[1].get("{http://www.w3.org/2001/XMLSchema-instance}nil") == "true"


def test_retrieve_refuses_what_it_cannot_know(soap, xml, leads):
    assert soap.fault("retrieve", xml.fields(fieldList="Nope", sObjectType="Lead", ids=leads[0]))[0] == "INVALID_FIELD"
    assert soap.fault("retrieve", xml.fields(fieldList="Id", sObjectType="Nope", ids=leads[0]))[0] == "INVALID_TYPE"
    assert soap.fault("retrieve", xml.fields(fieldList="Id", sObjectType="Lead", ids="x"))[0] == "MALFORMED_ID"
    many = "<ids>00QFk0000000000</ids>" * 2001
    assert soap.fault("retrieve", xml.fields(fieldList="Id", sObjectType="Lead") + many)[0] == "EXCEEDED_ID_LIMIT"


# --- changes -------------------------------------------------------------------------------------------------------


def test_changes_and_deletions_of_a_span_are_told(org, soap, leads, xml):
    org.delete("Lead", leads[0])
    now = org.clock.now()
    span = xml.fields(
        sObjectType="Lead",
        startDate=(now - timedelta(days=1)).isoformat(),
        endDate=(now + timedelta(minutes=2)).isoformat(),
    )
    updated = xml.values(soap("getUpdated", span)[0])
    assert set(updated["ids"]) == set(leads[1:])
    assert updated["latestDateCovered"].endswith("Z")
    deleted = xml.values(soap("getDeleted", span)[0])
    assert list(deleted) == ["deletedRecords", "earliestDateAvailable", "latestDateCovered"]
    assert deleted["deletedRecords"]["id"] == leads[0]


@pytest.mark.parametrize("dates", [{}, {"startDate": "yesterday", "endDate": "today"}])
def test_a_span_needs_dates(soap, xml, dates):
    assert soap.fault("getUpdated", xml.fields(sObjectType="Lead", **dates))[0] == "INVALID_ARGUMENT_TYPE"

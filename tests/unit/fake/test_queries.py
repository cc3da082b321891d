from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from sfsync.fake.faults import RestFault
from sfsync.fake.ids import make_id

DATA = "/services/data/v60.0"


def test_an_answer_has_salesforces_shape_and_order_of_keys(client, leads):
    answer = client.query("SELECT LastName, Id, AnnualRevenue FROM Lead ORDER BY Id LIMIT 1")
    assert list(answer) == ["totalSize", "done", "records"]
    assert (answer["totalSize"], answer["done"]) == (1, True)
    [record] = answer["records"]
    assert list(record) == ["attributes", "LastName", "Id", "AnnualRevenue"]
    assert record["attributes"] == {"type": "Lead", "url": f"{DATA}/sobjects/Lead/{leads[0]}"}
    assert record["AnnualRevenue"] is None


def test_an_empty_answer(client):
    assert client.query("SELECT Id FROM Lead") == {"totalSize": 0, "done": True, "records": []}


def test_counting_gives_a_size_and_no_records(org, client, leads):
    org.delete("Lead", leads[0])
    assert client.query("SELECT COUNT() FROM Lead") == {"totalSize": 6, "done": True, "records": []}


def test_aggregates_have_no_address(client, leads):
    answer = client.query("SELECT Company, COUNT(Id) FROM Lead GROUP BY Company")
    assert answer["records"] == [{"attributes": {"type": "AggregateResult"}, "Company": "Acme", "expr0": len(leads)}]


def test_values_are_written_as_salesforce_writes_them(org, client):
    values = {
        "LastName": 'O\'Hara "Ω"\\',
        "Company": "X",
        "AnnualRevenue": 80_000_000,
        "NumberOfEmployees": 33,
        "CreatedDate": datetime(2022, 2, 15, 6, 21, 19),
        "ConvertedDate": "2022-02-16",
        "IsConverted": True,
    }
    org.insert("Lead", [values])
    response = client.get(f"{DATA}/query", params={"q": f"SELECT {', '.join(values)} FROM Lead"})
    assert '"AnnualRevenue":8.0E7,"NumberOfEmployees":33,' in response.text
    [record] = response.json()["records"]
    assert record["LastName"] == values["LastName"]
    assert record["CreatedDate"] == "2022-02-15T06:21:19.000+0000"
    assert record["ConvertedDate"] == "2022-02-16"
    assert record["IsConverted"] is True


def test_doubles_have_a_point(org, client):
    org.insert("Lead", [{"LastName": "A", "Company": "X", "AnnualRevenue": 4000}])
    assert '"AnnualRevenue":4000.0' in client.get(f"{DATA}/query", params={"q": "SELECT AnnualRevenue FROM Lead"}).text


def test_parents_are_nested_and_null_where_there_is_none(org, client):
    [parent] = org.insert("Account", [{"Name": "Top"}])
    [account] = org.insert("Account", [{"Name": "Acme", "ParentId": parent}])
    org.insert("Contact", [{"LastName": "A", "AccountId": account}, {"LastName": "B"}])
    soql = "SELECT LastName, Account.Name, Account.Parent.Name, Account.Industry FROM Contact ORDER BY LastName"
    first, second = client.query(soql)["records"]
    assert first["Account"] == {
        "attributes": {"type": "Account", "url": f"{DATA}/sobjects/Account/{account}"},
        "Name": "Acme",
        "Parent": {"attributes": {"type": "Account", "url": f"{DATA}/sobjects/Account/{parent}"}, "Name": "Top"},
        "Industry": None,
    }
    assert second["Account"] is None


def test_a_lookup_to_several_objects_tells_which_it_found_in_its_address(client, leads):
    record = client.query("SELECT Owner.Name FROM Lead LIMIT 1")["records"][0]
    assert record["Owner"]["attributes"]["type"] == "Name"
    assert "/sobjects/User/005" in record["Owner"]["attributes"]["url"]
    assert record["Owner"]["Name"] == "Ada Admin"


def test_an_address_is_an_object_or_null(org, client):
    org.insert(
        "Lead",
        [{"LastName": "A", "Company": "X", "City": "Recife", "Latitude": -8.05}, {"LastName": "B", "Company": "X"}],
    )
    first, second = client.rows("SELECT Address FROM Lead ORDER BY LastName")
    assert first["Address"] == {
        "city": "Recife", "country": None, "geocodeAccuracy": None, "latitude": -8.05, "longitude": None,
        "postalCode": None, "state": None, "street": None,
    }  # fmt: skip
    assert second["Address"] is None


def pages(client, soql, path="query", **options):
    answer = client.get(f"{DATA}/{path}", params={"q": soql}, **options).json()
    found = [answer]
    while not answer["done"]:
        answer = client.get(answer["nextRecordsUrl"]).json()
        found.append(answer)
    return found


def test_a_long_answer_comes_in_pages(org, client, leads):
    org.settings.query_page = 3
    found = pages(client, "SELECT Id FROM Lead ORDER BY Id")
    assert [len(page["records"]) for page in found] == [3, 3, 1]
    assert [page["totalSize"] for page in found] == [7, 7, 7]
    assert [record["Id"] for page in found for record in page["records"]] == leads
    assert list(found[0]) == ["totalSize", "done", "nextRecordsUrl", "records"]
    assert found[0]["nextRecordsUrl"] == f"{DATA}/query/{make_id('01g', 1)}-3"
    assert "nextRecordsUrl" not in found[-1]


def test_an_answer_that_just_fits_is_one_page(org, client, leads):
    org.settings.query_page = len(leads)
    assert len(pages(client, "SELECT Id FROM Lead")) == 1


def test_later_pages_do_not_see_what_happens_meanwhile(org, client, leads):
    org.settings.query_page = 3
    first = client.query("SELECT Id, LastName FROM Lead ORDER BY Id")
    org.update("Lead", leads[4], {"LastName": "changed"})
    org.delete("Lead", leads[5])
    second = client.get(first["nextRecordsUrl"]).json()
    assert [record["LastName"] for record in second["records"]] == ["Lead 3", "Lead 4", "Lead 5"]


def test_a_page_can_be_read_again_and_from_both_addresses(org, client, leads):
    org.settings.query_page = 3
    url = client.query("SELECT Id FROM Lead")["nextRecordsUrl"]
    assert client.get(url).json() == client.get(url).json() == client.get(url.replace("/query/", "/queryAll/")).json()
    assert client.get(url, params={"q": "SELECT Id FROM Lead"}).status_code == 200


def test_pages_are_stamped_with_the_version_they_are_asked_in(org, client, leads):
    org.settings.query_page = 3
    url = client.query("SELECT Id FROM Lead")["nextRecordsUrl"].replace("v60.0", "v61.0")
    answer = client.get(url).json()
    assert "/v61.0/" in answer["records"][0]["attributes"]["url"]
    assert "/v61.0/" in answer["nextRecordsUrl"]


@pytest.mark.parametrize(
    ("asked", "sizes"),
    [("batchSize=200", [200, 5]), ("batchSize=1", [200, 5]), ("batchSize = 9999", [205]), ("other", [205])],
)
def test_the_client_may_ask_for_smaller_pages(org, client, asked, sizes):
    org.insert("Lead", [{"LastName": str(number), "Company": "X"} for number in range(205)])
    found = pages(client, "SELECT Id FROM Lead", headers={"Sforce-Query-Options": asked})
    assert [len(page["records"]) for page in found] == sizes


@pytest.mark.parametrize(
    "locator", ["nonsense", make_id("01g", 77) + "-2000", make_id("01g", 1), make_id("01g", 1) + "-9999"]
)
def test_locators_that_were_never_given_out_are_refused(org, client, leads, locator):
    org.settings.query_page = 3
    client.query("SELECT Id FROM Lead")
    response = client.get(f"{DATA}/query/{locator}")
    assert response.status_code == 400
    assert response.json() == [{"message": "invalid query locator", "errorCode": "INVALID_QUERY_LOCATOR"}]


def test_locators_live_for_two_days(org, client, leads):
    org.settings.query_page = 3
    url = client.query("SELECT Id FROM Lead")["nextRecordsUrl"]
    org.clock.advance(timedelta(hours=47))
    assert client.get(url).status_code == 200
    org.clock.advance(timedelta(hours=2))
    assert client.get(url).status_code == 400


def test_the_oldest_locators_give_way(org, client, leads, monkeypatch):
    monkeypatch.setattr("sfsync.fake.queries._MOST", 2)
    org.settings.query_page = 3
    urls = [client.query("SELECT Id FROM Lead")["nextRecordsUrl"] for _ in range(3)]
    assert [client.get(url).status_code for url in urls] == [400, 200, 200]


def test_only_query_all_sees_the_recycle_bin(org, client, leads):
    org.delete("Lead", leads[0])
    org.settings.query_page = 4
    live = pages(client, "SELECT Id FROM Lead")
    everything = pages(client, "SELECT Id, IsDeleted FROM Lead", path="queryAll")
    assert live[0]["totalSize"] == 6
    assert everything[0]["totalSize"] == 7
    assert sum(record["IsDeleted"] for page in everything for record in page["records"]) == 1


def test_groups_that_do_not_fit_into_a_page_are_refused(org, client, leads):
    org.settings.query_page = 3
    [error] = client.query("SELECT LastName, COUNT(Id) FROM Lead GROUP BY LastName")
    assert error["errorCode"] == "EXCEEDED_ID_LIMIT"
    assert "does not support queryMore()" in error["message"]


def test_a_wrong_query_points_at_its_fault(client):
    response = client.get(f"{DATA}/query", params={"q": "SELECT Id, Nope FROM Lead"})
    assert response.status_code == 400
    [error] = response.json()
    assert list(error) == ["message", "errorCode"]
    assert error["errorCode"] == "INVALID_FIELD"
    assert error["message"].startswith(
        "\nSELECT Id, Nope FROM Lead\n           ^\nERROR at Row:1:Column:12\nNo such column 'Nope'"
    )


@pytest.mark.parametrize(
    ("soql", "code"),
    [
        ("SELECT Id FROM Leed", "INVALID_TYPE"),
        ("SELECT Id FROM Lead WHERE", "MALFORMED_QUERY"),
        ("", "MALFORMED_QUERY"),
        ("SELECT Id FROM Lead -- comment", "MALFORMED_QUERY"),
        ("SELECT Id FROM Lead; DROP TABLE Lead", "MALFORMED_QUERY"),
        ("SELECT Id FROM Lead WHERE Id = 'x'", "INVALID_QUERY_FILTER_OPERATOR"),
        ("SELECT Id FROM Lead WHERE Description = 'x'", "INVALID_FIELD"),
    ],
)
def test_wrong_queries_have_salesforces_codes(client, soql, code):
    [error] = client.query(soql)
    assert error["errorCode"] == code


def test_a_statement_that_is_too_long_is_refused(org):
    with pytest.raises(RestFault) as caught:
        org.queries.compiled("x" * 100_001, all_rows=False)
    assert caught.value.code == "MALFORMED_QUERY"


def test_a_query_without_text_is_refused(client):
    assert client.get(f"{DATA}/query").json()[0]["errorCode"] == "MALFORMED_QUERY"


def test_values_in_a_query_are_never_sql(org, client):
    org.insert("Lead", [{"LastName": "x' OR '1'='1", "Company": "X"}, {"LastName": "B", "Company": "X"}])
    assert len(client.rows(r"SELECT Id FROM Lead WHERE LastName = 'x\' OR \'1\'=\'1'")) == 1
    assert client.rows("SELECT Id FROM Lead WHERE LastName = '); DROP TABLE \"Lead\"; --'") == []
    assert org.count("Lead") == 2


def test_a_compiled_statement_is_made_anew_when_the_day_or_the_org_changes(org, client, leads):
    soql = "SELECT COUNT() FROM Lead WHERE CreatedDate = TODAY"
    assert client.query(soql)["totalSize"] == 7
    org.clock.advance(timedelta(days=1))
    assert client.query(soql)["totalSize"] == 0
    org.settings.timezone = "Pacific/Kiritimati"
    assert client.query("SELECT Score__c FROM Lead LIMIT 1")[0]["errorCode"] == "INVALID_FIELD"
    org.add_field("Lead", "Score__c", "double")
    assert client.query("SELECT Score__c FROM Lead LIMIT 1")["totalSize"] == 1
    assert client.query("SELECT Email FROM Lead LIMIT 1")["totalSize"] == 1
    org.hide("Lead", "Email")
    assert client.query("SELECT Email FROM Lead LIMIT 1")[0]["errorCode"] == "INVALID_FIELD"


def test_the_same_statement_sees_what_happened_meanwhile(org, client, leads):
    soql = "SELECT LastName FROM Lead WHERE LastName = 'new'"
    assert client.rows(soql) == []
    org.update("Lead", leads[0], {"LastName": "new"})
    assert client.rows(soql) == [{"LastName": "new"}]


def test_only_so_many_statements_stay_compiled(org, client, monkeypatch):
    monkeypatch.setattr("sfsync.fake.queries._MOST_COMPILED", 3)
    for number in range(9):
        assert client.rows(f"SELECT Id FROM Lead LIMIT {number}") == []


@pytest.mark.parametrize("columns", ["Id", "Id, Owner.Name", "FIELDS(ALL)"])
def test_pages_kept_and_pages_read_at_once_have_the_same_bytes(org, client, leads, columns):
    org.insert("Lead", [{"LastName": "Z", "Company": "X", "AnnualRevenue": 8e7, "City": "Recife", "Latitude": -8.05}])
    soql = f"SELECT {columns} FROM Lead ORDER BY LastName LIMIT 200"
    [whole] = pages(client, soql)
    org.settings.query_page = 3
    assert [record for page in pages(client, soql) for record in page["records"]] == whole["records"]


def test_money_in_an_org_with_several_currencies(org, client):
    org.multi_currency({"USD": 1, "EUR": 0.5})
    org.insert(
        "Opportunity",
        [
            {
                "Name": name,
                "StageName": "Prospecting",
                "CloseDate": "2026-01-01",
                "Amount": 100,
                "CurrencyIsoCode": code,
            }
            for name, code in (("dollars", "USD"), ("euros", "EUR"))
        ],
    )
    assert client.rows("SELECT Amount, convertCurrency(Amount) c FROM Opportunity ORDER BY Name") == [
        {"Amount": 100.0, "c": 100.0},
        {"Amount": 100.0, "c": 200.0},
    ]
    assert client.rows("SELECT Name FROM Opportunity WHERE Amount > USD150") == [{"Name": "euros"}]
    assert client.rows("SELECT Name FROM Opportunity WHERE Amount IN (USD100, EUR1)") == [{"Name": "dollars"}]
    assert client.rows("SELECT COUNT(Id) n FROM Opportunity WHERE Amount > EUR50") == [{"n": 1}]
    assert client.rows("SELECT SUM(Amount) s FROM Opportunity") == [{"s": 300.0}]
    assert client.rows("SELECT FORMAT(Amount) f FROM Opportunity ORDER BY Name") == [
        {"f": "USD 100.00"},
        {"f": "EUR 100.00"},
    ]
    assert client.rows("SELECT FORMAT(convertCurrency(Amount)) f FROM Opportunity WHERE Name = 'euros'") == [
        {"f": "USD 200.00"}
    ]

"""Child queries over HTTP: pages, locators inside child results, and what happens meanwhile."""

from __future__ import annotations

from typing import Any

import pytest

DATA = "/services/data/v60.0"


@pytest.fixture
def family(org):
    """Three accounts with 3, 0 and 5 contacts; the first contact of all has two opportunity roles."""
    accounts = org.insert("Account", [{"Name": f"A{number}"} for number in range(3)])
    contacts = org.insert(
        "Contact",
        [{"LastName": f"C{number}", "AccountId": accounts[0] if number < 3 else accounts[2]} for number in range(8)],
    )
    deals = org.insert(
        "Opportunity", [{"Name": f"O{n}", "StageName": "Prospecting", "CloseDate": "2026-01-01"} for n in range(2)]
    )
    org.insert("OpportunityContactRole", [{"OpportunityId": deal, "ContactId": contacts[0]} for deal in deals])
    return accounts


def every(client, answer: dict[str, Any]) -> list[dict[str, Any]]:
    """All records of an answer, page by page, each child result read to its end."""
    records = list(answer["records"])
    while not answer["done"]:
        answer = client.get(answer["nextRecordsUrl"]).json()
        records += answer["records"]
    for record in records:
        for name, value in record.items():
            if isinstance(value, dict) and "records" in value:
                record[name] = every(client, value)
    return records


SOQL = "SELECT Name, (SELECT LastName FROM Contacts ORDER BY LastName) FROM Account ORDER BY Name"
WANTED = [("A0", ["C0", "C1", "C2"]), ("A1", []), ("A2", ["C3", "C4", "C5", "C6", "C7"])]


def names(records: list[dict[str, Any]]) -> list[tuple[str, list[str]]]:
    return [(one["Name"], [child["LastName"] for child in one["Contacts"] or ()]) for one in records]


@pytest.mark.parametrize("page", [1, 2, 3, 4, 5, 6, 10, 11, 2000])
def test_every_record_and_child_comes_whatever_the_size_of_pages(org, client, family, page):
    org.settings.query_page = page
    answer = client.query(SOQL)
    assert answer["totalSize"] == 3
    assert names(every(client, answer)) == WANTED


def test_a_child_result_that_does_not_fit_says_where_it_goes_on(org, client, family):
    org.settings.query_page = 2
    contacts = client.query(SOQL)["records"][0]["Contacts"]
    assert list(contacts) == ["totalSize", "done", "nextRecordsUrl", "records"]
    assert (contacts["totalSize"], contacts["done"], len(contacts["records"])) == (3, False, 2)
    rest = client.get(contacts["nextRecordsUrl"]).json()
    assert (rest["totalSize"], rest["done"]) == (3, True)
    assert [record["LastName"] for record in rest["records"]] == ["C2"]
    assert rest["records"][0]["attributes"]["type"] == "Contact"


def test_later_pages_show_the_children_of_the_moment_of_the_query(org, client, family):
    org.settings.query_page = 2
    answer = client.query(SOQL)
    org.insert("Contact", [{"LastName": "late", "AccountId": account} for account in family])
    assert names(every(client, answer)) == WANTED


def test_a_page_can_be_read_again_with_the_same_locators(org, client, family):
    org.settings.query_page = 2
    url = client.query(SOQL)["nextRecordsUrl"]
    assert client.get(url).json() == client.get(url).json()


def test_a_limit_counts_for_each_parent_and_its_pages(org, client, family):
    soql = "SELECT Name, (SELECT LastName FROM Contacts ORDER BY LastName DESC LIMIT 4) FROM Account ORDER BY Name"
    wanted = [("A0", ["C2", "C1", "C0"]), ("A1", []), ("A2", ["C7", "C6", "C5", "C4"])]
    for page in (2, 3, 2000):
        org.settings.query_page = page
        answer = client.query(soql)
        assert names(every(client, answer)) == wanted


@pytest.mark.parametrize("page", [1, 2, 3, 5, 2000])
def test_children_of_children_come_whatever_the_size_of_pages(org, client, family, page):
    org.settings.query_page = page
    soql = (
        "SELECT Name, (SELECT LastName, (SELECT Opportunity.Name FROM OpportunityContactRoles ORDER BY Id)"
        " FROM Contacts ORDER BY LastName LIMIT 2) FROM Account WHERE Name = 'A0'"
    )
    [account] = every(client, client.query(soql))
    first, second = account["Contacts"]
    assert [role["Opportunity"]["Name"] for role in first["OpportunityContactRoles"]] == ["O0", "O1"]
    assert second["OpportunityContactRoles"] is None


def test_deeper_than_five_levels_is_refused(client):
    soql = "SELECT Id FROM ChildAccounts"
    for _ in range(4):
        soql = f"SELECT Id, ({soql}) FROM ChildAccounts"
    assert client.query(soql.removesuffix("ChildAccounts") + "Account")["done"]
    soql = f"SELECT Id, ({soql}) FROM Account"
    [error] = client.query(soql)
    assert error["errorCode"] == "MALFORMED_QUERY"


def test_child_queries_of_one_transaction_see_what_it_wrote(org, client, family):
    org.settings.query_page = 2
    with org.database.together():
        org.insert("Contact", [{"LastName": "C9", "AccountId": family[1]}])
        answer = client.query(SOQL)
    assert names(every(client, answer))[1] == ("A1", ["C9"])


def test_the_oldest_locators_give_way_with_their_children(org, client, family, monkeypatch):
    monkeypatch.setattr("sfsync.fake.queries._MOST", 4)
    org.settings.query_page = 2
    answers = [client.query(SOQL) for _ in range(6)]
    assert client.get(answers[0]["nextRecordsUrl"]).status_code == 400
    assert names(every(client, answers[-1]))[0] == WANTED[0]
    with org.database.reading() as cursor:
        tables = cursor.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name LIKE 'result_%'").fetchone()
    assert tables[0] <= 8

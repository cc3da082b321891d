from __future__ import annotations

import pytest

DATA = "/services/data/v60.0"


def columns(client, soql):
    response = client.get(f"{DATA}/query", params={"q": soql, "columns": "true"})
    assert response.status_code == 200, response.text
    return response.json()


def test_the_columns_of_a_query_are_told_before_it_is_run(client):
    body = columns(client, "SELECT Id, lastname, AnnualRevenue, IsConverted, Owner.Name, Owner.Profile.Name FROM Lead")
    assert {name: body[name] for name in ("entityName", "keyPrefix", "idSelected", "groupBy")} == {
        "entityName": "Lead",
        "keyPrefix": "00Q",
        "idSelected": True,
        "groupBy": False,
    }
    assert "records" not in body
    told = {one["columnName"]: one for one in body["columnMetadata"]}
    assert list(told) == ["Id", "LastName", "AnnualRevenue", "IsConverted", "Owner"]
    assert told["Id"] == {
        "aggregate": False,
        "apexType": "Id",
        "booleanType": False,
        "columnName": "Id",
        "custom": False,
        "displayName": "Id",
        "foreignKeyName": None,
        "insertable": False,
        "joinColumns": [],
        "numberType": False,
        "textType": False,
        "updatable": False,
    }
    assert told["LastName"]["textType"]
    assert told["AnnualRevenue"]["numberType"]
    assert told["IsConverted"]["booleanType"]
    assert [one["columnName"] for one in told["Owner"]["joinColumns"]] == ["Name", "Profile"]


def test_functions_are_told_by_their_alias_or_number(client):
    body = columns(client, "SELECT Status, COUNT(Id), MAX(AnnualRevenue) most FROM Lead GROUP BY Status")
    assert body["groupBy"] is True
    told = [(one["columnName"], one["aggregate"]) for one in body["columnMetadata"]]
    assert told == [("Status", False), ("expr0", True), ("most", True)]


def test_children_are_columns_within_a_column(client):
    body = columns(client, "SELECT Name, (SELECT LastName FROM Contacts) FROM Account")
    child = body["columnMetadata"][1]
    assert (child["columnName"], child["aggregate"]) == ("Contacts", True)
    assert [one["columnName"] for one in child["joinColumns"]] == ["LastName"]


def test_columns_of_a_wrong_query_are_an_error(client):
    response = client.get(f"{DATA}/query", params={"q": "SELECT Nope FROM Lead", "columns": "true"})
    assert (response.status_code, response.json()[0]["errorCode"]) == (400, "INVALID_FIELD")


def test_a_query_is_explained(org, client, leads):
    soql = "SELECT Id FROM Lead WHERE Email = 'a@b.c' AND LastName = 'Lead 1'"
    body = client.get(f"{DATA}/query/", params={"explain": soql}).json()
    assert body["sourceQuery"] == soql
    index, scan = body["plans"]
    assert (index["leadingOperationType"], index["fields"]) == ("Index", ["Email"])
    assert scan == {
        "cardinality": 0,
        "fields": [],
        "leadingOperationType": "TableScan",
        "notes": scan["notes"],
        "relativeCost": 2.5,
        "sobjectCardinality": 7,
        "sobjectType": "Lead",
    }
    assert scan["notes"][1] == {
        "description": "Not considering filter for optimization because unindexed",
        "fields": ["LastName"],
        "tableEnumOrId": "Lead",
    }


def test_a_wrong_query_is_not_explained(client):
    response = client.get(f"{DATA}/query", params={"explain": "SELECT FROM"})
    assert (response.status_code, response.json()[0]["errorCode"]) == (400, "MALFORMED_QUERY")


# --- Tooling API ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["SandboxProcess", "ApexClass", "apexclass"])
def test_tooling_objects_are_there_and_empty(client, name):
    body = client.get(f"{DATA}/tooling/query/", params={"q": f"SELECT Id FROM {name}"}).json()
    assert (body["totalSize"], body["done"], body["records"], body["queryLocator"]) == (0, True, [], None)
    assert body["entityTypeName"].casefold() == name.casefold()


def test_users_are_there_through_the_tooling_api_too(org, client):
    body = client.get(f"{DATA}/tooling/query", params={"q": "SELECT Id, Profile.Name FROM User"}).json()
    assert body["size"] == body["totalSize"] == 1
    assert body["records"][0]["attributes"]["url"] == f"{DATA}/tooling/sobjects/User/{org.admin_id}"


@pytest.mark.parametrize(
    ("soql", "code"), [("SELECT Id FROM Nope", "INVALID_TYPE"), ("SELECT", "MALFORMED_QUERY"), ("", "MALFORMED_QUERY")]
)
def test_other_tooling_queries_are_refused(client, soql, code):
    response = client.get(f"{DATA}/tooling/query", params={"q": soql})
    assert (response.status_code, response.json()[0]["errorCode"]) == (400, code)


def test_the_tooling_api_lists_what_it_has(client):
    assert client.get(f"{DATA}/tooling").json()["query"] == f"{DATA}/tooling/query/"
    assert "ApexClass" in [one["name"] for one in client.get(f"{DATA}/tooling/sobjects").json()["sobjects"]]


# --- OAuth ---------------------------------------------------------------------------------------------------------


def test_a_token_is_introspected(org, client):
    known = org.credentials
    app = {"client_id": known.client_id, "client_secret": known.client_secret}

    def ask(**form):
        return client("POST", "/services/oauth2/introspect", data=form)

    body = ask(token=org.token, token_type_hint="access_token", **app).json()
    assert body["active"] is True
    assert body["username"] == known.username
    assert body["sub"].endswith(org.admin_id)
    assert body["exp"] > body["iat"]
    assert ask(token="nothing", **app).json() == {"active": False}
    refused = ask(token=org.token, client_id="x")
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_client_id")

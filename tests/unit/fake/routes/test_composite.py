from __future__ import annotations

import pytest

DATA = "/services/data/v60.0"
COMPOSITE = f"{DATA}/composite"
ROLLED_BACK = [
    {
        "errorCode": "PROCESSING_HALTED",
        "message": "The transaction was rolled back since another operation in the same transaction failed.",
    }
]


def step(method, path, reference, body=None, **more):
    entry = {"method": method, "url": f"{DATA}{path}", "referenceId": reference, **more}
    return entry if body is None else {**entry, "body": body}


def made(reference, **values):
    return step("POST", "/sobjects/Lead", reference, {"LastName": "Doe", "Company": "Acme", **values})


@pytest.fixture
def composite(client):
    def ask(*entries, version="60.0", **more):
        url = f"/services/data/v{version}/composite"
        return client("POST", url, json={"compositeRequest": list(entries), **more})

    return ask


def answers(response):
    assert response.status_code == 200, response.text
    return response.json()["compositeResponse"]


def test_what_one_request_answers_another_uses(org, composite):
    account, contact, read, found = answers(
        composite(
            step("POST", "/sobjects/Account", "acct", {"Name": "A & B"}),
            step("POST", "/sobjects/Contact", "cont", {"LastName": "Of @{acct.id}", "AccountId": "@{acct.id}"}),
            step("GET", "/sobjects/Account/@{acct.id}?fields=Name", "read"),
            step("GET", "/query?q=SELECT+Id+FROM+Account+WHERE+Name='@{read.Name}'", "found"),
        )
    )
    assert list(account) == ["body", "httpHeaders", "httpStatusCode", "referenceId"]
    assert account["httpStatusCode"] == 201
    assert account["httpHeaders"] == {"Location": f"{DATA}/sobjects/Account/{account['body']['id']}"}
    assert read["body"]["Name"] == "A & B"
    assert set(read["httpHeaders"]) == {"ETag", "Last-Modified"}
    assert found["body"]["records"][0]["Id"] == account["body"]["id"]
    stored = org.record("Contact", contact["body"]["id"])
    assert stored["AccountId"] == account["body"]["id"]
    assert stored["LastName"] == f"Of {account['body']['id']}"


def test_a_reference_reaches_into_lists_and_keeps_its_type(org, composite):
    org.insert("Opportunity", [{"Name": "O", "StageName": "Prospecting", "CloseDate": "2026-01-01", "Amount": 12}])
    _, second = answers(
        composite(
            step("GET", "/query?q=SELECT+Amount+FROM+Opportunity", "q"),
            made("lead", AnnualRevenue="@{q.records[0].Amount}"),
        )
    )
    assert org.record("Lead", second["body"]["id"])["AnnualRevenue"] == 12


@pytest.mark.parametrize("reference", ["nope.id", "first.Id", "first.errors[0].x", "first.id.x", "first[0]"])
def test_a_reference_to_nothing_halts_what_depends_on_it(org, composite, reference):
    _, second, third = answers(composite(made("first"), made("second", Phone=f"@{{{reference}}}"), made("third")))
    assert second["httpStatusCode"] == 400
    [error] = second["body"]
    assert error["errorCode"] == "PROCESSING_HALTED"
    name = reference.split(".")[0].split("[")[0]
    assert error["message"].startswith(f"Invalid reference specified. No value for {reference} found in {name}.")
    assert third["httpStatusCode"] == 201
    assert org.count("Lead") == 2


@pytest.mark.parametrize(("version", "status"), [("51.0", 400), ("52.0", 201)])
def test_a_null_counts_as_a_value_from_version_52_on(composite, leads, version, status):
    read = step("GET", f"/sobjects/Lead/{leads[0]}", "read")
    [_, second] = answers(composite(read, made("second", Phone="@{read.Phone}"), version=version))
    assert second["httpStatusCode"] == status


def test_a_failure_leaves_the_others_done(org, composite):
    first, second, third = answers(composite(made("a"), made("b", Company=None), made("c")))
    assert [one["httpStatusCode"] for one in (first, second, third)] == [201, 400, 201]
    assert second["body"][0]["errorCode"] == "REQUIRED_FIELD_MISSING"
    assert second["body"][0]["fields"] == ["Company"]
    assert org.count("Lead") == 2


def test_all_or_none_undoes_everything(org, composite, leads):
    change = step("PATCH", f"/sobjects/Lead/{leads[0]}", "change", {"Company": "New"})
    delete = step("DELETE", f"/sobjects/Lead/{leads[1]}", "delete")
    told = answers(composite(change, delete, made("good"), made("bad", Company=None), made("after"), allOrNone=True))
    assert [one["httpStatusCode"] for one in told] == [400] * 5
    assert [one["body"] for one in told if one["referenceId"] != "bad"] == [ROLLED_BACK] * 4
    assert told[3]["body"][0]["errorCode"] == "REQUIRED_FIELD_MISSING"
    assert org.count("Lead") == 7
    assert org.record("Lead", leads[0])["Company"] == "Acme"


def test_all_or_none_keeps_everything_when_nothing_fails(org, composite):
    told = answers(
        composite(
            made("a"),
            step("GET", "/sobjects/Lead/@{a.id}", "b"),
            step("GET", "/query?q=SELECT+COUNT()+FROM+Lead", "c"),
            allOrNone=True,
        )
    )
    assert [one["httpStatusCode"] for one in told] == [201, 200, 200]
    assert told[2]["body"]["totalSize"] == 1
    assert org.count("Lead") == 1


def test_pages_of_a_query_within_a_transaction_can_be_read_on(org, client, composite, leads):
    org.settings.query_page = 3
    told = answers(
        composite(
            made("a"),
            step("GET", "/query?q=SELECT+Name,CreatedDate,Address+FROM+Lead", "b"),
            step("GET", "/query?q=SELECT+Id+FROM+Lead", "c"),
            step("GET", "/query/@{c.nextRecordsUrl}", "d"),
            allOrNone=True,
        )
    )
    assert told[1]["httpStatusCode"] in {200, 400}
    halted = told[0]["body"] == ROLLED_BACK
    assert org.count("Lead") == (7 if halted else 8)
    told = answers(composite(made("a"), step("GET", "/query?q=SELECT+Name,Address+FROM+Lead", "b"), allOrNone=True))
    assert told[1]["body"]["totalSize"] == org.count("Lead")
    assert client.get(told[1]["body"]["nextRecordsUrl"]).json()["totalSize"] == org.count("Lead")


def test_the_outer_all_or_none_rules_over_the_collections(org, composite):
    records = [{"attributes": {"type": "Lead"}, "LastName": "A", "Company": "B"}, {"attributes": {"type": "Lead"}}]
    body = {"allOrNone": False, "records": records}
    collection = step("POST", "/composite/sobjects", "many", body)
    told = answers(composite(made("a"), collection, allOrNone=True))
    assert told[0]["body"] == ROLLED_BACK
    assert [one["success"] for one in told[1]["body"]] == [False, False]
    assert org.count("Lead") == 0
    assert answers(composite(made("a"), collection))[1]["body"][0]["success"]
    assert org.count("Lead") == 2


def test_a_record_that_has_not_changed_is_told_without_a_body(client, composite, leads):
    modified = client.get(f"{DATA}/sobjects/Lead/{leads[0]}").headers["Last-Modified"]
    entry = step("GET", f"/sobjects/Lead/{leads[0]}", "r", httpHeaders={"If-Modified-Since": modified})
    [told] = answers(composite(entry))
    assert (told["httpStatusCode"], told["body"]) == (304, None)


def test_an_update_is_told_without_a_body(composite, leads):
    [told] = answers(composite(step("PATCH", f"/sobjects/Lead/{leads[0]}", "r", {"Company": "New"})))
    assert told == {"body": None, "httpHeaders": {}, "httpStatusCode": 204, "referenceId": "r"}


def test_a_composite_request_counts_once(org, client, composite):
    before = org.app.used
    composite(*[made(f"r{number}") for number in range(5)])
    assert org.app.used == before + 1
    assert len(org.requests) == 1


def test_resources_that_are_not_there_are_not_found(composite):
    [told] = answers(composite(step("GET", "/nothing", "r")))
    assert (told["httpStatusCode"], told["body"][0]["errorCode"]) == (404, "NOT_FOUND")


def test_accents_and_reserved_characters_in_addresses_arrive(org, composite):
    org.insert("Account", [{"Name": "Müller & Söhne"}])
    [told] = answers(composite(step("GET", "/query?q=SELECT Name FROM Account WHERE Name='Müller %26 Söhne'", "r")))
    assert told["body"]["records"][0]["Name"] == "Müller & Söhne"


@pytest.mark.parametrize(
    "entries",
    [
        [],
        [made(f"r{number}") for number in range(26)],
        [step("GET", "/query?q=SELECT+Id+FROM+Lead", f"r{number}") for number in range(6)],
        [made("same"), made("same")],
        [made("a-b")],
        [{"method": "GET", "url": f"{DATA}/limits"}],
        [{"method": "GET", "referenceId": "r"}],
        [{"url": f"{DATA}/limits", "referenceId": "r"}],
        [step("BREW", "/limits", "r")],
        [step("get", "/limits", "r")],
        [{"method": "GET", "url": "/services/oauth2/userinfo", "referenceId": "r"}],
        [step("POST", "/composite", "r", {})],
        [step("POST", "/composite/batch", "r", {})],
        [step("POST", "/jobs/query", "r", {})],
        [step("GET", "/limits", "r", httpHeaders={"Authorization": "Bearer x"})],
        [step("GET", "/limits", "r", httpHeaders="x")],
        ["text"],
    ],
    ids=str,
)
def test_a_request_that_cannot_be_is_refused_before_anything_is_done(org, composite, entries):
    response = composite(*entries)
    assert response.status_code == 400
    assert response.json()[0]["errorCode"]
    assert org.count("Lead") == 0


def test_odd_reference_ids_were_let_pass_once(composite):
    [told] = answers(composite(made("a-b"), version="51.0"))
    assert (told["httpStatusCode"], told["referenceId"]) == (201, "a-b")


def test_the_composite_resources_are_listed(client):
    body = client.get(f"{COMPOSITE}/").json()
    assert body == {name: f"{COMPOSITE}/{name}" for name in ("tree", "batch", "sobjects", "graph")}


# --- batch ---------------------------------------------------------------------------------------------------------


def batched(client, *entries, **more):
    return client("POST", f"{COMPOSITE}/batch", json={"batchRequests": list(entries), **more})


def test_a_batch_runs_each_request_on_its_own(org, client, leads):
    response = batched(
        client,
        {"method": "PATCH", "url": f"v60.0/sobjects/Lead/{leads[0]}", "richInput": {"Company": "New"}},
        {"method": "GET", "url": f"v59.0/sobjects/Lead/{leads[0]}?fields=Company"},
        {"method": "GET", "url": "/services/data/v60.0/limits"},
        {"method": "GET", "url": "v60.0/nothing"},
        {"method": "GET", "url": "v60.0/sobjects/Lead"},
    )
    body = response.json()
    assert response.status_code == 200
    assert body["hasErrors"] is True
    assert [one["statusCode"] for one in body["results"]] == [204, 200, 200, 404, 200]
    assert body["results"][0] == {"statusCode": 204, "result": None}
    assert body["results"][1]["result"]["attributes"]["url"] == f"/services/data/v59.0/sobjects/Lead/{leads[0]}"
    assert body["results"][3]["result"][0]["errorCode"] == "NOT_FOUND"


def test_a_batch_halts_on_the_first_error_if_asked_to(org, client):
    new = {"method": "POST", "url": "v60.0/sobjects/Account", "richInput": {"Name": "Acme"}}
    bad = {"method": "GET", "url": "v60.0/nothing"}
    body = batched(client, new, bad, new, haltOnError=True).json()
    assert [one["statusCode"] for one in body["results"]] == [201, 404, 412]
    assert body["results"][2]["result"] == [
        {"errorCode": "BATCH_PROCESSING_HALTED", "message": "Batch processing halted per request"}
    ]
    assert org.count("Account") == 1
    assert batched(client, new).json()["hasErrors"] is False


@pytest.mark.parametrize(
    "entry",
    [
        {"method": "GET"},
        {"url": "v60.0/limits"},
        {"method": "POST", "url": "v60.0/composite/batch", "richInput": {}},
        {"method": "POST", "url": "v60.0/composite/sobjects", "richInput": {}},
    ],
)
def test_a_batch_that_cannot_be_is_refused(client, entry):
    assert batched(client, entry).status_code == 400
    assert batched(client, *[{"method": "GET", "url": "v60.0/limits"}] * 26).status_code == 400


# --- graph ---------------------------------------------------------------------------------------------------------


def graphed(client, **graphs):
    listed = [{"graphId": name, "compositeRequest": entries} for name, entries in graphs.items()]
    return client("POST", f"{COMPOSITE}/graph", json={"graphs": listed})


def test_each_graph_is_done_or_undone_on_its_own(org, client):
    contact = step("POST", "/sobjects/Contact", "c", {"LastName": "Doe", "AccountId": "@{a.id}"})
    good = [step("POST", "/sobjects/Account", "a", {"Name": "Acme"}), contact]
    bad = [step("POST", "/sobjects/Account", "a", {"Name": "Gone"}), made("l", Company=None)]
    response = graphed(client, good=good, bad=bad)
    assert response.status_code == 200
    first, second = response.json()["graphs"]
    assert (first["graphId"], first["isSuccessful"]) == ("good", True)
    assert [one["httpStatusCode"] for one in first["graphResponse"]["compositeResponse"]] == [201, 201]
    assert (second["graphId"], second["isSuccessful"]) == ("bad", False)
    told = second["graphResponse"]["compositeResponse"]
    assert told[0]["body"] == ROLLED_BACK
    assert told[1]["body"][0]["errorCode"] == "REQUIRED_FIELD_MISSING"
    assert (org.count("Account"), org.count("Contact")) == (1, 1)


def test_graphs_have_their_limits(client):
    assert graphed(client, **{f"g{n}": [made("a")] for n in range(76)}).status_code == 400
    assert (
        graphed(client, one=[made(f"r{n}") for n in range(251)], two=[made(f"r{n}") for n in range(250)]).status_code
        == 400
    )
    assert client("POST", f"{COMPOSITE}/graph", json={"graphs": [{"compositeRequest": [made("a")]}]}).status_code == 400
    same = {"graphId": "g", "compositeRequest": [made("a")]}
    assert client("POST", f"{COMPOSITE}/graph", json={"graphs": [same, same]}).status_code == 400

"""What a client sees of Salesforce on the wire, fact by fact, where naive imitations differ: transport and records."""

from __future__ import annotations

import gzip
import re
import zlib
from datetime import timedelta

import orjson
import pytest

from sfsync.fake.ids import is_valid_id, to_18

LEAD = "/sobjects/Lead"
ABSENT = "00QFk000000zzzzMAA"

# --- transport -----------------------------------------------------------------------------------------------------


def test_a_success_carries_the_headers_that_salesforce_sends(wire):
    headers = wire.get("/limits").headers
    assert headers["Content-Type"] == "application/json;charset=UTF-8"
    assert headers["Date"] == "Wed, 20 May 2026 12:00:00 GMT"
    assert headers["Strict-Transport-Security"] == "max-age=63072000; includeSubDomains"
    assert headers["X-Robots-Tag"] == "none"
    assert headers["Cache-Control"] == "no-cache,must-revalidate,max-age=0,no-store,private"
    assert re.fullmatch(r"api-usage=\d+/\d+", headers["Sforce-Limit-Info"])
    assert headers["Vary"] == "Accept-Encoding"
    assert headers["Server"] == "sfdcedge"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert re.fullmatch(r"[0-9a-f]{32}", headers["X-SFDC-Request-Id"])
    assert re.fullmatch(r"[0-9a-f]{32}", headers["X-Request-Id"])
    for cookie in ("BrowserId=", "CookieConsentPolicy=", "LSKey-c$CookieConsentPolicy="):
        assert cookie in headers["Set-Cookie"]
    assert "Vary" not in wire.query("SELECT").headers


def test_no_content_means_no_body_and_no_type_but_the_usage_is_told(wire):
    response = wire.patch(f"{LEAD}/{wire.lead()}", {"Company": "New"})
    assert (response.status_code, response.content) == (204, b"")
    assert "Content-Type" not in response.headers
    assert "Sforce-Limit-Info" in response.headers


def test_an_expired_session_is_told_without_usage(org, wire):
    org.access.revoke_all()
    response = wire.get("/limits")
    assert wire.refusal(response) == (401, "INVALID_SESSION_ID", "Session expired or invalid")
    assert response.headers["WWW-Authenticate"] == "Token"
    assert "Sforce-Limit-Info" not in response.headers


def test_versions_and_tokens_are_given_out_without_usage(org, wire):
    known = org.credentials
    form = {"grant_type": "client_credentials", "client_id": known.client_id, "client_secret": known.client_secret}
    assert "Sforce-Limit-Info" not in wire.get("/services/data").headers
    assert "Sforce-Limit-Info" not in wire("POST", "/services/oauth2/token", data=form).headers


def test_answers_are_compressed_on_request_only(wire):
    packed = wire.get("/sobjects", headers={"Accept-Encoding": "gzip"}, stream=True)
    assert packed.headers["Content-Encoding"] == "gzip"
    assert orjson.loads(gzip.decompress(packed.raw.read(decode_content=False)))["encoding"] == "UTF-8"
    for offered in ("identity", "br, zstd"):
        assert "Content-Encoding" not in wire.get("/sobjects", headers={"Accept-Encoding": offered}).headers


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_requests_may_be_compressed(wire, encoding, pack):
    body = pack(orjson.dumps({"LastName": "Doe", "Company": "Acme"}))
    headers = {"Content-Encoding": encoding, "Content-Type": "application/json"}
    assert wire("POST", LEAD, data=body, headers=headers).status_code == 201
    assert wire("POST", LEAD, data=b"not compressed", headers=headers).status_code == 400
    assert wire("POST", LEAD, data=body, headers={**headers, "Content-Encoding": "br"}).status_code == 415


def test_a_new_record_is_located_by_a_relative_address(wire):
    response = wire.post(LEAD, {"LastName": "Doe", "Company": "Acme"})
    assert response.headers["Location"] == f"{wire.root}{LEAD}/{response.json()['id']}"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/limits", 200),
        ("GET", "/nothing", 404),
        ("PUT", "/limits", 405),
        ("GET", "/services/data/v7.0/limits", 410),
        ("GET", "/query?q=" + "x" * 17_000, 414),
    ],
)
def test_every_kind_of_answer_has_its_status(wire, method, path, status):
    response = wire(method, path)
    assert response.status_code == status
    if status >= 400:
        assert isinstance(response.json(), list)


def test_errors_are_a_list_with_fields_for_writes_only(org, wire):
    [refused] = wire.post(LEAD, {"LastName": "Doe"}).json()
    assert list(refused) == ["message", "errorCode", "fields"]
    for response in (wire.query("SELECT"), wire.get("/nothing"), wire.get(f"{LEAD}/{ABSENT}")):
        assert list(response.json()[0]) == ["message", "errorCode"]
    response = wire("POST", "/services/oauth2/token", data={"grant_type": "nothing"})
    assert response.status_code == 400
    assert list(response.json()) == ["error", "error_description"]


@pytest.mark.parametrize("path", ["{0}/{1}/", "/{0}//{1}", "{0}/{1}?"])
def test_slashes_too_many_are_let_pass(wire, path):
    assert wire.get(path.format(LEAD, wire.lead())).status_code == 200


def test_post_stands_for_patch_where_a_client_cannot_send_it(wire):
    assert wire.post(f"{LEAD}/{wire.lead()}?_HttpMethod=PATCH", {"Company": "New"}).status_code == 204


@pytest.mark.parametrize(
    "headers",
    [
        {"X-PrettyPrint": "1"},
        {"Sforce-Call-Options": "client=test"},
        {"Accept": "*/*", "Accept-Encoding": "br, zstd, gzip;q=0.5"},
        {"content-Type": "application/json; charset=utf-8"},
        {"Sforce-MRU": "updateMru=false"},
    ],
)
def test_headers_that_clients_send_besides_are_let_pass(wire, headers):
    body = orjson.dumps({"LastName": "Doe", "Company": "Acme"})
    assert wire("POST", LEAD, data=body, headers=headers).json()["success"] is True


def test_a_body_may_come_in_chunks(wire):
    pieces = iter([b'{"LastName": ', b'"Doe", "Company": "Acme"}'])
    headers = {"Content-Type": "application/json"}
    assert wire("POST", LEAD, data=pieces, headers=headers).status_code == 201


def test_pretty_printing_leaves_the_numbers_as_they_are(org, wire):
    org.insert("Account", [{"Name": "A", "AnnualRevenue": 8e7}])
    text = wire.query("SELECT AnnualRevenue FROM Account", headers={"X-PrettyPrint": "1"}).text
    assert '\n      "AnnualRevenue": 8.0E7' in text


# --- Ids -----------------------------------------------------------------------------------------------------------


def test_ids_are_told_in_18_characters_and_taken_in_both_lengths(wire):
    lead = wire.lead()
    assert len(lead) == 18
    assert is_valid_id(lead)
    assert lead.startswith(wire.get(f"{LEAD}/describe").json()["keyPrefix"])
    assert wire.get(f"{LEAD}/{lead[:15]}").json()["Id"] == lead
    for spelled, found in ((lead[:15], 1), (lead[:15].swapcase(), 0)):
        assert wire.query(f"SELECT Id FROM Lead WHERE Id = '{spelled}'").json()["totalSize"] == found


def test_errors_quote_ids_in_15_characters(wire):
    missing = to_18("001Fk000000zzzz")
    response = wire.post("/sobjects/Contact", {"LastName": "Doe", "AccountId": missing})
    expected = f"insufficient access rights on cross-reference id: {missing[:15]}"
    assert wire.refusal(response) == (400, "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", expected)
    lead = wire.lead()[:15]
    response = wire.post("/sobjects/Contact", {"LastName": "Doe", "AccountId": lead})
    assert wire.refusal(response) == (400, "MALFORMED_ID", f"Account ID: id value of incorrect type: {lead}")


def test_an_id_of_a_wrong_length_cannot_be_filtered_by(wire):
    status, code, message = wire.refusal(wire.query("SELECT Id FROM Lead WHERE Id = 'x'"))
    assert (status, code) == (400, "INVALID_QUERY_FILTER_OPERATOR")
    assert message.endswith("invalid ID field: x")
    assert "ERROR at Row:1:Column:27" in message


# --- records and queries -------------------------------------------------------------------------------------------


def test_keys_come_in_order_and_every_selected_field_is_there(org, wire):
    org.settings.query_page = 2
    for _ in range(3):
        wire.lead()
    body = wire.query("SELECT Phone, Id, Name FROM Lead").json()
    assert list(body) == ["totalSize", "done", "nextRecordsUrl", "records"]
    record = body["records"][0]
    assert list(record) == ["attributes", "Phone", "Id", "Name"]
    assert record["Phone"] is None
    assert record["attributes"] == {"type": "Lead", "url": f"{wire.root}{LEAD}/{record['Id']}"}
    [group] = wire.query("SELECT COUNT(Id), MAX(Name) FROM Lead").json()["records"]
    assert group == {"attributes": {"type": "AggregateResult"}, "expr0": 3, "expr1": "Doe"}


def test_pages_tell_the_full_total_and_the_last_one_has_no_next(org, wire):
    org.settings.query_page = 2
    for _ in range(5):
        wire.lead()
    page = wire.query("SELECT Id FROM Lead").json()
    sizes = []
    while True:
        sizes.append((page["totalSize"], len(page["records"]), page["done"]))
        if page["done"]:
            break
        assert re.fullmatch(rf"{wire.root}/query/01g[0-9A-Za-z]{{15}}-\d+", page["nextRecordsUrl"])
        page = wire.get(page["nextRecordsUrl"]).json()
    assert sizes == [(5, 2, False), (5, 2, False), (5, 1, True)]
    assert "nextRecordsUrl" not in page


def test_clients_choose_the_page_size_between_200_and_2000(org, wire):
    org.insert("Lead", [{"LastName": "Doe", "Company": "Acme"}] * 450)
    for asked, given in (("200", 200), ("1", 200), ("9999", 450)):
        page = wire.query("SELECT Id FROM Lead", headers={"Sforce-Query-Options": f"batchSize={asked}"}).json()
        assert len(page["records"]) == given


def test_what_is_empty_is_an_empty_list(wire):
    assert wire.query("SELECT Id FROM Lead").content == b'{"totalSize":0,"done":true,"records":[]}'
    wire.lead()
    assert wire.query("SELECT COUNT() FROM Lead").json() == {"totalSize": 1, "done": True, "records": []}
    counted = wire.query("SELECT COUNT(Id) FROM Lead").json()
    assert (counted["totalSize"], counted["records"][0]["expr0"]) == (1, 1)
    assert wire.refusal(wire.query("SELECT COUNT(Id) FROM Lead LIMIT 1"))[:2] == (400, "MALFORMED_QUERY")


def test_groups_do_not_come_in_pages(org, wire):
    org.insert("Lead", [{"LastName": f"L{number}", "Company": "Acme"} for number in range(2001)])
    _, code, message = wire.refusal(wire.query("SELECT LastName FROM Lead GROUP BY LastName"))
    assert code == "EXCEEDED_ID_LIMIT"
    assert message == (
        "Aggregate query does not support queryMore(), use LIMIT to restrict the results to a single batch"
    )


@pytest.mark.parametrize(
    ("amount", "text"), [(33, "33.0"), (4000, "4000.0"), (8e7, "8.0E7"), (12345678.5, "1.23456785E7"), (0, "0.0")]
)
def test_doubles_have_a_point_and_large_ones_an_exponent(org, wire, amount, text):
    deal = {"Name": "D", "StageName": "Prospecting", "CloseDate": "2026-05-20", "Amount": amount}
    created = wire.post("/sobjects/Opportunity", deal).json()["id"]
    assert f'"Amount":{text}' in wire.query("SELECT Amount FROM Opportunity").text
    assert f'"Amount":{text}' in wire.get(f"/sobjects/Opportunity/{created}").text


def test_moments_and_days_have_one_spelling(wire):
    deal = {"Name": "D", "StageName": "Prospecting", "CloseDate": "2026-05-20"}
    wire.post("/sobjects/Opportunity", deal)
    [row] = wire.query("SELECT CreatedDate, CloseDate, FiscalYear FROM Opportunity").json()["records"]
    assert row["CreatedDate"] == "2026-05-20T12:00:00.000+0000"
    assert (row["CloseDate"], row["FiscalYear"]) == ("2026-05-20", 2026)


def test_an_address_is_an_object_of_eight_or_null_and_a_name_is_text(wire):
    wire.lead(FirstName="Jane", City="Paris")
    wire.lead()
    full, empty = wire.query("SELECT Name, Address FROM Lead ORDER BY FirstName DESC NULLS LAST").json()["records"]
    assert full["Name"] == "Jane Doe"
    assert set(full["Address"]) == {
        *("city", "country", "geocodeAccuracy", "latitude"),
        *("longitude", "postalCode", "state", "street"),
    }
    assert full["Address"]["city"] == "Paris"
    assert empty["Address"] is None


def test_a_missing_parent_is_null_and_so_are_missing_children(wire):
    wire.post("/sobjects/Contact", {"LastName": "Alone"})
    wire.post("/sobjects/Account", {"Name": "Childless"})
    assert wire.query("SELECT Account.Name FROM Contact").json()["records"][0]["Account"] is None
    soql = "SELECT Name, (SELECT Id FROM Contacts) FROM Account"
    assert wire.query(soql).json()["records"][0]["Contacts"] is None


def test_texts_are_compared_without_case_and_nulls_come_first(wire):
    for phone in ("b", "A", None):
        wire.lead(Phone=phone)
    assert wire.query("SELECT Id FROM Lead WHERE Phone = 'B'").json()["totalSize"] == 1
    assert wire.query("SELECT Id FROM Lead WHERE LastName LIKE 'dO%'").json()["totalSize"] == 3
    for order in ("", " DESC"):
        rows = wire.query(f"SELECT Phone FROM Lead ORDER BY Phone{order}").json()["records"]
        assert rows[0]["Phone"] is None
    assert wire.query("SELECT Id FROM Lead WHERE Phone = ''").json()["totalSize"] == 1


@pytest.mark.parametrize(
    ("soql", "code", "words"),
    [
        ("SELECT Id FROM Lead OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset allowed is 2000"),
        ("SELECT Nope FROM Lead", "INVALID_FIELD", "Please reference your WSDL or the describe call for the appropr"),
        ("SELECT Id FROM Nope", "INVALID_TYPE", "sObject type 'Nope' is not supported."),
        ("SELECT Id FORM Lead", "MALFORMED_QUERY", "ERROR at Row:1:Column:"),
        ("SELECT Id FROM Lead WHERE Description = 'x'", "INVALID_FIELD", "can not be filtered in a query call"),
        ("SELECT Id FROM Lead WHERE CreatedDate > '2026-01-01T00:00:00Z'", "INVALID_FIELD", "must be of type dateTime"),
        ("SELECT Foo.Name FROM Lead", "INVALID_FIELD", "Didn't understand relationship 'Foo' in field path"),
        ("SELECT Id, FIELDS(ALL) FROM Lead LIMIT 1", "INVALID_FIELD", "duplicate field selected: Id"),
        ("SELECT FIELDS(ALL) FROM Lead", "MALFORMED_QUERY", ""),
    ],
)
def test_a_wrong_query_is_refused_in_salesforces_words(wire, soql, code, words):
    status, told, message = wire.refusal(wire.query(soql))
    assert (status, told) == (400, code)
    assert words in message


def test_a_locator_that_was_never_given_out_is_invalid(wire):
    refusal = (400, "INVALID_QUERY_LOCATOR", "invalid query locator")
    assert wire.refusal(wire.get("/query/01gFk0000000001MAA-2000")) == refusal
    assert wire.refusal(wire.get("/query/nonsense")) == refusal


def test_a_statement_may_not_be_too_long(wire):
    assert wire.query(f"SELECT Id FROM Lead WHERE Name IN ({','.join(['x'] * 20_000)})").status_code in {414, 431}


def test_columns_and_plans_are_told_instead_of_records(wire):
    told = wire.get("/query", params={"q": "SELECT Id FROM Lead", "columns": "true"}).json()
    assert told["columnMetadata"][0]["columnName"] == "Id"
    plans = wire.get("/query/", params={"explain": "SELECT Id FROM Lead"}).json()["plans"]
    assert plans[-1]["leadingOperationType"] == "TableScan"


def test_deleted_records_are_seen_by_query_all_only(wire):
    lead = wire.lead()
    wire.delete(f"{LEAD}/{lead}")
    soql = "SELECT Id, IsDeleted FROM Lead"
    assert wire.query(soql).json()["totalSize"] == 0
    [row] = wire.get("/queryAll/", params={"q": soql}).json()["records"]
    assert (row["Id"], row["IsDeleted"]) == (lead, True)


def test_a_query_sees_the_time_of_the_org(org, wire):
    wire.lead()
    org.clock.advance(timedelta(days=1))
    assert wire.query("SELECT Id FROM Lead WHERE CreatedDate = YESTERDAY").json()["totalSize"] == 1

"""Whatever is thrown at the fake org, it answers as Salesforce does: with an error of its own, never with a 500.

Every route that there is gets every hostile path and every hostile body, so a new route is covered without a new test.
"""

from __future__ import annotations

import gzip
import json
import logging
import re
import socket
import ssl
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
import requests

from sfsync.fake import FakeOrg
from sfsync.fake.ids import make_id
from sfsync.fake.routes import ROUTES

VERSION = "60.0"
DATA = f"/services/data/v{VERSION}"
HEADERS = {"Accept-Encoding": "identity"}

DROP = 'x"; DROP TABLE "Lead"; --'
PATH_VALUES = (
    DROP,
    "x' OR '1'='1",
    "Lead) UNION SELECT 1 --",
    "../../../../etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "%00",
    "\x00",
    "Lead\x00",
    "\r\nX-Injected: 1",
    "😀",
    "\u017fobject",
    "a" * 3000,
    "{{7*7}}${7*7}%s%n",
    "undefined",
    "00Q",
    "00Q00000000000",
    "00QFk0000000000AAA",
    make_id("00Q", 5_000_000),
    make_id("750", 5_000_000),
    "-1",
    "1e999",
    "true",
    "Id",
)
DEEP = 50_000
JSON_BODIES: tuple[bytes, ...] = (
    b"",
    b"{",
    b"[" * DEEP,
    b"[" * 900 + b"]" * 900,
    b'{"a":' * DEEP,
    b"null",
    b"7",
    b'"text"',
    b"[]",
    b"[null]",
    b"[[]]",
    b"{}",
    b"\xff\xfe{}",
    b"\xef\xbb\xbf{}",
    b'{"a": "\\ud800"}',
    b'{"a": NaN}',
    b'{"a": 1e999}',
    b"{'a': 1}",
    b'{"records": null}',
    b'{"records": {}}',
    b'{"records": [null, 7, "x", []]}',
    b'{"records": [{"attributes": null}, {"attributes": {"type": 7}}, {"attributes": {"type": "x\\u0000"}}]}',
    b'{"compositeRequest": 7}',
    b'{"compositeRequest": [null, {"method": 7}, {"method": "GET", "url": null, "referenceId": []}]}',
    b'{"compositeRequest": [{"method": "GET", "url": "/services/data/v60.0/composite", "referenceId": "@{x.y}"}]}',
    b'{"batchRequests": [7, {"method": "GET"}, {"method": "GET", "url": "//"}]}',
    b'{"graphs": [null, {"graphId": 7, "compositeRequest": null}]}',
    b'{"ids": 7, "fields": 7}',
    b'{"ids": [null, 7, "x"], "fields": [null, 7]}',
    b'{"operation": [], "object": {}, "query": 7}',
    b'{"operation": "insert", "object": "Lead", "externalIdFieldName": {}, "columnDelimiter": 7}',
    b'{"operation": "query", "query": "SELECT Id FROM Lead; DROP TABLE Lead"}',
    b'{"state": {"a": 1}}',
    b'{"LastName": {"a": 1}, "Company": [1, 2]}',
    b'{"LastName": "a\\u0000b", "Company": "x", "AnnualRevenue": "1e999", "NumberOfEmployees": 99999999999999999999}',
    b'{"x\\" = 1; DROP TABLE \\"Lead\\"; --": 1}',
    b'{"OwnerId": "\' OR 1=1", "Owner": {"Username": 7}, "Owner": {"Nope__c": {}}}',
)
XML_BODIES: tuple[bytes, ...] = (
    b"",
    b"<",
    b"<a/>",
    b"\xff\xfe<\x00a\x00/\x00>\x00",
    b'<?xml version="1.0" encoding="nonsense"?><a/>',
    b"<a>" * DEEP,
    b"<a>" * DEEP + b"</a>" * DEEP,
    b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
    b'<!DOCTYPE a [<!ENTITY x "lol"><!ENTITY y "&x;&x;&x;&x;">]><a>&y;</a>',
    b'<jobInfo xmlns="http://www.force.com/2009/06/asyncapi/dataload"><operation>drop</operation></jobInfo>',
    b'<!DOCTYPE jobInfo><jobInfo xmlns="http://www.force.com/2009/06/asyncapi/dataload"/>',
)


def soap(body: str, header: str = "") -> bytes:
    """An envelope of the partner API."""
    return (
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns="urn:partner.soap.sforce.com"'
        ' xmlns:s="urn:sobject.partner.soap.sforce.com" xmlns:i="http://www.w3.org/2001/XMLSchema-instance">'
        f"<e:Header>{header}</e:Header><e:Body>{body}</e:Body></e:Envelope>"
    ).encode()


LOGGED_IN = "<SessionHeader><sessionId>{token}</sessionId></SessionHeader>"
SOAP_CALLS = (
    "",
    "<login/>",
    "<login><username>' OR 1=1 --</username><password>x</password></login>",
    "<dropTable>Lead</dropTable>",
    "<query/>",
    "<query><queryString>SELECT Id FROM Lead; DROP TABLE Lead</queryString></query>",
    "<queryMore><queryLocator>\u0001</queryLocator></queryMore>",
    "<queryMore><queryLocator>x' OR 1=1</queryLocator></queryMore>",
    "<create><sObjects/></create>",
    "<create/>",
    "<create><sObjects><s:type>Lead</s:type><s:LastName><s:a><s:b/></s:a></s:LastName></sObjects></create>",
    '<create><sObjects i:type="x"><s:type>Nothing</s:type></sObjects></create>',
    '<create><sObjects><s:type>Lead"; DROP</s:type><s:x--y>1</s:x--y></sObjects></create>',
    "<update><sObjects><s:type>Lead</s:type><s:Id>00Q</s:Id></sObjects></update>",
    "<upsert><externalIDFieldName>x y</externalIDFieldName><sObjects><s:type>Lead</s:type></sObjects></upsert>",
    "<delete><ids>nonsense</ids><ids/></delete>",
    "<retrieve><fieldList>*</fieldList><sObjectType>Lead</sObjectType><ids>x</ids></retrieve>",
    "<describeSObjects><sObjectType>../x</sObjectType></describeSObjects>",
    "<convertLead/>",
    "<convertLead><leadConverts><leadId>x</leadId></leadConverts></convertLead>",
    "<merge><request><masterRecord/></request></merge>",
    "<getUpdated><sObjectType>Lead</sObjectType><startDate>x</startDate></getUpdated>",
    "<a>" * 5000 + "</a>" * 5000,
)
CSV_BODIES: tuple[bytes, ...] = (
    b"\n",
    b"\x00\x00\n\x00",
    b'"',
    b'LastName\n"x',
    b"LastName,LastName\na,b\n",
    b"LastName,Company\na\n",
    b"LastName,Company\na,b,c,d\n",
    b"\xff\xfeL\x00",
    b"LastName\n\xff\xfe\n",
    b'"; DROP TABLE ""Lead""; --",Company\nx,y\n',
    b"LastName;Company\na;b\n",
)
SECRETS = re.compile(
    r"Traceback|duckdb|Binder Error|Parser Error|Catalog Error|Constraint Error|\.py\b|/root|/tmp/", re.IGNORECASE
)


@pytest.fixture(scope="module")
def org() -> Iterator[FakeOrg]:
    with FakeOrg.seeded(1, 60) as made:
        yield made


@pytest.fixture(scope="module")
def session(org: FakeOrg) -> requests.Session:
    made = org.session()
    made.headers["Authorization"] = f"Bearer {org.token}"
    return made


@pytest.fixture(autouse=True)
def nothing_stumbles(org: FakeOrg, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """The org logs what it could not handle itself: nothing."""
    before = {name: org.count(name) for name in ("Lead", "Account", "User")}
    with caplog.at_level(logging.ERROR, logger="sfsync.fake"):
        yield
    assert [record.getMessage() for record in caplog.records if record.name.startswith("sfsync.fake")] == []
    assert {name: org.count(name) for name in before} == before


def is_salesforces(response: requests.Response) -> bool:
    """Whether an answer is one that Salesforce could have given."""
    path = response.request.path_url
    if SECRETS.search(response.text):
        return False
    if path.startswith("/services/Soap/"):
        return response.status_code in {200, 500} and ("<soapenv:Envelope" in response.text)
    if response.status_code >= 500:
        return False
    if response.status_code < 400:
        return True
    if path.startswith("/services/async/") and "xml" in response.headers["Content-Type"]:
        return "exceptionCode" in response.text
    if path.startswith("/id/") and response.text in {"Bad_OAuth_Token", "Missing_OAuth_Token", "Wrong_Org", "Bad_Id"}:
        return True
    try:
        body = response.json()
    except requests.JSONDecodeError:
        return False
    if path.startswith("/services/oauth2/"):
        return "error" in body or "errorCode" in body[0]
    if path.startswith("/services/async/"):
        return "exceptionCode" in body
    if isinstance(body, dict):  # a composite answer, which tells of each part by itself
        return bool({"graphs", "results", "hasErrors", "compositeResponse"} & body.keys())
    return all("errorCode" in one or "statusCode" in one or "success" in one for one in body)


def paths_of(route: Any, value: str) -> Iterator[str]:
    """The route's path with a hostile value in every place, and with a real object in the first one."""
    parts = re.findall(r"<[^>]*>", route.path)
    names = [part for part in parts if "version" not in part]
    for first in {value, "Lead"} if len(names) > 1 else {value}:
        path, given = route.path, iter([first, *[value] * len(names)])
        for part in parts:
            path = path.replace(part, VERSION if "version" in part else quote(next(given), safe="%"), 1)
        yield path


@pytest.mark.parametrize("value", PATH_VALUES, ids=lambda value: repr(value)[:30])
def test_no_path_upsets_any_route(org: FakeOrg, session: requests.Session, value: str) -> None:
    wrong = []
    for route in ROUTES:
        for path in paths_of(route, value):
            response = session.request(route.method, org.instance_url + path, headers=HEADERS, data=b"{}")
            if not is_salesforces(response):
                wrong.append((route.method, path[:120], response.status_code, response.text[:200]))
    assert wrong == []


def with_bodies() -> list[Any]:
    return [route for route in ROUTES if route.method in {"POST", "PUT", "PATCH"} and "oauth2" not in route.path]


def filled(route: Any, org: FakeOrg, session: requests.Session) -> str:
    """The route's path with parts that are there: a real object, a real record, an open job."""
    path = route.path
    if "/jobs/ingest/" in path:
        job = {"object": "Lead", "operation": "insert"}
        made = session.post(f"{org.instance_url}{DATA}/jobs/ingest", json=job).json()["id"]
    elif "/async/" in path:
        job = {"object": "Lead", "operation": "insert", "contentType": "CSV"}
        made = session.post(f"{org.instance_url}/services/async/{VERSION}/job", json=job).json()["id"]
    elif "/jobs/query/" in path:
        job = {"operation": "query", "query": "SELECT Id FROM Lead LIMIT 1"}
        made = session.post(f"{org.instance_url}{DATA}/jobs/query", json=job).json()["id"]
    else:
        made = make_id("750", 5_000_000)
    values = {
        "<version:version>": VERSION,
        "<job_id>": made,
        "<name>": "Lead",
        "<record_id>": make_id("00Q", 5_000_000),
        "<key>": "Id",
        "<field>": "Id",
        "<path:value>": make_id("00Q", 5_000_001),
        "<org_id>": org.org_id,
    }
    for part, value in values.items():
        path = path.replace(part, value)
    return re.sub(r"<[^>]*>", "x", path)


@pytest.mark.parametrize("route", with_bodies(), ids=lambda route: f"{route.method} {route.path}")
def test_no_body_upsets_any_route(org: FakeOrg, session: requests.Session, route: Any) -> None:
    kinds = [
        ("application/json", JSON_BODIES),
        ("text/xml", XML_BODIES),
        ("application/xml; charset=UTF-8", XML_BODIES),
    ]
    kinds += [("text/csv", CSV_BODIES), ("nonsense", JSON_BODIES[:4]), ("application/json; charset=utf-16", (b"{}",))]
    wrong = []
    for kind, bodies in kinds:
        for body in bodies:
            path = filled(route, org, session)
            headers = {**HEADERS, "Content-Type": kind, "SOAPAction": '""'}
            response = session.request(route.method, org.instance_url + path, data=body, headers=headers)
            if not is_salesforces(response):
                wrong.append((kind, body[:80], response.status_code, response.text[:200]))
    assert wrong == []


@pytest.mark.parametrize("call", SOAP_CALLS, ids=lambda call: call[:60])
def test_no_soap_call_upsets_it(org: FakeOrg, session: requests.Session, call: str) -> None:
    url = f"{org.instance_url}/services/Soap/u/{VERSION}"
    header = LOGGED_IN.format(token=org.token)
    for body in (soap(call, header), soap(call), b'<!DOCTYPE x [<!ENTITY a "b">]>' + soap(call, header)):
        response = session.post(url, data=body, headers={"Content-Type": "text/xml", "SOAPAction": '""', **HEADERS})
        assert is_salesforces(response), response.text[:300]
        if body.startswith(b"<!DOCTYPE"):
            assert response.status_code == 500
            assert "DOCTYPE" in response.text


@pytest.mark.parametrize("body", CSV_BODIES, ids=lambda body: repr(body)[:40])
def test_a_hostile_upload_is_a_failed_job_or_failed_rows(org: FakeOrg, session: requests.Session, body: bytes) -> None:
    url = f"{org.instance_url}{DATA}/jobs/ingest"
    job = f"{url}/{session.post(url, json={'object': 'Lead', 'operation': 'insert'}).json()['id']}"
    session.put(f"{job}/batches", data=body, headers={"Content-Type": "text/csv"})
    session.patch(job, json={"state": "UploadComplete"})
    told = session.get(job).json()
    assert told["state"] == "Failed" or told["numberRecordsFailed"] == told["numberRecordsProcessed"] > 0
    for results in ("successfulResults", "failedResults", "unprocessedrecords"):
        assert is_salesforces(session.get(f"{job}/{results}"))


@pytest.mark.parametrize(
    "statement",
    [
        "",
        " ",
        "SELECT",
        "SELECT Id FROM Lead; DROP TABLE Lead",
        "SELECT Id FROM Lead WHERE Name = 'x' OR '1'='1'",
        "SELECT Id FROM Lead WHERE Name = 'x'; --",
        "SELECT Id FROM Lead UNION SELECT Id FROM User",
        "SELECT * FROM Lead",
        'SELECT "Id" FROM "Lead"',
        "SELECT Id FROM information_schema.tables",
        "SELECT Id FROM pg_catalog",
        "SELECT read_csv('/etc/passwd') FROM Lead",
        "SELECT Id FROM Lead WHERE Name = '\\",
        "SELECT Id FROM Lead WHERE Name = '\\u0000'",
        "SELECT Id FROM Lead WHERE Name = '\x00'",
        "SELECT Id FROM Lead WHERE Name LIKE '%\\%'",
        "SELECT Id FROM Lead WHERE " + "(" * 3000 + "Name = 'x'" + ")" * 3000,
        "SELECT Id FROM Lead WHERE " + "NOT " * 2000 + "Name = 'x'",
        "SELECT " + "Id, " * 2000 + "Name FROM Lead",
        "SELECT Id FROM Lead WHERE Id IN (" + "'x'," * 1500 + "'x')",
        "SELECT Id FROM Lead LIMIT 99999999999999999999999",
        "SELECT Id FROM Lead LIMIT -1",
        "SELECT Id FROM Lead WHERE AnnualRevenue > 1e400",
        "SELECT Id FROM Lead WHERE AnnualRevenue > " + "9" * 400,
        "SELECT Id FROM Lead WHERE CreatedDate = LAST_N_DAYS:999999999999",
        "SELECT Id FROM Lead WHERE CreatedDate > 9999-99-99T99:99:99Z",
        "SELECT Id, (SELECT Id, (SELECT Id FROM Tasks) FROM Contacts) FROM Account",
        "SELECT Owner.Owner.Owner.Owner.Owner.Owner.Name FROM Lead",
        "SELECT COUNT(Id), COUNT(Id), SUM(Name) FROM Lead GROUP BY Nothing HAVING x",
        "SELECT FIELDS(ALL) FROM Lead LIMIT 9999",
        "\uff33\uff25\uff2c\uff25\uff23\uff34 Id FROM Lead",
        "SELECT Id FROM Lead\u2028WHERE Name = 'x'",
    ],
    ids=lambda statement: statement[:40],
)
def test_no_query_upsets_it(org: FakeOrg, session: requests.Session, statement: str) -> None:
    asked = [
        session.get(f"{org.instance_url}{DATA}/query", params={"q": statement}, headers=HEADERS),
        session.get(f"{org.instance_url}{DATA}/queryAll", params={"q": statement}, headers=HEADERS),
        session.get(f"{org.instance_url}{DATA}/query", params={"explain": statement}, headers=HEADERS),
        session.get(f"{org.instance_url}{DATA}/tooling/query", params={"q": statement}, headers=HEADERS),
        session.post(f"{org.instance_url}{DATA}/jobs/query", json={"operation": "query", "query": statement}),
    ]
    assert [(one.status_code, one.text[:200]) for one in asked if not is_salesforces(one)] == []


@pytest.mark.parametrize(
    "parameters",
    [
        {"fields": DROP},
        {"fields": "Id,,,Id"},
        {"fields": "\x00"},
        {"start": DROP, "end": DROP},
        {"start": "2026-01-01T00:00:00Z"},
        {"start": "0000-00-00", "end": "9999-12-31T23:59:60Z"},
        {"ids": DROP},
        {"ids": ",".join([make_id("00Q", 1)] * 2001), "allOrNone": "maybe"},
        {"locator": DROP, "maxRecords": "-1"},
        {"locator": "=" * 50, "maxRecords": "9" * 40},
        {"columns": "maybe", "q": "SELECT Id FROM Lead LIMIT 1"},
        {"sObjects": DROP + ",Lead,,\x00"},
        {"_HttpMethod": "TRACE"},
        {"_HttpMethod": DROP},
        {"q": ["SELECT Id FROM Lead LIMIT 1", DROP]},
    ],
    ids=lambda parameters: str(parameters)[:50],
)
def test_no_parameter_upsets_any_route(org: FakeOrg, session: requests.Session, parameters: dict[str, Any]) -> None:
    wrong = []
    for route in ROUTES:
        if route.method in {"GET", "DELETE", "POST"} and "oauth2" not in route.path:
            path = filled(route, org, session)
            response = session.request(route.method, org.instance_url + path, params=parameters, headers=HEADERS)
            if not is_salesforces(response):
                wrong.append((route.method, path, response.status_code, response.text[:200]))
    assert wrong == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Bearer"},
        {"Authorization": ""},
        {"Authorization": "Basic dXNlcjpwYXNz"},
        {"Authorization": "Bearer " + "x" * 8000},
        {"Authorization": "Bearer ' OR '1'='1"},
        {"Authorization": b"Bearer \xff\xfe\x80"},
        {"Authorization": None, "X-SFDC-Session": "wrong"},
        {"Authorization": "OAuth wrong"},
    ],
    ids=str,
)
def test_no_wrong_token_opens_anything(org: FakeOrg, session: requests.Session, headers: dict[str, Any]) -> None:
    for route in ROUTES:
        if route.login:
            path = re.sub(r"<version:version>", VERSION, route.path)
            path = re.sub(r"<[^>]*>", "Lead", path)
            response = session.request(
                route.method, org.instance_url + path, headers={**HEADERS, **headers}, data=b"{}"
            )
            assert response.status_code in {400, 401}, (route.method, path)
            assert "INVALID_SESSION_ID" in response.text or "InvalidSessionId" in response.text, (route.method, path)


@pytest.mark.parametrize(
    "headers",
    [
        {"Sforce-Query-Options": "batchSize=" + "9" * 400},
        {"Sforce-Query-Options": "batchSize=-1; \x01"},
        {"Sforce-Call-Options": DROP},
        {"Sforce-Auto-Assign": DROP},
        {"Sforce-Duplicate-Rule-Header": "allowSave=" + "x" * 4000},
        {"If-Modified-Since": "yesterday"},
        {"If-Modified-Since": "Thu, 99 Foo 99999 99:99:99 GMT"},
        {"If-Unmodified-Since": DROP},
        {"If-Match": '"' * 3000},
        {"If-None-Match": ",,,*"},
        {"Accept-Encoding": ";;;q=x,gzip;q=0"},
        {"Accept": "nonsense/*;q=9"},
        {"Host": "evil.example.org:99999"},
        {"Content-Encoding": "gzip"},
        {"X-PrettyPrint": "2"},
    ],
    ids=str,
)
def test_no_header_upsets_any_route(org: FakeOrg, session: requests.Session, headers: dict[str, str]) -> None:
    wrong = []
    for route in ROUTES:
        path = filled(route, org, session)
        response = session.request(route.method, org.instance_url + path, headers={**HEADERS, **headers}, data=b"{}")
        if not is_salesforces(response):
            wrong.append((route.method, path, response.status_code, response.text[:200]))
    assert wrong == []


HOSTILE_TEXTS = (
    DROP,
    '\'); DELETE FROM "Lead"; --',
    "' OR ''='",
    "\\' OR 1=1 --",
    "#N/A",
    "NULL",
    '=HYPERLINK("http://x")',
    "<script>alert(1)</script>",
    "]]><a>&lt;",
    "%s %n {0} ${x} {{y}}",
    "line\r\nline\ttab\u2028",
    "\u202egnirts",
    "שלום 😀 ﷽",
    "\x01\x7f\u0085",
    "@{ref.id}",
)


@pytest.mark.parametrize("text", HOSTILE_TEXTS, ids=ascii)
def test_hostile_values_are_values(org: FakeOrg, session: requests.Session, text: str) -> None:
    root = f"{org.instance_url}{DATA}"
    made = session.post(f"{root}/sobjects/Lead", json={"LastName": "Hostile", "Company": text, "Description": text})
    assert made.status_code == 201, made.text
    record = f"{root}/sobjects/Lead/{made.json()['id']}"
    assert session.get(record).json()["Company"] == text.strip()
    assert session.patch(record, json={"Title": text}).status_code == 204
    escaped = "".join({"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r"}.get(one, one) for one in text.strip())
    found = session.get(f"{root}/query", params={"q": f"SELECT Company FROM Lead WHERE Company = '{escaped}'"}).json()
    assert [one["Company"] for one in found["records"]] == [text.strip()]
    assert session.delete(record).status_code == 204


@pytest.mark.parametrize(
    "name", ["LastName\x00", DROP, 'LastName") VALUES (1)', "", " ", "a" * 5000, "Owner.Name", "\uff2castName"]
)
def test_hostile_field_names_are_unknown_fields(org: FakeOrg, session: requests.Session, name: str) -> None:
    response = session.post(
        f"{org.instance_url}{DATA}/sobjects/Lead", json={"LastName": "A", "Company": "B", name: "x"}
    )
    assert response.status_code == 400
    assert response.json()[0]["errorCode"] in {"INVALID_FIELD", "JSON_PARSER_ERROR", "INVALID_FIELD_FOR_INSERT_UPDATE"}


def test_a_body_that_only_claims_to_be_compressed_is_refused(org: FakeOrg, session: requests.Session) -> None:
    bomb = gzip.compress(b"0" * 200_000_000, compresslevel=9)
    job = session.post(f"{org.instance_url}{DATA}/jobs/ingest", json={"object": "Lead", "operation": "insert"}).json()
    url = f"{org.instance_url}{DATA}/jobs/ingest/{job['id']}/batches"
    for body in (b"not gzip", bomb):
        response = session.put(url, data=body, headers={"Content-Type": "text/csv", "Content-Encoding": "gzip"})
        assert 400 <= response.status_code < 500, response.text[:200]
        assert is_salesforces(response)


# --- over the wire -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def speak(org: FakeOrg) -> Iterator[Any]:
    """Send bytes over TLS as they are, and read what comes back."""
    with org.serve() as server:
        context = ssl.create_default_context(cafile=str(server.ca_file))

        def say(data: bytes) -> bytes:
            with (
                socket.create_connection(("127.0.0.1", server.port), timeout=20) as plain,
                context.wrap_socket(plain, server_hostname="localhost") as connection,
            ):
                try:
                    connection.sendall(data)
                    connection.settimeout(20)
                except OSError:
                    pass  # it did not want to hear it out
                answer = b""
                try:
                    while piece := connection.recv(65536):
                        answer += piece
                except OSError:
                    pass
                return answer

        yield say


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 401),
        (b"nonsense\r\n\r\n", 400),
        (b"GET\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\n\r\n", 400),
        (b"\x00\x01\x02\x03\r\n\r\n", 400),
        (b"GET /%00%ff%fe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 401),
        (b"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 401),
        (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 414),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 70_000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 500 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: \x00\xff\r\nConnection: close\r\n\r\n", 401),
        (b"FETCH / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 401),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 413),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffff\r\n", 413),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", 413),
        (b"TRACE / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 401),
    ],
    ids=lambda value: repr(value)[:50] if isinstance(value, bytes) else str(value),
)
def test_no_bytes_upset_the_server(speak: Any, request_bytes: bytes, status: int) -> None:
    answer = speak(request_bytes)
    assert answer.startswith((b"HTTP/1.1 %d " % status, b"HTTP/1.0 %d " % status)), answer[:200]
    assert b"Traceback" not in answer
    assert b"python" not in answer.lower()


def test_the_server_goes_on_after_all_that(speak: Any, org: FakeOrg) -> None:
    answer = speak(
        f"GET {DATA}/limits HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {org.token}\r\nConnection: close\r\n\r\n".encode()
    )
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert json.loads(body)["DailyApiRequests"]

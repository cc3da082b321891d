from __future__ import annotations

import gzip
from datetime import timedelta
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sfsync.fake.routes.soap import CALLS
from sfsync.fake.weather import ExpiredSession, LimitExceeded, Unavailable

ENVELOPE = """<?xml version="1.0" encoding="utf-8"?>
<env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/"><env:Body>
<n1:{call} xmlns:n1="urn:partner.soap.sforce.com"><n1:username>{username}</n1:username>
<n1:password>{password}</n1:password></n1:{call}></env:Body></env:Envelope>"""

NAMES = {"e": "http://schemas.xmlsoap.org/soap/envelope/", "p": "urn:partner.soap.sforce.com"}


def login(org, **changes):
    known = org.credentials
    values = {"call": "login", "username": known.username, "password": known.password + known.security_token, **changes}
    return ENVELOPE.format(**values)


def test_a_login_gives_a_session_and_where_to_use_it(org, soap, xml):
    response = soap.post(login(org), "/services/Soap/u/59.0")
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/xml")
    result = ET.fromstring(response.content).find(".//p:result", NAMES)
    assert [xml.local(child) for child in result] == [
        "metadataServerUrl", "passwordExpired", "sandbox", "serverUrl", "sessionId", "userId", "userInfo",
    ]  # fmt: skip
    values = xml.values(result)
    assert values["serverUrl"] == f"{org.instance_url}/services/Soap/u/59.0/{org.org_id[:15]}"
    assert values["userId"] == org.admin_id
    assert org.access.user_of(values["sessionId"]) == org.admin_id


def test_the_users_details_are_all_there_in_the_order_of_the_wsdl(org, soap, xml):
    info = ET.fromstring(soap.post(login(org)).content).find(".//p:userInfo", NAMES)
    names = [xml.local(child) for child in info]
    assert len(names) == 24
    assert names == sorted(names)
    assert info.find("p:userFullName", NAMES).text == "Ada Admin"
    assert [xml.local(child) for child in soap("getUserInfo")[0]] == names


def test_the_address_may_name_the_org_and_the_password_come_alone(org, soap):
    body = login(org, password=org.credentials.password)
    assert soap.post(body, f"/services/Soap/u/62.0/{org.org_id[:15]}").ok


@pytest.mark.parametrize("change", [{"password": "wrong"}, {"username": "nobody"}, {"username": "&lt;x&gt;"}])
def test_a_wrong_login_is_a_fault(org, soap, change):
    response = soap.post(login(org, **change))
    assert response.status_code == 500
    body = ET.fromstring(response.content)
    assert body.find(".//faultcode").text == "INVALID_LOGIN"
    assert body.find(".//faultstring").text.startswith("INVALID_LOGIN: Invalid username, password, security token")
    assert b"<sf:exceptionCode>INVALID_LOGIN</sf:exceptionCode>" in response.content
    assert b"<sf:LoginFault" in response.content


def test_logging_out_ends_the_session(org, soap):
    assert soap("logout") == []
    assert soap.fault("getUserInfo")[0] == "INVALID_SESSION_ID"
    assert org.access.user_of(soap.token) is None


def test_sessions_can_be_ended_by_their_ids(org, soap, xml):
    other = org.access.issue(org.admin_id)
    assert xml.values(soap("invalidateSessions", f"<sessionIds>{other}</sessionIds>")[0]) == {"success": "true"}
    assert org.access.user_of(other) is None
    assert org.access.user_of(soap.token)


@pytest.mark.parametrize("token", ["", "00D!wrong"])
def test_calls_need_a_session(org, soap_of, token):
    code, message, detail = soap_of(org, token).fault("getServerTimestamp")
    assert (code, detail) == ("INVALID_SESSION_ID", "UnexpectedErrorFault")
    assert "Illegal Session" in message


def test_the_orgs_time_is_told_and_nobody_elses(org, soap, xml):
    org.clock.freeze()
    org.clock.advance(timedelta(days=400))
    told = xml.values(soap("getServerTimestamp")[0])["timestamp"]
    assert told == f"{org.clock.now():%Y-%m-%dT%H:%M:%S}.{org.clock.now().microsecond // 1000:03d}Z"


def test_calls_are_counted_and_told_and_end_when_the_days_are_used_up(org, soap):
    org.settings.daily_api_requests = 2
    header = ET.fromstring(soap.raw("getUserInfo").content).find("e:Header", NAMES)
    assert [child.text for child in header[0][0]] == ["1", "2", "API REQUESTS"]
    soap("getUserInfo")
    assert soap.fault("getUserInfo")[0] == "REQUEST_LIMIT_EXCEEDED"
    assert soap.post(login(org)).ok


# --- what no honest client sends -----------------------------------------------------------------------------------

BOMB = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'
LEAK = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize("prefix", [BOMB, LEAK, "<!DOCTYPE x>"])
def test_document_types_are_refused(org, soap, prefix):
    body = login(org, username="&amp;").replace('<?xml version="1.0" encoding="utf-8"?>', prefix)
    response = soap.post(body)
    assert response.status_code == 500
    assert "DOCTYPE is not allowed" in response.text


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-8-sig"])
def test_a_document_type_does_not_hide_in_another_encoding(org, soap, encoding):
    said = "utf-16" if "16" in encoding else "utf-8"
    body = f'<?xml version="1.0" encoding="{said}"?>{BOMB}<a>&b;</a>'.encode(encoding)
    response = soap.post(body)
    assert response.status_code == 500
    assert "aaaa" not in response.text


@pytest.mark.parametrize(
    "body",
    [
        "",
        "no xml",
        "<a/>",
        "<Envelope><Body/></Envelope>",
        "<a>" * 5000,
        '<?xml version="1.0" encoding="nonsense"?><a/>',
    ],
)
def test_what_is_no_call_is_a_fault(soap, xml, body):
    response = soap.post(body)
    assert response.status_code == 500
    assert xml.told(response)[0] in {"UNKNOWN_EXCEPTION", "EXCEEDED_MAX_SIZE_REQUEST"}


def test_endless_nesting_is_refused_before_it_is_read(soap, xml):
    assert xml.told(soap.post("<a>" * 200_000 + "</a>" * 200_000))[0] == "EXCEEDED_MAX_SIZE_REQUEST"


def test_zipped_requests_are_read_and_zip_bombs_are_not(org, soap, xml):
    zipped = {"Content-Encoding": "gzip"}
    assert soap.post(gzip.compress(login(org).encode()), **zipped).ok
    assert xml.told(soap.post(gzip.compress(b" " * 60_000_000), **zipped))[0] == "EXCEEDED_MAX_SIZE_REQUEST"
    assert xml.told(soap.post(b"no gzip", **zipped))[0] == "UNKNOWN_EXCEPTION"


NASTY = [
    "",
    "\0",
    "'",
    '"; DROP TABLE "Lead"; --',
    "]]>",
    "☃",
    "../..",
    "-1",
    "1e999",
    "9" * 40,
    "null",
    "a" * 5000,
    "00Q",
    "%s{}",
]


@pytest.mark.parametrize("nasty", NASTY)
def test_nasty_values_are_values_or_faults(org, soap, leads, nasty):
    said = escape(nasty.replace("\0", ""))
    inner = (
        f"<type>Lead</type><Id>{said}</Id><LastName>{said}</LastName><Company>{said}</Company><leadId>{said}</leadId>"
    )
    lone = (
        f"<convertedStatus>{said}</convertedStatus><ownerId>{said}</ownerId><recordToMergeIds>{said}</recordToMergeIds>"
    )
    kept = [name for name in CALLS if name not in {"logout", "invalidateSessions"}]
    for name in kept:
        for body in (said, inner, inner + lone, f"<masterRecord>{inner}</masterRecord>{lone}"):
            elements = "".join(f"<{one}>{body}</{one}>" for one in CALLS[name].parameters)
            response = soap.raw(name, elements)
            assert "An unexpected error occurred" not in response.text, (name, body)
    assert {one for one in leads if org.record("Lead", one)["LastName"].startswith("Lead ")} == set(leads)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(data=st.data())
def test_any_tree_of_elements_is_answered(soap, leads, data):
    name = data.draw(st.sampled_from([name for name in CALLS if name not in {"logout", "invalidateSessions"}]))
    texts = st.sampled_from(
        ["", "Lead", "Account", "x", leads[0], "true", "2026-01-01T00:00:00Z", "SELECT Id FROM Lead"]
    )
    names = st.sampled_from(
        ["type", "Id", "fieldsToNull", "Company", "Owner", "leadId", "masterRecord", "recordToMergeIds"]
    )
    trees = st.recursive(
        texts,
        lambda inner: st.lists(st.tuples(names, inner), max_size=4).map(
            lambda pairs: "".join(f"<{tag}>{text}</{tag}>" for tag, text in pairs)
        ),
        max_leaves=8,
    )
    body = "".join(f"<{one}>{data.draw(trees)}</{one}>" for one in CALLS[name].parameters)
    assert "An unexpected error occurred" not in soap.raw(name, body).text


def test_elements_that_do_not_belong_there_are_refused(soap, leads):
    code, message, _ = soap.fault("delete", f"<id>{leads[0]}</id>")
    assert (code, message) == ("UNKNOWN_EXCEPTION", "Element {urn:partner.soap.sforce.com}id invalid at this location")


@pytest.mark.parametrize(
    ("trouble", "status", "code"),
    [
        (ExpiredSession(), 500, "INVALID_SESSION_ID"),
        (LimitExceeded(), 500, "REQUEST_LIMIT_EXCEEDED"),
        (Unavailable(), 503, "SERVER_UNAVAILABLE"),
    ],
)
def test_the_weather_speaks_soap(org, soap, xml, trouble, status, code):
    org.weather.add(trouble)
    response = soap.raw("getUserInfo")
    assert (response.status_code, xml.told(response)[0]) == (status, code)


def test_unknown_calls_are_told_to_be_unknown(soap):
    code, message, _ = soap.fault("sendEmail")
    assert code == "UNKNOWN_EXCEPTION"
    assert message.startswith("No operation available for request {urn:partner.soap.sforce.com}sendEmail")


def test_retired_versions_are_refused_in_soaps_own_words(soap):
    assert soap.fault("getUserInfo", path="/services/Soap/u/20.0")[0] == "UNSUPPORTED_API_VERSION"

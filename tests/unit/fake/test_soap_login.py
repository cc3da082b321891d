from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

ENVELOPE = """<?xml version="1.0" encoding="utf-8"?>
<env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/"><env:Body>
<n1:{call} xmlns:n1="urn:partner.soap.sforce.com"><n1:username>{username}</n1:username>
<n1:password>{password}</n1:password></n1:{call}></env:Body></env:Envelope>"""

NAMES = {"e": "http://schemas.xmlsoap.org/soap/envelope/", "p": "urn:partner.soap.sforce.com"}


@pytest.fixture
def post(org):
    def post(body, path="/services/Soap/u/59.0"):
        headers = {"content-type": "text/xml", "SOAPAction": "login"}
        return org.session().post(f"https://login.salesforce.com{path}", data=body, headers=headers)

    return post


def login(org, **changes):
    known = org.credentials
    values = {"call": "login", "username": known.username, "password": known.password + known.security_token, **changes}
    return ENVELOPE.format(**values)


def test_a_login_gives_a_session_and_where_to_use_it(org, post):
    response = post(login(org))
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/xml")
    result = ET.fromstring(response.content).find(".//p:result", NAMES)
    assert [child.tag.partition("}")[2] for child in result] == [
        "metadataServerUrl", "passwordExpired", "sandbox", "serverUrl", "sessionId", "userId", "userInfo",
    ]  # fmt: skip
    values = {child.tag.partition("}")[2]: child.text for child in result}
    assert values["serverUrl"] == f"{org.instance_url}/services/Soap/u/59.0/{org.org_id[:15]}"
    assert values["userId"] == org.admin_id
    assert org.access.user_of(values["sessionId"]) == org.admin_id


def test_the_users_details_are_all_there_in_the_order_of_the_wsdl(org, post):
    info = ET.fromstring(post(login(org)).content).find(".//p:userInfo", NAMES)
    names = [child.tag.partition("}")[2] for child in info]
    assert len(names) == 24
    assert names == sorted(names)
    assert info.find("p:userFullName", NAMES).text == "Ada Admin"


def test_the_address_may_name_the_org_and_the_password_come_alone(org, post):
    assert post(login(org, password=org.credentials.password), f"/services/Soap/u/62.0/{org.org_id[:15]}").ok


@pytest.mark.parametrize("change", [{"password": "wrong"}, {"username": "nobody"}, {"username": "&lt;x&gt;"}])
def test_a_wrong_login_is_a_fault(org, post, change):
    response = post(login(org, **change))
    assert response.status_code == 500
    body = ET.fromstring(response.content)
    assert body.find(".//faultcode").text == "INVALID_LOGIN"
    assert body.find(".//faultstring").text.startswith("INVALID_LOGIN: Invalid username, password, security token")
    assert b"<sf:exceptionCode>INVALID_LOGIN</sf:exceptionCode>" in response.content
    assert b"<sf:LoginFault" in response.content


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'
LEAK = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize("prefix", [BOMB, LEAK, "<!DOCTYPE x>"])
def test_document_types_are_refused(org, post, prefix):
    body = login(org, username="&amp;").replace('<?xml version="1.0" encoding="utf-8"?>', prefix)
    response = post(body)
    assert response.status_code == 500
    assert "DOCTYPE is not allowed" in response.text


@pytest.mark.parametrize("body", ["", "no xml", "<a/>", "<Envelope><Body/></Envelope>", "<a>" * 5000])
def test_what_is_no_call_is_a_fault(post, body):
    response = post(body)
    assert response.status_code == 500
    assert b"exceptionCode" in response.content


def test_other_calls_are_told_to_be_unknown(org, post):
    response = post(login(org, call="merge"))
    assert response.status_code == 500
    assert "No operation available for request {urn:partner.soap.sforce.com}merge" in response.text

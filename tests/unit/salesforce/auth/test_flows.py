from __future__ import annotations

from urllib.parse import parse_qs

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sfsync.errors import AuthenticationFailed, IncompleteAnswer, LimitReached, RequestRefused, Unreachable, UsageError
from sfsync.salesforce.auth.client_credentials import ClientCredentialsLogin
from sfsync.salesforce.auth.jwt import JwtLogin, audience_of, read_private_key
from sfsync.salesforce.auth.password import LOGIN_VERSION, PasswordLogin
from sfsync.salesforce.redaction import Secret

TOKEN_PATH = "POST /services/oauth2/token"
SOAP_PATH = f"POST /services/Soap/u/{LOGIN_VERSION}"
SESSION = "00D000000000001!AQEAQtestTokenThatMustNeverBeSeen"


@pytest.fixture
def granted(server, make_answer):
    def grant(**changes):
        body = {
            "access_token": SESSION,
            "instance_url": "https://Example.my.salesforce.com",
            "id": "https://login.salesforce.com/id/00D000000000001EAA/005000000000001AAA",
            **changes,
        }
        server.on(TOKEN_PATH, make_answer(200, body))

    return grant


def form(request):
    return {name: values[0] for name, values in parse_qs(request.body.decode()).items()}


def oauth_error(make_answer, error, description):
    return make_answer(400, {"error": error, "error_description": description})


def test_client_credentials_are_exchanged_for_a_token(server, transport, granted):
    granted()
    access = ClientCredentialsLogin("3MVG9", Secret("s&cret"), server.url).log_in(transport)
    assert access.token.reveal() == SESSION
    assert access.instance_url == "https://example.my.salesforce.com"
    assert (access.org_id, access.user_id) == ("00D000000000001EAA", "005000000000001AAA")
    assert form(server.requests[-1]) == {
        "grant_type": "client_credentials",
        "client_id": "3MVG9",
        "client_secret": "s&cret",
    }
    assert server.requests[-1].headers["Authorization"] is None


@pytest.mark.parametrize(
    ("error", "description", "hint"),
    [
        ("invalid_client", "invalid client credentials", "client id and client secret"),
        ("invalid_client_id", "client identifier invalid", "client id and client secret"),
        ("invalid_grant", "request not supported on this domain", "My Domain"),
        ("invalid_grant", "no client credentials user enabled", "enable the client credentials flow"),
        ("invalid_grant", "user hasn't approved this consumer", "connected app"),
        ("invalid_app_access", "user is not admin approved to access this app", "connected app"),
        ("invalid_grant", "audience is invalid", "https://test.salesforce.com"),
        ("invalid_grant", "invalid assertion", "clock is right"),
        ("invalid_grant", "authentication failure", "security token"),
        ("invalid_grant", "ip restricted", "certain addresses"),
        ("unsupported_grant_type", "grant type not supported", "choose another"),
        ("inactive_user", "user is inactive", "activate"),
        ("something_new", "never seen before", "Login History"),
    ],
)
def test_a_refused_login_has_a_hint_that_fits(server, transport, make_answer, waits, error, description, hint):
    server.on(TOKEN_PATH, oauth_error(make_answer, error, description))
    with pytest.raises(AuthenticationFailed, match=error) as raised:
        ClientCredentialsLogin("3MVG9", Secret("s&cret"), server.url).log_in(transport)
    assert description in raised.value.message
    assert hint in raised.value.hint
    assert len(server.requests) == 1
    assert waits == []


def test_a_401_of_the_token_endpoint_is_a_refused_login_too(server, transport, make_answer):
    body = {"error": "invalid_client", "error_description": "invalid client credentials"}
    server.on(TOKEN_PATH, make_answer(401, body))
    with pytest.raises(AuthenticationFailed, match="invalid_client"):
        ClientCredentialsLogin("3MVG9", Secret("s&cret"), server.url).log_in(transport)


def test_a_login_is_tried_again_when_the_org_is_busy(server, transport, make_answer):
    body = {"access_token": SESSION, "instance_url": server.url}
    server.on(TOKEN_PATH, make_answer(503), make_answer(hang_up=True), make_answer(200, body))
    access = ClientCredentialsLogin("3MVG9", Secret("s&cret"), server.url).log_in(transport)
    assert access.org_id == "00D000000000001EAA"


def test_an_answer_without_a_token_is_incomplete(server, transport, make_answer):
    server.on(TOKEN_PATH, make_answer(200, {"instance_url": server.url}))
    with pytest.raises(IncompleteAnswer):
        ClientCredentialsLogin("3MVG9", Secret("s&cret"), server.url).log_in(transport)


def test_an_instance_without_encryption_is_not_accepted_from_the_org_either(granted, server, transport):
    granted(instance_url="http://example.my.salesforce.com")
    with pytest.raises(UsageError, match="must start with https"):
        ClientCredentialsLogin("3MVG9", Secret("s&cret"), server.url).log_in(transport)


def test_a_login_address_that_has_moved_is_told(server, transport, make_answer):
    server.on(TOKEN_PATH, make_answer(301, "", {"Location": "https://new.my.salesforce.com/services"}))
    with pytest.raises(RequestRefused, match=r"new\.my\.salesforce\.com"):
        ClientCredentialsLogin("3MVG9", Secret("s&cret"), server.url).log_in(transport)


@pytest.fixture(scope="module")
def key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="module")
def pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def test_a_jwt_states_who_we_are_and_is_signed(server, transport, granted, key, pem):
    granted()
    access = JwtLogin("3MVG9", "ada@example.com", Secret(pem), server.url).log_in(transport)
    assert access.token.reveal() == SESSION
    sent = form(server.requests[-1])
    assert sent["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    claims = jwt.decode(sent["assertion"], key.public_key(), algorithms=["RS256"], audience=server.url)
    assert (claims["iss"], claims["sub"], claims["aud"]) == ("3MVG9", "ada@example.com", server.url)
    assert isinstance(claims["exp"], int)


@pytest.mark.parametrize(
    ("login_url", "audience"),
    [
        ("https://login.salesforce.com", "https://login.salesforce.com"),
        ("https://test.salesforce.com", "https://test.salesforce.com"),
        ("https://example.my.salesforce.com", "https://login.salesforce.com"),
        ("https://example--dev.sandbox.my.salesforce.com", "https://test.salesforce.com"),
        ("https://example--dev.my.salesforce.com", "https://test.salesforce.com"),
        ("https://dream-1234.scratch.my.salesforce.com", "https://test.salesforce.com"),
        ("https://localhost:8443", "https://localhost:8443"),
    ],
)
def test_the_audience_follows_from_the_login_address(login_url, audience):
    assert audience_of(login_url) == audience


def test_a_key_that_cannot_sign_is_refused_without_showing_it(server, transport):
    bad = Secret("-----BEGIN PRIVATE KEY-----\nTm90IGEga2V5\n-----END PRIVATE KEY-----")
    with pytest.raises(UsageError, match="cannot be used to sign") as raised:
        JwtLogin("3MVG9", "ada@example.com", bad, server.url).log_in(transport)
    assert "Tm90" not in str(raised.value)
    assert raised.value.__cause__ is None


@pytest.mark.parametrize(
    ("content", "said"), [(None, "cannot be read"), (b"hello", "holds no private key"), (b"\xff\xfe", "not a PEM")]
)
def test_a_key_file_that_is_none_is_told(tmp_path, content, said):
    path = tmp_path / "key.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=said) as raised:
        read_private_key(path)
    assert "SF_PRIVATE_KEY_FILE" in raised.value.hint


def soap_success(url, host_path="/services/Soap/u/64.0/00D000000000001"):
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns="urn:partner.soap.sforce.com"><soapenv:Body>
<loginResponse><result><metadataServerUrl>{url}/services/Soap/m/64.0/00D000000000001</metadataServerUrl>
<passwordExpired>false</passwordExpired><sandbox>false</sandbox><serverUrl>{url}{host_path}</serverUrl>
<sessionId>{SESSION}</sessionId><userId>005000000000001AAA</userId>
<userInfo><organizationId>00D000000000001EAA</organizationId><userName>ada@example.com</userName></userInfo>
</result></loginResponse></soapenv:Body></soapenv:Envelope>"""


def soap_fault(code, message):
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:sf="urn:fault.partner.soap.sforce.com">
<soapenv:Body><soapenv:Fault><faultcode>sf:{code}</faultcode><faultstring>{code}: {message}</faultstring>
<detail><sf:LoginFault><sf:exceptionCode>{code}</sf:exceptionCode><sf:exceptionMessage>{message}</sf:exceptionMessage>
</sf:LoginFault></detail></soapenv:Fault></soapenv:Body></soapenv:Envelope>"""


XML = {"Content-Type": "text/xml; charset=utf-8"}


def password_login(url, **options):
    return PasswordLogin("ada&eve@example.com", Secret("pa<ss>w&rd"), url, **options)


def test_a_password_logs_in_by_soap(server, transport, make_answer):
    server.on(SOAP_PATH, make_answer(200, soap_success(server.url), XML))
    access = password_login(server.url, security_token=Secret("tokenABC")).log_in(transport)
    assert access.token.reveal() == SESSION
    assert access.instance_url == server.url
    assert (access.org_id, access.user_id) == ("00D000000000001EAA", "005000000000001AAA")
    sent = server.requests[-1]
    assert sent.headers["SOAPAction"] == "login"
    assert b"<urn:username>ada&amp;eve@example.com</urn:username>" in sent.body
    assert b"<urn:password>pa&lt;ss&gt;w&amp;rdtokenABC</urn:password>" in sent.body


@pytest.mark.parametrize(
    ("server_host", "instance"),
    [
        ("https://my-api-test.my.salesforce.com", "https://my-api-test.my.salesforce.com"),
        ("https://na1-api.salesforce.com", "https://na1.salesforce.com"),
    ],
)
def test_the_instance_is_the_host_the_org_names(server, transport, make_answer, server_host, instance):
    server.on(SOAP_PATH, make_answer(200, soap_success(server_host), XML))
    assert password_login(server.url).log_in(transport).instance_url == instance


@pytest.mark.parametrize(
    ("code", "message", "hint"),
    [
        ("INVALID_LOGIN", "Invalid username, password, security token; or user locked out.", "SF_SECURITY_TOKEN"),
        ("LOGIN_MUST_USE_SECURITY_TOKEN", "Invalid username, password, security token…", "security token"),
        ("INVALID_OPERATION", "SOAP API login() is disabled by default in this org.", "login by SOAP"),
        ("API_DISABLED_FOR_ORG", "API is not enabled for this Organization or Partner", "API Enabled"),
        ("LOGIN_DURING_RESTRICTED_DOMAIN", "cannot log in from current IP address", "certain addresses"),
    ],
)
def test_a_wrong_password_is_sent_once_and_explained(server, transport, make_answer, waits, code, message, hint):
    server.on(SOAP_PATH, make_answer(500, soap_fault(code, message), XML))
    with pytest.raises(AuthenticationFailed, match=code) as raised:
        password_login(server.url).log_in(transport)
    assert hint in raised.value.hint
    assert raised.value.message.count(code) == 1
    assert len(server.requests) == 1
    assert waits == []


def test_a_busy_login_server_is_asked_again(server, transport, make_answer):
    server.on(
        SOAP_PATH,
        make_answer(503, "<html/>"),
        make_answer(500, soap_fault("SERVER_UNAVAILABLE", "busy"), XML),
        make_answer(200, soap_success(server.url), XML),
    )
    assert password_login(server.url).log_in(transport).token.reveal() == SESSION


def test_the_daily_limit_at_login_is_no_wrong_password(server, transport, make_answer):
    fault = soap_fault("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
    server.on(SOAP_PATH, make_answer(500, fault, XML))
    with pytest.raises(LimitReached):
        password_login(server.url).log_in(transport)


def test_something_else_than_salesforce_at_the_login_address(server, transport, make_answer):
    server.on(SOAP_PATH, make_answer(200, "<html><br></html>", {"Content-Type": "text/html"}))
    with pytest.raises(AuthenticationFailed, match="did not answer the login like Salesforce"):
        password_login(server.url).log_in(transport)


def test_nobody_at_the_login_address(transport):
    with pytest.raises(Unreachable):
        password_login("https://127.0.0.1:1").log_in(transport)


def test_with_a_connected_app_a_password_logs_in_by_oauth(server, transport, granted):
    granted()
    login = password_login(
        server.url, security_token=Secret("tokenABC"), client_id="3MVG9", client_secret=Secret("shhh")
    )
    assert login.log_in(transport).token.reveal() == SESSION
    assert form(server.requests[-1]) == {
        "grant_type": "password",
        "client_id": "3MVG9",
        "client_secret": "shhh",
        "username": "ada&eve@example.com",
        "password": "pa<ss>w&rdtokenABC",
    }

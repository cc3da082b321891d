from __future__ import annotations

import base64
import hashlib
import hmac
import time
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

LOGIN = "https://login.salesforce.com/services/oauth2/token"
CLIENT = {"client_id": "fake-client-id", "client_secret": "fake-client-secret"}
JWT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@pytest.fixture
def ask(org):
    def ask(url=LOGIN, **form):
        response = org.session().post(url, data=form)
        return response.status_code, response.json()

    return ask


@pytest.fixture
def own(org):
    return f"{org.instance_url}/services/oauth2/token"


@pytest.fixture
def password_form(org):
    known = org.credentials
    secret = known.password + known.security_token
    return {"grant_type": "password", "username": known.username, "password": secret, **CLIENT}


def assertion(org, key=None, algorithm="RS256", **changes):
    claims = {
        "iss": "fake-client-id",
        "sub": org.credentials.username,
        "aud": "https://login.salesforce.com",
        "exp": str(int(time.time()) + 180),
        **changes,
    }
    return jwt.encode(claims, key or org.credentials.private_key, algorithm=algorithm)


def works(org, answer):
    status, body = answer
    assert status == 200, body
    assert org.access.user_of(body["access_token"])
    assert body["access_token"].startswith(org.org_id[:15] + "!")
    return body


def test_client_credentials_log_in_at_the_orgs_own_domain(org, ask, own):
    body = works(org, ask(own, grant_type="client_credentials", **CLIENT))
    assert body["instance_url"] == org.instance_url
    assert body["token_type"] == "Bearer"
    assert body["id"] == f"https://login.salesforce.com/id/{org.org_id}/{org.admin_id}"


def test_the_answer_is_signed(org, ask, own):
    _, body = ask(own, grant_type="client_credentials", **CLIENT)
    signature = hmac.new(b"fake-client-secret", (body["id"] + body["issued_at"]).encode(), hashlib.sha256).digest()
    assert body["signature"] == base64.b64encode(signature).decode()


def test_client_credentials_can_come_as_basic_authorization(org, own):
    auth = (CLIENT["client_id"], CLIENT["client_secret"])
    response = org.session().post(own, data={"grant_type": "client_credentials"}, auth=auth)
    assert response.status_code == 200


def test_client_credentials_do_not_work_at_the_common_login_host(ask):
    answer = ask(grant_type="client_credentials", **CLIENT)
    assert answer == (400, {"error": "invalid_grant", "error_description": "request not supported on this domain"})


def test_username_and_password_log_in(org, ask, password_form):
    body = works(org, ask(**password_form))
    assert body["instance_url"] == org.instance_url


def test_every_active_user_can_log_in_as_themselves(org, ask, password_form):
    [user] = org.insert("User", [{"LastName": "B", "Username": "b@example.com", "Email": "b@example.com"}])
    body = works(org, ask(**{**password_form, "username": "B@Example.com"}))
    assert org.access.user_of(body["access_token"]) == user
    org.update("User", user, {"IsActive": False})
    assert ask(**{**password_form, "username": "b@example.com"})[0] == 400


@pytest.mark.parametrize(
    ("change", "error", "description"),
    [
        ({"password": "wrong"}, "invalid_grant", "authentication failure"),
        ({"username": "nobody@example.com"}, "invalid_grant", "authentication failure"),
        ({"client_id": "wrong"}, "invalid_client_id", "client identifier invalid"),
        ({"client_secret": "wrong"}, "invalid_client", "invalid client credentials"),
        ({"grant_type": "magic"}, "unsupported_grant_type", "grant type not supported"),
        ({"grant_type": ""}, "unsupported_grant_type", "grant type not supported"),
    ],
)
def test_a_wrong_login_is_told_as_salesforce_tells_it(ask, password_form, change, error, description):
    assert ask(**{**password_form, **change}) == (400, {"error": error, "error_description": description})


def test_a_signed_assertion_logs_in(org, ask):
    works(org, ask(grant_type=JWT, assertion=assertion(org)))


def test_an_assertion_may_be_meant_for_the_org_itself(org, ask, own):
    works(org, ask(own, grant_type=JWT, assertion=assertion(org, aud=org.instance_url)))


@pytest.mark.parametrize("as_certificate", [False, True])
def test_a_key_of_your_own_can_be_registered(org, ask, as_certificate):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    org.access.register_key("my-app", certificate(key) if as_certificate else public_pem(key))
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    works(org, ask(grant_type=JWT, assertion=assertion(org, private, iss="my-app")))


def public_pem(key):
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def certificate(key):
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "app")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
    return builder.sign(key, SHA256()).public_bytes(Encoding.PEM).decode()


def test_other_kinds_of_key_cannot_be_registered(org):
    with pytest.raises(TypeError):
        org.access.register_key("my-app", public_pem(ec.generate_private_key(ec.SECP256R1())))


@pytest.mark.parametrize(
    ("change", "description"),
    [
        ({"exp": str(int(time.time()) - 10)}, "expired authorization code"),
        ({"exp": "soon"}, "expired authorization code"),
        ({"exp": str(int(time.time()) + 86400)}, "invalid assertion"),
        ({"aud": "https://example.com"}, "audience is invalid"),
        ({"sub": "nobody@example.com"}, "user hasn't approved this consumer"),
    ],
)
def test_a_wrong_claim_is_told_as_salesforce_tells_it(org, ask, change, description):
    status, body = ask(grant_type=JWT, assertion=assertion(org, **change))
    assert (status, body["error"], body["error_description"]) == (400, "invalid_grant", description)


def test_an_unknown_issuer_is_refused(org, ask):
    status, body = ask(grant_type=JWT, assertion=assertion(org, iss="somebody"))
    assert (status, body["error"]) == (400, "invalid_client_id")


def test_a_signature_by_another_key_is_refused(org, ask):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    status, body = ask(grant_type=JWT, assertion=assertion(org, private))
    assert (status, body["error_description"]) == (400, "invalid assertion")


@pytest.mark.parametrize("forged", ["", "a.b", "a.b.c", "é.é.é", "eyJhbGciOiJub25lIn0.e30."])
def test_what_is_no_assertion_is_refused(ask, forged):
    status, body = ask(grant_type=JWT, assertion=forged)
    assert (status, body["error"]) == (400, "invalid_grant")


def test_an_unsigned_or_symmetric_assertion_is_refused(org, ask):
    for forged in (
        jwt.encode({"iss": "fake-client-id"}, "", algorithm="none"),
        assertion(org, "a secret that is long enough to be one", algorithm="HS256"),
    ):
        assert ask(grant_type=JWT, assertion=forged)[1]["error_description"] == "invalid assertion"


def test_a_refresh_token_gives_a_new_access_token(org, ask):
    form = {"grant_type": "refresh_token", "client_id": "fake-client-id", "refresh_token": "fake-refresh-token"}
    works(org, ask(**form))
    assert ask(**{**form, "refresh_token": "old"})[1]["error_description"] == "expired access/refresh token"
    assert ask(**{**form, "client_id": "x"})[1]["error"] == "invalid_client_id"


def test_tokens_differ_and_can_be_revoked(org, ask, own):
    first, second = (ask(own, grant_type="client_credentials", **CLIENT)[1]["access_token"] for _ in range(2))
    assert first != second
    revoke = f"{org.instance_url}/services/oauth2/revoke"
    assert org.session().post(revoke, data={"token": first}).status_code == 200
    assert org.session().post(revoke, data={"token": first}).status_code == 400
    assert org.access.user_of(first) is None
    org.access.revoke_all()
    assert org.access.user_of(second) is None


def test_secrets_do_not_show_when_credentials_are_printed(org):
    assert org.credentials.private_key
    assert "PRIVATE" not in repr(org.credentials)


def test_userinfo_tells_who_is_logged_in(org, client):
    body = client.get("/services/oauth2/userinfo").json()
    assert body["preferred_username"] == org.credentials.username
    assert (body["user_id"], body["organization_id"]) == (org.admin_id, org.org_id)


def test_the_identity_url_tells_it_too(org, client):
    path = f"/id/{org.org_id}/{org.admin_id}"
    assert client.get(path).json()["username"] == org.credentials.username
    anonymous = org.session()
    assert anonymous.get(f"{org.instance_url}{path}?oauth_token={org.token}").json()["user_id"] == org.admin_id
    assert anonymous.get(f"{org.instance_url}{path}").status_code == 403
    assert client.get(f"/id/{org.admin_id}/{org.admin_id}").status_code == 404
    assert client.get(f"/id/{org.org_id}/nonsense").status_code == 404


def test_a_user_that_the_data_does_not_have_can_still_hold_a_token(org):
    token = org.access.issue("005Fk0000000099IAA")
    response = org.session().get(
        f"{org.instance_url}/services/oauth2/userinfo", headers={"Authorization": f"Bearer {token}"}
    )
    assert response.json()["preferred_username"] is None

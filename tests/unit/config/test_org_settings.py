"""Logins: every flow has what it needs, and no secret stands in the file, in an error or in a repr."""

from __future__ import annotations

import pytest

from sfsync.config.settings import OrgSettings, Reference, settings_from
from sfsync.config.yaml_reader import parse_yaml
from sfsync.errors import ConfigError, UsageError


def org(text: str, **options) -> OrgSettings:
    document = parse_yaml("orgs:\n  prod:\n" + "".join(f"    {line}\n" for line in text.splitlines()), "sfsync.yml")
    return settings_from(document, **options).orgs["prod"]


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        org(text)
    return [problem.message for problem in caught.value.problems]


def test_an_org_is_a_login_of_the_sf_cli_under_its_own_name_unless_it_says_otherwise():
    assert org("{}").auth == "sf_cli"
    assert org("{}").alias == "prod"
    assert org("alias: production").alias == "production"


@pytest.mark.parametrize(
    "text",
    [
        "auth: access_token\ninstance_url: https://x.my.salesforce.com\naccess_token: ${T}",
        "auth: client_credentials\nlogin_url: https://x.my.salesforce.com\nclient_id: abc\nclient_secret: ${S}",
        "auth: jwt\nusername: a@b.c\nclient_id: ${ID}\nprivate_key_file: key.pem",
        "auth: jwt\nusername: a@b.c\nclient_id: abc\nprivate_key: ${KEY}\nlogin_url: https://test.salesforce.com",
        "auth: password\nusername: a@b.c\npassword: ${P}\nsecurity_token: file:token",
        "auth: password\nusername: a@b.c\npassword: ${P}\nclient_id: abc\nclient_secret: ${S}",
        "auth: sf_cli\nalias: x\napi_version: 62.0",
    ],
)
def test_every_flow_can_be_written(text):
    assert org(text).auth == text.split()[1]


@pytest.mark.parametrize("secret", ["password", "security_token", "access_token", "client_secret", "private_key"])
@pytest.mark.parametrize(
    "value", ["hunter2", "12345678", "[hunter2]", "'$SECRET'", "'${A}${B}'", "'x ${A}'", "'file:'", "''"]
)
def test_a_secret_may_not_stand_in_the_file(secret, value):
    (message, *_) = problems(f"{secret}: {value}")
    assert message == f"the value of `{secret}` may not stand in the file itself"


def test_a_secret_is_shown_as_where_it_is_never_as_what_it_is(monkeypatch):
    monkeypatch.setenv("SF_P", "hunter2")
    login = org("auth: password\nusername: a@b.c\npassword: ${SF_P}")
    assert login.resolved("password") == "hunter2"
    assert "hunter2" not in repr(login) + str(login) + str(login.model_dump()) + login.model_dump_json()
    assert str(login.password) == "${SF_P}"


def test_a_secret_is_read_when_it_is_needed_not_before(tmp_path):
    login = org("auth: password\nusername: a@b.c\npassword: file:secrets/p\nsecurity_token: ${T}", root=tmp_path)
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        login.resolved("password")
    with pytest.raises(UsageError, match="the environment variable T is not set") as caught:
        login.resolved("security_token", {})
    assert caught.value.hint
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "p").write_text("hunter2\r\n")
    assert login.resolved("password") == "hunter2"
    assert login.resolved("security_token", {"T": "abc"}) == "abc"
    assert login.resolved("username") == "a@b.c"
    assert login.resolved("client_id") is None


def test_an_empty_unreadable_or_huge_secret_is_an_error_without_its_content(tmp_path):
    with pytest.raises(UsageError, match="is empty"):
        Reference("env", "T").resolve({"T": ""})
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="not a UTF-8 text"):
        Reference("file", str(tmp_path / "binary")).resolve()
    (tmp_path / "huge").write_text("x" * 100_000)
    with pytest.raises(UsageError, match="too large"):
        Reference("file", str(tmp_path / "huge")).resolve()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("auth: password", ["`auth: password` needs `username`", "`auth: password` needs `password`"]),
        ("auth: jwt\nclient_id: x\nusername: y", ["`auth: jwt` needs one of `private_key_file` and `private_key`"]),
        (
            "auth: jwt\nclient_id: x\nusername: y\nprivate_key: ${K}\nprivate_key_file: k",
            ["`auth: jwt` needs one of `private_key_file` and `private_key`"],
        ),
        (
            "auth: client_credentials\nclient_id: x\nclient_secret: ${S}",
            ["`auth: client_credentials` needs `login_url` or `instance_url`"],
        ),
        ("username: a@b.c", ["`username` is not used by `auth: sf_cli`"]),
        (
            "auth: pasword",
            ["`auth` should be one of access_token, client_credentials, jwt, password, sf_cli, not `pasword`"],
        ),
        ("instance_url: http://x.my.salesforce.com", ["the address is not encrypted"]),
        ("instance_url: https://user:pw@x.com", ["an address may not hold a user name or password"]),
        ("instance_url: x.my.salesforce.com", ["not an address of an org"]),
        ("instance_url: 'https://[::1'", ["not an address of an org"]),
        ("instance_url: https://x.com:99999", ["not an address of an org"]),
        ("instance_url: 'https://x.com/?a=b'", ["not an address of an org"]),
        ("instance_url: 5", ["`instance_url` should be a text"]),
        ("api_version: latest", ["not an API version"]),
        ("api_version: true", ["not an API version"]),
        (
            "auth: jwt\nclient_id: x\nusername: y\nprivate_key_file: 5",
            ["`private_key_file` should be the path of a private key (PEM)"],
        ),
    ],
)
def test_what_a_flow_lacks_or_cannot_use_is_said(text, expected):
    assert problems(text) == expected


def test_the_hint_names_the_flow_that_was_meant():
    with pytest.raises(ConfigError) as caught:
        org("username: a@b.c\npassword: ${P}")
    assert {p.hint for p in caught.value.problems} == {
        "set `auth: jwt` or `auth: password`",
        "set `auth: password`",
    }


@pytest.mark.parametrize("written", ["62.0", "62", '"62.0"', "v62.0"])
def test_an_api_version_may_be_written_as_people_write_it(written):
    assert org(f"api_version: {written}").api_version == "62.0"


@pytest.mark.parametrize(
    "url", ["https://x.my.salesforce.com/", "http://localhost:8443", "http://127.0.0.1:1", "${URL}"]
)
def test_addresses_are_taken_without_their_last_slash(url):
    taken = org(f"instance_url: {url}").instance_url
    assert str(taken) == url.rstrip("/")


def test_a_key_file_counts_from_the_project(tmp_path):
    login = org("auth: jwt\nusername: a\nclient_id: b\nprivate_key_file: keys/k.pem", root=tmp_path)
    assert login.private_key_file == tmp_path / "keys/k.pem"

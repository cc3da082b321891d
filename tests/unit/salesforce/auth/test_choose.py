from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from sfsync.config.settings import Settings
from sfsync.errors import UsageError
from sfsync.salesforce.auth.choose import choose_login

KEY = "-----BEGIN PRIVATE KEY-----\nnot really\n-----END PRIVATE KEY-----\n"
TOKEN_ENV = {"SF_ACCESS_TOKEN": "00Dtoken", "SF_ORG_INSTANCE_URL": "https://a.my.salesforce.com"}
PASSWORD_ENV = {"SF_USERNAME": "ada@example.com", "SF_PASSWORD": "pass-word"}
CLIENT_ENV = {"SF_CLIENT_ID": "3MVG9", "SF_CLIENT_SECRET": "shhh-secret", "SF_LOGIN_URL": "https://c.my.salesforce.com"}


@pytest.fixture
def key_file(tmp_path: Path) -> str:
    path = tmp_path / "key.pem"
    path.write_text(KEY)
    return str(path)


def settings(text: str) -> Settings:
    return Settings.model_validate(yaml.safe_load(text))


PROJECT = """
target_org: prod
orgs:
  prod: {auth: password, username: "${PROD_USER}", password: "${PROD_PASSWORD}", login_url: "https://p.my.salesforce.com", api_version: "62.0"}
  dev: {auth: sf_cli, alias: my-dev}
  ci: {auth: client_credentials, client_id: x, client_secret: "${CI_SECRET}", login_url: "https://ci.my.salesforce.com"}
  raw: {auth: access_token, access_token: "${RAW_TOKEN}", instance_url: "https://raw.my.salesforce.com"}
"""


def test_a_token_in_the_environment_is_used():
    choice = choose_login(None, None, TOKEN_ENV)
    assert choice.login.flow == "access_token"
    assert str(choice.login) == "access token for a.my.salesforce.com"
    assert choice.reason == "SF_ACCESS_TOKEN is set"


def test_simple_salesforces_words_are_understood_too():
    choice = choose_login(None, None, {**PASSWORD_ENV, "SF_SECURITY_TOKEN": "tok123", "SF_DOMAIN": "test"})
    assert choice.login.flow == "password"
    assert choice.login.login_url == "https://test.salesforce.com"
    assert choice.login.security_token.reveal() == "tok123"


def test_a_password_logs_in_at_production_unless_told_otherwise():
    assert choose_login(None, None, PASSWORD_ENV).login.login_url == "https://login.salesforce.com"


def test_client_credentials_of_the_environment():
    choice = choose_login(None, None, CLIENT_ENV)
    assert (choice.login.flow, choice.login.login_url) == ("client_credentials", "https://c.my.salesforce.com")


def test_client_credentials_need_the_orgs_own_address():
    env = {name: value for name, value in CLIENT_ENV.items() if name != "SF_LOGIN_URL"}
    with pytest.raises(UsageError, match="address of the org is missing") as raised:
        choose_login(None, None, env)
    assert "SF_LOGIN_URL or SF_ORG_INSTANCE_URL" in raised.value.hint


@pytest.mark.parametrize("variable", ["SF_PRIVATE_KEY_FILE", "SF_JWT_KEY_FILE"])
def test_a_key_file_means_jwt(key_file, variable):
    env = {"SF_USERNAME": "ada@example.com", "SF_CONSUMER_KEY": "3MVG9", variable: key_file}
    choice = choose_login(None, None, env)
    assert choice.login.flow == "jwt"
    assert choice.login.private_key.reveal() == KEY
    assert choice.reason == f"{variable} is set"


def test_a_key_itself_may_be_in_the_environment():
    env = {"SF_USERNAME": "ada@example.com", "SF_CLIENT_ID": "3MVG9", "SF_PRIVATE_KEY": KEY}
    assert choose_login(None, None, env).login.flow == "jwt"


def test_the_token_counts_before_the_password():
    assert choose_login(None, None, {**PASSWORD_ENV, **TOKEN_ENV}).login.flow == "access_token"


def test_a_token_without_an_address_is_an_error_and_not_passed_over():
    with pytest.raises(UsageError, match="address of the org is missing"):
        choose_login(None, None, {**PASSWORD_ENV, "SF_ACCESS_TOKEN": "00Dtoken"})


@pytest.mark.parametrize(
    "token", ["[REDACTED] Use 'sf org auth show-access-token' to view", "redacted", "00D***", "a b"]
)
def test_a_blacked_out_token_is_never_used(token):
    with pytest.raises(UsageError, match="SF_ACCESS_TOKEN holds no access token") as raised:
        choose_login(None, None, {**TOKEN_ENV, "SF_ACCESS_TOKEN": token})
    assert "show-access-token" in raised.value.hint


def test_a_name_given_expressly_counts_before_the_environment():
    choice = choose_login(None, "dev", {**TOKEN_ENV, **PASSWORD_ENV})
    assert (choice.login.flow, choice.login.alias, choice.name) == ("sf_cli", "dev", "dev")
    assert choice.reason == "--target-org names 'dev', a login of the sf CLI"


def test_sf_target_org_names_an_org_like_the_option():
    choice = choose_login(None, None, {**TOKEN_ENV, "SF_TARGET_ORG": "dev"})
    assert (choice.login.flow, choice.reason) == ("sf_cli", "SF_TARGET_ORG names 'dev', a login of the sf CLI")
    assert choose_login(None, "other", {"SF_TARGET_ORG": "dev"}).login.alias == "other"


def test_a_name_is_looked_up_in_the_settings_first():
    project = settings(PROJECT)
    assert choose_login(project, "dev", {}).login.alias == "my-dev"
    assert choose_login(project, "ci", {"CI_SECRET": "x"}).login.flow == "client_credentials"
    assert choose_login(project, "raw", {"RAW_TOKEN": "00Dx"}).login.instance_url == "https://raw.my.salesforce.com"
    assert choose_login(project, "unknown", {}).login.alias == "unknown"


def test_an_org_named_expressly_is_not_mixed_with_the_environments_credentials():
    env = {
        **PASSWORD_ENV,
        "SF_LOGIN_URL": "https://e.my.salesforce.com",
        "PROD_USER": "p@example.com",
        "PROD_PASSWORD": "pp",
    }
    login = choose_login(settings(PROJECT), "prod", env).login
    assert (login.username, login.login_url) == ("p@example.com", "https://p.my.salesforce.com")
    assert login.password.reveal() == "pp"


def test_the_environment_counts_before_the_settings_own_org():
    choice = choose_login(settings(PROJECT), None, TOKEN_ENV)
    assert choice.login.flow == "access_token"
    assert choice.api_version == "62.0"


def test_what_the_environment_leaves_open_comes_from_the_settings():
    choice = choose_login(settings(PROJECT), None, PASSWORD_ENV)
    assert (choice.login.username, choice.login.login_url) == ("ada@example.com", "https://p.my.salesforce.com")


def test_the_settings_own_org_is_used_when_nothing_else_is_said():
    env = {"PROD_USER": "p@example.com", "PROD_PASSWORD": "pp"}
    choice = choose_login(settings(PROJECT), None, env)
    assert choice.login.username == "p@example.com"
    assert choice.reason == "sfsync.yml names 'prod', with auth: password"
    assert (choice.name, choice.api_version) == ("prod", "62.0")
    assert choose_login(settings(PROJECT), None, {**env, "SF_ORG_API_VERSION": "66.0"}).api_version == "66.0"


def test_variables_that_the_settings_refer_to_are_the_settings_own():
    text = """
    orgs:
      one: {auth: password, username: u@example.com, password: "${SF_PASSWORD}", client_id: app,
            client_secret: "${SF_CLIENT_SECRET}", login_url: "https://one.my.salesforce.com"}
    """
    env = {"SF_PASSWORD": "pp-pp", "SF_CLIENT_SECRET": "cc-cc", "SF_USERNAME": "other@example.com"}
    choice = choose_login(settings(text), None, env)
    assert choice.reason == "sfsync.yml names 'one', with auth: password"
    assert (choice.login.username, choice.login.password.reveal()) == ("u@example.com", "pp-pp")
    assert choice.login.client_secret.reveal() == "cc-cc"


def test_what_the_settings_own_org_leaves_open_comes_from_the_environment():
    text = "orgs: {one: {auth: password, username: u@example.com, password: '${PW}'}}"
    env = {"PW": "pp-pp", "SF_SECURITY_TOKEN": "tok-tok", "SF_DOMAIN": "test"}
    login = choose_login(settings(text), None, env).login
    assert login.security_token.reveal() == "tok-tok"
    assert login.login_url == "https://test.salesforce.com"


def test_a_reference_to_an_unset_variable_is_told():
    with pytest.raises(UsageError, match="PROD_USER is not set"):
        choose_login(settings(PROJECT), None, {})


def test_the_only_org_of_the_settings_needs_no_name():
    assert choose_login(settings("orgs: {one: {auth: sf_cli}}"), None, {}).login.alias == "one"


def test_a_target_org_of_the_settings_may_be_a_login_of_the_sf_cli():
    choice = choose_login(settings("target_org: dev"), None, {})
    assert (choice.login.flow, choice.login.alias) == ("sf_cli", "dev")


def test_one_entry_alone_can_be_given():
    entry = settings(PROJECT).orgs["dev"]
    assert choose_login(entry, None, {}).login.alias == "my-dev"
    assert choose_login(entry, "dev", TOKEN_ENV).login.alias == "my-dev"


def test_when_nothing_says_which_org_all_the_ways_are_named():
    with pytest.raises(UsageError, match=r"^Nothing says which org to use\.$") as raised:
        choose_login(None, None, {})
    for word in ("--target-org", "SF_ACCESS_TOKEN", "SF_USERNAME", "SF_CLIENT_ID", "sfsync.yml", "sfsync demo"):
        assert word in raised.value.hint


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"SF_USERNAME": "a@b.c"}, "SF_USERNAME is set, but not SF_PASSWORD"),
        ({"SF_PASSWORD": "secret-word"}, "SF_PASSWORD is set, but not SF_USERNAME"),
        ({"SF_CLIENT_SECRET": "secret-word"}, "SF_CLIENT_SECRET is set, but not SF_CLIENT_ID"),
        ({"SF_PRIVATE_KEY_FILE": "k.pem"}, "SF_PRIVATE_KEY_FILE is set, but not SF_CLIENT_ID and SF_USERNAME"),
    ],
)
def test_half_a_login_is_named_as_such(env, said):
    with pytest.raises(UsageError) as raised:
        choose_login(settings("{}"), None, env)
    assert said in raised.value.message
    assert "secret-word" not in raised.value.message


def test_a_plain_http_address_is_refused():
    with pytest.raises(UsageError, match="SF_ORG_INSTANCE_URL must start with https"):
        choose_login(None, None, {**TOKEN_ENV, "SF_ORG_INSTANCE_URL": "http://localhost:8080"})


def test_no_choice_shows_a_secret(key_file):
    for env in (
        TOKEN_ENV,
        PASSWORD_ENV,
        CLIENT_ENV,
        {"SF_USERNAME": "a", "SF_CLIENT_ID": "b", "SF_JWT_KEY_FILE": key_file},
    ):
        choice = choose_login(None, None, env)
        for shown in (repr(choice), str(choice), str(choice.login), repr(choice.login)):
            for secret in ("00Dtoken", "pass-word", "shhh-secret", "not really"):
                assert secret not in shown

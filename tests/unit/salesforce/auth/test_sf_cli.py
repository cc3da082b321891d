from __future__ import annotations

import json

import pytest

from sfsync.errors import AuthenticationFailed, UsageError
from sfsync.salesforce import connect
from sfsync.salesforce.auth.sf_cli import SfCliLogin

TOKEN = "00D000000000001!AQEAQtestTokenThatMustNeverBeSeen"
REDACTED = "[REDACTED] Use 'sf org auth show-access-token' to view"


def display(**changes):
    result = {
        "id": "00D000000000001EAA",
        "instanceUrl": "https://Example.my.salesforce.com",
        "accessToken": REDACTED,
        "username": "ada@example.com",
        "connectedStatus": "Connected",
        **changes,
    }
    return json.dumps({"status": 0, "result": result, "warnings": []})


def failure(name, message):
    return json.dumps({"name": name, "message": message, "exitCode": 1, "status": 1})


def script(display_output, token_output=None, token_exit=0, display_exit=0):
    """A shell script that answers the two commands."""
    token_output = token_output or json.dumps({"status": 0, "result": {"accessToken": TOKEN}, "warnings": ["careful"]})
    return f"""
case "$1 $2 $3" in
  "org display --target-org") cat <<'END'
{display_output}
END
  exit {display_exit};;
  "org auth show-access-token") cat <<'END'
{token_output}
END
  exit {token_exit};;
esac
exit 9
"""


def log_in(env, alias="dev", **options):
    return SfCliLogin(alias, env, **options).log_in(None)


def test_the_address_comes_from_display_and_the_token_from_its_own_command(fake_sf, tmp_path):
    access = log_in(fake_sf(script(display())))
    assert access.token.reveal() == TOKEN
    assert access.instance_url == "https://example.my.salesforce.com"
    assert access.org_id == "00D000000000001EAA"
    assert (tmp_path / "calls").read_text().splitlines() == [
        "org display --target-org dev --json",
        "org auth show-access-token --target-org dev --json",
    ]


@pytest.mark.parametrize(
    "unknown",
    [
        failure("CommandNotFound", "Warning: org auth show-access-token is not a sf command."),
        failure("Error", "command org:auth:show-access-token not found"),
        "",
    ],
)
def test_an_older_cli_still_has_the_token_in_display(fake_sf, unknown):
    env = fake_sf(
        script(display(accessToken=TOKEN), unknown, token_exit=127)
        if unknown
        else script(display(accessToken=TOKEN))
        .replace("exit 9", "echo 'org auth show-access-token is not a sf command.' >&2; exit 127")
        .replace('"org auth show-access-token")', '"never")')
    )
    assert log_in(env).token.reveal() == TOKEN


@pytest.mark.parametrize("shown", [REDACTED, "00D000000000001!****************", "********", "", None, "null", 5])
def test_a_blacked_out_token_is_never_sent(fake_sf, shown):
    unknown = failure("CommandNotFound", "org auth show-access-token is not a sf command.")
    with pytest.raises(AuthenticationFailed, match="no usable token of 'dev'") as raised:
        log_in(fake_sf(script(display(accessToken=shown), unknown, token_exit=127)))
    assert "sf org login web --alias dev" in raised.value.hint


def test_a_blacked_out_answer_of_the_token_command_is_not_sent_either(fake_sf):
    shown = json.dumps({"status": 0, "result": {"accessToken": REDACTED}})
    with pytest.raises(AuthenticationFailed, match="no usable token"):
        log_in(fake_sf(script(display(), shown)))


def test_a_token_given_as_plain_result_is_understood(fake_sf):
    assert log_in(fake_sf(script(display(), json.dumps({"status": 0, "result": TOKEN})))).token.reveal() == TOKEN


def test_the_reason_of_the_cli_is_told(fake_sf):
    status = "Unable to refresh session due to: expired access/refresh token"
    shown = json.dumps({"status": 0, "result": {}})
    with pytest.raises(AuthenticationFailed, match="expired access/refresh token"):
        log_in(fake_sf(script(display(connectedStatus=status), shown)))


def test_no_sf_on_the_machine(tmp_path):
    with pytest.raises(AuthenticationFailed, match="there is no sf on this machine") as raised:
        log_in({"PATH": str(tmp_path)})
    assert "SF_ACCESS_TOKEN" in raised.value.hint


def test_an_alias_the_cli_does_not_know(fake_sf):
    unknown = failure("NamedOrgNotFoundError", "No authorization information found for dev.")
    with pytest.raises(AuthenticationFailed, match="The sf CLI knows no org 'dev'") as raised:
        log_in(fake_sf(script(unknown, display_exit=1)))
    assert "sf org list" in raised.value.hint


def test_an_expired_login(fake_sf):
    expired = failure(
        "RefreshTokenAuthError", "Error authenticating with the refresh token due to: expired access/refresh token"
    )
    with pytest.raises(AuthenticationFailed, match="has expired") as raised:
        log_in(fake_sf(script(display(), expired, token_exit=1)))
    assert "sf org login web --alias dev" in raised.value.hint


def test_any_other_failure_is_quoted_without_secrets(fake_sf):
    # A token that no other test has held: a living secret of its value would be masked whole, not by its shape.
    unseen = TOKEN.replace("!", "!unseenAQEAQ", 1)
    odd = failure("SomeError", f"cannot use {unseen}")
    with pytest.raises(
        AuthenticationFailed, match="sf org auth show-access-token failed: cannot use 00D000000000001!\\*\\*\\*"
    ) as raised:
        log_in(fake_sf(script(display(), odd, token_exit=1)))
    assert "AQEAQ" not in f"{raised.value} {raised.value.hint}"


@pytest.mark.parametrize("output", ["", "not json", "[1]", '{"result"'])
def test_output_that_cannot_be_read(fake_sf, output):
    with pytest.raises(AuthenticationFailed, match="sf org display failed"):
        log_in(fake_sf(script(output)))


def test_a_line_before_the_json_does_no_harm(fake_sf):
    assert log_in(fake_sf(script("A new version is available!\n" + display()))).token.reveal() == TOKEN


def test_a_cli_that_hangs_is_given_up(fake_sf):
    with pytest.raises(AuthenticationFailed, match=r"did not finish within 0\.2 seconds") as raised:
        log_in(fake_sf("exec sleep 5"), time_out=0.2)
    assert raised.value.__cause__ is None


def test_a_display_without_address(fake_sf):
    with pytest.raises(AuthenticationFailed, match="knows no address"):
        log_in(fake_sf(script(display(instanceUrl=None))))


@pytest.mark.parametrize("alias", ["--help", "-x", " "])
def test_an_alias_is_never_taken_for_an_option(fake_sf, tmp_path, alias):
    with pytest.raises(UsageError, match="cannot be the alias"):
        log_in(fake_sf(script(display())), alias)
    assert not (tmp_path / "calls").exists()


def test_a_strange_alias_reaches_the_cli_as_one_word(fake_sf, tmp_path):
    log_in(fake_sf(script(display())), "my org; $(rm -rf /) 'x'")
    assert (tmp_path / "calls").read_text().splitlines()[0] == "org display --target-org my org; $(rm -rf /) 'x' --json"


def test_connecting_by_alias_and_logging_in_again_when_the_token_has_expired(
    server, transport, fake_sf, make_answer, make_error
):
    first, second = TOKEN, TOKEN.replace("testToken", "otherToken")
    env = fake_sf(script(display(instanceUrl=server.url)))
    org = connect(target_org="dev", env=env, transport=transport)
    assert org.name == "dev"
    fake_sf(script(display(instanceUrl=server.url), json.dumps({"status": 0, "result": {"accessToken": second}})))

    def answer(request):
        good = request.headers["Authorization"] == f"Bearer {second}"
        return make_answer(200, {"ok": True}) if good else make_error(401, "INVALID_SESSION_ID")

    server.on("GET /services/data/v66.0/limits", answer)
    assert org.get_json(org.data_path("limits")) == {"ok": True}
    tokens = [r.headers["Authorization"] for r in server.asked("GET /services/data/v66.0/limits")]
    assert tokens == [f"Bearer {first}", f"Bearer {second}"]

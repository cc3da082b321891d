from __future__ import annotations

import pytest

from sfsync.errors import RequestRefused, Unreachable, UsageError
from sfsync.salesforce import connect
from sfsync.salesforce.versions import normalised

VERSIONS = "GET /services/data"


def org_with(server, transport, token, **options):
    env = {"SF_ACCESS_TOKEN": token, "SF_ORG_INSTANCE_URL": server.url, **options.pop("env", {})}
    return connect(env=env, transport=transport, **options)


def test_the_newest_version_is_used_and_newest_means_the_number(server, transport, token, make_answer):
    server.on(VERSIONS, make_answer(200, [{"version": v} for v in ("9.0", "100.0", "66.0", "odd")]))
    assert org_with(server, transport, token).api_version == "100.0"


def test_asking_for_versions_needs_no_token_and_is_no_api_call(server, transport, token):
    org = org_with(server, transport, token)
    assert server.asked(VERSIONS)[0].headers["Authorization"] is None
    assert org.usage.calls == 0


@pytest.mark.parametrize("pinned", ["58", "58.0", "v58.0"])
def test_a_version_can_be_pinned(server, transport, token, pinned):
    org = org_with(server, transport, token, api_version=pinned)
    assert org.api_version == "58.0"
    assert org.data_path("limits") == "/services/data/v58.0/limits"
    assert org.supports(58)
    assert not org.supports(59)


def test_the_environment_can_pin_and_the_argument_counts_more(server, transport, token):
    env = {"SF_ORG_API_VERSION": "58.0"}
    assert org_with(server, transport, token, env=env).api_version == "58.0"
    assert org_with(server, transport, token, env=env, api_version="47.0").api_version == "47.0"


def test_a_version_the_org_does_not_offer_is_refused_with_those_it_does(server, transport, token):
    with pytest.raises(RequestRefused, match=r"does not offer API version 12\.0") as raised:
        org_with(server, transport, token, api_version="12.0")
    assert "47.0 to 66.0" in raised.value.hint


@pytest.mark.parametrize("text", ["", "latest", "66.1", "1234.0", "v", "-5"])
def test_what_is_no_version_is_refused(text):
    with pytest.raises(UsageError, match="not an API version"):
        normalised(text)


@pytest.mark.parametrize("body", [[], {}, {"versions": []}])
def test_a_host_without_versions_is_no_org(server, transport, token, make_answer, body):
    server.on(VERSIONS, make_answer(200, body))
    with pytest.raises(Unreachable, match="does not answer like a Salesforce org") as raised:
        org_with(server, transport, token)
    assert "My Domain" in raised.value.hint


def test_a_host_that_knows_no_such_path_is_no_org(server, transport, token, make_answer):
    server.on(VERSIONS, make_answer(404, "<html><title>Not here</title></html>"))
    with pytest.raises(Unreachable, match="does not answer like a Salesforce org"):
        org_with(server, transport, token)


def test_a_host_that_has_moved_says_where_to(server, transport, token, make_answer):
    server.on(VERSIONS, make_answer(301, "", {"Location": "https://new.my.salesforce.com/services/data"}))
    with pytest.raises(RequestRefused, match=r"somewhere else: new\.my\.salesforce\.com"):
        org_with(server, transport, token)

from __future__ import annotations

import pytest

from sfsync.errors import UsageError
from sfsync.salesforce.addresses import org_address


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("https://example.my.salesforce.com", "https://example.my.salesforce.com"),
        (" HTTPS://Example.My.Salesforce.com/ ", "https://example.my.salesforce.com"),
        ("example.my.salesforce.com", "https://example.my.salesforce.com"),
        ("https://example.my.salesforce.com/services/data?x=1#y", "https://example.my.salesforce.com"),
        ("https://example.my.salesforce.com:443", "https://example.my.salesforce.com"),
        ("https://example.my.salesforce.com.:443/", "https://example.my.salesforce.com"),
        ("localhost:8443", "https://localhost:8443"),
        ("https://[::1]:8443/", "https://[::1]:8443"),
        ("https://example.lightning.force.com/lightning/o/Lead/list", "https://example.my.salesforce.com"),
        ("https://ex--dev.sandbox.lightning.force.com", "https://ex--dev.sandbox.my.salesforce.com"),
        ("https://example.my.salesforce-setup.com", "https://example.my.salesforce.com"),
    ],
)
def test_an_address_is_the_host_alone_whatever_was_pasted(given, address):
    assert org_address(given, source="x") == address


@pytest.mark.parametrize("given", ["http://example.my.salesforce.com", "ftp://x", "http://localhost:8080"])
def test_anything_but_https_is_refused(given):
    with pytest.raises(UsageError, match="SF_ORG_INSTANCE_URL must start with https://"):
        org_address(given, source="SF_ORG_INSTANCE_URL")


@pytest.mark.parametrize(
    "given", ["", "https://", "https://a b", "https://x:99999", "https://x:y", "https://[::1", "https://x\nHost:y"]
)
def test_what_is_no_address_is_refused(given):
    with pytest.raises(UsageError, match="is not the address of an org"):
        org_address(given, source="login_url")


def test_a_user_name_in_an_address_is_refused_without_repeating_the_password():
    with pytest.raises(UsageError) as raised:
        org_address("https://me:hunter2@example.my.salesforce.com", source="login_url")
    assert "hunter2" not in raised.value.message

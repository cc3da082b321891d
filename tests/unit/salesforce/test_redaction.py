from __future__ import annotations

import copy
import gc
import pickle

import pytest

from sfsync.salesforce.redaction import Secret, clean, redact

SESSION = "00D2F000000abcd!AQ4AQLtDhUpIhNfcOtKcZhjTYQ.NSP1a_b-C"
JWT = "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.eyJpc3MiOiIzTVZHOSJ9.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {SESSION}",
        f"{{'Authorization': 'OAuth {SESSION}'}}",
        f"https://x.example/?sid={SESSION}&y=1",
        f"ODD_{SESSION}",
        f"x_{JWT}",
        f"token={SESSION.replace('!', '%21')}",
        f"sent {JWT} to them",
        '{"access_token": "opaque-1234", "id": "x"}'.replace("opaque-1234", "SECRET"),
        "grant_type=refresh_token&refresh_token=SECRET&client_secret=SECRET&client_id=x",
        "<sessionId>SECRET</sessionId>",
        "<urn:password>SECRET</urn:password>",
        "password: SECRET",
        "https://me:SECRET@proxy.example:3128/",
        "force://PlatformCLI::SECRET@x.my.salesforce.com",
        "-----BEGIN RSA PRIVATE KEY-----\nSECRET\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\nSECRET",
        "Basic c2VjcmV0OlNFQ1JFVA==1",
    ],
)
def test_whatever_has_the_shape_of_a_secret_is_blacked_out(text):
    shown = redact(text)
    for hidden in ("SECRET", SESSION.split("!")[1], JWT[10:40], "c2VjcmV0"):
        assert hidden not in shown
    assert "***" in shown


@pytest.mark.parametrize(
    "text",
    [
        "Invalid username, password, security token; or user locked out.",
        "The basic assumption of OAuth credentials",
        "00D2F000000abcdEAA is the Id of an org",
        "https://example.my.salesforce.com/services/data",
        "No such column 'Password__c' on entity 'Lead'",
    ],
)
def test_ordinary_words_are_left_alone(text):
    assert redact(text) == text


def test_the_value_of_a_living_secret_disappears_in_every_spelling():
    secret = Secret('p&ss w"rd<é>')
    for spelling in (
        secret.reveal(),
        "p%26ss%20w%22rd%3C%C3%A9%3E",
        "p%26ss+w%22rd%3C%C3%A9%3E",
        "p&amp;ss w&quot;rd&lt;é&gt;",
    ):
        assert redact(f"before {spelling} after") == "before *** after"


def test_a_secret_prints_as_stars_and_cannot_be_pickled():
    secret = Secret("correct horse battery staple")
    assert "horse" not in f"{secret} {secret!r} {[secret]} {secret!s:>40}"
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        copy.copy(secret)


def test_a_secret_that_is_gone_is_forgotten():
    secret = Secret("once upon a time")
    assert redact("once upon a time") == "***"
    del secret
    gc.collect()
    assert redact("once upon a time") == "once upon a time"


def test_clean_makes_one_safe_line_of_anything():
    assert clean("a\r\nb\tc\x1b[31md\u2028e\u202ef\ud800g") == "a b c [31md e f g"
    assert len(clean("x" * 10_000)) == 400

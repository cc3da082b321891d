from __future__ import annotations

from datetime import datetime

import pytest

from sfsync.report.text import (
    counted,
    impersonal,
    instance_host,
    instant,
    interval,
    is_record_id,
    number,
    percentage,
    prose,
    record_link,
    visible,
)


@pytest.mark.parametrize(
    "hidden",
    ["\u202e", "\u2066", "\u200f", "\u200b", "\x1b", "\x00", "\ufeff", "\U000e0041", "\ud800", "\uffff", "\x85"],
)
def test_characters_that_hide_or_reorder_text_are_made_visible(hidden):
    assert visible(f"gpj{hidden}exe") == "gpj\N{REPLACEMENT CHARACTER}exe"


def test_text_of_every_script_stays_as_it_is():
    for text in ("Müller & Söhne", "株式会社", "שלום", "\u0645\u06cc\u200c\u062e\u0648", "👩\u200d💻", "a < b > c"):
        assert visible(text) == text


def test_text_is_one_line_of_bounded_length():
    assert visible("a\n\tb  c") == "a b c"
    assert visible("x" * 500) == "x" * 399 + "…"


@pytest.mark.parametrize(
    "label", ["ana@example.com", "ref: Ana <ana@example.co.uk>", "+49 (30) 1234-5678", "0301234567"]
)
def test_group_labels_that_look_like_a_person_are_not_shown(label):
    assert impersonal(label) == "(looks like personal data)"


@pytest.mark.parametrize("label", ["Web", "(blank)", "Trade Show 2025", "Dreamforce 2024-2025", "Q3 @ booth 12"])
def test_ordinary_group_labels_are_shown(label):
    assert impersonal(label) == label


@pytest.mark.parametrize(
    "address",
    ["https://acme.my.salesforce.com", "https://acme.my.salesforce.com/", "HTTPS://ACME.my.salesforce.com"],
)
def test_an_https_address_of_an_org_has_a_host(address):
    assert instance_host(address) == "acme.my.salesforce.com"


def test_a_port_is_kept():
    assert instance_host("https://127.0.0.1:8443") == "127.0.0.1:8443"


@pytest.mark.parametrize(
    "address",
    [
        None,
        "",
        "http://acme.my.salesforce.com",
        "javascript:alert(1)",
        "https://",
        "https://user:password@acme.example",
        "https://acme.example/path",
        "https://acme.example?x=1",
        'https://acme"onmouseover="alert(1)',
        "https://acme.example:port",
        "https://[",
        "https://acme example",
    ],
)
def test_anything_but_a_plain_https_address_is_no_host(address):
    assert instance_host(address) is None


def test_a_record_link_opens_the_record_in_the_org():
    link = record_link("acme.my.salesforce.com", "Lead", "00Q5e00000001eYEAQ")
    assert link == "https://acme.my.salesforce.com/lightning/r/Lead/00Q5e00000001eYEAQ/view"


@pytest.mark.parametrize(
    ("host", "object_name", "record_id"),
    [
        (None, "Lead", "00Q5e00000001eYEAQ"),
        ("acme.example", "Lead/../x", "00Q5e00000001eYEAQ"),
        ("acme.example", "Lead", "00Q5e00000001eY/AQ"),
        ("acme.example", "Lead", "00Q5e00000001eYEAQ\n"),
        ("acme.example", "Lead", "short"),
    ],
)
def test_there_is_no_link_where_a_part_of_it_cannot_be_trusted(host, object_name, record_id):
    assert record_link(host, object_name, record_id) is None


def test_record_ids_have_15_or_18_characters():
    assert is_record_id("00Q5e00000001eY")
    assert not is_record_id("00Q5e00000001eYE")
    assert not is_record_id(None)


def test_numbers_read_like_numbers():
    assert number(1234567) == "1,234,567"
    assert number(-3.5, 1) == "\N{MINUS SIGN}3.5"
    assert number(None) == "\N{EN DASH}"
    assert percentage(10.525) == "10.5%"
    assert interval([9.871, 11.217]) == "9.9\N{EN DASH}11.2%"
    assert interval(None) == "\N{EN DASH}"
    assert counted(1, "rule") == "1 rule"
    assert counted(1200, "child", "children") == "1,200 children"
    assert instant(datetime(2026, 2, 3, 4, 5)) == "3 February 2026, 04:05 UTC"


def test_sentences_are_escaped_and_backticks_become_code():
    assert prose("set `<Id>` & go") == "set <code>&lt;Id&gt;</code> &amp; go"
    assert prose("an odd ` <b>") == "an odd ` &lt;b&gt;"

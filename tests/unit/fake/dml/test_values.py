"""What becomes of values of every type, and what is said of those that do not fit."""

from __future__ import annotations

from datetime import date, datetime, time

import pytest


@pytest.fixture
def wide(writer):
    """A writer whose leads have a field of every type."""
    for name, kind, details in (
        ("Flag__c", "boolean", {}),
        ("Count__c", "int", {}),
        ("Score__c", "double", {"precision": 8, "scale": 2}),
        ("Day__c", "date", {}),
        ("At__c", "datetime", {}),
        ("Clock__c", "time", {}),
        ("Link__c", "url", {}),
        ("Mail__c", "email", {}),
        ("Many__c", "multipicklist", {"picklist_values": ["a", "b"]}),
        ("Short__c", "string", {"length": 5}),
    ):
        writer.org.add_field("Lead", name, kind, **details)
    return writer


@pytest.mark.parametrize(
    ("field", "given", "kept"),
    [
        ("Flag__c", True, True),
        ("Flag__c", "TRUE", True),
        ("Flag__c", "1", True),
        ("Flag__c", "false", False),
        ("Flag__c", 0, False),
        ("Count__c", 7, 7),
        ("Count__c", "7", 7),
        ("Count__c", 7.0, 7),
        ("Count__c", " -7 ", -7),
        ("Score__c", "12.345", 12.35),
        ("Score__c", 2.675, 2.68),
        ("Score__c", "1e3", 1000.0),
        ("Score__c", "", None),
        ("AnnualRevenue", 12.5, 13.0),
        ("Day__c", "2026-02-03", date(2026, 2, 3)),
        ("Day__c", "2026-02-03T23:00:00Z", date(2026, 2, 3)),
        ("Day__c", "", None),
        ("At__c", "2026-02-03T04:05:06.789+0000", datetime(2026, 2, 3, 4, 5, 6)),
        ("At__c", "2026-02-03T04:05:06Z", datetime(2026, 2, 3, 4, 5, 6)),
        ("At__c", "2026-02-03T04:05:06+05:30", datetime(2026, 2, 2, 22, 35, 6)),
        ("At__c", "2026-02-03T04:05:06.000-0800", datetime(2026, 2, 3, 12, 5, 6)),
        ("At__c", "2026-02-03 04:05:06", datetime(2026, 2, 3, 4, 5, 6)),
        ("At__c", "2026-02-03", datetime(2026, 2, 3)),
        ("At__c", 1770091506000, datetime(2026, 2, 3, 4, 5, 6)),
        ("Clock__c", "04:05:06.000Z", time(4, 5, 6)),
        ("Clock__c", "04:05", time(4, 5)),
        ("Mail__c", "a.b+c@d.example", "a.b+c@d.example"),
        ("Many__c", "b;A", "b;A"),
        ("Short__c", "  ab  ", "ab"),
        ("Short__c", "\0", None),
        ("Short__c", "a\0b", "ab"),
        ("Short__c", "\ud800", "\ufffd"),
        ("Short__c", 12, "12"),
        ("Short__c", True, "true"),
        ("Description", "line\r\nline ☃ \U0001f600", "line\r\nline ☃ \U0001f600"),
        ("Description", '\'; DROP TABLE "Lead"; --', '\'; DROP TABLE "Lead"; --'),
        ("Status", "Not in the list", "Not in the list"),
        ("CleanStatus", "matched", "Matched"),
    ],
)
def test_values_are_kept_as_the_type_has_it(wide, field, given, kept):
    assert wide.record("Lead", wide.lead(**{field: given}))[field] == kept


@pytest.mark.parametrize(
    ("field", "value", "code", "message"),
    [
        ("Flag__c", "maybe", "INVALID_TYPE_ON_FIELD_IN_RECORD", "Flag: value not of required type: maybe"),
        ("Count__c", "7.5", "INVALID_TYPE_ON_FIELD_IN_RECORD", "Count: value not of required type: 7.5"),
        ("Count__c", "abc", "INVALID_TYPE_ON_FIELD_IN_RECORD", "Count: value not of required type: abc"),
        ("Count__c", True, "INVALID_TYPE_ON_FIELD_IN_RECORD", "Count: value not of required type: true"),
        ("Count__c", 2**31, "NUMBER_OUTSIDE_VALID_RANGE", None),
        pytest.param("Count__c", 10**5000, "NUMBER_OUTSIDE_VALID_RANGE", None, id="very long"),
        ("Score__c", 10**400, "NUMBER_OUTSIDE_VALID_RANGE", None),
        ("Score__c", "1e309", "NUMBER_OUTSIDE_VALID_RANGE", None),
        ("Score__c", 1_000_000, "NUMBER_OUTSIDE_VALID_RANGE", None),
        ("Score__c", "nan", "INVALID_TYPE_ON_FIELD_IN_RECORD", None),
        ("Score__c", float("nan"), "NUMBER_OUTSIDE_VALID_RANGE", None),
        ("Score__c", "1_000", "INVALID_TYPE_ON_FIELD_IN_RECORD", None),
        ("Score__c", "1,5", "INVALID_TYPE_ON_FIELD_IN_RECORD", None),
        ("Score__c", {}, "INVALID_TYPE_ON_FIELD_IN_RECORD", None),
        ("Day__c", "2026-02-30", "INVALID_TYPE_ON_FIELD_IN_RECORD", None),
        ("Day__c", "03/02/2026", "INVALID_TYPE_ON_FIELD_IN_RECORD", None),
        ("Day__c", "1699-12-31", "INVALID_TYPE_ON_FIELD_IN_RECORD", None),
        ("Day__c", "20260203", "INVALID_TYPE_ON_FIELD_IN_RECORD", None),
        ("At__c", "2026-02-03T25:00:00Z", "INVALID_TYPE_ON_FIELD_IN_RECORD", None),
        ("At__c", "9999-12-31T23:59:59-1200", "INVALID_TYPE_ON_FIELD_IN_RECORD", None),
        ("At__c", 10**30, "INVALID_TYPE_ON_FIELD_IN_RECORD", None),
        ("At__c", "yesterday", "INVALID_TYPE_ON_FIELD_IN_RECORD", None),
        ("Clock__c", "25:00", "INVALID_TYPE_ON_FIELD_IN_RECORD", None),
        ("Mail__c", "nobody", "INVALID_EMAIL_ADDRESS", "Mail: invalid email address: nobody"),
        ("Mail__c", "a b@c.example", "INVALID_EMAIL_ADDRESS", None),
        ("Short__c", "abcdef", "STRING_TOO_LONG", "Short: data value too large: abcdef (max length=5)"),
        ("Short__c", ["a"], "INVALID_TYPE_ON_FIELD_IN_RECORD", None),
        (
            "CleanStatus",
            "Odd",
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            "Clean Status: bad value for restricted picklist field: Odd",
        ),
    ],
)
def test_values_that_do_not_fit_are_refused(wide, field, value, code, message):
    error = wide.refused("Lead", LastName="A", Company="B", **{field: value})
    assert (error.code, error.fields) == (code, (field,))
    assert message in (None, error.message)


def test_texts_that_are_too_long_are_cut_if_the_client_asks_for_it(wide):
    [outcome] = wide.create("Lead", {"LastName": "A", "Company": "B", "Short__c": "abcdef"}, truncate=True)
    assert wide.record("Lead", outcome.id)["Short__c"] == "abcde"


def test_several_values_can_be_wrong_at_once(wide):
    [outcome] = wide.create("Lead", {"Short__c": "abcdef", "Mail__c": "x"})
    assert {error.code for error in outcome.errors} == {"STRING_TOO_LONG", "INVALID_EMAIL_ADDRESS"}

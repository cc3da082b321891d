"""What becomes of the texts of a file on their way to the org: right, or refused with the reason."""

from __future__ import annotations

from datetime import date, datetime, time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfsync.errors import MappingError
from sfsync.mapping.push_columns import push_columns
from sfsync.record_ids import long_id
from sfsync.store.names import literal

from .pushing import DESCRIBES, database, desired, make_source, problems, pushed, thing, values


@pytest.mark.parametrize(
    "text",
    [
        "NA",
        "N/A",
        "None",
        "NULL",
        "null",
        "nan",
        "007",
        " x ",
        "a\nb",
        "a\u2028b",
        "😀",
        "שלום",
        "\u202eabc",
        "'; DROP TABLE s; --",
        '"',
        "\\",
        "true",
        "1e5",
        "-0",
        "#N/A!",
        "=1+1",
    ],
)
def test_a_text_stays_the_text_it_is(text):
    assert values(pushed("Text__c", "c", text)) == [text]


def test_an_empty_text_is_nothing_and_is_no_problem_anywhere():
    for field in (
        "Text__c",
        "Int__c",
        "Money__c",
        "Day__c",
        "At__c",
        "Flag__c",
        "Pick__c",
        "Multi__c",
        "Time__c",
        "ParentId",
    ):
        assert pushed(field, "c", "", None) == [(None, None), (None, None)], field


@pytest.mark.parametrize(
    ("item", "text", "value"),
    [
        ("c", "12", 12), ("c", " 12 ", 12), ("c", "-12.50", -12.5), ("c", "\u22125", -5), ("c", "1e5", 1e5), ("c", "+3", 3), ("c", ".5", 0.5),
        ("de", "1.234,56", 1234.56), ("de", "1234,56", 1234.56), ("de", "-1.234.567", -1234567), ("de", "(1.234,5)", -1234.5),
        ("de", "12-", -12), ("de", "\u22125", -5), ("de", "1,5e3", 1500), ("de", "\u00a01.000\u00a0", 1000),
        ("en", "1,234.56", 1234.56), ("en", "(1,234)", -1234), ("en", "1234", 1234),
        ("en_IN", "1,77,000.00 ", 177000), ("en_IN", "12,34,56,789", 123456789), ("en_IN", "177,000", 177000),
        ("fr", "1 234,5", 1234.5), ("fr", "1\u202f234,5", 1234.5), ("de_CH", "1'234.50", 1234.5), ("de_CH", "1\u2019234", 1234), ("de-CH", "5", 5),
        ("{decimal: ',', group: '.'}", "1.000,5", 1000.5), ("{decimal: ','}", "1000,5", 1000.5),
        ("{locale: de, symbol: €}", "€ 1.234,56", 1234.56), ("{locale: de, symbol: €}", "1.234,56€", 1234.56),
        ("{locale: de, symbol: €}", "-€5", -5), ("{locale: de, symbol: €}", "(€ 5)", -5), ("{locale: en, symbol: '%'}", "12.5 %", 12.5),
        ("{locale: en, symbol: '$'}", "$1,000", 1000), ("{locale: en, symbol: USD}", "USD 7", 7), ("{locale: en, symbol: R$}", "R$7", 7),
    ],
)  # fmt: skip
def test_numbers_are_read_as_they_are_declared_to_be_written(item, text, value):
    transform = "c" if item == "c" else f"{{local: c, transform: {{number: {item}}}}}"
    assert values(pushed("Money__c", transform, text)) == [value]


@pytest.mark.parametrize(
    ("item", "text"),
    [
        *[("c", text) for text in ["1,234", "1.234,56", "1,77,000.00", "(5)", "12-", "5 %", "€5", "NaN", "Infinity", "inf", "-inf", "1e999", "1_000", "0x1F", "1 000", "--5", "+-5", "abc", "1e", "٣", "12abc", "12\n13", "NA", "true"]],
        *[("de", text) for text in ["0.125", "-0.125", "012.345", "1.23", "12.34,5", "1.2345,6", "1,2,3", "1234.567,8", "5 €", "NaN", ",", ".", "((5))", "(-5)", "-5-", "1..000"]],
        *[("en", text) for text in ["1,23", "1,77,000", ",123", "1,234,56", "1.2.3"]],
        *[("en_IN", text) for text in ["1,7,000", "1,77,00", "17,70,00.5"]],
        ("{locale: de, symbol: €}", "5 $"), ("{locale: de, symbol: €}", "1€5"), ("{decimal: ','}", "1.000"),
    ],
)  # fmt: skip
def test_a_number_written_otherwise_is_refused(item, text):
    transform = "c" if item == "c" else f"{{local: c, transform: {{number: {item}}}}}"
    (told,) = problems(pushed("Money__c", transform, text))
    assert told is not None
    assert "is not a number as" in told


def test_a_percentage_is_refused_with_the_way_to_declare_it():
    (told,) = problems(pushed("Share__c", "c", "12%"))
    assert told.endswith("(declare how it is written, like `transform: {number: {locale: en, symbol: '%'}}`)")
    item = "{local: c, transform: {number: {locale: en, symbol: '%'}}}"
    assert values(pushed("Share__c", item, "12%", "12.345 %", "0.5")) == [12.0, 12.345, 0.5]


def test_numbers_have_the_size_that_the_field_has():
    assert [told for _, told in pushed("Money__c", "c", "999999999999999", "10000000000000000")] == [
        None,
        "`1e+16` has more than 16 digits before the point",
    ]
    assert values(pushed("Int__c", "c", "5", "5.0", "1e3", "-2147483647")) == [5, 5, 1000, -2147483647]
    for text in ("5.5", "2147483648", "1e300"):
        assert problems(pushed("Int__c", "c", text)) == [f"`{text}` is no whole number, or too large"]


@pytest.mark.parametrize(
    ("form", "text", "value"),
    [
        (None, "2026-02-28", date(2026, 2, 28)), (None, " 2026-02-28 ", date(2026, 2, 28)),
        ("dmy", "03/04/2026", date(2026, 4, 3)), ("mdy", "03/04/2026", date(2026, 3, 4)), ("ymd", "2026/3/4", date(2026, 3, 4)),
        ("dmy", "2026-04-03", date(2026, 4, 3)), ("mdy", "2026-04-03", date(2026, 4, 3)),
        ("dmy", "3.4.2026", date(2026, 4, 3)), ("dmy", "3-4-2026", date(2026, 4, 3)), ("dmy", "29/02/2024", date(2024, 2, 29)),
        ("'%d.%m.%Y'", "03.04.2026", date(2026, 4, 3)), ("'%d %b %y'", "3 Apr 26", date(2026, 4, 3)),
        ("'%Y-%m-%d %H:%M:%S'", "2018-02-26 19:58:54", date(2018, 2, 26)), ("'%Y-%j'", "2026-032", date(2026, 2, 1)),
    ],
)  # fmt: skip
def test_days_are_read_in_the_declared_order(form, text, value):
    transform = "c" if form is None else f"{{local: c, transform: {{date: {form}}}}}"
    assert values(pushed("Day__c", transform, text)) == [value]


@pytest.mark.parametrize(
    ("form", "text"),
    [
        *[(None, text) for text in ["03/04/2026", "2026-2-3", "2026-02-30", "20260203", "2026-02-03T00:00:00", "today", "epoch", "infinity", "NA", "46000"]],
        *[("dmy", text) for text in ["2026-02-30", "2026-4-3", "31/02/2026", "29/02/2026", "02/13/2026", "03/04/26", "2026/04/03", "00/01/2026", "3/4", "3//4/2026", "03/04/2026 x"]],
        ("mdy", "13/02/2026"), ("ymd", "03/04/2026"), ("'%d.%m.%Y'", "31.02.2026"), ("'%d.%m.%Y'", "3/4/2026"),
    ],
)  # fmt: skip
def test_a_day_that_is_none_is_refused(form, text):
    transform = "c" if form is None else f"{{local: c, transform: {{date: {form}}}}}"
    (told,) = problems(pushed("Day__c", transform, text))
    assert told is not None
    assert told.startswith(f"`{text}` is no day ")


@pytest.mark.parametrize(
    ("form", "text", "value"),
    [
        ("%Y%m%d", "20260113", date(2026, 1, 13)), ("%Y%m%d", " 20260113 ", date(2026, 1, 13)), ("%m%d%y", "010126", date(2026, 1, 1)),
        ("%Y%j", "2026032", date(2026, 2, 1)), ("%d%b%Y", "5JAN2026", date(2026, 1, 5)), ("%A, %d/%Y%m", "Thursday, 1/202601", date(2026, 1, 1)),
        ("%Y%m%d", "2026113", None), ("%m%d%y", "10126", None), ("%Y%j", "202632", None), ("%d%m%Y", "1122026", None), ("%A, %d/%Y%m", "Thursday, 1/20261", None),
    ],
)  # fmt: skip
def test_numbers_side_by_side_have_all_their_digits_or_are_refused(form, text, value):
    told = None if value else f"`{text}` is no day in the form {form}"
    assert pushed("Day__c", f"{{local: c, transform: {{date: '{form}'}}}}", text) == [(value, told)]


def test_times_of_numbers_side_by_side_have_all_their_digits_or_are_refused():
    item = "{local: c, transform: {datetime: {format: '%Y%m%d%H%M%S', zone: UTC}}}"
    assert values(pushed("At__c", item, "20260131090500")) == [datetime(2026, 1, 31, 9, 5)]
    assert problems(pushed("At__c", item, "2026013190500")) == ["`2026013190500` is no time in the form %Y%m%d%H%M%S"]
    item = "{local: c, transform: {datetime: {format: '%Y%m%dT%H%M%S%z'}}}"
    assert values(pushed("At__c", item, "20260131T090500+0100")) == [datetime(2026, 1, 31, 8, 5)]
    assert problems(pushed("At__c", item, "20260131T90500+0100")) == [
        "`20260131T90500+0100` is no time in the form %Y%m%dT%H%M%S%z"
    ]


@pytest.mark.parametrize(
    ("language", "form", "text", "value"),
    [
        ("de", "%d. %B %Y", "31. Januar 2026", date(2026, 1, 31)), ("de", "%d. %B %Y", "1. MÄRZ 2026", date(2026, 3, 1)), ("de", "%d.%b.%Y", "3.Okt.2026", date(2026, 10, 3)),
        ("de", "%d. %b %Y", "3. Dez 2026", date(2026, 12, 3)), ("de", "%d. %b %Y", "3. Mrz. 2026", date(2026, 3, 3)), ("fr", "%d %b %Y", "31 janv. 2026", date(2026, 1, 31)),
        ("fr", "%d %B %Y", "1 AOÛT 2026", date(2026, 8, 1)), ("es", "%d de %B de %Y", "5 de enero de 2026", date(2026, 1, 5)), ("en", "%b %d, %Y", "Sept 3, 2026", date(2026, 9, 3)),
        ("it", "%d %b %y", "7 gen 26", date(2026, 1, 7)), ("nl", "%d-%b-%Y", "07-mrt-2026", date(2026, 3, 7)), ("pt", "%B %Y %d", "março 2026 07", date(2026, 3, 7)),
    ],
)  # fmt: skip
def test_names_of_months_are_read_in_the_declared_language(language, form, text, value):
    item = f"{{local: c, transform: {{date: {{format: '{form}', locale: {language}}}}}}}"
    assert values(pushed("Day__c", item, text)) == [value]


@pytest.mark.parametrize(
    "text", ["31. January 2026", "1. Marzipan 2026", "5. 10. 2026", "30. Februar 2026", "Mai 2026"]
)
def test_what_names_no_month_of_the_language_is_refused(text):
    item = "{local: c, transform: {date: {format: '%d. %B %Y', locale: de}}}"
    assert problems(pushed("Day__c", item, text)) == [f"`{text}` is no day in the form %d. %B %Y (de)"]


def test_times_may_have_names_of_months_in_a_language_too():
    item = "{local: c, transform: {datetime: {format: '%d. %B %Y %H:%M', locale: de, zone: Europe/Berlin}}}"
    assert values(pushed("At__c", item, "31. Januar 2026 12:00")) == [datetime(2026, 1, 31, 11)]
    assert problems(pushed("At__c", item, "31. January 2026 12:00")) == [
        "`31. January 2026 12:00` is no time in the form %d. %B %Y %H:%M (de)"
    ]


def test_a_day_that_salesforce_does_not_know_is_refused():
    assert [told for _, told in pushed("Day__c", "c", "1699-12-31", "1700-01-01", "4000-12-31", "4001-01-01")] == [
        "`1699-12-31` is not between 1700-01-01 and 4000-12-31", None, None, "`4001-01-01` is not between 1700-01-01 and 4000-12-31",
    ]  # fmt: skip
    assert pushed("At__c", "c", "4001-01-01T00:00:00Z")[0][1] is not None


BERLIN = "{zone: Europe/Berlin}"


@pytest.mark.parametrize(
    ("form", "text", "value"),
    [
        (None, "2026-01-31T12:00:00Z", datetime(2026, 1, 31, 12)), (None, "2026-01-31T12:00:00.000+0000", datetime(2026, 1, 31, 12)),
        (None, "2026-01-31 12:00+05:30", datetime(2026, 1, 31, 6, 30)), (None, "2026-01-31T23:00:00-02:00", datetime(2026, 2, 1, 1)),
        (None, "2026-01-31T12:00:00.5Z", datetime(2026, 1, 31, 12, 0, 0, 500000)),
        (BERLIN, "2026-01-31T12:00:00", datetime(2026, 1, 31, 11)), (BERLIN, "2026-07-31 12:00", datetime(2026, 7, 31, 10)),
        (BERLIN, "2026-07-31", datetime(2026, 7, 30, 22)), (BERLIN, "2026-07-31T12:00:00Z", datetime(2026, 7, 31, 12)),
        ("{zone: UTC}", "2026-07-31", datetime(2026, 7, 31)), ("Asia/Kolkata", "2026-01-31T00:00:00", datetime(2026, 1, 30, 18, 30)),
        ("{format: '%d.%m.%Y %H:%M', zone: Europe/Berlin}", "31.07.2026 12:00", datetime(2026, 7, 31, 10)),
        ("{format: '%m/%d/%Y %I:%M %p', zone: UTC}", "07/31/2026 01:05 PM", datetime(2026, 7, 31, 13, 5)),
        ("'%d.%m.%Y %H:%M %z'", "31.07.2026 12:00 +0200", datetime(2026, 7, 31, 10)),
        ("{zone: Europe/Berlin, twice: first}", "2026-10-25T02:30:00", datetime(2026, 10, 25, 0, 30)),
        ("{zone: Europe/Berlin, twice: second}", "2026-10-25T02:30:00", datetime(2026, 10, 25, 1, 30)),
        ("{zone: Europe/Berlin, twice: first}", "2026-10-25T03:30:00", datetime(2026, 10, 25, 2, 30)),
        ("{zone: Australia/Lord_Howe, twice: first}", "2026-04-05T01:45:00", datetime(2026, 4, 4, 14, 45)),
        ("{zone: Australia/Lord_Howe, twice: second}", "2026-04-05T01:45:00", datetime(2026, 4, 4, 15, 15)),
        (BERLIN, "2026-03-29T03:00:00", datetime(2026, 3, 29, 1)), (BERLIN, "2026-03-29T01:59:59", datetime(2026, 3, 29, 0, 59, 59)),
    ],
)  # fmt: skip
def test_times_are_read_in_the_declared_zone_and_form(form, text, value):
    transform = "c" if form is None else f"{{local: c, transform: {{datetime: {form}}}}}"
    assert values(pushed("At__c", transform, text)) == [value]


@pytest.mark.parametrize(
    ("form", "text", "words"),
    [
        (None, "2026-01-31T12:00:00", "is no instant as the API writes it"), (None, "2026-01-31", "is no instant"),
        (None, "2026-02-30T12:00:00Z", "is no instant"), (None, "2026-01-31T24:00:00Z", "is no instant"), (None, "31.01.2026 12:00", "is no instant"),
        (BERLIN, "2026-03-29T02:30:00", "is a time that clocks in Europe/Berlin skip that day"),
        (BERLIN, "2026-10-25T02:30:00", "is a time that clocks in Europe/Berlin show twice that day"),
        ("{zone: Australia/Lord_Howe}", "2026-04-05T01:45:00", "show twice"), ("{zone: Australia/Lord_Howe}", "2026-10-04T02:15:00", "skip that day"),
        ("{format: '%d.%m.%Y %H:%M', zone: Europe/Berlin}", "29.03.2026 02:30", "skip that day"),
        ("{zone: Europe/Berlin, twice: first}", "2026-03-29T02:30:00", "skip that day"), (BERLIN, "31.01.2026", "is no time in the form"),
        ("{format: '%d.%m.%Y %H:%M', zone: UTC}", "31.02.2026 10:00", "is no time in the form %d.%m.%Y %H:%M"),
    ],
)  # fmt: skip
def test_a_time_that_is_none_or_could_be_two_is_refused(form, text, words):
    transform = "c" if form is None else f"{{local: c, transform: {{datetime: {form}}}}}"
    (told,) = problems(pushed("At__c", transform, text))
    assert told is not None
    assert words in told


@given(
    st.datetimes(datetime(1980, 1, 1), datetime(2025, 1, 1)),
    st.sampled_from(
        [
            "Europe/Berlin",
            "America/New_York",
            "Asia/Kolkata",
            "Australia/Lord_Howe",
            "America/Sao_Paulo",
            "Pacific/Apia",
        ]
    ),
)
@settings(max_examples=60, deadline=None)
def test_clocks_agree_with_pythons_own_zones(moment, zone):
    from zoneinfo import ZoneInfo  # noqa: PLC0415

    moment = moment.replace(microsecond=0)
    if zone == "Pacific/Apia" and moment.year < 2012:
        return  # it left out a whole day
    at = {fold: moment.replace(tzinfo=ZoneInfo(zone), fold=fold) for fold in (0, 1)}
    utc = {fold: (moment - each.utcoffset()) for fold, each in at.items()}
    real = {
        fold: each
        for fold, each in utc.items()
        if each.replace(tzinfo=ZoneInfo("UTC")).astimezone(ZoneInfo(zone)).replace(tzinfo=None) == moment
    }
    ((value, told),) = pushed("At__c", f"{{local: c, transform: {{datetime: {zone}}}}}", moment.isoformat(sep=" "))
    assert (value is None) == (told is not None)
    assert (value is not None) == (len(set(real.values())) == 1)
    if value is not None:
        assert value in real.values()


def test_checkboxes_take_the_apis_words_and_others_when_declared():
    assert values(pushed("Flag__c", "c", "true", "FALSE", " True ")) == [True, False, True]
    for text in ("1", "0", "yes", "no", "t", "y", "on", "NA"):
        assert "is neither `true` nor `false`" in problems(pushed("Flag__c", "c", text))[0]
    words = "{local: c, transform: {boolean: [[yes, y, '1', ja], [no, n, '0']]}}"
    assert values(pushed("Flag__c", words, "YES", "1", "n", "0", "Ja")) == [True, True, False, False, True]
    assert problems(pushed("Flag__c", words, "true")) == ["`true` is none of `yes`, `y`, `1`, `ja`, `no`, `n`, `0`"]


def test_times_of_day():
    assert values(pushed("Time__c", "c", "13:30", "13:30:05.123Z")) == [time(13, 30), time(13, 30, 5, 123000)]
    for text in ("24:00", "1:30", "13:60", "1 pm"):
        assert problems(pushed("Time__c", "c", text)) == [f"`{text}` is no time of day, like 13:30:00"]


@given(st.text("0123456789ABCXYZabcxyz", min_size=15, max_size=15))
@settings(max_examples=50, deadline=None)
def test_ids_of_15_characters_become_those_of_18(short):
    assert values(pushed("ParentId", "c", short, long_id(short))) == [long_id(short)] * 2


def test_what_is_no_id_is_refused_and_so_is_one_whose_case_was_changed():
    good = long_id("00QAB00000abcDE")
    told = problems(pushed("ParentId", "c", "00Q", "00QAB00000abcD!", good.lower(), good + "A"))
    assert [("capitals" in each, "neither 15 nor 18" in each) for each in told] == [
        (False, True),
        (False, True),
        (True, False),
        (False, True),
    ]


def test_multi_select_values_between_separators_of_yours():
    item = "{local: c, transform: {multi: ', '}}"
    assert values(pushed("Multi__c", item, "red, blue", "red,green", " red ,, ", ",")) == [
        "red;blue",
        "red;green",
        "red",
        None,
    ]
    assert [told for _, told in pushed("Multi__c", item, "red, pink")] == [
        "`red;pink` is not an active value of Multi__c"
    ]
    assert values(pushed("Multi__c", "c", "red;blue")) == ["red;blue"]
    session = database()
    session.execute("CREATE TABLE s AS SELECT 1 AS source_row, ['red', 'blue'] AS c")
    assert desired(session, thing("{Multi__c: c}"), {"source_row": "BIGINT", "c": "VARCHAR[]"})["Multi__c"] == [
        ("red;blue", None)
    ]


def test_what_is_chosen_twice_is_chosen_once():
    item = "{local: c, transform: {multi: ','}}"
    assert values(pushed("Multi__c", item, "red,red", "blue, red ,blue")) == ["red", "blue;red"]
    (column,) = push_columns(thing("{Multi__c: c}"), DESCRIBES, {"c": "VARCHAR"}).columns
    same = f"SELECT {column.same_sql.format(literal('red;blue;red'))} = {column.same_sql.format(literal('blue;red'))}"
    assert database().execute(same).scalar() is True


def test_whole_numbers_of_many_digits_stay_what_they_are():
    assert values(pushed("Big__c", "c", "9007199254740993", "-9007199254740993", "1e3")) == [
        9007199254740993,
        -9007199254740993,
        1000,
    ]
    assert problems(pushed("Big__c", "c", "99999999999999999999")) == [
        "`99999999999999999999` is no whole number, or too large"
    ]


@pytest.mark.parametrize(
    ("kind", "given", "field", "expected"),
    [
        ("FLOAT", 0.1, "Money__c", 0.1), ("FLOAT", 19.99, "Number__c", 19.99), ("FLOAT", 0.1, "Text__c", "0.1"), ("DOUBLE", float("nan"), "Text__c", None),
        ("VARCHAR[]", [], "Multi__c", None), ("VARCHAR[]", [], "Text__c", None), ("VARCHAR[]", [None, "red"], "Multi__c", "red"),
    ],
)  # fmt: skip
def test_typed_values_mean_what_they_show(kind, given, field, expected):
    session = database()
    columns = make_source(session, {"c": kind}, [[given]])
    assert desired(session, thing(f"{{{field}: c}}"), columns)[field] == [(expected, None)]


def test_an_expression_that_does_not_fit_its_columns_is_told_at_its_line():
    session = database()
    columns = make_source(session, {"c": "VARCHAR"}, [["2026"]])
    plan = push_columns(thing("""{Text__c: {sql: "strftime(c, '%Y')"}}"""), DESCRIBES, columns)
    with pytest.raises(MappingError) as caught:
        plan.prepare(session, "s")
    (problem,) = caught.value.problems
    assert str(problem).startswith("m.yml:4:25: the expression cannot be computed: Binder Error")
    assert "\n" not in problem.message


def test_phones_become_international_and_what_is_none_is_refused():
    german = "{local: c, transform: {phone: DE}}"
    assert values(pushed("Phone__c", german, "030 123456", "+1 (650) 253-0000", "0049-30-123456", "030 123456 ext. 7")) == [
        "+4930123456", "+16502530000", "+4930123456", "+4930123456x7",
    ]  # fmt: skip
    assert problems(pushed("Phone__c", german, "hello", "12", "call Bob")) == [
        "`hello` is no phone number", "`12` is no phone number that exists", "`call Bob` is no phone number",
    ]  # fmt: skip
    anywhere = "{local: c, transform: {phone: {form: international}}}"
    assert values(pushed("Phone__c", anywhere, "+4930123456")) == ["+49 30 123456"]
    assert problems(pushed("Phone__c", anywhere, "030 123456")) == [
        "`030 123456` has no country code (declare one: `transform: {phone: DE}`)"
    ]


def test_letters_behind_a_phone_number_are_no_digits_of_it():
    german = "{local: c, transform: {phone: DE}}"
    remarks = ["030 123456 Max", "030-123456 Mo-Fr", "0151 1234567 abc"]
    assert problems(pushed("Phone__c", german, *remarks)) == [
        f"`{text}` has letters among its digits or behind them" for text in remarks
    ]
    extensions = ["030 123456 x7", "030 123456 Ext. 7", "030 123456#7", "tel:+49-30-123456;ext=7"]
    assert values(pushed("Phone__c", german, *extensions)) == ["+4930123456x7"] * len(extensions)
    assert values(pushed("Phone__c", german, "Tel.: 030 123456", "+1 800 FLOWERS")) == ["+4930123456", "+18003569377"]
    assert values(pushed("Phone__c", "{local: c, transform: {phone: US}}", "1-800-FLOWERS")) == ["+18003569377"]


def test_a_phone_number_that_a_spreadsheet_made_a_fraction_of_is_refused():
    assert problems(pushed("Phone__c", "{local: c, transform: {phone: DE}}", "30123456789.0", "493012345.00")) == [
        f"`{text}` is a number that a spreadsheet made of it, and its last digit is none of the phone's"
        for text in ("30123456789.0", "493012345.00")
    ]


def test_blanks_alone_are_no_value_for_defaults_other_values_and_parents():
    blanks = ["  ", "\u00a0", "\t\n"]
    assert values(pushed("Text__c", "{local: c, default: x}", *blanks, " y ")) == ["x", "x", "x", " y "]
    mapped = "{local: c, values: {Open: o}, otherwise: OTHERWISE}"
    for otherwise in ("fail", "{value: Closed}", "'null'"):
        found = pushed("Pick__c", mapped.replace("OTHERWISE", otherwise), *blanks, "o")
        assert found == [(None, None), (None, None), (None, None), ("Open", None)]
    assert pushed("Pick__c", "{local: c, values: {Open: '  '}, otherwise: fail}", "  ") == [("Open", None)]
    session = database()
    columns = make_source(session, {"o": "VARCHAR"}, [(each,) for each in [*blanks, "a@b.org"]])
    mapping = thing("{Name: o}", lookups="{OwnerId: {object: User, by: Email, local: o}}")
    assert values(desired(session, mapping, columns)["OwnerId"]) == [None, None, None, "a@b.org"]


def test_phones_come_after_transforms_that_stand_before_them():
    item = "{local: c, transform: [{split: {by: '/', part: 1}}, {phone: US}]}"
    assert values(pushed("Phone__c", item, "650-253-0000 / home", "650-253-0000/x")) == ["+16502530000"] * 2


@pytest.mark.parametrize(
    ("transform", "text", "value"),
    [
        ("trim", "\u00a0\t x \n", "x"), ("trim", "   ", None), ("squeeze", " a \n\t b ", "a b"), ("lower", "ÀB", "àb"), ("upper", "àb", "ÀB"),
        ("title", "anna-lena o'HARA", "Anna-Lena O'hara"), ("title", "élan VITAL 2nd", "Élan Vital 2nd"), ("email", " Ada@Example.COM ", "ada@example.com"),
        ("[trim, lower]", " X ", "x"), ("{split: {by: ',', part: 2}}", "a, b ,c", "b"), ("{split: {by: ',', part: -1}}", "a,b,c", "c"),
        ("{split: {by: ',', part: 5}}", "a,b", None), ("{split: {by: ' ', part: 2, rest: true}}", "a b c", "b c"),
        ("{name: first}", "Ada King Lovelace", "Ada King"), ("{name: last}", "Ada King Lovelace", "Lovelace"),
        ("{name: first}", "Lovelace, Ada  King", "Ada King"), ("{name: last}", "Lovelace, Ada", "Lovelace"),
        ("{name: last}", "Lovelace", "Lovelace"), ("{name: first}", "Lovelace", None), ("{name: first}", " ", None),
    ],
)  # fmt: skip
def test_text_transforms(transform, text, value):
    assert values(pushed("Text__c", f"{{local: c, transform: {transform}}}", text)) == [value]


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("Ludwig van Beethoven", "Ludwig", "van Beethoven"), ("Anna Maria van den Berg", "Anna Maria", "van den Berg"),
        ("ludwig van beethoven", "ludwig", "van beethoven"), ("OSAMA BIN LADEN", "OSAMA", "BIN LADEN"), ("van Gogh", None, "van Gogh"),
        ("Vincent Van Gogh", "Vincent", "Van Gogh"), ("Van Morrison", "Van", "Morrison"), ("María de la Cruz", "María", "de la Cruz"),
        ("José Ortega y Gasset", "José", "Ortega y Gasset"), ("Gerard 't Hooft", "Gerard", "'t Hooft"), ("ada king lovelace", "ada king", "lovelace"),
        ("John Smith Jr.", "John", "Smith Jr."), ("John Smith, Jr.", "John", "Smith Jr."), ("Smith, John, Jr.", "John", "Smith Jr."),
        ("Harry Windsor III", "Harry", "Windsor III"), ("Ada Byron, PhD", "Ada", "Byron PhD"), ("John Jr.", "John", "Jr."),
        ("van Beethoven, Ludwig", "Ludwig", "van Beethoven"), ("Dr. Hans Müller", "Dr. Hans", "Müller"), ("Cher", None, "Cher"), (",", None, None),
    ],
)  # fmt: skip
def test_particles_and_suffixes_belong_to_the_last_name(text, first, last):
    parts = [
        values(pushed("Text__c", f"{{local: c, transform: {{name: {part}}}}}", text)) for part in ("first", "last")
    ]
    assert parts == [[first], [last]]


def test_what_is_no_email_address_is_refused_where_addresses_are_declared():
    item = "{local: c, transform: email}"
    for text in ("a@b", "a b@c.de", "@c.de", "a@@c.de", "a"):
        assert [told for _, told in pushed("Email__c", item, text)] == [f"`{text}` is not an e-mail address"]


def test_too_long_texts_and_values_that_no_picklist_has_are_told_with_the_value_kept():
    ((value, told),) = pushed("Email__c", "c", "x" * 81)
    assert (len(value), told) == (81, "the text has 81 characters, and Email__c takes 80")
    assert pushed("Pick__c", "c", "Open", "open") == [
        ("Open", None),
        ("open", "`open` is not an active value of Pick__c"),
    ]
    assert pushed("Free__c", "c", "open") == [("open", None)]
    assert "NUL" in pushed("Text__c", "c", "a\0b")[0][1]
    assert "no value" in pushed("Text__c", "c", "#N/A")[0][1]


def test_hostile_values_are_shown_short_and_without_control_characters():
    (told,) = problems(pushed("Int__c", "c", "\x1b[31m\u202e\u2028" + "x" * 500))
    assert len(told) < 200
    assert told.startswith("`�[31m��xxx")
    assert "…`" in told


@pytest.mark.parametrize(
    ("kind", "value", "field", "expected"),
    [
        ("DOUBLE", 5.0, "Text__c", "5"), ("DOUBLE", 5.25, "Text__c", "5.25"), ("BIGINT", 7, "Text__c", "7"), ("BOOLEAN", True, "Text__c", "true"),
        ("DATE", date(2026, 1, 2), "Text__c", "2026-01-02"), ("TIMESTAMP", datetime(2026, 1, 2, 3), "Text__c", "2026-01-02T03:00:00.000Z"),
        ("TIME", time(3, 4), "Text__c", "03:04:00.000Z"), ("DECIMAL(18,3)", "1.250", "Money__c", 1.25), ("BIGINT", 1, "Flag__c", True),
        ("DOUBLE", 3.0, "Int__c", 3), ("TIMESTAMP", datetime(2026, 1, 2), "Day__c", date(2026, 1, 2)), ("UUID", "6ffe5e12-0000-4000-8000-000000000000", "Text__c", "6ffe5e12-0000-4000-8000-000000000000"),
        ("TIMESTAMP", datetime(2026, 1, 2, 3), "At__c", datetime(2026, 1, 2, 3)), ("BIGINT", 2**40, "Big__c", 2**40),
    ],
)  # fmt: skip
def test_typed_columns_keep_their_type(kind, value, field, expected):
    assert values(pushed(field, "c", value, kind=kind)) == [expected]


@pytest.mark.parametrize(
    ("kind", "value", "field", "words"),
    [
        ("DATE", date(2026, 1, 2), "Money__c", "is a date, and Money__c holds numbers"), ("DOUBLE", 1.5, "Day__c", "is a number, and the field holds days"),
        ("DATE", date(2026, 1, 2), "At__c", "declare whose midnight it is"), ("TIMESTAMP", datetime(2026, 1, 2, 3), "Day__c", "has a time"),
        ("DOUBLE", float("nan"), "Money__c", "is no number"), ("DOUBLE", float("inf"), "Text__c", None), ("BIGINT", 2**40, "Int__c", "too large"),
        ("BIGINT", 2, "Flag__c", "is neither 1 nor 0"), ("BOOLEAN", True, "Int__c", "is a boolean"),
    ],
)  # fmt: skip
def test_a_type_that_does_not_fit_is_refused_row_by_row(kind, value, field, words):
    ((_, told),) = pushed(field, "c", value, kind=kind)
    assert told is None if words is None else words in told
    assert pushed(field, "c", None, kind=kind) == [(None, None)]


def test_a_day_of_a_typed_column_begins_in_the_declared_zone():
    item = "{local: c, transform: {datetime: Europe/Berlin}}"
    assert values(pushed("At__c", item, date(2026, 7, 1), kind="DATE")) == [datetime(2026, 6, 30, 22)]
    assert values(pushed("At__c", item, datetime(2026, 7, 1, 2), kind="TIMESTAMP")) == [datetime(2026, 7, 1)]


def test_an_instant_of_a_typed_column_keeps_its_instant():
    session = database()
    session.execute("CREATE TABLE s AS SELECT 1 AS source_row, TIMESTAMPTZ '2026-07-01 02:00:00+02' AS c")
    columns = {"source_row": "BIGINT", "c": "TIMESTAMP WITH TIME ZONE"}
    assert desired(session, thing("{At__c: c, Text__c: c}"), columns) == {
        "At__c": [(datetime(2026, 7, 1), None)], "Text__c": [("2026-07-01T00:00:00.000Z", None)],
    }  # fmt: skip

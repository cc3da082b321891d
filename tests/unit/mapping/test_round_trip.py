"""Org → local table → org changes nothing, for every type of field and every transform that may go both ways."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sfsync.errors import MappingError
from sfsync.mapping.check import check_mappings
from sfsync.mapping.columns import select_sql
from sfsync.record_ids import long_id
from sfsync.store.columns import column_types
from sfsync.store.names import quote

from .pushing import DESCRIBES, THING, database, desired, thing

BOTH = "direction: both\ntable: crm.things\n"
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Chatham"]

TEXTS = st.one_of(
    st.sampled_from(
        [" x", "x ", "\n", "a\r\nb", "a\u2028b", "\u0085", "'", "''", '"', "\\", "😀", "e\u0301", "\u202eabc", "שלום", "NA", "N/A", "null", "007", "-0", "1e5", "1,5", "true", "=1+1", "a;b", "a, b", "2026-01-31", "\ufeff", "\x1b[31m", "%", "$1", "?", "{x}", "--", "/*", "\t"]
    ),
    st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"), min_size=1, max_size=30),
)  # fmt: skip
NUMBERS = st.one_of(
    st.sampled_from([0.0, -0.0, 0.1, 1e-7, 5e-324, 1e15, 123456789.12, 99999999999999.98, -1234567.5, 1 / 3]),
    st.floats(-1e15, 1e15, allow_nan=False),
    st.integers(-(10**9), 10**9).map(float),
)
DAYS = st.dates(date(1700, 1, 1), date(4000, 12, 31))
MOMENTS = st.datetimes(datetime(1970, 1, 2), datetime(2037, 1, 1)).map(lambda moment: moment.replace(microsecond=0))
SETS = st.lists(st.sampled_from(["red", "green", "blue"]), min_size=1, unique=True).map(";".join)
IDS = st.text("0123456789ABCXYZabcxyz", min_size=15, max_size=15).map(long_id)

#: Field → what the org may hold, and the ways it may be mapped both ways.
FIELDS = {
    "Text__c": (TEXTS, ["c", "{local: c, values: {Open: new, '=1+1': [sum, total]}, otherwise: keep}", "{local: c, null: clear}"]),
    "Long__c": (TEXTS, ["c"]),
    "Email__c": (TEXTS, ["c"]),
    "Phone__c": (TEXTS, ["c"]),
    "Url__c": (TEXTS, ["c"]),
    "Flag__c": (st.booleans(), ["c", "{local: c, transform: {boolean: [yes, no]}}", "{local: c, transform: {boolean: [['1', y], ['0', n]]}}", "{local: c, values: {'true': oui, 'false': non}}"]),
    "Int__c": (st.integers(-(2**31) + 1, 2**31 - 1), ["c", "{local: c, transform: {number: de}}", "{local: c, transform: {number: en_IN}}"]),
    "Big__c": (st.integers(-(2**53), 2**53), ["c", "{local: c, transform: {number: fr}}"]),
    "Number__c": (NUMBERS, ["c", "{local: c, transform: {number: de}}", "{local: c, transform: {number: {locale: en_IN, symbol: €}}}", "{local: c, transform: {number: {decimal: ',', group: \"'\"}}}"]),
    "Money__c": (NUMBERS, ["c", "{local: c, transform: {number: de_CH}}"]),
    "Share__c": (NUMBERS, ["c", "{local: c, transform: {number: {locale: fr, symbol: '%'}}}"]),
    "Day__c": (DAYS, ["c", "{local: c, transform: {date: dmy}}", "{local: c, transform: {date: mdy}}", "{local: c, transform: {date: ymd}}", "{local: c, transform: {date: '%d %B %Y'}}", "{local: c, transform: {date: '%j/%Y'}}", *[f"{{local: c, transform: {{date: {{format: '%d. %{name} %Y', locale: {language}}}}}}}" for name in "Bb" for language in ("de", "en", "es", "fr", "it", "nl", "pt")]]),
    "At__c": (MOMENTS, ["c", *[f"{{local: c, transform: {{datetime: {zone}}}}}" for zone in ZONES], "{local: c, transform: {datetime: {format: '%d.%m.%Y %H:%M:%S', zone: UTC}}}", "{local: c, transform: {datetime: '%m/%d/%Y %I:%M:%S %p %z'}}", "{local: c, transform: {datetime: {format: '%d %b %Y, %H:%M:%S %z', locale: fr}}}"]),
    "Time__c": (st.times().map(lambda t: t.replace(microsecond=t.microsecond // 1000 * 1000)), ["c"]),
    "Pick__c": (st.sampled_from(["Open", "Closed", "no longer there", " odd;one "]), ["c", "{local: c, values: {Open: auf, Closed: [zu, geschlossen]}, otherwise: keep}"]),
    "Multi__c": (SETS, ["c", "{local: c, transform: {multi: ', '}}", "{local: c, transform: {multi: '|'}}"]),
    "ParentId": (IDS, ["c"]),
}  # fmt: skip
CASES = [(field, item) for field, (_, items) in FIELDS.items() for item in items]


def back_and_forth(session, mapping):
    """The local table of what the mirror holds, and what a push would write of it."""
    session.execute(f"CREATE OR REPLACE TABLE s AS SELECT * FROM ({select_sql(mapping, DESCRIBES)}) AS shown")
    rows = session.execute("SELECT column_name, column_type FROM (DESCRIBE s)").rows
    return desired_by_id(session, mapping, dict(rows))


def desired_by_id(session, mapping, columns):
    session.execute("CREATE OR REPLACE TABLE s AS SELECT row_number() OVER (ORDER BY sf_id) AS source_row, * FROM s")
    return desired(session, mapping, {"source_row": "BIGINT", **columns})


def same(a, b):
    return (a == b and str(a) == str(b)) or (a == b == 0)


@pytest.fixture(scope="module")
def org():
    session = database()
    session.execute("CREATE SCHEMA sf")
    columns = ", ".join(f"{quote(name)} {kind}" for name, kind in column_types(THING).items())
    session.execute(f'CREATE TABLE sf."Thing__c" ({columns})')
    return session


@pytest.mark.parametrize(("field", "item"), CASES)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_what_the_org_holds_comes_back_as_it_was(org, data, field, item):
    held = data.draw(st.lists(st.none() | FIELDS[field][0], min_size=1, max_size=20))
    org.execute('DELETE FROM sf."Thing__c"')
    for number, value in enumerate(held):
        identity = long_id(f"a00{number:012}")
        org.execute(f'INSERT INTO sf."Thing__c" ("Id", {quote(field)}) VALUES (?, ?)', [identity, value])
    mapping = thing(f"{{{field}: {item}}}", top=BOTH)
    assert check_mappings([mapping], DESCRIBES) == []
    answers = back_and_forth(org, mapping)[field]
    assert len(answers) == len(held)
    for before, (after, told) in zip(held, answers, strict=True):
        if "keep" in item and before in ("new", "sum", "total", "auf", "zu", "geschlossen"):
            continue  # a value that is another's local name: `mapping check` tells of it
        assert same(after, before), (before, after, told)
        # The org keeps what it has, even if it would not take it again.
        assert told is None or "active value" in told or "no value" in told or "characters" in told


def test_every_instant_of_a_night_of_clock_changes_comes_back(org):
    start = datetime(2026, 10, 24, 22)
    moments = [start + timedelta(minutes=20 * step) for step in range(24)]
    for zone in ZONES:
        org.execute('DELETE FROM sf."Thing__c"')
        for number, moment in enumerate(moments):
            org.execute(
                'INSERT INTO sf."Thing__c" ("Id", "At__c") VALUES (?, ?)', [long_id(f"a00{number:012}"), moment]
            )
        mapping = thing(f"{{At__c: {{local: c, transform: {{datetime: {zone}}}}}}}", top=BOTH)
        assert back_and_forth(org, mapping)["At__c"] == [(moment, None) for moment in moments]


def test_a_table_of_values_goes_both_ways(org, tmp_path):
    (tmp_path / "v.csv").write_text('local,org\r\nneu,Open\r\n"a\u2028,b",Closed\r\naltneu,Open\r\n', encoding="utf-8")
    held = ["Open", "Closed", None]
    org.execute('DELETE FROM sf."Thing__c"')
    for number, value in enumerate(held):
        org.execute('INSERT INTO sf."Thing__c" ("Id", "Free__c") VALUES (?, ?)', [long_id(f"a00{number:012}"), value])
    mapping = thing("{Free__c: {local: c, transform: {table: v.csv}}}", top=BOTH, folder=tmp_path)
    assert [value for value, _ in back_and_forth(org, mapping)["Free__c"]] == held
    assert [value for (value,) in org.execute("SELECT c FROM s ORDER BY sf_id")] == ["neu", "a\u2028,b", None]
    org.execute("UPDATE s SET c = CASE source_row WHEN 1 THEN 'altneu' WHEN 2 THEN 'unknown' END")
    columns = {"source_row": "BIGINT", "sf_id": "VARCHAR", "c": "VARCHAR"}
    assert desired(org, mapping, columns)["Free__c"] == [
        ("Open", None),
        (None, "`unknown` is not in v.csv"),
        (None, None),
    ]


@pytest.mark.parametrize(
    "item",
    [
        *[f"{{local: c, transform: {word}}}" for word in ("trim", "squeeze", "lower", "upper", "title", "email", "{name: first}", "{split: {by: ' ', part: 1}}")],
        "{local: c, transform: {date: '%d.%m.%y'}}", "{local: c, transform: {datetime: {format: '%d.%m.%Y %H:%M', zone: UTC}}}",
        "{local: c, transform: {datetime: {format: '%d.%m.%Y %H:%M:%S', zone: Europe/Berlin}}}", "{local: [c, d], transform: {join: ' '}}",
        "{local: c, transform: {phone: DE}}", "{local: c, default: x}", "{local: c, values: {a: b}, otherwise: null}",
        "{local: c, values: {a: b}, otherwise: {value: c}}", "{local: c, mask: hash}",
    ],
)  # fmt: skip
def test_what_would_not_come_back_as_it_was_has_to_be_declared_one_way(item):
    with pytest.raises(MappingError) as caught:
        thing(f"{{Text__c: {item}}}", top=BOTH)
    (problem,) = caught.value.problems
    assert problem.line == 4
    assert "direction: push" in (problem.hint or "")
    assert thing(f"{{Text__c: {item[:-1]}, direction: push}}}}", top=BOTH).pushed_fields()


@example("x")
@given(TEXTS)
@settings(max_examples=40, deadline=None)
def test_one_way_transforms_are_shown_by_a_local_table_that_is_only_pulled(text):
    session = database()
    session.execute("CREATE SCHEMA sf")
    session.execute('CREATE TABLE sf."Thing__c" ("Id" VARCHAR, "Text__c" VARCHAR, "Day__c" DATE, "Number__c" DOUBLE)')
    session.execute("INSERT INTO sf.\"Thing__c\" VALUES ('a', ?, DATE '2026-01-31', 1234.5)", [text])
    mapping = thing(
        "{Text__c: {local: [a, b], transform: [{join: ' '}, lower]}, Day__c: {local: d, transform: {date: '%d.%m.%y'}}, "
        "Number__c: {local: n, transform: [trim, {number: de}]}}",
        top="table: t\n",
    )
    ((_, a, b, day, number),) = session.execute(select_sql(mapping, DESCRIBES)).rows
    ((lowered,),) = session.execute("SELECT lower(?)", [text]).rows
    first, _, rest = lowered.partition(" ")
    assert (a, b, day, number) == (first or None, rest or None, "31.01.26", "1234,5")


def test_a_local_table_shows_whichever_parent_there_is():
    session = database()
    session.execute("CREATE SCHEMA sf")
    session.execute(
        'CREATE TABLE sf."Thing__c" AS SELECT \'a\' || i AS "Id", \'p\' || i AS "OwnerId" FROM range(3) AS r(i)'
    )
    session.execute('CREATE TABLE sf."User" AS SELECT \'p0\' AS "Id", \'u@x.org\' AS "Email"')
    session.execute('CREATE TABLE sf."Group" AS SELECT \'p1\' AS "Id", \'Queue\' AS "DeveloperName"')
    mapping = thing(
        "{Id: sf_id}",
        top="table: t\n",
        lookups="{OwnerId: {object: [User, Group], by: {User: Email, Group: DeveloperName}, local: owner}}",
    )
    assert session.execute(f"SELECT * FROM ({select_sql(mapping, DESCRIBES)}) ORDER BY 1").rows == [
        ("a0", "u@x.org"), ("a1", "Queue"), ("a2", None),
    ]  # fmt: skip
    assert mapping.objects == ("Thing__c", "User", "Group")


def test_the_clock_of_this_machine_plays_no_part(org):
    """The session's own zone must not shift instants."""
    org.execute("SET TimeZone = 'Asia/Tokyo'")
    try:
        org.execute('DELETE FROM sf."Thing__c"')
        moment = datetime(2026, 1, 31, 12, tzinfo=UTC).replace(tzinfo=None)
        org.execute('INSERT INTO sf."Thing__c" ("Id", "At__c", "Time__c") VALUES (?, ?, ?)', ["a", moment, time(1, 2)])
        for zone in ZONES:
            mapping = thing(f"{{At__c: {{local: c, transform: {{datetime: {zone}}}}}, Time__c: t}}", top=BOTH)
            assert back_and_forth(org, mapping)["At__c"] == [(moment, None)]
        form = "'%Y-%m-%dT%H:%M:%S%z'"
        assert back_and_forth(org, thing(f"{{At__c: {{local: c, transform: {{datetime: {form}}}}}}}", top=BOTH))[
            "At__c"
        ] == [(moment, None)]
    finally:
        org.execute("RESET TimeZone")

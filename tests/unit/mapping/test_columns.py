"""The SELECT behind a local table: what is shown, and that no name or value can become SQL."""

from __future__ import annotations

import json
from datetime import datetime

import pytest
import sqlglot
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlglot import exp

from sfsync.errors import MappingError
from sfsync.mapping.check import check_mappings
from sfsync.mapping.columns import select_sql, shown_columns
from sfsync.mapping.load import parse_mapping
from sfsync.soql.dates import Calendar

AS_OF = datetime(2026, 1, 31, 12)


def mapping(fields="{Email: email}", *, top="", lookups=""):
    text = f"object: Lead\ntable: leads\n{top}fields: {fields}\n" + (f"lookups: {lookups}\n" if lookups else "")
    return parse_mapping(text, "m.yml")


@pytest.fixture
def shown(store, describes):
    """The rows that a mapping shows, by last character of the Id's number."""

    def show(wanted, **options):
        assert check_mappings([wanted], describes) == []
        with store.reading() as session:
            rows = session.execute(select_sql(wanted, describes, as_of=AS_OF, **options)).dicts()
        return {row["sf_id"][14]: row for row in rows}

    return show


def test_the_record_id_comes_first_then_fields_then_lookups_under_local_names(describes):
    wanted = mapping(
        "{Email: email, AnnualRevenue: {local: revenue, direction: push}, LastName: name}",
        lookups="{OwnerId: {object: User, by: Email, local: owner_email}}",
    )
    columns = shown_columns(wanted, describes["Lead"])
    assert [column.name for column in columns] == ["sf_id", "email", "name", "owner_email"]
    assert [column.source for column in columns] == ["Id", "Email", "LastName", "OwnerId → User.Email"]


def test_live_records_are_shown_with_their_values_and_types(shown):
    rows = shown(mapping("{LastName: name, HasOptedOutOfEmail: opted_out, AnnualRevenue: revenue, CreatedDate: at}"))
    assert set(rows) == {"1", "2", "3"}
    assert rows["1"] == {
        "sf_id": "00Q000000000001AAA",
        "name": "Ada",
        "opted_out": True,
        "revenue": 10.0,
        "at": datetime(2026, 1, 30),
    }


def test_the_id_may_be_mapped_under_its_own_name_or_another(shown):
    assert set(shown(mapping("{Id: sf_id}"))["1"]) == {"sf_id"}
    assert shown(mapping("{Id: key}"))["1"] == {"sf_id": "00Q000000000001AAA", "key": "00Q000000000001AAA"}


@pytest.mark.parametrize(
    ("otherwise", "open_", "parked", "empty"),
    [
        ("", "new", "Parked", None),
        (", otherwise: fail", "new", "Parked", None),
        (", otherwise: keep", "new", "Parked", None),
        (", otherwise: null", "new", None, None),
        (", otherwise: {value: other}", "new", "other", None),
    ],
)
def test_a_value_without_a_counterpart_is_shown_as_it_is_unless_the_mapping_says_otherwise(
    shown, otherwise, open_, parked, empty
):
    rows = shown(mapping(f"{{Status: {{local: stage, values: {{Open: new}}{otherwise}}}}}"))
    assert [rows[key]["stage"] for key in "123"] == [open_, parked, empty]


def test_values_are_exact_with_case(shown):
    assert shown(mapping("{Status: {local: stage, values: {OPEN: new}}}"))["1"]["stage"] == "Open"


def test_a_checkbox_may_be_shown_as_words(shown):
    rows = shown(mapping("{HasOptedOutOfEmail: {local: mail, values: {'true': never, 'false': please}}}"))
    assert [rows[key]["mail"] for key in "123"] == ["never", "please", None]


def test_a_lookup_shows_the_parents_field_and_nothing_where_there_is_no_such_parent(shown):
    rows = shown(
        mapping(
            lookups="{OwnerId: {object: User, by: Email, local: owner}, CreatedById: {object: User, by: Name, local: by_name}}"
        )
    )
    assert [rows[key]["owner"] for key in "123"] == ["uma@example.com", None, None]
    assert rows["1"]["by_name"] is None


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("Status = 'open'", "1"),
        ("Status != 'Open'", "23"),
        ("Email != null", "13"),
        ("AnnualRevenue > 5 OR LastName LIKE 'b%'", "12"),
        ("CreatedDate = LAST_N_DAYS:7", "1"),
        ("CreatedDate = THIS_YEAR", "13"),
        ("NOT HasOptedOutOfEmail = true", "23"),
        ("OwnerId = '005000000000001'", "1"),
    ],
)
def test_a_filter_means_what_it_means_in_salesforce_as_of_the_mirror(shown, condition, expected):
    assert "".join(sorted(shown(mapping(top=f"filter: {condition}\n")))) == expected


def test_days_of_a_filter_begin_at_midnight_in_the_orgs_time_zone(shown):
    today = mapping(top="filter: CreatedDate = 2026-01-30T00:00:00Z\n")
    assert set(shown(today)) == {"1"}
    yesterday = mapping(top="filter: CreatedDate = N_DAYS_AGO:1\n")
    assert set(shown(yesterday)) == {"1"}
    assert set(shown(yesterday, calendar=Calendar("America/New_York"))) == set()


def test_a_filter_is_not_left_out_for_lack_of_an_instant(describes):
    with pytest.raises(ValueError, match="instant"):
        select_sql(mapping(top="filter: Email != null\n"), describes)


HOSTILE = st.one_of(
    st.sampled_from(
        [
            "'",
            "''",
            '"',
            "\\",
            "\\'",
            "';--",
            '\'; DROP TABLE sf_all."Lead"; --',
            "' OR 1=1 --",
            "%",
            "_",
            "$1",
            "?",
            "{x}",
            "/*",
            "*/",
            "\n",
            "\r\n",
            "\t",
            "é",
            "😀",
            "a\u2028b",
            "NULL",
            "' || (SELECT 1) || '",
            "E'\\''",
            "$$",
            "\\x00",
        ]
    ),
    st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"), min_size=1, max_size=20),
)


def structure(sql: str) -> str:
    """The statement with every text literal replaced by the same word."""
    statements = sqlglot.parse(sql, dialect="duckdb")
    assert len(statements) == 1
    assert isinstance(statements[0], exp.Select)
    for literal in statements[0].find_all(exp.Literal):
        if literal.is_string:
            literal.set("this", "text")
    return statements[0].sql("duckdb")


@given(org=HOSTILE, local=HOSTILE, other=HOSTILE)
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example("\\", "\\", "' --")
def test_no_mapped_value_can_change_the_structure_of_the_statement(store, describes, org, local, other):
    def statement(a, b, c):
        item = json.dumps({"local": "s", "values": {a: b}, "otherwise": {"value": c}})
        return select_sql(parse_mapping(f"object: Lead\ntable: t\nfields: {{Status: {item}}}"), describes)

    try:
        hostile = statement(org, local, other)
    except MappingError:
        return  # a control character: refused before it can be a value
    assert structure(hostile) == structure(statement("a", "b", "c"))
    with store.reading() as session:
        rows = session.execute(hostile).dicts()
    expected = {"Open": local if org == "Open" else other, "Parked": other}
    assert sorted(row["s"] or "" for row in rows) == sorted(["", *expected.values()])


@given(text=HOSTILE)
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_value_in_a_filter_can_change_the_structure_of_the_statement(store, describes, text):
    def statement(value):
        quoted = "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
        condition = json.dumps(f"LastName = {quoted} OR Email IN ({quoted}, 'no such value anywhere')")
        wanted = parse_mapping(f"object: Lead\ntable: t\nfilter: {condition}\nfields: {{Status: s}}")
        return [] if check_mappings([wanted], describes) else [select_sql(wanted, describes, as_of=AS_OF)]

    try:
        hostile = statement(text)
    except MappingError:
        return
    for sql in hostile:
        assert structure(sql) == structure(statement("plain")[0])
        with store.reading() as session:
            assert len(session.execute(sql)) == 0

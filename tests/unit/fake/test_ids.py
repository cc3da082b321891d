from __future__ import annotations

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfsync.fake.catalog import standard_catalog
from sfsync.fake.database import ID_MACROS, OrgDatabase
from sfsync.fake.ids import is_valid_id, make_id, to_15, to_18
from sfsync.record_ids import checksum


def test_ids_have_the_objects_prefix_and_count_up_in_base_62():
    assert make_id("00Q", 0) == "00QFk0000000000MAA"
    assert make_id("00Q", 61)[:15] == "00QFk000000000z"
    assert make_id("00Q", 62)[:15] == "00QFk0000000010"


@given(st.integers(0, 62**9 - 1))
def test_every_id_made_is_valid_and_survives_shortening(number):
    made = make_id("006", number)
    assert is_valid_id(made)
    assert is_valid_id(to_15(made), "006")
    assert to_18(to_15(made)) == made


@given(st.lists(st.integers(0, 10**6), min_size=2, max_size=20, unique=True))
def test_different_numbers_make_ids_that_differ_even_without_case(numbers):
    assert len({make_id("001", number).lower() for number in numbers}) == len(numbers)


def test_the_checksum_is_salesforces():
    # Ids out of Salesforce's own documentation.
    assert to_18("001D000000IqhSL") == "001D000000IqhSLIAZ"
    assert checksum("00QFk0000000000") == "MAA"


@pytest.mark.parametrize("wrong", ["", "00Q", "001D000000IqhSLIAA", "001D000000IqhS!", "001d000000iqhsl1234", "x" * 19])
def test_what_is_not_an_id_is_told_apart(wrong):
    assert not is_valid_id(wrong)


def test_an_id_of_another_object_is_told_apart():
    assert not is_valid_id(make_id("001", 1), "00Q")


@pytest.mark.parametrize(("prefix", "number"), [("0", 1), ("00é", 1), ("00Q", -1), ("00Q", 62**9)])
def test_an_impossible_id_is_refused(prefix, number):
    with pytest.raises(ValueError):
        make_id(prefix, number)
    with pytest.raises(ValueError):
        to_18("not an id")


def test_the_database_checks_ids_as_python_does():
    database = OrgDatabase(standard_catalog())
    texts = [
        "001D000000IqhSL",
        "001D000000IqhSLIAZ",
        "001D000000IqhSLIAA",
        "short",
        "001D000000Iqh_L",
        make_id("00Q", 77),
    ]
    database.teach(ID_MACROS)
    with database.reading() as cursor:
        rows = cursor.execute(
            "SELECT x, id_valid(x), id_18(x) FROM (SELECT unnest(?::VARCHAR[]) AS x)", [texts]
        ).fetchall()
    database.close()
    assert [valid for _, valid, _ in rows] == [is_valid_id(text) for text in texts]
    assert [long for text, valid, long in rows if valid] == [to_18(text) for text in texts if is_valid_id(text)]


def test_the_published_ids_are_valid(real_data):
    for name, prefix in {"Lead": "00Q", "Account": "001", "Opportunity": "006"}.items():
        with (real_data("olist_org") / f"{name}.csv").open(newline="") as file:
            assert all(is_valid_id(row["Id"], prefix) for row in csv.DictReader(file))

from __future__ import annotations

import csv
import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from sfsync.records import FieldDescribe, ObjectDescribe
from sfsync.store import ledger
from sfsync.store.as_of import as_of_sql
from sfsync.store.compounds import compound_columns, described
from sfsync.store.drift import find_drift
from sfsync.store.duckdb import DuckDBStore
from sfsync.store.merge import MergeOptions, merge_pages
from sfsync.store.mirror import prepare_mirror, shape_table

HOSTILE = 'c/o "Front"\\Desk\r\n2nd floor\u2028\x01é😀'


def part(name: str, compound: str, kind: str = "string") -> FieldDescribe:
    return FieldDescribe(name, kind, compound_field=compound)


ACCOUNT = ObjectDescribe(
    "Account",
    "Account",
    (
        FieldDescribe("Id", "id"),
        FieldDescribe("IsDeleted", "boolean"),
        part("BillingStreet", "BillingAddress", "textarea"),
        part("BillingPostalCode", "BillingAddress"),
        part("BillingCountryCode", "BillingAddress", "picklist"),
        part("BillingLatitude", "BillingAddress", "double"),
        FieldDescribe("BillingAddress", "address"),
        part("Site__Latitude__s", "Site__c", "double"),
        part("Site__Longitude__s", "Site__c", "double"),
        FieldDescribe("Site__c", "location", custom=True),
        part("FirstName", "Name"),
        FieldDescribe("Name", "string"),
    ),
)


class Mirror:
    def __init__(self, folder: Path) -> None:
        self.folder, self.store = folder, DuckDBStore(folder / "mirror.duckdb")

    def pull(self, rows: list[list[Any]], describe: ObjectDescribe = ACCOUNT, at: int = 1) -> None:
        page = self.folder / "page.csv"
        with page.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([[f.name for f in describe.stored_fields], *rows])
        with self.store.writing() as session:
            prepare_mirror(session)
            shape_table(session, describe, find_drift(session, describe))
            instant = datetime(2026, 1, at)
            merge_pages(session, describe, [page], MergeOptions(len(rows), history_at=instant))
            ledger.save_describe(session, describe, instant)
            ledger.save_cursor(session, describe, instant, "run", history=True)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self.store.query(sql).rows().rows


@pytest.fixture
def mirror(tmp_path: Path) -> Mirror:
    return Mirror(tmp_path)


def test_an_address_is_the_json_of_its_parts_under_the_names_of_rest(mirror: Mirror) -> None:
    mirror.pull([["1", "false", HOSTILE, "007", "", "52.5", "", "", "", ""]])
    ((text,),) = mirror.rows('SELECT "BillingAddress" FROM sf."Account"')
    assert list(json.loads(text)) == ["countryCode", "latitude", "postalCode", "street"]
    assert json.loads(text) == {"countryCode": None, "latitude": 52.5, "postalCode": "007", "street": HOSTILE}


def test_a_location_has_two_members_and_an_empty_one_is_null(mirror: Mirror) -> None:
    mirror.pull([["1", "false", "", "", "", "", "52.5", "-13", "", ""], ["2", "false", *([""] * 8)]])
    texts = dict(mirror.rows('SELECT "Id", "Site__c" FROM sf."Account"'))
    assert json.loads(texts["1"]) == {"latitude": 52.5, "longitude": -13.0}
    assert texts["2"] is None
    assert mirror.rows('SELECT count("BillingAddress") FROM sf."Account"') == [(0,)]


def test_a_compound_name_is_a_string_of_its_own(mirror: Mirror) -> None:
    mirror.pull([["1", "false", *([""] * 6), "Ada", "Ada Lovelace"]])
    assert mirror.rows('SELECT "Name" FROM sf."Account"') == [("Ada Lovelace",)]
    assert set(described(ACCOUNT)) == {"BillingAddress", "Site__c"}


def test_the_whole_stays_in_the_view_when_it_can_no_longer_be_read(mirror: Mirror) -> None:
    mirror.pull([["1", "false", "Street", "", "", "", "", "", "", ""]])
    hidden = replace(ACCOUNT, fields=tuple(f for f in ACCOUNT.fields if not f.name.startswith("Billing")))
    wider = replace(hidden, fields=(*hidden.fields, FieldDescribe("Size__c", "double", custom=True)))
    mirror.pull([["1", "false", "", "", "", "", "7"]], wider, at=3)
    assert json.loads(mirror.rows('SELECT "BillingAddress" FROM sf."Account"')[0][0])["street"] == "Street"


def test_a_mirror_that_was_made_without_them_gets_them_with_the_next_pull(mirror: Mirror) -> None:
    apart = replace(ACCOUNT, fields=tuple(replace(f, compound_field=None) for f in ACCOUNT.fields))
    row = ["1", "false", "Street", "", "", "", "", "", "", ""]
    mirror.pull([row], apart)
    mirror.pull([row], at=3)
    assert json.loads(mirror.rows('SELECT "BillingAddress" FROM sf."Account"')[0][0])["street"] == "Street"


def test_an_earlier_state_has_them_too(mirror: Mirror) -> None:
    mirror.pull([["1", "false", "Old Street", "", "", "", "", "", "", ""]])
    mirror.pull([["1", "false", "New Street", "", "", "", "", "", "", ""]], at=3)
    then = as_of_sql(mirror.store, 'SELECT "BillingAddress" FROM sf."Account"', datetime(2026, 1, 2))
    assert json.loads(mirror.rows(then)[0][0])["street"] == "Old Street"


def test_parts_of_custom_and_packaged_addresses_are_named_alike() -> None:
    parts = {"Home__c": ["Home__City__s", "Home__CountryCode__s"], "pkg__Spot__c": ["pkg__Spot__Latitude__s"]}
    shown = compound_columns(parts, {name for names in parts.values() for name in names})
    assert '"city": ' in shown["Home__c"]
    assert '"countryCode": ' in shown["Home__c"]
    assert '"latitude": ' in shown["pkg__Spot__c"]

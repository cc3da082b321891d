"""What this user may not do with an object at all is told of the mapping, at its line, before any call."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest

from sfsync.mapping.check import check_mappings
from sfsync.mapping.check_warnings import mapping_warnings
from sfsync.mapping.load import parse_mapping
from sfsync.records import FieldDescribe
from sfsync.store import ledger


def mapping(top="direction: push\n", fields="{LastName: name, Email: email}"):
    return parse_mapping(f"object: Lead\ntable: leads\n{top}fields: {fields}\n", "m.yml")


def limited(describes, **flags):
    """The org as a user sees it who may not do everything with leads: nor set their fields, then."""
    fields = tuple(
        replace(
            each,
            createable=each.createable and flags.get("createable", True),
            updateable=each.updateable and flags.get("updateable", True),
        )
        for each in describes["Lead"].fields
    )
    return {**describes, "Lead": replace(describes["Lead"], fields=fields, **flags)}


def test_who_may_neither_create_nor_change_records_can_push_nothing(describes):
    org = limited(describes, createable=False, updateable=False, deletable=False)
    told = [str(problem) for problem in check_mappings([mapping()], org)]
    assert told == [
        "m.yml:1:9: this user may neither create nor change `Lead` records"
        " (ask for the permission, or use `direction: pull`)"
    ]
    assert check_mappings([mapping("")], org) == []
    assert mapping_warnings([mapping("")], org) == []


@pytest.mark.parametrize(
    ("flags", "warning"),
    [
        (
            {"createable": False},
            "m.yml:1:9: this user may not create `Lead` records (a plan refuses rows that are new records)",
        ),
        (
            {"updateable": False},
            "m.yml:1:9: this user may not change `Lead` records (a plan refuses rows whose record is there already)",
        ),
    ],
)
def test_who_may_only_do_half_is_warned_once_and_not_of_every_field(describes, flags, warning):
    org = limited(describes, **flags)
    assert check_mappings([mapping()], org) == []
    assert [str(problem) for problem in mapping_warnings([mapping()], org)] == [warning]


def test_deletions_that_this_user_may_not_do_are_told_at_their_line(describes):
    org = limited(describes, deletable=False)
    told = [str(problem) for problem in mapping_warnings([mapping("direction: push\ndeletes: soft\n")], org)]
    assert told == [
        "m.yml:4:10: this user may not delete `Lead` records"
        " (ask for the permission, or use `deletes: never`: a plan refuses every deletion)"
    ]
    assert mapping_warnings([mapping()], org) == []


def test_a_describe_that_was_stored_before_anybody_asked_allows_everything(describes):
    body = orjson.loads(ledger.describe_body(limited(describes, createable=False)["Lead"]))
    assert ledger.describe_from(orjson.dumps(body).decode()).createable is False
    for key in ("createable", "updateable", "deletable"):
        del body[key]
    for field in body["fields"]:
        del field["id_lookup"]
    old = ledger.describe_from(orjson.dumps(body).decode())
    assert (old.createable, old.updateable, old.deletable) == (True, True, True)
    assert old.field("LastName").finds_records is False


# --- keys -------------------------------------------------------------------------------------------------------------


def keyed(describes, field):
    return {**describes, "Lead": replace(describes["Lead"], fields=(*describes["Lead"].fields, field))}


@pytest.mark.parametrize(
    ("field", "warned"),
    [
        (FieldDescribe("Code__c", "string", id_lookup=True), True),
        (FieldDescribe("Code__c", "string", id_lookup=True, unique=True), False),
        (FieldDescribe("Code__c", "string", external_id=True), False),
        (FieldDescribe("Code__c", "string", unique=True), False),
    ],
)
def test_a_key_is_any_field_by_which_the_org_finds_records(describes, field, warned):
    org, named = keyed(describes, field), mapping("direction: push\nkey: Code__c\n", "{LastName: n, Code__c: c}")
    assert check_mappings([named], org) == []
    told = [str(problem) for problem in mapping_warnings([named], org)]
    assert told == (
        [
            "m.yml:4:6: several records may have the same Lead.Code__c; rows about them are refused"
            " (an External ID that is unique tells every record apart)"
        ]
        if warned
        else []
    )


def test_a_users_name_is_a_key_and_always_its_own(describes):
    user = replace(
        describes["User"], fields=(*describes["User"].fields, FieldDescribe("Username", "string", id_lookup=True))
    )
    named = parse_mapping("object: User\ntable: u\ndirection: push\nkey: Username\nfields: {Username: u}\n", "u.yml")
    assert check_mappings([named], {"User": user}) == []
    assert mapping_warnings([named], {"User": user}) == []

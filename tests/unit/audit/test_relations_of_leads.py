"""Relations that rules of leads share: activities and first touches, stays in a status, and what definitions make."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import pytest

from sfsync.audit.context import context_of
from sfsync.audit.relations.build import BuiltRelations
from sfsync.audit.relations.load import load_relations, read_relations
from sfsync.config.settings import Settings
from sfsync.records import FieldDescribe
from sfsync.store.duckdb import DuckDBStore
from sfsync.store.history import shape_history
from sfsync.store.mirror import mirror_columns, read_state
from tests.unit.audit.conftest import MakeMirror, converted, lead

Row = dict[str, Any]

#: What the records' values do not tell.
TYPES = {
    f"{name}.{field}": FieldDescribe(field, kind)
    for name, fields in {
        "Lead": {"FirstCallDateTime": "datetime", "FirstEmailDateTime": "datetime"},
        "Task": {"CompletedDateTime": "datetime", "ActivityDate": "date", "WhatId": "reference"},
        "Event": {"StartDateTime": "datetime", "EndDateTime": "datetime", "ActivityDate": "date"},
    }.items()
    for field, kind in fields.items()
}


def rows_of(store: DuckDBStore, name: str, order: str, **definitions: Any) -> list[Row]:
    settings = Settings.model_validate({"definitions": definitions})
    with store.writing() as session:
        context = context_of(session, read_state(session), settings, "duckdb")
        built = BuiltRelations(session, context)
        built.build(read_relations([f"SELECT * FROM {name}"], load_relations()))
        rows = session.execute(f"SELECT * FROM relation_{name} ORDER BY {order}").dicts()
        built.drop()
    return rows


def task(number: int, **values: Any) -> Row:
    """A call that was made, unless told otherwise."""
    return {
        "Id": f"00T{number:012d}AAA",
        "IsDeleted": False,
        "WhoId": None,
        "WhatId": None,
        "Subject": "Call",
        "TaskSubtype": "Call",
        "CallType": None,
        "IsClosed": True,
        "IsRecurrence": False,
        "CreatedDate": datetime(2026, 1, 16, 9),
        "CompletedDateTime": datetime(2026, 1, 16, 9),
        "ActivityDate": date(2026, 1, 16),
        "OwnerId": "005",
        **values,
    }


def event(number: int, **values: Any) -> Row:
    """A meeting that took place, unless told otherwise."""
    return {
        "Id": f"00U{number:012d}AAA",
        "IsDeleted": False,
        "WhoId": None,
        "WhatId": None,
        "Subject": "Meeting",
        "CreatedDate": datetime(2026, 1, 16, 9),
        "ActivityDate": date(2026, 1, 20),
        "StartDateTime": datetime(2026, 1, 20, 9),
        "EndDateTime": datetime(2026, 1, 20, 10),
        "IsAllDayEvent": False,
        "IsRecurrence": False,
        "IsChild": False,
        "OwnerId": "005",
        **values,
    }


def test_activities_are_told_by_kind_and_whether_they_are_done(mirror: MakeMirror) -> None:
    one = lead(1)["Id"]
    store = mirror(
        described=TYPES,
        Lead=[lead(1)],
        Task=[
            task(1, WhoId=one),
            task(2, WhoId=one, Subject="Email: offer", TaskSubtype="Task"),
            task(3, WhoId=one, Subject="Write offer", TaskSubtype="Task", IsClosed=False, CompletedDateTime=None),
            task(
                4, WhoId=one, TaskSubtype="Task", Subject="Post", CompletedDateTime=None, ActivityDate=date(2026, 1, 18)
            ),
            task(5, WhoId=one, CallType="Inbound", CompletedDateTime=datetime(2026, 2, 3)),
            task(6, WhoId=one, IsRecurrence=True),
            task(7, WhoId="00Q000000000099AAA"),
        ],
        Event=[
            event(1, WhoId=one),
            event(2, WhoId=one, EndDateTime=datetime(2026, 2, 20, 10), StartDateTime=datetime(2026, 2, 20, 9)),
            event(3, WhoId=one, IsChild=True),
            event(
                4, WhoId=one, IsAllDayEvent=True, EndDateTime=datetime(2026, 1, 31), StartDateTime=datetime(2026, 1, 31)
            ),
        ],
    )
    told = [
        (
            row["activity_id"][:3] + row["activity_id"][14],
            row["kind"],
            row["is_done"],
            row["is_outbound"],
            row["happened_at"],
        )
        for row in rows_of(store, "activities", "activity_id")
    ]
    assert told == [
        ("00T1", "call", True, True, datetime(2026, 1, 16, 9)),
        ("00T2", "email", True, True, datetime(2026, 1, 16, 9)),
        ("00T3", "task", False, True, None),
        ("00T4", "task", True, True, datetime(2026, 1, 18)),
        ("00T5", "call", True, False, datetime(2026, 1, 31, 12)),  # never after the mirror's time
        ("00U1", "event", True, True, datetime(2026, 1, 20, 9)),
        ("00U2", "event", False, True, None),
        ("00U4", "event", False, True, None),  # a whole day is over when the day is
    ]


def test_activities_follow_a_lead_to_what_it_became(mirror: MakeMirror) -> None:
    alone = converted(1, ConvertedOpportunityId="006000000000001AAA")
    twins = [
        converted(n, ConvertedContactId="003000000000009AAA", ConvertedAccountId="001000000000009AAA") for n in (2, 3)
    ]
    store = mirror(
        described=TYPES,
        Lead=[alone, *twins],
        Task=[
            task(1, WhoId=alone["ConvertedContactId"], WhatId=alone["ConvertedOpportunityId"]),
            task(2, WhatId=alone["ConvertedOpportunityId"]),
            task(3, WhatId=alone["ConvertedAccountId"]),
            task(4, WhoId="003000000000009AAA"),
            task(5, WhatId="001000000000009AAA"),  # of which of the two nobody can say
            task(6, WhoId=alone["ConvertedContactId"], CreatedDate=datetime(2025, 1, 1)),  # before the lead was there
        ],
    )
    told = [(row["activity_id"][14], row["lead_id"][14], row["via"]) for row in rows_of(store, "activities", "1, 3")]
    assert told == [
        ("1", "1", "contact"),
        ("2", "1", "opportunity"),
        ("3", "1", "account"),
        ("4", "2", "contact"),
        ("4", "3", "contact"),
    ]


def test_the_first_touch_is_the_earliest_that_went_out(mirror: MakeMirror) -> None:
    leads = [
        lead(1, FirstCallDateTime=datetime(2026, 1, 15, 10), FirstEmailDateTime=None),
        lead(2, FirstCallDateTime=datetime(2026, 2, 15, 10), FirstEmailDateTime=None),
        lead(3, FirstCallDateTime=None, FirstEmailDateTime=None),
    ]
    store = mirror(
        described=TYPES,
        Lead=leads,
        Task=[
            task(1, WhoId=leads[0]["Id"]),
            task(2, WhoId=leads[1]["Id"], CallType="Inbound"),
            task(3, WhoId=leads[1]["Id"], CompletedDateTime=datetime(2026, 1, 17)),
        ],
    )
    told = [(row["lead_id"][14], row["touched_at"], row["source"]) for row in rows_of(store, "first_touch", "lead_id")]
    assert told == [
        ("1", datetime(2026, 1, 15, 10), "FirstCallDateTime"),
        ("2", datetime(2026, 1, 17), "call"),
    ]


def _history(number: int, of: int, old: str, new: str, at: datetime) -> Row:
    history = {"Id": f"017{number:012d}AAA", "IsDeleted": False, "LeadId": lead(of)["Id"], "Field": "Status"}
    return {**history, "OldValue": old, "NewValue": new, "CreatedDate": at}


def stays(store: DuckDBStore) -> list[tuple[Any, ...]]:
    rows = rows_of(store, "lead_status_history", "lead_id, left_at NULLS LAST, entered_at")
    return [(row["lead_id"][14], row["status"], row["entered_at"], row["left_at"], row["origin"]) for row in rows]


def test_stays_in_a_status_come_from_field_history(mirror: MakeMirror) -> None:
    since, later, last = datetime(2026, 1, 10), datetime(2026, 1, 16), datetime(2026, 1, 18)
    store = mirror(
        Lead=[
            lead(1, CreatedDate=datetime(2024, 1, 1), Status="Working"),
            lead(2, Status="Done"),
            lead(3, Status="Working"),
        ],
        LeadHistory=[
            _history(1, 1, "New", "Working", since),
            _history(2, 2, "Neu", "Working", later),  # a label
            _history(3, 2, "Working", "Working", later),
            _history(4, 2, "Working", "Done", last),
        ],
        LeadStatus=[{"ApiName": "New", "MasterLabel": "Neu"}, {"ApiName": "Neu 2", "MasterLabel": "New"}],
    )
    created = lead(1)["CreatedDate"]
    assert stays(store) == [
        ("1", "New", None, since, "LeadHistory"),  # older than all history: since when, nobody knows
        ("1", "Working", since, None, "LeadHistory"),
        ("2", "New", created, later, "LeadHistory"),
        ("2", "Working", later, last, "LeadHistory"),
        ("2", "Done", last, None, "LeadHistory"),
        ("3", "Working", created, None, "LeadHistory"),  # tracked all its life, and never changed
    ]


def test_without_field_history_stays_come_from_the_mirror_s_versions(mirror: MakeMirror) -> None:
    store = mirror(Lead=[lead(1, Status="Working"), lead(2), lead(3)])
    pulls = [datetime(2026, 1, day) for day in (17, 20, 25)]
    versions: list[Mapping[str, Any]] = [
        {"Id": lead(1)["Id"], "Status": "New", "valid_from": None, "valid_to": pulls[0], "existed": True},
        {"Id": lead(1)["Id"], "Status": "New", "valid_from": pulls[0], "valid_to": pulls[1], "existed": True},
        {"Id": lead(2)["Id"], "Status": None, "valid_from": None, "valid_to": pulls[2], "existed": False},
    ]
    with store.writing() as session:
        shape_history(session, "Lead", mirror_columns(session)["Lead"])
        for version in versions:
            session.execute(
                'INSERT INTO sf_history."Lead" ("Id", "Status", valid_from, valid_to, existed) VALUES (?, ?, ?, ?, ?)',
                list(version.values()),
            )
    assert stays(store) == [
        ("1", "New", None, pulls[1], "mirror"),
        ("1", "Working", pulls[1], None, "mirror"),
        ("2", "Working", lead(2)["CreatedDate"], None, "mirror"),  # born between two pulls
        ("3", "Working", None, None, "current"),
    ]


def test_requirements_of_a_stage_are_held_against_opportunities(mirror: MakeMirror) -> None:
    deals = [{"Id": f"00600000000000{n}AAA", "IsDeleted": False, "Amount": amount} for n, amount in ((1, 5), (2, None))]
    store = mirror(
        Lead=[lead(1)],
        Opportunity=deals,
        OpportunityContactRole=[{"OpportunityId": deals[1]["Id"], "Role": "decision maker", "CreatedDate": None}],
        Task=[task(1, WhatId=deals[0]["Id"], Subject="Demo for all")],
    )
    rows = rows_of(
        store,
        "stage_exit",
        "requirement, opportunity_id",
        stage_exit={"Proposal": ["Amount", {"contact_role": ["Decision Maker"]}, {"activity": {"subject": "demo"}}]},
    )
    assert [(row["requirement"], row["opportunity_id"][14], row["met"]) for row in rows] == [
        ("Amount", "1", True),
        ("Amount", "2", False),
        ("activity about demo", "1", True),
        ("activity about demo", "2", False),
        ("contact role Decision Maker", "1", False),
        ("contact role Decision Maker", "2", True),
    ]


def test_each_lead_falls_under_the_first_rule_that_takes_it(mirror: MakeMirror) -> None:
    store = mirror(
        Lead=[lead(1, Country="Germany"), lead(2, Country="France"), lead(3, Country=None)],
        User=[
            {"Id": "005000000000001AAA", "Username": "Ana@x.example", "Email": "ana@x.example"},
            {"Id": "005000000000002AAA", "Username": "ben@x.example", "Email": "ben@x.example"},
        ],
        Group=[{"Id": "00G000000000001AAA", "DeveloperName": "Rest", "Name": "The rest"}],
    )
    assignment = [
        {"when": {"Country": ["germany", "Austria"]}, "owners": ["ana@x.example", "005000000000002AAA"]},
        {"queue": "The Rest"},
    ]
    taken = rows_of(store, "lead_assignment", "lead_id", assignment=assignment)
    assert [(row["rule"], row["words"]) for row in taken] == [
        (1, "Country is germany or Austria"),
        (2, "every other lead"),
        (2, "every other lead"),
    ]
    owners = rows_of(store, "assignment_owners", "rule, owner_id", assignment=assignment)
    assert [(row["rule"], row["owner_id"][:3] + row["owner_id"][14]) for row in owners] == [
        (1, "0051"),
        (1, "0052"),
        (2, "00G1"),
    ]


@pytest.mark.parametrize("value", ["O'Neil", '\'; DROP TABLE sf_all."Lead"; --', "a;b", "100%", "\\", "$as_of"])
def test_values_of_definitions_are_values_whatever_they_look_like(mirror: MakeMirror, value: str) -> None:
    store = mirror(Lead=[lead(1, Need__c=value), lead(2, Need__c="other")])
    framework = {"MINE": {"need": [{"field": "Need__c", "in": [value]}], value: ["Need__c"]}}
    rows = rows_of(store, "lead_qualification", "lead_id, criterion", frameworks=framework)
    assert {(row["lead_id"][14], row["met"]) for row in rows if row["criterion"] == "need"} == {
        ("1", True),
        ("2", False),
    }
    assert {row["criterion"] for row in rows} == {"need", value}

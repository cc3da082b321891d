"""A small org: what it says about two objects, and a mirror that holds some of their records."""

from __future__ import annotations

import pytest

from sfsync.records import FieldDescribe, ObjectDescribe
from sfsync.store.duckdb import DuckDBStore
from sfsync.store.mirror import find_drift, prepare_mirror, shape_table

LEAD = ObjectDescribe(
    "Lead",
    "Lead",
    (
        FieldDescribe("Id", "id", nillable=False, createable=False, updateable=False),
        FieldDescribe("IsDeleted", "boolean", createable=False, updateable=False),
        FieldDescribe("SystemModstamp", "datetime", createable=False, updateable=False),
        FieldDescribe("LastName", "string", length=80),
        FieldDescribe("Email", "email", length=80),
        FieldDescribe("Status", "picklist", picklist_values=("Open", "Working", "Closed - Converted")),
        FieldDescribe("Interests__c", "multipicklist", custom=True, picklist_values=("a", "b")),
        FieldDescribe("HasOptedOutOfEmail", "boolean"),
        FieldDescribe("AnnualRevenue", "currency"),
        FieldDescribe("Description", "textarea", length=32000),
        FieldDescribe("Street", "textarea", length=255),
        FieldDescribe("Address", "address", createable=False, updateable=False),
        FieldDescribe("Photo__c", "base64", custom=True),
        FieldDescribe("Crm_Id__c", "string", length=32, custom=True, external_id=True, unique=True),
        FieldDescribe("CreatedDate", "datetime", createable=False, updateable=False),
        FieldDescribe("OwnerId", "reference", reference_to=("Group", "User"), relationship_name="Owner"),
        FieldDescribe("CreatedById", "reference", reference_to=("User",), createable=False, updateable=False),
    ),
)
USER = ObjectDescribe(
    "User",
    "User",
    (
        FieldDescribe("Id", "id", createable=False, updateable=False),
        FieldDescribe("SystemModstamp", "datetime", createable=False, updateable=False),
        FieldDescribe("Name", "string"),
        FieldDescribe("Email", "email"),
        FieldDescribe("Address", "address"),
    ),
)


@pytest.fixture
def describes():
    return {"Lead": LEAD, "User": USER}


@pytest.fixture
def store(tmp_path):
    """A mirror with three live leads, one deleted lead and one user."""
    store = DuckDBStore(tmp_path / "mirror.duckdb")
    with store.writing() as session:
        prepare_mirror(session)
        for describe in (LEAD, USER):
            shape_table(session, describe, find_drift(session, describe))
        session.execute(
            'INSERT INTO sf_all."Lead" ("Id", "IsDeleted", "LastName", "Email", "Status", "HasOptedOutOfEmail",'
            ' "AnnualRevenue", "CreatedDate", "OwnerId") VALUES'
            " ('00Q000000000001AAA', false, 'Ada', 'ada@example.com', 'Open', true, 10, '2026-01-30', '005000000000001AAA'),"
            " ('00Q000000000002AAA', false, 'Bob', NULL, 'Parked', false, NULL, '2025-01-01', '00G000000000001AAA'),"
            " ('00Q000000000003AAA', false, 'Eve', 'eve@example.com', NULL, NULL, 5, '2026-01-01', NULL),"
            " ('00Q000000000004AAA', true, 'Del', 'del@example.com', 'Open', false, 1, '2026-01-01', '005000000000001AAA')"
        )
        session.execute(
            'INSERT INTO sf_all."User" ("Id", "Name", "Email") VALUES'
            " ('005000000000001AAA', 'Uma User', 'uma@example.com')"
        )
    return store

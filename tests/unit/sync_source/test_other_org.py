"""The mirror of another org as a source: what a reference leads to is named, and never another record."""

from __future__ import annotations

from datetime import datetime

import pytest

from sfsync.mapping.load import parse_mapping
from sfsync.mapping.source_spec import SourceSpec
from sfsync.project import find_project
from sfsync.records import FieldDescribe, ObjectDescribe
from sfsync.store import ledger
from sfsync.store.duckdb import DuckDBStore
from sfsync.store.mirror import find_drift, prepare_mirror, shape_table
from sfsync.sync.source.mirror import load_mirror

_ID = FieldDescribe("Id", "id", length=18, createable=False, updateable=False)
_CODE = FieldDescribe("Crm_Id__c", "string", length=40, external_id=True, unique=True, custom=True)
_WHO = FieldDescribe("WhoId", "reference", reference_to=("Contact", "Lead"), relationship_name="Who")
TASK = ObjectDescribe("Task", "Task", (_ID, FieldDescribe("Subject", "string", length=255), _WHO), "00T")
PEOPLE = [
    ObjectDescribe("Contact", "Contact", (_ID, _CODE), "003"),
    ObjectDescribe("Lead", "Lead", (_ID, _CODE), "00Q"),
]
TEXT = (
    "object: Task\ndirection: push\nsource: {mirror: prod}\nfields: {Subject: Subject}\n"
    "lookups: {WhoId: {object: [%s], by: Crm_Id__c, local: WhoId}}\n"
)


@pytest.fixture
def prod(tmp_path):
    """A project with contacts 1 and 2, leads 2 and 3 (as the CRM numbers them), and a task about each."""
    (tmp_path / "prod").mkdir()
    (tmp_path / "prod" / "sfsync.yml").write_text("version: 1\n")
    with DuckDBStore(find_project(tmp_path / "prod").store_path).writing() as session:
        prepare_mirror(session)
        for describe in (TASK, *PEOPLE):
            shape_table(session, describe, find_drift(session, describe))
            ledger.save_describe(session, describe, datetime(2026, 1, 31))
            ledger.save_cursor(session, describe, datetime(2026, 1, 31), "run")
        people = [("Contact", "C1", "a1"), ("Contact", "C2", "a2"), ("Lead", "L2", "A2"), ("Lead", "L3", "a3")]
        for name, record, code in people:
            session.execute(f'INSERT INTO sf_all."{name}" ("Id", "Crm_Id__c") VALUES (?, ?)', [record, code])
            session.execute(
                'INSERT INTO sf_all."Task" ("Id", "Subject", "WhoId") VALUES (?, ?, ?)', [f"T{record}", record, record]
            )
    return tmp_path


def whos(session, prod, objects):
    """What the tasks' lookup is given, by the record that each is about."""
    mapping = parse_mapping(TEXT % objects, "task.yml")
    source = load_mirror(session, SourceSpec(mirror="prod"), prod, "t", mapping=mapping)
    return dict(session.execute(f'SELECT "Subject", "WhoId" FROM {source.table}').rows)


@pytest.mark.parametrize("objects", ["Contact, Lead", "Lead, Contact"])
def test_a_parent_whose_value_another_object_has_too_is_not_taken_for_that_record(session, prod, objects):
    assert whos(session, prod, objects) == {
        "C1": "a1",
        "C2": "a2 (of a Contact, and a Lead has it too)",
        "L2": "A2 (of a Lead, and a Contact has it too)",
        "L3": "a3",
    }


def test_the_converted_lead_that_a_contact_was_made_of_does_not_bar_the_contact(session, prod):
    with DuckDBStore(find_project(prod / "prod").store_path).writing() as other:
        other.execute('ALTER TABLE sf_all."Lead" ADD COLUMN "IsConverted" BOOLEAN')
        other.execute("""UPDATE sf_all."Lead" SET "IsConverted" = "Id" = 'L2'""")
        other.execute('CREATE OR REPLACE VIEW sf."Lead" AS SELECT * FROM sf_all."Lead"')
    assert whos(session, prod, "Lead, Contact")["C2"] == "a2"

"""A small org in a real mirror, a mapping that goes both ways, and people on both sides."""

from __future__ import annotations

from datetime import datetime, timedelta

from sfsync.mapping.load import parse_mapping
from sfsync.mapping.local_tables import refresh_local_tables
from sfsync.records import FieldDescribe, ObjectDescribe
from sfsync.store.duckdb import DuckDBStore
from sfsync.store.mirror import find_drift, prepare_mirror, shape_table
from sfsync.sync.merge3 import merge_every, open_conflicts, resolve, settled_conflicts
from sfsync.sync.merge3.resolve import Choice

LEAD = ObjectDescribe(
    "Lead",
    "Lead",
    (
        FieldDescribe("Id", "id", nillable=False, createable=False, updateable=False),
        FieldDescribe("IsDeleted", "boolean", createable=False, updateable=False),
        FieldDescribe("MasterRecordId", "reference", reference_to=("Lead",), createable=False, updateable=False),
        FieldDescribe("SystemModstamp", "datetime", createable=False, updateable=False),
        FieldDescribe("LastName", "string", length=80, nillable=False),
        FieldDescribe("Email", "email", length=80),
        FieldDescribe("Phone", "phone", length=40),
        FieldDescribe("Status", "picklist", picklist_values=("Open", "Working")),
        FieldDescribe("LeadSource", "picklist", picklist_values=("Web", "Test")),
        FieldDescribe("Interests__c", "multipicklist", custom=True, picklist_values=("a", "b")),
        FieldDescribe("AnnualRevenue", "currency"),
        FieldDescribe("Crm_Id__c", "string", length=32, custom=True, external_id=True, unique=True),
        FieldDescribe("OwnerId", "reference", reference_to=("Group", "User"), relationship_name="Owner"),
    ),
)
USER = ObjectDescribe(
    "User",
    "User",
    (
        FieldDescribe("Id", "id", createable=False, updateable=False),
        FieldDescribe("SystemModstamp", "datetime", createable=False, updateable=False),
        FieldDescribe("Email", "email"),
    ),
)
DESCRIBES = {"Lead": LEAD, "User": USER}
START = datetime(2026, 1, 1, 12)
FIELDS = "{LastName: name, Email: email, Phone: {local: phone, null: clear}, AnnualRevenue: revenue}"


def lead_id(number):
    return f"00Q{number:012}EAA"


def two_way(top="", fields=FIELDS, lookups=""):
    text = f"object: Lead\ntable: crm.leads\ndirection: both\n{top}fields: {fields}\n"
    return parse_mapping(text + (f"lookups: {lookups}\n" if lookups else ""), "m.yml")


class Bench:
    """Both sides of a two-way table, and the clock they share."""

    def __init__(self, path, mapping):
        self.store = DuckDBStore(path / "mirror.duckdb")
        self.mapping = mapping
        self.now = START
        self.seen = 0
        with self.store.writing() as session:
            prepare_mirror(session)
            for describe in (LEAD, USER):
                shape_table(session, describe, find_drift(session, describe))

    def sql(self, text, params=()):
        with self.store.writing() as session:
            return session.execute(text, params).rows

    def org(self, number, **values):
        """The org makes or changes a record, and the mirror has it at once."""
        self.now += timedelta(seconds=1)
        values = {"IsDeleted": False, **values, "SystemModstamp": self.now}
        if not self.sql('SELECT 1 FROM sf_all."Lead" WHERE "Id" = ?', [lead_id(number)]):
            self.sql('INSERT INTO sf_all."Lead" ("Id") VALUES (?)', [lead_id(number)])
        sets = ", ".join(f'"{name}" = ?' for name in values)
        self.sql(f'UPDATE sf_all."Lead" SET {sets} WHERE "Id" = ?', [*values.values(), lead_id(number)])

    def merge(self, *mappings):
        """What a pull does once the records are stored."""
        with self.store.writing() as session:
            refresh_local_tables(session, mappings or (self.mapping,), DESCRIBES, as_of=self.now)
            return merge_every(session, mappings or (self.mapping,), DESCRIBES, as_of=self.now)

    def edit(self, number, **values):
        sets = ", ".join(f"{name} = ?" for name in values)
        self.sql(f"UPDATE crm.leads SET {sets} WHERE sf_id = ?", [*values.values(), lead_id(number)])

    def row(self, number, columns="name, email, phone, revenue"):
        found = self.sql(f"SELECT {columns} FROM crm.leads WHERE sf_id = ?", [lead_id(number)])
        return found[0] if found else None

    def base(self, number, columns="name, email, phone, revenue"):
        found = self.sql(f'SELECT {columns} FROM sfsync_base."crm.leads" WHERE sf_id = ?', [lead_id(number)])
        return found[0] if found else None

    def conflicts(self):
        with self.store.reading() as session:
            return open_conflicts(session)

    def settled(self):
        with self.store.reading() as session:
            return settled_conflicts(session)

    def resolve(self, winner, **choice):
        with self.store.writing() as session:
            return resolve(session, (self.mapping,), DESCRIBES, winner, Choice(**choice))

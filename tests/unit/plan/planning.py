"""A mirror made by hand, local tables beside it, and what a plan makes of both."""

from __future__ import annotations

import atexit
import shutil
from datetime import datetime
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from sfsync.mapping.load import parse_mapping
from sfsync.record_ids import long_id
from sfsync.records import FieldDescribe, ObjectDescribe
from sfsync.store import ledger
from sfsync.store.duckdb import DuckDBStore
from sfsync.store.mirror import Drift, prepare_mirror, shape_table
from sfsync.store.names import quote, table
from sfsync.sync.plan.make import make_plan
from sfsync.sync.plan.tables import before, is_set

AS_OF = datetime(2026, 1, 31, 12)
STAMP = datetime(2026, 1, 30, 9)
_SYSTEM = (
    FieldDescribe("Id", "id", length=18, nillable=False, createable=False, updateable=False, defaulted_on_create=True),
    FieldDescribe("IsDeleted", "boolean", nillable=False, createable=False, updateable=False, defaulted_on_create=True),
    FieldDescribe(
        "SystemModstamp", "datetime", nillable=False, createable=False, updateable=False, defaulted_on_create=True
    ),
)


def describe(name, *fields):
    return ObjectDescribe(name, name, (*_SYSTEM, *fields))


ACCOUNT = describe(
    "Account",
    FieldDescribe("Name", "string", length=255, nillable=False),
    FieldDescribe("Crm_Id__c", "string", length=32, external_id=True, unique=True),
    FieldDescribe("Industry", "picklist", length=255, picklist_values=("Energy", "Media"), restricted_picklist=False),
    FieldDescribe("ParentId", "reference", length=18, reference_to=("Account",)),
    FieldDescribe("OwnerId", "reference", length=18, nillable=False, reference_to=("User",), defaulted_on_create=True),
    FieldDescribe("Main_Contact__c", "reference", length=18, reference_to=("Contact",)),
)
CONTACT = describe(
    "Contact",
    FieldDescribe("LastName", "string", length=80, nillable=False),
    FieldDescribe("Crm_Id__c", "string", length=32, external_id=True, unique=True),
    FieldDescribe("Email", "email", length=80),
    FieldDescribe("AccountId", "reference", length=18, reference_to=("Account",)),
)
LEAD = describe(
    "Lead",
    FieldDescribe("LastName", "string", length=80, nillable=False),
    FieldDescribe("Company", "string", length=255, nillable=False),
    FieldDescribe("Email", "email", length=80),
    FieldDescribe("Crm_Id__c", "string", length=32, external_id=True, unique=True),
    FieldDescribe("Loose_Id__c", "string", length=32, external_id=True),
    FieldDescribe("Case_Id__c", "string", length=32, external_id=True, unique=True, case_sensitive=True),
    FieldDescribe("Tax_Id__c", "string", length=32, unique=True),
    FieldDescribe("Number__c", "double", precision=18, scale=2),
    FieldDescribe("Number_Id__c", "double", precision=18, scale=0, external_id=True, unique=True),
    FieldDescribe(
        "Status",
        "picklist",
        length=255,
        nillable=False,
        picklist_values=("Open", "Working", "Closed"),
        defaulted_on_create=True,
    ),
    FieldDescribe("Tags__c", "multipicklist", length=4099, picklist_values=("red", "green", "blue")),
    FieldDescribe("Description", "textarea", length=32000),
    FieldDescribe("Seen__c", "datetime"),
    FieldDescribe("Born__c", "date"),
    FieldDescribe("Flag__c", "boolean", nillable=False, defaulted_on_create=True),
    FieldDescribe("Made__c", "string", length=20, updateable=False),
    FieldDescribe("Later__c", "string", length=20, createable=False),
    FieldDescribe(
        "IsConverted", "boolean", nillable=False, createable=False, updateable=False, defaulted_on_create=True
    ),
    FieldDescribe(
        "OwnerId", "reference", length=18, nillable=False, reference_to=("User", "Group"), defaulted_on_create=True
    ),
    FieldDescribe("RecordTypeId", "reference", length=18, reference_to=("RecordType",)),
)
USER = describe("User", FieldDescribe("Email", "email", length=80), FieldDescribe("IsActive", "boolean"))
GROUP = describe(
    "Group", FieldDescribe("DeveloperName", "string", length=80), FieldDescribe("Type", "picklist", length=40)
)
RECORD_TYPE = describe(
    "RecordType",
    FieldDescribe("DeveloperName", "string", length=80),
    FieldDescribe("SobjectType", "picklist", length=40),
    FieldDescribe("IsActive", "boolean"),
)
TASK = describe(
    "Task",
    FieldDescribe("Subject", "string", length=255),
    FieldDescribe("WhoId", "reference", length=18, reference_to=("Contact", "Lead")),
)
DESCRIBES = {each.name: each for each in (ACCOUNT, CONTACT, LEAD, USER, GROUP, RECORD_TYPE, TASK)}
_PREFIX = {"Account": "001", "Contact": "003", "Lead": "00Q", "User": "005", "Group": "00G", "RecordType": "012"}


def an_id(name, number):
    """A valid 18-character Id."""
    return long_id(f"{_PREFIX[name]}00000000{number:04d}")


class Desk:
    """A store with a mirror, and mappings over local tables."""

    def __init__(self, folder):
        self.store = DuckDBStore(folder / "mirror.duckdb")
        shutil.copy(_template(), self.store.path)

    def execute(self, sql, params=()):
        with self.store.writing() as session:
            return session.execute(sql, params)

    def mirrored(self, name, *records):
        """Records of the org; their Ids are numbered unless given."""
        with self.store.writing() as session:
            count = session.execute(f"SELECT count(*) FROM {table('sf_all', name)}").scalar()
            ids = []
            for number, record in enumerate(records, start=count + 1):
                row = {"Id": an_id(name, number), "IsDeleted": False, "SystemModstamp": STAMP, **record}
                columns = ", ".join(quote(column) for column in row)
                marks = ", ".join("?" * len(row))
                session.execute(f"INSERT INTO {table('sf_all', name)} ({columns}) VALUES ({marks})", list(row.values()))
                ids.append(row["Id"])
            return ids

    def local(self, table_name, rows, **types):
        """A local table `crm.<table_name>` of these rows, text unless `types` says otherwise."""
        columns = list(dict.fromkeys([*(column for row in rows for column in row), *types]))
        with self.store.writing() as session:
            session.execute("CREATE SCHEMA IF NOT EXISTS crm")
            session.execute(f"DROP TABLE IF EXISTS {table('crm', table_name)}")
            declared = ", ".join(f"{quote(column)} {types.get(column, 'VARCHAR')}" for column in columns)
            session.execute(f"CREATE TABLE {table('crm', table_name)} ({declared})")
            for row in rows:
                marks = ", ".join("?" * len(columns))
                session.execute(
                    f"INSERT INTO {table('crm', table_name)} VALUES ({marks})", [row.get(c) for c in columns]
                )

    def plan(self, *mappings, **options):
        return make_plan(
            self.store,
            [
                each if not isinstance(each, str) else parse_mapping(each, f"m{n}.yml")
                for n, each in enumerate(mappings, 1)
            ],
            **options,
        )

    def changes(self, plan):
        """Every change: (action, object, record_id or None, {field: (before, after)}, refused)."""
        found = []
        with self.store.reading() as session:
            for step in plan.steps:
                for row in session.execute(f"SELECT * FROM {step.table} ORDER BY change_no").dicts():
                    fields = {f: (row[before(f)[1:-1]], row[f]) for f in step.fields if row[is_set(f)[1:-1]]}
                    found.append((step.action, step.object, row["record_id"], fields, row["refused"]))
        return found

    def rows(self, plan):
        """Every row of every step, as dicts."""
        with self.store.reading() as session:
            return [
                row
                for step in plan.steps
                for row in session.execute(f"SELECT * FROM {step.table} ORDER BY change_no").dicts()
            ]


@cache
def _template():
    """An empty mirror, made once."""
    folder = Path(mkdtemp(prefix="sfsync-plan-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = folder / "mirror.duckdb"
    with DuckDBStore(path).writing() as session:
        prepare_mirror(session)
        ledger.set_fact(session, "org_id", "00D000000000001AAA")
        ledger.set_fact(session, "instance_url", "https://acme.my.salesforce.com")
        for each in DESCRIBES.values():
            shape_table(session, each, Drift(created=True))
            ledger.save_describe(session, each, AS_OF)
            ledger.save_cursor(session, each, AS_OF, "run")
    return path


def lead_mapping(fields, *, key="Crm_Id__c", more="", lookups=""):
    """A mapping of crm.leads: `fields` as YAML flow, or a dict."""
    text = f"object: Lead\ntable: crm.leads\ndirection: push\n{more}"
    text += f"external_id: {key}\n" if key else ""
    text += f"fields: {fields}\n"
    return text + (f"lookups: {lookups}\n" if lookups else "")

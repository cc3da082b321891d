"""A source table in a real database, and what a mapping makes of it."""

from __future__ import annotations

import duckdb

from sfsync.mapping.load import parse_mapping
from sfsync.mapping.push_columns import push_columns
from sfsync.records import FieldDescribe, ObjectDescribe
from sfsync.store.duckdb_session import DuckDBSession

THING = ObjectDescribe(
    "Thing__c",
    "Thing",
    (
        FieldDescribe("Id", "id", nillable=False, createable=False, updateable=False),
        FieldDescribe("Name", "string", length=80, nillable=False),
        FieldDescribe("Key__c", "string", length=32, external_id=True, unique=True),
        FieldDescribe("Text__c", "string", length=255),
        FieldDescribe("Long__c", "textarea", length=32000),
        FieldDescribe("Email__c", "email", length=80),
        FieldDescribe("Phone__c", "phone", length=40),
        FieldDescribe("Url__c", "url", length=255),
        FieldDescribe("Flag__c", "boolean", nillable=False),
        FieldDescribe("Int__c", "int"),
        FieldDescribe("Big__c", "long"),
        FieldDescribe("Number__c", "double", precision=18, scale=2),
        FieldDescribe("Money__c", "currency", precision=18, scale=2),
        FieldDescribe("Share__c", "percent", precision=18, scale=2),
        FieldDescribe("Day__c", "date"),
        FieldDescribe("At__c", "datetime"),
        FieldDescribe("Time__c", "time"),
        FieldDescribe("Pick__c", "picklist", picklist_values=("Open", "Closed")),
        FieldDescribe("Free__c", "picklist", picklist_values=("Open", "Closed"), restricted_picklist=False),
        FieldDescribe("Multi__c", "multipicklist", length=4099, picklist_values=("red", "green", "blue")),
        FieldDescribe("ParentId", "reference", reference_to=("Thing__c",)),
        FieldDescribe("OwnerId", "reference", reference_to=("User", "Group"), nillable=False),
        FieldDescribe("RecordTypeId", "reference", reference_to=("RecordType",)),
        FieldDescribe("Made__c", "date", updateable=False),
        FieldDescribe("Sum__c", "double", calculated=True, createable=False, updateable=False),
    ),
)
USER = ObjectDescribe(
    "User", "User", (FieldDescribe("Id", "id"), FieldDescribe("Email", "email"), FieldDescribe("Name", "string"))
)
GROUP = ObjectDescribe("Group", "Group", (FieldDescribe("Id", "id"), FieldDescribe("DeveloperName", "string")))
RECORD_TYPE = ObjectDescribe(
    "RecordType", "Record Type", (FieldDescribe("Id", "id"), FieldDescribe("DeveloperName", "string"))
)
DESCRIBES = {each.name: each for each in (THING, USER, GROUP, RECORD_TYPE)}


def thing(fields, *, top="direction: push\nsource: x.csv\n", lookups="", folder=None):
    text = f"object: Thing__c\n{top}fields: {fields}\n" + (f"lookups: {lookups}\n" if lookups else "")
    return parse_mapping(text, "m.yml", folder=folder)


def database():
    return DuckDBSession(duckdb.connect(config={"autoinstall_known_extensions": "false"}))


def make_source(session, columns, rows):
    """A table `s` of `source_row` and the given columns (name → SQL type)."""
    names = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
    session.execute(f"CREATE OR REPLACE TABLE s (source_row BIGINT, {names})")
    for number, row in enumerate(rows, start=1):
        session.execute(f"INSERT INTO s VALUES ({', '.join('?' * (len(columns) + 1))})", [number, *row])
    return {"source_row": "BIGINT", **columns}


def desired(session, mapping, columns, **options):
    """Field → list of (value, problem), in the order of the rows."""
    plan = push_columns(mapping, DESCRIBES, columns, **options)
    plan.prepare(session, "s")
    entries = [*plan.columns, *plan.lookups]
    asked = ", ".join(f"{each.value_sql}, {each.problem_sql}" for each in entries)
    rows = session.execute(f'SELECT {asked} FROM {plan.from_sql("s")} ORDER BY "source".source_row').rows
    return {each.field: [row[2 * i : 2 * i + 2] for row in rows] for i, each in enumerate(entries)}


def pushed(field, item, *texts, kind="VARCHAR", session=None, **options):
    """What becomes of the texts of one column in one field: a list of (value, problem)."""
    session = session or database()
    columns = make_source(session, {"c": kind}, [(text,) for text in texts])
    return desired(session, thing(f"{{{field}: {item}}}"), columns, **options)[field]


def values(answers):
    assert [problem for _, problem in answers if problem] == []
    return [value for value, _ in answers]


def problems(answers):
    assert [value for value, problem in answers if problem and value is not None] == []
    return [problem for _, problem in answers]

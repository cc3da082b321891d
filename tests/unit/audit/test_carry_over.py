"""What conversion copies, and what hangs on leads: relations made of the org's own map and of its own objects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from sfsync.audit.carry_over import STANDARD_MAP, Pair, mapped_pairs
from sfsync.audit.context import AuditContext, context_of
from sfsync.audit.relations.build import BuiltRelations
from sfsync.audit.relations.load import load_relations, read_relations
from sfsync.audit.sql import built_name
from sfsync.config.settings import Settings
from sfsync.records import FieldDescribe, ObjectDescribe
from sfsync.store.duckdb import DuckDBStore
from sfsync.store.history import shape_history
from sfsync.store.interface import Session
from sfsync.store.ledger import save_cursor, save_describe
from sfsync.store.mirror import find_drift, mirror_columns, prepare_mirror, read_state, shape_table

AS_OF = datetime(2026, 5, 20, 12)
NOON = datetime(2026, 1, 10, 12)

LEAD, CONTACT = "00QFk0000000001MAA", "003Fk0000000001IAA"
CONVERTED = {
    "Id": LEAD,
    "IsConverted": True,
    "ConvertedDate": NOON.date(),
    "ConvertedAccountId": None,
    "ConvertedContactId": CONTACT,
    "ConvertedOpportunityId": None,
}

_KINDS = {"IsConverted": "boolean", "ConvertedDate": "date", "CreatedDate": "datetime", "LastModifiedDate": "datetime"}


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    with DuckDBStore(tmp_path / "mirror.duckdb").writing() as writing:
        prepare_mirror(writing)
        yield writing


def put(session: Session, name: str, rows: Sequence[Mapping[str, Any]], *fields: FieldDescribe) -> None:
    """Mirror an object with the fields its rows have, and these."""
    described = {field.name: field for field in fields}
    names = dict.fromkeys(["Id", *(name for row in rows for name in row), *described])
    shown = tuple(described.get(one, FieldDescribe(one, _KINDS.get(one, "string"))) for one in names)
    whole = ObjectDescribe(name, name, shown)
    shape_table(session, whole, find_drift(session, whole))
    shape_history(session, name, mirror_columns(session)[name])
    save_cursor(session, whole, AS_OF, "run", history=False)
    save_describe(session, whole, AS_OF)
    keep(session, "sf_all", name, rows)


def keep(session: Session, schema: str, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    for row in rows:
        columns, marks = ", ".join(f'"{one}"' for one in row), ", ".join("?" for _ in row)
        session.execute(f'INSERT INTO {schema}."{name}" ({columns}) VALUES ({marks})', list(row.values()))


def context(session: Session, **definitions: Any) -> AuditContext:
    settings = Settings.model_validate({"definitions": definitions})
    return context_of(session, read_state(session), settings, "duckdb")


def built(session: Session, relation: str, columns: str, **definitions: Any) -> list[tuple[Any, ...]]:
    """The rows of a relation, built as an audit builds it."""
    wanted = read_relations([f"SELECT 1 AS one FROM {relation}"], load_relations())
    BuiltRelations(session, context(session, **definitions)).build(wanted)
    return session.execute(f"SELECT {columns} FROM {built_name(relation)} ORDER BY ALL").rows


def test_the_documented_map_goes_to_three_objects_and_leaves_the_account_source_out() -> None:
    pairs = list(mapped_pairs(AuditContext(as_of=None)))
    assert {pair.target_object for pair in pairs} == set(STANDARD_MAP)
    assert "AccountSource" not in STANDARD_MAP["Account"]
    assert Pair("Description", "Contact", "Description", "standard", form="lines") in pairs
    assert {pair.part_of for pair in pairs if pair.target_field.startswith("Billing")} == {"BillingAddress"}


def test_the_map_has_the_standard_pairs_that_are_mirrored_and_every_custom_one(session: Session) -> None:
    put(session, "Lead", [{**CONVERTED, "Title": "CTO", "Phone": "1"}])
    put(session, "Contact", [{"Id": CONTACT, "Title": "CTO"}])
    mapping = [{"lead": "Gone__c", "to": "Contact.Gone__c"}]
    told = built(session, "lead_mapping", "lead_field, target_object, origin", lead_conversion={"mapping": mapping})
    assert told == [("Gone__c", "Contact", "definitions"), ("Title", "Contact", "standard")]


def test_a_custom_field_of_another_type_is_not_compared_but_may_be_lost(session: Session) -> None:
    number = FieldDescribe("Score__c", "double", custom=True)
    second = {**CONVERTED, "Id": "00QFk0000000002MAA", "ConvertedContactId": "003Fk0000000002IAA"}
    put(session, "Lead", [{**CONVERTED, "Score__c": 12}, {**second, "Score__c": 12.5}], number)
    contacts = [{"Id": CONTACT, "CreatedDate": NOON}, {"Id": "003Fk0000000002IAA", "CreatedDate": NOON}]
    put(session, "Contact", [{**contacts[0], "Score__c": "a dozen"}, contacts[1]])
    mapping = [{"lead": "Score__c", "to": "Contact.Score__c"}]
    lost = built(
        session,
        "lead_carry_over",
        "lead_id, outcome, lead_value, is_as_converted",
        lead_conversion={"mapping": mapping},
    )
    assert lost == [("00QFk0000000002MAA", "lost", "12.5", False)]


@pytest.mark.parametrize(
    ("kept", "told"),
    [
        ("CTO", []),  # it was there on that day: somebody has emptied it since
        (None, [("lost", True)]),
        ("CFO", []),  # it was there otherwise; that it is empty now is somebody's later work
    ],
)
def test_a_version_that_a_pull_kept_tells_later_work_from_a_loss(
    session: Session, kept: str | None, told: list[tuple[str, bool]]
) -> None:
    put(session, "Lead", [{**CONVERTED, "Title": "CTO"}])
    later = {"CreatedDate": NOON, "LastModifiedDate": AS_OF}
    put(session, "Contact", [{"Id": CONTACT, "Title": None, **later}])
    old = {"Id": CONTACT, "Title": kept, "LastModifiedDate": NOON, "valid_to": AS_OF, "existed": True}
    keep(session, "sf_history", "Contact", [old])
    assert built(session, "lead_carry_over", "outcome, is_as_converted") == told


def test_what_was_eligible_is_counted_beside_what_was_lost(session: Session) -> None:
    other = {**CONVERTED, "Id": "00QFk0000000002MAA", "ConvertedContactId": "003Fk0000000002IAA", "Title": "CFO"}
    put(session, "Lead", [{**CONVERTED, "Title": "CTO"}, other])
    made = {"CreatedDate": NOON, "CreatedById": "005Fk0000000001AAA"}
    put(session, "Contact", [{"Id": CONTACT, "Title": "CTO", **made}, {"Id": "003Fk0000000002IAA", **made}])
    counts = built(session, "lead_carry_over_counts", "lead_field, path, converter_id, eligible, lost, different")
    assert counts == [("Title", "created", "005Fk0000000001AAA", 2, 1, 0)]


def test_records_of_custom_objects_stay_on_the_lead_unless_they_name_what_it_became(session: Session) -> None:
    lookups = (
        FieldDescribe("Lead__c", "reference", reference_to=("Lead",), custom=True),
        FieldDescribe("Person__c", "reference", reference_to=("Contact",), custom=True),
    )
    put(session, "Lead", [CONVERTED])
    put(session, "Contact", [{"Id": CONTACT, "CreatedDate": NOON}])
    left = {"Id": "a00Fk0000000001AAA", "Lead__c": LEAD, "Person__c": None}
    moved = {"Id": "a00Fk0000000002AAA", "Lead__c": LEAD, "Person__c": CONTACT}
    put(session, "Web_Visit__c", [left, moved], *lookups)
    put(
        session,
        "Task",
        [{"Id": "00TFk0000000001AAA", "WhoId": LEAD}],
        FieldDescribe("WhoId", "reference", reference_to=("Lead",)),
    )
    assert built(session, "lead_children", "child_object, child_id, lookup, is_shared") == [
        ("Web_Visit__c", "a00Fk0000000001AAA", "Lead__c", False),
        ("Web_Visit__c", "a00Fk0000000002AAA", "Lead__c", True),
    ]


def test_hostile_names_of_fields_stay_names(session: Session) -> None:
    mapping = [{"lead": "Pain__c", "to": "Contact.Select__c"}]
    put(session, "Lead", [{**CONVERTED, "Pain__c": "'; DROP TABLE x; --"}])
    put(session, "Contact", [{"Id": CONTACT, "CreatedDate": NOON, "Select__c": None}])
    lost = built(session, "lead_carry_over", "target_field, lead_value", lead_conversion={"mapping": mapping})
    assert lost == [("Select__c", "'; DROP TABLE x; --")]

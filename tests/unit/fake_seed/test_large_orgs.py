"""A large org is a core and its copies; the audit of it finds every planted flaw and nothing else all the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from sfsync.audit import AuditResult, audit
from sfsync.config.settings import Settings
from sfsync.fake import FakeOrg
from sfsync.fake.ids import is_valid_id
from sfsync.fake.seed import definitions, plant
from sfsync.fake.seed.copies import size_of_core
from sfsync.fake.seed.plan import FLAWS, LARGEST_CORE, flaw_count
from sfsync.records import ObjectDescribe
from sfsync.store.duckdb import DuckDBStore
from sfsync.store.ledger import save_cursor
from sfsync.store.mirror import column_types, find_drift, prepare_mirror, shape_table
from sfsync.store.names import quote, table

AS_OF = datetime(2026, 1, 31, 12)
LEADS = 99_997
COPIED = ("Account", "Contact", "Lead", "Opportunity", "OpportunityContactRole", "OpportunityHistory", "Task")
REFERENCES = {
    "Account": {"MasterRecordId": "Account"},
    "Contact": {"AccountId": "Account"},
    "Lead": {"MasterRecordId": "Lead"},
    "OpportunityContactRole": {"OpportunityId": "Opportunity", "ContactId": "Contact"},
    "OpportunityHistory": {"OpportunityId": "Opportunity"},
}


@pytest.fixture(scope="module")
def org() -> Iterator[FakeOrg]:
    with FakeOrg.seeded(5, LEADS) as made:
        yield made


@pytest.fixture(scope="module")
def audited(org: FakeOrg, tmp_path_factory: pytest.TempPathFactory) -> AuditResult:
    folder = tmp_path_factory.mktemp("large")
    store = DuckDBStore(folder / "mirror.duckdb")
    names = list(plant(5, 50, AS_OF).tables)
    with store.writing() as session:
        prepare_mirror(session)
        for name in names:
            facts = org.catalog.facts(name)
            assert facts is not None
            fields = {field.name: field for field in facts.describe.fields}
            stored = [field.name for field in facts.stored_fields]
            file = folder / f"{name}.csv"
            with org.database.reading() as cursor:
                listed = ", ".join(map(quote, stored))
                cursor.execute(f"COPY (SELECT {listed} FROM {quote(name)}) TO '{file}' (HEADER, FORCE_QUOTE *)")
            described = ObjectDescribe(name, name, tuple(fields[column] for column in stored))
            shape_table(session, described, find_drift(session, described))
            session.load_csv(table("sf_all", name), column_types(described), [file])
            save_cursor(session, described, AS_OF - timedelta(minutes=5), "run", history=False)
    return audit(store, Settings(definitions=definitions()))


def rows(org: FakeOrg, sql: str) -> list[tuple]:
    with org.database.reading() as cursor:
        return cursor.execute(sql).fetchall()


def test_it_has_as_many_leads_as_were_asked_for(org: FakeOrg) -> None:
    assert org.count("Lead") == LEADS


@pytest.mark.parametrize("name", COPIED)
def test_ids_are_valid_and_belong_to_one_record_each(org: FakeOrg, name: str) -> None:
    ids = [row[0] for row in rows(org, f'SELECT "Id" FROM "{name}"')]
    prefix = ids[0][:3]
    assert len(set(ids)) == len(ids)
    assert all(is_valid_id(one, prefix) for one in ids)


@pytest.mark.parametrize("name", REFERENCES)
def test_records_refer_to_records_of_their_own_copy(org: FakeOrg, name: str) -> None:
    for column, target in REFERENCES[name].items():
        astray = rows(
            org,
            f'SELECT count(*) FROM "{name}" AS one LEFT JOIN "{target}" AS other ON other."Id" = one."{column}"'
            f' WHERE one."{column}" IS NOT NULL AND (other."Id" IS NULL OR other."Id"[12] <> one."Id"[12])',
        )
        assert astray == [(0,)], column


def test_nobody_shares_an_e_mail_address_with_another(org: FakeOrg) -> None:
    assert rows(org, 'SELECT count(*) - count(DISTINCT "Email") FROM "Lead" WHERE NOT "IsDeleted"') == [(0,)]


def test_one_night_has_moved_a_tenth_of_all_stamps_to_one_second(org: FakeOrg) -> None:
    most = rows(org, 'SELECT count(*) AS n FROM "Lead" GROUP BY "SystemModstamp" ORDER BY n DESC LIMIT 1')[0][0]
    assert most > 0.05 * LEADS


def test_a_lead_and_what_it_was_converted_to_have_one_name(org: FakeOrg) -> None:
    differing = rows(
        org,
        'SELECT count(*) FROM "Lead" AS l JOIN "Contact" AS c ON c."Id" = l."ConvertedContactId"'
        ' WHERE l."Email" <> c."Email" OR l."LastName" <> c."LastName"',
    )
    assert differing == [(0,)]


def test_flaws_are_planted_in_every_copy(org: FakeOrg) -> None:
    core, copies = size_of_core(LEADS)
    assert {rule: len(ids) for rule, ids in org.planted.items()} == {
        rule: (1 + len(copies)) * flaw_count(rule, core) for rule in FLAWS
    }


def test_the_audit_finds_exactly_what_is_planted(org: FakeOrg, audited: AuditResult) -> None:
    found = {one.rule.id: {finding.record_id for finding in audited.findings(one.rule.id)} for one in audited.rules}
    assert {rule: found[rule] for rule in org.planted} == org.planted


@pytest.mark.parametrize("leads", [30_000, 30_001, 59_999, 60_001, 999_999, 1_000_000])
def test_core_and_copies_add_up(leads: int) -> None:
    core, copies = size_of_core(leads)
    assert core <= LARGEST_CORE
    assert core + sum(core - copy.is_short for copy in copies) == leads
    assert len({copy.mark for copy in copies} | {copy.word for copy in copies}) == 2 * len(copies)


def test_an_org_of_moderate_size_has_no_copies() -> None:
    assert size_of_core(LARGEST_CORE) == (LARGEST_CORE, ())
    assert plant(1, 50, AS_OF).copies.copies == ()

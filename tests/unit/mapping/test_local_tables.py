"""Local tables come and go with their mappings, and nothing else is ever touched."""

from __future__ import annotations

from datetime import datetime

import pytest

from sfsync.errors import MappingError, MirrorUnfit
from sfsync.mapping.load import parse_mapping
from sfsync.mapping.local_tables import refresh_local_tables
from sfsync.store import ledger
from sfsync.store.duckdb import DuckDBStore


def mapping(table="crm.leads", fields="{LastName: name}", top=""):
    return parse_mapping(f"object: Lead\ntable: {table}\n{top}fields: {fields}\n", "m.yml")


@pytest.fixture
def refresh(store, describes):
    def refresh(*mappings, **options):
        with store.writing() as session:
            return refresh_local_tables(session, mappings, describes, **options)

    return refresh


@pytest.fixture
def ask(store):
    return lambda sql: store.query(sql).rows().rows


def relations(ask):
    return {
        f"{schema}.{name}"
        for schema, name in ask("SELECT table_schema, table_name FROM information_schema.tables")
        if schema not in {"sf", "sf_all", "sfsync"}
    }


def test_a_mapping_becomes_a_local_table(refresh, ask):
    assert refresh(mapping()) == ["crm.leads"]
    assert ask("SELECT sf_id, name FROM crm.leads ORDER BY name")[0] == ("00Q000000000001AAA", "Ada")


def test_it_follows_the_mirror_without_being_made_again(refresh, ask, store):
    refresh(mapping())
    with store.writing() as session:
        session.execute('UPDATE sf_all."Lead" SET "LastName" = \'Zoe\' WHERE "LastName" = \'Ada\'')
    assert ask("SELECT count(*) FROM crm.leads WHERE name = 'Zoe'") == [(1,)]


def test_making_it_twice_makes_it_once(refresh, ask):
    for _ in range(3):
        assert refresh(mapping(), mapping("other.table_1")) == ["crm.leads", "other.table_1"]
    assert relations(ask) == {"crm.leads", "other.table_1"}
    assert ask("SELECT count(*) FROM sfsync.local_tables") == [(2,)]


def test_a_changed_mapping_changes_it(refresh, ask):
    refresh(mapping())
    refresh(mapping(fields="{Email: mail, Status: status}"))
    assert ask("SELECT * FROM crm.leads ORDER BY 1")[0] == ("00Q000000000001AAA", "ada@example.com", "Open")


def test_a_mapping_that_is_gone_takes_its_table_along(refresh, ask):
    refresh(mapping(), mapping("crm.more"))
    assert refresh(mapping("crm.more")) == ["crm.more"]
    assert relations(ask) == {"crm.more"}
    refresh()
    assert relations(ask) == set()
    assert ask("SELECT count(*) FROM sfsync.local_tables") == [(0,)]


def test_a_renamed_table_moves(refresh, ask):
    refresh(mapping("crm.leads"))
    refresh(mapping("CRM.Leads_2"))
    assert {name.casefold() for name in relations(ask)} == {"crm.leads_2"}


def test_a_mapping_that_only_pushes_has_a_table_of_yours(refresh, ask):
    assert refresh(mapping(top="direction: push\n")) == []
    assert relations(ask) == set()


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE crm.leads AS SELECT 42 AS precious",
        "CREATE TABLE crm.LEADS AS SELECT 42 AS precious",
        "CREATE VIEW crm.leads AS SELECT 42 AS precious",
    ],
)
def test_a_table_or_view_of_yours_is_never_replaced(refresh, ask, store, statement):
    with store.writing() as session:
        session.execute("CREATE SCHEMA crm")
        session.execute(statement)
    with pytest.raises(
        MappingError, match=r"m\.yml:2:8: there is a (table|view) `crm\.(leads|LEADS)` that sfsync did not"
    ):
        refresh(mapping("crm.other"), mapping())
    assert ask("SELECT precious FROM crm.leads") == [(42,)]
    assert len(relations(ask)) == 1


def test_a_view_that_was_replaced_by_yours_is_yours(refresh, ask, store):
    refresh(mapping(), mapping("crm.more"))
    with store.writing() as session:
        session.execute("CREATE OR REPLACE VIEW crm.leads AS SELECT 42 AS precious")
        session.execute("DROP VIEW crm.more")
        session.execute("CREATE TABLE crm.more AS SELECT 43 AS precious")
    with pytest.raises(MappingError) as caught:
        refresh(mapping(), mapping("crm.more"))
    assert len(caught.value.problems) == 2
    assert refresh() == []
    assert ask("SELECT precious FROM crm.leads") == [(42,)]
    assert ask("SELECT precious FROM crm.more") == [(43,)]


def test_a_view_that_someone_dropped_is_made_again(refresh, ask, store):
    refresh(mapping())
    with store.writing() as session:
        session.execute("DROP VIEW crm.leads")
    refresh(mapping())
    assert len(ask("SELECT * FROM crm.leads")) == 3


def test_a_newer_database_that_words_views_otherwise_does_not_orphan_them(refresh, ask, store):
    refresh(mapping())
    with store.writing() as session:
        session.execute("UPDATE sfsync.local_tables SET definition = 'in other words', database_version = 'v0.0.1'")
    assert refresh(mapping()) == ["crm.leads"]
    assert len(ask("SELECT * FROM crm.leads")) == 3


def test_tables_of_yours_beside_the_local_tables_stay(refresh, ask, store):
    refresh(mapping())
    with store.writing() as session:
        session.execute("CREATE TABLE crm.notes AS SELECT 1 AS a")
        session.execute("CREATE VIEW crm.on_top AS SELECT name FROM crm.leads")
    refresh(mapping(fields="{LastName: name, Email: email}"))
    assert len(ask("SELECT * FROM crm.on_top")) == 3
    refresh()
    assert relations(ask) == {"crm.notes", "crm.on_top"}


def test_a_failure_leaves_everything_as_it_was(store, describes, ask, refresh):
    refresh(mapping())
    with store.writing() as session:
        session.execute('DROP VIEW sf."User"')
    broken = parse_mapping(
        "object: Lead\ntable: crm.broken\nfields: {LastName: n}\n"
        "lookups: {OwnerId: {object: User, by: Name, local: owner}}",
        "broken.yml",
    )
    with pytest.raises(MappingError, match=r"broken\.yml:2:8: the database refused the local table `crm\.broken`"):
        refresh(broken)
    assert relations(ask) == {"crm.leads"}


def test_a_schema_with_the_name_of_the_database_file_is_refused_by_name(tmp_path, describes):
    store = DuckDBStore(tmp_path / "clash.duckdb")
    with pytest.raises(MappingError, match=r"refused the local table `clash\.leads`"), store.writing() as session:
        session.execute("CREATE SCHEMA sf")
        session.execute('CREATE TABLE sf."Lead" ("Id" VARCHAR, "LastName" VARCHAR)')
        refresh_local_tables(session, [mapping("clash.leads")], describes)


def test_hostile_values_survive_closing_and_opening_the_file(refresh, ask, store):
    hostile = 'it\'s; DROP TABLE "sf_all"."Lead"; -- \\ \n é😀 ${x} $1 ?'
    with store.writing() as session:
        session.execute('UPDATE sf_all."Lead" SET "Status" = ? WHERE "LastName" = \'Ada\'', [hostile])
    values = '{"it\'s; DROP TABLE \\"sf_all\\".\\"Lead\\"; -- \\\\ \\n é😀 ${x} $1 ?": "\'; --\\n\\\\"}'
    refresh(mapping(fields=f"{{Status: {{local: stage, values: {values}, otherwise: null}}}}"))
    again = DuckDBStore(store.path)
    assert again.query("SELECT stage FROM crm.leads WHERE stage IS NOT NULL").rows().rows == [("'; --\n\\",)]
    assert refresh(mapping()) == ["crm.leads"]


def test_date_literals_count_from_the_mirrors_own_time(refresh, ask, store, describes):
    recent = mapping(top="filter: CreatedDate = LAST_N_DAYS:7\n")
    with pytest.raises(MirrorUnfit):
        refresh(recent)
    with store.writing() as session:
        ledger.save_cursor(session, describes["Lead"], datetime(2026, 1, 31), "run")
    refresh(recent)
    assert ask("SELECT name FROM crm.leads") == [("Ada",)]
    refresh(recent, as_of=datetime(2025, 1, 3))
    assert ask("SELECT name FROM crm.leads") == [("Bob",)]
    refresh(mapping(top="filter: CreatedDate = TODAY\n"), as_of=datetime(2026, 1, 30, 2), timezone="Asia/Tokyo")
    assert ask("SELECT name FROM crm.leads") == [("Ada",)]

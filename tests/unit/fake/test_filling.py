"""How orgs come into being: small ones share a DuckDB instance and are copied where they can be, and nobody can tell."""

from __future__ import annotations

import gc
import os
import sys
from datetime import UTC, datetime
from threading import Thread

import duckdb
import pytest

from sfsync.fake import FakeOrg
from sfsync.fake.clock import Clock
from sfsync.fake.instance import Instance, shared_instance

NOON = datetime(2030, 5, 5, 12, tzinfo=UTC)


def seeded(seed):
    """The org of this seed, whose clock stands still."""
    return FakeOrg.seeded(seed, 50, clock=Clock(NOON, ticking=False))


def stored(org):
    """Every table with its columns and, in their order, its rows."""
    with org.database.reading() as cursor:
        return {
            facts.name: (
                cursor.execute(f'DESCRIBE "{facts.name}"').fetchall(),
                cursor.execute(f'SELECT * FROM "{facts.name}" ORDER BY rowid').fetchall(),
            )
            for facts in org.catalog
        }


def setting(org, name):
    with org.database.reading() as cursor:
        return cursor.execute("SELECT current_setting(?)", [name]).fetchone()[0]


def databases():
    with shared_instance().connect() as cursor:
        return {name for (name,) in cursor.execute("SELECT database_name FROM duckdb_databases()").fetchall()}


def test_an_org_that_is_copied_is_the_one_that_was_grown():
    with seeded(71) as grown, seeded(71) as copied:
        assert stored(copied) == stored(grown)
        assert len(stored(grown)["Lead"][1]) >= 50
        assert copied.planted == grown.planted
        assert copied.catalog.objects == grown.catalog.objects
        assert (copied.org_id, copied.admin_id, copied.credentials) == (
            grown.org_id,
            grown.admin_id,
            grown.credentials,
        )


def test_of_what_is_copied_only_the_furniture_was_made_just_now():
    with FakeOrg.seeded(72, 50), seeded(72) as later:
        tables = stored(later)
        stamps = {value for _, rows in tables.values() for row in rows for value in row if isinstance(value, datetime)}
        assert max(stamps - {NOON.replace(tzinfo=None)}) < datetime(2026, 2, 1)
        assert [
            name for name, (_, rows) in tables.items() if any(NOON.replace(tzinfo=None) in row for row in rows)
        ] == ["Profile"]


def test_a_checkbox_of_a_copied_org_is_false_where_nobody_says_anything():
    for _ in range(2):
        with seeded(73) as org:
            with org.database.writing() as cursor:
                cursor.execute("""INSERT INTO "Lead" ("Id") VALUES ('x')""")
            with org.database.reading() as cursor:
                [row] = cursor.execute("""SELECT "Budget_Confirmed__c" FROM "Lead" WHERE "Id" = 'x'""").fetchall()
            assert row == (False,)


def test_orgs_of_one_seed_have_nothing_in_common():
    with seeded(74) as one, seeded(74) as other:
        before = stored(other)
        one.add_field("Lead", "Mine__c", "string")
        one.insert("Lead", [{"LastName": "Mine", "Company": "Mine", "Mine__c": "mine"}])
        one.planted.clear()
        assert stored(other) == before
        assert other.catalog.facts("Lead").field("Mine__c") is None
        assert other.planted
        with seeded(74) as third:
            assert stored(third) == before
            assert third.planted == other.planted


def test_a_copied_org_is_itself_again_after_a_reset():
    with seeded(75), seeded(75) as org:
        before = stored(org)
        org.insert("Lead", [{"LastName": "New", "Company": "New"}])
        assert stored(org) != before
        org.reset()
        assert stored(org) == before


def test_an_org_that_cannot_be_made_leaves_no_database_behind():
    FakeOrg.empty().close()
    gc.collect()
    FakeOrg.empty().close()
    before = databases()
    with pytest.raises(ValueError, match="50 to 1000000 leads"):
        FakeOrg.seeded(76, 49)
    assert databases() == before


def test_the_first_orgs_and_later_ones_have_the_same_tables():
    instance = Instance()
    sql = """CREATE TABLE "A"("Id" VARCHAR, "Is" BOOLEAN DEFAULT false); CREATE TABLE b(n INTEGER)"""
    names = [instance.create(sql) for _ in range(4)]
    with instance.connect() as cursor:
        found = [
            cursor.execute(f"SELECT sql FROM duckdb_tables() WHERE database_name = '{name}'").fetchall()
            for name in names
        ]
    instance.close()
    assert len(set(names)) == 4
    assert len(found[0]) == 2
    assert [sorted(one) for one in found] == [sorted(found[0])] * 4


def test_a_closed_org_is_gone_and_others_are_not():
    with FakeOrg.empty() as other:
        before = databases()
        org = FakeOrg.empty()
        assert len(databases() - before) == 1
        org.close()
        org.close()
        assert databases() == before
        with pytest.raises(duckdb.ConnectionException), org.database.reading():
            pass
        assert other.count("User") == 1


def test_an_org_that_nobody_closed_is_gone_when_the_next_one_is_made():
    gc.collect()
    with FakeOrg.empty():
        before = databases()
        org = FakeOrg.empty()
        left = databases() - before
        del org
        gc.collect()
        with FakeOrg.empty():
            assert not left & databases()


def test_who_reads_a_result_may_read_on_while_the_org_is_reset():
    with FakeOrg.seeded(77, 50) as org:
        live = org.count("Lead")
        with org.database.reading() as cursor:
            cursor.execute('SELECT "Id" FROM "Lead" WHERE NOT "IsDeleted"')
            first = cursor.fetchmany(1)
            org.reset()
            gc.collect()
            with FakeOrg.empty():
                assert len(first + cursor.fetchall()) == live


def test_a_large_org_takes_processors_for_itself_alone():
    with FakeOrg.empty() as small, FakeOrg.seeded(78, 2_001) as large:
        assert setting(small, "threads") == 1
        with large.database.all_threads():
            assert setting(small, "threads") == 1
            with duckdb.connect() as fresh:
                assert setting(large, "threads") == fresh.execute("SELECT current_setting('threads')").fetchone()[0]
        assert setting(large, "threads") == 1  # it has fewer records than are worth it
        with large.database.reading() as cursor:
            found = cursor.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'Lead'").fetchone()
        assert found == (1,)


def test_orgs_are_made_used_and_closed_in_many_threads_at_once():
    wrong = []

    def work(number):
        try:
            for _ in range(3):
                with FakeOrg.seeded(80 + number % 2, 50) as org:
                    before = org.count("Lead")
                    org.insert("Lead", [{"LastName": "New", "Company": "New"}])
                    if org.count("Lead") != before + 1:
                        wrong.append(before)
        except Exception as error:  # noqa: BLE001 - told below
            wrong.append(error)

    threads = [Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_process_makes_orgs_of_its_own():
    with FakeOrg.seeded(82, 50) as org:
        child = os.fork()
        if not child:
            done = 1
            try:
                with FakeOrg.seeded(82, 50) as copy:
                    done = 0 if copy.count("Lead") >= 50 else 2
                org.close()
            finally:
                os._exit(done)
        assert os.waitpid(child, 0)[1] == 0
        assert org.count("Lead") >= 50

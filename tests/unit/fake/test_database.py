"""The org's database by itself: statements read once, macros taught when needed, rows that wait."""

from __future__ import annotations

from threading import Thread

import pytest

from sfsync.fake.catalog import standard_catalog
from sfsync.fake.custom_fields import custom_field
from sfsync.fake.database import ID_MACROS, OrgDatabase, Undone, run
from sfsync.fake.deferred import DeferredRows
from sfsync.fake.wire import MACROS


@pytest.fixture
def database():
    database = OrgDatabase(standard_catalog())
    yield database
    database.close()


def put(cursor, rows):
    cursor.executemany('INSERT INTO "LeadHistory" ("Id") VALUES (?)', [[row["Id"]] for row in rows])


def count(database, sql=None):
    with database.reading(sql) as cursor:
        return cursor.execute('SELECT count(*) FROM "LeadHistory"').fetchone()[0]


def test_a_statement_that_comes_again_sees_new_values_and_new_columns(database):
    sql = 'SELECT * FROM "Lead" WHERE "Id" = ?'
    with database.writing() as cursor:
        run(cursor, 'INSERT INTO "Lead" ("Id") VALUES (?)', ["a"])
        run(cursor, 'INSERT INTO "Lead" ("Id") VALUES (?)', ["b"])
        before = [run(cursor, sql, [value]).fetchall() for value in ("a", "b", "c")]
    assert [len(rows) for rows in before] == [1, 1, 0]
    lead = database.catalog.facts("Lead")
    database.add_fields(lead, [custom_field("New__c", "string")])
    with database.reading() as cursor:
        assert len(run(cursor, sql, ["a"]).fetchone()) == len(before[0][0]) + 1


def test_a_statement_is_shared_by_threads_and_databases(database):
    other = OrgDatabase(standard_catalog())
    found = []

    def look(place, value):
        for _ in range(50):
            with place.reading() as cursor:
                found.append(run(cursor, "SELECT ?::INTEGER + 1", [value]).fetchone()[0] - value)

    threads = [Thread(target=look, args=(place, number)) for number, place in enumerate((database, other) * 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()
    assert found == [1] * 200


def test_very_long_statements_are_run_as_well(database):
    numbers = ", ".join(str(number) for number in range(20_000))
    with database.reading() as cursor:
        assert run(cursor, f"SELECT len([{numbers}])").fetchone() == (20_000,)


def test_macros_are_taught_once_and_stay(database):
    for macros in (ID_MACROS, MACROS, ID_MACROS):
        database.teach(macros)
    with database.reading() as cursor:
        assert cursor.execute("SELECT id_18('001D000000IqhSL'), wire_double(8e7)").fetchone() == (
            "001D000000IqhSLIAZ",
            "8.0E7",
        )


def test_rows_wait_while_nobody_asks_for_their_table(database):
    with database.together('"Lead"'):
        database.defer("LeadHistory", [{"Id": "1"}], put)
    assert count(database, '"Lead"') == 0
    assert count(database, 'SELECT 1 FROM "LeadHistory"') == 1
    assert count(database) == 1


def test_deferred_rows_of_an_undone_transaction_are_forgotten(database):
    with database.together('"Lead"'):
        database.defer("LeadHistory", [{"Id": "1"}], put)
        raise Undone
    assert count(database) == 0


def test_rows_that_an_undone_transaction_wrote_for_others_wait_again(database):
    with database.together('"Lead"'):
        database.defer("LeadHistory", [{"Id": "1"}], put)
    with database.together('"Lead"'):
        database.defer("LeadHistory", [{"Id": "2"}], put)
        assert count(database) == 2
        raise Undone
    assert count(database) == 1
    assert count(database) == 1


def test_waiting_rows_are_written_in_their_order():
    written = []

    def note(_, rows):
        written.extend(row["Id"] for row in rows)

    first, second = DeferredRows(), DeferredRows()
    first.add("A", [{"Id": "1"}], note)
    second.add("A", [{"Id": "2"}, {"Id": "3"}], note)
    first.take_from(second)
    assert not second
    first.write(None)
    assert written == ["1", "2", "3"]
    assert first
    first.clear()
    assert not first.is_asked_for(None)

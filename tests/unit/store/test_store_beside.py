"""A store beside a mirror: it shows what the mirror holds, takes what is written, and leaves nothing behind."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
from datetime import datetime
from pathlib import Path

import pytest

from sfsync.errors import QueryFailed, StoreMissing
from sfsync.records import FieldDescribe, ObjectDescribe
from sfsync.store import ledger
from sfsync.store.beside import original, put_in_place, store_beside
from sfsync.store.duckdb import DuckDBStore
from sfsync.store.mirror import Drift, prepare_mirror, read_state, shape_table

ROOT = Path(__file__).parents[3]
AS_OF = datetime(2026, 1, 31, 12)
LEAD = ObjectDescribe(
    "Lead",
    "Lead",
    (
        FieldDescribe("Id", "id"),
        FieldDescribe("IsDeleted", "boolean"),
        FieldDescribe("Name", "string"),
        FieldDescribe("Address", "address"),
        FieldDescribe("City", "string", compound_field="Address"),
    ),
)


@pytest.fixture
def mirror(tmp_path):
    store = DuckDBStore(tmp_path / "mirror.duckdb")
    with store.writing() as session:
        prepare_mirror(session)
        shape_table(session, LEAD, Drift(created=True))
        session.execute(
            "INSERT INTO sf_all.\"Lead\" VALUES ('1', FALSE, 'Ada', 'Bonn'), ('2', TRUE, 'Bob', NULL), ('3', NULL, '', '')"
        )
        ledger.save_describe(session, LEAD, AS_OF)
        ledger.save_cursor(session, LEAD, AS_OF, "run")
        session.execute("CREATE SCHEMA crm")
        session.execute("CREATE TABLE crm.leads AS SELECT 7 AS number")
    return store


def digest(store):
    return hashlib.sha256(store.path.read_bytes()).hexdigest()


def names(session, sql='SELECT "Name" FROM sf."Lead" ORDER BY 1'):
    return [name for (name,) in session.execute(sql)]


def test_it_shows_what_the_mirror_shows(mirror, tmp_path):
    with store_beside(mirror, tmp_path / "work") as beside, beside.reading() as session:
        assert names(session) == ["", "Ada"]
        assert names(session, 'SELECT "Address" FROM sf."Lead" WHERE "Id" = \'1\'') == ['{"city": "Bonn"}']
        assert read_state(session).objects["Lead"].rows == 3
        assert names(session, "SELECT number FROM crm.leads") == [7]


def test_what_is_written_there_stays_there(mirror, tmp_path):
    was = digest(mirror)
    with store_beside(mirror, tmp_path / "work", to_plan=True) as beside:
        with beside.writing() as session:
            put_in_place(session, "Lead", f"SELECT * REPLACE ('Eve' AS \"Name\") FROM {original('Lead')} LIMIT 2")
            session.execute("UPDATE crm.leads SET number = 8")
            ledger.set_fact(session, "org_id", "other")
        with beside.judging() as session:
            assert set(names(session, 'SELECT "Name" FROM sf_all."Lead"')) == {"Eve"}
            assert names(session, "SELECT number FROM crm.leads") == [8]
            assert read_state(session).objects["Lead"].rows == 2
    assert digest(mirror) == was
    assert list((tmp_path / "work").iterdir()) == []
    with mirror.reading() as session:
        assert names(session) == ["", "Ada"]


def test_the_mirror_itself_cannot_be_written_from_there_and_judging_reads_no_files(mirror, tmp_path):
    (tmp_path / "secret.csv").write_text("a\n1\n")
    with store_beside(mirror, tmp_path / "work") as beside:
        with pytest.raises(QueryFailed), beside.writing() as session:
            session.execute(f"DELETE FROM {original('Lead')}")
        with pytest.raises(QueryFailed), beside.judging() as session:
            session.execute(f"SELECT * FROM read_csv('{tmp_path / 'secret.csv'}')")
        with pytest.raises(QueryFailed), beside.judging() as session:
            session.execute("SET enable_external_access = true")


def test_others_may_read_the_mirror_meanwhile(mirror, tmp_path):
    found = []
    with store_beside(mirror, tmp_path / "work") as beside, beside.reading():
        reader = threading.Thread(target=lambda: found.extend(mirror.query('SELECT count(*) FROM sf."Lead"').rows()))
        reader.start()
        reader.join()
    assert found == [(2,)]


def test_an_error_leaves_nothing_behind(mirror, tmp_path):
    with pytest.raises(ZeroDivisionError), store_beside(mirror, tmp_path / "work"):
        raise ZeroDivisionError
    assert list((tmp_path / "work").iterdir()) == []
    with pytest.raises(StoreMissing), store_beside(DuckDBStore(tmp_path / "none.duckdb"), tmp_path / "work"):
        pass


BESIDE = """
import json, resource, sys, time
from pathlib import Path
from sfsync.errors import SfsyncError
from sfsync.store.beside import original, put_in_place, store_beside
from sfsync.store.duckdb import DuckDBStore

folder, limit = Path(sys.argv[1]), int(sys.argv[2])
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    with store_beside(DuckDBStore(folder / "mirror.duckdb"), folder / "work") as beside:
        print("there", flush=True)
        if not limit:
            time.sleep(60)
        with beside.writing() as session:
            rows = "(SELECT * FROM range(2000000)) AS r(n)"
            put_in_place(session, "Lead", f'SELECT l.* REPLACE (md5(n::VARCHAR) AS "Name") FROM {original("Lead")} l, {rows}')
except SfsyncError as error:
    print(json.dumps({"message": error.message, "hint": error.hint, "code": error.exit_code}))
"""


def other(folder, limit):
    env = {"PYTHONPATH": str(ROOT), "PATH": os.environ.get("PATH", "")}
    (folder / "other.py").write_text(BESIDE)
    command = [sys.executable, str(folder / "other.py"), str(folder), str(limit)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env)


def test_what_a_killed_process_leaves_is_removed_by_the_next_and_what_is_at_work_is_not(mirror, tmp_path):
    with other(tmp_path, 0) as process:
        assert process.stdout.readline() == "there\n"
        (left,) = (tmp_path / "work").glob("beside-*")
        with store_beside(mirror, tmp_path / "work"):
            assert left.exists()
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert left.exists()
    with store_beside(mirror, tmp_path / "work"):
        assert not left.exists()
    assert list((tmp_path / "work").iterdir()) == []


def test_a_full_disk_is_told_and_leaves_nothing_behind(mirror, tmp_path):
    was = digest(mirror)
    with other(tmp_path, 20_000_000) as process:
        told = process.communicate()[0].splitlines()
    error = json.loads(told[-1])
    assert "no room to work beside the mirror" in error["message"]
    assert str(tmp_path / "work") in error["hint"]
    assert error["code"] == 3
    assert list((tmp_path / "work").iterdir()) == []
    assert digest(mirror) == was

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from sfsync.records import FieldDescribe, ObjectDescribe
from sfsync.store import ledger, open_store
from sfsync.store.drift import find_drift
from sfsync.store.mirror import prepare_mirror, shape_table
from sfsync.store.proofs import Proof, save_proof
from sfsync.store.refreshes import Refresh, note_refresh
from sfsync.sync.plan import tables
from sfsync.sync.plan.stored import Plan, mark, save_plan

THEN = datetime(2026, 1, 30)
NOW = datetime(2026, 1, 31)
ID, EMAIL = FieldDescribe("Id", "id"), FieldDescribe("Email", "email")
FORMULA = FieldDescribe("Won__c", "double", calculated=True)


def mirror(root: Path, *describes: ObjectDescribe) -> Any:
    (root / "sfsync.yml").write_text("version: 1\n")
    store = open_store(root / ".sfsync" / "mirror.duckdb")
    with store.writing() as session:
        prepare_mirror(session)
        for each in describes:
            shape_table(session, each, find_drift(session, each))
            ledger.save_describe(session, each, NOW)
            ledger.save_cursor(session, each, NOW, "run")
    return store


def test_status_tells_how_old_formulas_are(run: Callable[..., Any], tmp_path: Path) -> None:
    account = ObjectDescribe("Account", "", (ID, FORMULA))
    store = mirror(tmp_path, account, ObjectDescribe("Contact", "", (ID, FORMULA)), ObjectDescribe("Lead", "", (ID,)))
    with store.writing() as session:
        note_refresh(session, Refresh("Account", THEN, 10, 2))
    told = {each["name"]: each for each in run("status", "--project", tmp_path, "--json").json["result"]["objects"]}
    assert (told["Account"]["formulas"], told["Account"]["formulas_as_of"]) == (True, "2026-01-30T00:00:00Z")
    assert (told["Contact"]["formulas"], told["Contact"]["formulas_as_of"]) == (True, None)
    assert (told["Lead"]["formulas"], told["Lead"]["formulas_as_of"]) == (False, None)
    shown = run("status", "--project", tmp_path).out
    assert "2026-01-30 00:00:00" in shown
    assert "not known" in shown


def test_status_lists_fields_that_can_no_longer_be_read(run: Callable[..., Any], tmp_path: Path) -> None:
    store = mirror(tmp_path, ObjectDescribe("Lead", "", (ID, EMAIL)))
    with store.writing() as session:
        narrower = ObjectDescribe("Lead", "", (ID,))
        ledger.save_describe(session, narrower, NOW)
        ledger.save_cursor(session, narrower, NOW, "run")
    (told,) = run("status", "--project", tmp_path, "--json").json["result"]["objects"]
    assert told["unreadable_fields"] == ["Email"]
    assert "Lead: removed, or no longer readable; kept as they were: Email" in run("status", "--project", tmp_path).out


def test_status_of_a_mirror_that_an_earlier_version_made_still_opens(run: Callable[..., Any], tmp_path: Path) -> None:
    store = mirror(tmp_path, ObjectDescribe("Account", "", (ID, FORMULA)))
    with store.writing() as session:
        for name in ("formula_refreshes", "drifts", "compounds"):
            session.execute(f"DROP TABLE sfsync.{name}")
    (told,) = run("status", "--project", tmp_path, "--json").json["result"]["objects"]
    assert told["formulas_as_of"] is None


def test_status_tells_when_an_object_was_last_held_against_the_org(run: Callable[..., Any], tmp_path: Path) -> None:
    store = mirror(tmp_path, ObjectDescribe("Lead", "", (ID,)), ObjectDescribe("User", "", (ID,)))
    with store.writing() as session:
        save_proof(session, Proof("r1", "Lead", THEN, 10, {"missing": 2}, "ids"))
    told = {each["name"]: each for each in run("status", "--project", tmp_path, "--json").json["result"]["objects"]}
    assert told["Lead"]["verified"] == {"as_of": "2026-01-30T00:00:00Z", "method": "ids", "differences": {"missing": 2}}
    assert told["User"]["verified"] is None
    shown = run("status", "--project", tmp_path).out
    assert "2026-01-30 00:00:00 (2 differed)" in shown
    assert "never" in shown


def test_status_tells_which_plans_wait(run: Callable[..., Any], tmp_path: Path) -> None:
    store = mirror(tmp_path, ObjectDescribe("Lead", "", (ID,)))
    with store.writing() as session:
        tables.prepare(session)
        save_plan(session, Plan("p1", THEN, None, "push", "open", "f", {}, ()))
    told = run("status", "--project", tmp_path)
    assert "plan p1 waits to be applied" in told.out
    assert "sfsync apply p1" in told.err
    with store.writing() as session:
        mark(session, "p1", "applying")
    stopped = run("status", "--project", tmp_path)
    assert "plan p1 was stopped" in stopped.out
    assert "sfsync apply --resume" in stopped.err
    result = run("status", "--project", tmp_path, "--json").json["result"]
    assert (result["plans"], result["conflicts"]) == ([{"id": "p1", "state": "applying"}], 0)

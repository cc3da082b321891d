"""What the ledger tells the rules on the mirror itself."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sfsync.audit.mirror_book import MirrorBook, read_book
from sfsync.records import FieldDescribe, ObjectDescribe
from sfsync.store import Store, open_store
from sfsync.store.interface import Session
from sfsync.store.ledger import save_cursor
from sfsync.store.mirror import find_drift, prepare_mirror, shape_table
from sfsync.store.proofs import Proof, last_proofs, save_proof

NOON = datetime(2026, 1, 31, 12)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A mirror of leads and contacts, whose contacts an older pull brought."""
    made = open_store(tmp_path / "mirror.duckdb")
    with made.writing() as session:
        prepare_mirror(session)
        for name, run_id in (("Lead", "r2"), ("Contact", "r1")):
            described = ObjectDescribe(name, name, (FieldDescribe("Id", "id"),))
            shape_table(session, described, find_drift(session, described))
            save_cursor(session, described, NOON, run_id)
    return made


def add_pull(session: Session, run_id: str, state: str = "done", **summary: Any) -> None:
    at = NOON + timedelta(hours=int(run_id[1:]))
    session.execute(
        "INSERT INTO sfsync.runs VALUES (?, 'pull', ?, ?, ?, 1, ?)", [run_id, at, at, state, json.dumps(summary)]
    )


def outcomes(book: MirrorBook) -> dict[str, tuple[Any, ...]]:
    """Object → run, outcome, reason, records now and before."""
    return {name: (run_id, *others) for name, run_id, _, _, *others in book.outcomes}


def test_the_newest_pull_that_was_about_an_object_decides(store: Store) -> None:
    with store.writing() as session:
        add_pull(session, "r1", "partial", Lead=7, Contact="the budget was reached")
        add_pull(session, "r2", Lead=9)
        book = read_book(session, {})
    assert outcomes(book) == {
        "Contact": ("r1", "left", "the budget was reached", None, None),
        "Lead": ("r2", "done", None, 9, 7),
    }


def test_a_pull_that_was_killed_stopped_before_what_it_had_not_stored(store: Store) -> None:
    with store.writing() as session:
        add_pull(session, "r1", Lead=7, Contact=5)
        add_pull(session, "r2", "running")
        book = read_book(session, {})
    found = outcomes(book)
    assert found["Lead"][:2] == ("r1", "done")
    assert found["Contact"][:2] == ("r2", "stopped")


def test_an_object_that_was_never_mirrored_has_no_outcome(store: Store) -> None:
    with store.writing() as session:
        add_pull(session, "r1", Lead=7, Campaign="the org does not have it")
        assert set(outcomes(read_book(session, {}))) == {"Lead"}


def test_a_proof_says_what_differed_and_whether_it_was_mended(store: Store) -> None:
    with store.writing() as session:
        save_proof(session, Proof("r1", "Lead", NOON, 9, {"missing": 2, "extra": 1}, "ids", repaired=True))
        save_proof(session, Proof("r1", "Contact", NOON, 9, {}, "values"))
        save_proof(session, Proof("r1", "Elsewhere", NOON, 9, {}, "values"))
        book = read_book(session, {})
    assert [(name, *others) for name, _, _, _, _, _, *others in book.proofs] == [
        ("Contact", "equal", 0, False),
        ("Lead", "extra", 1, True),
        ("Lead", "missing", 2, True),
    ]


def test_proofs_of_before_repairs_were_noted_are_read_and_added_to(store: Store) -> None:
    with store.writing() as session:
        session.execute("ALTER TABLE sfsync.proofs DROP COLUMN repaired")
        session.execute("INSERT INTO sfsync.proofs VALUES ('r0', 'Lead', TIMESTAMP '2026-01-30', 9, '{}', 'ids')")
        assert not last_proofs(session)["Lead"].repaired
        save_proof(session, Proof("r1", "Lead", NOON, 9, {"extra": 1}, "ids", repaired=True))
        assert last_proofs(session)["Lead"].repaired


def test_a_ledger_without_a_book_of_drifts_knows_of_none(store: Store) -> None:
    with store.writing() as session:
        assert read_book(session, {}).drifts == ()
        session.execute("DROP TABLE sfsync.drifts")
        assert read_book(session, {}).drifts is None


def test_formulas_are_counted_among_what_is_mirrored(store: Store) -> None:
    described = ObjectDescribe(
        "Lead", "Lead", (FieldDescribe("Id", "id"), FieldDescribe("Score__c", "double", calculated=True))
    )
    with store.reading() as session:
        (contact, lead) = read_book(session, {"Lead": described}).objects
    assert contact[0] == "Contact"
    assert (lead[0], lead[6]) == ("Lead", 0)  # the formula came after the last pull

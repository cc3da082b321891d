"""Tombstones, merges and comparisons on a mirror made by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from sfsync.errors import IncompleteAnswer
from sfsync.records import FieldDescribe, ObjectDescribe
from sfsync.store import ledger
from sfsync.store.compare import Claim, compare, listed, retire_extra, take_over
from sfsync.store.coverage import Coverage, read_coverage, save_coverage
from sfsync.store.duckdb import DuckDBSession, DuckDBStore
from sfsync.store.mirror import Drift, prepare_mirror, shape_table
from sfsync.store.proofs import Proof, last_proofs, save_proof
from sfsync.store.rekey import follow_merges
from sfsync.store.tombstones import Named, bury, keeps_history, retire

T = [datetime(2026, 1, 1, hour) for hour in range(10)]

ACCOUNT = ObjectDescribe(
    "Account",
    "Account",
    (
        FieldDescribe("Id", "id"),
        FieldDescribe("IsDeleted", "boolean", updateable=False, createable=False),
        FieldDescribe("MasterRecordId", "reference", reference_to=("Account",), createable=False, updateable=False),
        FieldDescribe("SystemModstamp", "datetime"),
        FieldDescribe("Name", "string"),
        FieldDescribe("ParentId", "reference", reference_to=("Account",)),
    ),
)
CONTACT = ObjectDescribe(
    "Contact",
    "Contact",
    (
        FieldDescribe("Id", "id"),
        FieldDescribe("IsDeleted", "boolean"),
        FieldDescribe("SystemModstamp", "datetime"),
        FieldDescribe("AccountId", "reference", reference_to=("Account",)),
        FieldDescribe("ConvertedAccountId", "reference", reference_to=("Account",)),
        FieldDescribe("WhatId", "reference", reference_to=("Account", "Opportunity")),
    ),
)
HISTORY = ObjectDescribe(
    "AccountHistory",
    "AccountHistory",
    (
        FieldDescribe("Id", "id", createable=False, updateable=False),
        FieldDescribe("AccountId", "reference", reference_to=("Account",), createable=False, updateable=False),
    ),
)
ROLE = ObjectDescribe("UserRole", "Role", (FieldDescribe("Id", "id"), FieldDescribe("SystemModstamp", "datetime")))


@pytest.fixture
def session(tmp_path: Path) -> Iterator[DuckDBSession]:
    with DuckDBStore(tmp_path / "mirror.duckdb").writing() as opened:
        prepare_mirror(opened)
        for describe in (ACCOUNT, CONTACT, HISTORY, ROLE):
            shape_table(opened, describe, Drift(created=True))
            ledger.save_describe(opened, describe, T[0])
            ledger.save_cursor(opened, describe, T[5], "run")
        yield opened


def account(session: DuckDBSession, record_id: str, *, master: str | None = None, at: int = 1) -> None:
    session.execute(
        "INSERT INTO sf_all.Account VALUES (?, ?, ?, ?, ?, NULL)",
        [record_id, master is not None, master, T[at], record_id],
    )


def contact(session: DuckDBSession, record_id: str, account_id: str, *, deleted: bool = False) -> None:
    session.execute(
        "INSERT INTO sf_all.Contact VALUES (?, ?, ?, ?, ?, ?)",
        [record_id, deleted, T[1], account_id, account_id, account_id],
    )


def ids(session: DuckDBSession, sql: str) -> list[str]:
    return [row[0] for row in session.execute(sql)]


# --- tombstones ------------------------------------------------------------------------------------------------------


def test_a_named_record_is_buried_unless_a_later_version_is_stored(session: DuckDBSession) -> None:
    account(session, "A", at=2)
    account(session, "B", at=4)
    account(session, "C", at=3)
    assert bury(session, ACCOUNT, Named({"A": T[3], "B": T[3], "C": T[3], "Z": T[3]}, T[6]), None) == 2
    assert ids(session, "SELECT Id FROM sf_all.Account WHERE IsDeleted ORDER BY Id") == ["A", "C"]


def test_a_deletion_after_the_bound_waits(session: DuckDBSession) -> None:
    account(session, "A")
    assert bury(session, ACCOUNT, Named({"A": T[6]}, T[6]), None) == 0
    assert bury(session, ACCOUNT, Named({"A": T[6]}, T[7]), None) == 1


def test_burying_keeps_the_version_that_was(session: DuckDBSession) -> None:
    account(session, "A")
    bury(session, ACCOUNT, Named({"A": T[3]}, T[6]), T[6])
    assert session.execute("SELECT Id, IsDeleted, valid_to FROM sf_history.Account").rows == [("A", False, T[6])]
    assert keeps_history(session, "Account", T[7]) == T[7]
    assert keeps_history(session, "Contact", T[7]) is None


def test_a_record_of_an_object_without_the_state_deleted_is_removed(session: DuckDBSession) -> None:
    session.execute("INSERT INTO sf_all.UserRole VALUES ('R', ?)", [T[1]])
    assert bury(session, ROLE, Named({"R": T[2]}, T[6]), T[6]) == 1
    assert ids(session, "SELECT Id FROM sf_all.UserRole") == []
    assert ids(session, "SELECT Id FROM sf_history.UserRole") == ["R"]


def test_an_object_without_stamps_has_no_tombstones(session: DuckDBSession) -> None:
    assert bury(session, HISTORY, Named({"H": T[2]}, T[6]), None) == 0


def test_retiring_nobody_leaves_no_trace(session: DuckDBSession) -> None:
    assert retire(session, ACCOUNT, 'SELECT "Id" FROM sf_all.Account', T[6]) == 0
    assert keeps_history(session, "Account", T[6]) is None


# --- merges ----------------------------------------------------------------------------------------------------------


def test_lookups_follow_to_the_final_master(session: DuckDBSession) -> None:
    for record_id, master in (("A", "B"), ("B", "C"), ("C", None)):
        account(session, record_id, master=master)
    contact(session, "K1", "A")
    contact(session, "K2", "B")
    contact(session, "K3", "C")
    assert follow_merges(session, ACCOUNT, T[6]) == 2
    assert ids(session, "SELECT AccountId FROM sf_all.Contact") == ["C", "C", "C"]
    assert ids(session, "SELECT WhatId FROM sf_all.Contact") == ["C", "C", "C"]
    merged = session.execute("SELECT loser_id, master_id, final_id, seen_at FROM sfsync.merged ORDER BY 1").rows
    assert merged == [("A", "B", "C", T[6]), ("B", "C", "C", T[6])]


def test_what_was_true_when_it_was_written_stays(session: DuckDBSession) -> None:
    account(session, "A", master="B")
    account(session, "B")
    contact(session, "K1", "A")
    contact(session, "K2", "A", deleted=True)
    session.execute("INSERT INTO sf_all.AccountHistory VALUES ('H', 'A')")
    follow_merges(session, ACCOUNT, T[6])
    assert ids(session, "SELECT AccountId FROM sf_all.Contact ORDER BY Id") == ["B", "A"]
    assert ids(session, "SELECT ConvertedAccountId FROM sf_all.Contact ORDER BY Id") == ["A", "A"]
    assert ids(session, "SELECT AccountId FROM sf_all.AccountHistory") == ["A"]
    assert ids(session, "SELECT MasterRecordId FROM sf_all.Account WHERE Id = 'A'") == ["B"]


def test_a_record_never_becomes_its_own_parent(session: DuckDBSession) -> None:
    account(session, "A", master="B")
    account(session, "B")
    session.execute("UPDATE sf_all.Account SET ParentId = 'A'")
    follow_merges(session, ACCOUNT, T[6])
    assert ids(session, "SELECT ParentId FROM sf_all.Account WHERE Id = 'B'") == ["A"]


def test_following_twice_changes_nothing_and_later_chains_are_followed(session: DuckDBSession) -> None:
    account(session, "A", master="B")
    account(session, "B")
    account(session, "C")
    contact(session, "K", "A")
    assert follow_merges(session, ACCOUNT, T[6]) == 1
    assert follow_merges(session, ACCOUNT, T[7]) == 0
    session.execute("UPDATE sf_all.Account SET IsDeleted = TRUE, MasterRecordId = 'C' WHERE Id = 'B'")
    assert follow_merges(session, ACCOUNT, T[8]) == 1
    assert ids(session, "SELECT AccountId FROM sf_all.Contact") == ["C"]
    assert ids(session, "SELECT final_id FROM sfsync.merged") == ["C", "C"]


def test_a_merge_that_was_undone_is_forgotten(session: DuckDBSession) -> None:
    for record_id, master in (("A", "B"), ("B", "C"), ("C", None)):
        account(session, record_id, master=master)
    follow_merges(session, ACCOUNT, T[6])
    session.execute("UPDATE sf_all.Account SET IsDeleted = FALSE, MasterRecordId = NULL WHERE Id = 'B'")
    assert follow_merges(session, ACCOUNT, T[7]) == 0
    assert session.execute("SELECT loser_id, final_id FROM sfsync.merged").rows == [("A", "B")]


def test_children_keep_the_version_they_had(session: DuckDBSession) -> None:
    account(session, "A", master="B")
    account(session, "B")
    contact(session, "K", "A")
    session.execute("CREATE SCHEMA IF NOT EXISTS sf_history")
    session.execute(
        "CREATE TABLE sf_history.Contact AS SELECT *, CAST(NULL AS TIMESTAMP) AS valid_from, "
        "CAST(NULL AS TIMESTAMP) AS valid_to, TRUE AS existed FROM sf_all.Contact LIMIT 0"
    )
    follow_merges(session, ACCOUNT, T[4])
    kept = session.execute("SELECT Id, AccountId, valid_to FROM sf_history.Contact").rows
    assert ("K", "A", T[5]) in kept  # the child's own bound is later than the master's


def test_objects_that_cannot_be_merged_cost_nothing(session: DuckDBSession) -> None:
    assert follow_merges(session, CONTACT, T[6]) == 0


# --- comparisons -----------------------------------------------------------------------------------------------------


def page(folder: Path, *rows: str) -> Path:
    path = folder / "page.csv"
    path.write_text("\n".join(["Id,IsDeleted,MasterRecordId,SystemModstamp,Name,ParentId", *rows]) + "\n")
    return path


def test_kinds_of_differences_are_told_apart(session: DuckDBSession, tmp_path: Path) -> None:
    for record_id in "ABCDE":
        account(session, record_id, at=2)
    session.execute("UPDATE sf_all.Account SET Name = 'wrong' WHERE Id = 'B'")
    session.execute("UPDATE sf_all.Account SET SystemModstamp = ? WHERE Id IN ('C', 'D')", [T[1]])
    rows = [f"{i},false,,2026-01-01T02:00:00.000Z,{i}," for i in "AB"]
    rows += ["C,false,,2026-01-01T02:00:00.000Z,C,", "D,false,,2026-01-01T04:00:00.000Z,D,"]
    rows += ["M,false,,2026-01-01T02:00:00.000Z,M,", "L,false,,2026-01-01T04:00:00.000Z,L,"]
    rows += ["N,false,,2026-01-01T07:00:00.000Z,N,"]
    with listed(session, ACCOUNT, [page(tmp_path, *rows)], 7, Claim(T[5], began=T[3])):
        found = {each.kind: each.ids for each in compare(session, ACCOUNT, Claim(T[5], began=T[3]))}
    assert found == {
        "missing": ("M",),
        "extra": ("E",),
        "outdated": ("C",),
        "late commit": ("D", "L"),
        "values": ("B",),
    }


def test_spared_records_are_not_extra(session: DuckDBSession, tmp_path: Path) -> None:
    account(session, "A")
    account(session, "B")
    claim = Claim(T[5], spared=("A",))
    with listed(session, ACCOUNT, [page(tmp_path)], 0, claim):
        assert [each.ids for each in compare(session, ACCOUNT, claim)] == [("B",)]
        assert retire_extra(session, ACCOUNT, None) == 1
    assert ids(session, "SELECT Id FROM sf_all.Account WHERE IsDeleted") == ["B"]


def test_taking_over_makes_the_mirror_the_org_as_of_its_bound(session: DuckDBSession, tmp_path: Path) -> None:
    account(session, "A", at=4)
    session.execute("INSERT INTO sf_all.Account VALUES ('B', FALSE, NULL, NULL, 'B', NULL)")
    rows = ["A,false,,2026-01-01T02:00:00.000Z,new,", "B,false,,2026-01-01T02:00:00.000Z,new,"]
    rows += ["C,false,,2026-01-01T03:00:00.000Z,new,", "D,false,,2026-01-01T06:00:00.000Z,later,"]
    claim = Claim(T[5])
    with listed(session, ACCOUNT, [page(tmp_path, *rows)], 4, claim):
        take_over(session, ACCOUNT, claim, None)
    kept = session.execute("SELECT Id, Name, SystemModstamp FROM sf_all.Account ORDER BY Id").rows
    assert kept == [("A", "new", T[2]), ("B", "new", T[2]), ("C", "new", T[3])]


def test_a_listing_of_another_length_is_no_listing(session: DuckDBSession, tmp_path: Path) -> None:
    with (
        pytest.raises(IncompleteAnswer),
        listed(session, ACCOUNT, [page(tmp_path, "A,false,,2026-01-01T02:00:00.000Z,A,")], 2, Claim(T[5])),
    ):
        pass


# --- ledger ----------------------------------------------------------------------------------------------------------


def test_coverage_is_kept_object_by_object(session: DuckDBSession) -> None:
    first = Coverage(T[1], T[2], "why", T[3])
    save_coverage(session, "Lead", first)
    save_coverage(session, "Account", Coverage())
    assert read_coverage(session) == {"Lead": first, "Account": Coverage()}
    save_coverage(session, "Lead", Coverage(covered=T[4]))
    assert read_coverage(session)["Lead"] == Coverage(covered=T[4])


def test_the_newest_proof_of_each_object_counts(session: DuckDBSession) -> None:
    for run in ("20260101", "20260102"):
        save_proof(session, Proof(run, "Lead", T[1], 5, {"missing": 1}, "ids"))
    assert last_proofs(session) == {"Lead": Proof("20260102", "Lead", T[1], 5, {"missing": 1}, "ids")}


def test_a_mirror_of_an_older_version_has_neither(tmp_path: Path) -> None:
    with DuckDBStore(tmp_path / "old.duckdb").writing() as session:
        assert read_coverage(session) == {}
        assert last_proofs(session) == {}

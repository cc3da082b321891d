"""`sfsync mapping check` and `suggest` where the rows are those of another org: its Ids are recognised."""

from __future__ import annotations

from datetime import datetime

import pytest

from sfsync.project import find_project
from sfsync.record_ids import long_id
from sfsync.records import FieldDescribe, ObjectDescribe
from sfsync.store import ledger
from sfsync.store.duckdb import DuckDBStore
from sfsync.store.mirror import find_drift, prepare_mirror, shape_table

_ID = FieldDescribe("Id", "id", "Record ID", length=18, createable=False, updateable=False)
_CODE = FieldDescribe("Crm_Id__c", "string", "Crm Id", length=40, external_id=True, unique=True, custom=True)
ACCOUNT = ObjectDescribe(
    "Account", "Account", (_ID, FieldDescribe("Name", "string", "Account Name", length=255), _CODE), "001"
)
CONTACT = ObjectDescribe(
    "Contact",
    "Contact",
    (
        _ID,
        FieldDescribe("LastName", "string", "Last Name", length=80, nillable=False),
        FieldDescribe("AccountId", "reference", "Account ID", reference_to=("Account",), relationship_name="Account"),
        _CODE,
    ),
    "003",
)
MAPPING = "object: Contact\ndirection: push\nsource: {mirror: ../prod}\nkey: Crm_Id__c\nfields:\n  Crm_Id__c: Crm_Id__c\n  LastName: LastName\n"


def an_id(prefix, org, number):
    return long_id(f"{prefix}{org}00000000{number:03d}")


def make_project(root, org):
    """A project with a mirror of three accounts, with a contact each."""
    (root / "mappings").mkdir(parents=True)
    (root / "sfsync.yml").write_text("version: 1\n")
    store = DuckDBStore(find_project(root).store_path)
    with store.writing() as session:
        prepare_mirror(session)
        for describe in (ACCOUNT, CONTACT):
            shape_table(session, describe, find_drift(session, describe))
            ledger.save_describe(session, describe, datetime(2026, 1, 31))
            ledger.save_cursor(session, describe, datetime(2026, 1, 31), "run")
        for n in range(1, 4):
            account = an_id("001", org, n)
            session.execute(
                'INSERT INTO sf_all."Account" ("Id", "Name", "Crm_Id__c") VALUES (?, ?, ?)', [account, f"A{n}", f"a{n}"]
            )
            session.execute(
                'INSERT INTO sf_all."Contact" ("Id", "LastName", "AccountId", "Crm_Id__c") VALUES (?, ?, ?, ?)',
                [an_id("003", org, n), f"L{n}", account, f"c{n}"],
            )
    return root


@pytest.fixture
def project(tmp_path, monkeypatch):
    make_project(tmp_path / "prod", "5fA")
    made = make_project(tmp_path / "sandbox", "7xB")
    monkeypatch.chdir(made)
    return made


def test_a_draft_of_another_orgs_records_finds_parents_by_what_both_know(project, run):
    told = run("mapping", "suggest", "Contact", "--mirror", "../prod", "-o", "mappings/contact.yml")
    assert told.code == 0, told.err
    text = (project / "mappings" / "contact.yml").read_text()
    assert 'source: {mirror: "../prod"}\n' in text
    assert "  AccountId: {object: Account, by: Crm_Id__c, local: AccountId}  # 100%" in text
    assert "  # Id: Id  # 95%: values are Ids of Contact; they are Ids of another org, which find nothing here" in text
    assert "key: Crm_Id__c" in text
    checked = run("mapping", "check")
    assert checked.code == 0, checked.err


@pytest.mark.parametrize(("org", "recognised"), [("5fA", True), ("7xB", False)])
def test_a_draft_of_a_file_tells_ids_of_another_org_from_those_of_this_one(project, run, org, recognised):
    rows = "".join(f"L{n},{an_id('001', org, n)[: 15 if n == 2 else 18]},c{n}\n" for n in range(1, 4))
    (project / "contacts.csv").write_text("Last Name,Account ID,Crm Id\n" + rows)
    told = run("mapping", "suggest", "Contact", "--source", "contacts.csv")
    assert told.code == 0, told.err
    foreign = "# AccountId: {object: Account, by: Crm_Id__c, local: Account ID}"
    assert (foreign in told.out) is recognised
    assert (
        "its values are Ids of another org: the source has to give the parent's Crm_Id__c" in told.out
    ) is recognised
    assert ("\n  AccountId: Account ID  #" in told.out) is not recognised


def test_check_tells_of_ids_of_another_org_at_their_line(project, run):
    (project / "mappings" / "contact.yml").write_text(MAPPING + "  AccountId: AccountId\n")
    told = run("mapping", "check")
    assert told.code == 2
    assert "mappings/contact.yml:8:3: the Ids of `AccountId` are those of another org" in told.err
    assert (
        "`lookups: {AccountId: {object: Account, by: Crm_Id__c, local: AccountId}}` finds the same record" in told.err
    )


def test_check_reads_another_orgs_mirror_and_counts_what_would_be_refused(project, run):
    text = MAPPING.replace("LastName: LastName", "LastName: {local: LastName, values: {A: L1}, otherwise: fail}")
    (project / "mappings" / "contact.yml").write_text(text)
    told = run("mapping", "check")
    assert told.code == 0, told.err
    assert "mappings/contact.yml:7:3: 2 rows: LastName" in told.err


def test_check_counts_ids_of_a_file_that_this_org_does_not_have(project, run):
    (project / "contacts.csv").write_text(
        f"id,name,account\nc1,L,{an_id('001', '5fA', 1)}\nc2,L,{an_id('001', '7xB', 1)}\n"
    )
    (project / "mappings" / "contact.yml").write_text(
        "object: Contact\ndirection: push\nsource: contacts.csv\nkey: Crm_Id__c\n"
        "fields:\n  Crm_Id__c: id\n  LastName: name\n  AccountId: account\n"
    )
    told = run("mapping", "check")
    assert told.code == 0, told.err
    assert "mappings/contact.yml:8:3: 1 rows: AccountId: no Account of this org has the Id `0015fA" in told.err


def test_one_thing_is_drafted_from(project, run):
    assert run("mapping", "suggest", "Contact").code == 2
    assert run("mapping", "suggest", "Contact", "--mirror", "../prod", "--table", "crm.x").code == 2

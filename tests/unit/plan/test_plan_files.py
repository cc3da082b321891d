"""Plans as files: what is written comes back, and what was changed by hand does not."""

from __future__ import annotations

import hashlib
import json
import random
import re
import stat

import duckdb
import pytest

from sfsync.errors import UsageError
from sfsync.records import FieldDescribe
from sfsync.sync.plan import lines
from sfsync.sync.plan.lines import fingerprint_of
from sfsync.sync.plan.plan_file import load_plan, read_plan, write_plan
from sfsync.sync.plan.stored import latest_plan, read_stored_plan
from sfsync.sync.plan.values import some_text

from .planning import Desk, lead_mapping

FIELDS = (
    "{Crm_Id__c: id, LastName: name, Company: {local: company, null: keep}, Description: {local: about, null: clear}}"
)
HOSTILE = ['quote " \\ back', "new\nline", "\u2028 separator", "=1+1", "</script>", "ünï", "\x01", '{"no":1}', "]}"]


@pytest.fixture
def desk(tmp_path):
    made = Desk(tmp_path)
    made.mirrored("Lead", {"Crm_Id__c": "c0", "LastName": "Ada", "Company": "Acme", "Description": "there"})
    rows = [{"id": "c0", "name": "Ada", "company": "Globex", "about": None}, {"id": None, "name": "?"}]
    rows += [{"id": f"n{n}", "name": "N", "company": "C", "about": text} for n, text in enumerate(HOSTILE)]
    made.local("leads", rows)
    return made


@pytest.fixture
def plan(desk):
    return desk.plan(lead_mapping(FIELDS))


@pytest.fixture
def file(desk, plan, tmp_path):
    path = tmp_path / "plan.json"
    with desk.store.reading() as session:
        write_plan(session, plan, path)
    return path


def test_the_file_is_json_with_a_change_a_line_for_its_owner_alone(desk, plan, file):
    found = json.loads(file.read_text())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert (found["sfsync_plan"], found["id"], found["fingerprint"]) == (1, plan.id, plan.fingerprint)
    assert [change["no"] for change in found["changes"]] == [row["change_no"] for row in desk.rows(plan)]
    assert found["changes"][-1] == {
        "no": len(HOSTILE) + 2,
        "step": 2,
        "object": "Lead",
        "action": "update",
        "id": desk.rows(plan)[-1]["record_id"],
        "key": "c0",
        "source_row": 1,
        "stamp": "2026-01-30T09:00:00.000Z",
        "fields": {"Company": {"before": "Acme", "after": "Globex"}, "Description": {"before": "there", "after": None}},
    }
    assert "the row has no Crm_Id__c" in found["changes"][0]["refused"]
    lines_of_changes = [line for line in file.read_text().split("\n") if line.startswith('{"no":')]
    assert len(lines_of_changes) == len(found["changes"])


def test_a_plan_comes_back_as_it_was(desk, plan, file, tmp_path):
    assert read_plan(file) == plan
    (tmp_path / "elsewhere").mkdir()
    other = Desk(tmp_path / "elsewhere")
    with other.store.writing() as session:
        loaded = load_plan(session, file)
        assert loaded == plan
        assert read_stored_plan(session, plan.id) == plan
        assert fingerprint_of(session, plan) == plan.fingerprint
        again = tmp_path / "again.json"
        write_plan(session, loaded, again)
    assert again.read_bytes() == file.read_bytes()
    for here, there in zip(desk.rows(plan), other.rows(plan), strict=True):
        written = [name.removesuffix(".set") for name, value in here.items() if name.endswith(".set") and value]
        kept = {"change_no", "record_id", "key", "source_row", "refused", "note", "org_stamp", *written}
        assert {name: here[name] for name in kept} == {name: there[name] for name in kept}


def test_loading_a_plan_that_is_there_changes_nothing(desk, plan, file):
    with desk.store.writing() as session:
        assert load_plan(session, file) == plan
        assert session.execute("SELECT count(*) FROM sfsync.plans").scalar() == 1


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Globex", "Hooli"),
        ('"no":1,', '"no":1, '),
        ('"row_count": 1', '"row_count": 2'),
        ('"action": "update"', '"action": "delete"'),
        ('"sfsync_plan": 1', '"sfsync_plan": "1"'),
        ("m1.yml", "m2.yml"),
        ("2026-01-31T12", "2026-01-31T13"),
        ('"changes": [', '"changes": [ '),
        ('"}\n', '"}\n\n'),
        ('"seal": "', '"seal": "0'),
        ("\n], ", ""),
    ],
)
def test_a_plan_that_was_changed_by_hand_is_refused(desk, file, before, after):
    text = file.read_text()
    assert before in text
    file.write_text(text.replace(before, after, 1))
    if after == '"changes": [ ':
        read_plan(file)  # a blank at the end of a line of the head says nothing
        return
    with pytest.raises(UsageError):
        read_plan(file)


def test_any_single_character_counts(file):
    text, chance = file.read_text(), random.Random(7)
    for _ in range(60):
        at = chance.randrange(len(text))
        changed = text[:at] + ("x" if text[at] != "x" else "y") + text[at + 1 :]
        file.write_text(changed)
        with pytest.raises(UsageError):
            read_plan(file)
    file.write_text(text)
    read_plan(file)


@pytest.mark.parametrize("count", ["-1", '"2"', "null", "1e9"])
def test_a_number_of_changes_that_is_none_is_not_believed(file, count):
    text = file.read_text()
    file.write_text(re.sub(r'"row_count": \d+', f'"row_count": {count}', text, count=1))
    assert file.read_text() != text
    with pytest.raises(UsageError, match="not as sfsync wrote it"):
        read_plan(file)


def test_what_is_no_plan_is_said_to_be_none(tmp_path):
    path = tmp_path / "plan.json"
    for content in (
        b"",
        b"{}",
        b"[1]\n",
        b"\xff\xfe",
        b'{\n"changes": [\n]}\n',
        b'{\n"sfsync_plan": 9,\n"changes": [\n]}\n',
    ):
        path.write_bytes(content)
        with pytest.raises(UsageError):
            read_plan(path)
    with pytest.raises(UsageError, match="cannot be read"):
        read_plan(tmp_path / "none.json")


def test_a_changed_table_changes_the_fingerprint(desk, plan):
    with desk.store.writing() as session:
        assert fingerprint_of(session, plan) == plan.fingerprint
        session.execute(f"""UPDATE {plan.steps[1].table} SET "Company" = 'Hooli'""")
        assert fingerprint_of(session, plan) != plan.fingerprint


EDITS = {
    "record_id": "'00Q000000000009AAA'",
    "key": "'c9'",
    "source_row": "source_row + 1",
    "change_no": "change_no + 1",
    "refused": "'not now'",
    "note": "'look at this'",
    "org_stamp": "TIMESTAMP '2026-01-01 00:00:00'",
    "Company": "'null'",
    "Description.before": "'elsewhere'",
    "Company.set": 'NOT "Company.set"',
}


@pytest.mark.parametrize("step", [0, 1])
@pytest.mark.parametrize("column", EDITS)
def test_whatever_a_row_of_the_table_says_counts(desk, plan, step, column):
    if step == 0:  # of a new record nothing was there before: any text is one too many
        assert plan.steps[step].action == "create"
    with desk.store.writing() as session:
        session.execute(f'UPDATE {plan.steps[step].table} SET "{column}" = {EDITS[column]}')
        assert fingerprint_of(session, plan) != plan.fingerprint


def test_two_rows_that_change_places_are_not_the_same_plan(desk, plan):
    table = plan.steps[0].table
    with desk.store.writing() as session:
        session.execute(f"UPDATE {table} SET change_no = 5 - change_no WHERE change_no IN (2, 3)")
        assert fingerprint_of(session, plan) != plan.fingerprint


def test_a_row_that_is_missing_or_more_is_not_the_same_plan(desk, plan):
    table = plan.steps[0].table
    with desk.store.writing() as session:
        session.execute(f"INSERT INTO {table} SELECT * REPLACE (99 AS change_no) FROM {table} WHERE change_no = 2")
        assert fingerprint_of(session, plan) != plan.fingerprint
        session.execute(f"DELETE FROM {table} WHERE change_no = 99")
        assert fingerprint_of(session, plan) == plan.fingerprint
        session.execute(f"DELETE FROM {table} WHERE change_no = 2")
        assert fingerprint_of(session, plan) != plan.fingerprint


def test_a_file_that_was_edited_and_sealed_anew_is_no_plan_of_any_store(desk, plan, file, tmp_path):
    head, changes = file.read_text().split('"changes": [\n')
    changes = changes[: changes.index('], "seal"')].replace("Globex", "Hooli")
    seal = hashlib.sha256(changes.encode()).hexdigest()
    file.write_text(f'{head}"changes": [\n{changes}], "seal": "{seal}"}}\n')
    assert json.loads(file.read_text())["changes"][-1]["fields"]["Company"]["after"] == "Hooli"
    (tmp_path / "elsewhere").mkdir()
    other = Desk(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="not as sfsync wrote it"), other.store.writing() as session:
        load_plan(session, file)
    with other.store.reading() as session:
        assert latest_plan(session) is None
    # Where the plan is kept, nobody who has reviewed this file may take it for what would be applied.
    with pytest.raises(UsageError, match="not as sfsync wrote it"), desk.store.writing() as session:
        load_plan(session, file)
    with desk.store.reading() as session:
        assert fingerprint_of(session, read_stored_plan(session, plan.id)) == plan.fingerprint
    assert [row["Company"] for row in desk.rows(plan)][-1] == "Globex"


def test_a_file_with_fewer_changes_than_its_plan_is_not_that_plan(desk, plan, file):
    shorter = json.loads(file.read_text())["changes"]
    step = max(plan.steps, key=lambda each: each.row_count)
    gone = next(each["no"] for each in shorter if each["step"] == step.step)
    with desk.store.writing() as session:
        session.execute(f"DELETE FROM {step.table} WHERE change_no = ?", [gone])
    with pytest.raises(UsageError, match="not as sfsync wrote it"), desk.store.writing() as session:
        load_plan(session, file)


@pytest.mark.parametrize(
    ("text", "kept"),
    [("a", True), (" a", True), ("~", True), ("~\u00e9", True), ("\u00e9", True), ("!", True), ("\x7f", True)]
    + [(blank, False) for blank in ("", " ", "\t", "\u00a0", "\u2003\u3000", "\ufeff")],
)
def test_a_text_of_blanks_alone_is_none(text, kept):
    described = FieldDescribe(name="Title", type="string", label="Title", length=80)
    found = duckdb.execute(f"SELECT {some_text('x', described)} FROM (SELECT ?::VARCHAR AS x)", [text]).fetchall()
    assert found == [(text if kept else None,)]


def test_many_changes_are_written_a_part_at_a_time(desk, plan, tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "CHUNK", 3)
    monkeypatch.setattr("sfsync.sync.plan.plan_file.CHUNK", 3)
    path = tmp_path / "plan.json"
    plan = desk.plan(lead_mapping(FIELDS))
    with desk.store.reading() as session:
        write_plan(session, plan, path)
    assert read_plan(path) == plan
    assert len(json.loads(path.read_text())["changes"]) == len(HOSTILE) + 2

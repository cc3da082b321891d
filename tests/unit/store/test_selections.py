from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest

from sfsync.errors import IncompleteAnswer
from sfsync.records import FieldDescribe, ObjectDescribe
from sfsync.store.drift import find_drift
from sfsync.store.duckdb import DuckDBStore
from sfsync.store.leavers import Listed, take_out_leavers
from sfsync.store.ledger import save_cursor
from sfsync.store.mirror import object_states, prepare_mirror, shape_table
from sfsync.store.selections import KeptSelection, read_selections, save_selection

NOON, LATER = datetime(2026, 1, 31, 12), datetime(2026, 1, 31, 13)
LEAD = ObjectDescribe(
    "Lead",
    "Lead",
    (FieldDescribe("Id", "id"), FieldDescribe("SystemModstamp", "datetime"), FieldDescribe("Email", "email")),
)
IDS = ObjectDescribe("Lead", "Lead", LEAD.fields[:2])
CHOSEN = KeptSelection(
    fields=("Email", "Status"),
    filter="Email != null",
    since=date(2024, 1, 1),
    digest="abc",
    exclude=(),
    timezone="Asia/Tokyo",
    where="CreatedDate >= 2023-12-31T15:00:00Z AND (Email != null)",
)


@pytest.fixture
def store(tmp_path: Path) -> DuckDBStore:
    store = DuckDBStore(tmp_path / "mirror.duckdb")
    with store.writing() as session:
        prepare_mirror(session)
        shape_table(session, LEAD, find_drift(session, LEAD))
        session.execute("INSERT INTO sf_all.Lead (Id, SystemModstamp) SELECT 'L' || i, ? FROM range(6) AS r(i)", [NOON])
        save_cursor(session, LEAD, NOON, "run")
    return store


def listed(folder: Path, describe: ObjectDescribe, name: str, *rows: tuple[str, str], more: int = 0) -> Listed:
    path = folder / f"{name}.csv"
    header = ",".join(f.name for f in describe.fields)
    lines = [",".join((*row, *[""] * (len(describe.fields) - 2))) for row in rows]
    path.write_text("\n".join([header, *lines]) + "\n")
    return Listed(describe, [path], len(rows) + more)


def test_a_selection_is_kept_with_the_object_and_forgotten_with_it(store: DuckDBStore) -> None:
    with store.writing() as session:
        save_selection(session, "Lead", CHOSEN)
        assert read_selections(session) == {"Lead": CHOSEN}
        assert object_states(session)["Lead"].selection == CHOSEN
        save_selection(session, "Lead", KeptSelection(timezone="Asia/Tokyo"))
        assert read_selections(session) == {}
        assert object_states(session)["Lead"].selection.is_everything


def test_a_mirror_of_an_earlier_version_holds_everything(store: DuckDBStore) -> None:
    with store.writing() as session:
        session.execute("DROP TABLE sfsync.selections")
        assert object_states(session)["Lead"].selection.is_everything


def test_a_selection_is_told_in_words_and_to_programs() -> None:
    assert str(CHOSEN) == "only records created since 2024-01-01 (Asia/Tokyo), where Email != null"
    assert CHOSEN.fields_told == "only fields Email, Status"
    assert KeptSelection(exclude=("Email",)).fields_told == "all fields but Email"
    assert (str(KeptSelection()), KeptSelection().fields_told, KeptSelection().as_json()) == ("", "", None)
    assert CHOSEN.born == "CreatedDate >= 2023-12-31T15:00:00Z"


def test_only_what_was_listed_and_not_selected_is_taken_out(store: DuckDBStore, tmp_path: Path) -> None:
    with store.writing() as session:
        everyone = listed(
            tmp_path,
            IDS,
            "everyone",
            ("L0", "2026-01-31T12:30:00.000Z"),
            ("L1", "2026-01-31T12:30:00.000Z"),
            ("L2", "2026-01-31T11:59:59.000Z"),  # before the window
            ("L3", "2026-01-31T13:00:00.000Z"),  # after it
            ("L9", "2026-01-31T12:30:00.000Z"),  # was never in the mirror
        )
        selected = listed(tmp_path, LEAD, "selected", ("L1", "2026-01-31T12:30:00.000Z"))
        assert take_out_leavers(session, everyone, selected, (NOON, LATER), LATER) == 1
        left = {row[0] for row in session.execute("SELECT Id FROM sf_all.Lead")}
        kept = session.execute("SELECT Id, valid_to FROM sf_history.Lead").rows
    assert left == {"L1", "L2", "L3", "L4", "L5"}
    assert kept == [("L0", LATER)]


def test_without_history_nothing_stays_of_what_left(store: DuckDBStore, tmp_path: Path) -> None:
    with store.writing() as session:
        everyone = listed(tmp_path, IDS, "everyone", ("L0", "2026-01-31T12:30:00.000Z"))
        assert take_out_leavers(session, everyone, listed(tmp_path, LEAD, "selected"), (None, None), None) == 1
        schemas = session.execute("SELECT 1 FROM information_schema.tables WHERE table_schema = 'sf_history'").rows
    assert not schemas


@pytest.mark.parametrize("which", ["everyone", "selected"])
def test_an_incomplete_listing_takes_nothing_out(store: DuckDBStore, tmp_path: Path, which: str) -> None:
    everyone = listed(tmp_path, IDS, "everyone", ("L0", "2026-01-31T12:30:00.000Z"), more=which == "everyone")
    selected = listed(tmp_path, LEAD, "selected", more=which == "selected")
    with pytest.raises(IncompleteAnswer), store.writing() as session:
        take_out_leavers(session, everyone, selected, (None, None), None)
    assert store.query("SELECT count(*) FROM sf_all.Lead").rows().scalar() == 6

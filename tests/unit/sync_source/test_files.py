"""A query over several files: what is in two of them and belongs to one record."""

from __future__ import annotations

import pytest

from sfsync.errors import SourceError
from sfsync.mapping.source_spec import SourceSpec
from sfsync.sync.source import load_source


@pytest.fixture
def joined(session, tmp_path):
    """Two files and a query over them."""
    (tmp_path / "leads.csv").write_text("id,zip\n007,01001\n008,\n")
    (tmp_path / "deals.csv").write_text("id;won\n007;31.01.2026\n")

    def run(query, **more):
        files = {"leads": SourceSpec(file="leads.csv"), "deals": SourceSpec(file="deals.csv", delimiter=";")}
        return load_source(session, SourceSpec(files=files, query=query, **more), "both", root=tmp_path)

    return run


def test_values_of_joined_files_stay_the_texts_they_are(joined, rows):
    source = joined("SELECT * FROM leads LEFT JOIN deals USING (id) ORDER BY id")
    assert rows(source) == [(1, "007", "01001", "31.01.2026"), (2, "008", None, None)]
    assert set(source.columns.values()) == {"VARCHAR"}
    assert source.shown_as == "a query of leads.csv and deals.csv"
    assert "leads.csv: 2 rows, 2 columns" in source.notes


def test_the_names_of_files_are_gone_after_the_query(joined, session):
    joined("SELECT * FROM leads")
    tables = session.execute("SELECT table_name FROM information_schema.tables").rows
    assert tables == [("sfsync_source_both",)]


def test_a_file_hides_a_table_of_the_store_of_the_same_name_while_the_query_runs(joined, session, rows):
    session.execute("CREATE TABLE leads AS SELECT 'the store' AS id")
    assert rows(joined("SELECT id FROM leads ORDER BY id")) == [(1, "007"), (2, "008")]
    assert session.execute("SELECT id FROM leads").rows == [("the store",)]


@pytest.mark.parametrize(
    ("query", "message"),
    [("SELECT * FROM clients", "the store refuses it"), ("DROP TABLE leads", "it is not one SELECT")],
)
def test_a_query_that_cannot_be_answered_says_so(joined, query, message):
    with pytest.raises(SourceError, match=message):
        joined(query)


def test_a_file_that_is_not_there_is_named(session, tmp_path):
    spec = SourceSpec(files={"a": SourceSpec(file="gone.csv")}, query="SELECT * FROM a")
    with pytest.raises(SourceError, match=r"gone\.csv: there is no such file"):
        load_source(session, spec, "x", root=tmp_path)

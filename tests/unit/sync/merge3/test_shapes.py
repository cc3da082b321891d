"""Two-way tables come, change with their mapping and go, and lose nothing on the way."""

from __future__ import annotations

import pytest

from sfsync.errors import MappingError, UsageError
from sfsync.mapping.check import check_mappings
from sfsync.mapping.load import parse_mapping
from sfsync.mapping.schema import SourceSpec
from sfsync.mapping.two_way import two_way_table
from sfsync.sync.merge3.edited_file import take_edits
from sfsync.sync.source.load import load_source

from .sides import DESCRIBES, lead_id, two_way


def pulling(fields="{LastName: name, Email: email}"):
    return parse_mapping(f"object: Lead\ntable: crm.leads\nfields: {fields}\n", "m.yml")


def kind(b):
    found = b.sql("SELECT table_type FROM information_schema.tables WHERE table_schema = 'crm'")
    return [each for (each,) in found]


def test_a_view_becomes_a_table_and_a_view_again(bench):
    b = bench(fields="{LastName: name, Email: email}")
    rows = b.sql("SELECT * FROM crm.leads ORDER BY 1")
    for mapping, expected in ((pulling(), "VIEW"), (b.mapping, "BASE TABLE"), (pulling(), "VIEW")):
        b.merge(mapping)
        assert kind(b) == [expected]
        assert b.sql("SELECT * FROM crm.leads ORDER BY 1") == rows
    assert b.sql("SELECT count(*) FROM information_schema.tables WHERE table_schema = 'sfsync_base'") == [(0,)]


def test_a_table_with_unsent_edits_does_not_become_a_view(bench):
    b = bench(fields="{LastName: name, Email: email}")
    b.edit(1, email="mine@example.com")
    with pytest.raises(MappingError, match=r"`crm.leads` has 1 rows with edits that the org does not have"):
        b.merge(pulling())
    assert b.row(1, "email") == ("mine@example.com",)


def test_a_table_with_columns_of_yours_does_not_become_a_view(bench):
    b = bench(fields="{LastName: name, Email: email}")
    b.sql("ALTER TABLE crm.leads ADD COLUMN note VARCHAR")
    b.sql("UPDATE crm.leads SET note = 'mine'")
    with pytest.raises(MappingError, match=r"columns of yours .`note`."):
        b.merge(pulling())


@pytest.mark.parametrize("edited", [True, False])
def test_a_table_whose_mapping_is_gone_goes_unless_it_was_edited(bench, edited):
    b = bench()
    if edited:
        b.edit(1, email="mine@example.com")
    b.merge(parse_mapping("object: User\ntable: crm.users\nfields: {Email: email}\n", "u.yml"))
    tables = b.sql("SELECT table_name FROM information_schema.tables WHERE table_schema = 'crm' ORDER BY 1")
    assert tables == ([("leads",), ("users",)] if edited else [("users",)])
    b.merge()
    assert b.row(1, "email") == ("mine@example.com" if edited else "ada@example.com",)


def test_a_table_of_yours_is_not_taken_over(bench):
    b = bench()
    b.sql("CREATE TABLE crm.others AS SELECT 42 AS precious")
    with pytest.raises(MappingError, match=r"a table `crm.others` that sfsync did not make"):
        b.merge(parse_mapping("object: Lead\ntable: crm.others\ndirection: both\nfields: {Email: email}\n", "m.yml"))
    assert b.sql("SELECT precious FROM crm.others") == [(42,)]


def test_a_column_that_a_mapping_adds_is_filled_from_the_org(bench):
    b = bench(fields="{LastName: name}")
    b.edit(1, name="Mine")
    b.mapping = two_way(fields="{LastName: name, Email: email}")
    b.merge()
    assert b.row(1, "name, email") == ("Mine", "ada@example.com")
    assert b.base(1, "name, email") == ("Ada", "ada@example.com")


def test_a_column_of_yours_that_a_mapping_takes_up_keeps_what_you_put_there(bench):
    b = bench(fields="{LastName: name}")
    b.sql("ALTER TABLE crm.leads ADD COLUMN email VARCHAR")
    b.edit(1, email="mine@example.com")
    b.mapping = two_way(fields="{LastName: name, Email: email}")
    b.merge()
    assert b.row(1, "email") == ("mine@example.com",)
    assert b.row(2, "email") == ("bob@example.com",)
    assert [(each.local, each.org) for each in b.conflicts()] == [("mine@example.com", "ada@example.com")]


def test_a_renamed_column_keeps_its_edits(bench):
    b = bench(fields="{LastName: name, Email: email}")
    b.edit(1, email="mine@example.com")
    b.mapping = two_way(fields="{LastName: name, Email: mail}")
    b.merge()
    assert b.row(1, "mail") == ("mine@example.com",)
    assert b.base(1, "mail") == ("ada@example.com",)
    assert b.conflicts() == []


@pytest.mark.parametrize("edited", [True, False])
def test_a_column_that_a_mapping_drops_goes_unless_it_was_edited(bench, edited):
    b = bench(fields="{LastName: name, Email: email}")
    if edited:
        b.edit(1, email="mine@example.com")
    b.mapping = two_way(fields="{LastName: name}")
    b.merge()
    columns = b.sql("SELECT column_name FROM information_schema.columns WHERE table_schema = 'crm' ORDER BY 1")
    assert columns == ([("email",), ("name",), ("sf_id",)] if edited else [("name",), ("sf_id",)])
    assert b.row(1, "name") == ("Ada",)


def test_a_table_that_somebody_dropped_is_made_again(bench):
    b = bench()
    b.sql("DROP TABLE crm.leads")
    b.merge()
    assert len(b.sql("SELECT * FROM crm.leads")) == 3


def test_newest_needs_a_column_that_says_when(bench):
    text = "object: Lead\ntable: crm.leads\ndirection: both\n{}fields: {}\n"
    for top, fields, at in (
        ("conflicts: newest\n", "{Email: email}", "m.yml:4:12"),
        ("", "{Email: {local: email, conflicts: newest}}", "m.yml:4:43"),
    ):
        (problem,) = check_mappings([parse_mapping(text.format(top, fields), "m.yml")], DESCRIBES)
        assert str(problem).startswith(f"{at}: `newest` needs to know when a local row was changed")
    dated = parse_mapping(text.format("conflicts: newest\nmodified: at\n", "{Email: email}"), "m.yml")
    assert check_mappings([dated], DESCRIBES) == []


def take(b, text, folder):
    (folder / "edited.csv").write_text(text)
    with b.store.writing() as session:
        loaded = load_source(session, SourceSpec(file=str(folder / "edited.csv")), "file")
        return take_edits(session, two_way_table(session, b.mapping, DESCRIBES), loaded)


def test_a_file_brings_its_edits_and_nothing_else(bench, tmp_path):
    b = bench()
    text = (
        "sf_id,name,email,revenue,colour\n"
        f"{lead_id(1)},Ada,mine@example.com,10.0,red\n"
        f"{lead_id(2)},Bob,bob@example.com,12.5,blue\n"
        ",Zoe,zoe@example.com,,green\n"
    )
    b.edit(1, name="Since")  # after the file was written
    b.org(2, Email="theirs@example.com")
    b.merge()
    b.org(3, Email="late@example.com")
    taken = take(b, text.replace("bob@example.com", "theirs@example.com"), tmp_path)
    assert (taken.edited, taken.added, taken.ignored) == (2, 1, ("colour",))
    assert b.row(1) == ("Since", "mine@example.com", "1", 10.0)
    assert b.row(2) == ("Bob", "theirs@example.com", "1", 12.5)
    assert b.row(3)[1] == "late@example.com"
    assert b.sql("SELECT name, phone FROM crm.leads WHERE sf_id LIKE 'new:%'") == [("Zoe", None)]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("00Q999999999999EAA,X,1\n", "row 1: 00Q999999999999EAA is not in crm.leads"),
        (f"{lead_id(1)},X,1\n{lead_id(1)},Y,1\n", f"{lead_id(1)} stands in several rows"),
        (f"{lead_id(1)},X,much\n", "revenue: much is no DOUBLE"),
    ],
)
def test_a_file_with_rows_that_cannot_be_taken_changes_nothing(bench, tmp_path, rows, told):
    b = bench()
    with pytest.raises(UsageError) as caught:
        take(b, f"sf_id,name,revenue\n{rows}", tmp_path)
    assert told in caught.value.message
    assert b.row(1)[0] == "Ada"


def test_a_file_without_ids_is_refused(bench, tmp_path):
    with pytest.raises(UsageError, match="has no column `sf_id`"):
        take(bench(), "name\nAda\n", tmp_path)


def test_a_row_without_an_id_is_added_once_however_often_the_file_is_imported(bench, tmp_path):
    b = bench()
    text = "sf_id,name,email\n,Zoe,zoe@example.com\n,Zoe,zoe@example.com\n,Kim,\n"
    first, again = take(b, text, tmp_path), take(b, text, tmp_path)
    assert [(each.added, each.known) for each in (first, again)] == [(3, 0), (0, 3)]
    b.merge()
    assert take(b, text + ",Kim,kim@example.com\n", tmp_path).added == 1
    b.sql("DELETE FROM crm.leads WHERE name = 'Zoe'")
    back = take(b, text, tmp_path)
    assert (back.added, back.known) == (2, 1)


def test_a_row_that_has_become_a_record_is_not_added_again(bench, tmp_path):
    b = bench("external_id: Crm_Id__c\n", "{LastName: name, Crm_Id__c: key}")
    text = "sf_id,name,key\n,Zoe,k1\n"
    assert take(b, text, tmp_path).added == 1
    b.org(7, LastName="Zoe", Crm_Id__c="K1")
    b.merge()
    assert b.row(7, "name") == ("Zoe",)
    b.org(7, LastName="Theirs")
    b.merge()
    assert take(b, text, tmp_path).known == 1
    b.merge()
    assert b.sql("SELECT name FROM crm.leads WHERE key ILIKE 'k1'") == [("Theirs",)]
    with pytest.raises(UsageError, match=f"row 1: {lead_id(7)} has this key already"):
        take(b, "sf_id,name,key\n,Zoe2,k1\n", tmp_path)


def test_a_row_that_was_new_when_the_file_was_written_is_found_when_it_has_become_a_record(bench, tmp_path):
    b = bench("external_id: Crm_Id__c\n", "{LastName: name, Crm_Id__c: key}")
    take(b, "sf_id,name,key\n,Zoe,k1\n", tmp_path)
    ((name,),) = b.sql("SELECT sf_id FROM crm.leads WHERE key = 'k1'")
    assert name.startswith("new:")
    b.org(7, LastName="Zoe", Crm_Id__c="k1")
    b.merge()
    assert take(b, f"sf_id,name,key\n{name},Zoe2,k1\n", tmp_path).edited == 1
    assert b.row(7, "name") == ("Zoe2",)


def test_ids_of_15_characters_are_those_of_their_records(bench, tmp_path):
    b = bench()
    taken = take(b, f"sf_id,email\n{lead_id(1)[:15]},mine@example.com\n", tmp_path)
    assert (taken.edited, taken.added) == (1, 0)
    assert b.row(1)[1] == "mine@example.com"


def test_a_file_that_spells_values_anew_has_not_edited_them(bench, tmp_path):
    b = bench(fields="{LastName: name, AnnualRevenue: {local: revenue, transform: {number: de}}}")
    text = f'sf_id,name,revenue\n{lead_id(1)},Ada,"10,00"\n{lead_id(2)},Bob,"12,00"\n'
    taken = take(b, text, tmp_path)
    assert (taken.edited, taken.added) == (1, 0)
    assert (b.row(1, "revenue"), b.row(2, "revenue")) == (("10",), ("12,00",))

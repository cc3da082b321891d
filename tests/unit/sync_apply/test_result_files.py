"""Result files: every change with its row, its record and its fault."""

from __future__ import annotations

import csv

from sfsync.mapping.load import parse_mapping
from sfsync.sync.apply.result_files import ResultFiles
from sfsync.sync.plan.choose import with_source
from sfsync.sync.plan.make import make_plan


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_each_change_stands_in_the_file_of_its_state(world, make_step, leads, tmp_path):
    changes = leads(4, Title="=HYPERLINK(1)")
    changes[1]["Company"] = None
    changes[2]["refused"] = "too long"
    plan = world.plan(make_step("Lead", "create", changes, key_field="Crm_Id__c"))
    world.apply(plan)
    written = ResultFiles(tmp_path / "out").write(world.store, plan)
    assert written == {"done": 2, "rejected": 1, "unprocessed": 0, "unknown": 0, "refused": 1}
    (rejected,) = rows(tmp_path / "out" / "rejected.csv")
    assert (rejected["code"], rejected["source_row"], rejected["Crm_Id__c"]) == ("REQUIRED_FIELD_MISSING", "2", "c1")
    done = rows(tmp_path / "out" / "done.csv")
    assert {each["Id"] for each in done} == {each["Id"] for each in world.records("Lead", "LastName")}
    assert {each["Title"] for each in done} == {"=HYPERLINK(1)"}
    assert oct((tmp_path / "out" / "done.csv").stat().st_mode)[-3:] == "600"
    ResultFiles(tmp_path / "safe", excel_safe=True).write(world.store, plan)
    assert {each["Title"] for each in rows(tmp_path / "safe" / "done.csv")} == {"'=HYPERLINK(1)"}


def test_columns_that_no_mapping_names_stand_in_the_files_too(world, tmp_path):
    source = tmp_path / "leads.csv"
    source.write_text("name,company,key,memo\nAda,Engines,c1,first\nBob,,c2,second\n", "utf-8")
    mapping = parse_mapping(
        f"""
        object: Lead
        direction: push
        external_id: Crm_Id__c
        source: {source}
        fields: {{LastName: name, Company: company, Crm_Id__c: key}}
        """,
        "lead.yml",
    )
    plan = make_plan(world.store, [mapping])
    world.apply(plan.id)
    ResultFiles(tmp_path / "out", [mapping]).write(world.store, plan.id)
    (done,) = rows(tmp_path / "out" / "done.csv")
    assert (done["memo"], done["name"], done["LastName"]) == ("first", "Ada", "Ada")
    (refused,) = rows(tmp_path / "out" / "refused.csv")
    assert (refused["memo"], refused["source_row"]) == ("second", "2")
    # As many rows as before, and not the same: what stands in them now is not what was sent.
    source.write_text("name,company,key,memo\nBob,,c2,second\nAda,Engines,c1,first\n", "utf-8")
    files = ResultFiles(tmp_path / "later", [mapping])
    files.write(world.store, plan.id)
    assert files.notes
    assert "memo" not in rows(tmp_path / "later" / "done.csv")[0]


def test_columns_that_differ_in_capitals_alone_keep_their_names(world, tmp_path):
    source = tmp_path / "leads.csv"
    source.write_text("lastname,COMPANY,crm_id__c,Id,change order,=cmd|x\nAda,Engines,c1,own,7,-3\n", "utf-8")
    mapping = parse_mapping(
        f"""
        object: Lead
        direction: push
        external_id: Crm_Id__c
        source: {source}
        fields: {{LastName: lastname, Company: company, Crm_Id__c: crm_id__c}}
        """,
        "lead.yml",
    )
    plan = make_plan(world.store, [mapping])
    world.apply(plan.id)
    ResultFiles(tmp_path / "out", [mapping], excel_safe=True).write(world.store, plan.id)
    (done,) = rows(tmp_path / "out" / "done.csv")
    (lead,) = world.records("Lead", "LastName")
    assert (done["Id"], done["Id (source)"], done["change order"]) == (lead["Id"], "own", "7")
    assert (done["lastname"], done["LastName (sent)"], done["Company (sent)"]) == ("Ada", "Ada", "Engines")
    assert done["'=cmd|x"] == "'-3"


def test_the_rows_are_those_of_the_file_that_the_plan_was_made_of(world, tmp_path):
    for name, memo in (("leads.csv", "own"), ("other.csv", "other")):
        (tmp_path / name).write_text(f"name;company;key;memo\nAda;Engines;c1;{memo}\n", "utf-8")
    text = """
        object: Lead
        direction: push
        external_id: Crm_Id__c
        source: {{file: {file}, delimiter: ";"}}
        fields: {{LastName: name, Company: company, Crm_Id__c: key}}
        """
    mapping = parse_mapping(text.format(file=tmp_path / "leads.csv"), "lead.yml")
    plan = make_plan(world.store, [mapping], sources=with_source([mapping], tmp_path / "other.csv"))
    world.apply(plan.id)
    files = ResultFiles(tmp_path / "out", [mapping])
    files.write(world.store, plan.id)
    assert files.notes == []
    (done,) = rows(tmp_path / "out" / "done.csv")
    assert (done["memo"], done["name"]) == ("other", "Ada")


def test_what_is_left_out_of_the_files_is_told_once(world, tmp_path):
    source = tmp_path / "leads.csv"
    source.write_text("name,company,key,memo\nAda,Engines,c1,first\n", "utf-8")
    text = f"""
        object: Lead
        direction: push
        external_id: Crm_Id__c
        source: {source}
        fields: {{{{LastName: name, Company: company, Crm_Id__c: key{{more}}}}}}
        """
    mapping = parse_mapping(text.format(more=""), "lead.yml")
    plan = make_plan(world.store, [mapping])
    world.apply(plan.id)
    files = ResultFiles(tmp_path / "out", [parse_mapping(text.format(more=", Title: memo"), "lead.yml")])
    files.write(world.store, plan.id)
    assert files.notes == ["lead.yml has changed: the columns of its source are left out of the result files"]
    source.unlink()
    files = ResultFiles(tmp_path / "out", [mapping])
    files.write(world.store, plan.id)
    (note,) = files.notes
    assert note.startswith(f"the source of lead.yml cannot be read again: {source}: there is no such file")

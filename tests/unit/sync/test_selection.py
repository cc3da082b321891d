"""What a selection means before any record is read: fields, conditions, and everything the org would refuse."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from sfsync.config.settings import settings_from
from sfsync.config.yaml_reader import parse_yaml
from sfsync.errors import ConfigError
from sfsync.mapping.load import parse_mapping
from sfsync.records import FieldDescribe, ObjectDescribe
from sfsync.soql import parse_condition
from sfsync.sync.options import PullOptions, options_from
from sfsync.sync.selection import Selection, fields_of_mappings, narrow, selections_from, unstamped_reasons
from sfsync.sync.selection_check import select

LEAD = ObjectDescribe(
    "Lead",
    "Lead",
    (
        FieldDescribe("Id", "id"),
        FieldDescribe("IsDeleted", "boolean"),
        FieldDescribe("MasterRecordId", "reference"),
        FieldDescribe("CreatedDate", "datetime"),
        FieldDescribe("SystemModstamp", "datetime"),
        FieldDescribe("Email", "email"),
        FieldDescribe("Status", "picklist", picklist_values=("Open",)),
        FieldDescribe("Notes__c", "textarea", length=4000),
        FieldDescribe("Photo__c", "base64"),
        FieldDescribe("Score__c", "double", calculated=True),
        FieldDescribe("OwnerId", "reference", reference_to=("User", "Group"), relationship_name="Owner"),
        FieldDescribe("LastViewedDate", "datetime"),
        FieldDescribe("Address", "address"),
        FieldDescribe("Street", "textarea", length=255, compound_field="Address"),
        FieldDescribe("City", "string", compound_field="Address"),
    ),
)
ALWAYS = {"Id", "IsDeleted", "MasterRecordId", "SystemModstamp"}
OBJECTS = ("Lead", "Opportunity", "Task")


def fields(**chosen: object) -> set[str]:
    return {f.name for f in narrow(LEAD, Selection(**chosen)).stored_fields}


def test_without_a_choice_the_object_is_as_the_org_describes_it() -> None:
    assert narrow(LEAD, Selection(filter="Email = null", since=date(2024, 1, 1))) is LEAD


def test_chosen_fields_come_with_those_that_the_mirror_needs() -> None:
    assert fields(fields=frozenset({"email"})) == ALWAYS | {"Email"}
    assert fields(fields=frozenset({"Email"}), since=date(2024, 1, 1)) == ALWAYS | {"Email", "CreatedDate"}


def test_fields_that_mappings_need_are_kept_and_what_is_left_out_is_known() -> None:
    narrowed = narrow(LEAD, Selection(fields=frozenset({"Email"})), frozenset({"status"}))
    assert {f.name for f in narrowed.fields} == ALWAYS | {"Email", "Status"}
    assert {"OwnerId", "City"} <= set(narrowed.left_out)
    assert "Status" not in narrowed.left_out


def test_a_compound_field_stands_for_its_parts() -> None:
    assert fields(fields=frozenset({"Address"})) == ALWAYS | {"Street", "City"}
    assert not fields(exclude=frozenset({"Address"})) & {"Street", "City"}


def test_every_field_but_some_may_be_chosen() -> None:
    everything = {f.name for f in LEAD.stored_fields}
    assert fields(exclude=frozenset({"EMAIL", "Status"})) == everything - {"Email", "Status"}


def test_what_mappings_need_is_read_off_their_fields_lookups_and_filters() -> None:
    mapping = parse_mapping(
        "object: Lead\ntable: leads\nexternal_id: Crm_Id__c\nfilter: Status != 'Test'\nfields: {Email: email}\n"
        "lookups: {OwnerId: {object: User, by: Username, local: owner}}\n"
    )
    assert fields_of_mappings([mapping]) == {
        "Lead": frozenset({"crm_id__c", "status", "email", "ownerid"}),
        "User": frozenset({"username"}),
    }


def test_conditions_are_written_from_the_tree_and_never_from_the_text() -> None:
    chosen = Selection(filter="  Email='x\\'y'   or\nStatus = 'Open'")
    assert chosen.where == "(Email = 'x\\'y' OR Status = 'Open')"
    assert Selection(filter="NOT Email = null").where == "(NOT Email = null)"


def test_the_digest_follows_the_records_and_not_the_spelling() -> None:
    assert Selection().digest == Selection(fields=frozenset({"Email"})).digest == ""
    assert Selection(filter="Email=null").digest == Selection(filter="Email  = null").digest
    others = {
        Selection(filter="Email = null").digest,
        Selection(filter="Email != null").digest,
        Selection(since=date(2024, 1, 1)).digest,
        Selection(since=date(2024, 1, 1), timezone="Asia/Tokyo").digest,
    }
    assert len(others) == 4


@pytest.mark.parametrize(
    ("condition", "reasons"),
    [
        ("Email != null AND CreatedDate > 2024-01-01T00:00:00Z AND CALENDAR_YEAR(CreatedDate) = 2024", ()),
        ("Score__c > 5 OR (NOT Score__c = null)", ("Score__c",)),
        ("Owner.Name = 'Ada' AND Email = null", ("Owner.Name",)),
        ("CreatedDate = LAST_N_DAYS:7", ("LAST_N_DAYS:7",)),
        ("CreatedDate > 2024-01-01T00:00:00Z AND LastViewedDate != null", ("LastViewedDate",)),
        ("Id IN (SELECT WhoId FROM Task)", ("the records of Task",)),
        (None, ()),
    ],
)
def test_what_changes_without_a_stamp_is_recognised(condition: str | None, reasons: tuple[str, ...]) -> None:
    tree = None if condition is None else parse_condition(condition)
    assert unstamped_reasons(tree, LEAD) == reasons


SETTINGS = """\
timezone: Europe/Berlin
pull:
  objects:
    - User
    - Lead:
        fields: [Email, Stauts, Photo__c]
        since: 2024-01-01
        filter: >-
          Emial != null AND
          Stage.Name = 'x' AND Notes__c = 'y' AND Status = 5
          AND Id IN (SELECT WhoId FROM Taks)
"""


def problems(text: str, describe: ObjectDescribe = LEAD, *mappings: str) -> list[str]:
    document = parse_yaml(text, "sfsync.yml")
    options = options_from(settings_from(document), document)
    with pytest.raises(ConfigError) as caught:
        select({"Lead": describe}, options, [parse_mapping(each) for each in mappings], OBJECTS)
    return [str(problem) for problem in caught.value.problems]


def test_everything_that_does_not_fit_the_org_is_told_at_its_place() -> None:
    assert problems(SETTINGS) == [
        "sfsync.yml:6:25: Lead has no field `Stauts`, or this user may not read it (did you mean `Status`?)",
        "sfsync.yml:6:33: Lead.Photo__c is a file's content, which is not mirrored (remove it)",
        "sfsync.yml:8:17: Lead has no field `Emial`, or this user may not read it (did you mean `Email`?)",
        "sfsync.yml:8:17: Lead has no parent `Stage` (known: `Owner`)",
        "sfsync.yml:8:17: the filter cannot be read: field 'Notes__c' can not be filtered in a query call",
        "sfsync.yml:8:17: the filter cannot be read: value of filter criterion for field 'Status' must be of type "
        "string and should be enclosed in quotes",
        "sfsync.yml:8:17: the org has no object `Taks`, or this user may not see it (did you mean `Task`?)",
    ]


def test_a_filter_in_one_line_is_pointed_into() -> None:
    assert problems("pull: {objects: {Lead: {filter: \"Email != null AND Emial = 'x'\"}}}") == [
        "sfsync.yml:1:52: Lead has no field `Emial`, or this user may not read it (did you mean `Email`?)"
    ]
    assert problems("pull: {objects: [Lead: {filter: Notes__c = 'x'}]}") == [
        "sfsync.yml:1:33: the filter cannot be read: field 'Notes__c' can not be filtered in a query call"
    ]
    (told,) = problems("pull: {objects: [Lead: {filter: Id IN (SELECT WhoId FROM Taks)}]}")
    assert told == ("sfsync.yml:1:58: the org has no object `Taks`, or this user may not see it (did you mean `Task`?)")
    (told,) = problems("pull: {objects: [Lead: {filter: Owne.Name = 'x'}]}")
    assert told == "sfsync.yml:1:33: Lead has no parent `Owne` (did you mean `Owner`?)"
    (told,) = problems("pull: {objects: [Lead: {filter: Status = 5}]}")
    assert "value of filter criterion for field 'Status' must be of type string" in told


def test_fields_that_cannot_be_left_out_are_refused() -> None:
    text = "pull: {objects: {Lead: {since: 2024-01-01, exclude: [Id, CreatedDate, Email, Nope]}}}"
    assert problems(text, LEAD, "object: Lead\ntable: leads\nfields: {Email: email}\n") == [
        "sfsync.yml:1:54: the mirror cannot do without Id (remove it)",
        "sfsync.yml:1:58: `since` needs CreatedDate (remove it)",
        "sfsync.yml:1:71: a mapping shows Lead.Email, so it cannot be left out (remove it here, or from the mapping)",
        "sfsync.yml:1:78: Lead has no field `Nope`, or this user may not read it",
    ]


def test_a_day_needs_an_object_that_knows_when_its_records_were_created() -> None:
    undated = ObjectDescribe("Lead", "Lead", tuple(f for f in LEAD.fields if f.name != "CreatedDate"))
    assert problems("pull: {objects: {Lead: {since: 2024-01-01}}}", undated) == [
        "sfsync.yml:1:32: Lead has no field CreatedDate, so `since` cannot limit it "
        "(leave `since` out, or use a `filter`)"
    ]


def test_a_selection_of_a_program_is_refused_without_a_place() -> None:
    options = PullOptions(selections={"lead": Selection(filter="Emial = null")})
    with pytest.raises(ConfigError, match="selection of Lead: Lead has no field `Emial`"):
        select({"Lead": LEAD}, options)
    with pytest.raises(ConfigError, match="selection of Lead: the filter cannot be read"):
        select({"Lead": LEAD}, PullOptions(selections={"Lead": Selection(filter="Email =")}))


def test_an_understood_selection_knows_what_changes_without_a_stamp() -> None:
    narrowed, options = select({"Lead": LEAD}, PullOptions(selections={"LEAD": Selection(filter="Score__c = 1")}))
    assert narrowed == {"Lead": LEAD}
    assert options.selection("Lead").unstamped == ("Score__c",)


def test_options_follow_the_settings_of_the_project() -> None:
    document = parse_yaml(
        """
timezone: Asia/Tokyo
pull:
  objects: [User, {Lead: {filter: Email != null, since: 2024-01-01, history: false, formulas: false}}]
  concurrency: 2
  most_vanished: 10%
  formulas: {every: never, calls: 7}
  budget: {calls_per_run: 9, reserve: 30%}
""",
        "sfsync.yml",
    )
    options = options_from(settings_from(document), document, api="rest", full=True)
    assert options.chosen_objects == ["User", "Lead"]
    lead = options.selection("lead")
    assert (lead.filter, lead.since, lead.timezone) == ("Email != null", date(2024, 1, 1), "Asia/Tokyo")
    assert (lead.history, lead.formulas, options.keeps_history("Lead"), options.keeps_history("User")) == (
        False,
        False,
        False,
        True,
    )
    assert (options.concurrency, options.most_vanished, options.api, options.full) == (2, 0.1, "rest", True)
    assert (options.formulas_every, options.formulas_calls) == (None, 7)
    assert (options.budget.calls_per_run, options.budget.reserve) == (9, 0.3)
    assert options_from(settings_from(parse_yaml("version: 1", "sfsync.yml"))).formulas_every == timedelta(days=1)


def test_without_settings_the_default_set_is_pulled() -> None:
    assert PullOptions().chosen_objects is None
    assert selections_from(settings_from(parse_yaml("version: 1", "sfsync.yml"))) == {}

"""Mappings against the org: what it does not have is found at its line, before anything moves."""

from __future__ import annotations

import pytest

from sfsync.mapping.check import check_mappings
from sfsync.mapping.check_warnings import mapping_warnings
from sfsync.mapping.load import parse_mapping

ORG = ("Lead", "User", "Account", "Opportunity", "AIApplication")


def mapping(fields="{Email: email}", *, top="", lookups=""):
    text = f"object: Lead\ntable: leads\n{top}fields: {fields}\n" + (f"lookups: {lookups}\n" if lookups else "")
    return parse_mapping(text, "m.yml")


@pytest.fixture
def found(describes):
    def check(*mappings, object_names=ORG):
        return [str(problem) for problem in check_mappings(mappings, describes, object_names=object_names)]

    return check


def test_a_mapping_that_fits_has_no_problems(found):
    full = mapping(
        "{Email: email, Status: {local: s, values: {Open: new}}, HasOptedOutOfEmail: {local: o, values: {'true': 'y'}}}",
        top="external_id: Crm_Id__c\ndirection: both\nfilter: Status != 'Parked' AND CreatedDate = LAST_N_DAYS:30\n",
        lookups="{OwnerId: {object: User, by: Email, local: owner}}",
    )
    assert found(full) == []


@pytest.mark.parametrize(
    ("object_name", "problem"),
    [
        ("Leed", "m.yml:1:9: the org has no object `Leed`, or this user may not see it (did you mean `Lead`?)"),
        ("lead", "m.yml:1:9: the org has no object `lead`, or this user may not see it (did you mean `Lead`?)"),
        ("Account", "m.yml:1:9: this user may not query `Account` (ask for the permission, or remove it)"),
    ],
)
def test_an_object_the_org_does_not_have_is_named(found, object_name, problem):
    assert found(parse_mapping(f"object: {object_name}\ntable: t\nfields: {{A: a}}", "m.yml")) == [problem]


def test_without_the_orgs_list_an_object_is_only_unknown_to_the_mirror(found):
    unknown = parse_mapping("object: Campaign\ntable: t\nfields: {A: a}", "m.yml")
    assert found(unknown, object_names=None) == [
        "m.yml:1:9: the mirror has no object `Campaign` (`sfsync pull Campaign` brings it; known: `Lead`, `User`)"
    ]


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ("{Emial: e}", "3:10: Lead has no field `Emial`, or this user may not read it (did you mean `Email`?)"),
        ("{email: e}", "3:10: Lead has no field `email`, or this user may not read it (did you mean `Email`?)"),
        ("{Address: a}", "3:10: Lead.Address is made of other fields (map its parts: `Street`, `City`, `State`, `PostalCode`, `Country`)"),
        ("{Photo__c: p}", "3:10: Lead.Photo__c is a file's content, which is not mirrored (remove it)"),
        (
            "{AnnualRevenue: {local: r, values: {'1': a}}}",
            "3:36: `values` maps texts, picklists and checkboxes, and AnnualRevenue is of type currency (remove `values`)",
        ),
        (
            "{Interests__c: {local: r, values: {a: b}}}",
            "3:35: `values` maps texts, picklists and checkboxes, and Interests__c is of type multipicklist (remove `values`)",
        ),
        (
            "{HasOptedOutOfEmail: {local: o, values: {yes: y}}}",
            "3:50: HasOptedOutOfEmail is a checkbox: its values are `true` and `false`",
        ),
        (
            "{CreatedDate: {local: c, direction: both}}",
            "3:10: Lead.CreatedDate cannot be written by this user (add `direction: pull`)",
        ),
    ],
)  # fmt: skip
def test_a_field_that_cannot_be_mapped_is_named_with_the_reason(found, fields, problem):
    assert found(mapping(fields)) == [f"m.yml:{problem}"]


def test_a_field_that_is_never_written_need_not_be_writable(found):
    assert found(mapping("{CreatedDate: {local: c, direction: both, write: never}}")) == []


@pytest.mark.parametrize(
    ("lookup", "problem"),
    [
        (
            "{OwnreId: {object: User, by: Email, local: o}}",
            "4:11: Lead has no field `OwnreId`, or this user may not read it (did you mean `OwnerId`?)",
        ),
        (
            "{OwnerId: {object: Usr, by: Email, local: o}}",
            "4:29: Lead.OwnerId refers to Group, User, not to `Usr` (did you mean `User`?)",
        ),
        (
            "{Email: {object: User, by: Email, local: o}}",
            "4:27: Lead.Email is not a reference to another object (map it under `fields`)",
        ),
        (
            "{OwnerId: {object: User, by: Emial, local: o}}",
            "4:39: User has no field `Emial`, or this user may not read it (did you mean `Email`?)",
        ),
        ("{OwnerId: {object: User, by: Address, local: o}}", "4:39: User.Address is made of other fields"),
        (
            "{OwnerId: {object: Group, by: Name, local: o}}",
            "4:29: the org has no object `Group`, or this user may not see it",
        ),
        (
            "{CreatedById: {object: User, by: Email, local: o, direction: both}}",
            "4:11: Lead.CreatedById cannot be written by this user (add `direction: pull`)",
        ),
    ],
)
def test_a_lookup_must_be_a_reference_to_its_object(found, lookup, problem):
    (one,) = found(mapping(lookups=lookup.replace("{O", " {O", 0)))
    assert one.startswith(f"m.yml:{problem}")


@pytest.mark.parametrize(
    ("top", "problems"),
    [
        ("external_id: Crm_Id", ["3:14: Lead has no field `Crm_Id`, or this user may not read it (did you mean `Crm_Id__c`?)"]),
        ("external_id: Email", []),
        (
            "external_id: Email\ndirection: both",
            ["3:14: Lead.Email is neither an External ID nor unique, so a push could not find records (known: `Crm_Id__c`)"],
        ),
    ],
)  # fmt: skip
def test_an_external_id_must_find_records(found, top, problems):
    assert found(mapping(top=f"{top}\n")) == [f"m.yml:{problem}" for problem in problems]


@pytest.mark.parametrize(
    ("condition", "problem"),
    [
        ("LeadSorce = 'x' AND Emial = 'y'", "3:9: Lead has no field `LeadSorce`, or this user may not read it"),
        ("Email = 'x' AND Statsu = 'y'", "3:25: Lead has no field `Statsu`, or this user may not read it (did you mean `Status`?)"),
        ("Owner.Name = 'x'", "3:9: a filter may only use fields of Lead itself, and `Owner.Name` is one of another object"),
        ("Address = 'x'", "3:9: Lead.Address is not mirrored, so it cannot be filtered by"),
        ("Description = 'x'", "3:9: the filter cannot be read: field 'Description' can not be filtered in a query call"),
        ("Email = ", "3:1"),
        ("Email = 'x' AND", "3:"),
        ("AnnualRevenue = 'lots'", "3:9: the filter cannot be read: "),
        ("Id IN (SELECT Id FROM Lead)", "3:9: the filter cannot be read: A subquery in a condition is not supported here"),
        ("Email = 'x'; DROP TABLE sf.Lead", "3:"),
        ("SELECT Id FROM Lead", "3:"),
    ],
)  # fmt: skip
def test_a_filter_that_cannot_be_read_is_located_in_the_file(found, condition, problem):
    problems = found(mapping(top=f"filter: {condition}\n"))
    assert problems[0].startswith(f"m.yml:{problem}")
    assert "\n" not in problems[0]


def test_every_unknown_field_of_a_filter_is_named(found):
    top = "filter: |\n  (LeadSorce = 'x' OR (NOT Nmae = 'y'))\n  AND CALENDAR_YEAR(CreatdDate) IN (2024)\n"
    assert [problem.split(": ")[0] for problem in found(mapping(top=top))] == ["m.yml:4:4", "m.yml:4:28", "m.yml:5:21"]


def test_all_problems_of_all_mappings_are_told(found):
    assert len(found(mapping("{A: a, B: b, Email: e}"), mapping("{C: c}", top="filter: D = 1\n"))) == 4


def test_a_mapped_value_that_the_picklist_lacks_is_a_warning(describes):
    warned = mapping_warnings([mapping("{Status: {local: s, values: {open: new, Working: w, Gone: g}}}")], describes)
    assert [str(problem) for problem in warned] == [
        "m.yml:3:38: `open` is not an active value of Lead.Status (did you mean `Open`?)",
        "m.yml:3:61: `Gone` is not an active value of Lead.Status (known: `Open`, `Working`, `Closed - Converted`)",
    ]
    assert mapping_warnings([mapping("{Email: {local: e, values: {x: y}}}")], describes) == []
    assert mapping_warnings([mapping("{Gone: {local: e, values: {x: y}}}")], describes) == []


def test_a_parent_that_is_found_by_what_another_mapping_masks_is_a_warning(describes):
    child = mapping("{LastName: n}", top="direction: push\n", lookups="{OwnerId: {object: User, by: Name, local: o}}")
    masked = parse_mapping(
        "object: User\ndirection: push\nsource: u.csv\nfields: {Name: {local: n, mask: fake}, Email: e}\n", "users.yml"
    )
    (warned,) = [each for each in mapping_warnings([child, masked], describes) if "masked" in each.message]
    assert warned.message == "User.Name is masked by users.yml, so OwnerId will not find what it names by it"
    by_email = mapping(
        "{LastName: n}", top="direction: push\n", lookups="{OwnerId: {object: User, by: Email, local: o}}"
    )
    assert not [each for each in mapping_warnings([by_email, masked], describes) if "masked" in each.message]

from __future__ import annotations

import pytest

from sfsync.errors import UsageError


def test_a_hidden_field_is_gone_for_the_user_it_is_hidden_from(org):
    user = org.add_user("Jones")
    org.hide("lead", "EMAIL", user=user)
    assert org.behaviour.visible_to(user).facts("Lead").field("Email") is None
    assert org.visible.facts("Lead").field("Email") is not None
    assert not org.behaviour.may_edit(user, "Lead", "Email")
    assert org.behaviour.may_edit(org.admin_id, "Lead", "Email")


def test_what_is_hidden_from_everybody_is_hidden_from_users_added_later(org):
    org.hide("Lead", "Email")
    org.hide("Campaign")
    user = org.add_user("Jones")
    assert org.behaviour.visible_to(user).facts("Lead").field("Email") is None
    assert org.behaviour.visible_to(user).facts("Campaign") is None
    assert org.visible.facts("Campaign") is None


def test_object_permissions_show_in_the_flags_of_the_object_and_its_fields(org):
    user = org.add_user("Jones")
    org.set_permissions("Lead", ("read", "edit"), user=user)
    facts = org.behaviour.visible_to(user).facts("Lead")
    assert [facts.has(flag) for flag in "CUD"] == [False, True, False]
    assert not facts.field("Company").has("c")
    assert facts.field("Company").has("u")
    assert [org.behaviour.may(user, "Lead", verb) for verb in ("create", "read", "edit", "delete")] == [
        False,
        True,
        True,
        False,
    ]


def test_a_field_that_is_read_only_can_be_neither_created_nor_updated(org):
    user = org.add_user("Jones")
    org.set_permissions("Lead", ("read",), field="Company", user=user)
    field = org.behaviour.visible_to(user).facts("Lead").field("Company")
    assert not field.has("c")
    assert not field.has("u")
    assert not org.behaviour.may_edit(user, "Lead", "Company")


def test_a_compound_field_takes_its_parts_along(org):
    org.hide("Lead", "Address")
    facts = org.visible.facts("Lead")
    assert facts.field("Address") is None
    assert facts.field("City") is None
    assert facts.field("Email") is not None


def test_permissions_can_be_given_back(org):
    org.hide("Lead", "Email")
    org.set_permissions("Lead", ("read", "edit"), field="Email")
    assert org.visible is org.catalog


def test_the_catalogue_stays_the_same_object_until_something_changes(org):
    user, other = org.add_user("Jones"), org.add_user("Smith")
    for one in (user, other):
        org.hide("Lead", "Email", user=one)
    seen = org.behaviour.visible_to(user)
    assert org.behaviour.visible_to(user) is seen
    assert org.behaviour.visible_to(other) is seen
    org.add_field("Lead", "Score__c", "double")
    assert org.behaviour.visible_to(user).facts("Lead").field("Score__c") is not None


def test_a_token_speaks_for_its_user(org):
    user = org.add_user("Jones", FirstName="Indiana")
    assert org.access.user_of(org.token_for(user)) == user
    assert org.access.user_of(org.token_for(user[:15])) == user
    assert org.record("User", user)["Name"] == "Indiana Jones"


@pytest.mark.parametrize(
    "call",
    [
        lambda org: org.hide("Nothing"),
        lambda org: org.hide("Lead", "Nothing__c"),
        lambda org: org.hide("Lead", "id"),
        lambda org: org.set_permissions("Lead", ("delete",)),
        lambda org: org.set_permissions("Lead", ("read", "view")),
        lambda org: org.token_for("00Q000000000001"),
        lambda org: org.token_for("005000000000001"),
    ],
)
def test_a_declaration_that_makes_no_sense_is_refused(org, call):
    with pytest.raises(UsageError):
        call(org)

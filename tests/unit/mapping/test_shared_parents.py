"""Values that several parents have are told when the mapping is checked, and none of the values is shown."""

from __future__ import annotations

from sfsync.mapping.check_parents import shared_parents
from sfsync.mapping.load import parse_mapping
from sfsync.records import FieldDescribe, ObjectDescribe
from sfsync.store.mirror import find_drift, shape_table

TEXT = "object: Lead\ntable: leads\ndirection: %s\nfields: {LastName: n}\nlookups: {OwnerId: {object: User, by: %s, local: o}}\n"


def told(store, describes, *, direction="push", by="Email"):
    mapping = parse_mapping(TEXT % (direction, by), "m.yml")
    with store.reading() as session:
        return [str(problem) for problem in shared_parents(session, [mapping], describes)]


def user(store, number, **values):
    columns = "".join(f', "{name}"' for name in values)
    with store.writing() as session:
        session.execute(
            f'INSERT INTO sf_all."User" ("Id"{columns}) VALUES (?{", ?" * len(values)})',
            [f"00500000000000{number}AAA", *values.values()],
        )


def test_users_who_share_an_address_are_told_at_the_lookup(store, describes):
    assert told(store, describes) == []
    user(store, 2, Email="UMA@example.com ", Name="Una")
    assert told(store, describes) == [
        "m.yml:5:39: 005000000000001AAA and 005000000000002AAA have the same User.Email: rows that name them by it are"
        " refused (`by: Username` or `by: FederationIdentifier` names one user)"
    ]
    user(store, 3, Email="eva@example.com", Name="Uma User")
    user(store, 4, Email="eva@example.com")
    (two,) = told(store, describes)
    assert ", and 1 more values: rows" in two
    assert "example.com" not in two
    assert told(store, describes, direction="pull") == []
    assert "have the same User.Name" in told(store, describes, by="Name")[0]


def test_what_is_empty_is_shared_by_nobody(store, describes):
    user(store, 2)
    user(store, 3)
    user(store, 4, Email=" ")
    user(store, 5, Email=" ")
    assert told(store, describes) == []


def test_a_value_that_records_of_two_objects_have_is_told_for_rows_that_name_one_by_it_are_refused(store, describes):
    group = ObjectDescribe("Group", "Group", (FieldDescribe("Id", "id"), FieldDescribe("Name", "string")))
    with store.writing() as session:
        shape_table(session, group, find_drift(session, group))
        session.execute("""INSERT INTO sf_all."Group" ("Id", "Name") VALUES ('00G000000000001AAA', 'Support')""")
    text = "object: Lead\ntable: leads\ndirection: push\nfields: {LastName: n}\n"
    text += "lookups: {OwnerId: {object: [User, Group], by: Name, local: o}}\n"
    mapping = parse_mapping(text, "m.yml")

    def found():
        with store.reading() as session:
            return [str(problem) for problem in shared_parents(session, [mapping], {**describes, "Group": group})]

    assert found() == []
    user(store, 2, Name=" support")
    (told_,) = found()
    assert told_.startswith(
        "m.yml:5:29: 005000000000002AAA of User and 00G000000000001AAA of Group have the same value: "
        "rows that name them by it are refused ("
    )
    assert "upport" not in told_


def test_a_converted_lead_and_its_contact_are_not_told_for_the_contact_is_meant(store, describes):
    fields = (FieldDescribe("Id", "id"), FieldDescribe("Email", "email"))
    people = {
        "Lead": ObjectDescribe("Lead", "Lead", (*fields, FieldDescribe("IsConverted", "boolean"))),
        "Contact": ObjectDescribe("Contact", "Contact", fields),
    }
    with store.writing() as session:
        for name, record in (("Lead", "00Q"), ("Contact", "003")):
            shape_table(session, people[name], find_drift(session, people[name]))
            session.execute(f'INSERT INTO sf_all."{name}" ("Id", "Email") VALUES (\'{record}\', \'a@example.com\')')
    text = "object: Task\ntable: tasks\ndirection: push\nfields: {Subject: s}\n"
    mapping = parse_mapping(text + "lookups: {WhoId: {object: [Lead, Contact], by: Email, local: w}}\n", "m.yml")

    def found():
        with store.reading() as session:
            return len(list(shared_parents(session, [mapping], people)))

    assert found() == 1
    with store.writing() as session:
        session.execute('UPDATE sf_all."Lead" SET "IsConverted" = TRUE')
    assert found() == 0

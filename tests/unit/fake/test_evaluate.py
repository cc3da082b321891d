"""SOQL statements compiled to SQL and run on a small org."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import duckdb
import pytest

from sfsync.errors import SoqlError
from sfsync.fake.catalog import standard_catalog
from sfsync.fake.evaluate import CatalogObject, CompiledQuery, OrgCatalog, SelectedColumn, compile_query
from sfsync.records import FieldDescribe, ObjectDescribe
from sfsync.soql import parse

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
SQL_TYPES = {
    "boolean": "BOOLEAN",
    "int": "INTEGER",
    "currency": "DOUBLE",
    "double": "DOUBLE",
    "date": "DATE",
    "datetime": "TIMESTAMP",
}
WSDL = "Please reference your WSDL or the describe call for the appropriate names."


def make_id(prefix: str, number: int) -> str:
    return f"{prefix}000000000{number:03d}" + ("EAA" if prefix == "00Q" else "AAA")


ANN, BOB = make_id("005", 1), make_id("005", 2)
QUEUE = make_id("00G", 1)
ACME, BETA = make_id("001", 1), make_id("001", 2)


def field(name: str, kind: str = "string", **more: Any) -> FieldDescribe:
    return FieldDescribe(name=name, type=kind, custom=name.endswith("__c"), **more)


def lookup(name: str, relationship: str, *targets: str) -> FieldDescribe:
    return field(name, "reference", relationship_name=relationship, reference_to=targets)


DELETED = field("IsDeleted", "boolean")
OBJECTS: dict[str, tuple[FieldDescribe, ...]] = {
    "Lead": (
        field("Id", "id"),
        DELETED,
        field("LastName"),
        field("Status", "picklist", picklist_values=("Open", "Working", "Closed")),
        field("Description", "textarea", length=32000),
        lookup("OwnerId", "Owner", "Group", "User"),
        lookup("ConvertedAccountId", "ConvertedAccount", "Account"),
        lookup("IndividualId", "Individual", "Individual"),
        field("IsConverted", "boolean"),
        field("AnnualRevenue", "currency"),
        field("NumberOfEmployees", "int"),
        field("CreatedDate", "datetime"),
        field("Address", "address"),
        field("Street", "textarea", length=255),
        field("City"),
        field("Latitude", "double"),
        field("Regions__c", "multipicklist"),
    ),
    "Account": (
        field("Id", "id"),
        DELETED,
        field("Name"),
        lookup("OwnerId", "Owner", "User"),
        lookup("ParentId", "Parent", "Account"),
    ),
    "User": (
        field("Id", "id"),
        field("Name"),
        field("Username"),
        field("Department"),
        lookup("ManagerId", "Manager", "User"),
        lookup("ProfileId", "Profile", "Profile"),
    ),
    "Group": (field("Id", "id"), field("Name")),
    "Profile": (field("Id", "id"), field("Name")),
    "CampaignMember": (field("Id", "id"), DELETED, lookup("LeadId", "Lead", "Lead"), field("Status")),
    "Task": (field("Id", "id"), DELETED, field("IsArchived", "boolean"), field("Subject")),
}
ROWS: dict[str, list[dict[str, Any]]] = {
    "User": [
        {"Id": ANN, "Name": "Ann", "Username": "ann@x.org", "ProfileId": make_id("00e", 1)},
        {"Id": BOB, "Name": "Bob", "Username": "bob@x.org", "ManagerId": ANN},
    ],
    "Group": [{"Id": QUEUE, "Name": "Queue"}],
    "Profile": [{"Id": make_id("00e", 1), "Name": "Standard"}],
    "Account": [
        {"Id": ACME, "Name": "Acme", "OwnerId": ANN, "IsDeleted": False},
        {"Id": BETA, "Name": "Beta", "OwnerId": BOB, "ParentId": ACME, "IsDeleted": True},
    ],
    "Lead": [
        {
            "LastName": "Zoe",
            "Status": "Working",
            "OwnerId": ANN,
            "AnnualRevenue": 100.0,
            "NumberOfEmployees": 5,
            "ConvertedAccountId": ACME,
            "IsConverted": True,
            "CreatedDate": datetime(2025, 1, 5),
            "City": "Bonn",
            "Latitude": 50.7,
        },
        {
            "LastName": "adam",
            "Status": "Open",
            "OwnerId": BOB,
            "AnnualRevenue": 50.5,
            "NumberOfEmployees": 7,
            "ConvertedAccountId": BETA,
            "IsConverted": True,
            "CreatedDate": datetime(2025, 6, 5),
        },
        {
            "LastName": "Bert",
            "Status": "open",
            "OwnerId": QUEUE,
            "IsConverted": False,
            "CreatedDate": datetime(2026, 1, 31, 3),
        },
        {
            "LastName": None,
            "Status": None,
            "OwnerId": BOB,
            "NumberOfEmployees": 9,
            "IsConverted": False,
            "CreatedDate": datetime(2026, 1, 30),
        },
        {"LastName": "Cleo", "Status": "Odd", "OwnerId": ANN, "CreatedDate": datetime(2024, 1, 1)},
        {"LastName": "Gone", "Status": "Open", "IsDeleted": True, "CreatedDate": datetime(2024, 1, 1)},
    ],
    "CampaignMember": [
        {"Id": make_id("00v", 1), "LeadId": make_id("00Q", 1), "Status": "Sent", "IsDeleted": False},
        {"Id": make_id("00v", 2), "LeadId": make_id("00Q", 2), "Status": "Sent", "IsDeleted": True},
        {"Id": make_id("00v", 3), "LeadId": None, "Status": "Sent", "IsDeleted": False},
    ],
    "Task": [
        {"Id": make_id("00T", 1), "Subject": "Call", "IsArchived": False},
        {"Id": make_id("00T", 2), "Subject": "Old", "IsArchived": True},
    ],
}
for number, lead in enumerate(ROWS["Lead"], 1):
    lead["Id"] = make_id("00Q", number)


class Objects:
    """A catalogue made by hand."""

    def find(self, name: str) -> CatalogObject | None:
        spelled = next((one for one in OBJECTS if one.casefold() == name.casefold()), None)
        if spelled is None:
            return None
        children = {"CampaignMembers": ("CampaignMember", "LeadId")} if spelled == "Lead" else {}
        describe = ObjectDescribe(name=spelled, label=spelled, fields=OBJECTS[spelled])
        return CatalogObject(describe, f'"all {spelled}"', {"Username": "fs"}, children)


@dataclass(frozen=True)
class Org:
    connection: duckdb.DuckDBPyConnection

    def compile(self, soql: str, **options: Any) -> CompiledQuery:
        return compile_query(parse(soql), Objects(), now=NOW, **options)

    def rows(self, soql: str, **options: Any) -> list[tuple[Any, ...]]:
        compiled = self.compile(soql, **options)
        found = self.connection.execute(compiled.sql).fetchall()
        total = self.connection.execute(compiled.count_sql).fetchall()
        assert total == [(len(found),)]
        longer = self.connection.execute(compiled.record_sql).fetchall()
        assert [row[: len(compiled.columns)] for row in longer] == found
        return found

    def column(self, soql: str, **options: Any) -> list[Any]:
        return [row[0] for row in self.rows(soql, **options)]

    def count(self, soql: str, **options: Any) -> int:
        compiled = self.compile(soql, **options)
        assert compiled.is_count
        assert compiled.columns == ()
        row = self.connection.execute(compiled.sql).fetchone()
        assert row is not None
        return int(row[0])


@pytest.fixture(scope="module")
def org() -> Iterator[Org]:
    connection = duckdb.connect()
    for name, fields in OBJECTS.items():
        stored = [one for one in fields if one.type != "address"]
        columns = ", ".join(f'"{one.name}" {SQL_TYPES.get(one.type, "VARCHAR")}' for one in stored)
        connection.execute(f'CREATE TABLE "all {name}" ({columns})')
        for row in ROWS.get(name, []):
            marks = ", ".join("?" for _ in stored)
            connection.execute(f'INSERT INTO "all {name}" VALUES ({marks})', [row.get(one.name) for one in stored])
    yield Org(connection)
    connection.close()


def refused(org: Org, soql: str, **options: Any) -> SoqlError:
    with pytest.raises(SoqlError) as caught:
        org.compile(soql, **options)
    return caught.value


# --- field lists ------------------------------------------------------------------------------------------------------


def test_names_are_found_in_any_case_and_come_back_as_the_org_spells_them(org: Org):
    compiled = org.compile("select ID, lastname, owner.NAME from lead")
    assert compiled.object == "Lead"
    assert compiled.columns == (
        SelectedColumn(("Id",), "id"),
        SelectedColumn(("LastName",), "string"),
        SelectedColumn(("Owner", "Name"), "string"),
    )
    assert not compiled.is_count
    assert not compiled.is_aggregate
    names = [column[0] for column in org.connection.execute(compiled.sql).description or []]
    assert names == ["Id", "LastName", "Owner.Name"]


def test_deleted_records_are_shown_only_when_all_rows_are_asked_for(org: Org):
    assert "Gone" not in org.column("SELECT LastName FROM Lead")
    assert "Gone" in org.column("SELECT LastName FROM Lead", all_rows=True)


def test_archived_activities_are_shown_only_when_all_rows_are_asked_for(org: Org):
    assert org.column("SELECT Subject FROM Task") == ["Call"]
    assert sorted(org.column("SELECT Subject FROM Task", all_rows=True)) == ["Call", "Old"]


def test_the_object_may_have_an_alias_or_be_named_before_its_fields(org: Org):
    plain = org.rows("SELECT Id, Owner.Name FROM Lead WHERE IsConverted = true ORDER BY Id")
    assert org.rows("SELECT l.Id, L.Owner.Name FROM Lead l WHERE l.IsConverted = true ORDER BY l.Id") == plain
    assert org.rows("SELECT Lead.Id, lead.Owner.Name FROM Lead WHERE Lead.IsConverted = true ORDER BY Id") == plain


def test_a_relationship_after_from_can_be_used_by_its_alias(org: Org):
    query = "SELECT m.Id, o.Name FROM CampaignMember m, m.Lead l, l.Owner o WHERE l.LastName = 'Zoe'"
    assert org.rows(query) == [(make_id("00v", 1), "Ann")]
    assert org.compile(query).columns[1].path == ("Lead", "Owner", "Name")


def test_parents_are_reached_over_several_steps(org: Org):
    query = "SELECT LastName, ConvertedAccount.Parent.Owner.Profile.Name FROM Lead WHERE IsConverted = true ORDER BY Id"
    assert org.rows(query) == [("Zoe", None), ("adam", "Standard")]


def test_deleted_parents_are_seen_through(org: Org):
    assert org.column("SELECT ConvertedAccount.Name FROM Lead WHERE LastName = 'adam'") == ["Beta"]


def test_a_lookup_to_several_objects_shows_whichever_record_is_there(org: Org):
    assert org.rows("SELECT LastName, Owner.Name, Owner.Type, Owner.Username FROM Lead ORDER BY Id LIMIT 3") == [
        ("Zoe", "Ann", "User", "ann@x.org"),
        ("adam", "Bob", "User", "bob@x.org"),
        ("Bert", "Queue", "Queue", None),
    ]
    assert org.column("SELECT LastName FROM Lead WHERE Owner.Type = 'Queue'") == ["Bert"]
    assert org.column("SELECT LastName FROM Lead WHERE Owner.Profile.Name = 'Standard' ORDER BY Id") == ["Zoe", "Cleo"]


def test_record_sql_tells_which_records_and_parents_there_are(org: Org):
    compiled = org.compile("SELECT LastName, ConvertedAccount.Owner.Name, Owner.Name FROM Lead WHERE LastName = 'Bert'")
    (row,) = org.connection.execute(compiled.record_sql).fetchall()
    assert compiled.id_column is not None
    assert row[compiled.id_column] == make_id("00Q", 3)
    assert {parent.path: (row[parent.id_column], row[parent.type_column]) for parent in compiled.parents} == {
        ("ConvertedAccount",): (None, None),
        ("ConvertedAccount", "Owner"): (None, None),
        ("Owner",): (QUEUE, "Group"),
    }


def test_parents_that_only_the_filter_needs_are_not_part_of_the_records(org: Org):
    compiled = org.compile("SELECT Id FROM Lead WHERE Owner.Name = 'Ann' ORDER BY ConvertedAccount.Name")
    assert compiled.parents == ()
    assert "JOIN" in compiled.sql


def test_counting_joins_only_what_the_filter_needs(org: Org):
    assert "JOIN" not in org.compile("SELECT Owner.Name FROM Lead ORDER BY ConvertedAccount.Name").count_sql


def test_an_address_is_one_value_of_its_parts_or_none(org: Org):
    compiled = org.compile("SELECT Address FROM Lead ORDER BY Id LIMIT 2")
    assert compiled.columns == (SelectedColumn(("Address",), "address"),)
    first, second = org.column("SELECT Address FROM Lead ORDER BY Id LIMIT 2")
    assert first["city"] == "Bonn"
    assert first["latitude"] == 50.7
    assert list(first) == [
        "city",
        "country",
        "geocodeAccuracy",
        "latitude",
        "longitude",
        "postalCode",
        "state",
        "street",
    ]
    assert second is None


def test_field_sets_are_all_fields_of_the_object(org: Org):
    every = [column.path[0] for column in org.compile("SELECT FIELDS(ALL) FROM Lead LIMIT 200").columns]
    assert every == [one.name for one in OBJECTS["Lead"]]
    assert [c.path for c in org.compile("SELECT FIELDS(CUSTOM) FROM Lead LIMIT 1").columns] == [("Regions__c",)]
    standard = [column.path[0] for column in org.compile("SELECT FIELDS(STANDARD) FROM Lead").columns]
    assert standard == every[:-1]
    assert "LIMIT of at most 200" in refused(org, "SELECT FIELDS(ALL) FROM Lead").message
    assert "LIMIT of at most 200" in refused(org, "SELECT FIELDS(ALL) FROM Lead LIMIT 201").message


def test_formatting_functions_show_values_as_people_read_them(org: Org):
    query = "SELECT toLabel(Status), FORMAT(CreatedDate) made, FORMAT(AnnualRevenue) r FROM Lead WHERE LastName = 'Zoe'"
    compiled = org.compile(query)
    assert compiled.columns == (
        SelectedColumn(("Status",), "picklist"),
        SelectedColumn(("made",), "string", "made"),
        SelectedColumn(("r",), "string", "r"),
    )
    assert org.rows(query) == [("Working", "1/5/2025, 12:00 AM", "$100")]


# --- sorting and paging -----------------------------------------------------------------------------------------------


def test_text_sorts_without_regard_to_case_and_missing_values_come_first(org: Org):
    assert org.column("SELECT LastName FROM Lead ORDER BY LastName") == [None, "adam", "Bert", "Cleo", "Zoe"]
    assert org.column("SELECT LastName FROM Lead ORDER BY LastName DESC") == [None, "Zoe", "Cleo", "Bert", "adam"]
    assert org.column("SELECT LastName FROM Lead ORDER BY LastName NULLS LAST")[-1] is None


def test_picklists_sort_in_the_order_of_their_setup(org: Org):
    found = org.column("SELECT Status FROM Lead ORDER BY Status, LastName")
    assert found == [None, "Open", "open", "Working", "Odd"]


def test_equal_keys_are_ordered_by_id(org: Org):
    assert org.column("SELECT Id FROM Lead ORDER BY IsConverted DESC") == [
        make_id("00Q", number) for number in (1, 2, 3, 4, 5)
    ]


def test_limit_and_offset_cut_the_answer_and_its_total(org: Org):
    assert org.column("SELECT LastName FROM Lead ORDER BY Id LIMIT 2 OFFSET 1") == ["adam", "Bert"]
    assert org.rows("SELECT Id FROM Lead LIMIT 0") == []
    assert org.rows("SELECT Id FROM Lead ORDER BY Id OFFSET 2000") == []


# --- filters ----------------------------------------------------------------------------------------------------------


def test_filters_see_parents(org: Org):
    assert org.column("SELECT LastName FROM Lead WHERE ConvertedAccount.Owner.Name = 'ANN'") == ["Zoe"]
    assert len(org.rows("SELECT Id FROM Lead WHERE ConvertedAccount.Name != 'Acme'")) == 4


def test_date_literals_mean_the_users_days(org: Org):
    assert org.column("SELECT LastName FROM Lead WHERE CreatedDate = TODAY") == ["Bert"]
    zone = {"timezone": "America/Los_Angeles"}
    assert org.column("SELECT LastName FROM Lead WHERE CreatedDate = TODAY", **zone) == []
    assert org.column("SELECT LastName FROM Lead WHERE CreatedDate = YESTERDAY", **zone) == ["Bert"]
    fiscal = {"fiscal_start_month": 6}
    assert org.column("SELECT LastName FROM Lead WHERE CreatedDate = THIS_FISCAL_YEAR ORDER BY Id", **fiscal) == [
        "adam",
        "Bert",
        None,
    ]


def test_semi_joins_follow_live_records(org: Org):
    inside = "SELECT LastName FROM Lead WHERE Id IN (SELECT LeadId FROM CampaignMember WHERE Status = 'sent')"
    assert org.column(inside) == ["Zoe"]
    assert sorted(org.column(inside, all_rows=True)) == ["Zoe", "adam"]
    outside = "SELECT LastName FROM Lead WHERE Id NOT IN (SELECT LeadId FROM CampaignMember) ORDER BY LastName"
    assert org.column(outside) == [None, "adam", "Bert", "Cleo"]


def test_an_anti_join_keeps_records_that_point_nowhere(org: Org):
    query = "SELECT LastName FROM Lead WHERE ConvertedAccountId NOT IN (SELECT Id FROM Account) ORDER BY Id"
    assert org.column(query) == ["adam", "Bert", None, "Cleo"]


# --- counting and grouping --------------------------------------------------------------------------------------------


def test_count_counts_rows(org: Org):
    assert org.count("SELECT COUNT() FROM Lead") == 5
    assert org.count("SELECT COUNT() FROM Lead", all_rows=True) == 6
    assert org.count("SELECT COUNT() FROM Lead WHERE Owner.Name = 'Ann'") == 2
    assert org.count("SELECT COUNT() FROM Lead LIMIT 2") == 2


def test_aggregates_without_groups_are_one_row(org: Org):
    query = (
        "SELECT COUNT(Id) total, COUNT(LastName), COUNT_DISTINCT(Status), SUM(NumberOfEmployees), AVG(AnnualRevenue),"
        " MIN(LastName), MAX(LastName), MAX(CreatedDate) newest FROM Lead"
    )
    compiled = org.compile(query)
    assert compiled.is_aggregate
    assert [column.path[0] for column in compiled.columns] == [
        "total",
        "expr0",
        "expr1",
        "expr2",
        "expr3",
        "expr4",
        "expr5",
        "newest",
    ]
    assert [column.type for column in compiled.columns] == [
        "int",
        "int",
        "int",
        "long",
        "double",
        "string",
        "string",
        "datetime",
    ]
    assert org.rows(query) == [(5, 4, 3, 21, 75.25, "adam", "Zoe", datetime(2026, 1, 31, 3))]


def test_groups_take_spellings_that_differ_in_case_as_one(org: Org):
    query = "SELECT Status, COUNT(Id) n FROM Lead GROUP BY Status"
    assert org.compile(query).columns[0] == SelectedColumn(("Status",), "picklist")
    assert sorted(org.rows(query), key=str) == sorted([(None, 1), ("Open", 2), ("Working", 1), ("Odd", 1)], key=str)


def test_groups_can_be_parents_functions_and_booleans(org: Org):
    assert org.rows("SELECT Owner.Name, COUNT(Id) FROM Lead GROUP BY Owner.Name") == [
        ("Ann", 2),
        ("Bob", 2),
        ("Queue", 1),
    ]
    assert org.rows("SELECT IsConverted c, COUNT(Id) FROM Lead GROUP BY IsConverted") == [(False, 3), (True, 2)]
    by_year = "SELECT CALENDAR_YEAR(CreatedDate), CALENDAR_MONTH(CreatedDate) m, COUNT(Id) FROM Lead GROUP BY"
    by_year += " calendar_year(createddate), CALENDAR_MONTH(CreatedDate)"
    assert org.rows(by_year) == [(2024, 1, 1), (2025, 1, 1), (2025, 6, 1), (2026, 1, 2)]
    assert [column.path[0] for column in org.compile(by_year).columns] == ["expr0", "m", "expr1"]


def test_groups_are_filtered_sorted_and_limited(org: Org):
    query = "SELECT Status, COUNT(Id) FROM Lead GROUP BY Status HAVING COUNT(Id) > 1 AND Status LIKE 'o%'"
    assert org.rows(query) == [("Open", 2)]
    query = "SELECT Owner.Name FROM Lead GROUP BY Owner.Name ORDER BY COUNT(Id) DESC, Owner.Name DESC LIMIT 2"
    assert org.column(query) == ["Bob", "Ann"]


def test_subtotals_come_with_rollup_and_cube(org: Org):
    query = "SELECT IsConverted, Status, GROUPING(Status) g, COUNT(Id) n FROM Lead WHERE IsConverted = true"
    rolled = org.rows(f"{query} GROUP BY ROLLUP(IsConverted, Status)")
    assert set(rolled) == {
        (True, "Working", 0, 1),
        (True, "Open", 0, 1),
        (True, None, 1, 2),
        (None, None, 1, 2),
    }
    cubed = org.rows(f"{query} GROUP BY CUBE(IsConverted, Status)")
    assert set(cubed) == set(rolled) | {(None, "Working", 0, 1), (None, "Open", 0, 1)}


def test_a_group_without_aggregate_is_an_aggregate_all_the_same(org: Org):
    assert org.compile("SELECT LastName FROM Lead GROUP BY LastName").is_aggregate
    query = "SELECT FORMAT(MAX(AnnualRevenue)) top FROM Lead"
    assert org.compile(query).is_aggregate
    assert org.rows(query) == [("$100",)]


# --- what the org refuses ---------------------------------------------------------------------------------------------


def test_an_unknown_field_is_refused_in_salesforces_words(org: Org):
    error = refused(org, "SELECT Foo FROM Lead")
    assert error.code == "INVALID_FIELD"
    assert error.message == (
        "\nSELECT Foo FROM Lead\n       ^\nERROR at Row:1:Column:8\nNo such column 'Foo' on entity 'Lead'. If you are"
        " attempting to use a custom field, be sure to append the '__c' after the custom field name. " + WSDL
    )
    assert "No such column 'foo' on entity 'Account'" in refused(org, "SELECT ConvertedAccount.foo FROM Lead").message
    assert "No such column 'Foo' on entity 'Lead'" in refused(org, "SELECT Id FROM Lead WHERE Foo = 1").message
    assert "No such column 'Foo' on entity 'Lead'" in refused(org, "SELECT Id FROM Lead ORDER BY Foo").message


def test_an_unknown_object_is_refused_in_salesforces_words(org: Org):
    error = refused(org, "SELECT Id FROM Foo")
    assert error.code == "INVALID_TYPE"
    assert error.message == (
        "\nSELECT Id FROM Foo\n               ^\nERROR at Row:1:Column:16\nsObject type 'Foo' is not supported. If you"
        " are attempting to use a custom object, be sure to append the '__c' after the entity name. " + WSDL
    )


def test_an_unknown_relationship_is_refused_in_salesforces_words(org: Org):
    error = refused(org, "SELECT COUNT() FROM Lead WHERE RecordType.Name = 'Volunteer'")
    assert error.code == "INVALID_FIELD"
    assert error.column == 32
    assert str(error.context["text"]) == (
        "Didn't understand relationship 'RecordType' in field path. If you are attempting to use a custom"
        " relationship, be sure to append the '__r' after the custom relationship name. " + WSDL
    )
    for path in ("LastName.Name", "Individual.Name", "ConvertedAccount.Foo.Name", "Owner.Manager.Name", "x.Id"):
        assert "Didn't understand relationship" in refused(org, f"SELECT {path} FROM Lead").message


def test_a_lookup_to_several_objects_has_the_fields_that_all_names_have(org: Org):
    assert "on entity 'Name'" in refused(org, "SELECT Owner.Department FROM Lead").message


def test_paths_follow_at_most_five_relationships(org: Org):
    path = "ConvertedAccount.Owner.Manager.Manager.Manager"
    org.compile(f"SELECT {path}.Name FROM Lead")
    assert "at most 5 relationships" in refused(org, f"SELECT {path}.Manager.Name FROM Lead").message


def test_a_field_is_selected_once(org: Org):
    for query in ("SELECT Id, id FROM Lead", "SELECT Id, l.Id FROM Lead l", "SELECT Id, FIELDS(ALL) FROM Lead LIMIT 1"):
        error = refused(org, query)
        assert (error.code, error.message) == ("INVALID_FIELD", "duplicate field selected: Id")


@pytest.mark.parametrize(
    ("soql", "code", "message"),
    [
        ("SELECT LastName n FROM Lead", "MALFORMED_QUERY", "Only aggregate expressions use field aliasing"),
        ("SELECT DISTINCT Status FROM Lead", "MALFORMED_QUERY", "Only aggregate expressions use field aliasing"),
        (
            "SELECT Id FROM Lead WHERE Description = 'x'",
            "INVALID_FIELD",
            "field 'Description' can not be filtered in a query call",
        ),
        (
            "SELECT Id FROM Lead ORDER BY Description",
            "MALFORMED_QUERY",
            "field 'Description' can not be sorted in a query call",
        ),
        (
            "SELECT Id FROM Lead ORDER BY Regions__c",
            "MALFORMED_QUERY",
            "field 'Regions__c' can not be sorted in a query call",
        ),
        (
            "SELECT CreatedDate FROM Lead GROUP BY CreatedDate",
            "MALFORMED_QUERY",
            "field 'CreatedDate' can not be grouped in a query call",
        ),
        (
            "SELECT ConvertedAccount.Owner.Username FROM Lead GROUP BY ConvertedAccount.Owner.Username",
            "MALFORMED_QUERY",
            "field 'Username' can not be grouped in a query call",
        ),
        (
            "SELECT COUNT(IsConverted) FROM Lead",
            "MALFORMED_QUERY",
            "field IsConverted does not support aggregate operator COUNT",
        ),
        ("SELECT SUM(LastName) FROM Lead", "MALFORMED_QUERY", "field LastName does not support aggregate operator SUM"),
        (
            "SELECT LastName, COUNT(Id) FROM Lead",
            "MALFORMED_QUERY",
            "Field must be grouped or aggregated: LastName",
        ),
        (
            "SELECT CALENDAR_YEAR(CreatedDate), COUNT(Id) FROM Lead",
            "MALFORMED_QUERY",
            "Field must be grouped or aggregated: CreatedDate",
        ),
        (
            "SELECT COUNT(Id) FROM Lead GROUP BY Status HAVING LastName = 'x'",
            "MALFORMED_QUERY",
            "Field must be grouped or aggregated: LastName",
        ),
        (
            "SELECT COUNT(Id) FROM Lead ORDER BY CreatedDate",
            "MALFORMED_QUERY",
            "Ordered field must be grouped or aggregated: CreatedDate",
        ),
        (
            "SELECT COUNT() FROM Lead ORDER BY CreatedDate",
            "MALFORMED_QUERY",
            "Ordered field must be grouped or aggregated: CreatedDate",
        ),
        (
            "SELECT COUNT(Id) FROM Lead LIMIT 5",
            "MALFORMED_QUERY",
            "Non-grouped query that uses overall aggregate functions cannot also use LIMIT",
        ),
        ("SELECT COUNT() FROM Lead GROUP BY Status", "MALFORMED_QUERY", "COUNT() cannot be used with GROUP BY"),
        ("SELECT COUNT(Id) FROM Lead WHERE COUNT(Id) > 1", "MALFORMED_QUERY", "Aggregate function is not allowed here"),
        (
            "SELECT ConvertedAccount.Name, Owner.Name, COUNT(Id) FROM Lead GROUP BY ConvertedAccount.Name, Owner.Name",
            "MALFORMED_QUERY",
            "duplicate alias: Name",
        ),
        ("SELECT UPPER(LastName) FROM Lead", "MALFORMED_QUERY", "Invalid function: UPPER"),
        ("SELECT GROUPING(LastName), Status FROM Lead GROUP BY Status", "MALFORMED_QUERY", "must be grouped: LastName"),
        (
            "SELECT Id FROM Lead ORDER BY Id LIMIT 10 OFFSET 2001",
            "NUMBER_OUTSIDE_VALID_RANGE",
            "Maximum SOQL offset allowed is 2000",
        ),
        ("SELECT Id FROM Lead LIMIT -1", "MALFORMED_QUERY", "unexpected token: '-'"),
        ("SELECT Id FROM Lead OFFSET -1", "MALFORMED_QUERY", "unexpected token: '-'"),
        (
            "SELECT Id FROM Lead WHERE LastName IN (SELECT Id FROM Account)",
            "MALFORMED_QUERY",
            "should be an id field, cannot use: 'LastName'",
        ),
        (
            "SELECT Id FROM Lead WHERE Id IN (SELECT Name FROM Account)",
            "MALFORMED_QUERY",
            "should be an id field, cannot use: 'Name'",
        ),
        (
            "SELECT Id FROM Lead WHERE Id IN (SELECT MAX(Id) FROM Account)",
            "MALFORMED_QUERY",
            "should be an id field, cannot use a function",
        ),
        (
            "SELECT Id FROM Lead WHERE LastName = 'x' OR Id IN (SELECT LeadId FROM CampaignMember)",
            "MALFORMED_QUERY",
            "Semi join sub-selects are not allowed with the 'OR' operator",
        ),
        (
            "SELECT Id FROM Lead WHERE Id IN (SELECT LeadId FROM CampaignMember WHERE LeadId IN (SELECT Id FROM Lead))",
            "MALFORMED_QUERY",
            "Nesting of semi join sub-selects is not supported",
        ),
        (
            "SELECT Id FROM Lead WHERE " + " AND ".join(["Id IN (SELECT LeadId FROM CampaignMember)"] * 3),
            "MALFORMED_QUERY",
            "Maximum 2 semi join sub-selects are allowed",
        ),
        ("SELECT Id FROM Lead WITH ANYTHING", "MALFORMED_QUERY", "unexpected token: 'ANYTHING'"),
        (
            "SELECT Id, (SELECT Id FROM Foos) FROM Lead",
            "INVALID_TYPE",
            "Didn't understand relationship 'Foos' in FROM part of query call.",
        ),
        (
            "SELECT Id, (SELECT Nope FROM CampaignMembers) FROM Lead",
            "INVALID_FIELD",
            "No such column 'Nope' on entity 'CampaignMember'",
        ),
        (
            "SELECT TYPEOF Owner WHEN Profile THEN Name END FROM Lead",
            "INVALID_TYPE",
            "Profile is not a type that Owner can refer to",
        ),
        ("SELECT Id FROM Lead USING SCOPE team", "INVALID_QUERY_SCOPE", "Invalid query scope 'team' for Lead"),
        (
            "SELECT Id FROM Lead WITH DATA CATEGORY A AT b",
            "FUNCTIONALITY_NOT_ENABLED",
            "This WITH clause is not supported by this fake org",
        ),
    ],
)
def test_what_the_org_refuses(org: Org, soql: str, code: str, message: str):
    error = refused(org, soql)
    assert error.code == code
    assert message in str(error.context["text"])


def test_clauses_without_effect_on_the_answer_are_let_pass(org: Org):
    assert len(org.rows("SELECT Id FROM Lead USING SCOPE Everything FOR VIEW UPDATE TRACKING")) == 5


def test_the_field_list_is_checked_before_the_filter(org: Org):
    assert "No such column 'Foo'" in refused(org, "SELECT Foo FROM Lead WHERE Bar = 1").message


# --- the fake org's own catalogue -------------------------------------------------------------------------------------


def test_the_orgs_catalogue_knows_objects_fields_abilities_and_children():
    catalog = OrgCatalog(standard_catalog())
    lead = catalog.find("lead")
    assert lead is not None
    assert (lead.name, lead.table) == ("Lead", '"Lead"')
    description, email = lead.field("DESCRIPTION"), lead.field("Email")
    assert description is not None
    assert email is not None
    assert not lead.can(description, "f")
    assert lead.can(email, "f")
    owner = lead.parent("owner")
    assert owner is not None
    assert owner.name == "OwnerId"
    opportunity = catalog.find("Opportunity")
    assert opportunity is not None
    assert opportunity.child("opportunitycontactroles") == ("OpportunityContactRole", "OpportunityId")
    assert catalog.find("Nothing") is None

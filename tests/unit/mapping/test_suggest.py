"""A drafted mapping says how sure each line is, does nothing doubtful, and passes the check."""

from __future__ import annotations

import pytest

from sfsync.config.yaml_reader import parse_yaml
from sfsync.errors import UsageError
from sfsync.mapping.check import check_mappings
from sfsync.mapping.load import parse_mapping
from sfsync.mapping.suggest import Origin, profile_columns, suggest_mapping
from sfsync.mapping.suggest.names import likeness
from sfsync.mapping.yaml_text import comment, scalar
from sfsync.records import FieldDescribe, ObjectDescribe

from .pushing import database, make_source

LEAD = ObjectDescribe(
    "Lead",
    "Lead",
    (
        FieldDescribe("Id", "id", "Lead ID", createable=False, updateable=False),
        FieldDescribe("LastName", "string", "Last Name", length=80, nillable=False),
        FieldDescribe("Company", "string", "Company", length=10, nillable=False),
        FieldDescribe("Email", "email", "Email", length=80),
        FieldDescribe("Phone", "phone", "Phone", length=40),
        FieldDescribe("Status", "picklist", "Status", picklist_values=("Open", "Closed")),
        FieldDescribe("AnnualRevenue", "currency", "Annual Revenue"),
        FieldDescribe("NumberOfEmployees", "int", "No. of Employees"),
        FieldDescribe("HasOptedOutOfEmail", "boolean", "Email Opt Out"),
        FieldDescribe("Birthday__c", "date", "Date of Birth", custom=True),
        FieldDescribe("Rebate__c", "percent", "Rebate", custom=True),
        FieldDescribe("Called_At__c", "datetime", "Called At", custom=True),
        FieldDescribe("Crm_Id__c", "string", "CRM Id", length=32, external_id=True, unique=True),
        FieldDescribe("CreatedDate", "datetime", "Created Date", createable=False, updateable=False),
        FieldDescribe("OwnerId", "reference", "Owner ID", reference_to=("Group", "User"), relationship_name="Owner"),
        FieldDescribe("Partner__c", "reference", "Partner", reference_to=("Account",), relationship_name="Partner__r"),
    ),
    key_prefix="00Q",
)
USER = ObjectDescribe(
    "User", "User", (FieldDescribe("Id", "id"), FieldDescribe("Email", "email"), FieldDescribe("Name", "string"))
)


@pytest.fixture
def draft():
    """What is drafted for columns, each a list of values or a pair of SQL type and values."""

    def run(columns, *, known=(LEAD, USER), notes=()):
        session = database()
        typed = {name: given if isinstance(given, tuple) else ("VARCHAR", given) for name, given in columns.items()}
        kinds = {name: kind for name, (kind, _) in typed.items()}
        make_source(session, kinds, list(zip(*(values for _, values in typed.values()), strict=True)))
        describes = {each.name: each for each in known}
        origin = Origin("leads.csv", ("source: leads.csv",), 1, notes)
        made = suggest_mapping(LEAD, profile_columns(session, "s", kinds), origin, describes=describes)
        mapping = parse_mapping(made.text, "draft.yml")
        assert check_mappings([mapping], describes) == []
        return made, mapping

    return run


def test_columns_are_found_by_name_label_and_the_words_people_use(draft):
    made, mapping = draft(
        {
            "LASTNAME": ["Ada"],
            "Email Opt Out": ["true"],
            "e-mail": ["a@example.com"],
            "Firma": ["X"],
            "no_of_employees": ["7"],
            "zzz": ["?"],
        }
    )
    assert made.used == {
        "LastName": "LASTNAME",
        "HasOptedOutOfEmail": "Email Opt Out",
        "Email": "e-mail",
        "Company": "Firma",
        "NumberOfEmployees": "no_of_employees",
    }
    assert made.unused == ("zzz",)
    assert "# No field is like the column zzz" in made.text
    assert "  LastName: LASTNAME  # 100%: the same name\n" in made.text
    assert mapping.direction == "push"


@pytest.mark.parametrize(
    ("field", "column", "values", "line"),
    [
        ("Birthday__c", "birthday", ["31.1.1990", "1.2.1990"], "{local: birthday, transform: {date: dmy}}"),
        ("Birthday__c", "birthday", ["1/31/1990", "1/2/1990"], "{local: birthday, transform: {date: mdy}}"),
        ("Birthday__c", "birthday", ["1990-01-31", None], "birthday"),
        ("AnnualRevenue", "annual_revenue", ["1.234,50", "7"], "{local: annual_revenue, transform: {number: de}}"),
        ("AnnualRevenue", "annual_revenue", ["1,234.50", "7"], "{local: annual_revenue, transform: {number: en}}"),
        (
            "AnnualRevenue",
            "annual_revenue",
            ["1,77,000.00", "7"],
            "{local: annual_revenue, transform: {number: en_IN}}",
        ),
        ("AnnualRevenue", "annual_revenue", ["1234.50", "7"], "annual_revenue"),
        ("AnnualRevenue", "annual_revenue", ["0.125", "7"], "annual_revenue"),
        ("AnnualRevenue", "annual_revenue", ["1.2345", "7.125"], "annual_revenue"),
        ("Rebate__c", "rebate", ["12%", "5.5 %"], '{local: rebate, transform: {number: {locale: en, symbol: "%"}}}'),
        (
            "HasOptedOutOfEmail",
            "email_opt_out",
            ["yes", "no"],
            "{local: email_opt_out, transform: {boolean: [yes, no]}}",
        ),
        ("HasOptedOutOfEmail", "email_opt_out", ["TRUE", "FALSE"], "email_opt_out"),
        ("Called_At__c", "called_at", ["2026-01-31T12:00:00Z", None], "called_at"),
    ],
)
def test_the_form_of_the_values_decides_the_transform(draft, field, column, values, line):
    made, _ = draft({"last_name": ["a", "b"], column: values})
    assert f"  {field}: {line}  # " in made.text
    assert made.used[field] == column


@pytest.mark.parametrize(
    ("field", "column", "values", "doubt"),
    [
        ("Birthday__c", "birthday", ["1/2/1990", "3/4/1990"], "may be day, month, year or month, day, year"),
        ("Birthday__c", "birthday", ["31/1/1990", "1/31/1990"], "not all are in one order"),
        ("AnnualRevenue", "annual_revenue", ["1,234", "7,500"], "may be written the English way or the German"),
        ("AnnualRevenue", "annual_revenue", ["1.234", "12.500"], "`1.234` may be a fraction or have a thousand in it"),
        ("AnnualRevenue", "annual_revenue", ["900", "850.000"], "`850.000` may be a fraction or have a thousand in it"),
        ("Rebate__c", "rebate", ["12,5%", "7%"], "`12,5%`: declare how it is written"),
        ("Called_At__c", "called_at", ["2026-01-31 12:00:00", None], "they have no zone"),
    ],
)
def test_what_a_person_has_to_decide_is_a_comment(draft, field, column, values, doubt):
    made, mapping = draft({"last_name": ["a", "b"], column: values})
    assert made.doubtful == {field: column}
    assert field not in mapping.fields
    line = next(line for line in made.text.splitlines() if line.startswith(f"  # {field}: {column}  # "))
    assert doubt in line


def test_values_speak_against_a_name(draft):
    made, _ = draft({"last_name": ["a", "b"], "annual_revenue": ["high", "low"], "email": ["yes please", "call me"]})
    assert made.used == {"LastName": "last_name"}


def test_picklists_and_lengths_are_held_against_the_data(draft):
    made, _ = draft(
        {"last_name": ["a", "b", "c"], "status": ["Open", "new", "won\n# x: y"], "company": ["x" * 11, "y", "z"]}
    )
    assert "2 of 3 values are not in the picklist: `new`, `won�# x: y`; say what they are by `values:`" in made.text
    assert "the longest value has 11 characters, the field takes 10" in made.text


def test_the_key_is_an_external_id_whose_values_are_all_different(draft):
    made, mapping = draft({"last_name": ["a", "a"], "crm_id": ["1", "2"]})
    assert (made.key, mapping.key_field) == ("Crm_Id__c", "Crm_Id__c")
    made, mapping = draft({"last_name": ["a", "a"], "crm_id": ["1", "1"]})
    assert (made.key, mapping.key_field) == (None, None)
    assert "# key: FIELD. Without one each push makes new records" in made.text


def test_record_ids_are_known_by_their_prefix(draft):
    made, mapping = draft({"last_name": ["a"], "sf": ["00Q000000000001AAA"]})
    assert (made.key, mapping.fields["Id"].local) == ("Id", "sf")
    assert draft({"last_name": ["a"], "id": ["001000000000001AAA"]})[0].key is None


def test_references_are_found_by_what_the_column_holds(draft):
    made, mapping = draft({"last_name": ["a"], "owner_email": ["a@example.com"], "partner": ["ACME"]})
    assert mapping.lookups["OwnerId"].shown_as("OwnerId") == "OwnerId → User.Email"
    assert made.doubtful == {"Partner__c": "partner"}
    assert "the mirror has no Account: `sfsync pull Account` brings it" in made.text
    made, mapping = draft({"last_name": ["a"], "owner_id": ["005000000000001AAA"]})
    assert mapping.fields["OwnerId"].local == "owner_id"


def test_required_fields_without_a_column_are_named(draft):
    made, _ = draft({"last_name": ["a"]})
    assert made.required == ("Company",)
    assert "  # Company: COLUMN  # required: a new Lead needs it, and no column is like it" in made.text


def test_typed_columns_need_no_transform(draft):
    made, _ = draft({"last_name": ["a"], "birthday": ("DATE", ["2026-01-31"]), "annual_revenue": ("DOUBLE", [1.5])})
    assert made.used == {"LastName": "last_name", "Birthday__c": "birthday", "AnnualRevenue": "annual_revenue"}


def test_hostile_names_and_values_stay_what_they_are(draft):
    made, mapping = draft(
        {"last_name": ['x\n"}: '], "company\nobject: User": ["y"], "Email: #": ["a@example.com\u202e"]},
        notes=("sheet: a\nfields: {Id: x}",),
    )
    assert mapping.object == "Lead"
    assert 'Company: "company object: User"' in made.text
    assert "\u202e" not in made.text


def test_columns_are_drafted_under_the_names_that_people_read(draft):
    names = {"Last\nName": ["a"], "\u200b*E\u2011Mail": ["a@b.org"], "Company\u00a0": ["x"], "a;b": ["y"]}
    made, mapping = draft(names)
    assert made.used["LastName"] == "Last Name"
    assert made.used["Company"] == "Company"
    assert mapping.fields["LastName"].local == "Last Name"
    assert "The column a;b cannot be named in a mapping" in made.text


def test_columns_of_values_within_values_are_left_out_of_a_draft(draft):
    made, _ = draft({"last_name": ["a"], "company": ("STRUCT(name VARCHAR)", [{"name": "x"}])})
    assert made.used == {"LastName": "last_name"}
    assert made.required == ("Company",)


def test_a_source_that_has_nothing_in_common_with_the_object_is_refused_with_what_was_nearest(draft):
    with pytest.raises(UsageError, match="no column resembles a field of Lead"):
        draft({"q1": ["?"], "q2": ["?"]})


@pytest.mark.parametrize("kind", ["VARCHAR", "DATE", "TIMESTAMP", "TIMESTAMPTZ", "BOOLEAN", "BIGINT", "DOUBLE", "TIME"])
@pytest.mark.parametrize("name", ["annual_revenue", "birthday", "status", "phone", "email", "ownerid"])
def test_a_typed_column_without_any_value_is_drafted_by_its_name_and_type(draft, kind, name):
    made, mapping = draft({"last_name": ["a"], name: (kind, [None])})
    assert made.used["LastName"] == "last_name"
    assert mapping.object == "Lead"


def test_a_field_that_no_new_record_may_have_is_left_to_a_person():
    partner = FieldDescribe("IsPartner", "boolean", "Partner Account", createable=False)
    account = ObjectDescribe("Account", "Account", (FieldDescribe("Name", "string", "Name", length=80), partner))
    session = database()
    make_source(session, {"Name": "VARCHAR", "IsPartner": "BOOLEAN"}, [("Acme", False)])
    columns = profile_columns(session, "s", {"Name": "VARCHAR", "IsPartner": "BOOLEAN"})
    made = suggest_mapping(account, columns, Origin("the mirror ../prod", ("source: {mirror: ../prod}",), 1, ()))
    assert (made.used, made.doubtful) == ({"Name": "Name"}, {"IsPartner": "IsPartner"})
    assert (
        "  # IsPartner: IsPartner  # 100%: the same name; values are true and false; no record can be made" in made.text
    )


def test_a_column_of_days_without_any_value_is_no_number(draft):
    made, _ = draft({"last_name": ["a"], "annual_revenue": ("DATE", [None])})
    assert "AnnualRevenue" not in made.used


def test_an_empty_source_is_drafted_by_its_names(draft):
    made, _ = draft({"last_name": [], "email": []})
    assert made.used == {"LastName": "last_name", "Email": "email"}


@pytest.mark.parametrize(
    ("column", "name", "least"),
    [
        ("annual_revenue", "AnnualRevenue", 1),
        ("ANNUALREVENUE", "AnnualRevenue", 1),
        ("Zip", "PostalCode", 0.9),
        ("Straße", "Street", 0.9),
        ("crm id", "Crm_Id__c", 1),
    ],
)
def test_names_that_mean_the_same_are_alike(column, name, least):
    assert likeness(column, name) >= least
    assert likeness(column, "IsConverted") < 0.5


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a: b",
        "007",
        "true",
        "- x",
        "it's",
        'say "x"',
        "#",
        "a\nb\u2028\u202e\x85\x7f",
        "no",
        "1.5",
        "{}",
        "é",
        "\ufeff",
        "~",
        " x ",
    ],
)
def test_scalars_mean_exactly_themselves(text):
    written = f"fields: {{LastName: {{sql: {scalar(text + ' + 1')}}}}}\n"
    assert parse_yaml(f"a: {scalar(text)}\n", "x").data["a"] == text
    assert parse_yaml(written, "x").data["fields"]["LastName"]["sql"] == text + " + 1"


def test_comments_stay_on_their_line():
    assert comment("a\nb\r\n\x1b[31mc\u2028d") == "# a b �[31mc d"

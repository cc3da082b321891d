from __future__ import annotations

import csv
from datetime import date, datetime

import pytest

from sfsync.errors import ConfigError
from sfsync.fake import FakeOrg
from sfsync.fake.ids import make_id, to_15

LEAD = make_id("00Q", 1)
OTHER = make_id("00Q", 2)


@pytest.fixture
def folder(tmp_path):
    def write(**files):
        for name, content in files.items():
            data = content if isinstance(content, bytes) else content.encode()
            (tmp_path / f"{name}.csv").write_bytes(data)
        return tmp_path

    return write


def problems_of(path):
    with pytest.raises(ConfigError) as caught:
        FakeOrg.from_csv(path)
    return caught.value.problems


def test_the_published_org_loads_whole(real_data):
    with FakeOrg.from_csv(real_data("olist_org")) as org:
        counts = {name: org.count(name) for name in ("Lead", "Account", "Contact", "Opportunity", "User")}
        assert counts == {"Lead": 8000, "Account": 842, "Contact": 842, "Opportunity": 842, "User": 42}
        assert org.notes == []
        with org.database.reading() as cursor:
            assert cursor.execute('SELECT count(*) FROM "Lead" WHERE "IsConverted"').fetchone() == (842,)
        custom = [field.name for field in org.catalog.facts("Lead").fields if field.custom]
        assert custom == ["Mql_Id__c", "Landing_Page__c", "Lead_Type__c", "Behaviour_Profile__c"]


def test_the_first_active_user_of_the_data_is_the_one_who_logs_in(real_data):
    with FakeOrg.from_csv(real_data("olist_org")) as org:
        assert org.credentials.username == "unassign@olist.example.com"
        assert org.record("Lead", "00Q5e0000000001EAA")["CreatedById"] == org.admin_id
        assert org.record("User", org.admin_id)["CreatedById"] == org.admin_id


def test_values_get_the_types_of_their_fields(folder):
    header = "Id,LastName,Company,IsConverted,AnnualRevenue,NumberOfEmployees,ConvertedDate,CreatedDate"
    row = f"{LEAD},A,X,TRUE,1200000,5,2026-01-02,2026-01-02T03:04:05.000+0200"
    with FakeOrg.from_csv(folder(Lead=f"{header}\n{row}\n")) as org:
        record = org.record("Lead", LEAD)
        assert record["IsConverted"] is True
        assert record["AnnualRevenue"] == 1_200_000.0
        assert record["NumberOfEmployees"] == 5
        assert record["ConvertedDate"] == date(2026, 1, 2)
        assert record["CreatedDate"] == record["SystemModstamp"] == datetime(2026, 1, 2, 1, 4, 5)


def test_missing_columns_are_filled_as_salesforce_fills_them(folder):
    with FakeOrg.from_csv(folder(Lead=f"Id,FirstName,LastName\n{to_15(LEAD)},Ada,Byron\n")) as org:
        record = org.record("Lead", LEAD)
        assert record["Name"] == "Ada Byron"
        assert record["Status"] == "Open - Not Contacted"
        assert record["OwnerId"] == org.admin_id
        assert record["IsDeleted"] is False


def test_empty_cells_are_nulls_quoted_or_not(folder):
    with FakeOrg.from_csv(folder(Lead=f'Id,LastName,Company,Email\n{LEAD},A,X,""\n{OTHER},B,Y,\n')) as org:
        assert org.record("Lead", LEAD)["Email"] is None
        assert org.record("Lead", OTHER)["Email"] is None


def test_byte_order_marks_crlf_and_quoted_line_breaks_are_read(folder):
    text = f'\ufeffid,LASTNAME,company\r\n{LEAD},"two\r\nlines","say ""hi"""\r\n'
    with FakeOrg.from_csv(folder(lead=text)) as org:
        record = org.record("Lead", LEAD)
        assert record["LastName"] == "two\r\nlines"
        assert record["Company"] == 'say "hi"'


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["true", "FALSE", ""], "boolean"),
        (["1", "2.50", "-3"], "double"),
        (["01234", "55555"], "string"),
        (["2026-01-01", ""], "date"),
        (["2026-01-01T00:00:00Z", "2026-01-02T00:00:00.000+0000"], "datetime"),
        (["a", "1"], "string"),
        (["1e5", "2"], "string"),
        (["12345678901234567890"], "string"),
        (["", ""], "string"),
        (["x" * 300, "y"], "textarea"),
        (["2026-13-01"], "string"),
        (["nan", "inf"], "string"),
    ],
)
def test_custom_fields_get_the_type_that_all_their_values_have(folder, values, kind):
    rows = "".join(f"{make_id('00Q', number)},A,{value}\n" for number, value in enumerate(values))
    with FakeOrg.from_csv(folder(Lead=f"Id,LastName,Extra__c\n{rows}")) as org:
        field = org.catalog.facts("Lead").field("extra__C")
        assert field.type == kind
        assert field.label == "Extra"
        assert org.count("Lead") == len(values)


def test_lookups_to_nowhere_are_let_pass_and_noted(folder):
    lead = f"Id,LastName,ConvertedAccountId,OwnerId\n{LEAD},A,{make_id('001', 9)},{make_id('005', 7)}\n"
    with FakeOrg.from_csv(folder(Lead=lead)) as org:
        assert len(org.notes) == 2
        assert "Lead.ConvertedAccountId: 1 lookups point to no record" in org.notes[1]


def test_an_unknown_object_is_refused_with_a_suggestion(folder):
    [problem] = problems_of(folder(Leeds="Id\n"))
    assert problem.file.endswith("Leeds.csv")
    assert "no object `Leeds`" in problem.message
    assert problem.hint == "did you mean `Lead.csv`?"


def test_an_unknown_column_is_refused_with_its_place(folder):
    [problem] = problems_of(folder(Lead=f"Id,LastName,Emial\n{LEAD},A,b\n"))
    assert (problem.line, problem.column) == (1, 3)
    assert problem.message == "Lead has no field `Emial`"
    assert problem.hint == "did you mean `Email`?"


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("LastName", "no column `Id`"),
        ("Id,Email,EMAIL", "stands twice"),
        ("Id,Address", "compound field"),
        ("Id,Bad Name__c", "not an API name"),
        ("Id,", "not an API name"),
        ("", "no column `Id`"),
    ],
)
def test_impossible_headers_are_refused(folder, header, message):
    assert any(message in problem.message for problem in problems_of(folder(Lead=f"{header}\n")))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("", "Id: empty"),
        ("00Q", "not a Salesforce Id"),
        (OTHER[:15] + "ZZZ", "not a Salesforce Id"),
        (make_id("001", 1), "not an Id of Lead"),
    ],
)
def test_impossible_ids_are_refused_with_their_line(folder, wrong, message):
    text = f'Id,LastName\n{LEAD},"with\na break"\n{wrong},B\n'
    [problem] = problems_of(folder(Lead=text))
    assert (problem.line, problem.column) == (4, 1)
    assert message in problem.message


def test_ids_that_stand_twice_are_refused_even_in_different_lengths(folder):
    found = problems_of(folder(Lead=f"Id,LastName\n{LEAD},A\n{OTHER},B\n{to_15(LEAD)},C\n"))
    assert [(problem.line, problem.column) for problem in found] == [(2, 1), (4, 1)]


@pytest.mark.parametrize(
    ("column", "wrong"),
    [
        ("IsConverted", "perhaps"),
        ("ConvertedDate", "2026-02-30"),
        ("CreatedDate", "yesterday"),
        ("AnnualRevenue", "1,000"),
        ("AnnualRevenue", "inf"),
        ("NumberOfEmployees", "many"),
        ("OwnerId", "me"),
    ],
)
def test_values_of_the_wrong_type_are_refused_with_file_line_and_column(folder, column, wrong):
    [problem] = problems_of(folder(Lead=f'Id,LastName,{column}\n{LEAD},A,\n{OTHER},B,"{wrong}"\n'))
    assert (problem.line, problem.column) == (3, 3)
    assert problem.message.startswith(f"{column}: '{wrong}' is not a")


def test_many_faults_of_one_kind_are_counted_and_not_all_listed(folder):
    rows = "".join(f"bad{number},A\n" for number in range(500))
    found = problems_of(folder(Lead=f"Id,LastName\n{rows}"))
    assert len(found) == 5
    assert "(500 such rows)" in found[0].message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (f"Id,LastName\n{LEAD},A,B\n", "Expected Number of Columns"),
        (f'Id,LastName\n{LEAD},"A\n', "unterminated quote"),
        (f"Id,LastName\n{LEAD},".encode() + b"\xff\xfe\n", "Invalid unicode"),
        (b"\xff\xfeI\x00d\x00", "header cannot be read"),
    ],
)
def test_files_that_are_not_csv_in_utf8_are_refused(folder, content, message):
    [problem] = problems_of(folder(Lead=content))
    assert message in problem.message
    assert problem.line is not None


def test_an_empty_or_missing_folder_is_refused(tmp_path):
    assert "no CSV file" in problems_of(tmp_path)[0].message
    assert "no such folder" in problems_of(tmp_path / "nowhere")[0].message


def test_a_file_with_a_header_alone_is_an_empty_object(folder):
    with FakeOrg.from_csv(folder(Lead="Id,LastName\n", Account="Id,Name,Region__c\n")) as org:
        assert org.count("Lead") == 0
        assert org.catalog.facts("Account").field("Region__c").type == "string"


def test_all_files_problems_are_told_at_once(folder):
    found = problems_of(folder(Lead="Id,Nope\n", Account="Id,Neither\n"))
    assert [problem.file.rsplit("/", 1)[1] for problem in found] == ["Account.csv", "Lead.csv"]


def test_statuses_of_the_data_replace_the_standard_ones(folder):
    text = f"Id,MasterLabel,SortOrder,IsConverted,IsDefault\n{make_id('01J', 0)},Neu,1,false,true\n"
    with FakeOrg.from_csv(folder(LeadStatus=text, Lead=f"Id,LastName\n{LEAD},A\n")) as org:
        assert [entry.value for entry in org.catalog.facts("Lead").field("Status").values] == ["Neu"]
        assert org.count("LeadStatus") == 1


def test_a_hostile_file_is_only_data(folder, client_of):
    nasty = 'Robert\'); DROP TABLE "Lead";--'
    path = folder(Lead="")
    with (path / "Lead.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["Id", "LastName", "Company"], [LEAD, nasty, "${env}"]])
    with FakeOrg.from_csv(path) as org:
        assert client_of(org).rows("SELECT LastName, Company FROM Lead") == [{"LastName": nasty, "Company": "${env}"}]

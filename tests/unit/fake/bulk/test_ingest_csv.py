from __future__ import annotations

import pytest

DELIMITERS = {"COMMA": ",", "SEMICOLON": ";", "PIPE": "|", "TAB": "\t", "CARET": "^", "BACKQUOTE": "`"}


def named(client):
    return [row["LastName"] for row in client.rows("SELECT LastName FROM Lead ORDER BY LastName")]


@pytest.mark.parametrize(("name", "character"), DELIMITERS.items())
@pytest.mark.parametrize(("ending", "newline"), [("LF", "\n"), ("CRLF", "\r\n")])
def test_every_dialect_is_read_and_answered_in(client, ingest, name, character, ending, newline):
    rows = [["LastName", "Company"], ["Ant", f'"x{character}y"'], ["Bee", ""]]
    data = "".join(character.join(row) + newline for row in rows)
    job = ingest(data, columnDelimiter=name, lineEnding=ending)
    assert (job["numberRecordsProcessed"], job["numberRecordsFailed"]) == (2, 1), job
    done = ingest.text(job["id"], "successfulResults")
    assert done.startswith(f'"sf__Id"{character}"sf__Created"{character}LastName{character}Company{newline}"00Q')
    assert done.endswith(f'"Ant"{character}"x{character}y"{newline}')
    assert [row["Company"] for row in ingest.rows(job["id"], "successfulResults", character)] == [f"x{character}y"]
    assert ingest.text(job["id"], "unprocessedrecords") == f"LastName{character}Company{newline}"


@pytest.mark.parametrize(
    ("setting", "data"),
    [
        ("LF", b"LastName,Company\r\nAnt,Acme\r\n"),
        ("CRLF", b"LastName,Company\nAnt,Acme\n"),
        ("LF", b"LastName,Company\rAnt,Acme\r"),
    ],
)
def test_a_wrong_line_ending_fails_the_job(org, ingest, setting, data):
    job = ingest(data, lineEnding=setting)
    assert (job["state"], job["numberRecordsProcessed"]) == ("Failed", 0)
    assert job["errorMessage"] == (
        f"ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is {setting}"
    )
    assert org.count("Lead") == 0
    assert ingest.text(job["id"], "unprocessedrecords").encode().startswith(b"LastName,Company")


def test_a_last_row_needs_no_line_ending(ingest):
    assert ingest("LastName,Company\r\nAnt,Acme", lineEnding="CRLF")["numberRecordsProcessed"] == 1


def test_values_hold_any_line_ending_and_quote(client, ingest):
    job = ingest('LastName,Company,Description\nAnt,"say ""hi""","one\r\ntwo\nthree"\n')
    assert job["numberRecordsFailed"] == 0
    [row] = client.rows("SELECT Company, Description FROM Lead")
    assert row == {"Company": 'say "hi"', "Description": "one\r\ntwo\nthree"}


def test_empty_cells_are_left_alone_and_na_clears(org, ingest, leads):
    org.update("Lead", leads[0], {"City": "Oslo", "Phone": "1", "Email": "a@b.example"})
    job = ingest(f"Id,City,Phone,Email\n{leads[0]},#N/A,,c@d.example\n", "update")
    assert job["numberRecordsFailed"] == 0
    lead = org.record("Lead", leads[0])
    assert (lead["City"], lead["Phone"], lead["Email"]) == (None, "1", "c@d.example")


def test_types_are_read_as_bulk_writes_them(org, ingest):
    org.add_field("Lead", "When__c", "datetime")
    org.add_field("Lead", "Hot__c", "boolean")
    data = (
        "LastName,Company,AnnualRevenue,NumberOfEmployees,Hot__c,When__c\n"
        "Ant,Acme,1234.0,12,true,2024-05-06T07:08:09.000+0200\n"
        "Bee,Acme,8.0E7,7,FALSE,2024-05-06T07:08:09Z\n"
        "Cat,Acme,many,7,false,2024-05-06T07:08:09Z\n"
    )
    job = ingest(data)
    assert (job["numberRecordsProcessed"], job["numberRecordsFailed"]) == (3, 1)
    first, second = (org.record("Lead", row["sf__Id"]) for row in ingest.rows(job["id"], "successfulResults"))
    assert (first["AnnualRevenue"], first["NumberOfEmployees"], first["Hot__c"]) == (1234.0, 12, True)
    assert str(first["When__c"]) == "2024-05-06 05:08:09"
    assert (second["AnnualRevenue"], second["Hot__c"]) == (80_000_000.0, False)


@pytest.mark.parametrize(
    ("operation", "data", "column"),
    [
        ("insert", "LastName,Company,Nope__c\nAnt,Acme,1\n", "Nope__c"),
        ("insert", "LastName,Company,Address\nAnt,Acme,1\n", "Address"),
        ("insert", "LastName, Company\nAnt,Acme\n", " Company"),
        ("insert", "LastName,Company,\nAnt,Acme,\n", ""),
        ("update", "LastName,Company\nAnt,Acme\n", "Id"),
        ("upsert", "LastName,Company\nAnt,Acme\n", "Ext__c"),
        ("delete", "Ids\nx\n", "Ids"),
        ("insert", "LastName,Nobody.Email\nAnt,x\n", "Nobody.Email"),
        ("insert", "LastName,Owner.Email\nAnt,x\n", "Owner.Email"),
        ("insert", "LastName,Lead:Owner.Email\nAnt,x\n", "Lead:Owner.Email"),
        ("insert", "LastName,User:Owner.Nope\nAnt,x\n", "User:Owner.Nope"),
        ("insert", "LastName,.\nAnt,x\n", "."),
    ],
)
def test_an_unknown_column_fails_the_job(org, ingest, operation, data, column):
    org.add_field("Lead", "Ext__c", "string", external_id=True)
    properties = {"externalIdFieldName": "Ext__c"} if operation == "upsert" else {}
    job = ingest(data, operation, **properties)
    assert (job["state"], job["numberRecordsProcessed"]) == ("Failed", 0)
    assert job["errorMessage"] == f"InvalidBatch : Field name not found : {column}"
    assert len(ingest.rows(job["id"], "unprocessedrecords")) == 1
    assert ingest.rows(job["id"], "successfulResults") == []


def test_a_hidden_field_is_an_unknown_column(org, ingest):
    org.hide("Lead", "Email")
    job = ingest("LastName,Company,Email\nAnt,Acme,a@b.example\n")
    assert job["errorMessage"] == "InvalidBatch : Field name not found : Email"


def test_the_same_column_twice_fails_the_job(ingest):
    assert ingest("LastName,Company,lastname\nAnt,Acme,Bee\n")["state"] == "Failed"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ('LastName,Company\nAnt,"Acme\n', "EOF reached before closing an opened quote"),
        ('LastName,Company\n"A"nt,Acme\n', "Found unescaped quote. A value with quote should be within a quote"),
        ("LastName,Company\nAnt\n", "Number of columns"),
        ("LastName,Company\nAnt,Acme,1\n", "Number of columns"),
        ("LastName,Company\nAnt," + "x" * 200_000 + "\n", "Exceeded max field size"),
        ("", "No header row"),
        ("\n\n", "No header row"),
        (",".join(f"F{number}" for number in range(5001)) + "\n", "too many columns"),
        ("x" * 33_000 + "\n", "too many columns or characters"),
        (b"\xff\xfe\x00\n\x00", "Field name not found"),
    ],
)
def test_what_is_no_csv_fails_the_job(ingest, data, message):
    job = ingest(data)
    assert (job["state"], job["numberRecordsProcessed"]) == ("Failed", 0)
    assert message in job["errorMessage"]
    for kind in ("successfulResults", "failedResults", "unprocessedrecords"):
        ingest.text(job["id"], kind)


def test_rows_before_the_one_that_cannot_be_read_stay_written(org, client, ingest):
    org.bulk.settings.batch = 2
    job = ingest("LastName,Company\nAnt,Acme\nBee,Acme\nCat,Acme\nDog\nEel,Acme\n")
    assert (job["state"], job["numberRecordsProcessed"]) == ("Failed", 2)
    assert named(client) == ["Ant", "Bee"]
    assert ingest.text(job["id"], "unprocessedrecords") == 'LastName,Company\n"Cat","Acme"\nDog\nEel,Acme\n'


def test_a_header_alone_is_a_job_without_rows(ingest):
    job = ingest("LastName,Company\n")
    assert (job["state"], job["numberRecordsProcessed"]) == ("JobComplete", 0)


def test_blank_lines_and_a_byte_order_mark_are_passed_over(client, ingest):
    job = ingest("\ufeffLastName,Company\n\nAnt,Acme\n\n")
    assert (job["numberRecordsProcessed"], job["numberRecordsFailed"]) == (1, 0)
    assert ingest.text(job["id"], "successfulResults").startswith('"sf__Id","sf__Created",LastName,Company\n')


def test_hostile_values_are_values(client, ingest):
    names = ['Robert\'); DROP TABLE "Lead";--', "=cmd|' /C calc'!A0", "a\x00b", "\u2028\x0b\x85", "<script>", "😀"]
    cells = "".join('"' + name.replace('"', '""') + '",Acme\n' for name in names)
    job = ingest(f"LastName,Company\n{cells}")
    assert job["state"] == "JobComplete"
    kept = [row["LastName"] for row in ingest.rows(job["id"], "successfulResults")]
    refused = [row["LastName"] for row in ingest.rows(job["id"], "failedResults")]
    assert sorted(kept + refused) == sorted(names)
    assert set(kept) >= {names[0], names[1], names[4], names[5]}
    assert names[0] in named(client)


# --- parents -------------------------------------------------------------------------------------------------------


def test_a_parent_is_named_by_its_external_id(org, ingest):
    org.add_field("Account", "Ext__c", "string", external_id=True, unique=True)
    [account] = org.insert("Account", [{"Name": "Acme", "Ext__c": "A-1"}])
    data = (
        "Name,StageName,CloseDate,Account.Ext__c\n"
        "One,Prospecting,2026-05-01,A-1\nTwo,Prospecting,2026-05-01,A-2\nThree,Prospecting,2026-05-01,\n"
    )
    job = ingest(data, "insert", "Opportunity")
    assert (job["numberRecordsProcessed"], job["numberRecordsFailed"]) == (3, 1)
    one, three = (org.record("Opportunity", row["sf__Id"]) for row in ingest.rows(job["id"], "successfulResults"))
    assert (one["AccountId"], three["AccountId"]) == (account, None)
    [failed] = ingest.rows(job["id"], "failedResults")
    assert failed["sf__Error"].startswith("INVALID_FIELD:Foreign key external ID: A-2 not found for field Ext__c")
    cleared = ingest(f"Id,Account.Ext__c\n{one['Id']},#N/A\n", "update", "Opportunity")
    assert cleared["numberRecordsFailed"] == 0
    assert org.record("Opportunity", one["Id"])["AccountId"] is None


def test_a_polymorphic_parent_tells_its_object(org, ingest):
    owner = org.add_user("sales@example.com", Email="sales@example.com")
    job = ingest("LastName,Company,User:Owner.Email\nAnt,Acme,sales@example.com\n")
    assert job["numberRecordsFailed"] == 0, ingest.text(job["id"], "failedResults")
    [row] = ingest.rows(job["id"], "successfulResults")
    assert org.record("Lead", row["sf__Id"])["OwnerId"] == owner


def test_a_row_may_name_a_parent_that_an_earlier_chunk_made(org, ingest):
    org.add_field("Account", "Ext__c", "string", external_id=True, unique=True)
    rows = "".join(f"Account {number},E{number},{'E0' if number == 250 else ''}\n" for number in range(300))
    job = ingest(f"Name,Ext__c,Parent.Ext__c\n{rows}", "insert", "Account")
    assert (job["numberRecordsProcessed"], job["numberRecordsFailed"]) == (300, 0)
    made = {row["Name"]: row["sf__Id"] for row in ingest.rows(job["id"], "successfulResults")}
    assert org.record("Account", made["Account 250"])["ParentId"] == made["Account 0"]

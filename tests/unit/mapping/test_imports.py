"""Maps of Data Loader and CumulusCI become mappings, and nothing in them is lost without a word."""

from __future__ import annotations

import pytest

from sfsync.errors import MappingError, UsageError
from sfsync.mapping.imports import ImportOptions, import_mapping
from sfsync.mapping.imports.properties import read_properties
from sfsync.mapping.load import parse_mapping
from sfsync.records import FieldDescribe, ObjectDescribe

ACCOUNT = ObjectDescribe(
    "Account",
    "Account",
    (
        FieldDescribe("Id", "id", createable=False, updateable=False),
        FieldDescribe("Name", "string", length=255),
        FieldDescribe("Industry", "picklist", restricted_picklist=False),
        FieldDescribe("BillingState", "string"),
        FieldDescribe("ShippingState", "string"),
        FieldDescribe("SystemModstamp", "datetime", createable=False, updateable=False),
        FieldDescribe("Oracle_Id__c", "string", external_id=True, unique=True),
        FieldDescribe("ParentId", "reference", reference_to=("Account",), relationship_name="Parent"),
        FieldDescribe("OwnerId", "reference", reference_to=("User",), relationship_name="Owner"),
    ),
)
USER = ObjectDescribe("User", "User", (FieldDescribe("Id", "id"), FieldDescribe("Username", "string")))
KNOWN = {"Account": ACCOUNT, "User": USER}


@pytest.fixture
def imported(tmp_path):
    """The only mapping that comes of a file: itself, its text, and what is told."""

    def run(text: str | bytes, *, name="accountMap.sdl", **options):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        (only,) = import_mapping(path, ImportOptions(**{"object": "Account", **options}))
        return parse_mapping(only.text, only.name), only.text, only.told

    return run


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("a=b", "a", "b"),
        ("  a = b ", "a", "b "),
        ("a:b", "a", "b"),
        ("a b", "a", "b"),
        ("a", "a", ""),
        ("=b", "", "b"),
        (r"Who\:Contact-Email=x", "Who:Contact-Email", "x"),
        (r"First\ Name=x", "First Name", "x"),
        (r"a\=b=c=d", "a=b", "c=d"),
        (r"caf\u00e9=\uD83D\uDE00\t", "café", "😀\t"),
        ("long\\\n    Name=x", "longName", "x"),
        ('"Some Description"=x', '"Some Description"', "x"),
        (r'"Some\ Description"=x', '"Some Description"', "x"),
        (r"back\\slash=C:\\dir", r"back\slash", r"C:\dir"),
    ],
)
def test_properties_are_read_as_java_reads_them(text, key, value):
    (only,), comments = read_properties(f"#one\n!two\n\n{text}")
    assert (only.key, only.value, only.line) == (key, value, 4)
    assert comments == ["one", "two"]


def test_a_load_map_becomes_a_push(imported):
    mapping, text, told = imported(
        'NAME=Name\nORACLE_ID__C=oracle_id__c\n"California"=BillingState, ShippingState\n', describes=KNOWN
    )
    assert mapping.direction == "push"
    assert {name: item.local for name, item in mapping.fields.items() if item.local} == {
        "Name": "NAME",
        "Oracle_Id__c": "ORACLE_ID__C",
    }
    assert mapping.fields["BillingState"].constant == mapping.fields["ShippingState"].constant == "California"
    assert str(mapping.local_table) == "crm.account_map"
    assert "  Oracle_Id__c: ORACLE_ID__C  # line 2\n" in text
    assert told == (
        "key: FIELD. Data Loader keeps the field of an upsert elsewhere; without a key each push makes new records (External IDs here: Oracle_Id__c)",
    )


def test_a_source_takes_the_place_of_a_table(imported):
    assert imported("NAME=Name\n", source="in/my accounts.csv")[0].source.file == "in/my accounts.csv"
    assert str(imported("NAME=Name\n", table="x.y")[0].local_table) == "x.y"


@pytest.mark.parametrize(
    ("target", "lookup"),
    [
        (r"Parent\:Account-Oracle_Id__c", ("ParentId", "Account", "Oracle_Id__c")),
        (r"pArent:oRaClE_Id__c", ("ParentId", "Account", "Oracle_Id__c")),
        (r"owner\:user-username", ("OwnerId", "User", "Username")),
    ],
)
def test_lookups_are_understood_in_both_spellings(imported, target, lookup):
    mapping, _, _ = imported(f"NAME=Name\nX={target}\n", describes=KNOWN)
    ((name, item),) = mapping.lookups.items()
    assert (name, item.object, item.by, item.local) == (*lookup, "X")


def test_lookups_are_named_by_the_rule_where_nothing_is_known_of_the_org(imported):
    mapping, _, told = imported("NAME=Name\nX=Parent:Ext__c\nY=Region__r:Region__c-Code__c\nZ=Thing__r:Code__c\n")
    assert {name: item.shown_as(name) for name, item in mapping.lookups.items()} == {
        "ParentId": "ParentId → Account.Ext__c",
        "Region__c": "Region__c → Region__c.Code__c",
    }
    assert told[0] == "line 4: Thing__c: it does not say which object the parent is of"


def test_what_cannot_be_carried_over_stands_there_with_its_line(imported):
    mapping, text, told = imported(
        'Name=Name\n""=Industry\n=BillingState\nSystemModstamp=\nShippingState=Shipping State\nX=Parent\\:Account\n'
        "Stamp=SystemModstamp\nA=Nonsense__c\nName=Name\n",
        describes=KNOWN,
    )
    assert list(mapping.fields) == ["Name"]
    assert told[:-1] == (
        "line 2: Industry: an empty constant; to empty a field, map an empty column with `null: clear`",
        "line 3: BillingState: it names no column",
        told[2],
        "line 6: ParentId: it names the parent's object and not the field that it is found by",
        "line 7: SystemModstamp: Account.SystemModstamp cannot be written by this user",
        "line 8: Nonsense__c: Account has no field `Nonsense__c`, or this user may not read it",
        "line 1 `Name=Name` counts for nothing: line 9 has the same key",
        "line 4: the column SystemModstamp is mapped to no field",
    )
    assert "Shipping State" in told[2]
    assert '  # NOT TAKEN OVER: Industry: {constant: ""}  # line 2 `""=Industry`: an empty constant' in text


def test_a_field_that_two_lines_map_is_told(imported):
    mapping, _, told = imported('Name=Name\nIndustry=Industry\n"Aerospace"=Industry\n')
    assert mapping.fields["Industry"].local == "Industry"
    assert told[0] == "line 3: Industry: line 2 maps Industry already"


@pytest.mark.parametrize(
    ("text", "direction"),
    [
        ("Name=account_name\nOracle_Id__c=ext\n", "pull"),
        ("account_name=Name\next=Oracle_Id__c\n", "push"),
        ("# values for query from salesforce (left) and update to csv file (right)\nId=LID\n", "pull"),
        ("Name=Name\nIndustry=Industry\n", "push"),
    ],
)
def test_which_way_a_map_goes_shows_by_what_stands_where(imported, text, direction):
    assert imported(text)[0].direction == direction
    assert imported(text, describes=KNOWN)[0].direction == direction


def test_a_map_that_may_go_either_way_is_asked_about(imported):
    with pytest.raises(UsageError, match="does not show"):
        imported("Name=Industry\nIndustry=Name\n")
    assert imported("Name=Industry\nIndustry=Name\n", direction="pull")[0].fields["Name"].local == "Industry"


def test_an_extract_shows_parents_by_their_fields(imported):
    mapping, _, told = imported(
        "Id=id\nName=name\nOwner.Username=owner\nOwner.Id=owner_id\nOwner.Manager.Name=boss\n",
        direction="pull",
        describes=KNOWN,
    )
    assert mapping.lookups["OwnerId"].shown_as("OwnerId") == "OwnerId → User.Username"
    assert told == (
        "line 4: OwnerId: the parent's Id is the reference itself; line 3 maps OwnerId already",
        "line 5: Owner.Manager: a parent's parent cannot be shown; ask the local tables by SQL",
    )


def test_a_map_with_the_records_id_is_keyed_by_it(imported):
    assert imported("ID=Id\nNAME=Name\n")[0].key_field == "Id"


def test_hostile_lines_stay_comments_and_quoted_texts(imported):
    mapping, text, _ = imported('a\\n"b:=Name\n"x\\nobject: User # \\u202e"=Industry\nNAME=BillingState\n')
    assert mapping.object == "Account"
    assert mapping.fields["Industry"].constant == "x\nobject: User # \u202e"
    assert "\nobject: User" not in text
    assert "\u202e" not in text


def test_a_map_of_which_nothing_is_left_and_one_without_an_object_are_refused(imported, tmp_path):
    with pytest.raises(MappingError, match="no field of it can be carried over"):
        imported("a=\nb=Bad Name\n", direction="push")
    with pytest.raises(UsageError, match="do not say of which object") as caught:
        imported("A=Name\n", object=None)
    assert caught.value.hint == "--object Account"
    with pytest.raises(MappingError, match="cannot be read"):
        import_mapping(tmp_path / "no.sdl", ImportOptions(object="Account"))
    with pytest.raises(UsageError, match="what kind of mapping"):
        imported("A=Name\n", name="map.txt")


def test_a_map_in_latin_1_is_read_as_java_reads_it(imported):
    mapping, _, told = imported("Größe=Name\n".encode("latin-1"))
    assert mapping.fields["Name"].local == "Größe"
    assert told[-1] == "the file is not UTF-8; it was read as Latin-1, as Java does"


def test_every_map_of_data_loaders_own_tests_is_imported_or_refused_with_a_reason(real_data):
    folder = real_data("dataloader")
    made, refused = 0, []
    for path in sorted(folder.rglob("*.sdl")):
        try:
            for each in import_mapping(path, ImportOptions(object="Account")):
                parse_mapping(each.text, path.name)
                made += 1
                lines = [
                    line
                    for line in path.read_text("utf-8").splitlines()
                    if line.strip() and line.lstrip()[0] not in "#!"
                ]
                for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
                    if line in lines:
                        assert f"line {number}" in each.text, (path.name, line)
        except (UsageError, MappingError) as error:
            refused.append((path.name, str(error)))
    assert made > 50
    assert refused == []


CCI = """\
Insert Accounts:
  sf_object: Account
  table: accounts
  action: upsert
  update_key: Ext__c
  api: bulk
  filters:
    - 'SQL'
  fields:
    Name: account_name
    Ext__c: ext
    RecordTypeId: rt
  static:
    Active__c: true
  lookups:
    ParentId:
      table: accounts
      key_field: parent_ext
      after: Insert Accounts
Contacts:
  sf_object: Contact
  record_type: Customer
  fields: [LastName, Email]
  lookups:
    AccountId:
      table: accounts
    ReportsToId:
      table: contacts
      key_field: boss_id
      value_field: x
  frobnicate: 7
Tasks:
  sf_object: Task
  update_key: [Subject, ActivityDate]
  action: etl_upsert
  fields:
    Id: id
    Subject: subject
  lookups:
    WhoId:
      table: [Contact, Lead]
"""


@pytest.fixture
def steps(tmp_path):
    def run(text):
        (tmp_path / "mapping.yml").write_text(text)
        made = import_mapping(tmp_path / "mapping.yml", ImportOptions())
        return {each.name: (parse_mapping(each.text, each.name), each.text, each.told) for each in made}

    return run


def test_every_step_of_cumulusci_is_a_mapping(steps):
    made = steps(CCI)
    assert list(made) == ["insert_accounts.yml", "contacts.yml", "tasks.yml"]
    mapping, text, told = made["insert_accounts.yml"]
    assert (mapping.object, str(mapping.local_table), mapping.direction, mapping.key_field) == (
        "Account",
        "crm.accounts",
        "push",
        "Ext__c",
    )
    assert mapping.fields["Active__c"].constant == "true"
    parent = mapping.lookups["ParentId"]
    assert (parent.object, parent.by, parent.local, parent.on_missing) == ("Account", "Ext__c", "parent_ext", "defer")
    assert mapping.lookups["RecordTypeId"].shown_as("RecordTypeId") == "RecordTypeId → RecordType.DeveloperName"
    assert told == (
        "line 6 `api: bulk` is not carried over: sfsync chooses the API by the number of records",
        "line 7 `filters: ['SQL']` is not carried over: SQL over the local table: make a view or a `source: {query: ...}` of it",
    )
    assert "  Name: account_name  # line 10\n" in text


def test_fixed_values_of_cumulusci_are_what_the_file_says(steps):
    ((mapping, _, _),) = steps(
        "A:\n  sf_object: Account\n  static: {Version__c: 1.10, Code__c: 007, N__c: 5}\n"
    ).values()
    fixed = {name: item.constant for name, item in mapping.fields.items()}
    assert fixed == {"Version__c": "1.10", "Code__c": "007", "N__c": "5"}


def test_what_cumulusci_says_and_we_cannot_is_told_with_its_line(steps):
    made = steps(CCI)
    mapping, _, told = made["contacts.yml"]
    assert {name: item.local for name, item in mapping.fields.items()} == {"LastName": "LastName", "Email": "Email"}
    assert mapping.lookups["RecordTypeId"].constant == "Customer"
    assert (mapping.lookups["AccountId"].object, mapping.lookups["AccountId"].by) == ("Account", "Ext__c")
    assert told[0].startswith("line 27: ReportsToId: CumulusCI found parents by their row, sfsync by a field")
    assert "`value_field: x` is not carried over" in told[0]
    assert told[1:] == (
        "action insert: without a `key:`, each push makes new records",
        "line 31 `frobnicate: 7` is not carried over: there is nothing like it",
    )
    _, text, told = made["tasks.yml"]
    assert "# NOT TAKEN OVER: WhoId: {object: [Contact, Lead], by: FIELD, local: WhoId}" in text
    assert "line 34: records are found by one field, not by several (Subject, ActivityDate)" in told


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: b\n", "mapping.yml:1:1: the step `a` has no `sf_object` (is it a CumulusCI mapping?)"),
        ("a: {sf_object: Account, fields: 5}\n", "`fields` of the step `a` is neither a block nor a list"),
        ("a: {sf_object: Account}\n", "no field of it can be carried over"),
        ("a: [\n", "mapping.yml:"),
    ],
)
def test_what_is_no_cumulusci_mapping_is_refused_at_its_place(steps, text, message):
    with pytest.raises(MappingError) as caught:
        steps(text)
    assert message in str(caught.value)

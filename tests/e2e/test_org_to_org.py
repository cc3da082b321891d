"""From one org into another: Ids remapped by what both orgs know, references of every kind, values masked."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sfsync.errors import MappingError, SourceError
from sfsync.fake import FakeOrg
from sfsync.mapping import Mapping, load_mappings
from sfsync.mapping.load import parse_mapping
from sfsync.record_ids import long_id
from sfsync.salesforce import connect
from sfsync.store import open_store
from sfsync.store.names import quote, table
from sfsync.sync.apply.result_files import ResultFiles
from sfsync.sync.apply.run import apply
from sfsync.sync.plan.explain import explain
from sfsync.sync.plan.explain_html import explain_html
from sfsync.sync.plan.explain_text import explain_text
from sfsync.sync.plan.make import make_plan
from sfsync.sync.plan.options import PlanOptions
from sfsync.sync.plan.plan_file import write_plan
from sfsync.sync.plan.stored import Plan
from sfsync.sync.pull import pull

#: Object → the fields that travel as they are.
FIELDS = {
    "User": ("Username", "Email", "FirstName", "LastName", "Alias", "IsActive"),
    "Account": ("Name", "Industry", "BillingStreet", "BillingCity", "AnnualRevenue", "NumberOfEmployees"),
    "Contact": ("FirstName", "LastName", "Email", "Phone", "Title"),
    "Lead": (
        *("FirstName", "LastName", "Company", "Email", "Phone", "Title", "Description", "LeadSource"),
        *("Street", "AnnualRevenue", "NumberOfEmployees"),
    ),
    "Opportunity": ("Name", "StageName", "CloseDate", "Amount"),
}
#: Object → reference → what it points to.
REFERENCES = {
    "User": {"ManagerId": "User"},
    "Account": {"ParentId": "Account", "OwnerId": "User"},
    "Contact": {"AccountId": "Account", "OwnerId": "User"},
    "Lead": {},
    "Opportunity": {"AccountId": "Account", "OwnerId": "User"},
}
LOCALE = (
    "TimeZoneSidKey: {constant: GMT}, LocaleSidKey: {constant: en_US}, LanguageLocaleKey: {constant: en_US}, "
    "EmailEncodingKey: {constant: UTF-8}"
)


def mapping_of(name: str, masks: dict[str, str] | None = None, more: str = "") -> Mapping:
    """The mapping of an object whose columns are called as its fields are."""
    masks = masks or {}
    fields = [
        f"{each}: {{local: {each}, mask: '{masks[each]}'}}" if each in masks else f"{each}: {each}"
        for each in ("Crm_Id__c", *FIELDS[name])
    ]
    if name == "User":
        fields.append(LOCALE)
    lookups = [
        f"{field}: {{object: {parent}, by: Crm_Id__c, local: {field}}}" for field, parent in REFERENCES[name].items()
    ]
    if name == "User":
        lookups.append("ProfileId: {object: Profile, by: Name, constant: System Administrator}")
    if name == "Lead":
        lookups.append("OwnerId: {object: [User, Group], by: {User: Crm_Id__c, Group: DeveloperName}, local: OwnerId}")
    text = (
        f"object: {name}\ndirection: push\nsource: {{mirror: ../prod}}\nkey: Crm_Id__c\n"
        f"fields: {{{', '.join(fields)}}}\nlookups: {{{', '.join(lookups)}}}\n{more}"
    )
    return parse_mapping(text, f"{name.casefold()}.yml")


class Mirror:
    """A project folder with what was pulled from an org."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.store = open_store(root / ".sfsync" / "mirror.duckdb")

    def records(self, name: str) -> dict[str, dict[str, Any]]:
        """Crm_Id__c → the fields that travel, references as the parent's Crm_Id__c."""
        parents = {
            **REFERENCES[name],
            **({"OwnerId": "User"} if name == "Lead" else {}),
        }
        columns = [f"r.{quote(each)}" for each in ("Crm_Id__c", *FIELDS[name])]
        joins = ""
        for number, (field, parent) in enumerate(parents.items()):
            joins += f' LEFT JOIN {table("sf", parent)} AS p{number} ON p{number}."Id" = r.{quote(field)}'
            columns.append(f'p{number}."Crm_Id__c" AS {quote(field)}')
        sql = f'SELECT {", ".join(columns)} FROM {table("sf", name)} AS r{joins} WHERE r."Crm_Id__c" IS NOT NULL'
        return {each["Crm_Id__c"]: each for each in self.store.query(sql).rows().dicts()}


class Project(Mirror):
    """An org in this process, and a mirror of it."""

    def __init__(self, fake: FakeOrg, root: Path) -> None:
        root.mkdir()
        super().__init__(root)
        self.fake = fake
        env = {"SF_ACCESS_TOKEN": fake.token, "SF_ORG_INSTANCE_URL": fake.instance_url}
        self.org = connect(env=env, session=fake.session())
        for name in FIELDS:
            fake.add_field(name, "Crm_Id__c", "string", length=40, external_id=True, unique=True)

    def pull(self) -> None:
        self.fake.clock.advance(timedelta(minutes=10))
        done = pull(self.org, self.store, workspace=self.root, objects=[*FIELDS, "Group", "Profile"])
        assert {each.state for each in done.objects} == {"done"}

    def plan(self, mappings: Sequence[Mapping]) -> Plan:
        return make_plan(self.store, mappings, options=PlanOptions(root=self.root))


@contextmanager
def seeded(root: Path) -> Iterator[Project]:
    """A seeded org with hostile values in which (nearly) every record has an external Id."""
    with FakeOrg.seeded(seed=3, leads=120) as fake:
        project = Project(fake, root)
        project.pull()
        for name in FIELDS:
            found = project.store.query(f'SELECT "Id" FROM {table("sf", name)} ORDER BY "Id"').rows()
            for number, (record_id,) in enumerate(found, start=1):
                if not (name == "Lead" and number == 5):
                    fields = {"Crm_Id__c": f"{name[0]}-{number}"}
                    if name == "Account" and number in (2, 3):
                        fields["ParentId"] = found.rows[0][0]
                    if name == "User":
                        fields["IsActive"] = True
                    if name == "User" and number == 2:
                        fields["ManagerId"] = found.rows[2][0]
                    fake.update(name, record_id, fields)
        project.pull()
        yield project


@pytest.fixture
def prod(tmp_path: Path) -> Iterator[Project]:
    """The seeded org, for tests that change it."""
    with seeded(tmp_path / "prod") as project:
        yield project


@pytest.fixture(scope="module")
def pulled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mirror of the seeded org, to be copied."""
    with seeded(tmp_path_factory.mktemp("pulled") / "prod") as project:
        return project.root


@pytest.fixture
def mirrored(pulled: Path, tmp_path: Path) -> Mirror:
    """A mirror of the seeded org, for tests that ask the org itself nothing."""
    return Mirror(shutil.copytree(pulled, tmp_path / "prod"))


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Project]:
    with FakeOrg.empty() as fake:
        project = Project(fake, tmp_path / "sandbox")
        project.pull()
        yield project


def migrate(sandbox: Project, mappings: Sequence[Mapping]) -> Plan:
    plan = sandbox.plan(mappings)
    done = apply(sandbox.org, sandbox.store, plan.id, workspace=sandbox.root, mappings=mappings)
    assert {state for state, count in done.counts.items() if count} <= {"done", "refused"}, done.codes
    sandbox.pull()
    return plan


def refusals(project: Project, plan: Plan) -> list[tuple[Any, ...]]:
    with project.store.reading() as session:
        return [
            (step.object, *row)
            for step in plan.steps
            for row in session.execute(f"SELECT key, refused FROM {step.table} WHERE refused IS NOT NULL").rows
        ]


def test_every_record_arrives_with_its_values_and_its_relations(mirrored: Mirror, sandbox: Project) -> None:
    mappings = [mapping_of(name) for name in FIELDS]
    plan = migrate(sandbox, mappings)
    assert refusals(sandbox, plan) == [("Lead", None, "the row has no Crm_Id__c, so its record cannot be told")]
    for name in FIELDS:
        there, here = mirrored.records(name), sandbox.records(name)
        if name == "Lead":
            queued = {key for key, each in there.items() if each["OwnerId"] is None}
            assert {here[key]["OwnerId"] for key in queued} <= {None}
        assert here == there, name
    assert sum(1 for each in sandbox.records("Account").values() if each["ParentId"]) == 2
    again = sandbox.plan(mappings)
    assert again.change_count == 0


def test_the_plan_tells_where_the_rows_come_from_and_what_cannot_be_named(prod: Project, sandbox: Project) -> None:
    first = prod.store.query('SELECT "Id" FROM sf."Account" ORDER BY "Id" LIMIT 1').rows().scalar()
    prod.fake.update("Account", first, {"Crm_Id__c": None})
    prod.pull()
    plan = sandbox.plan([mapping_of("User"), mapping_of("Account")])
    (facts,) = [each for each in plan.header["mappings"] if each["object"] == "Account"]
    assert facts["source"] == "the mirror ../prod"
    assert any(note.startswith(f"the org {prod.fake.instance_url} as of ") for note in facts["notes"])
    assert "2 records refer by ParentId to Account without Crm_Id__c, which no other org can know" in facts["notes"]
    told = refusals(sandbox, plan)
    lost = f"ParentId: no Account has the Crm_Id__c `{first} (Account without Crm_Id__c)`"
    assert sorted(told, key=str) == sorted(
        [
            ("Account", None, "the row has no Crm_Id__c, so its record cannot be told"),
            *[("Account", key, lost) for key in ("A-2", "A-3")],
        ],
        key=str,
    )


def test_an_owner_who_would_come_inactive_is_found_before_anything_is_sent(prod: Project, sandbox: Project) -> None:
    owner = prod.store.query('SELECT "OwnerId" FROM sf."Account" ORDER BY "Id" LIMIT 1').rows().scalar()
    prod.fake.update("User", owner, {"IsActive": False})
    prod.pull()
    plan = sandbox.plan([mapping_of("User"), mapping_of("Account")])
    told = {text for name, _, text in refusals(sandbox, plan) if name == "Account"}
    key = prod.store.query('SELECT "Crm_Id__c" FROM sf."User" WHERE NOT "IsActive"').rows().scalar()
    assert f"OwnerId: `{key}` is that of an inactive User" in told


def test_a_parent_whose_name_others_have_too_is_never_guessed(prod: Project, sandbox: Project) -> None:
    ids = [row[0] for row in prod.store.query('SELECT "Id" FROM sf."Account" ORDER BY "Id" LIMIT 2').rows()]
    for each in ids:
        prod.fake.update("Account", each, {"Name": "Acme"})
    prod.pull()
    text = (
        'object: Account\ndirection: push\nsource: {mirror: ../prod, query: \'SELECT * FROM sf."Account" WHERE'
        ' "ParentId" IS NOT NULL\'}\nkey: Crm_Id__c\nfields: {Crm_Id__c: Crm_Id__c, Name: Name}\n'
        "lookups: {ParentId: {object: Account, by: Name, local: ParentId}}\n"
    )
    plan = sandbox.plan([parse_mapping(text, "account.yml")])
    assert {told for _, _, told in refusals(sandbox, plan)} == {
        "ParentId: no Account has the Name `Acme (2 Account records of the source)`"
    }


@pytest.mark.parametrize(
    ("source", "lookups", "message"),
    [
        ("{mirror: ../nowhere}", "{}", "there is no such folder"),
        ("{mirror: ../sandbox/.sfsync}", "{}", "nothing was pulled there yet"),
        ("{mirror: ../prod, object: Laed}", "{}", "its mirror does not hold Laed"),
        ("{mirror: ../prod, query: SELECT 1 AS x FROM nothing}", "{}", "it refuses the query"),
        ("{mirror: ../prod, query: DROP TABLE x}", "{}", "it is not one SELECT"),
        ("{mirror: ../prod}", "{OwnerId: {object: User, by: Extra__c, local: OwnerId}}", "it has no User.Extra__c"),
    ],
)
def test_a_mirror_that_cannot_be_read_says_why(
    source: str, lookups: str, message: str, mirrored: Mirror, sandbox: Project
) -> None:
    del mirrored
    sandbox.fake.add_field("User", "Extra__c", "string", external_id=True, unique=True)
    sandbox.pull()
    text = f"object: Lead\ndirection: push\nsource: {source}\nkey: Crm_Id__c\nfields: {{Crm_Id__c: Crm_Id__c}}\n"
    with pytest.raises(SourceError, match=message):
        sandbox.plan([parse_mapping(f"{text}lookups: {lookups}\n", "lead.yml")])


def test_ids_of_another_org_are_never_written_as_they_are(mirrored: Mirror, sandbox: Project) -> None:
    del mirrored
    text = (
        "object: Contact\ndirection: push\nsource: {mirror: ../prod}\nkey: Crm_Id__c\n"
        "fields: {Crm_Id__c: Crm_Id__c, AccountId: AccountId}\n"
    )
    with pytest.raises(MappingError, match="the Ids of `AccountId` are those of another org"):
        sandbox.plan([parse_mapping(text, "contact.yml")])


def contacts(source: str, fields: str = "", lookups: str = "{}") -> Mapping:
    text = f"object: Contact\ndirection: push\nsource: {{mirror: ../prod{source}}}\nkey: Crm_Id__c\n"
    return parse_mapping(f"{text}fields: {{Crm_Id__c: Crm_Id__c{fields}}}\nlookups: {lookups}\n", "contact.yml")


RENAMED = ', query: \'SELECT *, "AccountId" AS account FROM sf."Contact"\''


@pytest.mark.parametrize(
    ("mapping", "told"),
    [
        (
            contacts("", ", AccountId: AccountId"),
            "contact.yml:5:32: the Ids of `AccountId` are those of another org (`lookups: {AccountId: {object: Account,"
            " by: Crm_Id__c, local: AccountId}}` finds the same record here)",
        ),
        (
            contacts(RENAMED, ", AccountId: account"),
            "contact.yml:5:32: the Ids of `AccountId` are those of another org (`lookups: {AccountId: {object: Account,"
            " by: Crm_Id__c, local: account}}` finds the same record here)",
        ),
        (
            contacts("", lookups="{AccountId: {object: Account, by: Id, local: AccountId}}"),
            "contact.yml:6:44: the Ids of Account in another org find nothing here (look it up by a field that both"
            " orgs know; External IDs there: `Crm_Id__c`)",
        ),
        (
            contacts(RENAMED, lookups="{AccountId: {object: Account, by: Crm_Id__c, local: account}}"),
            "contact.yml:6:11: `account` holds Ids of another org, and Crm_Id__c is no Id (call the column `AccountId`,"
            " as the field is: its Ids are replaced by what the lookup goes by)",
        ),
    ],
)
def test_ids_of_another_org_are_recognised_wherever_they_stand(
    mapping: Mapping, told: str, mirrored: Mirror, sandbox: Project
) -> None:
    del mirrored
    with pytest.raises(MappingError) as raised:
        sandbox.plan([mapping])
    assert [str(problem) for problem in raised.value.problems] == [told]


def test_ids_are_translated_by_a_table_of_both_orgs_where_there_is_one(mirrored: Mirror, sandbox: Project) -> None:
    migrate(sandbox, [mapping_of(name) for name in ("User", "Account")])
    there, here = (
        dict(each.store.query('SELECT "Crm_Id__c", "Id" FROM sf."Account"').rows().rows) for each in (mirrored, sandbox)
    )
    folder = sandbox.root / "mappings"
    folder.mkdir()
    (folder / "ids.csv").write_text("org,local\n" + "".join(f"{here[key]},{there[key]}\n" for key in here))
    (folder / "contact.yml").write_text(
        "object: Contact\ndirection: push\nsource: {mirror: ../prod}\nkey: Crm_Id__c\n"
        "fields: {Crm_Id__c: Crm_Id__c, LastName: LastName, AccountId: {local: AccountId, transform: {table: ids.csv}}}\n"
    )
    (mapping,) = load_mappings(folder)
    migrate(sandbox, [mapping])
    sql = 'SELECT count(*) FROM sf."Contact" AS c JOIN sf."Account" AS a ON a."Id" = c."AccountId"'
    assert sandbox.store.query(sql).rows().scalar() == mirrored.store.query(sql).rows().scalar() > 0


def test_ids_of_another_org_in_a_file_are_refused_by_the_row_and_never_sent(sandbox: Project) -> None:
    sandbox.fake.insert("Account", [{"Name": "Own"}])
    sandbox.pull()
    foreign = long_id("001WS00000Zz9Qx")
    own = sandbox.store.query('SELECT "Id" FROM sf."Account" ORDER BY "Id" LIMIT 1').rows().scalar()
    gone = sandbox.fake.insert("Account", [{"Name": "Gone"}])[0]
    sandbox.fake.delete("Account", gone)
    sandbox.pull()
    lines = "".join(f"k{n},N,{each}\n" for n, each in enumerate((own, foreign, gone), start=1))
    (sandbox.root / "contacts.csv").write_text(f"id,name,account\n{lines}")
    text = "object: Contact\ndirection: push\nsource: contacts.csv\nkey: Crm_Id__c\n"
    text += "fields: {Crm_Id__c: id, LastName: name, AccountId: account}\n"
    plan = sandbox.plan([parse_mapping(text, "contact.yml")])
    assert refusals(sandbox, plan) == [
        (
            "Contact",
            "k2",
            f"AccountId: no Account of this org has the Id `{foreign}` as of its last pull; a record of another org is"
            " found by a lookup `by` an External ID",
        ),
        ("Contact", "k3", f"AccountId: the Account `{gone}` was deleted in the org"),
    ]
    assert plan.change_count == 1


MASKS = {
    "Account": {"Name": "fake", "BillingStreet": "fake"},
    "Opportunity": {"Name": "fake"},
    "Contact": {"LastName": "fake", "FirstName": "fake", "Email": "hash", "Phone": "fake", "Title": "hash"},
    "Lead": dict.fromkeys(("LastName", "FirstName", "Company", "Phone", "Street"), "fake")
    | {"Email": "hash", "Description": "null", "Title": "hash"},
}


def test_no_masked_value_leaves_its_org_and_equal_values_stay_equal(
    prod: Project, sandbox: Project, tmp_path: Path
) -> None:
    shared = prod.store.query('SELECT "Id" FROM sf."Contact" WHERE "Email" IS NOT NULL ORDER BY "Id" LIMIT 1').rows()
    prod.fake.update("Contact", shared.scalar(), {"Email": "Known.Person@Customer.example"})
    leads = prod.store.query('SELECT "Id" FROM sf."Lead" WHERE NOT "IsConverted" ORDER BY "Id" LIMIT 2').rows()
    prod.fake.update("Lead", leads.rows[0][0], {"Email": "known.person@customer.example"})
    account = prod.store.query('SELECT "Name" FROM sf."Account" ORDER BY "Id" LIMIT 1').rows().scalar()
    prod.fake.update("Lead", leads.rows[1][0], {"Company": account})
    prod.pull()

    mappings = [mapping_of(name, MASKS.get(name)) for name in FIELDS]
    plan = sandbox.plan(mappings)
    with sandbox.store.reading() as session:
        told = explain(session, plan, show_values=True)
        write_plan(session, plan, tmp_path / "plan.json")
    (tmp_path / "plan.html").write_text(explain_html(told))
    (tmp_path / "plan.txt").write_text(explain_text(told))
    done = apply(sandbox.org, sandbox.store, plan.id, workspace=sandbox.root, mappings=mappings)
    assert done.counts["rejected"] == 0, done.codes
    ResultFiles(sandbox.root / "results", mappings, sandbox.root).write(sandbox.store, plan.id)
    sandbox.pull()

    secrets = {
        value
        for name, masks in MASKS.items()
        for field in masks
        for (value,) in prod.store.query(f"SELECT DISTINCT {quote(field)} FROM {table('sf', name)}").rows()
        if value is not None and len(value) > 9
    }
    assert len(secrets) > 200
    for file in ("plan.json", "plan.html", "plan.txt"):
        text = (tmp_path / file).read_text()
        assert not [each for each in secrets if each in text], file
    written = texts_of(sandbox)
    assert not secrets & written
    kept = [each for each in sandbox.root.rglob("*") if each.is_file() and "mirror.duckdb" not in each.name]
    for file in kept:
        content = file.read_bytes()
        assert not [each for each in secrets if each.encode() in content], file

    before, after = {n: prod.records(n) for n in FIELDS}, {n: sandbox.records(n) for n in FIELDS}
    masked: dict[str, str] = {}
    for name in ("Lead", "Contact"):
        for key, record in after[name].items():
            original = (before[name][key]["Email"] or "").casefold()
            if original:
                assert masked.setdefault(original, record["Email"]) == record["Email"] != original
    assert len(set(masked.values())) == len(masked)
    company = next(key for key, each in before["Lead"].items() if each["Company"] == account)
    named = next(key for key, each in before["Account"].items() if each["Name"] == account)
    assert after["Lead"][company]["Company"] == after["Account"][named]["Name"] != account
    assert {each["Description"] for each in after["Lead"].values()} == {None}
    assert sandbox.plan(mappings).change_count == 0


def test_result_files_of_a_masked_file_hold_no_row_of_it(sandbox: Project) -> None:
    (sandbox.root / "people.csv").write_text("id,name,phone\n1,Ada Lovelace,+49 30 123456\n2,,+49 30 654321\n")
    text = (
        "object: Contact\ndirection: push\nsource: people.csv\nkey: Crm_Id__c\n"
        "fields: {Crm_Id__c: id, LastName: {local: name, mask: fake}}\n"
    )
    mapping = parse_mapping(text, "contact.yml")
    plan = sandbox.plan([mapping])
    done = apply(sandbox.org, sandbox.store, plan.id, workspace=sandbox.root, mappings=[mapping])
    assert (done.counts["done"], done.counts["refused"]) == (1, 1)
    files = ResultFiles(sandbox.root / "results", [mapping], sandbox.root)
    files.write(sandbox.store, plan.id)
    content = "".join(each.read_text() for each in (sandbox.root / "results").iterdir())
    assert "Contact" in content
    assert not any(each in content for each in ("Ada", "Lovelace", "+49"))
    assert files.notes == ["contact.yml masks values: the rows of its source are left out of the result files"]


def texts_of(project: Project) -> set[str]:
    """Every text in every table of a store."""
    with project.store.reading() as session:
        columns = session.execute(
            "SELECT table_schema, table_name, column_name FROM information_schema.columns WHERE data_type = 'VARCHAR'"
        ).rows
        return {
            row[0]
            for schema, name, column in columns
            for row in session.execute(f"SELECT DISTINCT {quote(column)} FROM {table(schema, name)}").rows
            if row[0] is not None
        }

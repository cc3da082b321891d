"""Users by what Salesforce knows them by, and what a user may not do: against the fake org, from its own describes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from sfsync.errors import MappingError
from sfsync.fake import FakeOrg
from sfsync.mapping.load import parse_mapping
from sfsync.salesforce import connect
from sfsync.store import open_store
from sfsync.sync.apply.run import apply
from sfsync.sync.plan.make import make_plan
from sfsync.sync.plan.options import PlanOptions
from sfsync.sync.plan.stored import Plan
from sfsync.sync.pull import pull

OBJECTS = ("Lead", "User", "Profile")
USERS = (
    "object: User\ndirection: push\nsource: users.csv\nkey: Username\n"
    "fields: {Username: login, LastName: name, Email: mail, Alias: alias, TimeZoneSidKey: {constant: GMT}, "
    "LocaleSidKey: {constant: en_US}, LanguageLocaleKey: {constant: en_US}, EmailEncodingKey: {constant: UTF-8}, "
    "FederationIdentifier: sso}\n"
    "lookups: {ProfileId: {object: Profile, by: Name, constant: System Administrator}}\n"
)
LEADS = (
    "object: Lead\ndirection: push\nsource: leads.csv\nkey: Crm_Id__c\n"
    "fields: {Crm_Id__c: id, LastName: name, Company: name}\n"
    "lookups: {OwnerId: {object: User, by: %s, local: owner}}\n%s"
)


class Project:
    """A fake org, and a project with files."""

    def __init__(self, fake: FakeOrg, root: Path) -> None:
        self.fake, self.root = fake, root
        self.store = open_store(root / ".sfsync" / "mirror.duckdb")
        env = {"SF_ACCESS_TOKEN": fake.token, "SF_ORG_INSTANCE_URL": fake.instance_url}
        self.org = connect(env=env, session=fake.session())

    def pull(self) -> None:
        self.fake.clock.advance(timedelta(minutes=10))
        pull(self.org, self.store, workspace=self.root, objects=OBJECTS)

    def file(self, name: str, *lines: str) -> None:
        (self.root / name).write_text("\n".join(lines) + "\n")

    def plan(self, *texts: str) -> Plan:
        mappings = [parse_mapping(text, f"m{number}.yml") for number, text in enumerate(texts, start=1)]
        return make_plan(self.store, mappings, options=PlanOptions(root=self.root))

    def migrate(self, *texts: str) -> dict[str, int]:
        done = apply(self.org, self.store, self.plan(*texts).id, workspace=self.root)
        self.pull()
        return {state: count for state, count in done.counts.items() if count}

    def refusals(self, plan: Plan) -> list[str | None]:
        with self.store.reading() as session:
            return [
                text
                for step in plan.steps
                for (text,) in session.execute(f"SELECT refused FROM {step.table} ORDER BY change_no").rows
            ]


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with FakeOrg.empty() as fake:
        fake.add_field("Lead", "Crm_Id__c", "string", length=40, external_id=True, unique=True)
        made = Project(fake, tmp_path)
        made.pull()
        made.file(
            "users.csv",
            "login,name,mail,alias,sso",
            "ann@acme.example,Ann,sales@acme.example,ann,S-1",
            "bob@acme.example,Bob,sales@acme.example,bob,S-2",
        )
        yield made


def test_users_are_made_once_and_found_again_by_their_user_names(project: Project) -> None:
    assert project.migrate(USERS) == {"done": 2}
    assert project.plan(USERS).is_empty
    project.file("users.csv", "login,name,mail,alias,sso", "ANN@acme.example,Anna,sales@acme.example,ann,S-1")
    assert project.migrate(USERS) == {"done": 1}
    names = project.store.query("""SELECT "LastName" FROM sf."User" WHERE "Username" LIKE '%acme%' ORDER BY 1""").rows()
    assert [name for (name,) in names] == ["Anna", "Bob"]


@pytest.mark.parametrize(
    ("by", "owner", "refused"),
    [
        ("Username", "Ann@Acme.example", None),
        ("FederationIdentifier", "S-1", None),
        ("Email", "sales@acme.example", "OwnerId: `sales@acme.example` is that of 2 records: "),
    ],
)
def test_an_owner_is_the_one_user_who_is_meant_or_nobody(
    project: Project, by: str, owner: str, refused: str | None
) -> None:
    project.migrate(USERS)
    project.file("leads.csv", "id,name,owner", f"l1,Ada,{owner}")
    plan = project.plan(LEADS % (by, ""))
    (told,) = project.refusals(plan)
    if refused is not None:
        assert str(told).startswith(refused)
        return
    assert told is None
    assert project.migrate(LEADS % (by, "")) == {"done": 1}
    sql = 'SELECT u."Username" FROM sf."Lead" AS l JOIN sf."User" AS u ON u."Id" = l."OwnerId"'
    assert project.store.query(sql).rows().scalar() == "ann@acme.example"


def test_a_user_of_the_same_plan_owns_by_his_user_name(project: Project) -> None:
    project.file("leads.csv", "id,name,owner", "l1,Ada,bob@acme.example")
    assert project.migrate(USERS, LEADS % ("Username", "")) == {"done": 3}
    sql = 'SELECT u."LastName" FROM sf."Lead" AS l JOIN sf."User" AS u ON u."Id" = l."OwnerId"'
    assert project.store.query(sql).rows().scalar() == "Bob"


@pytest.mark.parametrize(
    ("allowed", "told"),
    [
        (("read", "edit"), ["this user may not create Lead records", None]),
        (("read", "create"), [None, "this user may not change Lead records"]),
    ],
)
def test_what_the_user_may_not_do_is_known_before_anything_is_sent(
    project: Project, allowed: tuple[str, ...], told: list[str | None]
) -> None:
    project.migrate(USERS)
    project.file("leads.csv", "id,name,owner", "l1,Ada,ann@acme.example")
    project.migrate(LEADS % ("Username", ""))
    project.fake.set_permissions("Lead", allowed)  # type: ignore[arg-type]
    project.pull()
    project.file("leads.csv", "id,name,owner", "l1,Eva,ann@acme.example", "l2,Bea,ann@acme.example")
    assert project.refusals(project.plan(LEADS % ("Username", ""))) == told


def test_a_user_who_may_not_delete_or_not_write_at_all_is_told(project: Project) -> None:
    project.migrate(USERS)
    project.file("leads.csv", "id,name,owner", "l1,Ada,ann@acme.example", "l2,Bea,ann@acme.example")
    project.migrate(LEADS % ("Username", ""))
    project.fake.set_permissions("Lead", ("read", "create", "edit"))
    project.pull()
    project.file("leads.csv", "id,name,owner", "l1,Ada,ann@acme.example")
    plan = project.plan(LEADS % ("Username", "deletes: soft\nmost_deleted: 100%\n"))
    assert project.refusals(plan) == ["this user may not delete Lead records"]
    project.fake.set_permissions("Lead", ("read",))
    project.pull()
    with pytest.raises(MappingError, match="this user may neither create nor change `Lead` records"):
        project.plan(LEADS % ("Username", ""))

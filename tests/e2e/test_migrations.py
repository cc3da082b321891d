"""Real data into an empty org, by the mappings of `mappings/examples`: plan, apply, pull, audit; killed and done twice."""

from __future__ import annotations

import json
import shutil
import signal
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sfsync.audit import AuditResult, audit
from sfsync.cli.fake_setup import read_setup
from sfsync.config.settings import Settings
from sfsync.fake import FakeOrg
from sfsync.fake.convert import LeadConvert, convert_leads
from sfsync.fake.dml.outcome import WriteOptions
from sfsync.mapping import Mapping, load_mappings
from sfsync.mapping.load import parse_mapping
from sfsync.salesforce import connect
from sfsync.store import open_store
from sfsync.sync.apply.result import ApplyResult
from sfsync.sync.apply.run import apply
from sfsync.sync.plan.make import make_plan
from sfsync.sync.plan.options import PlanOptions
from sfsync.sync.plan.stored import Plan
from sfsync.sync.pull import pull

EXAMPLES = Path(__file__).parents[2] / "mappings" / "examples"
FOLDERS = {"olist": "olist", "maven": "maven_crm"}


class Migration:
    """An org in this process, a project, and the mappings of an example."""

    def __init__(self, example: str, data: Path, root: Path) -> None:
        for file in data.glob("*.csv"):
            shutil.copy(file, root)
        self.root, self.fake = root, FakeOrg.empty()
        self.fake.set_up(read_setup(EXAMPLES / example / "fake-org.json").add_to)
        self.mappings = load_mappings(EXAMPLES / example)
        self.store = open_store(root / ".sfsync" / "mirror.duckdb")
        env = {"SF_ACCESS_TOKEN": self.fake.token, "SF_ORG_INSTANCE_URL": self.fake.instance_url}
        self.org = connect(env=env, session=self.fake.session())
        self.audited: AuditResult | None = None

    def pull(self) -> None:
        """Pull everything that the mappings need, up to what was written last."""
        self.fake.clock.advance(timedelta(minutes=10))
        self.audited = None
        objects = [name for mapping in self.mappings for name in mapping.objects]
        wanted = list(dict.fromkeys([*objects, "Lead", "Contact", "LeadStatus", "OpportunityStage"]))
        done = pull(self.org, self.store, workspace=self.root, objects=wanted)
        assert {each.state for each in done.objects} == {"done"}

    def plan(self, mappings: Sequence[Mapping] | None = None) -> Plan:
        return make_plan(self.store, mappings or self.mappings, options=PlanOptions(root=self.root))

    def apply(self, plan: Plan) -> ApplyResult:
        return apply(self.org, self.store, plan.id, workspace=self.root, mappings=self.mappings)

    def one(self, sql: str) -> Any:
        """The one value that a question has for an answer, or its one row."""
        (row,) = self.store.query(sql).rows().rows
        return row[0] if len(row) == 1 else row

    def rows(self, sql: str) -> dict[Any, Any]:
        """First column → second, or the others."""
        found = self.store.query(sql).rows()
        return {row[0]: row[1] if len(row) == 2 else row[1:] for row in found}

    def metric(self, metric_id: str) -> Any:
        """A metric of a whole audit, made once for what was pulled last."""
        if self.audited is None:
            self.audited = audit(self.store, Settings())
        return next(each for each in self.audited.metrics if each.id == metric_id)


def migrated(example: str, data: Path, root: Path) -> Migration:
    migration = Migration(example, data, root)
    migration.pull()
    plan = migration.plan()
    assert plan.refused_count == 0
    done = migration.apply(plan)
    assert done.complete, (done.counts, done.codes, done.stopped)
    assert done.counts["done"] == plan.change_count
    migration.pull()
    return migration


def truth_of(folder: Path) -> dict[str, Any]:
    """Figures that two independent computations on the raw files agreed on."""
    figures = json.loads((folder / "ground_truth.json").read_text())["figures"]
    return {figure["id"]: figure["value"] for figure in figures}


# --- Maven: opportunities, accounts that belong to each other, agents and managers --------------------------------------


@pytest.fixture(scope="module")
def maven_data(real_data: Callable[[str], Path]) -> Path:
    return real_data("maven_crm")


@pytest.fixture(scope="module")
def maven(maven_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Migration]:
    migration = migrated("maven", maven_data, tmp_path_factory.mktemp("maven"))
    with migration.fake:
        yield migration


@pytest.fixture(scope="module")
def maven_truth(maven_data: Path) -> dict[str, Any]:
    return truth_of(maven_data)


def test_the_pipeline_has_its_stages(maven: Migration, maven_truth: dict[str, Any]) -> None:
    names = {"Closed Won": "Won", "Closed Lost": "Lost", "Needs Analysis": "Engaging", "Prospecting": "Prospecting"}
    found = maven.rows('SELECT "StageName", count(*) FROM sf."Opportunity" GROUP BY 1')
    assert {names[stage]: count for stage, count in found.items()} == maven_truth["stage_counts"]


def test_the_audit_finds_the_win_rate(maven: Migration) -> None:
    rate = maven.metric("M05")
    assert rate.value == pytest.approx(63.15, abs=0.005)
    assert (rate.context["won"], rate.context["lost"], rate.context["open"]) == (4238, 2473, 2089)


def test_amounts_and_days_are_those_of_the_files(maven: Migration, maven_truth: dict[str, Any]) -> None:
    won = maven.one('SELECT sum("Amount"), avg("Amount"), median("Amount") FROM sf."Opportunity" WHERE "IsWon"')
    assert won == (
        maven_truth["won_revenue"],
        pytest.approx(maven_truth["avg_deal_won"]),
        maven_truth["median_deal_won"],
    )
    days = 'date_diff(\'day\', CAST("CreatedDate" AS DATE), "CloseDate")'
    assert maven.one(f'SELECT avg({days}), median({days}) FROM sf."Opportunity" WHERE "IsWon"') == (
        pytest.approx(maven_truth["days_to_close_mean_won"]),
        maven_truth["days_to_close_median_won"],
    )
    lost = f'SELECT median({days}) FROM sf."Opportunity" WHERE "IsClosed" AND NOT "IsWon"'
    assert maven.one(lost) == maven_truth["days_to_close_median_lost"]


def test_open_deals_got_the_close_date_of_the_rule_and_no_account_they_do_not_have(
    maven: Migration, maven_truth: dict[str, Any]
) -> None:
    defaulted = 'SELECT count(*) FROM sf."Opportunity" WHERE "CloseDate" = DATE \'2018-03-31\' AND NOT "IsClosed"'
    assert maven.one(defaulted) == maven_truth["open_no_close_date"] == 2089
    alone = 'SELECT count(*) FROM sf."Opportunity" WHERE "AccountId" IS NULL'
    assert maven.one(alone) == maven_truth["open_no_account"] == 1425
    undated = 'SELECT count(*) FROM sf."Opportunity" WHERE "Engaged_On__c" IS NULL'
    assert maven.one(undated) == maven_truth["no_engage_date"] == 500


def test_products_have_the_names_of_the_price_list(maven: Migration, maven_data: Path) -> None:
    listed = {line.split(",")[0] for line in (maven_data / "products.csv").read_text().splitlines()[1:]}
    found = maven.rows('SELECT "Product__c", count(*) FROM sf."Opportunity" GROUP BY 1')
    assert set(found) == listed
    assert found["GTX Pro"] == 1480


def test_wins_by_agent_manager_region_and_sector_are_those_of_the_files(
    maven: Migration, maven_truth: dict[str, Any]
) -> None:
    joined = (
        'FROM sf."Opportunity" AS o JOIN sf."User" AS u ON u."Id" = o."OwnerId" LEFT JOIN sf."User" AS m'
        ' ON m."Id" = u."ManagerId" LEFT JOIN sf."Account" AS a ON a."Id" = o."AccountId" WHERE o."IsClosed" GROUP BY 1'
    )
    for figure, column in (
        ("win_by_agent", 'u."Name"'),
        ("win_by_manager", 'm."Name"'),
        ("win_by_region", 'u."Division"'),
    ):
        found = maven.rows(f'SELECT {column}, count(*), count(*) FILTER (o."IsWon") {joined}')
        assert found == {name: (each["n"], each["hits"]) for name, each in maven_truth[figure].items()}
    names = {"Technology": "technology", "Healthcare": "medical", "Media": "marketing"}
    sectors = maven.rows(f'SELECT a."Industry", count(*), count(*) FILTER (o."IsWon") {joined}')
    expected = {
        name.replace("technolgy", "technology"): (each["n"], each["hits"])
        for name, each in maven_truth["win_by_sector"].items()
    }
    assert {names.get(sector, sector.casefold()): counts for sector, counts in sectors.items()} == expected


def test_accounts_belong_to_each_other_as_in_the_file(maven: Migration) -> None:
    assert maven.one('SELECT count(*), count("ParentId") FROM sf."Account"') == (85, 15)
    parent = 'SELECT p."Name" FROM sf."Account" AS c JOIN sf."Account" AS p ON p."Id" = c."ParentId" WHERE c."Name" = '
    assert maven.one(f"{parent}'Bluth Company'") == "Acme Corporation"
    assert maven.one('SELECT "BillingCountry" FROM sf."Account" WHERE "Name" = \'Bioholding\'') == "Philippines"


def test_doing_it_twice_does_nothing(maven: Migration) -> None:
    again = maven.plan()
    assert again.is_empty
    assert maven.fake.count("Opportunity") == 8800


def test_without_the_rule_deals_without_a_close_date_are_refused_by_name(
    maven_data: Path, maven: Migration, tmp_path: Path
) -> None:
    del maven  # what it migrated is not looked at
    migration = Migration("maven", maven_data, tmp_path)
    text = (EXAMPLES / "maven" / "opportunity.yml").read_text()
    strict = parse_mapping(text.replace(', default: "2018-03-31"', ""), "opportunity.yml")
    with migration.fake:
        migration.pull()
        others = [each for each in migration.mappings if each.object != "Opportunity"]
        plan = migration.plan([*others, strict])
        (step,) = [each for each in plan.steps if each.object == "Opportunity"]
        assert (step.row_count, step.refused_count) == (8800, 2089)
        with migration.store.reading() as session:
            told = session.execute(f"SELECT DISTINCT refused FROM {step.table} WHERE refused IS NOT NULL").rows
    assert told == [("CloseDate: a new record needs it",)]


# --- Olist: three files, leads with their first day, deals; then their conversion ----------------------------------------


@pytest.fixture(scope="module")
def olist_data(real_data: Callable[[str], Path]) -> Path:
    return real_data("olist")


@pytest.fixture(scope="module")
def olist_truth(olist_data: Path) -> dict[str, Any]:
    return truth_of(olist_data)


@pytest.fixture(scope="module")
def olist(olist_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Migration]:
    migration = migrated("olist", olist_data, tmp_path_factory.mktemp("olist"))
    with migration.fake:
        assert migration.plan().is_empty
        convert(migration)
        migration.pull()
        yield migration


def convert(migration: Migration) -> None:
    """Convert the leads whose deals were migrated, each to its account and its opportunity."""
    pairs = migration.store.query(
        'SELECT l."Id", o."AccountId", o."Id" FROM sf."Lead" AS l JOIN sf."Opportunity" AS o'
        ' ON o."Olist_Id__c" = l."Olist_Id__c"'
    ).rows()
    requests = [
        LeadConvert(lead, "Closed - Converted", account_id=account, opportunity_id=opportunity)
        for lead, account, opportunity in pairs
    ]
    options = WriteOptions(user_id=migration.fake.admin_id)
    for start in range(0, len(requests), 100):
        for outcome in convert_leads(migration.fake, requests[start : start + 100], options):
            assert outcome.success, outcome.errors


def test_every_lead_deal_and_rep_is_there_once(olist: Migration, olist_truth: dict[str, Any]) -> None:
    counted = 'SELECT count(*), count(DISTINCT "Olist_Id__c") FROM sf."{}" WHERE "Olist_Id__c" IS NOT NULL'
    assert olist.one(counted.format("Lead")) == (olist_truth["n_leads"],) * 2 == (8000, 8000)
    assert olist.one(counted.format("Opportunity")) == (olist_truth["n_closed"],) * 2 == (842, 842)
    assert olist.one(counted.format("Account")) == (842, 842)
    assert olist.one(counted.format("User")) == (41, 41)
    assert olist.fake.count("Lead") == 8000


def test_leads_were_made_on_the_day_of_the_first_contact(olist: Migration, olist_truth: dict[str, Any]) -> None:
    first_last = 'SELECT CAST(min("CreatedDate") AS DATE), CAST(max("CreatedDate") AS DATE) FROM sf."Lead"'
    assert [f"{day}" for day in olist.one(first_last)] == olist_truth["first_contact_range"]


def test_the_audit_finds_the_conversion_rate_by_source_and_month(olist: Migration, olist_truth: dict[str, Any]) -> None:
    conversion = olist.metric("M01")
    assert (conversion.n, conversion.context["converted"]) == (8000, 842)
    assert conversion.value == pytest.approx(10.525)
    sources = {each["source"]: (each["n"], each["converted"]) for each in conversion.context["by_source"]}
    assert sources == {source: (each["n"], each["hits"]) for source, each in olist_truth["conv_by_origin"].items()}
    months = {each["month"]: (each["n"], each["converted"]) for each in conversion.context["by_month"]}
    assert months == {month: (each["n"], each["hits"]) for month, each in olist_truth["conv_by_cohort_month"].items()}


def test_the_audit_shows_no_win_rate_where_no_loss_is_on_record(olist: Migration) -> None:
    assert olist.metric("M05").value is None


def test_days_from_first_contact_to_deal_are_those_of_the_files(olist: Migration, olist_truth: dict[str, Any]) -> None:
    # The API dates a conversion on the day it happens; when the deal was won is in the opportunity.
    days = 'date_diff(\'day\', CAST(l."CreatedDate" AS DATE), o."CloseDate")'
    joined = 'FROM sf."Lead" AS l JOIN sf."Opportunity" AS o ON o."Id" = l."ConvertedOpportunityId"'
    found = olist.one(
        f"SELECT count(*), median({days}), avg({days}), max({days}), count(*) FILTER ({days} < 0),"
        f" count(*) FILTER ({days} <= 30) / 842 {joined}"
    )
    keys = ("n_closed", "days_to_close_median", "days_to_close_mean", "days_to_close_max", "days_negative")
    assert found[:5] == tuple(pytest.approx(olist_truth[key]) for key in keys)
    assert found[5] == pytest.approx(olist_truth["closed_within_30"], abs=1e-6)


def test_deals_belong_to_those_who_closed_them(olist: Migration, olist_truth: dict[str, Any]) -> None:
    found = olist.rows(
        'SELECT u."Olist_Id__c", count(*) FROM sf."Opportunity" AS o JOIN sf."User" AS u ON u."Id" = o."OwnerId"'
        " GROUP BY 1 ORDER BY 2 DESC LIMIT 5"
    )
    assert found == olist_truth["deals_by_sr"]


def test_segments_revenue_and_places_came_from_two_files(olist: Migration, olist_truth: dict[str, Any]) -> None:
    assert olist.one('SELECT sum("AnnualRevenue") / 12, count("AnnualRevenue") FROM sf."Account"') == (
        olist_truth["revenue_declared_sum"],
        olist_truth["revenue_declared_nonzero"],
    )
    segments = olist.rows('SELECT coalesce("Industry", \'(blank)\'), count(*) FROM sf."Account" GROUP BY 1')
    assert {name: segments[name] for name in olist_truth["segments"]} == olist_truth["segments"]
    placed = olist.one('SELECT count("BillingState") FROM sf."Account"')
    assert placed == olist_truth["deal_sellers_in_sellers"] == 380
    assert olist.one('SELECT count(*) FROM sf."Account" WHERE length("BillingPostalCode") = 5') == 380
    behaviours = olist.rows('SELECT "Behaviour__c", count(*) FROM sf."Lead" GROUP BY 1')
    assert behaviours["cat;wolf"] > 0


def test_nothing_is_left_to_do_even_after_the_conversion(olist: Migration) -> None:
    assert olist.plan().is_empty


# --- killed on the way ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Served:
    """The org of a killed migration."""

    url: str
    context: ssl.SSLContext

    def call(self, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(self.url + path, data), context=self.context) as answer:
            return json.load(answer)

    def counts(self) -> dict[str, int]:
        found: dict[str, int] = self.call("/_fake/state")["objects"]
        return found


@pytest.mark.parametrize("moments", [(0.1, 0.3), (0.5,), (0.75, 0.2)], ids=str)
def test_a_migration_killed_on_the_way_and_resumed_is_as_if_nothing_had_happened(
    moments: tuple[float, ...],
    maven_data: Path,
    serve_fake_org: Callable[..., Any],
    sfsync: Callable[..., Any],
    start_sfsync: Callable[..., subprocess.Popen[str]],
    tmp_path: Path,
) -> None:
    example = EXAMPLES / "maven"
    for file in maven_data.glob("*.csv"):
        shutil.copy(file, tmp_path)
    shutil.copytree(example, tmp_path / "mappings", ignore=shutil.ignore_patterns("*.json"))
    ca_file = tmp_path / "ca.pem"
    with serve_fake_org("--setup", example / "fake-org.json", "--ca-file", ca_file) as served:
        org = Served(served.url, ssl.create_default_context(cafile=str(ca_file)))
        told = sfsync("plan", "--project", tmp_path, "--json", env=served.env)
        assert told.code == 0, told.err
        store = open_store(tmp_path / ".sfsync" / "mirror.duckdb")
        plan = store.query("SELECT id FROM sfsync.plans WHERE state = 'open'").rows().scalar()
        whole, reached, named = 8800 + 85 + 41, 0.0, [plan]
        for moment in moments:
            reached = max(reached, moment)
            with start_sfsync("apply", *named, "--yes", "--project", tmp_path, env=served.env) as applying:
                while applying.poll() is None:
                    if sum(org.counts().get(name, 0) for name in ("Opportunity", "Account", "User")) > whole * reached:
                        break
                    time.sleep(0.05)  # to ask costs the machine as much as what is watched
                applying.send_signal(signal.SIGKILL)
                applying.communicate()
            named = ["--resume"]
        done = sfsync("apply", "--resume", "--yes", "--project", tmp_path, env=served.env)
        assert done.code == 0, done.out + done.err

        counts = org.counts()
        assert (counts["Opportunity"], counts["Account"], counts["User"]) == (8800, 85, 42)
        outcomes = store.query(
            "SELECT state, count(*), count(DISTINCT change_no) FROM sfsync.outcomes GROUP BY 1"
        ).rows()
        assert outcomes.rows == [("done", 8976, 8976)] or outcomes.rows == [("done", 8976, 8926)]
        org.call("/_fake/clock", {"advance": 600})
        again = sfsync("plan", "--project", tmp_path, "--exit-code", env=served.env)
        assert again.code == 0, again.out + again.err
        total = 'SELECT sum("Amount") FROM sf."Opportunity" WHERE "IsWon"'
        assert store.query(total).rows().scalar() == 10_005_534

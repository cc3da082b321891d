"""Metrics give the same on PostgreSQL, their statements carried there by SQLGlot."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

import pytest
from sqlglot import exp, parse_one

from sfsync.audit.context import AuditContext
from sfsync.audit.metrics import METRICS, Bench, MetricContext
from sfsync.audit.spell import literal
from sfsync.config.definitions import Definitions
from sfsync.store.duckdb import DuckDBStore
from sfsync.store.interface import Params, Rows, Session, Store
from sfsync.store.mirror import mirror_columns, prepare_mirror
from sfsync.store.names import quote, table
from tests.unit.audit_metrics.conftest import FIELD_HISTORY, HISTORY, OPPORTUNITY, STAGE, STAGES

AS_OF = datetime(2026, 1, 31, 12)
TABLES: dict[str, dict[str, str]] = {
    "Opportunity": OPPORTUNITY
    | {"SystemModstamp": "TIMESTAMP", "CurrencyIsoCode": "VARCHAR"}
    | {"Probability": "DOUBLE", "ForecastCategory": "VARCHAR"},
    "OpportunityHistory": HISTORY,
    "OpportunityFieldHistory": FIELD_HISTORY,
    "OpportunityStage": STAGE,
    "Lead": {
        "Id": "VARCHAR",
        "IsDeleted": "BOOLEAN",
        "CreatedDate": "TIMESTAMP",
        "IsConverted": "BOOLEAN",
        "ConvertedDate": "DATE",
        "LeadSource": "VARCHAR",
        "Status": "VARCHAR",
        "MasterRecordId": "VARCHAR",
        "ConvertedOpportunityId": "VARCHAR",
    },
}
DEFINED = {
    "lead_status": {"disqualified": ["Dead"]},
    "metrics": {
        "quotas": [{"from": "2026-01-01", "to": "2026-03-31", "amount": 1000000, "currency": "USD"}],
        "rates": {"to": "EUR", "rates": {"USD": 0.9}},
    },
}


def records() -> dict[str, list[dict[str, Any]]]:
    """Some of everything: 60 opportunities with three steps each, 60 leads."""
    deals, steps, changes, leads = [], [], [], []
    for n in range(60):
        stage = STAGES[(n * 7) % 5]
        closed = stage.startswith("Closed")
        month = 1 + n % 12
        deals.append(
            {
                "Id": f"006{n:012d}AAA",
                "IsDeleted": n % 19 == 0,
                "CreatedDate": f"2025-{month:02d}-03 22:30:00",
                "SystemModstamp": "2026-01-20",
                "IsClosed": closed,
                "IsWon": stage == "Closed Won",
                "StageName": stage,
                "CloseDate": f"2026-0{1 + n % 4}-15",
                "Amount": None if n % 9 == 0 else 10.0 * n,
                "OwnerId": f"00500000000000{n % 3}AAA",
                "CurrencyIsoCode": ("EUR", "USD")[n % 2],
                "Probability": float(n % 11 * 10),
                "ForecastCategory": ("Pipeline", "Omitted", "Forecast")[n % 3],
            }
        )
        for k, (at, then) in enumerate(
            (
                (f"2025-{month:02d}-03", STAGES[0]),
                ("2025-12-20", STAGES[n % 3]),
                (("2026-01-10", "2025-12-28")[n % 2], stage),
            )
        ):
            steps.append(
                {
                    "Id": f"008{3 * n + k:012d}AAA",
                    "OpportunityId": f"006{n:012d}AAA",
                    "StageName": then,
                    "CreatedDate": f"{at} 23:30:00",
                    "Amount": 8.0 * n + k,
                    "CloseDate": f"2025-1{n % 3}-0{1 + k}",
                    "Probability": 10.0 * k,
                    "ForecastCategory": ("Pipeline", "BestCase", "Forecast")[k],
                }
            )
        changes.append(
            {
                "Id": f"017{n:012d}AAA",
                "OpportunityId": f"006{n:012d}AAA",
                "Field": "Owner",
                "DataType": "EntityId",
                "CreatedDate": "2026-01-05",
                "OldValue": "005X",
                "NewValue": f"00500000000000{n % 3}AAA",
            }
        )
        leads.append(
            {
                "Id": f"00Q{n:012d}AAA",
                "IsDeleted": n % 17 == 0,
                "CreatedDate": f"2025-{month:02d}-01 23:30:00",
                "IsConverted": n % 4 == 0,
                "ConvertedDate": f"2025-{month:02d}-20" if n % 4 == 0 else None,
                "LeadSource": ("Web", " ", None, "Fair")[n % 4],
                "Status": ("Open", "Dead")[n % 2],
                "ConvertedOpportunityId": f"006{n:012d}AAA" if n % 4 == 0 else None,
            }
        )
    stages = [
        {"ApiName": name, "IsClosed": name.startswith("Closed"), "IsWon": name == "Closed Won", "SortOrder": place}
        for place, name in enumerate(STAGES)
    ]
    names = ("Opportunity", "OpportunityHistory", "OpportunityFieldHistory", "OpportunityStage", "Lead")
    return dict(zip(names, (deals, steps, changes, stages, leads), strict=True))


class Carried:
    """A session of PostgreSQL that is asked in the dialect the metrics are written in."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def ask_shape(self, sql: str, values: Sequence[object]) -> Rows:
        return self.session.ask_shape(sql, values)

    def columns_of(self, schema: str, name: str) -> dict[str, str]:
        return self.session.columns_of(schema, name)

    def execute(self, sql: str, params: Params = ()) -> Rows:
        made = re.match(r"\s*(CREATE TEMP TABLE \S+ AS)\s", sql)
        if sql.startswith("DROP"):
            return self.session.execute(sql, params)
        tree = parse_one(sql[made.end() :] if made else sql, dialect="duckdb")
        for place in list(tree.find_all(exp.Placeholder)):
            place.replace(literal(params[place.name]))  # type: ignore[call-overload]
        text = tree.sql(dialect="postgres")
        return self.session.execute(f"{made[1]} {text}" if made else text)


def fill(session: Any, kinds: dict[str, str]) -> None:
    for name, columns in TABLES.items():
        spec = ", ".join(f"{quote(column)} {kinds.get(kind, kind)}" for column, kind in columns.items())
        session.execute(f"CREATE TABLE {table('sf_all', name)} ({spec})")
        live = ' WHERE "IsDeleted" IS NOT TRUE' if "IsDeleted" in columns else ""
        session.execute(f"CREATE VIEW {table('sf', name)} AS SELECT * FROM {table('sf_all', name)}{live}")
        for row in records()[name]:
            values = ", ".join(literal(row.get(column)).sql(dialect="duckdb") for column in columns)
            session.execute(f"INSERT INTO {table('sf_all', name)} VALUES ({values})")


def told(session: Any, columns: dict[str, dict[str, str]], timezone: str) -> dict[str, Any]:
    """What every metric that needs no relation says, as JSON has it."""
    definitions = Definitions.model_validate(DEFINED)
    audit = AuditContext(AS_OF, timezone, columns, definitions=definitions)
    context = MetricContext(AS_OF, timezone, columns, definitions=definitions, audit=audit)
    results = {}
    with Bench(session) as bench:
        for each in METRICS:
            if not each.metric.relations and each.metric.id != "M17":
                result = each.compute(bench, context)
                results[each.metric.id] = [result.value, result.n, result.reason, dict(result.context)]
    return json.loads(json.dumps(results), parse_float=lambda text: round(float(text), 6))


@pytest.fixture(scope="module", params=["UTC", "America/New_York"])
def zone(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory, zone: str) -> tuple[dict[str, Any], dict[str, dict[str, str]]]:
    store = DuckDBStore(tmp_path_factory.mktemp("metrics") / "mirror.duckdb")
    with store.writing() as session:
        prepare_mirror(session)
        fill(session, {})
    with store.reading() as session:
        columns = mirror_columns(session)
        return told(session, columns, zone), columns


class _Undo(Exception):
    """Ends the transaction: others use the server after us."""


@pytest.fixture
def there(postgres_store: Store) -> Iterator[Session]:
    with suppress(_Undo), postgres_store.writing() as session:
        fill(session, {"DOUBLE": "DOUBLE PRECISION"})
        yield session
        raise _Undo


def test_all_metrics_without_relations_say_the_same(
    here: tuple[dict[str, Any], dict[str, dict[str, str]]], there: Session, zone: str
) -> None:
    ours, columns = here
    theirs = told(Carried(there), columns, zone)
    assert list(theirs) == list(ours)
    for metric in ours:
        assert theirs[metric] == ours[metric], metric


def test_there_is_something_to_compare(here: tuple[dict[str, Any], dict[str, dict[str, str]]]) -> None:
    figures = {metric: told[0] for metric, told in here[0].items()}
    assert {metric for metric, value in figures.items() if value is None} <= {"M03"}
    assert set(figures) >= {f"M{number:02d}" for number in (1, 3, *range(5, 16), 20)}

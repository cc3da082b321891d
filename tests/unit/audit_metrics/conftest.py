from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import pytest

from sfsync.audit.context import AuditContext
from sfsync.audit.metrics import Bench, MetricContext
from sfsync.config.definitions import Definitions
from sfsync.records import MetricResult
from sfsync.store.duckdb import DuckDBStore
from sfsync.store.mirror import mirror_columns, prepare_mirror
from sfsync.store.names import quote, table

HISTORY = {
    "Id": "VARCHAR",
    "OpportunityId": "VARCHAR",
    "StageName": "VARCHAR",
    "CreatedDate": "TIMESTAMP",
    "Amount": "DOUBLE",
    "CloseDate": "DATE",
    "Probability": "DOUBLE",
    "ForecastCategory": "VARCHAR",
}
FIELD_HISTORY = {
    "Id": "VARCHAR",
    "OpportunityId": "VARCHAR",
    "Field": "VARCHAR",
    "DataType": "VARCHAR",
    "CreatedDate": "TIMESTAMP",
    "OldValue": "VARCHAR",
    "NewValue": "VARCHAR",
}
STAGE = {"ApiName": "VARCHAR", "IsClosed": "BOOLEAN", "IsWon": "BOOLEAN", "SortOrder": "INTEGER"}
#: The stages of most tests, in their order.
STAGES = ("Prospecting", "Qualification", "Proposal", "Closed Won", "Closed Lost")
TYPES = {"Id": "VARCHAR", "IsDeleted": "BOOLEAN", "CreatedDate": "TIMESTAMP"}
LEAD = TYPES | {"IsConverted": "BOOLEAN", "ConvertedDate": "DATE", "LeadSource": "VARCHAR"}
OPPORTUNITY = TYPES | {
    "IsClosed": "BOOLEAN",
    "IsWon": "BOOLEAN",
    "StageName": "VARCHAR",
    "CloseDate": "DATE",
    "Amount": "DOUBLE",
    "OwnerId": "VARCHAR",
}


def _lead(number: int, created: str | None, converted: str | None = None, source: str | None = "Web", more=()) -> dict:
    return {
        "Id": f"00Q{number:012d}AAA",
        "IsDeleted": False,
        "CreatedDate": created,
        "IsConverted": converted is not None,
        "ConvertedDate": converted,
        "LeadSource": source,
    } | dict(more)


class Mirror:
    """A real store whose tables a test makes by hand."""

    def __init__(self, store: DuckDBStore) -> None:
        self.store = store
        with store.writing() as session:
            prepare_mirror(session)

    def make(self, name: str, columns: dict[str, str], rows: list[dict] = ()) -> None:
        """A table of these columns in `sf_all`, its view in `sf`, and the rows; what a row leaves out is NULL."""
        with self.store.writing() as session:
            spec = ", ".join(f"{quote(column)} {kind}" for column, kind in columns.items())
            session.execute(f"CREATE TABLE {table('sf_all', name)} ({spec})")
            live = ' WHERE "IsDeleted" IS NOT TRUE' if "IsDeleted" in columns else ""
            session.execute(f"CREATE VIEW {table('sf', name)} AS SELECT * FROM {table('sf_all', name)}{live}")
            if rows:
                insert = f"INSERT INTO {table('sf_all', name)} VALUES ({', '.join('?' * len(columns))})"
                session.connection.executemany(insert, [[row.get(column) for column in columns] for row in rows])

    def leads(self, rows: list[tuple], without: tuple[str, ...] = (), **extra_columns: str) -> None:
        """Leads of `(created, converted on or None, source[, other values])`, in an org that lacks some fields."""
        columns = {name: kind for name, kind in (LEAD | extra_columns).items() if name not in without}
        self.make("Lead", columns, [_lead(number, *row) for number, row in enumerate(rows)])

    def opportunities(self, rows: list[dict], without: tuple[str, ...] = (), **extra_columns: str) -> None:
        """Opportunities of these values, Ids and IsDeleted filled in."""
        columns = {name: kind for name, kind in (OPPORTUNITY | extra_columns).items() if name not in without}
        self.make(
            "Opportunity", columns, [{"Id": f"006{n:012d}AAA", "IsDeleted": False} | row for n, row in enumerate(rows)]
        )

    def stages(self, *names: str) -> None:
        """The org's stages in this order; those called Closed… are, and the one called Won is won."""
        rows = [
            {"ApiName": name, "IsClosed": name.startswith("Closed"), "IsWon": name == "Closed Won", "SortOrder": place}
            for place, name in enumerate(names or STAGES, 1)
        ]
        self.make("OpportunityStage", STAGE, rows)

    def history(self, *rows: dict) -> None:
        """Stage history; `deal` is the number of the opportunity, `at` the instant, the rest as it stands."""
        self.make(
            "OpportunityHistory",
            HISTORY,
            [
                {"Id": f"008{n:012d}AAA", "OpportunityId": f"006{row['deal']:012d}AAA", "CreatedDate": row["at"]} | row
                for n, row in enumerate(rows)
            ],
        )

    def owner_changes(self, *rows: tuple[int, str, str, str]) -> None:
        """Field history of owners: number of the opportunity, instant, from, to."""
        self.make(
            "OpportunityFieldHistory",
            FIELD_HISTORY,
            [
                {
                    "Id": f"017{n:012d}AAA",
                    "OpportunityId": f"006{deal:012d}AAA",
                    "Field": "Owner",
                    "DataType": "EntityId",
                    "CreatedDate": at,
                    "OldValue": old,
                    "NewValue": new,
                }
                for n, (deal, at, old, new) in enumerate(rows)
            ],
        )

    def load(self, name: str, columns: dict[str, str], select: str) -> None:
        """A table of these columns, filled by a SELECT."""
        self.make(name, columns)
        with self.store.writing() as session:
            names = ", ".join(quote(column) for column in columns)
            session.execute(f"INSERT INTO {table('sf_all', name)} ({names}) {select}")

    def compute(self, metric, as_of: str = "2026-01-31T12:00:00", timezone: str = "UTC", **options) -> MetricResult:
        """What a metric makes of this mirror."""
        with self.store.reading() as session:
            context = self.context(session, as_of, timezone, **options)
            with Bench(session) as bench:
                return metric(bench, context)

    def context(self, session, as_of: str, timezone: str = "UTC", **options) -> MetricContext:
        """What metrics are told of this mirror; `definitions` may be given as in a file, instants as texts."""
        columns, now = mirror_columns(session), datetime.fromisoformat(as_of)
        definitions = Definitions.model_validate(options.pop("definitions", {}))
        options = {
            name: datetime.fromisoformat(value) if name in {"since", "until"} else value
            for name, value in options.items()
        }
        rows = {name: session.execute(f"SELECT count(*) FROM {table('sf_all', name)}").scalar() for name in columns}
        audit = AuditContext(now, timezone, columns, rows, definitions=definitions)
        return MetricContext(now, timezone, columns, definitions=definitions, audit=audit, **options)


@pytest.fixture
def mirror(tmp_path: Path) -> Mirror:
    return Mirror(DuckDBStore(tmp_path / "mirror.duckdb"))


@pytest.fixture
def make_mirror():
    """Makes further mirrors, each in a folder of its own."""
    return lambda folder: Mirror(DuckDBStore(folder / "mirror.duckdb"))


def _shared_data(folder: str) -> Path:
    root = os.environ.get("SFSYNC_TEST_DATA") or Path(__file__).parents[3].parent / "shared" / "data"
    path = Path(root) / folder
    if not path.is_dir():
        pytest.skip(f"the test data {folder} is not on this machine (SFSYNC_TEST_DATA names its folder)")
    return path


@pytest.fixture
def olist(mirror: Mirror) -> Mirror:
    """8,000 real marketing leads, 842 of them converted."""
    file = _shared_data("olist_org") / "Lead.csv"
    mirror.load(
        "Lead",
        LEAD,
        f"SELECT Id, IsDeleted, CreatedDate AT TIME ZONE 'UTC', IsConverted, ConvertedDate, LeadSource FROM read_csv('{file}')",
    )
    return mirror


@pytest.fixture
def maven(mirror: Mirror) -> Mirror:
    """8,800 opportunities, mapped by hand."""
    file = _shared_data("maven_crm") / "sales_pipeline.csv"
    mirror.load(
        "Opportunity",
        OPPORTUNITY,
        f"""
        SELECT opportunity_id, false, engage_date, deal_stage IN ('Won', 'Lost'), deal_stage = 'Won',
               CASE deal_stage WHEN 'Won' THEN 'Closed Won' WHEN 'Lost' THEN 'Closed Lost'
                    WHEN 'Engaging' THEN 'Needs Analysis' ELSE deal_stage END,
               close_date, close_value, sales_agent
        FROM read_csv('{file}')
        """,
    )
    return mirror


@pytest.fixture
def shared_data():
    """The folder of a data set, by name."""
    return _shared_data


@pytest.fixture
def olist_won(mirror: Mirror) -> Mirror:
    """The leads with the opportunities that they became."""
    folder = _shared_data("olist_org")
    mirror.load(
        "Lead",
        LEAD | {"ConvertedOpportunityId": "VARCHAR"},
        f"SELECT Id, IsDeleted, CreatedDate AT TIME ZONE 'UTC', IsConverted, ConvertedDate, LeadSource, "
        f"ConvertedOpportunityId FROM read_csv('{folder / 'Lead.csv'}')",
    )
    mirror.load(
        "Opportunity",
        TYPES | {"IsClosed": "BOOLEAN", "IsWon": "BOOLEAN", "StageName": "VARCHAR", "CloseDate": "DATE"},
        f"SELECT Id, IsDeleted, CreatedDate AT TIME ZONE 'UTC', TRUE, TRUE, StageName, CloseDate "
        f"FROM read_csv('{folder / 'Opportunity.csv'}')",
    )
    return mirror

# ruff: noqa: E501 - the tables stand as they are
"""Time every metric on a mirror made by SQL: `python benchmarks/metrics.py [--leads N] [--opportunities N]`.

Five rows of stage history an opportunity. Prints a row a metric: seconds, figure, n. Metrics share tables, so the first
that needs one pays for it.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path

from sfsync.audit.context import context_of
from sfsync.audit.metrics import METRICS, Bench, metric_context
from sfsync.config.definitions import Definitions
from sfsync.config.settings import Settings
from sfsync.store.duckdb import DuckDBStore
from sfsync.store.mirror import MirrorState, ObjectState, prepare_mirror

AS_OF = datetime(2026, 1, 31, 12)  # noqa: DTZ001 - naive UTC, like the mirror

STAGES = ("Prospecting", "Qualification", "Needs Analysis", "Proposal", "Negotiation", "Closed Won", "Closed Lost")

TABLES = {
    "OpportunityStage": """
        SELECT unnest($stages) AS "ApiName", unnest($stages) AS "MasterLabel", TRUE AS "IsActive",
            CAST(unnest(range(1, 8)) AS INTEGER) AS "SortOrder", unnest([FALSE, FALSE, FALSE, FALSE, FALSE, TRUE, TRUE])
            AS "IsClosed", unnest([FALSE, FALSE, FALSE, FALSE, FALSE, TRUE, FALSE]) AS "IsWon",
            CAST(unnest([10, 20, 40, 60, 80, 100, 0]) AS DOUBLE) AS "DefaultProbability",
            unnest(['Pipeline', 'Pipeline', 'BestCase', 'BestCase', 'Forecast', 'Closed', 'Omitted']) AS "ForecastCategory"
    """,
    "Opportunity": """
        SELECT printf('006%012dAAA', i) AS "Id", i % 97 = 0 AS "IsDeleted", 'Deal ' || i AS "Name",
            TIMESTAMP '2024-01-01' + to_hours(dice(i, 18000)) AS "CreatedDate",
            TIMESTAMP '2026-01-01' AS "SystemModstamp", TIMESTAMP '2026-01-01' AS "LastModifiedDate",
            printf('005%012dAAA', dice(i, 500)) AS "OwnerId", ['USD', 'EUR', 'JPY'][1 + dice(i, 3)] AS "CurrencyIsoCode",
            CASE WHEN i % 20 > 0 THEN CAST(dice(i + 1, 100000) AS DOUBLE) END AS "Amount",
            $stages[stage] AS "StageName", stage > 5 AS "IsClosed", stage = 6 AS "IsWon",
            CAST([10.0, 20.0, 40.0, 60.0, 80.0, 100.0, 0.0][stage] AS DOUBLE) AS "Probability",
            DATE '2024-02-01' + CAST(dice(i + 2, 900) AS INTEGER) AS "CloseDate",
            ['Pipeline', 'Pipeline', 'BestCase', 'BestCase', 'Forecast', 'Closed', 'Omitted'][stage] AS "ForecastCategory",
            printf('001%012dAAA', i % 300000) AS "AccountId", printf('003%012dAAA', i) AS "ContactId",
            CAST(NULL AS DOUBLE) AS "ExpectedRevenue", printf('005%012dAAA', i % 50) AS "CreatedById"
        FROM (SELECT i, [1, 2, 3, 4, 5, 6, 6, 7, 7, 7][1 + dice(i + 3, 10)] AS stage FROM range($opportunities) AS t(i))
    """,
    "OpportunityHistory": """
        SELECT printf('008%012dAAA', i * 5 + k) AS "Id", o."Id" AS "OpportunityId",
            o."CreatedDate" + to_hours(k * (200 + dice(i + k, 400))) AS "CreatedDate", o."CreatedById" AS "CreatedById",
            CASE WHEN k = 4 THEN o."StageName" ELSE $stages[1 + k] END AS "StageName",
            CAST(o."Amount" * (0.6 + 0.1 * k) AS DOUBLE) AS "Amount", CAST([10.0, 20.0, 40.0, 60.0, o."Probability"][1 + k] AS DOUBLE) AS "Probability",
            o."CloseDate" - CAST(30 * (4 - k) AS INTEGER) AS "CloseDate", CASE WHEN k = 4 THEN o."ForecastCategory" ELSE
            ['Pipeline', 'Pipeline', 'BestCase', 'BestCase'][1 + k] END AS "ForecastCategory", o."IsDeleted" AS "IsDeleted"
        FROM (SELECT o.*, row_number() OVER () AS i FROM sf_all."Opportunity" AS o) AS o, range(5) AS s(k)
    """,
    "OpportunityFieldHistory": """
        SELECT printf('017%012dAAA', i) AS "Id", o."Id" AS "OpportunityId", FALSE AS "IsDeleted", 'Owner' AS "Field",
            'EntityId' AS "DataType", printf('005%012dAAA', dice(i, 500)) AS "OldValue", o."OwnerId" AS "NewValue",
            o."CreatedDate" + INTERVAL '40 days' AS "CreatedDate", o."CreatedById" AS "CreatedById"
        FROM (SELECT o.*, row_number() OVER () AS i FROM sf_all."Opportunity" AS o) AS o WHERE i % 4 = 0
    """,
    "Lead": """
        SELECT printf('00Q%012dAAA', i) AS "Id", i % 50 = 0 AS "IsDeleted",
            CASE WHEN i % 100 = 0 THEN printf('00Q%012dAAA', i + 1) END AS "MasterRecordId",
            TIMESTAMP '2024-01-01' + to_hours(dice(i, 18000)) AS "CreatedDate", TIMESTAMP '2026-01-01' AS "SystemModstamp",
            TIMESTAMP '2026-01-01' AS "LastModifiedDate", ['Web', 'Phone', 'Partner', ' ', NULL][1 + dice(i, 5)] AS "LeadSource",
            ['Open', 'Working', 'Unqualified'][1 + dice(i + 1, 3)] AS "Status", i % 5 = 0 AS "IsConverted",
            CASE WHEN i % 5 = 0 THEN CAST(TIMESTAMP '2024-01-01' + to_hours(dice(i, 18000) + dice(i + 9, 2000)) AS DATE) END
            AS "ConvertedDate", CASE WHEN i % 10 = 0 THEN printf('006%012dAAA', i) END AS "ConvertedOpportunityId",
            CASE WHEN i % 5 = 0 THEN printf('001%012dAAA', i % 300000) END AS "ConvertedAccountId",
            CASE WHEN i % 5 = 0 THEN printf('003%012dAAA', i) END AS "ConvertedContactId", 'Company ' || i AS "Company",
            'Last ' || i AS "LastName", 'First' AS "FirstName", '+1 555 ' || i AS "Phone", 'a' || i || '@x.example' AS "Email",
            printf('005%012dAAA', dice(i, 500)) AS "OwnerId", CAST(dice(i, 7) AS DOUBLE) AS "AnnualRevenue"
        FROM range($leads) AS t(i)
    """,
    "Contact": """
        SELECT l."ConvertedContactId" AS "Id", FALSE AS "IsDeleted", CAST(l."ConvertedDate" AS TIMESTAMP) AS "CreatedDate",
            CAST(l."ConvertedDate" AS TIMESTAMP) AS "LastModifiedDate", l."OwnerId" AS "CreatedById", l."Phone" AS "Phone",
            l."Email" AS "Email", l."LastName" AS "LastName", l."FirstName" AS "FirstName", l."LeadSource" AS "LeadSource",
            l."ConvertedAccountId" AS "AccountId"
        FROM sf_all."Lead" AS l WHERE l."IsConverted"
    """,
    "Account": """
        SELECT printf('001%012dAAA', i) AS "Id", FALSE AS "IsDeleted", TIMESTAMP '2024-01-01' AS "CreatedDate",
            TIMESTAMP '2024-01-01' AS "LastModifiedDate", 'Company ' || i AS "Name", '+1 555' AS "Phone",
            printf('005%012dAAA', i % 50) AS "CreatedById", CAST(NULL AS DOUBLE) AS "AnnualRevenue"
        FROM range(300000) AS t(i)
    """,
    "Task": """
        SELECT printf('00T%012dAAA', i) AS "Id", FALSE AS "IsDeleted", l."Id" AS "WhoId", CAST(NULL AS VARCHAR) AS "WhatId",
            'Call' AS "Subject", TRUE AS "IsClosed", l."CreatedDate" + to_minutes(dice(i, 6000)) AS "CreatedDate",
            CAST(l."CreatedDate" AS DATE) AS "ActivityDate", l."CreatedDate" + to_minutes(dice(i, 6000)) AS "CompletedDateTime",
            'Completed' AS "Status", 'Call' AS "TaskSubtype", l."OwnerId" AS "OwnerId"
        FROM (SELECT l.*, row_number() OVER () AS i FROM sf_all."Lead" AS l) AS l WHERE i % 3 > 0
    """,
}

DEFINITIONS = {
    "lead_status": {"disqualified": ["Unqualified"]},
    "frameworks": {"FIT": {"min": 2, "money": ["AnnualRevenue"], "reach": ["Phone"], "mail": ["Email"]}},
    "metrics": {
        "quotas": [{"from": "2026-01-01", "to": "2026-03-31", "amount": 1e9, "currency": "USD"}],
        "rates": {"to": "EUR", "rates": {"USD": 0.9, "JPY": 0.006}},
    },
}


def make(store: DuckDBStore, leads: int, opportunities: int) -> None:
    sizes = {"stages": list(STAGES), "leads": leads, "opportunities": opportunities}
    with store.writing() as session:
        prepare_mirror(session)
        session.execute("CREATE TEMP MACRO dice(x, sides) AS CAST(hash(x) % sides AS BIGINT)")
        for name, select in TABLES.items():
            bound = {key: value for key, value in sizes.items() if f"${key}" in select}
            session.execute(f'CREATE TABLE sf_all."{name}" AS {select}', bound)
            live = ' WHERE "IsDeleted" IS NOT TRUE' if '"IsDeleted"' in select else ""
            session.execute(f'CREATE VIEW sf."{name}" AS SELECT * FROM sf_all."{name}"{live}')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--leads", type=int, default=1_000_000)
    parser.add_argument("--opportunities", type=int, default=1_000_000)
    parser.add_argument("--keep", type=Path, help="make the mirror in this file, or use the one that is there")
    parser.add_argument("--only", help="ids, e.g. M11,M13")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = options.keep or Path(folder) / "mirror.duckdb"
        store = DuckDBStore(path)
        if not path.exists():
            started = time.perf_counter()
            make(store, options.leads, options.opportunities)
            print(f"made in {time.perf_counter() - started:.1f} s")
        measure(store, options.only.split(",") if options.only else None)


def measure(store: DuckDBStore, only: list[str] | None) -> None:
    settings = Settings(definitions=Definitions.model_validate(DEFINITIONS))
    with store.reading() as session:
        columns = session.execute(
            "SELECT table_name, list(column_name) FROM information_schema.columns WHERE table_schema = 'sf_all' GROUP BY 1"
        )
        objects = {
            name: ObjectState(name, AS_OF - timedelta(days=1), AS_OF, 1, "run", frozenset(fields))
            for name, fields in columns
        }
        state = MirrorState(AS_OF, objects, None, None)
        context = metric_context(state, settings, context_of(session, state, settings, store.dialect))
        whole = time.perf_counter()
        with Bench(session) as bench:
            for each in METRICS:
                if only and each.metric.id not in only:
                    continue
                started, worked = time.perf_counter(), time.process_time()
                result = each.compute(bench, context)
                took, worked = time.perf_counter() - started, time.process_time() - worked
                told = result.reason if result.value is None else f"{result.value:,.2f} {result.unit}"
                print(f"{each.metric.id}  {took:6.2f} s  {worked:6.2f} s of processor  n={result.n:>9,}  {told}")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"all  {time.perf_counter() - whole:6.2f} s, {peak:,.0f} MB at most")


if __name__ == "__main__":
    main()

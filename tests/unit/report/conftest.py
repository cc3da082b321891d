from __future__ import annotations

import csv
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from sfsync.audit import AuditResult, audit
from sfsync.config.settings import Settings
from sfsync.fake.seed import definitions, plant
from sfsync.report import build_report
from sfsync.store.duckdb import DuckDBStore
from sfsync.store.ledger import set_fact
from sfsync.store.mirror import prepare_mirror
from sfsync.store.names import quote, table

AS_OF = datetime(2026, 1, 31, 12, tzinfo=UTC)
KINDS = ((bool, "BOOLEAN"), (int, "BIGINT"), (float, "DOUBLE"), (datetime, "TIMESTAMP"), (date, "DATE"))
ARROW = {
    "BOOLEAN": pa.bool_(),
    "BIGINT": pa.int64(),
    "DOUBLE": pa.float64(),
    "TIMESTAMP": pa.timestamp("us"),
    "DATE": pa.date32(),
    "VARCHAR": pa.string(),
}


def _kind(field: str, values: list[Any]) -> str:
    if field in {"ConvertedDate", "CloseDate"}:
        return "DATE"
    if field.startswith("Is"):
        return "BOOLEAN"
    if field in {"CreatedDate", "SystemModstamp"}:
        return "TIMESTAMP"
    given = [value for value in values if value is not None]
    for kind, sql_type in KINDS:
        if given and all(isinstance(value, kind) for value in given):
            return sql_type
    return "DOUBLE" if given and all(isinstance(value, int | float) for value in given) else "VARCHAR"


def mirror_of(
    path: Path, tables: Mapping[str, list[dict]], instance_url: str = "https://acme.my.salesforce.com"
) -> DuckDBStore:
    """A mirror that holds these records, as a pull would have left it."""
    store = DuckDBStore(path)
    as_of = AS_OF.replace(tzinfo=None)
    with store.writing() as session:
        prepare_mirror(session)
        set_fact(session, "org_id", "00D5e0000000001EAA")
        set_fact(session, "instance_url", instance_url)
        for name, rows in tables.items():
            fields = list(dict.fromkeys(field for row in rows for field in row))
            kinds = ", ".join(f"{quote(field)} {_kind(field, [row.get(field) for row in rows])}" for field in fields)
            session.execute(f"CREATE TABLE {table('sf_all', name)} ({kinds})")
            live = ' WHERE "IsDeleted" IS NOT TRUE' if "IsDeleted" in fields else ""
            session.execute(f"CREATE VIEW {table('sf', name)} AS SELECT * FROM {table('sf_all', name)}{live}")
            values = {field: [row.get(field) for row in rows] for field in fields}
            given = pa.table({field: pa.array(values[field], ARROW[_kind(field, values[field])]) for field in fields})
            session.load_arrow("given", given)
            columns = ", ".join(map(quote, fields))
            session.execute(f"INSERT INTO {table('sf_all', name)} SELECT {columns} FROM given ORDER BY source_row")
            session.execute("DROP TABLE given")
            session.execute(
                "INSERT INTO sfsync.cursors VALUES (?, ?, 'run', ?, ?, ?)",
                [name, as_of, ",".join(fields), len(rows), as_of],
            )
    return store


@dataclass(frozen=True)
class Audited:
    """A mirror and its audit."""

    store: DuckDBStore
    result: AuditResult

    def html(self, **options: Any) -> str:
        return build_report(self.store, self.result, **({"project_name": "Northwind"} | options))


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Audited:
    """The believable org, audited with its own definitions."""
    store = mirror_of(tmp_path_factory.mktemp("seeded") / "mirror.duckdb", plant(1, 400, AS_OF).tables)
    settings = Settings.model_validate({"version": 1, "timezone": "Europe/Berlin", "definitions": definitions()})
    return Audited(store, audit(store, settings))


@pytest.fixture
def audited(tmp_path: Path):
    """Makes a mirror of the records given, and audits it; `rules` are YAML texts of a project's own rules."""

    def make(tables: Mapping[str, list[dict]], rules: Mapping[str, str] | None = None, **options: Any) -> Audited:
        rules_dir = tmp_path / "rules"
        for name, text in (rules or {}).items():
            rules_dir.mkdir(exist_ok=True)
            (rules_dir / name).write_text(text, encoding="utf-8")
        store = mirror_of(tmp_path / "mirror.duckdb", tables, **options)
        return Audited(
            store, audit(store, Settings.model_validate({"version": 1}), rules_dir=rules_dir if rules else None)
        )

    return make


def _typed(name: str, text: str) -> Any:
    """A cell as a pull would store it."""
    if not text:
        return None
    if name.startswith("Is"):
        return text == "true"
    if name.endswith("Date") and "T" in text:
        return datetime.fromisoformat(text).replace(tzinfo=None)
    return date.fromisoformat(text) if name.endswith("Date") else text


@pytest.fixture
def olist_audited(audited):
    """8,000 real marketing leads and their opportunities, all of them won."""
    root = Path(os.environ.get("SFSYNC_TEST_DATA") or Path(__file__).parents[3].parent / "shared" / "data")
    folder = root / "olist_org"
    if not folder.is_dir():
        pytest.skip("the test data olist_org is not on this machine (SFSYNC_TEST_DATA names its folder)")
    tables = {}
    for name in ("Lead", "Opportunity"):
        with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            wanted = ("Id", "LeadSource", "CreatedDate", "ConvertedDate", "CloseDate")
            tables[name] = [
                {field: _typed(field, text) for field, text in row.items() if field in wanted or field.startswith("Is")}
                for row in csv.DictReader(file)
            ]
    return audited(tables)

"""`sfsync query`."""

from __future__ import annotations

import csv
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sfsync.cli.console import Console
from sfsync.cli.options import json_option, pass_console, project_option

if TYPE_CHECKING:
    from sfsync.store import Rows

HELP = """Ask the mirror in SQL; nothing can be changed this way.

`sf` holds the live records under Salesforce's names, `sf_all` the deleted ones too, `crm` your local tables.

\b
Examples:
  sfsync query "SELECT LeadSource, count(*) AS n FROM sf.Lead GROUP BY 1 ORDER BY 2 DESC"
  sfsync query --json "SELECT count(*) AS n FROM sf.Lead"
  sfsync query --csv "SELECT * FROM crm.leads" > leads.csv
  sfsync query --as-of 2026-01-01 "SELECT Status, count(*) FROM sf.Lead GROUP BY 1"
"""


@click.command("query", help=HELP, short_help="Ask the mirror in SQL.")
@click.argument("sql")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, values exactly as they are.")
@click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S"]),
    metavar="TIME",
    help="Ask the mirror as it was then (UTC); a date is its beginning.",
)
@project_option
@json_option
@pass_console
def command(console: Console, sql: str, as_csv: bool, as_of: datetime | None, project: Path | None) -> None:
    """Run one read-only statement and print its rows."""
    from sfsync.errors import UsageError
    from sfsync.project import find_project
    from sfsync.store import open_store
    from sfsync.store.as_of import as_of_sql

    if as_csv and console.json:
        raise UsageError("--csv and --json exclude each other", hint="choose one")
    store = open_store(find_project(project).store_path)
    if as_of is not None:
        sql = as_of_sql(store, sql, as_of)
    rows = store.query(sql).rows()

    def human() -> None:
        if as_csv:
            _print_csv(rows)
        else:
            console.records(rows.columns, rows.rows)
            console.note(f"{len(rows):,} row{'' if len(rows) == 1 else 's'}")

    console.finish({"totalSize": len(rows), "columns": rows.columns, "records": rows.dicts()}, human)


def _print_csv(rows: Rows) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(rows.columns)
    writer.writerows(rows)

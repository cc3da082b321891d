"""`sfsync import`: an edited file comes back into a two-way table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sfsync.cli.console import Console
from sfsync.cli.options import json_option, pass_console, project_option

if TYPE_CHECKING:
    from sfsync.sync.merge3.edited_file import TakenEdits

HELP = """Take the edits of a file into a two-way table: CSV, Parquet or Excel.

The file is one that was exported from the table, with its column sf_id. What was changed in it becomes an edit of the
table; what was not stays as the table has it now, however old the file is: where the org has changed the same values
since, --as-of says when it was exported. A row without sf_id is added, once, however often the file is imported. Rows
that the file lacks are left alone. Nothing is sent: `sfsync plan` shows what would be.

\b
Examples:
  sfsync query --csv "SELECT * FROM crm.leads" > leads.csv
  sfsync import crm.leads leads.csv
  sfsync import crm.leads leads.xlsx --sheet Leads
  sfsync import crm.leads leads.csv --as-of 2026-01-31T08:00:00    exported then, in UTC
"""


@click.command("import", help=HELP, short_help="Take the edits of a file into a two-way table.")
@click.argument("table")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--encoding", metavar="NAME", help="Of a CSV file, like utf-8 or windows-1252.")
@click.option("--delimiter", metavar="CHARACTER", help="Of a CSV file.")
@click.option("--sheet", metavar="NAME", help="Of an Excel file; the first unless given.")
@click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S"]),
    metavar="TIME",
    help="When the file was exported (UTC): what the org has changed since was not edited in it.",
)
@project_option
@json_option
@pass_console
def command(
    console: Console,
    table: str,
    file: Path,
    encoding: str | None,
    delimiter: str | None,
    sheet: str | None,
    as_of: datetime | None,
    project: Path | None,
) -> None:
    """Load the file, and take its edits."""
    from sfsync.cli.resolve import chosen_tables
    from sfsync.mapping import load_mappings
    from sfsync.mapping.schema import SourceSpec
    from sfsync.project import find_project
    from sfsync.soql.dates import Calendar
    from sfsync.store import open_store
    from sfsync.store.mirror import read_describes, read_state
    from sfsync.sync.lock import mirror_lock
    from sfsync.sync.merge3.desired import ready_table
    from sfsync.sync.merge3.edited_file import take_edits
    from sfsync.sync.options import options_from
    from sfsync.sync.source.load import load_source

    found = find_project(project)
    (mapping,) = chosen_tables(load_mappings(found.mappings_dir), [table])
    store = open_store(found.store_path)
    declared = {"file": str(file.absolute()), "encoding": encoding, "delimiter": delimiter, "sheet": sheet}
    spec = SourceSpec.model_validate({key: value for key, value in declared.items() if value is not None})
    # The mirror is that far behind: what a pull had not brought yet is not in a file of that time.
    lag = options_from(found.settings, found.document).lag
    calendar = Calendar(found.settings.timezone, found.settings.fiscal_year_start_month)
    with mirror_lock(found.state_dir, store, "import"), store.writing() as session:
        now = read_state(session).as_of
        two_way = ready_table(session, mapping, read_describes(session), as_of=now, calendar=calendar)
        loaded = load_source(session, spec, table)
        taken = take_edits(session, two_way, loaded, as_of=None if as_of is None else as_of - lag)
    _tell(console, table, taken, [f"{file.name}: {note}" for note in loaded.notes])


def _tell(console: Console, table: str, taken: TakenEdits, notes: Sequence[str]) -> None:
    def human() -> None:
        for note in notes:
            console.note(note)
        if taken.ignored:
            console.note(f"left out: columns that {table} does not have: {', '.join(taken.ignored)}")
        if taken.known:
            console.note(f"left out: {taken.known:,} rows without sf_id that an import has added already")
        console.note(f"{taken.edited:,} rows edited, {taken.added:,} added")
        console.next_step("`sfsync plan` shows what would be sent")

    console.finish(asdict(taken), human)

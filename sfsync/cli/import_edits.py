"""`sfsync import`: an edited file comes back into a two-way table."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from sfsync.cli.console import Console
from sfsync.cli.options import json_option, pass_console, project_option

HELP = """Take the edits of a file into a two-way table: CSV, Parquet or Excel.

The file is one that was exported from the table, with its column sf_id. What was changed in it becomes an edit of the
table; what was not stays as the table has it now, however old the file is. A row without sf_id is added, once, however
often the file is imported. Rows that the file lacks are left alone. Nothing is sent: `sfsync plan` shows what would be.

\b
Examples:
  sfsync query --csv "SELECT * FROM crm.leads" > leads.csv
  sfsync import crm.leads leads.csv
  sfsync import crm.leads leads.xlsx --sheet Leads
"""


@click.command("import", help=HELP, short_help="Take the edits of a file into a two-way table.")
@click.argument("table")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--encoding", metavar="NAME", help="Of a CSV file, like utf-8 or windows-1252.")
@click.option("--delimiter", metavar="CHARACTER", help="Of a CSV file.")
@click.option("--sheet", metavar="NAME", help="Of an Excel file; the first unless given.")
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
    from sfsync.sync.source.load import load_source

    found = find_project(project)
    (mapping,) = chosen_tables(load_mappings(found.mappings_dir), [table])
    store = open_store(found.store_path)
    declared = {"file": str(file.absolute()), "encoding": encoding, "delimiter": delimiter, "sheet": sheet}
    spec = SourceSpec.model_validate({key: value for key, value in declared.items() if value is not None})
    calendar = Calendar(found.settings.timezone, found.settings.fiscal_year_start_month)
    with mirror_lock(found.state_dir, store, "import"), store.writing() as session:
        as_of = read_state(session).as_of
        two_way = ready_table(session, mapping, read_describes(session), as_of=as_of, calendar=calendar)
        loaded = load_source(session, spec, table)
        taken = take_edits(session, two_way, loaded)

    def human() -> None:
        for note in loaded.notes:
            console.note(f"{file.name}: {note}")
        if taken.ignored:
            console.note(f"left out: columns that {table} does not have: {', '.join(taken.ignored)}")
        if taken.known:
            console.note(f"left out: {taken.known:,} rows without sf_id that an import has added already")
        console.note(f"{taken.edited:,} rows edited, {taken.added:,} added")
        console.next_step("`sfsync plan` shows what would be sent")

    console.finish(asdict(taken), human)

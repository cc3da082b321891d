"""`sfsync mapping`: check, list, schema; suggest and import have files of their own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sfsync.cli import mapping_import, mapping_suggest
from sfsync.cli.console import Console
from sfsync.cli.options import json_option, pass_console, project_option

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sfsync.errors import Problem
    from sfsync.mapping import Mapping
    from sfsync.project import Project
    from sfsync.records import ObjectDescribe
    from sfsync.store.interface import Session

HELP = """Draft, check and list field mappings: the files in mappings/ that say which field is which column.

\b
Examples:
  sfsync mapping suggest Lead --source leads.csv -o mappings/leads.yml
  sfsync mapping import accountMap.sdl --object Account
  sfsync mapping check
  sfsync mapping list --json
  sfsync mapping schema > mapping.schema.json
"""

CHECK_HELP = """Check every mapping, without the network.

Spelling, keys and values are always checked. Once there is a mirror, objects, fields, references and filters are held
against what the org said about them at the last pull, `values` against the values that the records have, and the rows
of local tables and files that are pushed against what the org would take.

\b
Examples:
  sfsync mapping check
  sfsync mapping check --project ./myorg --json
"""

LIST_HELP = """List the mappings: file, object, local table, direction, columns.

\b
Examples:
  sfsync mapping list
"""

SCHEMA_HELP = """Print the JSON Schema of mapping files, for completion and checks in editors.

\b
Examples:
  sfsync mapping schema > mapping.schema.json
"""


@click.group("mapping", help=HELP, short_help="Draft, check and list field mappings.", no_args_is_help=True)
def command() -> None:
    """Group of the commands about mappings."""


command.add_command(mapping_suggest.command)
command.add_command(mapping_import.command)


@command.command("check", help=CHECK_HELP, short_help="Check every mapping, without the network.")
@project_option
@json_option
@pass_console
def check(console: Console, project: Path | None) -> None:
    """Load the mappings, and hold them against the mirror's describes where there are any."""
    from sfsync.mapping import load_mappings
    from sfsync.project import find_project

    found = find_project(project)
    mappings = load_mappings(found.mappings_dir)
    against = _check_against_mirror(console, found, mappings)

    def human() -> None:
        console.table(("file", "object", "local table", "columns"), [_row(mapping)[:4] for mapping in mappings])
        checked = f"the org as of {against}" if against else "the mapping language only"
        console.note(f"{len(mappings)} mappings are in order (checked against {checked})")
        console.next_step(
            "`sfsync pull` renews the local tables" if mappings else "`sfsync init DIR` writes starter mappings"
        )

    console.finish({"checked_against": against, "mappings": [_facts(mapping) for mapping in mappings]}, human)


@command.command("list", help=LIST_HELP, short_help="List the mappings.")
@project_option
@json_option
@pass_console
def list_command(console: Console, project: Path | None) -> None:
    """Load the mappings and print what they say."""
    from sfsync.mapping import load_mappings
    from sfsync.project import find_project

    found = find_project(project)
    mappings = load_mappings(found.mappings_dir)

    def human() -> None:
        columns = ("file", "object", "local table", "columns", "direction", "filter")
        console.table(columns, [_row(mapping) for mapping in mappings])
        console.next_step("`sfsync mapping check`")

    console.finish([_facts(mapping) for mapping in mappings], human)


@command.command("schema", help=SCHEMA_HELP, short_help="Print the JSON Schema of mapping files.")
@json_option
@pass_console
def schema_command(console: Console) -> None:
    """Print the schema that pydantic makes from the mapping language."""
    import json

    from sfsync.mapping import mapping_schema

    schema = mapping_schema()
    console.finish(schema, lambda: console.out(json.dumps(schema, indent=2)))


def _check_against_mirror(console: Console, project: Project, mappings: list[Mapping]) -> str | None:
    """Raise `MappingError` for what does not fit the mirrored org; as of when that was, or None without a mirror."""
    from sfsync.errors import MappingError
    from sfsync.mapping import check_mappings
    from sfsync.mapping.check_data import local_table_problems
    from sfsync.mapping.check_parents import shared_parents
    from sfsync.mapping.check_warnings import mapping_warnings
    from sfsync.mapping.unmapped import unmapped_values
    from sfsync.soql.dates import Calendar
    from sfsync.store import open_store
    from sfsync.store.mirror import object_states, read_describes, read_state

    store = open_store(project.store_path)
    if not store.exists():
        console.warn("objects and fields were not checked: there is no mirror yet (run `sfsync pull` first)")
        return None
    with store.reading() as session:
        if not object_states(session):
            console.warn("objects and fields were not checked: the mirror is empty (run `sfsync pull` first)")
            return None
        describes = read_describes(session)
        problems = check_mappings(mappings, describes)
        if problems:
            raise MappingError(problems)
        as_of = read_state(session).as_of
        calendar = Calendar(project.settings.timezone, project.settings.fiscal_year_start_month)
        found = [
            *mapping_warnings(mappings, describes),
            *unmapped_values(session, mappings, describes, as_of=as_of, calendar=calendar),
            *shared_parents(session, mappings, describes),
            *local_table_problems(session, mappings, describes),
            *(told for mapping in mappings for told in _refused_of_source(session, mapping, describes, project.root)),
        ]
    _tell(console, found)
    return as_of.isoformat() + "Z"


def _refused_of_source(
    session: Session, mapping: Mapping, describes: dict[str, ObjectDescribe], root: Path
) -> Iterator[Problem]:
    """What a push would refuse of the rows of a source; a server is not asked, for a check needs no network."""
    from sfsync.errors import MappingError, SfsyncError, SourceError
    from sfsync.mapping.check_data import check_data
    from sfsync.sync.plan.rows import loaded_rows
    from sfsync.sync.source import settle_dates

    if mapping.source is None:
        return
    if mapping.source.is_on_a_server:
        message = "its rows were not checked: they are on a server, and a check asks none"
        yield mapping.problem("source", message=message, hint="`sfsync plan` reads them, and writes nothing")
        return
    try:
        source = loaded_rows(session, mapping, mapping.source, root)
        settled, _ = settle_dates(session, source, mapping, describes)
        yield from check_data(session, settled, describes, source.table, source.columns)
    except SourceError as error:
        yield from error.problems
    except MappingError:
        raise
    except SfsyncError as error:
        yield mapping.problem("source", message=f"its rows were not checked: {error.message}", hint=error.hint)


def _tell(console: Console, problems: list[Problem]) -> None:
    for problem in problems:
        console.warn(str(problem))


def _row(mapping: Mapping) -> tuple[Any, ...]:
    items = (*mapping.fields.values(), *mapping.lookups.values())
    columns = len({column for item in items for column in item.columns})
    return mapping.file, mapping.object, mapping.reads_from, columns, mapping.direction, mapping.filter or ""


def _facts(mapping: Mapping) -> dict[str, Any]:
    return {
        "file": mapping.file,
        "object": mapping.object,
        "table": mapping.reads_from,
        "direction": mapping.direction,
        "filter": mapping.filter,
        "columns": {
            **{column: name for name, item in mapping.fields.items() for column in item.columns},
            **{column: item.shown_as(name) for name, item in mapping.lookups.items() for column in item.columns},
        },
    }

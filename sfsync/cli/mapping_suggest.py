"""`sfsync mapping suggest`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from sfsync.cli.console import Console
from sfsync.cli.options import json_option, pass_console, project_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sfsync.mapping.source_spec import SourceSpec
    from sfsync.mapping.suggest import Draft, Origin
    from sfsync.mapping.suggest.pairs import ForeignIds
    from sfsync.mapping.suggest.profile import ColumnProfile
    from sfsync.project import Project
    from sfsync.records import ObjectDescribe
    from sfsync.store.interface import Session
    from sfsync.sync.source import SourceTable

HELP = """Draft the mapping of a push: which column of a file or table is which field of OBJECT.

Names, labels and values are compared. Each line of the draft says how sure it is; what is not sure enough, or has to be
decided by a person, is a comment. The draft passes `sfsync mapping check`; read it before you use it.

\b
Examples:
  sfsync mapping suggest Lead --source leads.csv -o mappings/leads.yml
  sfsync mapping suggest Account --table crm.companies
  sfsync mapping suggest Contact --mirror ../prod
  sfsync mapping suggest Lead --source leads.csv --encoding windows-1252 --target-org prod
"""


#: Of the three things to draft from, one is named.
_OTHERS = 2


class _Given(NamedTuple):
    """What to draft from: one of the three."""

    source: str | None
    table: str | None
    mirror: str | None


@click.command("suggest", help=HELP, short_help="Draft a mapping from a file or table.")
@click.argument("object_name", metavar="OBJECT")
@click.option("--source", metavar="FILE", help="CSV, Parquet or Excel file whose rows are to be pushed.")
@click.option("--table", metavar="TABLE", help="Local table instead, like crm.companies.")
@click.option("--mirror", metavar="FOLDER", help="Another org's records instead: the folder of its project.")
@click.option("--encoding", help="Of a CSV file, where it is not UTF-8.")
@click.option("--delimiter", help="Between the columns of a CSV file, where it is not clear.")
@click.option("--sheet", help="Of an Excel file that has several.")
@click.option("--output", "-o", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write it there.")
@click.option("--target-org", envvar="SF_TARGET_ORG", metavar="ALIAS", help="Ask this org instead of the mirror.")
@project_option
@json_option
@pass_console
def command(
    console: Console,
    object_name: str,
    source: str | None,
    table: str | None,
    mirror: str | None,
    encoding: str | None,
    delimiter: str | None,
    sheet: str | None,
    output: Path | None,
    target_org: str | None,
    project: Path | None,
) -> None:
    """Load the source, look at its columns, and write the draft."""
    from sfsync.errors import UsageError
    from sfsync.project import find_project

    if [source, table, mirror].count(None) != _OTHERS:
        raise UsageError("name one thing to draft from", hint="--source FILE, --table TABLE, or --mirror FOLDER")
    found = find_project(project)
    described = _describes(found, object_name, target_org)
    form = {"encoding": encoding, "delimiter": delimiter, "sheet": sheet}
    given = _Given(source, table, mirror)
    draft, notes = _draft(found, described, given, {key: each for key, each in form.items() if each})
    for note in notes:
        console.note(note)
    if output is not None:
        from sfsync.cli.new_file import write_new

        write_new(output, draft.text)
    _tell(console, draft, output)


def _describes(project: Project, name: str, target_org: str | None) -> dict[str, ObjectDescribe]:
    """What is known of the object (first), and of others that lookups may refer to."""
    from sfsync.errors import UsageError
    from sfsync.store import open_store
    from sfsync.store.mirror import object_states, read_describes

    store = open_store(project.store_path)
    known: dict[str, ObjectDescribe] = {}
    if store.exists():
        with store.reading() as session:
            known = read_describes(session) if object_states(session) else {}
    if target_org is not None:
        from sfsync.salesforce import connect
        from sfsync.salesforce.describe import describe_object

        with connect(project.settings, target_org=target_org) as org:
            described = describe_object(org, name)
        return {described.name: described, **known}
    by_name = {each.casefold(): each for each in known}
    if name.casefold() not in by_name:
        hint = f"run `sfsync pull {name}` first, or ask an org: --target-org ALIAS"
        raise UsageError(f"the mirror has no object `{name}`", hint=hint)
    first = by_name[name.casefold()]
    return {first: known[first], **known}


def _draft(
    project: Project, describes: dict[str, ObjectDescribe], given: _Given, form: dict[str, str]
) -> tuple[Draft, tuple[str, ...]]:
    from sfsync.mapping.suggest import profile_columns, suggest_mapping

    describe = next(iter(describes.values()))
    with _session(project, needs_store=given.table is not None) as session:
        loaded, origin = _loaded(session, project, given, form, describe.name)
        columns = profile_columns(session, loaded.table, loaded.columns)
        foreign = _foreign(session, columns, describes, given)
    draft = suggest_mapping(describe, columns, origin, describes=describes, foreign=foreign)
    return draft, loaded.notes


def _foreign(
    session: Session, columns: Sequence[ColumnProfile], describes: dict[str, ObjectDescribe], given: _Given
) -> ForeignIds:
    """The columns that hold Ids of another org: all Ids of another mirror, and those that this one does not know."""
    from sfsync.mapping.foreign_ids import foreign_columns
    from sfsync.mapping.suggest.pairs import ForeignIds

    ids = {column.name: column.values for column in columns if column.looks_like == "id"}
    if given.mirror is not None:
        return ForeignIds(frozenset(ids), replaced=True)
    return ForeignIds(foreign_columns(session, ids, describes))


def _session(project: Project, *, needs_store: bool) -> Any:
    """A session of the store, or of nothing where there is no store and none is needed."""
    from sfsync.store import open_store
    from sfsync.store.scratch import scratch_session

    store = open_store(project.store_path)
    return store.reading() if needs_store or store.exists() else scratch_session()


def _loaded(
    session: Session, project: Project, given: _Given, form: dict[str, str], object_name: str
) -> tuple[SourceTable, Origin]:
    from sfsync.mapping.local_names import TableName
    from sfsync.mapping.source_spec import SourceSpec
    from sfsync.mapping.suggest import Origin
    from sfsync.mapping.yaml_text import scalar
    from sfsync.sync.source import load_source, load_table
    from sfsync.sync.source.mirror import load_mirror

    if given.source is not None:
        path = Path(given.source).expanduser().absolute()
        inside = path.is_relative_to(project.root)
        name = (path.relative_to(project.root) if inside else path).as_posix()
        loaded = load_source(session, _spec(name, form), "suggest", root=project.root)
        keys = {"file": name, **form}
        written = scalar(name) if not form else "{" + ", ".join(f"{k}: {scalar(v)}" for k, v in keys.items()) + "}"
        return loaded, Origin(name, (f"source: {written}",), loaded.rows, loaded.notes)
    if given.mirror is not None:
        loaded = load_mirror(session, SourceSpec(mirror=given.mirror, object=object_name), project.root, "suggest")
        written = f"source: {{mirror: {scalar(given.mirror)}}}"
        return loaded, Origin(loaded.shown_as, (written,), loaded.rows, loaded.notes)
    named = TableName.parse(str(given.table))
    loaded = load_table(session, named.schema, named.name)
    return loaded, Origin(str(named), (f"table: {named}",), loaded.rows, loaded.notes)


def _spec(name: str, form: dict[str, str]) -> SourceSpec:
    from pydantic import ValidationError

    from sfsync.errors import UsageError
    from sfsync.mapping.source_spec import SourceSpec

    try:
        given: dict[str, Any] = {**form}
        return SourceSpec(file=name, **given)
    except ValidationError as error:
        first = error.errors()[0]
        told = f"{'.'.join(map(str, first['loc']))}: {first['msg']}".removeprefix(": ")
        raise UsageError(f"the source is not declared rightly: {told}", hint="see --help") from None


def _tell(console: Console, draft: Draft, output: Path | None) -> None:
    def human() -> None:
        if output is None:
            console.out(draft.text.rstrip("\n"))
        console.note(
            f"\n{len(draft.used)} fields drafted, {len(draft.doubtful)} more as comments, "
            f"{len(draft.unused)} columns without a field"
        )
        if draft.required:
            console.note("required and without a column: " + ", ".join(draft.required))
        console.next_step(f"read {output or 'the draft'}, then `sfsync mapping check`")

    result: dict[str, Any] = {
        "file": None if output is None else str(output),
        "text": draft.text,
        "fields": draft.used,
        "doubtful": draft.doubtful,
        "required": list(draft.required),
        "unused": list(draft.unused),
        "key": draft.key,
    }
    console.finish(result, human)

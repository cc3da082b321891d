"""`sfsync mapping import`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sfsync.cli.console import Console
from sfsync.cli.options import json_option, pass_console, project_option

if TYPE_CHECKING:
    from sfsync.records import ObjectDescribe

HELP = """Make mappings of another tool's: Data Loader's .sdl maps, CumulusCI's mapping.yml.

What cannot be carried over is told, and stands in the result as a comment with the line that it comes from. Where there
is a mirror, fields get the spelling that the org has, and what the org does not have is told.

\b
Examples:
  sfsync mapping import accountInsertMap.sdl --object Account --source accounts.csv -o mappings/accounts.yml
  sfsync mapping import datasets/mapping.yml -o mappings/
"""


@click.command("import", help=HELP, short_help="Make mappings of Data Loader's or CumulusCI's.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--object", "object_name", metavar="OBJECT", help="Of a Data Loader map, which does not name it.")
@click.option("--direction", type=click.Choice(["push", "pull"]), help="Where the map does not show which way it goes.")
@click.option("--source", metavar="FILE", help="File whose rows are pushed, from the project's folder.")
@click.option("--table", metavar="TABLE", help="Local table; by the file's name unless given.")
@click.option("--output", "-o", type=click.Path(path_type=Path), metavar="PATH", help="File, or folder for several.")
@project_option
@json_option
@pass_console
def command(
    console: Console,
    file: Path,
    object_name: str | None,
    direction: str | None,
    source: str | None,
    table: str | None,
    output: Path | None,
    project: Path | None,
) -> None:
    """Convert one file, and print or write what came out."""
    from sfsync.cli.new_file import write_new
    from sfsync.errors import UsageError
    from sfsync.mapping.imports import ImportOptions, import_mapping

    known = _describes(project)
    made = import_mapping(file, ImportOptions(object_name, direction, source, table, known))
    folder = output is not None and (output.is_dir() or output.suffix not in {".yml", ".yaml"})
    if output is not None and len(made) > 1 and not folder:
        raise UsageError(f"{file} makes {len(made)} mappings", hint=f"name a folder: -o {output.parent}")
    written: list[str] = []
    for each in made:
        if output is not None:
            path = output / each.name if folder else output
            write_new(path, each.text)
            written.append(str(path))

    def human() -> None:
        for each in made:
            if output is None:
                console.out((f"# {each.name}\n" if len(made) > 1 else "") + each.text)
            for line in each.told:
                console.note(f"{each.name}: {line}" if len(made) > 1 else line)
        checked = "" if known else " (there is no mirror, so only the mapping language was checked)"
        console.note(f"{len(made)} mapping{'' if len(made) == 1 else 's'} made{checked}")
        console.next_step("read what was not taken over, then `sfsync mapping check`")

    mappings = [{"name": each.name, "text": each.text, "told": list(each.told)} for each in made]
    console.finish({"written": written, "mappings": mappings}, human)


def _describes(project: Path | None) -> dict[str, ObjectDescribe]:
    """What the mirror knows of the org; nothing outside a project."""
    from sfsync.project import find_project
    from sfsync.store import open_store
    from sfsync.store.mirror import object_states, read_describes

    store = open_store(find_project(project, must_exist=False).store_path)
    if not store.exists():
        return {}
    with store.reading() as session:
        return read_describes(session) if object_states(session) else {}

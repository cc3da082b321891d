"""`sfsync init`."""

from __future__ import annotations

from pathlib import Path

import click

from sfsync.cli.console import Console
from sfsync.cli.options import json_option, pass_console

HELP = """Make a project folder: sfsync.yml, starter mappings and a .gitignore.

Nothing that exists is overwritten; nothing is sent anywhere.

\b
Examples:
  sfsync init                          here
  sfsync init myorg                    in a new folder
  sfsync init myorg --target-org prod  for an org that the sf CLI knows
"""


@click.command("init", help=HELP, short_help="Make a project folder: settings and starter mappings.")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=Path(), metavar="[DIR]")
@click.option("--target-org", "-o", metavar="ALIAS", help="Org to write into sfsync.yml.")
@json_option
@pass_console
def command(console: Console, folder: Path, target_org: str | None) -> None:
    """Run `project.create_project` with the starter mappings."""
    from sfsync.mapping.starters import starter_mappings
    from sfsync.project import create_project

    created = create_project(folder, starter_mappings(), target_org=target_org)
    for name in created.kept:
        console.warn(f"{name} was there already and is left as it is")

    def human() -> None:
        for name in created.written:
            console.out(str(folder / name))
        change = f"cd {folder} && " if folder != Path() else ""
        pull = "sfsync pull" if target_org else "sfsync pull --target-org ALIAS"
        console.next_step(f"`{change}{pull}`; sfsync.yml says how to log in without the sf CLI")

    result = {"project": str(folder.absolute()), "written": list(created.written), "kept": list(created.kept)}
    console.finish(result, human)

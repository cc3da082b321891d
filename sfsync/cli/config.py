"""`sfsync config`: what is in force, and why."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sfsync.cli.console import Console
from sfsync.cli.options import json_option, pass_console, project_option

if TYPE_CHECKING:
    from sfsync.config.origins import SetValue
    from sfsync.project import Project

HELP = """Show the settings that are in force.

\b
Examples:
  sfsync config show
  sfsync config show --origin
"""

SHOW_HELP = """Show every setting, and with --origin where each value comes from.

Of the rules, those values are shown that the project changes. PATH shows everything below one key, what is not set
too: `pull`, `definitions`, `rules.LA004`. Of a secret, the place is shown where it is kept.

\b
What holds for a rule, the later over the earlier:
  default   the rule's own file
  org       orgs: {ALIAS: {rules: …}}, of target_org or of the only org
  profile   profiles: {NAME: {rules: …}}, with --profile
  rule      rules: …
  segment   rules: {LA004: {by: {LeadSource: {Trade Show: …}}}}

\b
Examples:
  sfsync config show --origin
  sfsync config show rules.LA004 --origin --profile nightly
  sfsync config show pull --json
"""


@click.group("config", help=HELP, short_help="Show the settings in force, and where they come from.")
def command() -> None:
    """Group of the commands about settings."""


@command.command("show", help=SHOW_HELP, short_help="Show every setting in force.")
@click.argument("path", metavar="[PATH]", default="")
@click.option("--origin", is_flag=True, help="Show where each value comes from: file and line, or default.")
@click.option("--profile", metavar="NAME", help="As under `sfsync audit --profile NAME`.")
@project_option
@json_option
@pass_console
def show(console: Console, path: str, origin: bool, profile: str | None, project: Path | None) -> None:
    """Print one line a value."""
    from sfsync.config.spelling import suggestion
    from sfsync.errors import UsageError
    from sfsync.project import find_project

    found = find_project(project, must_exist=False)
    values = [*_settings(found), *_rules(found, profile, everything=path.startswith("rules"))]
    wanted = [each for each in values if f"{each.path}.".startswith(f"{path}.") or not (path or each.is_unset)]
    if not wanted:
        hint = suggestion(path, {each.path.split(".")[0] for each in values} | {each.path for each in values})
        raise UsageError(f"there is no setting `{path}`", hint=hint)

    def human() -> None:
        rows = [(each.path, each.value, each.origin) if origin else (each.path, each.value) for each in wanted]
        console.table(("setting", "value", "from")[: len(rows[0])], rows)
        if not origin:
            console.next_step("`sfsync config show --origin` says where each value comes from")

    console.finish([{"path": each.path, "value": each.value, "origin": each.origin} for each in wanted], human)


def _settings(project: Project) -> Iterator[SetValue]:
    from sfsync.config.origins import set_values

    yield from set_values(project.settings, project.document)


def _rules(project: Project, profile: str | None, *, everything: bool) -> Iterator[SetValue]:
    """What holds for the rules: all of it, or what is not as in their files."""
    from sfsync.audit.load import load_rules
    from sfsync.audit.overrides import resolve_rules, rule_values
    from sfsync.config.origins import SetValue, shown

    rules = resolve_rules(load_rules(project.rules_dir), project.settings, project.document, profile=profile)
    for each in rules:
        for name, value, origin in rule_values(each):
            if everything or origin.layer != "default":
                yield SetValue(f"rules.{each.rule.id}.{name}", shown(value), str(origin))

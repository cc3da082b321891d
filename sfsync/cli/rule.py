"""`sfsync rule`: list, explain, test, new."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sfsync.cli.console import Console
from sfsync.cli.exit_codes import ExitCode
from sfsync.cli.options import json_option, pass_console, project_option
from sfsync.cli.rule_new import new

if TYPE_CHECKING:
    from sfsync.audit.overrides import ResolvedRule
    from sfsync.audit.rule import Rule
    from sfsync.project import Project

HELP = """List, explain, test and begin audit rules: those of sfsync, and a project's own in rules/*.yml.

\b
Examples:
  sfsync rule list
  sfsync rule explain CV003
  sfsync rule new ACME001
  sfsync rule test ACME001
"""

LIST_HELP = """List the rules there are, with what the project changes about them.

\b
Examples:
  sfsync rule list
  sfsync rule list --json
"""

EXPLAIN_HELP = """Explain one rule: what it finds, why it matters, what to do, when it is wrong, and the exact SQL.

In a project with a mirror, parameters, definitions and the mirror's time are filled in; elsewhere the defaults are
shown.

\b
Examples:
  sfsync rule explain LI001
  sfsync rule explain LA004 --json
"""

TEST_HELP = """Try rules on their own examples.

Without WHAT: the rules of sfsync, and the project's own. WHAT is the id of a rule, what several ids begin with, or a
folder: then the rules in that folder alone are tried.

\b
Examples:
  sfsync rule test
  sfsync rule test ACME001 CV
  sfsync rule test rules
"""


@click.group("rule", help=HELP, short_help="List, explain, test and begin audit rules.", no_args_is_help=True)
def command() -> None:
    """Group of the commands about rules."""


@command.command("list", help=LIST_HELP, short_help="List the rules there are.")
@project_option
@json_option
@pass_console
def list_rules(console: Console, project: Path | None) -> None:
    """Print one line a rule."""
    rules = _resolved(_project(project))

    def human() -> None:
        rows = [
            (
                each.rule.id,
                each.rule.name,
                (each.severity or each.rule.severity) if each.enabled else "off",
                each.rule.confidence,
                each.rule.title,
            )
            for each in rules
        ]
        console.table(("rule", "name", "severity", "confidence", "a finding means"), rows)
        console.next_step("`sfsync rule explain ID` says everything about one of them")

    result = [
        {
            "id": each.rule.id,
            "name": each.rule.name,
            "title": each.rule.title,
            "group": each.rule.group,
            "object": each.rule.object,
            "severity": (each.severity or each.rule.severity).value,
            "confidence": each.rule.confidence.value,
            "enabled": each.enabled,
        }
        for each in rules
    ]
    console.finish(result, human)


@command.command("explain", help=EXPLAIN_HELP, short_help="Explain one rule, with its exact SQL.")
@click.argument("rule_id", metavar="ID")
@project_option
@json_option
@pass_console
def explain_rule(console: Console, rule_id: str, project: Path | None) -> None:
    """Print a rule's page."""
    from sfsync.audit.context import known_context
    from sfsync.audit.explain import explain
    from sfsync.audit.find import read_thresholds
    from sfsync.audit.load import find_rule
    from sfsync.store import open_store

    found = _project(project)
    rules = _resolved(found)
    wanted = find_rule([each.rule for each in rules], rule_id)
    resolved = next(each for each in rules if each.rule is wanted)
    store = open_store(found.store_path)
    context = known_context(store, found.settings)
    page = explain(resolved, context, read_thresholds(store, resolved, context))

    def human() -> None:
        console.out(page.as_text())
        console.next_step(f"`sfsync audit --select {wanted.id}` runs it")

    console.finish(page.as_json(), human)


@command.command("test", help=TEST_HELP, short_help="Try rules on their own examples.")
@click.argument("what", metavar="[WHAT]...", nargs=-1)
@project_option
@json_option
@pass_console
def test_rules(console: Console, what: tuple[str, ...], project: Path | None) -> None:
    """Run every example in a mirror of its own and compare."""
    from sfsync.audit.examples import try_rules

    rules = _wanted(what, project)
    tried = try_rules(rules)
    failed = [each for each in tried if each.differences]

    def human() -> None:
        for each in failed:
            console.out(f"{each.rule_id}: {each.example}")
            for difference in each.differences:
                console.out(f"    {difference}")
        right = len(tried) - len(failed)
        console.out(f"{right:,} of {len(tried):,} examples of {len(rules):,} rules give what they say")
        console.next_step("mend the rule or its example" if failed else "`sfsync audit` runs the rules on the mirror")

    result = {
        "rules": len(rules),
        "examples": len(tried),
        "failed": [
            {"rule": each.rule_id, "example": each.example, "differences": list(each.differences)} for each in failed
        ],
    }
    console.finish(result, human, status=ExitCode.USAGE if failed else ExitCode.FINE)


command.add_command(new)


def _wanted(what: tuple[str, ...], project: Path | None) -> tuple[Rule, ...]:
    """The rules to try: all, those of folders, or those whose ids begin so."""
    from sfsync.audit.load import find_rules, load_folder, load_rules

    folders = [Path(each) for each in what if Path(each).is_dir()]
    codes = [each for each in what if not Path(each).is_dir()]
    of_folders = tuple(rule for folder in folders for rule in load_folder(folder))
    if folders and not codes:
        return of_folders
    return (*of_folders, *find_rules(load_rules(_project(project).rules_dir), codes))


def _project(named: Path | None) -> Project:
    from sfsync.project import find_project

    return find_project(named, must_exist=named is not None)


def _resolved(project: Project) -> tuple[ResolvedRule, ...]:
    from sfsync.audit.load import load_rules
    from sfsync.audit.overrides import resolve_rules

    return resolve_rules(load_rules(project.rules_dir), project.settings, project.document)

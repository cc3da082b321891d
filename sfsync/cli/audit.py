"""`sfsync audit`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sfsync.cli.audit_baseline import Baselines, baseline_options
from sfsync.cli.audit_fix import plan_the_fixes
from sfsync.cli.audit_output import OutputOptions, Outputs, Verdict, output_options, plan_outputs, write_outputs
from sfsync.cli.audit_preflight import Wanted, preflight_options, run_preflight
from sfsync.cli.audit_show import show
from sfsync.cli.audit_trend import trend
from sfsync.cli.console import Console
from sfsync.cli.exit_codes import ExitCode
from sfsync.cli.options import json_option, pass_console, project_option, together
from sfsync.errors import MirrorUnfit, UsageError

if TYPE_CHECKING:
    from sfsync.audit import AuditResult
    from sfsync.config.settings import Settings
    from sfsync.project import Project

HELP = """Find conversion and qualification faults in the mirror.

Every rule ends in one of three states: it found something, it passed, or it is not evaluable, with the reason and
what would enable it. Everything is judged as of the mirror's own time. Rules on the mirror itself come first: one that
is unfit to be judged stops the audit. Findings are kept in the mirror, as sfsync.findings, and held against those of
earlier audits.

\b
Examples:
  sfsync audit
  sfsync audit --select CV,OP007 --fail-on warning
  sfsync audit --profile nightly --format github --output audit.sarif --output audit.xlsx
  sfsync audit --write-baseline audit-baseline.csv      from now on, only what is new
  sfsync audit --baseline audit-baseline.csv --fail-on-new
  sfsync audit --select FM,OP --fix -o plan.json        what rules propose, as a plan for `sfsync apply`
  sfsync audit --plan plan.json --fail-on warning       what a plan would cause, before it is applied
  sfsync audit --mapping lead --source leads.csv        what the rows of a file would cause; nothing is kept
  sfsync audit show --format csv > findings.csv         the last audit again, not judged anew
  sfsync audit trend CV001
  sfsync audit --sql --dialect snowflake --select CV    the SQL, for another database

\b
Exit codes:
  0 no finding that counts    1 findings at or above --fail-on    2 a setting, rule file or option is wrong
  3 the mirror is unfit to judge: never pulled, a rule SY says so, or no rule could be evaluated
  4 partial: a file could not be written, or --all-evaluable and some rules were not
"""


@dataclass(frozen=True, slots=True)
class Codes:
    """Which rules are judged: ids and codes on the command line, and the profile."""

    select: tuple[str, ...]
    ignore: tuple[str, ...]
    profile: str | None

    def as_arguments(self) -> dict[str, Any]:
        """As `audit` takes them."""
        return {"select": self.select or None, "ignore": self.ignore or None, "profile": self.profile}


code_options = together(
    "codes",
    Codes,
    click.option("--select", multiple=True, metavar="CODES", help="Only these rules: ids or codes, e.g. CV,OP007."),
    click.option("--ignore", multiple=True, metavar="CODES", help="Not these; the longer of two codes wins."),
    click.option(
        "--profile",
        metavar="NAME",
        help="nightly, migration, quarter-end, or one of `profiles:` in sfsync.yml: rules and what fails the run.",
    ),
)


@click.group("audit", invoke_without_command=True, help=HELP, short_help="Find faults in the mirror.")
@code_options
@output_options
@click.option("--all-evaluable", is_flag=True, help="Exit with 4 when a rule could not be evaluated.")
@click.option("--even-if-unfit", is_flag=True, help="Judge an unfit mirror, too; everything is marked, and exit is 3.")
@baseline_options
@preflight_options
@click.option("--sql", "as_sql", is_flag=True, help="Print the SQL that would judge, and judge nothing.")
@click.option("--dialect", metavar="NAME", help="Of --sql: snowflake, bigquery, postgres, spark, …  [default: duckdb]")
@click.option("--fix", is_flag=True, help="Make a plan of what rules propose; nothing is written before `apply`.")
@click.option(
    "-o",
    "plan_file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="With --fix: write the plan to FILE, too; .html to read it, anything else to apply it.",
)
@project_option
@json_option
@pass_console
@click.pass_context
def command(
    ctx: click.Context,
    console: Console,
    codes: Codes,
    output: OutputOptions,
    all_evaluable: bool,
    even_if_unfit: bool,
    baselines: Baselines,
    wanted: Wanted,
    as_sql: bool,
    dialect: str | None,
    fix: bool,
    plan_file: Path | None,
    project: Path | None,
) -> None:
    """Judge the mirror and write what was found."""
    if ctx.invoked_subcommand is not None:
        _refuse_options(ctx)
        return
    from sfsync.audit.choice import profile_of
    from sfsync.project import find_project

    if plan_file is not None and not fix:
        raise UsageError("-o names the file of a plan", hint="add --fix; findings go to a file with --output FILE")
    wanted.check(_given(ctx, "fix", "write_baseline", "even_if_unfit", "as_sql", "dialect"))
    planned = plan_outputs(console, output)
    found = find_project(project)
    if as_sql or dialect is not None:
        _print_sql(console, found, codes, dialect, as_sql=as_sql)
        return
    of_profile = profile_of(found.settings, codes.profile)
    verdict = output.verdict(of_profile.fail_on, of_profile.max_new, all_evaluable=all_evaluable)
    settings = baselines.in_force(found)
    if wanted:
        ctx.exit(run_preflight(console, found, wanted, settings, verdict, planned, **codes.as_arguments()))
    result = _judge(console, found, settings, codes, even_if_unfit=even_if_unfit)
    if fix:
        plan_the_fixes(console, found, result, plan_file)
    elif status := _write(console, found, result, settings, baselines, verdict, planned):
        ctx.exit(status)


command.add_command(show)
command.add_command(trend)


def _refuse_options(ctx: click.Context) -> None:
    given = [
        name
        for name in ctx.params
        if ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE and name != "project"
    ]
    if given:
        raise UsageError(
            f"`sfsync audit {ctx.invoked_subcommand}` takes its options after its name",
            hint=f"see `sfsync audit {ctx.invoked_subcommand} --help`",
        )


def _given(ctx: click.Context, *names: str) -> list[str]:
    """The options among these that stand on the command line, as they are written there."""
    there = click.core.ParameterSource.COMMANDLINE
    spelled = {param.name: param.opts[0] for param in ctx.command.params}
    return [spelled[name] for name in names if ctx.get_parameter_source(name) is there]


def _print_sql(console: Console, project: Project, codes: Codes, dialect: str | None, *, as_sql: bool) -> None:
    from sfsync.audit.warehouse import sql_of_audit
    from sfsync.store import open_store

    if not as_sql:
        raise UsageError(
            "--dialect says how --sql is written", hint=f"add --sql: `sfsync audit --sql --dialect {dialect}`"
        )
    text = sql_of_audit(
        open_store(project.store_path),
        project.settings,
        **({} if dialect is None else {"dialect": dialect}),
        rules_dir=project.rules_dir,
        settings_file=project.document,
        **codes.as_arguments(),
    )
    # As it is: values of sfsync.yml stand in it, and a character shown otherwise would be another statement.
    console.finish({"dialect": dialect or "duckdb", "sql": text}, lambda: click.echo(text, nl=False))


def _judge(console: Console, project: Project, settings: Settings, codes: Codes, *, even_if_unfit: bool) -> AuditResult:
    from sfsync.audit import audit
    from sfsync.store import open_store

    result = audit(
        open_store(project.store_path),
        settings,
        rules_dir=project.rules_dir,
        settings_file=project.document,
        even_if_unfit=even_if_unfit,
        **codes.as_arguments(),
    )
    for warning in result.warnings:
        console.warn(warning)
    return result


def _write(
    console: Console,
    project: Project,
    result: AuditResult,
    settings: Settings,
    baselines: Baselines,
    verdict: Verdict,
    outputs: Outputs,
) -> int:
    """Write the baseline that is wanted, then the audit as held against it; the exit code.

    Raises:
        MirrorUnfit: A baseline was wanted, and what an unfit mirror shows is none.
    """
    from sfsync.audit.stored import read_audit
    from sfsync.store import open_store

    store = open_store(project.store_path)
    accepted = baselines.write(console, store, result, settings)
    with store.reading() as session:
        stored = read_audit(session, result.audit_id)
        # What a baseline has just listed counts as known from now on, so the run does not fail by it.
        status = ExitCode.FINE if accepted else verdict.status(stored)
        status = write_outputs(console, verdict.shown(stored, session, outputs.max_findings), outputs, status)
    if baselines.write_baseline is not None and not accepted:
        raise MirrorUnfit(
            "no baseline was written: the mirror is unfit, so what it shows may be right or wrong",
            hint="mend the mirror first",
        )
    _next_step(console, result, outputs.stdout)
    return status


def _next_step(console: Console, result: AuditResult, stdout: str | None) -> None:
    from sfsync.records import RuleState

    if stdout != "human":
        return
    if not result.fitness.fit:
        first = next((each for each in result.rules if each.rule.gate and each.count), None)
        more = f"`sfsync rule explain {first.rule.id}` says what to do; " if first else ""
        console.next_step(f"{more}`--even-if-unfit` judges all the same")
        return
    found = next(result.in_state(RuleState.FINDING), None)
    if found is None:
        console.next_step("`sfsync report` writes this as one HTML file")
    else:
        explain = f"`sfsync rule explain {found.rule.id}` says what to do about it"
        console.next_step(f"{explain}; `sfsync report` writes it all as one HTML file")

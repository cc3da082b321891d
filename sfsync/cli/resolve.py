"""`sfsync resolve`: conflicts of two-way tables, listed and settled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sfsync.cli.console import Console
from sfsync.cli.options import json_option, pass_console, project_option

if TYPE_CHECKING:
    from sfsync.mapping import Mapping
    from sfsync.store import Session
    from sfsync.sync.merge3 import Conflict

HELP = """Settle conflicts: fields of two-way tables that were changed here and in the org.

Without --org or --local it lists what waits. A decision holds for the values it was made on: where one of them has
changed since, the conflict goes on. What was given up stays listed in sfsync.settled.

\b
Examples:
  sfsync resolve                                      what waits
  sfsync resolve --org --record 00Q5g00000AbCdEEAV    the org is right about this record
  sfsync resolve crm.leads --local --column phone     phone numbers here are right
  sfsync resolve --org --all                          the org is right about everything
"""

#: So many conflicts are shown; --json has all.
MOST_SHOWN = 200


@click.command("resolve", help=HELP, short_help="Settle conflicts of two-way tables.")
@click.argument("tables", nargs=-1, metavar="[TABLE]...")
@click.option("--org", "org_wins", is_flag=True, help="Take the org's values; the local edits are given up.")
@click.option("--local", "local_wins", is_flag=True, help="Keep the local values; the next plan writes them.")
@click.option("--record", "records", multiple=True, metavar="ID", help="Only this record; may be repeated.")
@click.option("--column", "columns", multiple=True, metavar="NAME", help="Only this column; may be repeated.")
@click.option("--show-values", is_flag=True, help="Show e-mail addresses, phone numbers and other sensitive values.")
@click.option("--all", "every", is_flag=True, help="Every conflict, where neither --record nor --column is given.")
@project_option
@json_option
@pass_console
def command(
    console: Console,
    tables: tuple[str, ...],
    org_wins: bool,
    local_wins: bool,
    records: tuple[str, ...],
    columns: tuple[str, ...],
    every: bool,
    show_values: bool,
    project: Path | None,
) -> None:
    """List conflicts, or settle those that were named."""
    from sfsync.errors import UsageError
    from sfsync.mapping import load_mappings
    from sfsync.project import find_project
    from sfsync.store import open_store

    if org_wins and local_wins:
        raise UsageError("only one side can be right", hint="either --org or --local")
    found = find_project(project)
    chosen = chosen_tables(load_mappings(found.mappings_dir), tables)
    store = open_store(found.store_path)
    if not (org_wins or local_wins):
        if records or columns or every:
            raise UsageError("say which side is right", hint="--org or --local")
        with store.reading() as session:
            list_conflicts(console, session, chosen, show_values=show_values)
        return
    if not (records or columns or every):
        raise UsageError("say which conflicts", hint="--record ID, --column NAME, or --all")
    winner = "org" if org_wins else "local"
    settled, left = _settle(found, store, chosen, winner, (_long_ids(records), columns))

    def human() -> None:
        console.note(f"{settled:,} settled, {left:,} left")
        if not settled:
            console.note("their values have moved since they were listed, or were written a moment ago: look again")
        console.next_step("`sfsync plan`" if winner == "local" or not left else "`sfsync resolve` lists the rest")

    console.finish({"settled": settled, "left": left}, human)


def _long_ids(records: tuple[str, ...]) -> tuple[str, ...]:
    """Ids as conflicts have them: reports of the org show 15 characters of the 18.

    Raises:
        UsageError: One is no Id.
    """
    from sfsync.errors import UsageError
    from sfsync.record_ids import is_id, long_id

    for each in records:
        if not is_id(each):
            raise UsageError(f"`{each}` is no record Id", hint="`sfsync resolve` lists the records that wait")
    return tuple(long_id(each) for each in records)


def _settle(
    project: Any, store: Any, chosen: list[Mapping], winner: Any, which: tuple[tuple[str, ...], tuple[str, ...]]
) -> tuple[int, int]:
    from sfsync.soql.dates import Calendar
    from sfsync.store.mirror import read_describes
    from sfsync.sync.lock import mirror_lock
    from sfsync.sync.merge3.conflicts import count_conflicts
    from sfsync.sync.merge3.resolve import Choice, resolve

    settings = project.settings
    calendar = Calendar(settings.timezone, settings.fiscal_year_start_month)
    with mirror_lock(project.state_dir, store, "resolve"), store.writing() as session:
        describes = read_describes(session)
        settled = resolve(session, chosen, describes, winner, Choice(*which), calendar=calendar)
        return settled, count_conflicts(session, [str(each.local_table) for each in chosen])


def chosen_tables(mappings: Sequence[Mapping], tables: Sequence[str]) -> list[Mapping]:
    """The mappings of these two-way tables; of all that go both ways where none is named."""
    from sfsync.config.spelling import suggestion
    from sfsync.errors import UsageError
    from sfsync.mapping.local_names import TableName

    both = {mapping.local_table.key: mapping for mapping in mappings if mapping.direction == "both"}
    if not tables:
        return list(both.values())
    chosen = []
    for name in tables:
        mapping = both.get(TableName.parse(name).key)
        if mapping is None:
            known = [str(each.local_table) for each in both.values()]
            hint = suggestion(name, known) or "a mapping makes one, with `direction: both`"
            raise UsageError(f"there is no two-way table `{name}`", hint=hint)
        chosen.append(mapping)
    return chosen


def list_conflicts(
    console: Console, session: Session, mappings: Sequence[Mapping], *, show_values: bool, exit_code: bool = False
) -> None:
    """Show what waits for a decision; sensitive values only where they are asked for."""
    from sfsync.cli.exit_codes import ExitCode
    from sfsync.sync.merge3.conflicts import count_conflicts, open_conflicts

    tables = [str(mapping.local_table) for mapping in mappings]
    count = count_conflicts(session, tables)
    found = open_conflicts(session, tables, limit=None if console.json else MOST_SHOWN)
    if found and not show_values:
        hidden = _sensitive(session, mappings)
        found = [_without_values(each) if each.field in hidden.get(each.object, ()) else each for each in found]

    def human() -> None:
        if found:
            console.records(("record", "table", "column", "agreed on", "here", "in the org"), [_row(c) for c in found])
        more = f", of which {len(found):,} are shown" if count > len(found) else ""
        console.note(f"{count:,} conflicts wait for a decision{more}" if count else "no conflicts")
        if found and not show_values:
            console.note("sensitive values are hidden: --show-values")
        if found:
            console.next_step(f"`sfsync resolve --org --record {found[0].record_id}`, or --local")

    status = ExitCode.NEEDS_YOU if exit_code and count else ExitCode.FINE
    console.finish({"conflicts": [asdict(each) for each in found]}, human, status=status)


def _sensitive(session: Session, mappings: Sequence[Mapping]) -> dict[str, set[str]]:
    """Object → fields whose values are personal."""
    from sfsync.store.mirror import read_describes
    from sfsync.sync.plan.sensitive import sensitive_fields, sensitive_lookups

    describes = read_describes(session)
    found: dict[str, set[str]] = {}
    for mapping in mappings:
        if mapping.object in describes:
            hidden = found.setdefault(mapping.object, set())
            hidden |= sensitive_fields(mapping, describes[mapping.object]) | sensitive_lookups(mapping, describes)
    return found


def _without_values(conflict: Conflict) -> Conflict:
    """That there is a value can be seen, and what it is cannot."""
    from sfsync.sync.plan.explain import HIDDEN

    shown = (None if value is None else HIDDEN for value in (conflict.base, conflict.local, conflict.org))
    base, local, org = shown
    return replace(conflict, base=base, local=local, org=org)


def _row(conflict: Conflict) -> tuple[str, str, str, str | None, str | None, str | None]:
    if not conflict.is_whole:
        values = (conflict.base, conflict.local, conflict.org)
        return conflict.record_id, conflict.table, conflict.column, *values
    here, there = ("edited", "deleted") if conflict.kind == "deleted in the org" else ("deleted", "changed")
    return conflict.record_id, conflict.table, "(the record)", None, here, there

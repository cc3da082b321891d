"""`sfsync status`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sfsync.cli.console import Console
from sfsync.cli.options import json_option, pass_console, project_option

if TYPE_CHECKING:
    from sfsync.records import Run
    from sfsync.store import Session
    from sfsync.store.mirror import MirrorState, ObjectState
    from sfsync.store.proofs import Proof

HELP = """Show what the mirror holds, as of when, and how the last runs ended.

\b
Examples:
  sfsync status
  sfsync status --json
"""


@click.command("status", help=HELP, short_help="What the mirror holds, and as of when.")
@project_option
@json_option
@pass_console
def command(console: Console, project: Path | None) -> None:
    """Read the ledger and print it."""
    from sfsync.project import find_project
    from sfsync.store import ledger, open_store
    from sfsync.store.drift import unreadable_fields
    from sfsync.store.mirror import read_state
    from sfsync.store.proofs import last_proofs

    store = open_store(find_project(project).store_path)
    with store.reading() as session:
        runs, unreadable = ledger.recent_runs(session, 5), unreadable_fields(session)
        state, formulas = read_state(session), _formulas(session)
        seen = _Seen(store.location, state, runs, unreadable, formulas, last_proofs(session), _waits(session))
    console.finish(_payload(seen), lambda: _show(console, seen))


@dataclass(frozen=True, slots=True)
class _Waits:
    """What waits for somebody.

    Attributes:
        plans: Id and state of each plan that may still be applied: `open`, `applying` where an apply was stopped,
            or `partial` where it ended with changes whose outcome is unknown.
        conflicts: Fields of two-way tables that were changed on both sides.
    """

    plans: Sequence[tuple[str, str]]
    conflicts: int


@dataclass(frozen=True, slots=True)
class _Seen:
    """What there is to show.

    Attributes:
        location: Of the store.
        state: The mirror as a whole.
        runs: The last ones.
        unreadable: Object → fields that the last pull could not read.
        formulas: See `_formulas`.
        proofs: Object → when it was last held against the org, and what that showed.
        waits: Plans and conflicts that wait for somebody.
    """

    location: str
    state: MirrorState
    runs: Sequence[Run]
    unreadable: Mapping[str, tuple[str, ...]]
    formulas: Mapping[str, datetime | None]
    proofs: Mapping[str, Proof]
    waits: _Waits

    @property
    def objects(self) -> list[ObjectState]:
        """By name."""
        return sorted(self.state.objects.values(), key=lambda each: each.name)


def _show(console: Console, seen: _Seen) -> None:
    state = seen.state
    console.out(f"Org     {state.instance_url}  {state.org_id or ''}")
    console.out(f"Mirror  {seen.location}")
    console.out(f"As of   {state.as_of:%Y-%m-%d %H:%M:%S} UTC\n")
    rows = [
        (
            *(each.name, f"{each.rows:,}", f"{each.upper_bound:%Y-%m-%d %H:%M:%S}"),
            *(_told(seen.formulas, each.name), _proven(seen.proofs.get(each.name))),
        )
        for each in seen.objects
    ]
    columns = ("object", "records", "as of (UTC)", "formulas as of (UTC)", "verified as of (UTC)")
    console.table(columns, rows, right=("records",))
    for each in seen.objects:
        for told in filter(None, (str(each.selection), each.selection.fields_told)):
            console.out(f"{each.name}: {told}")
    for name, fields in seen.unreadable.items():
        console.out(f"{name}: removed, or no longer readable; kept as they were: {', '.join(fields)}")
    console.out()
    ended = [(f"{run.started_at:%Y-%m-%d %H:%M:%S}", run.verb, run.state, f"{run.api_calls:,}") for run in seen.runs]
    console.table(("last runs (UTC)", "what", "how it ended", "API calls"), ended, right=("API calls",))
    _show_waits(console, seen.waits)


def _show_waits(console: Console, waits: _Waits) -> None:
    if waits.conflicts:
        console.out(f"\n{waits.conflicts:,} conflicts of two-way tables wait for `sfsync resolve`")
    for plan_id, state in waits.plans:
        console.out(f"\nplan {plan_id} was stopped" if state == "applying" else f"\nplan {plan_id} waits to be applied")
    if any(state == "applying" for _, state in waits.plans):
        console.next_step("`sfsync apply --resume`")
    elif waits.plans:
        console.next_step(f"`sfsync apply {waits.plans[0][0]}`")
    else:
        console.next_step('`sfsync query "SELECT * FROM sf.Lead LIMIT 5"`, or `sfsync audit`')


def _payload(seen: _Seen) -> dict[str, Any]:
    return {
        "as_of": seen.state.as_of.isoformat() + "Z",
        "org_id": seen.state.org_id,
        "instance_url": seen.state.instance_url,
        "store": seen.location,
        "objects": [
            {
                "name": each.name,
                "records": each.rows,
                "as_of": each.upper_bound.isoformat() + "Z",
                "formulas": each.name in seen.formulas,
                "formulas_as_of": _instant(seen.formulas.get(each.name)),
                "selection": each.selection.as_json(),
                "unreadable_fields": list(seen.unreadable.get(each.name, ())),
                "verified": _verified(seen.proofs.get(each.name)),
            }
            for each in seen.objects
        ],
        "runs": [
            {"id": run.id, "verb": run.verb, "state": run.state, "api_calls": run.api_calls, "summary": run.summary}
            for run in seen.runs
        ],
        "plans": [{"id": plan_id, "state": state} for plan_id, state in seen.waits.plans],
        "conflicts": seen.waits.conflicts,
    }


def _formulas(session: Session) -> dict[str, datetime | None]:
    """Object with calculated fields → since when its formulas were not read again, or None when they never were."""
    from sfsync.store import ledger
    from sfsync.store.refreshes import calculated_fields, last_refreshes

    last = last_refreshes(session)
    return {name: last.get(name) for name, each in ledger.read_describes(session).items() if calculated_fields(each)}


def _waits(session: Session) -> _Waits:
    from sfsync.sync.merge3.conflicts import count_conflicts
    from sfsync.sync.plan.stored import half_applied, open_plans

    plans = [(plan.id, plan.state) for plan in (*half_applied(session), *open_plans(session))]
    return _Waits(plans, count_conflicts(session))


def _proven(proof: Proof | None) -> str:
    if proof is None:
        return "never"
    count = sum(proof.differences.values())
    return f"{proof.as_of:%Y-%m-%d %H:%M:%S}" + (f" ({count:,} differed)" if count else "")


def _verified(proof: Proof | None) -> dict[str, Any] | None:
    if proof is None:
        return None
    differences = dict(proof.differences)
    return {"as_of": _instant(proof.as_of), "method": proof.method, "differences": differences}


def _told(formulas: Mapping[str, datetime | None], name: str) -> str:
    if name not in formulas:
        return ""
    last = formulas[name]
    return "not known" if last is None else f"{last:%Y-%m-%d %H:%M:%S}"


def _instant(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat() + "Z"

"""`sfsync verify`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sfsync.cli.console import Console
from sfsync.cli.exit_codes import ExitCode
from sfsync.cli.options import json_option, pass_console, project_option, target_org_option

if TYPE_CHECKING:
    from sfsync.sync.verify import VerifyResult

HELP = """Prove that the mirror equals the org, or say which records differ and how.

Every record's Id, stamp and deletion is held against the org, as of the mirror's own upper bound; with --values every
value is. What changed in the org since the last pull is not a difference. The proof is kept in the ledger.

\b
Examples:
  sfsync verify
  sfsync verify Lead Opportunity --values
  sfsync verify --repair               take over what the org has where the mirror differs
"""


@click.command("verify", help=HELP, short_help="Prove that the mirror equals the org.")
@click.argument("objects", nargs=-1, metavar="[OBJECT]...")
@click.option("--values", is_flag=True, help="Compare every value, not only Ids, stamps and deletions.")
@click.option("--repair", is_flag=True, help="Mend what differs; implies --values.")
@click.option(
    "--most-extra",
    type=click.FloatRange(0, 1),
    default=0.05,
    show_default=True,
    metavar="SHARE",
    help="Largest share of an object that --repair may mark as deleted.",
)
@project_option
@target_org_option
@json_option
@pass_console
def command(
    console: Console,
    objects: tuple[str, ...],
    values: bool,
    repair: bool,
    most_extra: float,
    project: Path | None,
    target_org: str | None,
) -> None:
    """Run `sync.verify` on the project's org and store."""
    from sfsync.cli.progress import pull_progress
    from sfsync.project import find_project
    from sfsync.salesforce import connect
    from sfsync.store import open_store
    from sfsync.store.mirror import read_state
    from sfsync.sync.verify import VerifyOptions, forecast, verify

    found = find_project(project)
    store = open_store(found.store_path)
    with store.reading() as session:
        mirrored = list(read_state(session).objects)
    org = connect(found.settings, target_org=target_org)
    console.note(f"verifying against {org.name}: about {forecast(objects or mirrored)} API calls")
    with pull_progress(console) as on_event:
        result = verify(
            org,
            store,
            workspace=found.state_dir,
            objects=list(objects) or None,
            options=VerifyOptions(values=values or repair, repair=repair, most_extra=most_extra),
            on_event=on_event,
        )
    _tell(console, result, repair=repair)


def _tell(console: Console, result: VerifyResult, *, repair: bool) -> None:
    unproven = [proof for proof in result.objects if proof.reason is not None]
    different = [proof for proof in result.objects if proof.differences]
    status = ExitCode.PARTIAL if unproven else ExitCode.NEEDS_YOU if different else ExitCode.FINE

    def human() -> None:
        rows = [
            (
                proof.object,
                f"{proof.records:,}",
                ", ".join(f"{each.count:,} {each.kind}" for each in proof.differences) or "equal",
                "mended" if proof.repaired else proof.reason or "",
                " ".join(record_id for each in proof.differences for record_id in each.ids[:2]),
            )
            for proof in result.objects
        ]
        console.table(("object", "records", "mirror and org", "", "e.g."), rows, right=("records",))
        if not different and not unproven:
            console.next_step("`sfsync audit`: the mirror is what the org is")
        elif unproven:
            console.next_step("see the reasons above")
        else:
            console.next_step("`sfsync verify` again proves it" if repair else "`sfsync verify --repair` mends it")

    payload: dict[str, Any] = {
        "run_id": result.run_id,
        "equal": result.equal,
        "api_calls": result.api_calls,
        "objects": [asdict(proof) | {"equal": proof.equal} for proof in result.objects],
    }
    console.finish(payload, human, status=status)

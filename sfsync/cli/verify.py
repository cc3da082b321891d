"""`sfsync verify`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sfsync.cli.console import Console
from sfsync.cli.exit_codes import ExitCode
from sfsync.cli.options import json_option, pass_console, project_option, target_org_option, together

if TYPE_CHECKING:
    from sfsync.sync.options import PullOptions
    from sfsync.sync.verify import VerifyOptions, VerifyResult

HELP = """Prove that the mirror equals the org, or say which records differ and how.

Every record's Id, stamp and deletion is held against the org, as of the mirror's own upper bound; with --values every
value is, with --sample those of some records. What changed in the org since the last pull is not a difference. What it
will cost is told before it starts. The proof is kept in the ledger.

\b
Examples:
  sfsync verify
  sfsync verify Lead Opportunity --values
  sfsync verify --sample 500           Ids of all, values of 500 records of each object
  sfsync verify --deletes              mark records as deleted that were deleted for good
  sfsync verify --repair               take over what the org has where the mirror differs
"""


@dataclass(frozen=True, slots=True)
class Manner:
    """How to verify, as it was asked for; what is left open is the project's to say."""

    values: bool
    sample: int | None
    deletes: bool
    repair: bool
    most_extra: float | None
    trust_absence: bool

    def options(self, usual: PullOptions) -> VerifyOptions:
        """The same with what the project says."""
        from sfsync.sync.verify import VerifyOptions

        return VerifyOptions(
            values=self.values,
            repair=self.repair,
            most_extra=usual.most_vanished if self.most_extra is None else self.most_extra,
            sample=self.sample or 0,
            deletes=self.deletes,
            trust_absence=self.trust_absence,
            bulk_threshold=usual.bulk_threshold,
            budget=usual.budget,
        )


manner_options = together(
    "manner",
    Manner,
    click.option("--values", is_flag=True, help="Compare every value, not only Ids, stamps and deletions."),
    click.option(
        "--sample",
        type=click.IntRange(min=1),
        default=None,
        metavar="N",
        help="Compare the values of N records of each object, drawn by lot.",
    ),
    click.option("--deletes", is_flag=True, help="Mark as deleted what the org no longer lists, and nothing else."),
    click.option("--repair", is_flag=True, help="Mend what differs; reads every value, or with --sample those."),
    click.option(
        "--most-extra",
        type=click.FloatRange(0, 1),
        default=None,
        metavar="SHARE",
        help="Largest share of an object that may be marked as deleted. Default: `most_vanished` of sfsync.yml, or "
        "0.05.",
    ),
    click.option(
        "--trust-absence",
        is_flag=True,
        help="Mark as deleted what the org does not list, even if this user may not see every record.",
    ),
)


@click.command("verify", help=HELP, short_help="Prove that the mirror equals the org.")
@click.argument("objects", nargs=-1, metavar="[OBJECT]...")
@manner_options
@project_option
@target_org_option
@json_option
@pass_console
def command(
    console: Console,
    objects: tuple[str, ...],
    manner: Manner,
    project: Path | None,
    target_org: str | None,
) -> None:
    """Run `sync.verify` on the project's org and store."""
    from sfsync.cli.progress import pull_progress
    from sfsync.project import find_project
    from sfsync.salesforce import connect
    from sfsync.store import open_store
    from sfsync.store.mirror import read_state
    from sfsync.sync.options import options_from
    from sfsync.sync.verify import chosen_states, forecast, verify

    found = find_project(project)
    options = manner.options(options_from(found.settings, found.document))
    store = open_store(found.store_path)
    with store.reading() as session:
        chosen = chosen_states(read_state(session).objects, list(objects) or None)
    org = connect(found.settings, target_org=target_org)
    cost = forecast(chosen, options)
    jobs = f" and {cost.bulk_jobs:,} Bulk jobs" if cost.bulk_jobs else ""
    console.note(f"verifying {len(chosen)} objects against {org.name}: about {cost.calls:,} API calls{jobs}")
    with pull_progress(console) as on_event:
        result = verify(
            org,
            store,
            workspace=found.state_dir,
            objects=list(objects) or None,
            options=options,
            on_event=on_event,
        )
    _tell(console, result, repair=manner.repair or manner.deletes)


def _tell(console: Console, result: VerifyResult, *, repair: bool) -> None:
    unproven = [proof for proof in result.objects if proof.reason is not None]
    different = [proof for proof in result.objects if proof.differences]
    status = ExitCode.PARTIAL if unproven else ExitCode.NEEDS_YOU if different else ExitCode.FINE

    def human() -> None:
        rows = [
            (
                proof.object,
                f"{proof.as_of:%Y-%m-%d %H:%M:%S}" if proof.as_of else "",
                f"{proof.records:,}",
                ", ".join(f"{each.count:,} {each.kind}" for each in proof.differences) or "equal",
                "mended" if proof.repaired else proof.reason or "",
                " ".join(record_id for each in proof.differences for record_id in each.ids[:2]),
            )
            for proof in result.objects
        ]
        console.table(("object", "as of (UTC)", "records", "mirror and org", "", "e.g."), rows, right=("records",))
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
        "counts": [asdict(counted) for counted in result.counts],
        "objects": [
            asdict(proof) | {"equal": proof.equal, "as_of": proof.as_of and proof.as_of.isoformat() + "Z"}
            for proof in result.objects
        ],
    }
    console.finish(payload, human, status=status)

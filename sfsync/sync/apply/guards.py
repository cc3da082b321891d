"""What an apply refuses before it writes anything: another org, a plan that is over, a plan that was overtaken."""

from __future__ import annotations

from collections.abc import Sequence

from sfsync.errors import PlanStale, RequestRefused, UsageError
from sfsync.mapping.schema import Mapping
from sfsync.salesforce import Org
from sfsync.salesforce.query import query_pages
from sfsync.store.interface import Session
from sfsync.sync.apply.check import mirror_moved
from sfsync.sync.apply.step_rows import StepRows
from sfsync.sync.plan.lines import fingerprint_of
from sfsync.sync.plan.stored import Plan, mark

_ORGANIZATION = "SELECT IsSandbox, TrialExpirationDate, OrganizationType FROM Organization"
#: So many records are named in a message.
_NAMED = 5


def is_production(org: Org) -> bool:
    """Whether mistakes in this org hurt: it is no sandbox, no scratch org or trial, and no Developer Edition.

    An org that does not say is taken for one.
    """
    try:
        records = [record for page in query_pages(org, _ORGANIZATION) for record in page.records]
    except RequestRefused:
        return True
    if not records:
        return True
    said = records[0]
    harmless = said.get("IsSandbox") is True or said.get("TrialExpirationDate") is not None
    return not harmless and said.get("OrganizationType") != "Developer Edition"


def refuse_other_org(plan: Plan, org: Org) -> None:
    """Raise `UsageError` when the plan was made for another org."""
    if plan.org_id and org.org_id and plan.org_id[:15] != org.org_id[:15]:
        raise UsageError(
            f"plan {plan.id} is for org {plan.org_id}, but the login is for org {org.org_id} ({org.instance_url})",
            hint="use another --target-org, or make a plan for this one",
        )


def refuse_over(plan: Plan) -> None:
    """Raise when there is nothing left to apply of the plan: it is applied, or was overtaken."""
    if plan.state == "applied":
        raise PlanStale(
            f"plan {plan.id} is applied already", hint="`sfsync plan` makes a new one of what is left to do"
        )
    if plan.state == "stale":
        raise PlanStale(
            f"plan {plan.id} is out of date: a newer plan was made, the org has moved, or it was given up",
            hint="run `sfsync plan`",
        )


def refuse_changed_plan(session: Session, plan: Plan) -> None:
    """Raise when the stored plan is not the one that was fingerprinted."""
    if fingerprint_of(session, plan) != plan.fingerprint:
        raise PlanStale(f"plan {plan.id} was changed since it was made", hint="run `sfsync plan`")


def refuse_changed_mappings(plan: Plan, mappings: Sequence[Mapping]) -> None:
    """Raise when a mapping says something else than when the plan was made."""
    now = {mapping.file: mapping.digest() for mapping in mappings}
    made_of = {each["file"]: each["digest"] for each in plan.header.get("mappings", ())}
    changed = [file for file, digest in made_of.items() if now.get(file, digest) != digest]
    if changed:
        raise PlanStale(
            f"{', '.join(changed)} changed since plan {plan.id} was made", hint="run `sfsync plan` and look at it again"
        )


def refuse_moved(session: Session, plan: Plan, steps: Sequence[StepRows]) -> PlanStale | None:
    """The error to raise when a pull since has brought other values than the plan saw; the plan is marked stale."""
    told, total = [], 0
    for rows in steps:
        moved = mirror_moved(rows, pending_only=False)
        if moved is None:
            continue
        total += int(session.execute(f"SELECT count(DISTINCT change_no) FROM ({moved}) AS x").scalar())
        found = session.execute(f"SELECT record_id, reason FROM ({moved}) AS x ORDER BY change_no LIMIT {_NAMED}")
        told += [f"{rows.step.object} {record_id}: {reason}" for record_id, reason in found]
    if not total:
        return None
    mark(session, plan.id, "stale")
    more = f" (and {total - _NAMED:,} more)" if total > _NAMED else ""
    return PlanStale(
        f"plan {plan.id} is out of date: {'; '.join(told[:_NAMED])}{more}",
        hint="run `sfsync plan` and look at it again",
        context={"changes": total},
    )

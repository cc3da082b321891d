"""`verify`: prove that the mirror equals the org, or say which records differ and how; and mend it when asked to."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sfsync.errors import BudgetReached, IncompleteAnswer, LimitReached, RequestRefused, TemporaryFailure, UsageError
from sfsync.records import ObjectDescribe
from sfsync.salesforce import Org
from sfsync.salesforce.describe import describe_object, describe_objects
from sfsync.salesforce.permissions import view_all
from sfsync.salesforce.query import record_counts
from sfsync.salesforce.replication import GRAIN, REACH, Deleted, get_deleted_of_many
from sfsync.store import Store
from sfsync.store.mirror import ObjectState, read_state
from sfsync.sync.budget import ONLY_RESERVE, Budget, BudgetLimits, budgeted
from sfsync.sync.counts import Counting, live_records
from sfsync.sync.events import ObjectCounted, ObjectStarted, OnEvent, ignore
from sfsync.sync.forecast import BULK_PAGE, JOB_CALLS, REST_PAGE, Cost, lasts
from sfsync.sync.lock import mirror_lock
from sfsync.sync.proof import Known, ObjectProof, Proving
from sfsync.sync.read import Reader
from sfsync.sync.reconcile import Guard
from sfsync.sync.run import ledger_run
from sfsync.sync.same_org import refuse_another_org
from sfsync.sync.sample import calls_of

__all__ = ["ObjectProof", "VerifyOptions", "VerifyResult", "forecast", "verify"]

#: Describes, logs of deletions and permissions of all objects together, their sizes, the org's clock.
_BEFOREHAND = 5


@dataclass(frozen=True, slots=True)
class VerifyOptions:
    """How to verify.

    Attributes:
        values: Compare every value; otherwise Ids, stamps and deletions.
        sample: Compare the values of so many records of each object, drawn by lot, beside the Ids of all.
        repair: Take over what the org has where the mirror differs; reads every value unless there is a sample.
        deletes: Mark as deleted what the org no longer lists, and nothing else.
        most_extra: Largest share of an object's live records that may be taken out of the mirror because the org no
            longer lists them; beyond it a lost permission is likelier than so many hard deletes.
        trust_absence: Take out records that the org does not list even where this user may not see all of them.
        bulk_threshold: From how many records on an object is read by Bulk API 2.0.
        budget: What it may cost.
    """

    values: bool = False
    repair: bool = False
    most_extra: float = 0.05
    sample: int = 0
    deletes: bool = False
    trust_absence: bool = False
    bulk_threshold: int = 5000
    budget: BudgetLimits = ONLY_RESERVE


@dataclass(frozen=True, slots=True)
class VerifyResult:
    """The proof, as the ledger keeps it too.

    Attributes:
        run_id: Its row in `sfsync.runs`.
        objects: What was found of each object, the smallest first.
        api_calls: Requests sent to the org.
        counts: Records of each object there and here, counted before anything was compared.
    """

    run_id: str
    objects: tuple[ObjectProof, ...]
    api_calls: int
    counts: tuple[ObjectCounted, ...] = ()

    @property
    def equal(self) -> bool:
        """Whether mirror and org were found equal in every object."""
        return all(proof.equal for proof in self.objects)


def verify(
    org: Org,
    store: Store,
    *,
    workspace: Path | None = None,
    objects: Sequence[str] | None = None,
    options: VerifyOptions | None = None,
    on_event: OnEvent = ignore,
) -> VerifyResult:
    """Hold the mirror against the org, object by object, each as of its own upper bound.

    What changed in the org since then is not held against the mirror: the next pull brings it. What is cheap comes
    first: the counts of all objects, then the smallest ones; every object's proof is kept as soon as it is there.

    Args:
        org: The org the mirror is of.
        store: The mirror.
        workspace: Folder for the run lock and spool files; None for one beside the store's file.
        objects: API names, or None for everything mirrored.
        options: How to verify.
        on_event: Called with the events of reading.

    Raises:
        MirrorUnfit: Nothing was pulled yet.
        UsageError: An object is not mirrored, or the mirror is of another org.
    """
    options = options or VerifyOptions()
    with mirror_lock(workspace, store, "verify") as folder:
        with store.reading() as session:
            state = read_state(session)
        refuse_another_org(org, state.org_id)
        chosen = chosen_states(state.objects, objects)
        reader = Reader(org, folder / "verify", "auto", options.bulk_threshold, on_event)
        with (
            budgeted(org, store, options.budget) as budget,
            ledger_run(store, "verify", lambda: budget.calls, lambda: budget.bulk_jobs) as run,
        ):
            verification = _Verification(reader, store, options, run.id)
            proofs = verification.prove(chosen, budget)
            run.state = "done" if all(proof.reason is None for proof in proofs) else "partial"
            run.summary = {
                "values": options.values,
                **{p.object: p.reason or {d.kind: d.count for d in p.differences} or "equal" for p in proofs},
            }
            calls = budget.calls
        shutil.rmtree(folder / "verify", ignore_errors=True)
        return VerifyResult(run.id, proofs, calls, tuple(verification.counts))


def chosen_states(mirrored: Mapping[str, ObjectState], wanted: Sequence[str] | None) -> list[ObjectState]:
    """The mirrored objects of these names (any case), or all of them. Raises `UsageError` for one that is not."""
    if wanted is None:
        return [mirrored[name] for name in sorted(mirrored)]
    spelled = {name.casefold(): name for name in mirrored}
    unknown = [name for name in wanted if name.casefold() not in spelled]
    if unknown:
        raise UsageError(f"not mirrored: {', '.join(unknown)}", hint="`sfsync status` lists what is")
    return [mirrored[spelled[name.casefold()]] for name in wanted]


def forecast(states: Sequence[ObjectState], options: VerifyOptions | None = None) -> Cost:
    """About how many API calls and Bulk jobs a verification of these objects costs.

    Args:
        states: The objects, as `chosen_states` gives them.
        options: How they will be verified.
    """
    options = options or VerifyOptions()
    total = Cost(_BEFOREHAND + 2 * (len(states) // 25))
    for state in states:
        if state.rows > options.bulk_threshold:
            total += Cost(JOB_CALLS + -(-state.rows // BULK_PAGE), 1)
        else:
            total += Cost(1 + max(1, -(-state.rows // REST_PAGE)))
        total += Cost(calls_of(min(options.sample, state.rows)))
    return total


@dataclass
class _Verification:
    """One run of `verify`."""

    reader: Reader
    store: Store
    options: VerifyOptions
    run_id: str
    counts: list[ObjectCounted] = field(default_factory=list)

    def prove(self, states: Sequence[ObjectState], budget: Budget) -> tuple[ObjectProof, ...]:
        """Count the records of all objects, then prove one object after the other."""
        affordable = lasts(budget, forecast(states, self.options))
        try:
            known = _beforehand(self.reader.org, states)
        except (BudgetReached, LimitReached) as spent:
            return tuple(ObjectProof(state.name, 0, reason=spent.message) for state in states)
        readable = [state for state in states if isinstance(known.describes[state.name], ObjectDescribe)]
        if affordable:  # otherwise every call is needed for the proof itself
            self._count(readable, known)
        return tuple(self._proofs(states, known))

    def _count(self, states: Sequence[ObjectState], known: Known) -> None:
        with self.store.reading() as session:
            live = live_records(session, states)
        counting = Counting(self.reader.org, known.sizes, self.options.bulk_threshold)
        for counted in counting.count(states, live):
            self.counts.append(counted)
            self.reader.on_event(counted)

    def _proofs(self, states: Sequence[ObjectState], known: Known) -> Iterator[ObjectProof]:
        options, guard = self.options, Guard(self.options.most_extra, self.options.trust_absence)
        compared = (options.values, options.sample, options.repair, options.deletes)
        proving = Proving(self.store, self.reader, self.run_id, known, guard, *compared)
        for state in sorted(states, key=lambda each: (known.sizes.get(each.name, each.rows), each.name)):
            self.reader.on_event(ObjectStarted(state.name, known.sizes.get(state.name)))
            try:
                yield proving.prove(state)
            except (RequestRefused, IncompleteAnswer, TemporaryFailure, BudgetReached, LimitReached) as error:
                yield ObjectProof(state.name, 0, reason=error.message)


def _beforehand(org: Org, states: Sequence[ObjectState]) -> Known:
    """What is asked of all objects together, so that it costs few calls."""
    names = [state.name for state in states]
    describes = _describes(org, names)
    now = org.server_time().astimezone(UTC).replace(tzinfo=None, microsecond=0)
    readable = {name: found for name, found in describes.items() if not isinstance(found, RequestRefused)}
    try:
        sizes = record_counts(org, list(readable))
    except RequestRefused:
        sizes = {}
    return Known(describes, _deleted_since(org, readable, states, now), view_all(org, readable), sizes)


def _describes(org: Org, names: Sequence[str]) -> dict[str, ObjectDescribe | RequestRefused]:
    try:
        return {**describe_objects(org, names)}
    except RequestRefused:
        found: dict[str, ObjectDescribe | RequestRefused] = {}
    for name in names:
        try:
            found[name] = describe_object(org, name)
        except RequestRefused as refused:
            found[name] = refused
    return found


def _deleted_since(
    org: Org, describes: Mapping[str, ObjectDescribe], states: Sequence[ObjectState], now: datetime
) -> dict[str, list[str]]:
    """Object → records that were deleted after its upper bound: they are not held against the mirror."""
    end = now.replace(second=0)
    earliest = (now - REACH + timedelta(minutes=10)).replace(second=0)
    spans = {
        state.name: (min(max(state.upper_bound.replace(second=0), earliest), end - 2 * GRAIN), end)
        for state in states
        if state.name in describes and describes[state.name].replicateable
    }
    bounds = {state.name: state.upper_bound for state in states}
    return {
        name: [record_id for record_id, at in answer.ids.items() if at >= bounds[name]]
        for name, answer in get_deleted_of_many(org, spans).items()
        if isinstance(answer, Deleted)
    }

"""`verify`: prove that the mirror equals the org, or say which records differ and how; and mend it when asked to."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sfsync.errors import RequestRefused, UsageError
from sfsync.records import ObjectDescribe
from sfsync.salesforce import Org
from sfsync.salesforce.describe import describe_object
from sfsync.salesforce.query import record_counts
from sfsync.store import Store, ledger
from sfsync.store.compare import Difference, compare
from sfsync.store.history import has_history
from sfsync.store.merge import STAMP, MergeOptions, merge_pages
from sfsync.store.mirror import ObjectState, read_state
from sfsync.sync.events import ObjectStarted, OnEvent, ignore
from sfsync.sync.lock import run_lock
from sfsync.sync.options import PullOptions
from sfsync.sync.read import Reader, SpooledRead
from sfsync.sync.run import ledger_run
from sfsync.sync.same_org import refuse_another_org
from sfsync.sync.window import EVERYTHING


@dataclass(frozen=True, slots=True)
class VerifyOptions:
    """How to verify.

    Attributes:
        values: Compare every value; otherwise Ids, stamps and deletions.
        repair: Take over what the org has where the mirror differs.
        most_extra: Largest share of an object's live records that may be taken out of the mirror because the org no
            longer lists them; beyond it a lost permission is likelier than so many hard deletes.
    """

    values: bool = False
    repair: bool = False
    most_extra: float = 0.05


@dataclass(frozen=True, slots=True)
class ObjectProof:
    """What was found of one object.

    Attributes:
        object: API name.
        records: How many the org lists, deleted ones included.
        differences: None when the mirror equals the org as of its upper bound.
        repaired: Whether the differences were mended.
        reason: Why they were not, though asked for; or why the object could not be verified.
    """

    object: str
    records: int
    differences: tuple[Difference, ...] = ()
    repaired: bool = False
    reason: str | None = None

    @property
    def equal(self) -> bool:
        """Whether the mirror was found equal to the org."""
        return not self.differences and self.reason is None


@dataclass(frozen=True, slots=True)
class VerifyResult:
    """The proof, as the ledger keeps it too."""

    run_id: str
    objects: tuple[ObjectProof, ...]
    api_calls: int

    @property
    def equal(self) -> bool:
        """Whether mirror and org were found equal in every object."""
        return all(proof.equal for proof in self.objects)


def verify(
    org: Org,
    store: Store,
    *,
    workspace: Path,
    objects: Sequence[str] | None = None,
    options: VerifyOptions | None = None,
    on_event: OnEvent = ignore,
) -> VerifyResult:
    """Hold the mirror against the org, object by object, each as of its own upper bound.

    What changed in the org since then is not held against the mirror: the next pull brings it.

    Args:
        org: The org the mirror is of.
        store: The mirror.
        workspace: Folder for the run lock and spool files.
        objects: API names, or None for everything mirrored.
        options: How to verify.
        on_event: Called with the events of reading.

    Raises:
        MirrorUnfit: Nothing was pulled yet.
        UsageError: An object is not mirrored, or the mirror is of another org.
    """
    options = options or VerifyOptions()
    with run_lock(workspace):
        calls_before = org.usage.calls
        with store.reading() as session:
            state = read_state(session)
        refuse_another_org(org, state.org_id)
        chosen = _chosen(state.objects, objects)
        reader = Reader(org, workspace / "verify", "auto", PullOptions().bulk_threshold, on_event)
        with ledger_run(store, "verify", lambda: org.usage.calls - calls_before) as run:
            proofs = tuple(_proofs(reader, store, chosen, options))
            run.state = "done" if all(proof.reason is None for proof in proofs) else "partial"
            run.summary = {
                "values": options.values,
                **{p.object: p.reason or {d.kind: d.count for d in p.differences} or "equal" for p in proofs},
            }
        shutil.rmtree(workspace / "verify", ignore_errors=True)
        return VerifyResult(run.id, proofs, org.usage.calls - calls_before)


def forecast(objects: Sequence[str]) -> int:
    """About how many API calls a verification costs: a describe, a count and a listing an object."""
    return 6 * len(objects) + 1


def _chosen(mirrored: dict[str, ObjectState], wanted: Sequence[str] | None) -> list[ObjectState]:
    if wanted is None:
        return [mirrored[name] for name in sorted(mirrored)]
    spelled = {name.casefold(): name for name in mirrored}
    unknown = [name for name in wanted if name.casefold() not in spelled]
    if unknown:
        raise UsageError(f"not mirrored: {', '.join(unknown)}", hint="`sfsync status` lists what is")
    return [mirrored[spelled[name.casefold()]] for name in wanted]


def _proofs(
    reader: Reader, store: Store, states: Sequence[ObjectState], options: VerifyOptions
) -> Iterator[ObjectProof]:
    try:
        sizes = record_counts(reader.org, [state.name for state in states])
    except RequestRefused:
        sizes = {}
    for state in states:
        reader.on_event(ObjectStarted(state.name, sizes.get(state.name)))
        try:
            yield _proof(reader, store, state, options, sizes.get(state.name))
        except RequestRefused as refused:
            yield ObjectProof(state.name, 0, reason=refused.message)


def _proof(reader: Reader, store: Store, state: ObjectState, options: VerifyOptions, size: int | None) -> ObjectProof:
    described = describe_object(reader.org, state.name)
    # Only what the mirror holds can be compared: a field that came since is the next pull's business.
    kept = replace(described, fields=tuple(f for f in described.stored_fields if f.name in state.fields))
    looked_at = kept if options.values or options.repair else _identity(kept)
    spooled = reader.read(looked_at, EVERYTHING, size)
    with store.writing() as session:
        differences = tuple(compare(session, looked_at, spooled.pages, expected=spooled.rows, upper=state.upper_bound))
        reason = None
        if options.repair and differences:
            reason = _unsafe(differences, spooled.rows, options)
            if reason is None:
                _repair(store, kept, spooled, state)
    spooled.after_commit()
    repaired = options.repair and bool(differences) and reason is None
    return ObjectProof(state.name, spooled.rows, differences, repaired, reason)


def _identity(describe: ObjectDescribe) -> ObjectDescribe:
    """The object with only the fields that tell whether a record is there and which version it is."""
    names = {"Id", "IsDeleted", STAMP}
    return replace(describe, fields=tuple(f for f in describe.fields if f.name in names))


def _unsafe(differences: Sequence[Difference], records: int, options: VerifyOptions) -> str | None:
    extra = sum(found.count for found in differences if found.kind == "extra")
    if extra > max(1, options.most_extra * (records + extra)):
        return (
            f"the org no longer lists {extra:,} records, more than {options.most_extra:.0%}: a lost permission is "
            "likelier than so many hard deletes; look into it, then repair with a higher --most-extra"
        )
    return None


def _repair(store: Store, describe: ObjectDescribe, spooled: SpooledRead, state: ObjectState) -> None:
    """Store what the org listed, and take out what it no longer lists; the cursor stays where it is."""
    with store.writing() as session:
        at = state.upper_bound if has_history(session, describe.name) else None
        options = MergeOptions(expected=spooled.rows, listing=True, history_at=at)
        merge_pages(session, describe, spooled.pages, options)
        ledger.recount(session, describe.name)

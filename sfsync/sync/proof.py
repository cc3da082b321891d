"""One object held against the org: what is asked, compared, mended, and kept as the proof."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sfsync.errors import RequestRefused
from sfsync.records import ObjectDescribe
from sfsync.store import Session, Store, ledger
from sfsync.store.compare import Claim, Difference, compare, count_of, listed, retire_extra, take_over
from sfsync.store.coverage import Coverage, read_coverage, save_coverage
from sfsync.store.mirror import ObjectState
from sfsync.store.proofs import Proof, save_proof
from sfsync.store.rekey import follow_merges
from sfsync.store.tombstones import keeps_history
from sfsync.sync.left import Left
from sfsync.sync.read import Reader, SpooledRead
from sfsync.sync.reconcile import Guard, identity
from sfsync.sync.sample import draw, read_sample
from sfsync.sync.window import everything

PERMISSION = "permission"


@dataclass(frozen=True, slots=True)
class ObjectProof:
    """What was found of one object.

    Attributes:
        object: API name.
        records: How many the org lists, deleted ones included.
        differences: Empty when the mirror equals the org as of `as_of`.
        repaired: Whether the differences were mended.
        reason: Why they were not, though asked for; or why the object could not be verified.
        as_of: The instant (naive UTC) as of which it was compared: the object's upper bound.
        method: `ids`, `values`, or `sample of N`.
    """

    object: str
    records: int
    differences: tuple[Difference, ...] = ()
    repaired: bool = False
    reason: str | None = None
    as_of: datetime | None = None
    method: str = "ids"

    @property
    def equal(self) -> bool:
        """Whether the mirror was found equal to the org."""
        return not self.differences and self.reason is None


@dataclass(frozen=True, slots=True)
class Known:
    """What the org said of all objects before any was read.

    Attributes:
        describes: Object → describe, or why the org refuses it.
        spared: Object → records that were deleted for good after its upper bound.
        sees_all: Object → whether this user sees every record; None when that cannot be told.
        sizes: Object → about how many records it has.
    """

    describes: Mapping[str, ObjectDescribe | RequestRefused]
    spared: Mapping[str, Sequence[str]] = field(default_factory=dict)
    sees_all: Mapping[str, bool | None] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Answers:
    """What the org said of one object: every record, some with their values, and what its filter hides."""

    listing: SpooledRead
    sample: SpooledRead | None
    left: Left


@dataclass(frozen=True, slots=True)
class Proving:
    """How objects are proven.

    Attributes:
        store: The mirror.
        reader: How the org is read.
        run_id: The run's row in the ledger.
        known: What the org said beforehand.
        guard: When absence is not taken for deletion.
        values: Compare every value.
        sample: Compare the values of so many records of each object instead.
        repair: Take over what the org has.
        deletes: Mark as deleted what the org no longer lists, and nothing else.
    """

    store: Store
    reader: Reader
    run_id: str
    known: Known
    guard: Guard
    values: bool = False
    sample: int = 0
    repair: bool = False
    deletes: bool = False

    @property
    def reads_values(self) -> bool:
        """Whether every value is read, so that all can be compared and mended."""
        return (self.values or self.repair) and not self.sample

    def prove(self, state: ObjectState) -> ObjectProof:
        """Hold one object against the org, as of its own upper bound."""
        described = self.known.describes[state.name]
        if isinstance(described, RequestRefused):
            hidden = Difference(PERMISSION, 1, (state.name,))
            return self._keep(state, ObjectProof(state.name, 0, (hidden,), reason=described.message))
        # Only what the mirror holds can be compared: a field that came since is the next pull's business.
        kept = replace(described, fields=tuple(f for f in described.stored_fields if f.name in state.fields))
        looked_at = kept if self.reads_values else identity(kept)
        spooled = self.reader.read(looked_at, everything(state.selection), self.known.sizes.get(state.name))
        sampled = self._read_sample(kept) if self.sample else None
        left = Left.of(self.reader, described, state)
        with self.store.writing() as session:
            proof = self._compare(session, state, kept, _Answers(spooled, sampled, left))
            hidden_fields = tuple(sorted(state.fields - {f.name for f in kept.fields}))
            if hidden_fields:
                lost = Difference(PERMISSION, len(hidden_fields), hidden_fields)
                proof = replace(proof, differences=(*proof.differences, lost))
            self._save(session, state, proof)
        spooled.after_commit()
        left.after_commit()
        return proof

    def _read_sample(self, describe: ObjectDescribe) -> SpooledRead:
        with self.store.reading() as session:
            ids = draw(session, describe.name, self.sample, self.run_id)
        return read_sample(self.reader, describe, ids)

    def _compare(self, session: Session, state: ObjectState, kept: ObjectDescribe, org: _Answers) -> ObjectProof:
        """Compare, and mend what is to be mended, in one transaction."""
        coverage, spooled = read_coverage(session).get(state.name, Coverage()), org.listing
        spared = (*self.known.spared.get(state.name, ()), *org.left.changed)
        claim = Claim(state.upper_bound, coverage.began, spared, there=org.left.there)
        looked_at = kept if self.reads_values else identity(kept)
        method = "values" if self.reads_values else f"sample of {self.sample:,}" if self.sample else "ids"
        refusal, at = None, keeps_history(session, state.name, state.upper_bound)
        with listed(session, looked_at, spooled.pages, spooled.rows, claim):
            differences = compare(session, looked_at, claim)
            vanished = count_of(differences, "extra")
            if self.repair or self.deletes:
                refusal = self.guard.refusal(state.name, vanished, spooled.rows, self.known.sees_all.get(state.name))
                self._mend(session, kept, claim, at, vanished if refusal is None else 0)
        if org.sample is not None:
            differences += self._compare_sample(session, kept, org.sample, claim, at)
        if refusal is None and (not vanished or self.repair or self.deletes):
            save_coverage(session, state.name, replace(coverage, unproven_since=None, unproven_because=None))
        mended = self.repair or (self.deletes and all(found.kind == "extra" for found in differences))
        return ObjectProof(
            state.name,
            spooled.rows,
            tuple(self._named(found, state.name) for found in differences),
            repaired=mended and bool(differences) and refusal is None,
            reason=refusal,
            as_of=state.upper_bound,
            method=method,
        )

    def _mend(
        self, session: Session, kept: ObjectDescribe, claim: Claim, history_at: datetime | None, vanished: int
    ) -> None:
        if vanished:
            retire_extra(session, kept, history_at)
        if self.repair and self.reads_values:
            take_over(session, kept, claim, history_at)
            follow_merges(session, kept, claim.upper)
        ledger.recount(session, kept.name)

    def _compare_sample(
        self, session: Session, kept: ObjectDescribe, sampled: SpooledRead, claim: Claim, history_at: datetime | None
    ) -> list[Difference]:
        few = replace(claim, sample=True)
        with listed(session, kept, sampled.pages, sampled.rows, few):
            found = [each for each in compare(session, kept, few) if each.kind in {"values", "stale formula"}]
            if self.repair and found:
                take_over(session, kept, few, history_at)
        return found

    def _named(self, found: Difference, object_name: str) -> Difference:
        """Records that are not listed are extra only if this user would see them."""
        sees_all = self.known.sees_all.get(object_name) is True or self.guard.trust_absence
        return found if found.kind != "extra" or sees_all else replace(found, kind=PERMISSION)

    def _keep(self, state: ObjectState, proof: ObjectProof) -> ObjectProof:
        with self.store.writing() as session:
            self._save(session, state, proof)
        return proof

    def _save(self, session: Session, state: ObjectState, proof: ObjectProof) -> None:
        counts: dict[str, int] = {}
        for found in proof.differences:
            counts[found.kind] = counts.get(found.kind, 0) + found.count
        kept = Proof(self.run_id, state.name, state.upper_bound, proof.records, counts, proof.method, proof.repaired)
        save_proof(session, kept)

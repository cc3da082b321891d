"""`pull`: bring the mirror up to date with the org, one object at a time, each in one transaction with its cursor."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sfsync.errors import (
    IncompleteAnswer,
    MappingError,
    QueryFailed,
    RequestRefused,
    TemporaryFailure,
    UsageError,
)
from sfsync.mapping import Mapping
from sfsync.mapping.check import check_mappings
from sfsync.mapping.local_tables import refresh_local_tables
from sfsync.records import ObjectDescribe
from sfsync.salesforce import Org
from sfsync.salesforce.describe import describe_object, list_objects
from sfsync.salesforce.query import record_counts
from sfsync.store import Store, ledger
from sfsync.store.merge import MergeOptions, merge_pages
from sfsync.store.mirror import Drift, ObjectState, find_drift, object_states, prepare_mirror, shape_table
from sfsync.sync.events import ObjectResult, ObjectStarted, OnEvent, PullStarted, ignore
from sfsync.sync.lock import run_lock
from sfsync.sync.objects import choose_objects
from sfsync.sync.read import ApiChoice, Reader
from sfsync.sync.run import ledger_run
from sfsync.sync.window import next_window


@dataclass(frozen=True, slots=True)
class PullOptions:
    """How to pull.

    Attributes:
        lag: How far the upper bound stays behind the org's clock, so that transactions under way can commit.
        overlap: How far behind the last upper bound to read again.
        bulk_threshold: From how many records on an object is read by Bulk API 2.0.
        api: `auto` chooses by size.
        timezone: In which the days of date literals in mapping filters begin.
        fiscal_year_start_month: When fiscal date literals begin, 1 to 12.
        history: Whether superseded versions of records are kept.
        without_history: Objects of which none are kept all the same.
    """

    lag: timedelta = timedelta(minutes=5)
    overlap: timedelta = timedelta(minutes=10)
    bulk_threshold: int = 5000
    api: ApiChoice = "auto"
    timezone: str = "UTC"
    fiscal_year_start_month: int = 1
    history: bool = True
    without_history: frozenset[str] = frozenset()

    def keeps_history(self, object_name: str) -> bool:
        """Whether superseded versions of this object are kept."""
        return self.history and object_name.casefold() not in {name.casefold() for name in self.without_history}


@dataclass(frozen=True, slots=True)
class PullResult:
    """What a pull did.

    Attributes:
        run_id: Its row in `sfsync.runs`.
        as_of: Upper bound (naive UTC): every record committed before it is in the mirror.
        objects: One result an object, those left out included.
        local_tables: Local tables that mappings show.
        api_calls: Requests sent to the org.
    """

    run_id: str
    as_of: datetime
    objects: tuple[ObjectResult, ...]
    local_tables: tuple[str, ...]
    api_calls: int

    @property
    def failed(self) -> tuple[ObjectResult, ...]:
        """The objects that could not be read; their rows and cursors are as they were."""
        return tuple(result for result in self.objects if result.state == "failed")


def pull(  # noqa: PLR0913 - three things to join and four ways to vary it, all by keyword
    org: Org,
    store: Store,
    *,
    workspace: Path,
    objects: Sequence[str] | None = None,
    mappings: Sequence[Mapping] = (),
    options: PullOptions | None = None,
    on_event: OnEvent = ignore,
) -> PullResult:
    """Bring the mirror up to date with the org.

    A pull that is killed leaves each object exactly as its last finished pull did; the next one begins there.

    Args:
        org: Where to read.
        store: Where the mirror is; made when missing.
        workspace: Folder for the run lock and spool files, e.g. `.sfsync`.
        objects: API names, or None for the default set (those of it that the org has).
        mappings: Shown as local tables afterwards; checked against the org before anything is read.
        options: How to pull.
        on_event: Called with each event of `sync.events`.

    Raises:
        UsageError: An object of `objects` does not exist, or the mirror is of another org.
        MappingError: A mapping names what the org does not have.
        RunLocked: Another pull of this workspace is under way.
        SalesforceError: The org could not be read at all.
        StoreError: The store could not be written.
    """
    options = options or PullOptions()
    with run_lock(workspace):
        calls_before = org.usage.calls
        available = list_objects(org)
        mapped = () if objects is not None else tuple(name for mapping in mappings for name in mapping.objects)
        chosen, left_out = choose_objects(available, objects, [name for name in mapped if name in available])
        describes = {name: describe_object(org, name) for name in chosen}
        shown = _checked_mappings(mappings, {**_known_describes(store), **describes}, available)
        upper = (org.server_time() - options.lag).astimezone(UTC).replace(tzinfo=None, microsecond=0)
        _claim_mirror(org, store)
        with ledger_run(store, "pull", lambda: org.usage.calls - calls_before) as run:
            on_event(PullStarted(chosen, upper))
            reader = Reader(org, workspace / "spool", options.api, options.bulk_threshold, on_event)
            work = _Pull(org, store, reader, run.id, upper, options, on_event)
            results = (
                *work.every(describes),
                *(ObjectResult(name, "skipped", reason=reason) for name, reason in left_out.items()),
            )
            local_tables = _show_local_tables(store, shown, options)
            result = PullResult(run.id, upper, results, tuple(local_tables), org.usage.calls - calls_before)
            run.state = "partial" if result.failed else "done"
            run.summary = {each.object: each.reason or each.total for each in results}
        return result


@dataclass
class _Pull:
    """One pull under way: what every object's reading shares."""

    org: Org
    store: Store
    reader: Reader
    run_id: str
    upper: datetime
    options: PullOptions
    on_event: OnEvent

    def every(self, describes: dict[str, ObjectDescribe]) -> Iterator[ObjectResult]:
        """Pull each object; one that fails leaves the others alone."""
        with self.store.reading() as session:
            states = object_states(session)
            drifts = {name: find_drift(session, describe) for name, describe in describes.items()}
        first_loads = [name for name in describes if name not in states]
        expected = self._sizes(first_loads)
        for name, describe in describes.items():
            try:
                result = self._one(describe, drifts[name], states.get(name), expected.get(name))
            except (RequestRefused, IncompleteAnswer, TemporaryFailure, QueryFailed) as error:
                result = ObjectResult(name, "failed", reason=error.message)
            self.on_event(result)
            yield result

    def _sizes(self, names: Sequence[str]) -> dict[str, int]:
        """About how many records each object has; empty where the org does not say (no permission for it)."""
        if not names:
            return {}
        try:
            return record_counts(self.org, names)
        except RequestRefused:
            return {}

    def _one(
        self, describe: ObjectDescribe, drift: Drift, state: ObjectState | None, expected: int | None
    ) -> ObjectResult:
        name = describe.name
        self.on_event(ObjectStarted(name, expected))
        # A clock that went backwards (a longer lag, say) must not move the cursor backwards.
        upper = self.upper if state is None else max(state.upper_bound, self.upper)
        # New or retyped fields are empty in every stored record, so the cursor may not stand: read all again.
        reread = state is None or drift.created or drift.added or drift.retyped
        window = next_window(
            describe, None if reread or state is None else state.upper_bound, upper, self.options.overlap
        )
        spooled = self.reader.read(describe, window, expected)
        history = self.options.keeps_history(name)
        merging = MergeOptions(
            expected=spooled.rows,
            listing=spooled.listing,
            history_at=upper if history else None,
            refilled=(*drift.added, *drift.retyped),
        )
        with self.store.writing() as session:
            shape_table(session, describe, drift)
            counts = merge_pages(session, describe, spooled.pages, merging)
            ledger.save_describe(session, describe, upper)
            total = ledger.save_cursor(session, describe, upper, self.run_id, history=history)
        spooled.after_commit()
        shutil.rmtree(self.reader.spool / name, ignore_errors=True)
        return ObjectResult(
            name,
            "done",
            api=spooled.api,
            read=counts.read,
            inserted=counts.inserted,
            updated=counts.updated,
            deleted=counts.deleted,
            vanished=counts.vanished,
            total=total,
            notes=_notes(drift),
        )


def _notes(drift: Drift) -> tuple[str, ...]:
    notes = []
    if drift.added:
        notes.append(f"new fields, every record read again: {', '.join(drift.added)}")
    if drift.retyped:
        notes.append("fields of a new type: " + ", ".join(f"{name} ({how})" for name, how in drift.retyped.items()))
    if drift.gone:
        notes.append(f"no longer readable, values kept as they were: {', '.join(drift.gone)}")
    return tuple(notes)


def _known_describes(store: Store) -> dict[str, ObjectDescribe]:
    if not store.exists():
        return {}
    with store.reading() as session:
        return ledger.read_describes(session)


def _checked_mappings(
    mappings: Sequence[Mapping], describes: dict[str, ObjectDescribe], available: dict[str, bool]
) -> list[Mapping]:
    """The mappings whose objects are mirrored, or about to be; a fault in any of them stops the pull before it reads.

    A pull of chosen objects leaves alone a mapping whose objects were never pulled.
    """
    later = [m for m in mappings if any(name in available and name not in describes for name in m.objects)]
    now = [mapping for mapping in mappings if mapping not in later]
    problems = check_mappings(now, describes, object_names=tuple(available))
    if problems:
        raise MappingError(problems, hint="nothing was read from the org; correct the mapping and pull again")
    return now


def _claim_mirror(org: Org, store: Store) -> None:
    """Prepare the mirror, after making sure that it is of this org."""
    with store.writing() as session:
        prepare_mirror(session)
        known = ledger.facts(session).get("org_id")
        if org.org_id and known and known[:15] != org.org_id[:15]:
            raise UsageError(
                f"this mirror is of org {known}, but the login is for org {org.org_id} ({org.instance_url})",
                hint="use another project folder, or another --target-org",
            )
        if org.org_id:
            ledger.set_fact(session, "org_id", org.org_id)
        ledger.set_fact(session, "instance_url", org.instance_url)


def _show_local_tables(store: Store, shown: Sequence[Mapping], options: PullOptions) -> list[str]:
    with store.writing() as session:
        describes = ledger.read_describes(session)
        # An object that could never be read has no table yet that a mapping could show.
        showable = [mapping for mapping in shown if all(name in describes for name in mapping.objects)]
        return refresh_local_tables(
            session,
            showable,
            describes,
            timezone=options.timezone,
            fiscal_year_start_month=options.fiscal_year_start_month,
        )

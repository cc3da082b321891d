"""`pull`: bring the mirror up to date with the org, one object at a time, each in one transaction with its cursor."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sfsync.errors import (
    IncompleteAnswer,
    MappingError,
    QueryFailed,
    RequestRefused,
    TemporaryFailure,
)
from sfsync.mapping import Mapping
from sfsync.mapping.check import check_mappings
from sfsync.mapping.local_tables import refresh_local_tables
from sfsync.records import ObjectDescribe
from sfsync.salesforce import Org
from sfsync.salesforce.describe import describe_object, list_objects
from sfsync.salesforce.query import record_counts
from sfsync.store import Store, ledger
from sfsync.store.mirror import find_drift, object_states, prepare_mirror
from sfsync.sync.events import ObjectResult, OnEvent, PullStarted, ignore
from sfsync.sync.lock import run_lock
from sfsync.sync.objects import choose_objects
from sfsync.sync.one_object import ObjectPull
from sfsync.sync.options import PullOptions
from sfsync.sync.read import Reader
from sfsync.sync.run import ledger_run
from sfsync.sync.same_org import refuse_another_org


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
            results = (
                *_pull_every(org, ObjectPull(store, reader, run.id, upper, options), describes),
                *(ObjectResult(name, "skipped", reason=reason) for name, reason in left_out.items()),
            )
            local_tables = _show_local_tables(store, shown, options)
            result = PullResult(run.id, upper, results, tuple(local_tables), org.usage.calls - calls_before)
            run.state = "partial" if result.failed else "done"
            run.summary = {each.object: each.reason or each.total for each in results}
        return result


def _pull_every(org: Org, objects: ObjectPull, describes: dict[str, ObjectDescribe]) -> Iterator[ObjectResult]:
    """Pull each object; one that fails leaves the others alone."""
    with objects.store.reading() as session:
        states = object_states(session)
        drifts = {name: find_drift(session, describe) for name, describe in describes.items()}
    expected = _sizes(org, [name for name in describes if name not in states])
    for name, describe in describes.items():
        try:
            result = objects.pull(describe, drifts[name], states.get(name), expected.get(name))
        except (RequestRefused, IncompleteAnswer, TemporaryFailure, QueryFailed) as error:
            result = ObjectResult(name, "failed", reason=error.message)
        objects.reader.on_event(result)
        yield result


def _sizes(org: Org, names: Sequence[str]) -> dict[str, int]:
    """About how many records each object has; empty where the org does not say (no permission for it)."""
    if not names:
        return {}
    try:
        return record_counts(org, names)
    except RequestRefused:
        return {}


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
        refuse_another_org(org, ledger.facts(session).get("org_id"))
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

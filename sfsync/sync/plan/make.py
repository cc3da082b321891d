"""`make_plan`: from mappings and their sources to a plan in the store; asks the org nothing."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Sequence
from collections.abc import Mapping as AnyMapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

from sfsync.errors import MappingError, MirrorUnfit, UsageError
from sfsync.mapping.check import check_mappings
from sfsync.mapping.push_columns import push_columns
from sfsync.mapping.schema import Mapping
from sfsync.records import ObjectDescribe
from sfsync.store import Session, Store, ledger
from sfsync.store.columns import mirror_columns
from sfsync.store.mirror import MirrorState, read_state
from sfsync.sync.plan import stored, tables
from sfsync.sync.plan.awaited import Awaited
from sfsync.sync.plan.deletes import deleted_records
from sfsync.sync.plan.forecast import total_cost
from sfsync.sync.plan.keyless import made_without_key
from sfsync.sync.plan.lines import fingerprint_of
from sfsync.sync.plan.match import match
from sfsync.sync.plan.options import PlanOptions
from sfsync.sync.plan.order import in_order
from sfsync.sync.plan.org_facts import kind_of_org
from sfsync.sync.plan.overlap import refuse_new_twins, settle_overlaps
from sfsync.sync.plan.parents import ParentFinder
from sfsync.sync.plan.rows import rows_of
from sfsync.sync.plan.salt import mask_salt
from sfsync.sync.plan.sensitive import secret_lookups, sensitive_fields
from sfsync.sync.plan.steps import StepMaker
from sfsync.sync.plan.stored import Plan
from sfsync.sync.plan.two_way import two_way_rows
from sfsync.sync.plan.unknown_ids import refuse_unknown_ids
from sfsync.sync.plan.work import PlanSource, Work
from sfsync.sync.source.dates import settle_dates

#: Raised when a header means something else than before.
FORMAT = 1

#: Gives the rows of a mapping, in place of its own source.
Rows = Callable[[Session, Mapping], PlanSource]


def make_plan(
    store: Store,
    mappings: Sequence[Mapping],
    *,
    describes: AnyMapping[str, ObjectDescribe] | None = None,
    sources: AnyMapping[str, Rows] | None = None,
    options: PlanOptions | None = None,
) -> Plan:
    """Find out what pushing mappings would write, and keep it in the store as a plan.

    Args:
        store: Holds the mirror, as of which the plan is made.
        mappings: Those that push (`direction: push` or `both`); others are refused.
        describes: API name → describe; those of the last pull unless given.
        sources: The mapping's file → where its rows come from, in place of its own source.
        options: How to plan.

    Returns:
        The plan; when there is nothing to do it has no steps, and is not kept.

    Raises:
        UsageError: A mapping does not push, or goes both ways and is given other rows, or an apply of it was stopped
            and not resumed.
        MappingError: A mapping does not fit the org or its source.
        MirrorUnfit: An object that a mapping needs was never pulled.
        GuardRefused: It would delete too much.
    """
    options = options or PlanOptions()
    _refuse_pulls(mappings)
    _refuse_other_rows(mappings, sources or {})
    with store.writing() as session:
        state = read_state(session)
        known = dict(describes) if describes is not None else ledger.read_describes(session)
        _check(mappings, known, state)
        tables.prepare(session)
        session.expect_columns(max(tables.column_count(len(each.fields) + len(each.lookups)) for each in mappings))
        _refuse_half_applied(session, mappings)
        works = _works(session, in_order(mappings), known, sources or {}, options, state.as_of)
        plan_id = _plan_id()
        maker = StepMaker(session, plan_id, options, state.as_of, 1, [])
        _fill(maker, works, known)
        plan = _plan(maker, works, state, known)
        plan = replace(plan, fingerprint=fingerprint_of(session, plan))
        # Of what is as it should be by now, an older plan would make something else.
        stored.overtake(session, [work.mapping.file for work in works])
        if plan.steps:
            _keep(session, plan, works)
    return plan


def _keep(session: Session, plan: Plan, works: Sequence[Work]) -> None:
    stored.save_plan(session, plan)
    for work in works:
        if work.source.when_kept is not None:
            work.source.when_kept(session, plan.id)


def _fill(maker: StepMaker, works: Sequence[Work], describes: AnyMapping[str, ObjectDescribe]) -> None:
    awaited = Awaited.find(maker.session, list(works))
    for work in works:
        match(maker.session, work, maker.next_change, awaited)
        maker.next_change += work.news
    refuse_new_twins(maker.session, works)
    finder = ParentFinder(maker.session, works, describes, awaited)
    for work in works:
        finder.find(work)
        maker.new_records(work)
        maker.changed_records(work)
    for work in works:
        maker.second_pass(work, works)
    refuse_unknown_ids(maker, works, describes, awaited)
    for work in reversed(works):
        deleted_records(maker, work, awaited)
    settle_overlaps(maker, works)


def _refuse_pulls(mappings: Sequence[Mapping]) -> None:
    if not mappings:
        raise UsageError("no mapping pushes anything", hint="add `direction: push` or `both` to one, and a source")
    for mapping in mappings:
        if mapping.direction == "pull":
            raise UsageError(
                f"{mapping.file} only pulls", hint="add `direction: push`, or `both`, to what is to be written"
            )


def _refuse_other_rows(mappings: Sequence[Mapping], sources: AnyMapping[str, Rows]) -> None:
    """A two-way table is merged with its base; rows from elsewhere have none, and would undo what the org changed."""
    for mapping in mappings:
        if mapping.direction == "both" and mapping.file in sources:
            raise UsageError(
                f"{mapping.file} goes both ways: rows from elsewhere would put old values over newer ones of the org",
                hint=f"`sfsync import {mapping.local_table} FILE` takes the edits of a file over, then `sfsync plan`",
            )


def _refuse_half_applied(session: Session, mappings: Sequence[Mapping]) -> None:
    """A row that a stopped apply may have created already must not be planned as new a second time."""
    files = {mapping.file for mapping in mappings}
    for plan in stored.half_applied(session):
        if shared := sorted(files & {step.mapping for step in plan.steps}):
            raise UsageError(
                f"the apply of plan {plan.id} was stopped before it ended, or ended with changes whose outcome is"
                f" unknown, and it writes {', '.join(shared)} too",
                hint=f"`sfsync apply {plan.id} --resume` finds out what was written, and finishes the rest;"
                f" `sfsync apply {plan.id} --give-up` ends it as it is",
            )


def _check(mappings: Sequence[Mapping], describes: AnyMapping[str, ObjectDescribe], state: MirrorState) -> None:
    """Raise unless every object is mirrored and every mapping fits it."""
    for mapping in mappings:
        missing = [name for name in mapping.objects if name not in state.objects or name not in describes]
        if missing:
            raise MirrorUnfit(
                f"{mapping.file} needs {', '.join(missing)}, which the mirror does not hold",
                hint=f"run `sfsync pull {' '.join(mapping.objects)}`",
            )
    problems = check_mappings(mappings, dict(describes))
    if problems:
        raise MappingError(problems)


def _works(
    session: Session,
    mappings: Sequence[Mapping],
    describes: AnyMapping[str, ObjectDescribe],
    sources: AnyMapping[str, Rows],
    options: PlanOptions,
    as_of: datetime,
) -> list[Work]:
    mirrored = mirror_columns(session)
    works = []
    for position, mapping in enumerate(mappings):
        given = sources.get(mapping.file)
        found = None if given else two_way_rows(session, mapping, describes, options, as_of)
        source = found or (given(session, mapping) if given else rows_of(session, mapping, options.root))
        types = {"source_row": "BIGINT", **source.columns}
        settled, notes = settle_dates(session, source, mapping, describes)
        source = replace(source, notes=(*source.notes, *notes))
        salt, secret = mask_salt(session, mapping, options.salt), secret_lookups(mapping, mappings, describes)
        push = push_columns(settled, describes, types, salt=salt, secret=secret)
        works.append(Work(position, mapping, describes[mapping.object], push, source, mirrored[mapping.object]))
    return works


def _plan_id() -> str:
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"


def _plan(
    maker: StepMaker, works: Sequence[Work], state: MirrorState, describes: AnyMapping[str, ObjectDescribe]
) -> Plan:
    """The plan, without its fingerprint."""
    return Plan(
        id=maker.plan_id,
        created_at=datetime.now(UTC).replace(tzinfo=None),
        org_id=state.org_id,
        kind=maker.options.kind,
        state="open",
        fingerprint="",
        header=_header(maker, works, state, describes),
        steps=tuple(maker.steps),
    )


def _header(
    maker: StepMaker, works: Sequence[Work], state: MirrorState, describes: AnyMapping[str, ObjectDescribe]
) -> dict[str, Any]:
    needed = dict.fromkeys(name for work in works for name in work.mapping.objects)
    bounds = {name: state.objects[name].upper_bound for name in needed}
    cost = total_cost(maker.steps)
    header = {
        "format": FORMAT,
        "org": {
            "id": state.org_id,
            "instance_url": state.instance_url,
            "kind": kind_of_org(maker.session, state.instance_url),
        },
        "as_of": min(bounds.values()).isoformat() + "Z",
        "mirror": {name: bound.isoformat() + "Z" for name, bound in bounds.items()},
        "mappings": [_mapping_facts(work) for work in works],
        "sensitive": _sensitive(works, describes),
        "forecast": asdict(cost),
        "warnings": _warnings(maker.session, works, cost.calls),
    }
    normal: dict[str, Any] = json.loads(json.dumps(header))
    return normal


def _sensitive(works: Sequence[Work], describes: AnyMapping[str, ObjectDescribe]) -> dict[str, list[str]]:
    """Object → fields whose values are hidden: what one mapping of an object hides, no other shows."""
    hidden: dict[str, set[str]] = {}
    for work in works:
        name = work.mapping.object
        hidden.setdefault(name, set()).update(sensitive_fields(work.mapping, describes[name]))
    return {name: sorted(fields) for name, fields in hidden.items()}


def _mapping_facts(work: Work) -> dict[str, Any]:
    return {
        "file": work.mapping.file,
        "object": work.mapping.object,
        "digest": work.mapping.digest(),
        "source": work.source.shown_as,
        "rows": work.source.rows,
        "content": work.source.content,
        "key": work.mapping.key_field,
        "notes": [*work.source.notes, *work.notes],
        "unused_columns": list(work.push.unused),
    }


def _warnings(session: Session, works: Sequence[Work], calls: int) -> list[str]:
    told = []
    for work in works:
        mapping = work.mapping
        if work.left_out:
            told.append(
                f"{work.left_out:,} rows of {work.source.shown_as} are left out: their records were written a moment "
                "ago, and the mirror will show them after one of the next pulls"
            )
        if work.push.key is None and mapping.direction == "push" and work.news:
            told.append(
                f"{mapping.file} names no `external_id`: {work.news:,} rows without a record's Id are new records each "
                f"time the plan is made{_made_before(session, mapping)}"
            )
        if mapping.budget is not None and calls > mapping.budget.daily_api_calls:
            told.append(f"{calls:,} API calls are more than the {mapping.budget.daily_api_calls:,} of {mapping.file}")
        if mapping.assignment_rules and work.news:
            told.append(f"{mapping.file}: the org's assignment rules run, and may give the records other owners")
    return told


def _made_before(session: Session, mapping: Mapping) -> str:
    made = made_without_key(session, mapping)
    if not made:
        return ""
    return f"; {made:,} records were made so before, and the same rows would make them a second time"

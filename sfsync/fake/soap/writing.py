"""Calls that write: create, update, upsert, delete, undelete, merge."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sfsync.fake import dml
from sfsync.fake.catalog import ObjectFacts
from sfsync.fake.database import Undone
from sfsync.fake.dml import refusals
from sfsync.fake.dml.outcome import RowOutcome
from sfsync.fake.ids import is_valid_id, to_18
from sfsync.fake.soap.call import Operation, SoapCall
from sfsync.fake.soap.envelope import Element, children, text_of, texts_of
from sfsync.fake.soap.fault import refusal, too_many_records
from sfsync.fake.soap.outcomes import merge_result, save_result, upsert_result
from sfsync.fake.soap.sobject import Record, check_fields, read_record

#: Records of one call; runs of records of one object in it; merges of one call, and records that one takes in.
_MOST, _MOST_RUNS, _MOST_MERGES, _MOST_LOSERS = 200, 10, 200, 2


@dataclass(frozen=True)
class _Run:
    """Records of one object that follow one another."""

    facts: ObjectFacts
    records: list[Record]


def create(call: SoapCall) -> str:
    """Make records."""
    outcomes = _saved(call, lambda run: dml.create(call.org, run.facts.name, run.records, call.options))
    return "".join(map(save_result, outcomes))


def update(call: SoapCall) -> str:
    """Change records."""
    outcomes = _saved(call, lambda run: dml.update(call.org, run.facts.name, run.records, call.options))
    return "".join(map(save_result, outcomes))


def upsert(call: SoapCall) -> str:
    """Make or change records, found by an external ID."""
    key = text_of(call.body, "externalIDFieldName")
    if not key:
        raise refusal("MISSING_ARGUMENT", "External ID name missing")  # from memory

    def save(run: _Run) -> Sequence[RowOutcome]:
        field = run.facts.field(key)
        if field is None or not (field.has("i") or field.has("e")):
            message = f"Field name provided, {key} does not match an External ID, Salesforce Id, or indexed field for"
            raise refusal("INVALID_FIELD", f"{message} {run.facts.name}")
        return dml.upsert(call.org, run.facts.name, field.name, run.records, call.options)

    return "".join(map(upsert_result, _saved(call, save)))


def delete(call: SoapCall) -> str:
    """Put records into the recycle bin."""
    return "".join(map(save_result, dml.delete(call.org, _ids(call), call.options)))


def undelete(call: SoapCall) -> str:
    """Take records out of the recycle bin."""
    return "".join(map(save_result, dml.undelete(call.org, _ids(call), call.options)))


def merge(call: SoapCall) -> str:
    """Merge up to two records into a third of the same object, as often as the call says."""
    requests = list(children(call.body, "request"))
    if len(requests) > _MOST_MERGES:
        raise too_many_records(_MOST_MERGES)
    return "".join(_merged(call, request) for request in requests)


def _merged(call: SoapCall, request: Element) -> str:
    given = next(children(request, "masterRecord"), None)
    if given is None:
        raise refusal("MISSING_ARGUMENT", "The master record is missing")  # from memory
    master = read_record(given)
    facts = call.facts(master.type)
    if not facts.has("M"):
        raise refusal("INVALID_TYPE", f"Entity type '{facts.name}' does not support merge")  # from memory
    check_fields(master, facts)
    losers = texts_of(request, "recordToMergeIds")
    if not 1 <= len(losers) <= _MOST_LOSERS:
        raise refusal("INVALID_ARGUMENT_TYPE", "A merge takes one or two records into the master")  # from memory
    outcome = dml.merge(call.org, facts.name, master, losers, call.options)
    return merge_result(outcome, outcome.merged_ids, outcome.updated_related_ids)


def _saved(call: SoapCall, save: Callable[[_Run], Sequence[RowOutcome]]) -> list[RowOutcome]:
    """Save the records of a call, run by run; with AllOrNoneHeader, one refused record undoes all the runs."""
    runs = _runs(call)
    together = call.options.all_or_none and len(runs) > 1
    scope: AbstractContextManager[Any] = call.org.database.together() if together else nullcontext()
    outcomes: list[RowOutcome] = []
    with scope:
        for run in runs:
            outcomes.extend(save(run))
        if together and not all(outcome.success for outcome in outcomes):
            raise Undone
    if together and not all(outcome.success for outcome in outcomes):
        return [RowOutcome(None, errors=(refusals.rolled_back(),)) if one.success else one for one in outcomes]
    return outcomes


def _runs(call: SoapCall) -> list[_Run]:
    records = [read_record(one) for one in children(call.body, "sObjects")]
    if len(records) > _MOST:
        raise too_many_records(_MOST)
    runs = [_Run(call.facts(name), list(some)) for name, some in groupby(records, key=lambda record: record.type)]
    if len(runs) > _MOST_RUNS:
        # from memory
        message = f"Cannot process more than {_MOST_RUNS} chunks of records of different types in one call"
        raise refusal("LIMIT_EXCEEDED", message)
    for run in runs:
        for record in run.records:
            check_fields(record, run.facts)
    return runs


def _ids(call: SoapCall) -> list[str]:
    ids = texts_of(call.body, "ids")
    if len(ids) > _MOST:
        raise too_many_records(_MOST)
    return [to_18(one) if is_valid_id(one) else one for one in ids]


CALLS: dict[str, Operation] = {
    "create": Operation(create, ("sObjects",)),
    "delete": Operation(delete, ("ids",)),
    "merge": Operation(merge, ("request",)),
    "undelete": Operation(undelete, ("ids",)),
    "update": Operation(update, ("sObjects",)),
    "upsert": Operation(upsert, ("externalIDFieldName", "sObjects")),
}

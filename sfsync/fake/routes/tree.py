"""Record trees: parents and their children made in one request, all or none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from werkzeug.wrappers import Response

from sfsync.fake import dml, faults
from sfsync.fake.catalog import ObjectFacts
from sfsync.fake.database import Undone
from sfsync.fake.dml.outcome import RowError, RowOutcome
from sfsync.fake.routes.outcome_json import errors_of
from sfsync.fake.routes.write_request import check_columns, object_of, write_options
from sfsync.fake.routing import Context, Route, json_response

_MOST_RECORDS = 200
_MOST_LEVELS = 5
_MOST_TYPES = 5


@dataclass
class _Branch:
    """One record of the tree.

    Attributes:
        facts: Its object.
        reference: What the client calls it.
        values: Its fields.
        parent: The record above, if there is one.
        lookup: The field that points there.
        outcome: What came of it.
    """

    facts: ObjectFacts
    reference: str
    values: dict[str, Any]
    parent: _Branch | None = None
    lookup: str = ""
    outcome: RowOutcome | None = None
    children: list[_Branch] = field(default_factory=list)


def tree(context: Context, version: str, name: str) -> Response:  # noqa: ARG001 - the same in every version
    """Make the records, level by level."""
    roots = _branches(context, object_of(context, name), context.json(), None, "")
    levels = list(_levels(roots))
    if len(levels) > _MOST_LEVELS:
        # from memory
        raise faults.invalid_input(f"Nesting deeper than {_MOST_LEVELS} levels is not supported")
    every = [branch for level in levels for branch in level]
    if len(every) > _MOST_RECORDS:
        message = f"Limit of {_MOST_RECORDS} records exceeded: {len(every)}"  # from memory
        raise faults.invalid_input(message, code="EXCEEDED_ID_LIMIT")
    if len({branch.facts.name for branch in every}) > _MOST_TYPES:
        raise faults.invalid_input(f"Limit of {_MOST_TYPES} different types of objects exceeded")  # from memory
    for branch in every:
        check_columns(branch.facts, [branch.values])
    _mark_doubles(every)
    if not any(branch.outcome for branch in every):
        _make(context, levels)
    # In the order of the request: each record before its children.
    ordered = list(_walk(roots))
    wrong = [branch for branch in ordered if branch.outcome is not None and not branch.outcome.success]
    if wrong:
        results: list[dict[str, Any]] = [
            {"referenceId": branch.reference, "errors": errors_of(branch.outcome)} for branch in wrong if branch.outcome
        ]
        return json_response({"hasErrors": True, "results": results}, 400)
    results = [{"referenceId": branch.reference, "id": branch.outcome.id} for branch in ordered if branch.outcome]
    return json_response({"hasErrors": False, "results": results}, 201)


def _make(context: Context, levels: list[list[_Branch]]) -> None:
    options = write_options(context)
    with context.org.database.together():
        for level in levels:
            for facts, members in groupby(level, key=lambda branch: branch.facts):
                batch = list(members)
                outcomes = dml.create(context.org, facts.name, [_row(branch) for branch in batch], options)
                for branch, outcome in zip(batch, outcomes, strict=True):
                    branch.outcome = outcome
            if any(branch.outcome is not None and not branch.outcome.success for branch in level):
                raise Undone


def _row(branch: _Branch) -> dict[str, Any]:
    if branch.parent is None or branch.parent.outcome is None:
        return branch.values
    return {**branch.values, branch.lookup: branch.parent.outcome.id}


def _mark_doubles(every: list[_Branch]) -> None:
    seen: set[str] = set()
    for branch in every:
        if branch.reference in seen:
            error = RowError("INVALID_INPUT", "Duplicate ReferenceId provided in the request.")
            branch.outcome = RowOutcome(None, errors=(error,))
        seen.add(branch.reference)


def _branches(
    context: Context, facts: ObjectFacts, body: Any, parent: _Branch | None, lookup: str, level: int = 1
) -> list[_Branch]:
    """The records of a `{"records": […]}`, with what hangs from each."""
    records = body.get("records") if isinstance(body, dict) else None
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise faults.json_unreadable("records has to be a list of objects")  # from memory
    if level > _MOST_LEVELS:
        raise faults.invalid_input(f"Nesting deeper than {_MOST_LEVELS} levels is not supported")  # from memory
    return [_branch(context, facts, record, parent, lookup, level) for record in records]


def _branch(
    context: Context, facts: ObjectFacts, record: dict[str, Any], parent: _Branch | None, lookup: str, level: int
) -> _Branch:
    attributes = record.get("attributes")
    said = attributes if isinstance(attributes, dict) else {}
    reference = said.get("referenceId")
    if not isinstance(reference, str) or not reference:
        raise faults.invalid_input("Include a reference ID for each record in the request.")  # from memory
    kind = said.get("type")
    if not isinstance(kind, str) or kind.casefold() != facts.name.casefold():
        raise faults.invalid_input(f"The type of record {reference} has to be {facts.name}")  # from memory
    branch = _Branch(facts, reference, {}, parent, lookup)
    for name, value in record.items():
        below = _child_of(context, facts, name) if isinstance(value, dict) and "records" in value else None
        if below is not None:
            branch.children += _branches(context, below[0], value, branch, below[1], level + 1)
        elif name != "attributes":
            branch.values[name] = value
    return branch


def _child_of(context: Context, facts: ObjectFacts, relationship: str) -> tuple[ObjectFacts, str] | None:
    for child in context.visible:
        for one in child.fields:
            if facts.name in one.points_to and (one.children or "").casefold() == relationship.casefold():
                return child, one.name
    return None


def _levels(roots: list[_Branch]) -> Iterator[list[_Branch]]:
    level = roots
    while level:
        yield level
        level = [child for branch in level for child in branch.children]


def _walk(branches: list[_Branch]) -> Iterator[_Branch]:
    for branch in branches:
        yield branch
        yield from _walk(branch.children)


ROUTES = (Route("POST", "/services/data/v<version:version>/composite/tree/<name>", tree, "sObject tree"),)

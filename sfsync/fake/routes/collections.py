"""Up to 200 records in one request, of one object or several: create, update, upsert, delete and retrieve."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from werkzeug.wrappers import Response

from sfsync.fake import dml, faults
from sfsync.fake.catalog import ObjectFacts
from sfsync.fake.database import Undone
from sfsync.fake.dml.outcome import RowError, RowOutcome, WriteOptions
from sfsync.fake.routes.outcome_json import one_of_many, records_json
from sfsync.fake.routes.write_request import check_columns, flag, object_of, write_options
from sfsync.fake.routing import Context, Route, json_response

_MOST = 200
_MOST_RETRIEVED = 2000
_MOST_CHUNKS = 10

_ROLLED_BACK = RowError(
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "Record rolled back because not all records were valid and the request was using AllOrNone header",
)

Row = dict[str, Any]
Work = Callable[[str, Sequence[Row], WriteOptions], list[RowOutcome]]


def create(context: Context, version: str) -> Response:  # noqa: ARG001 - the same in every version
    """Make records."""
    return _write(context, lambda name, rows, options: dml.create(context.org, name, rows, options))


def update(context: Context, version: str) -> Response:  # noqa: ARG001
    """Change records."""
    return _write(
        context, lambda name, rows, options: dml.update(context.org, name, [_with_id(row) for row in rows], options)
    )


def upsert(context: Context, version: str, name: str, field: str) -> Response:  # noqa: ARG001
    """Make or change records of one object, told apart by an external Id."""
    facts = object_of(context, name)
    key = facts.field(field)
    if key is None or not (key.type == "id" or key.has("e") or key.has("i")):
        raise faults.not_an_external_id(field)
    rows, all_or_none = _records(context)
    for row in rows:
        if (said := _type_of(row, context, facts)).name != facts.name:
            # from memory
            raise faults.invalid_input(f"The record is of type {said.name}, and not of type {facts.name}")
    check_columns(facts, rows)
    options = write_options(context, all_or_none=all_or_none)
    outcomes = dml.upsert(context.org, facts.name, key.name, [_with_id(row) for row in rows], options) if rows else []
    return json_response([one_of_many(outcome, tells_created=True) for outcome in outcomes])


def delete(context: Context, version: str) -> Response:  # noqa: ARG001
    """Put records into the recycle bin: `?ids=a,b&allOrNone=true`."""
    arguments = context.request.args
    ids = _named_ids(arguments.get("ids", "").split(","))
    if not ids:
        raise faults.invalid_input("The ids parameter is required")  # from memory
    _check_number(len(ids), _MOST)
    options = write_options(context, all_or_none=flag(arguments.get("allOrNone")))
    outcomes = dml.delete(context.org, ids, options)
    return json_response([one_of_many(outcome) for outcome in outcomes])


def retrieve(context: Context, version: str, name: str) -> Response:
    """Records of one object by Id, null where there is none; as `?ids=&fields=` or in the body."""
    facts = object_of(context, name)
    if context.request.method == "POST":
        body = context.json()
        ids, fields = body.get("ids"), body.get("fields")
        if not _are_texts(ids) or not _are_texts(fields):
            raise faults.json_unreadable("ids and fields have to be lists of texts")  # from memory
    else:
        ids = context.request.args.get("ids", "").split(",")
        fields = context.request.args.get("fields", "").split(",")
    wanted = [_spelled(facts, field.strip()) for field in fields or () if field.strip()]
    named = _named_ids(ids or ())
    if not wanted or not named:
        raise faults.invalid_input("The ids and fields parameters are required")  # from memory
    _check_number(len(named), _MOST_RETRIEVED)
    unique = list(dict.fromkeys(wanted))
    found = dml.retrieve(context.org, facts.name, named, unique, context.user_id, version)
    return json_response(records_json(found))


# --- inside --------------------------------------------------------------------------------------------------------


def _write(context: Context, work: Work) -> Response:
    rows, all_or_none = _records(context)
    kinds = [_type_of(row, context) for row in rows]
    names = [facts.name for facts in kinds]
    chunks = [list(members) for _, members in groupby(range(len(rows)), key=names.__getitem__)]
    if len(chunks) > _MOST_CHUNKS:
        # from memory
        message = (
            f"Cannot have more than {_MOST_CHUNKS} chunks in a single operation."
            " Please rearrange the data to reduce chunking."
        )
        raise faults.invalid_input(message, code="LIMIT_EXCEEDED")
    options = write_options(context, all_or_none=all_or_none)
    for chunk in chunks:
        check_columns(kinds[chunk[0]], [rows[place] for place in chunk])
    parts = [(names[chunk[0]], [rows[place] for place in chunk]) for chunk in chunks]
    outcomes = _together(context, parts, options, work) if options.all_or_none else _apart(parts, options, work)
    return json_response([one_of_many(outcome) for outcome in outcomes])


def _apart(
    parts: Iterable[tuple[str, list[Row]]],
    options: WriteOptions,
    work: Work,
) -> list[RowOutcome]:
    return [outcome for name, rows in parts for outcome in work(name, rows, options)]


def _together(
    context: Context,
    parts: Sequence[tuple[str, list[Row]]],
    options: WriteOptions,
    work: Work,
) -> list[RowOutcome]:
    """Write all chunks, or none of them."""
    if len(parts) == 1:
        return _apart(parts, options, work)
    outcomes: list[RowOutcome] = []
    with context.org.database.together():
        outcomes = _apart(parts, options, work)
        if not all(outcome.success for outcome in outcomes):
            raise Undone
    if all(outcome.success for outcome in outcomes):
        return outcomes
    return [replace(one, id=None, created=False, errors=one.errors or (_ROLLED_BACK,)) for one in outcomes]


def _records(context: Context) -> tuple[list[dict[str, Any]], bool]:
    body = context.json()
    rows = body.get("records")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise faults.json_unreadable("records has to be a list of objects")  # from memory
    _check_number(len(rows), _MOST)
    return rows, flag(body.get("allOrNone"))


def _type_of(row: Row, context: Context, known: ObjectFacts | None = None) -> ObjectFacts:
    """The object that a record says it is of."""
    attributes = row.get("attributes")
    name = attributes.get("type") if isinstance(attributes, dict) else None
    if name is None and known is not None:
        return known
    if not isinstance(name, str):
        # from memory
        raise faults.invalid_input("Object type must be given in attributes.type of every record")
    facts = context.visible.facts(name)
    if facts is None:
        raise faults.invalid_input(f"sObject type '{name}' is not supported.", code="INVALID_TYPE")  # from memory
    return facts


def _with_id(row: Row) -> Row:
    """The record with its Id under the name that the catalogue gives it: clients send `id` as well."""
    if "Id" in row or "id" not in row:
        return row
    return {("Id" if name == "id" else name): value for name, value in row.items()}


def _check_number(number: int, most: int) -> None:
    if number > most:
        # from memory
        message = f"record limit reached. cannot submit more than {most} records into this call"
        raise faults.invalid_input(message, code="EXCEEDED_ID_LIMIT")


def _named_ids(ids: Iterable[str]) -> list[str]:
    return [text for one in ids if (text := one.strip())]


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _spelled(facts: ObjectFacts, name: str) -> str:
    field = facts.field(name)
    if field is None:
        raise faults.no_such_column(name, facts.name)
    return field.name


_ROOT = "/services/data/v<version:version>/composite/sobjects"

ROUTES = (
    Route("POST", _ROOT, create, "sObject collections: create"),
    Route("PATCH", _ROOT, update, "sObject collections: update"),
    Route("DELETE", _ROOT, delete, "sObject collections: delete"),
    Route("PATCH", f"{_ROOT}/<name>/<field>", upsert, "sObject collections: upsert"),
    Route("GET", f"{_ROOT}/<name>", retrieve, "sObject collections: retrieve"),
    Route("POST", f"{_ROOT}/<name>", retrieve, "sObject collections: retrieve"),
)

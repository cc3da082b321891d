"""One record at a time: create, read, update and delete, by Id, by external Id, and by way of a relationship."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from werkzeug.wrappers import Response

from sfsync.fake import dml, faults
from sfsync.fake.catalog import FieldFacts, ObjectFacts
from sfsync.fake.dml.outcome import RowOutcome
from sfsync.fake.ids import is_valid_id, to_18
from sfsync.fake.routes import conditions
from sfsync.fake.routes.outcome_json import records_json, refused, saved, several
from sfsync.fake.routes.write_request import check_columns, flag, object_of, record_id_of, sent_record, write_options
from sfsync.fake.routing import Context, Route, json_response

#: Upserts that find their record say so from this version on; before, they answer 204.
_FIRST_TELLING_UPDATES = 46.0

_RECORD_METHODS = "DELETE,GET,HEAD,PATCH"


def create(context: Context, version: str, name: str) -> Response:
    """Make a record."""
    facts = object_of(context, name)
    row = context.json()
    if any(key.casefold() == "id" for key in row):
        # from memory
        raise faults.RestFault(
            400, "INVALID_FIELD_FOR_INSERT_UPDATE", "cannot specify Id in an insert call", fields=["Id"]
        )
    check_columns(facts, [row])
    [outcome] = dml.create(context.org, facts.name, [row], write_options(context))
    return _created(facts, outcome, version, tells_created=False)


def get(context: Context, version: str, name: str, record_id: str) -> Response:
    """One record, with all fields that the user may see or with those of `?fields=`."""
    facts = object_of(context, name)
    return _read(context, version, facts, record_id_of(facts, record_id))


def update(context: Context, version: str, name: str, record_id: str) -> Response:
    """Change a record."""
    facts = object_of(context, name)
    target = record_id_of(facts, record_id)
    row = sent_record(context.json(), facts, "Id")
    return _update(context, version, facts, target, row)


def delete(context: Context, version: str, name: str, record_id: str) -> Response:
    """Put a record into the recycle bin."""
    facts = object_of(context, name)
    return _delete(context, version, facts, record_id_of(facts, record_id))


def post_to_record(context: Context, version: str, name: str, record_id: str) -> Response:
    """`POST …/Lead/Id` makes a record, as an upsert without a key does; to anything else nothing can be posted."""
    if record_id.casefold() != "id":
        raise faults.method_not_allowed(context.request.method, _RECORD_METHODS)
    facts = object_of(context, name)
    row = sent_record(context.json(), facts, "Id")
    [outcome] = dml.create(context.org, facts.name, [row], write_options(context))
    return _created(facts, outcome, version, tells_created=True)


def get_by_key(context: Context, version: str, name: str, key: str, value: str) -> Response:
    """The record of this external Id; or what a record's relationship leads to."""
    facts = object_of(context, name)
    if is_valid_id(key):
        return _related(context, version, facts, record_id_of(facts, key), value)
    field = _key_field(facts, key)
    found = _found(context, facts, field, value)
    if len(found) > 1:
        return several(tuple(found), facts.name, version)
    if not found:
        raise faults.not_found()
    return _read(context, version, facts, found[0])


def upsert(context: Context, version: str, name: str, key: str, value: str) -> Response:
    """Change the record of this external Id, or make one; or change what a record's relationship leads to."""
    facts = object_of(context, name)
    if is_valid_id(key):
        parent, target = _parent(context, version, facts, record_id_of(facts, key), value)
        return _update(context, version, parent, target, sent_record(context.json(), parent, "Id"))
    field = _key_field(facts, key)
    row = sent_record(context.json(), facts, *dict.fromkeys([field.name, "Id"]))
    if field.name == "Id":
        return _upsert_by_id(context, version, facts, record_id_of(facts, value), row)
    options = write_options(context, update_only=flag(context.request.args.get("updateOnly")))
    if options.update_only and not _found(context, facts, field, value):
        raise faults.not_found()
    [outcome] = dml.upsert(context.org, facts.name, field.name, [{**row, field.name: value}], options)
    if outcome.matches:
        return several(outcome.matches, facts.name, version)
    if outcome.created or not outcome.success:
        return _created(facts, outcome, version, tells_created=True)
    return _matched(outcome, version)


def delete_by_key(context: Context, version: str, name: str, key: str, value: str) -> Response:
    """Delete the record of this external Id; or what a record's relationship leads to."""
    facts = object_of(context, name)
    if is_valid_id(key):
        parent, target = _parent(context, version, facts, record_id_of(facts, key), value)
        return _delete(context, version, parent, target)
    found = _found(context, facts, _key_field(facts, key), value)
    if len(found) > 1:
        return several(tuple(found), facts.name, version)
    if not found:
        raise faults.not_found()
    return _delete(context, version, facts, found[0])


# --- one record ----------------------------------------------------------------------------------------------------


def _read(context: Context, version: str, facts: ObjectFacts, record_id: str) -> Response:
    wanted = _wanted_fields(context, facts)
    stamp = conditions.stamp_field(facts)
    every = wanted is None or conditions.has_etag(facts)
    asked = None if every else list(dict.fromkeys([*(wanted or ()), *([stamp] if stamp else ())]))
    record = _retrieved(context, version, facts, record_id, asked)
    validator = conditions.validator_of(facts, record)
    answer = conditions.unmet(context, validator)
    if answer is not None:
        return answer
    if wanted is not None:
        record = {name: record[name] for name in ("attributes", *wanted) if name in record}
    return validator.stamp(json_response(records_json(record)))


def _retrieved(
    context: Context, version: str, facts: ObjectFacts, record_id: str, fields: list[str] | None
) -> dict[str, Any]:
    [record] = dml.retrieve(context.org, facts.name, [record_id], fields, context.user_id, version)
    if record is None:
        raise _missing(context, record_id)
    return record


def _missing(context: Context, record_id: str) -> faults.RestFault:
    if dml.status_of(context.org, record_id) == "deleted":
        return faults.entity_is_deleted()
    return faults.not_found()


def _update(context: Context, version: str, facts: ObjectFacts, record_id: str, row: Mapping[str, Any]) -> Response:
    answer = _held_against(context, version, facts, record_id)
    if answer is not None:
        return answer
    [outcome] = dml.update(context.org, facts.name, [{**row, "Id": record_id}], write_options(context))
    return _done(context, record_id, outcome)


def _delete(context: Context, version: str, facts: ObjectFacts, record_id: str) -> Response:
    answer = _held_against(context, version, facts, record_id)
    if answer is not None:
        return answer
    [outcome] = dml.delete(context.org, [record_id], write_options(context))
    return _done(context, record_id, outcome)


def _done(context: Context, record_id: str, outcome: RowOutcome) -> Response:
    if outcome.success:
        return Response(status=204)
    # A record that is not there is told in another way here than among many records.
    if dml.status_of(context.org, record_id) != "live":
        raise _missing(context, record_id)
    raise refused(outcome)


def _held_against(context: Context, version: str, facts: ObjectFacts, record_id: str) -> Response | None:
    """What answers the request instead, if its conditions do not hold for the record."""
    if not conditions.is_conditional(context):
        return None
    stamp = conditions.stamp_field(facts)
    fields = None if conditions.has_etag(facts) or stamp is None else [stamp]
    record = _retrieved(context, version, facts, record_id, fields)
    return conditions.unmet(context, conditions.validator_of(facts, record))


def _created(facts: ObjectFacts, outcome: RowOutcome, version: str, *, tells_created: bool) -> Response:
    if not outcome.success:
        raise refused(outcome)
    response = json_response(saved(outcome, tells_created=tells_created), 201)
    response.headers["Location"] = f"/services/data/v{version}/sobjects/{facts.name}/{outcome.id}"
    response.autocorrect_location_header = False  # relative, as Salesforce sends it
    return response


def _matched(outcome: RowOutcome, version: str) -> Response:
    if float(version) < _FIRST_TELLING_UPDATES:
        return Response(status=204)
    return json_response(saved(outcome, tells_created=True))


def _upsert_by_id(
    context: Context, version: str, facts: ObjectFacts, record_id: str, row: Mapping[str, Any]
) -> Response:
    response = _update(context, version, facts, record_id, row)
    return _matched(RowOutcome(record_id), version) if response.status_code == 204 else response


def _wanted_fields(context: Context, facts: ObjectFacts) -> list[str] | None:
    """The fields of `?fields=` as the org spells them, or None for all."""
    text = context.request.args.get("fields")
    if text is None:
        return None
    wanted = []
    for name in filter(None, (part.strip() for part in text.split(","))):
        field = facts.field(name)
        if field is None:
            raise faults.no_such_column(name, facts.name)
        wanted.append(field.name)
    return list(dict.fromkeys(wanted)) or None


# --- external Ids --------------------------------------------------------------------------------------------------


def _key_field(facts: ObjectFacts, name: str) -> FieldFacts:
    """The field, if it identifies records."""
    field = facts.field(name)
    if field is None or not (field.type == "id" or field.has("e") or field.has("i")):
        raise faults.not_an_external_id(name)
    return field


def _found(context: Context, facts: ObjectFacts, field: FieldFacts, value: str) -> list[str]:
    if field.type == "id":
        return [record_id_of(facts, value)]
    return list(dml.find_by_key(context.org, facts.name, field.name, value))


# --- relationships -------------------------------------------------------------------------------------------------


def _related(context: Context, version: str, facts: ObjectFacts, record_id: str, relationship: str) -> Response:
    """What a relationship of a record leads to: a parent, or the children as a query would give them."""
    children = _children(context, facts, relationship)
    if children is None:
        parent, target = _parent(context, version, facts, record_id, relationship)
        return _read(context, version, parent, target)
    child, lookup = children
    if dml.status_of(context.org, record_id) != "live":
        raise _missing(context, record_id)
    wanted = _wanted_fields(context, child) or [field.name for field in child.fields]
    soql = (
        f"SELECT {', '.join(wanted)} FROM {child.name} WHERE {lookup} = '{record_id}'"  # names of the catalogue, an Id
    )
    page = context.org.settings.query_page
    return json_response(context.org.queries.start(soql, version, all_rows=False, page=page, user_id=context.user_id))


def _children(context: Context, facts: ObjectFacts, relationship: str) -> tuple[ObjectFacts, str] | None:
    for child in context.visible:
        for field in child.fields:
            if facts.name in field.points_to and (field.children or "").casefold() == relationship.casefold():
                return child, field.name
    return None


def _parent(
    context: Context, version: str, facts: ObjectFacts, record_id: str, relationship: str
) -> tuple[ObjectFacts, str]:
    """Which record a relationship points to."""
    named = (field for field in facts.fields if (field.parent or "").casefold() == relationship.casefold())
    field = next(named, None)
    if field is None:
        raise faults.not_found()
    value = _retrieved(context, version, facts, record_id, [field.name]).get(field.name)
    target = next((one for one in context.visible if value and value.startswith(one.prefix)), None)
    if target is None:
        raise faults.not_found()
    return target, to_18(str(value))


_OBJECT = "/services/data/v<version:version>/sobjects/<name>"
_RECORD = f"{_OBJECT}/<record_id>"
_KEY = f"{_OBJECT}/<key>/<path:value>"

ROUTES = (
    Route("POST", _OBJECT, create, "sObject rows: create"),
    Route("GET", _RECORD, get, "sObject rows: get", note="`fields=`, conditional headers"),
    Route("PATCH", _RECORD, update, "sObject rows: update", note="conditional headers"),
    Route("DELETE", _RECORD, delete, "sObject rows: delete", note="conditional headers"),
    Route("POST", _RECORD, post_to_record, "sObject rows: create by `…/Id`"),
    Route("GET", _KEY, get_by_key, "sObject rows by external ID; relationships: get"),
    Route("PATCH", _KEY, upsert, "sObject rows by external ID: upsert; relationships: update"),
    Route("DELETE", _KEY, delete_by_key, "sObject rows by external ID; relationships: delete"),
)

"""The writes of Bulk jobs: rows in, outcomes out, 200 at a time as far as anybody can tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sfsync.fake import dml, faults
from sfsync.fake.bulk.csv_rows import BatchRefused
from sfsync.fake.bulk.row_limits import too_large
from sfsync.fake.bulk.settings import BulkSettings
from sfsync.fake.catalog import ObjectFacts
from sfsync.fake.dml.outcome import RowError, RowOutcome, WriteOptions
from sfsync.fake.ids import is_valid_id, to_15, to_18

if TYPE_CHECKING:
    from sfsync.fake.org import FakeOrg

#: Rows that Salesforce writes together.
CHUNK = 200

OPERATIONS = ("insert", "update", "upsert", "delete", "hardDelete")

#: From this version on a failed row tells which record it was for.
_FIRST_WITH_FAILED_IDS = 53.0


@dataclass(frozen=True, slots=True)
class Load:
    """What a job does with its rows.

    Attributes:
        object: API name.
        operation: One of `OPERATIONS`.
        key: The field that upserts find records by.
        options: How the rows are written.
    """

    object: str
    operation: str
    key: str | None
    options: WriteOptions


def load_of(org: FakeOrg, request: Mapping[str, Any], user_id: str, settings: BulkSettings) -> Load:
    """What a request for a job asks for; raises the fault that tells what is wrong with it."""
    operation, name, key = (request.get(member) for member in ("operation", "object", "externalIdFieldName"))
    if operation not in OPERATIONS:
        raise faults.invalid_job(f"operation must be one of {', '.join(OPERATIONS)}")  # from memory
    if not isinstance(name, str) or not name:
        raise faults.invalid_job("object is required")  # from memory
    facts = org.behaviour.visible_to(user_id).facts(name)
    if facts is None:
        raise faults.invalid_job(f"Unable to find object: {name}")  # from memory
    if operation == "hardDelete" and not settings.hard_delete:
        raise faults.hard_delete_not_allowed()
    rule = request.get("assignmentRuleId")
    if rule is not None and not (isinstance(rule, str) and is_valid_id(rule)):
        raise faults.invalid_job(f"Invalid assignment rule id: {rule}")  # from memory
    options = WriteOptions(user_id, auto_assign=bool(rule))
    return Load(facts.name, operation, _key(facts, key) if operation == "upsert" else None, options)


def write(org: FakeOrg, load: Load, rows: Sequence[dict[str, Any]], *, apart: bool = False) -> list[RowOutcome]:
    """Write rows and tell what came of each.

    Args:
        org: Where.
        load: What the job does.
        rows: Records, in the form that `dml` takes.
        apart: A row may point to a record that an earlier one makes, so that no two chunks may go together.
    """
    facts = org.catalog.facts(load.object)
    refused = {place: RowOutcome(None, errors=(error,)) for place, error in too_large(rows, facts)} if facts else {}
    sound = [row for place, row in enumerate(rows) if place not in refused] if refused else rows
    outcomes: list[RowOutcome] = []
    step = CHUNK if apart else max(len(sound), 1)
    for start in range(0, len(sound), step):
        try:
            outcomes += _call(org, load, sound[start : start + step])
        except faults.RestFault as fault:
            raise BatchRefused(f"InvalidBatch : {fault.code}: {fault.message}") from fault
    written = iter(outcomes)
    return [refused[place] if place in refused else next(written) for place in range(len(rows))]


def error_text(errors: Sequence[RowError]) -> str:
    """Why a row was refused, as the error column of a result says it: `CODE:message:field list --`."""
    told = (f"{error.code}:{error.message}:{' '.join(error.fields)}{' ' if error.fields else ''}--" for error in errors)
    return ";".join(told)


def result_id(outcome: RowOutcome, row: Mapping[str, Any], version: str) -> str:
    """The Id that a result gives for a row: empty for a failed one of which none is known."""
    if outcome.success:
        return outcome.id or ""
    if float(version) < _FIRST_WITH_FAILED_IDS:
        return ""
    given = row.get("Id")
    return outcome.id or (to_18(given) if isinstance(given, str) and is_valid_id(given) else "")


def _key(facts: ObjectFacts, name: Any) -> str:
    # from memory, both
    if not isinstance(name, str) or not name:
        raise faults.invalid_job(
            f"External ID was blank for {facts.name}. An External ID must be specified for upsert."
        )
    field = facts.field(name)
    if field is None or not (field.type == "id" or field.has("e") or field.has("i")):
        raise faults.invalid_job(
            f"Field name provided, {name} does not match an External ID, Salesforce Id, or indexed field for"
            f" {facts.name}"
        )
    return field.name


def _call(org: FakeOrg, load: Load, rows: Sequence[dict[str, Any]]) -> list[RowOutcome]:
    match load.operation:
        case "insert":
            return list(dml.create(org, load.object, rows, load.options))
        case "update":
            return list(dml.update(org, load.object, rows, load.options))
        case "upsert":
            return list(dml.upsert(org, load.object, load.key or "Id", rows, load.options))
        case _:
            return _delete(org, load, [str(row.get("Id") or "") for row in rows])


def _delete(org: FakeOrg, load: Load, ids: Sequence[str]) -> list[RowOutcome]:
    """Delete those records that are of the job's object, and refuse the others."""
    facts = org.catalog.facts(load.object)
    prefix, label = (facts.prefix, facts.label) if facts else ("", load.object)
    fitting = [one for one in ids if one.startswith(prefix) or not is_valid_id(one)]
    done = iter(dml.delete(org, fitting, load.options, hard=load.operation == "hardDelete"))
    outcomes = []
    for one in ids:
        if one.startswith(prefix) or not is_valid_id(one):
            outcomes.append(next(done))
        else:
            message = f"{label} ID: id value of incorrect type: {to_15(one)}"
            outcomes.append(RowOutcome(None, errors=(RowError("MALFORMED_ID", message, ("Id",)),)))
    return outcomes

"""Fields that identify records (Ids, external IDs, those Salesforce looks up by), and the records that have a value."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from sfsync.fake import faults
from sfsync.fake.catalog import FieldFacts, ObjectFacts
from sfsync.fake.database import Cursor, sql_type
from sfsync.fake.dml.call import shape_of
from sfsync.fake.dml.coercion import Refused, converter
from sfsync.fake.dml.outcome import WriteOptions
from sfsync.fake.ids import is_valid_id, to_18
from sfsync.fake.sql_names import quote

if TYPE_CHECKING:
    from sfsync.fake.org import FakeOrg


def identifies(field: FieldFacts) -> bool:
    """Whether records can be found by this field in upserts and relationships."""
    return field.name == "Id" or field.has("e") or field.has("i")


def key_field(org: FakeOrg, object_name: str, name: str, options: WriteOptions) -> FieldFacts:
    """The field of this name, if records can be found by it; raises the fault that REST answers otherwise."""
    field = shape_of(org, object_name, options).facts.field(name)
    if field is None or not field.stored or not identifies(field):
        raise faults.not_an_external_id(name)
    return field


def find_by_key(org: FakeOrg, object_name: str, field: str, value: Any) -> list[str]:
    """The Ids of the live records that have this value in an identifying field, in their order."""
    options = WriteOptions(org.admin_id, system=True)
    facts = key_field(org, object_name, field, options)
    whole = shape_of(org, object_name, options).whole
    try:
        wanted = None if value is None else converter(facts, options)(value)
    except Refused:
        return []
    if wanted is None:
        return []
    with org.database.reading() as cursor:
        return matching(cursor, whole, facts, {wanted}).get(as_key(facts, wanted), [])


def as_key(field: FieldFacts, value: Any) -> Any:
    """The value as it is compared: texts without regard to case, Ids as they are."""
    return value.casefold() if isinstance(value, str) and field.type not in {"id", "reference"} else value


def matching(cursor: Cursor, facts: ObjectFacts, field: FieldFacts, values: Collection[Any]) -> dict[Any, list[str]]:
    """Key → the Ids of the live records that have it."""
    if not values:
        return {}
    column = quote(field.name)
    kind = sql_type(field.type)
    live = ' AND NOT "IsDeleted"' if facts.field("IsDeleted") else ""
    plain = kind != "VARCHAR" or field.type in {"id", "reference"}
    shown = column if plain else f"lower({column})"
    wanted = list({value if plain else value.lower() for value in values})
    if len(wanted) == 1:
        condition, parameters = f"{shown} = ?", wanted
    else:
        condition, parameters = f"{shown} IN (SELECT unnest(?::{kind}[]))", [wanted]
    rows = cursor.execute(
        f'SELECT {column}, "Id" FROM {quote(facts.name)} WHERE {condition}{live} ORDER BY "Id"', parameters
    ).fetchall()
    found: defaultdict[Any, list[str]] = defaultdict(list)
    for value, record_id in rows:
        found[as_key(field, value)].append(record_id)
    return dict(found)


def status_of(org: FakeOrg, record_id: str) -> str:
    """Whether a record is `live`, `deleted` (in the recycle bin) or `absent`."""
    facts = object_of(org, record_id)
    if facts is None:
        return "absent"
    deleted = '"IsDeleted"' if facts.field("IsDeleted") else "false"
    with org.database.reading() as cursor:
        row = cursor.execute(f'SELECT {deleted} FROM {quote(facts.name)} WHERE "Id" = ?', [to_18(record_id)]).fetchone()
    if row is None:
        return "absent"
    return "deleted" if row[0] else "live"


def object_of(org: FakeOrg, record_id: object) -> ObjectFacts | None:
    """The object that an Id belongs to by its key prefix; None for what is no Id of a known object.

    Some kinds of setup rows share a prefix; then the one that has the record, or else the first, is meant.
    """
    if not isinstance(record_id, str) or not is_valid_id(record_id):
        return None
    candidates = [facts for facts in org.catalog if facts.prefix == record_id[:3]]
    if len(candidates) > 1:
        with org.database.reading() as cursor:
            for facts in candidates:
                query = f'SELECT 1 FROM {quote(facts.name)} WHERE "Id" = ?'
                if cursor.execute(query, [to_18(record_id)]).fetchone() is not None:
                    return facts
    return candidates[0] if candidates else None

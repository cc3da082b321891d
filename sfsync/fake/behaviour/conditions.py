"""Conditions of rules: SOQL about a record as it would be saved, or a function of yours.

A condition is what may stand behind WHERE: `Status = 'Open' AND Account.Industry != null`. Parents are read from the
org. Text in a rule compares as in SOQL: without regard to case, an empty text is null. A new record has no Id yet, so
`Id = null` holds while it is made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

import orjson

from sfsync.errors import SoqlError, UsageError
from sfsync.fake.catalog import FieldFacts, ObjectFacts
from sfsync.fake.database import sql_type
from sfsync.fake.dml.pending import PendingRow
from sfsync.fake.sql_names import literal, quote
from sfsync.records import FieldDescribe
from sfsync.soql import Query, parse, parse_condition

if TYPE_CHECKING:
    from sfsync.fake.evaluate import CatalogObject, CompiledQuery, OrgCatalog
    from sfsync.fake.org import FakeOrg

#: A condition in Python: the record as it would be saved, and as it was (None for a new one).
Test = Callable[[Mapping[str, Any], Mapping[str, Any] | None], bool]

#: What the records on their way in are called in the SOQL that looks at them, and the field that tells them apart.
_OBJECT, _NUMBER = "PendingRecord__x", "PendingNumber__c"
_TABLE = "pending_records"


@dataclass(frozen=True)
class Pending:
    """Records on their way into the org."""

    org: FakeOrg
    object_name: str
    rows: Sequence[PendingRow]


@dataclass(frozen=True)
class Condition:
    """When a rule applies; made by `condition`."""

    query: Query | None
    test: Test | None

    def found(self, pending: Pending) -> list[PendingRow]:
        """The records that the condition is true for."""
        if self.test is not None:
            return [row for row in pending.rows if self.test(row.after, row.before)]
        if self.query is None:
            return list(pending.rows)
        return _found(pending, self.query)


def condition(org: FakeOrg, object_name: str, when: str | Test | None) -> Condition:
    """A condition, checked against the org; raises UsageError for SOQL that the org would refuse.

    Args:
        org: The org.
        object_name: Whose records it is about.
        when: SOQL, or a function of the record as it would be saved and as it was; None is always true.
    """
    if when is None or callable(when):
        return Condition(None, when)
    try:
        parse_condition(when)  # so that nothing but a condition is one
        query = parse(f"SELECT {_NUMBER} FROM {_OBJECT} WHERE {when}")
        _compiled(Pending(org, object_name, ()), query)
    except SoqlError as error:
        raise UsageError(f"the condition `{when}` cannot be used: {error.message.strip()}") from error
    return Condition(query, None)


def typed_rows(facts: ObjectFacts, columns: Sequence[FieldFacts]) -> str:
    """SQL for rows that come as the JSON array `$rows`: a number, and one column a field, typed as in the org."""
    shape = {"number": "INTEGER", **{field.name: "VARCHAR" for field in columns}}
    text = literal(orjson.dumps([shape]).decode())
    typed = "".join(
        f", CAST(r.{quote(field.name)} AS {sql_type(field.type)}) AS {quote(field.name)}" for field in columns
    )
    return (
        f"SELECT r.number AS {quote(_NUMBER)}{typed}"
        f" FROM (SELECT unnest(from_json($rows, {text})) AS r) AS {quote(facts.name + ' rows')}"
    )


def rows_json(rows: Sequence[PendingRow], columns: Sequence[FieldFacts]) -> str:
    """The JSON array for `typed_rows`; each row's number is its place in `rows`."""
    names = [field.name for field in columns]
    listed = [
        {"number": number, **{name: _plain(_value(row, name)) for name in names}} for number, row in enumerate(rows)
    ]
    return orjson.dumps(listed, default=str).decode()


def _value(row: PendingRow, name: str) -> Any:
    if name == "Id":
        return None if row.is_new else row.record_id
    return row.after.get(name)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return value


def _found(pending: Pending, query: Query) -> list[PendingRow]:
    if not pending.rows:
        return []
    facts = _facts(pending)
    compiled = _compiled(pending, query)
    # Only the fields that the condition speaks of travel to the database.
    columns = [field for field in facts.stored_fields if quote(field.name) in compiled.sql]
    with pending.org.database.reading() as cursor:
        numbers = cursor.execute(
            f"WITH {_TABLE} AS ({typed_rows(facts, columns)}) SELECT * FROM ({compiled.sql})",
            {"rows": rows_json(pending.rows, columns)},
        ).fetchall()
    return [pending.rows[number] for (number,) in sorted(numbers)]


def _facts(pending: Pending) -> ObjectFacts:
    facts = pending.org.catalog.facts(pending.object_name)
    if facts is None:
        raise UsageError(f"the fake org has no object `{pending.object_name}`")
    return facts


def _compiled(pending: Pending, query: Query) -> CompiledQuery:
    facts = _facts(pending)
    return pending.org.behaviour.queries.compiled(query, within=lambda catalog: _WithPending(catalog, facts))


class _WithPending:
    """The org's catalogue, and in it the records on their way in as an object of their own."""

    def __init__(self, catalog: OrgCatalog, facts: ObjectFacts) -> None:
        self._catalog = catalog
        self._facts = facts

    def find(self, name: str) -> CatalogObject | None:
        """The object of this API name, in any case, or None."""
        if name.casefold() != _OBJECT.casefold():
            return self._catalog.find(name)
        found = self._catalog.find(self._facts.name)
        if found is None:
            return None
        number = FieldDescribe(name=_NUMBER, type="int", label=_NUMBER)
        describe = replace(found.describe, fields=(*found.describe.fields, number))
        return replace(found, describe=describe, table=_TABLE)

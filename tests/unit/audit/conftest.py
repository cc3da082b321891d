"""Small mirrors to audit, made by hand in a real store."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from sfsync.audit import load
from sfsync.records import FieldDescribe, ObjectDescribe
from sfsync.store.duckdb import DuckDBStore
from sfsync.store.ledger import save_cursor, save_describe
from sfsync.store.mirror import find_drift, prepare_mirror, shape_table
from sfsync.store.names import quote, table

AS_OF = datetime(2026, 1, 31, 12)

#: A rule in order, to be spoiled by tests.
RULE = """\
version: 1
id: OWN001
name: odd-status
title: The status is odd
group: own
since: "1"
object: Lead
population: leads
severity: warning
confidence: certain
why: Because.
remedy: Do something.
params:
  odd: {type: text, default: Odd, about: What is odd.}
  words: {type: texts, default: [], about: Others.}
needs:
  Lead: {Id: text, Status: text, CreatedDate: datetime}
eligible: |
  SELECT l.Id AS record_id FROM sf.Lead AS l
sql: |
  SELECT l.Id AS record_id, l.Status AS status
  FROM eligible AS e
  JOIN sf.Lead AS l ON l.Id = e.record_id
  WHERE l.Status = $odd
message: "Status is {status}"
examples:
  - name: finds
    given: {Lead: [{Id: 00QFk0000000001MAA, Status: Odd}]}
    finds: [00QFk0000000001MAA]
  - name: clean
    given: {Lead: [{Id: 00QFk0000000001MAA, Status: Fine}]}
    finds: []
"""

Records = Iterable[Mapping[str, Any]]
MakeMirror = Callable[..., DuckDBStore]


def lead(number: int, **values: Any) -> dict[str, Any]:
    """An open lead with everything in order, unless told otherwise."""
    return {
        "Id": f"00Q{number:012d}AAA",
        "IsDeleted": False,
        "LeadSource": "Web",
        "Status": "Working",
        "IsConverted": False,
        "CreatedDate": datetime(2026, 1, 15, 9),
        "ConvertedDate": None,
        "ConvertedAccountId": None,
        "ConvertedContactId": None,
        "ConvertedOpportunityId": None,
        **values,
    }


def converted(number: int, **values: Any) -> dict[str, Any]:
    """A converted lead with everything in order, unless told otherwise."""
    return lead(number) | {
        "IsConverted": True,
        "Status": "Converted",
        "ConvertedDate": date(2026, 1, 20),
        "ConvertedAccountId": f"001{number:012d}AAA",
        "ConvertedContactId": f"003{number:012d}AAA",
        **values,
    }


_BOOLEANS = {"IsDeleted", "IsConverted", "IsClosed", "IsWon", "IsPersonAccount"}
_DATETIMES = {"CreatedDate", "LastModifiedDate", "SystemModstamp"}
_DATES = {"ConvertedDate", "CloseDate"}


def field_describe(name: str, values: list[Any]) -> FieldDescribe:
    known = [value for value in values if value is not None]
    if name in _BOOLEANS or (known and all(isinstance(value, bool) for value in known)):
        return FieldDescribe(name, "boolean")
    if name in _DATETIMES:
        return FieldDescribe(name, "datetime")
    if name in _DATES:
        return FieldDescribe(name, "date")
    if known and all(isinstance(value, int | float) for value in known):
        return FieldDescribe(name, "double")
    return FieldDescribe(name, "string")


@pytest.fixture
def store(tmp_path: Path) -> DuckDBStore:
    return DuckDBStore(tmp_path / "mirror.duckdb")


@pytest.fixture
def mirror(store: DuckDBStore) -> MakeMirror:
    """Fill the store: object name → records; `described` gives single fields other types than their values say."""

    def fill(
        as_of: datetime = AS_OF, described: Mapping[str, FieldDescribe] | None = None, **tables: Records
    ) -> DuckDBStore:
        with store.writing() as session:
            prepare_mirror(session)
            for name, given in tables.items():
                records = list(given)
                columns = list(dict.fromkeys(field for record in records for field in record)) or ["Id"]
                types = {column: field_describe(column, [each.get(column) for each in records]) for column in columns}
                types |= {f.name: f for path, f in (described or {}).items() if path == f"{name}.{f.name}"}
                describe = ObjectDescribe(name, name, tuple(types.values()))
                shape_table(session, describe, find_drift(session, describe))
                names, marks = ", ".join(map(quote, columns)), ", ".join("?" * len(columns))
                session.execute(f"DELETE FROM {table('sf_all', name)}")
                if records:
                    insert = f"INSERT INTO {table('sf_all', name)} ({names}) VALUES ({marks})"
                    rows = [[record.get(column) for column in columns] for record in records]
                    session.connection.executemany(insert, rows)
                save_cursor(session, describe, as_of, "20260131T120000Z-test")
                save_describe(session, describe, as_of)
        return store

    return fill


@pytest.fixture
def project_with(tmp_path: Path, mirror: MakeMirror, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A project with a rule of its own and no others, so that a test takes no longer than that; see `results.Project`."""
    from tests.unit.audit.results import Project  # noqa: PLC0415 - it builds on this module

    (tmp_path / "nothing").mkdir()
    monkeypatch.setattr(load, "PACKAGED", tmp_path / "nothing")
    load._packaged_rules.cache_clear()
    yield Project(tmp_path, mirror)
    load._packaged_rules.cache_clear()

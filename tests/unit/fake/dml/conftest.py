"""What the tests of writes share: an org whose clock stands still, and a writer without special rights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from sfsync.fake import FakeOrg, dml
from sfsync.fake.clock import Clock
from sfsync.fake.dml import RowError, RowOutcome, WriteOptions

NOON = datetime(2026, 3, 1, 12, 0, 0)


class Writer:
    """Somebody who writes records and looks at what comes of it."""

    def __init__(self, org: FakeOrg) -> None:
        self.org = org
        self.options = WriteOptions(org.admin_id)

    def create(self, name: str, *rows: Mapping[str, Any], **options: Any) -> list[RowOutcome]:
        return dml.create(self.org, name, rows, replace(self.options, **options))

    def update(self, name: str, *rows: Mapping[str, Any], **options: Any) -> list[RowOutcome]:
        return dml.update(self.org, name, rows, replace(self.options, **options))

    def upsert(self, name: str, key: str, *rows: Mapping[str, Any], **options: Any) -> list[RowOutcome]:
        return dml.upsert(self.org, name, key, rows, replace(self.options, **options))

    def delete(self, *ids: str, hard: bool = False, **options: Any) -> list[RowOutcome]:
        return dml.delete(self.org, ids, replace(self.options, **options), hard=hard)

    def undelete(self, *ids: str, **options: Any) -> list[RowOutcome]:
        return dml.undelete(self.org, ids, replace(self.options, **options))

    def made(self, name: str, **values: Any) -> str:
        """The Id of a new record, which nothing is wrong with."""
        [outcome] = self.create(name, values)
        assert outcome.success, outcome.errors
        return str(outcome.id)

    def changed(self, name: str, record_id: str, **values: Any) -> dict[str, Any]:
        """A record after a change that nothing is wrong with."""
        [outcome] = self.update(name, {"Id": record_id, **values})
        assert outcome.success, outcome.errors
        return self.record(name, record_id)

    def refused(self, name: str, **values: Any) -> RowError:
        """The one error of a record that is not made."""
        [outcome] = self.create(name, values)
        [error] = outcome.errors
        assert outcome.id is None
        return error

    def record(self, name: str, record_id: str) -> dict[str, Any]:
        record = self.org.record(name, record_id)
        assert record is not None
        return record

    def rows(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with self.org.database.reading() as cursor:
            return cursor.execute(sql, list(parameters)).fetchall()

    def lead(self, **values: Any) -> str:
        return self.made("Lead", **{"LastName": "Lovelace", "Company": "Engines", **values})

    def deal(self, **values: Any) -> str:
        return self.made(
            "Opportunity", **{"Name": "Deal", "StageName": "Prospecting", "CloseDate": "2026-05-06", **values}
        )


@pytest.fixture
def org() -> Iterator[FakeOrg]:
    with FakeOrg.empty(clock=Clock(NOON, ticking=False)) as org:
        yield org


@pytest.fixture
def writer(org: FakeOrg) -> Writer:
    return Writer(org)

"""Records on their way into an org, made by hand: what a write hands to the rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sfsync.fake import FakeOrg
from sfsync.fake.dml.outcome import WriteOptions
from sfsync.fake.dml.pending import PendingRow

Pend = Callable[..., PendingRow]


@pytest.fixture
def pend() -> Pend:
    """A record to be made, or with `before` one to be changed."""

    def make(index: int = 0, before: dict[str, Any] | None = None, record_id: str = "", **after: Any) -> PendingRow:
        made = record_id or f"00QFk00000000{index:02d}IAA"
        return PendingRow(index, made, before, {**(before or {}), **after}, frozenset(after))

    return make


@pytest.fixture
def options(org: FakeOrg) -> WriteOptions:
    return WriteOptions(org.admin_id)

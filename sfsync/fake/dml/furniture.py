"""The few rows that every org is born with: complete, but for what all new records have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sfsync.fake.catalog import ObjectFacts
from sfsync.fake.dml.shape import Shape
from sfsync.fake.dml.storage import insert_rows

if TYPE_CHECKING:
    from sfsync.fake.org import FakeOrg


def furnish(org: FakeOrg, facts: ObjectFacts, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add rows with defaults and stamps; whatever else derives from their values has to be among these."""
    shape, now = Shape(facts, facts), org.clock.stamp()
    stamps = {name: org.admin_id if name.endswith("ById") else now for name in shape.stamps}
    with org.database.writing() as cursor:
        insert_rows(cursor, facts, [{**shape.template, **stamps, **row} for row in rows])

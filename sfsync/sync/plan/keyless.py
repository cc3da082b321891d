"""New records of rows without a key: nothing tells later which record a row is, so a second plan makes a second one."""

from __future__ import annotations

from sfsync.mapping.schema import Mapping
from sfsync.store.columns import has_table
from sfsync.store.interface import Session


def is_keyless(mapping: Mapping) -> bool:
    """Whether a mapping's new rows are new each time it is planned; rows of two-way tables get their Ids."""
    return mapping.direction == "push" and mapping.key_field is None


def made_without_key(session: Session, mapping: Mapping, *, plan_id: str | None = None) -> int:
    """How many records plans of a mapping have made of rows without a key; those taken back are none.

    Args:
        session: Any session.
        mapping: Whose rows.
        plan_id: Of this plan alone.
    """
    if not is_keyless(mapping) or not has_table(session, "sfsync", "outcomes"):
        return 0
    of_plan, params = ("", [mapping.file]) if plan_id is None else (" AND o.plan_id = ?", [mapping.file, plan_id])
    found = session.execute(
        "SELECT count(*) FROM sfsync.outcomes AS o JOIN sfsync.plan_steps AS s ON s.plan_id = o.plan_id "
        "AND s.step = o.step WHERE o.state = 'done' AND o.created AND s.key_field IS NULL AND s.mapping = ?"
        f"{of_plan} AND NOT EXISTS (SELECT 1 FROM sfsync.outcomes AS d WHERE d.record_id = o.record_id "
        "AND d.\"action\" = 'delete' AND d.state = 'done')",
        params,
    )
    return int(found.scalar())

"""Records written a moment ago: until the mirror has caught up, what it holds of them is older than the base."""

from __future__ import annotations

from sfsync.mapping.local_names import ID_COLUMN
from sfsync.mapping.two_way import TwoWayTable
from sfsync.store.interface import Session
from sfsync.store.names import literal, quote, table
from sfsync.sync.merge3.tables import any_rows


def forget_caught_up(session: Session, two_way: TwoWayTable) -> None:
    """Let those records be merged again that the mirror holds as they were written, or later."""
    awaited = f"sfsync.two_way_awaited AS a WHERE a.table_name = {literal(two_way.key)}"
    if not any_rows(session, awaited):
        return
    name = two_way.mapping.object
    records = f'{table("sf_all", name)} AS rec WHERE rec."Id" = a.record_id'
    deleted = 'rec."IsDeleted"' if two_way.describe.field("IsDeleted") else "FALSE"
    moved = "FALSE"
    if two_way.describe.field("SystemModstamp"):
        moved = '(a.stamp IS NULL OR rec."SystemModstamp" > a.stamp)'
    caught_up = (
        f"CASE WHEN a.\"action\" = 'delete' "
        f"THEN NOT EXISTS (SELECT 1 FROM {records} AND NOT coalesce({deleted}, FALSE)) "
        f"ELSE EXISTS (SELECT 1 FROM {records} AND ({deleted} OR {moved})) END"
    )
    pulled = "EXISTS (SELECT 1 FROM sfsync.cursors AS c WHERE c.object = a.object AND c.upper_bound > a.written_at)"
    _delete(session, two_way, f"({caught_up} OR {pulled})")
    same = [f"t.{quote(each.name)} IS NOT DISTINCT FROM b.{quote(each.name)}" for each in two_way.columns if each.shown]
    equal = (
        f"EXISTS (SELECT 1 FROM ({two_way.theirs}) AS t JOIN {two_way.base} AS b ON b.{ID_COLUMN} = t.{ID_COLUMN} "
        f"WHERE t.{ID_COLUMN} = a.record_id AND {' AND '.join(same or ['TRUE'])})"
    )
    if any_rows(session, awaited):
        _delete(session, two_way, f"a.\"action\" <> 'delete' AND {equal}")


def _delete(session: Session, two_way: TwoWayTable, where: str) -> None:
    session.execute(f"DELETE FROM sfsync.two_way_awaited AS a WHERE a.table_name = {literal(two_way.key)} AND {where}")

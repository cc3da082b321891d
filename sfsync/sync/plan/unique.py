"""Finds values of unique fields that the org would refuse, because another record has them or gets them."""

from __future__ import annotations

from sfsync.mapping.transforms.stage import Telling
from sfsync.records import FieldDescribe
from sfsync.store.interface import Session
from sfsync.store.names import literal, quote
from sfsync.sync.plan.stored import PlanStep
from sfsync.sync.plan.tables import is_set
from sfsync.sync.plan.values import folded, folded_text
from sfsync.sync.plan.work import Work


def refuse_taken_values(session: Session, step: PlanStep, described: FieldDescribe, work: Work) -> None:
    """Refuse the changes of a step that give a record a value which must be another's alone."""
    value, told = f"s.{quote(described.name)}", literal(described.name + ": ")
    text = folded_text(value, described)
    shown = Telling().of(value)
    if work.has(described.name):
        held = folded(f"rec.{quote(described.name)}", described)
        session.execute(
            f"UPDATE {step.table} AS s SET refused = concat_ws('; ', s.refused, {told} || {shown} || ' is that of ' ||"
            f' other."Id") FROM (SELECT rec."Id", {held} AS value FROM {work.mirror} AS rec) AS other '
            f'WHERE s.{is_set(described.name)} AND {text} = other.value AND other."Id" IS DISTINCT FROM s.record_id'
        )
    twins = (
        f"SELECT {text} AS value, min(s.source_row) AS first_row, max(s.source_row) AS last_row FROM {step.table} AS s "
        f"WHERE s.{is_set(described.name)} AND {value} IS NOT NULL GROUP BY 1 HAVING count(*) > 1"
    )
    rows = "' is in rows ' || t.first_row || ' and ' || t.last_row || ' of the source'"
    session.execute(
        f"UPDATE {step.table} AS s SET refused = concat_ws('; ', s.refused, {told} || {shown} || {rows}) "
        f"FROM ({twins}) AS t WHERE s.{is_set(described.name)} AND {text} = t.value"
    )

"""Ids that a source gives for parents, held against the mirror: those that no record has are refused, not sent."""

from __future__ import annotations

from collections.abc import Mapping as AnyMapping
from collections.abc import Sequence

from sfsync.mapping.foreign_ids import KnownIds
from sfsync.records import ObjectDescribe
from sfsync.store.names import literal, quote
from sfsync.sync.plan.awaited import Awaited
from sfsync.sync.plan.late import keep_again, refuse_children
from sfsync.sync.plan.steps import StepMaker
from sfsync.sync.plan.tables import is_set
from sfsync.sync.plan.work import Work


def refuse_unknown_ids(
    maker: StepMaker, works: Sequence[Work], describes: AnyMapping[str, ObjectDescribe], awaited: Awaited
) -> None:
    """Refuse changes that would write the Id of a record that this org does not have: that of another org, mostly."""
    plain = {work.mapping.file: _plain_references(work) for work in works}
    if not any(plain.values()):
        return
    known = KnownIds.of(maker.session, describes)
    of_file = {work.mapping.file: work for work in works}
    count = 0
    for step in maker.steps:
        work = of_file[step.mapping]
        for field in plain[step.mapping] & set(step.fields) if step.action != "delete" else ():
            described = work.field(field)
            spared = {name: awaited.ids(name) for name in described.reference_to}
            problem = known.unknown_sql(described, f"s.{quote(field)}", spared)
            if problem is None:
                continue
            where = f"s.{is_set(field)} AND s.{quote(field)} IS NOT NULL AND {problem} IS NOT NULL"
            found = int(maker.session.execute(f"SELECT count(*) FROM {step.table} AS s WHERE {where}").scalar())
            if found:
                count += found
                told = f"concat_ws('; ', s.refused, {literal(field + ': ')} || {problem})"
                maker.session.execute(f"UPDATE {step.table} AS s SET refused = {told} WHERE {where}")
    if count:
        refuse_children(maker, works)
        keep_again(maker)


def _plain_references(work: Work) -> set[str]:
    """References that the mapping has among its fields: the source gives the parent's Id."""
    return {each.field for each in work.push.columns if work.field(each.field).type == "reference"}

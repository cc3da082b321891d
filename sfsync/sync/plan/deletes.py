"""Deletions: records that a mapping is about and its source has no more; only where the mapping allows it."""

from __future__ import annotations

from fractions import Fraction

from sfsync.errors import GuardRefused
from sfsync.mapping.filter import filter_sql
from sfsync.store.names import literal, quote
from sfsync.sync.plan.awaited import Awaited
from sfsync.sync.plan.entries import entries_of
from sfsync.sync.plan.steps import StepMaker
from sfsync.sync.plan.stored import PlanStep
from sfsync.sync.plan.tables import make_step_table, step_table_name
from sfsync.sync.plan.values import canonical
from sfsync.sync.plan.work import Work


def deleted_records(maker: StepMaker, work: Work, awaited: Awaited) -> None:
    """The step of the records that a mapping deletes.

    Raises:
        GuardRefused: It would delete a greater share of them than the mapping allows, or the source is empty.
    """
    mapping = work.mapping
    if mapping.deletes == "never":
        return
    given = work.source.gone
    if given is None and not work.source.complete:
        work.notes.append("nothing is deleted: the source does not hold every record")
        return
    if given is None and work.unmatched:
        told = f"nothing is deleted: {work.unmatched:,} rows of the source have no clear record, so no absence is sure"
        work.notes.append(told)
        return
    managed, kept = _managed(maker, work), f"SELECT record_id FROM {work.matched} WHERE record_id IS NOT NULL"
    gone = f'{managed} AND rec."Id" ' + (f"NOT IN ({kept})" if given is None else f"IN ({given})")
    gone += f' AND rec."Id" NOT IN ({awaited.ids(mapping.object)})'
    session = maker.session
    total = int(session.execute(f"SELECT count(*) {managed}").scalar())
    count = int(session.execute(f"SELECT count(*) {gone}").scalar())
    if not count:
        return
    _guard(work, count, total)
    _write(maker, work, gone)
    maker.next_change += count


def _write(maker: StepMaker, work: Work, gone: str) -> None:
    """Make the step of the records that `gone` (FROM and WHERE) names, with what they held."""
    mapping, session = work.mapping, maker.session
    number = len(maker.steps) + 1
    name = step_table_name(maker.plan_id, number)
    entries = [each for each in entries_of(work) if work.has(each.name)]
    fields = tuple(each.name for each in entries)
    make_step_table(session, name, fields)
    options = {"hard": mapping.deletes == "hard"}
    step = PlanStep(number, mapping.object, "delete", mapping.file, 1, fields, None, name, 0, 0, options)
    key = work.key
    shown = canonical(f"rec.{quote(key.field)}", key.sql_type) if key else "CAST(NULL AS VARCHAR)"
    stamp = 'rec."SystemModstamp"' if work.has("SystemModstamp") else "CAST(NULL AS TIMESTAMP)"
    refused = "CAST(NULL AS VARCHAR)"
    if not work.describe.deletable:
        refused = literal(f"this user may not delete {mapping.object} records")
    elif mapping.object == "Lead" and work.has("IsConverted") and not maker.options.edit_converted:
        refused = "CASE WHEN rec.\"IsConverted\" IS TRUE THEN 'a converted lead is read-only' END"
    values = [f'{maker.next_change - 1} + row_number() OVER (ORDER BY rec."Id")', "CAST(NULL AS BIGINT)", 'rec."Id"']
    values += [shown, refused, "CAST(NULL AS VARCHAR)", stamp]
    for each in entries:
        values += ["CAST(NULL AS VARCHAR)", canonical(f"rec.{quote(each.name)}", each.kind), "FALSE"]
    session.execute(f"INSERT INTO {step.table} SELECT {', '.join(values)} {gone}")
    maker.keep(step)


def _managed(maker: StepMaker, work: Work) -> str:
    """FROM and WHERE of the live records that the mapping is about: in its filter, and with a key where it has one."""
    scope = filter_sql(work.mapping, work.describe, alias="rec", now=maker.as_of, calendar=maker.options.calendar)
    held = f" AND rec.{quote(work.key.field)} IS NOT NULL" if work.key and work.source.gone is None else ""
    return f"FROM {work.mirror} AS rec WHERE ({scope}){held}"


def _guard(work: Work, count: int, total: int) -> None:
    mapping = work.mapping
    if work.source.gone is None and not work.source.rows:
        raise GuardRefused(
            f"{work.source.shown_as} has no rows: {mapping.file} would delete all {total:,} {mapping.object} records",
            hint="check the source; an empty one never deletes",
        )
    # 0.29 of 100 is a little less than 29 where computers reckon in halves: the share is taken as it was written.
    if count > Fraction(mapping.most_deleted).limit_denominator(10**9) * total:
        share = f"{mapping.most_deleted * 100:g} %"
        raise GuardRefused(
            f"{mapping.file} would delete {count:,} of {total:,} {mapping.object} records, which is more than {share}",
            hint="check that the source is complete; if it is, raise `most_deleted` in the mapping",
            context={"object": mapping.object, "deleted": count, "records": total},
        )

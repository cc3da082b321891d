"""Which stages a record type's opportunities go through, as `definitions: {deals: {sales_processes: …}}` says."""

from __future__ import annotations

from functools import reduce

from sqlglot import exp

from sfsync.audit.context import AuditContext
from sfsync.audit.relations.relation import Relation, without_rows
from sfsync.audit.rule import FieldType

_COLUMNS: dict[str, FieldType] = {"process": "text", "record_type": "text", "stage": "text", "place": "number"}


def _query(context: AuditContext) -> exp.Query:
    rows: list[exp.Query] = [
        exp.select(
            exp.Literal.string(name).as_("process"),
            exp.Literal.string(record_type).as_("record_type"),
            exp.Literal.string(stage).as_("stage"),
            exp.Literal.number(place).as_("place"),
        )
        for name, process in context.definitions.deals.sales_processes.items()
        for record_type in process.record_types or ("",)
        for place, stage in enumerate(process.stages, 1)
    ]
    if not rows:
        return without_rows(_COLUMNS)
    return reduce(lambda all_rows, row: exp.union(all_rows, row, distinct=False, copy=False), rows)


RELATION = Relation(
    name="sales_processes",
    about=(
        "One row a stage of a sales process, for each record type (developer name or Id; '' is none) that follows it, "
        "in the order of the definitions."
    ),
    columns=_COLUMNS,
    query=_query,
)

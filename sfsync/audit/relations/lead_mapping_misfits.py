"""Values of unconverted leads that the field they are mapped to would not take."""

from __future__ import annotations

from sqlglot import exp

from sfsync.audit.carry_over import Pair, column
from sfsync.audit.context import AuditContext
from sfsync.audit.portable import parse_select
from sfsync.audit.relations.lead_carry_over import standard_options
from sfsync.audit.relations.lead_mapping_limits import limited_pairs
from sfsync.audit.relations.relation import Relation, without_rows
from sfsync.audit.rule import FieldType
from sfsync.store.names import literal

_COLUMNS: dict[str, FieldType] = {
    "lead_id": "text",
    "lead_field": "text",
    "target_object": "text",
    "target_field": "text",
    "limit_kind": "text",
    "lead_value": "text",
    "size": "number",
    "longest": "number",
}


def _query(context: AuditContext) -> exp.Query:
    rows = [_row(pair, kind, longest) for pair, kind, longest in limited_pairs(context)]
    return parse_select(" UNION ALL ".join(rows)) if rows else without_rows(_COLUMNS)


def _row(pair: Pair, kind: str, longest: int) -> str:
    value = column("l", pair.lead_field)
    words = (pair.lead_field, pair.target_object, pair.target_field, kind)
    said = ", ".join(
        f"CAST({literal(word)} AS VARCHAR) AS {name}"
        for word, name in zip(words, ("lead_field", "target_object", "target_field", "limit_kind"), strict=True)
    )
    if kind == "length":
        misfit = f"LENGTH({value}) > {longest}"
    else:
        # Of a multi-select picklist, one value alone can be looked up; a list of several is not judged.
        misfit = (
            f"NOT is_blank({value}) AND STRPOS({value}, ';') = 0"
            " AND NOT EXISTS (SELECT 1 AS one FROM picklist_values AS p"
            f" WHERE p.object = {literal(pair.target_object)} AND p.field = {literal(pair.target_field)} AND p.active"
            f" AND LOWER(p.value) = LOWER(TRIM({value})))"
        )
    return (
        f"SELECT l.Id AS lead_id, {said}, {value} AS lead_value, LENGTH({value}) AS size, {longest} AS longest"
        f" FROM sf.Lead AS l WHERE NOT l.IsConverted AND {misfit}"
    )


RELATION = Relation(
    name="lead_mapping_misfits",
    about=(
        "One row a value of an unconverted lead that its mapped target would not take: not among the values of a "
        "restricted picklist (`values`), or too long (`length`)."
    ),
    columns=_COLUMNS,
    needs={"Lead": {"Id": "text", "IsConverted": "boolean"}},
    optional=standard_options(),
    query=_query,
    reads=("picklist_values",),
)

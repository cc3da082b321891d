"""How a query would be run: the answer to `query?explain=`, as far as a fake org has plans."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sfsync.fake.catalog import ObjectFacts
from sfsync.fake.catalog.facts import ID_TYPES
from sfsync.soql import Condition, FieldPath, Query
from sfsync.soql.ast import And, Comparison, Membership, Not, Or, SemiJoin

#: Indexed on every object; External Ids and unique fields are too.
_INDEXED = frozenset({"createddate", "systemmodstamp", "name", "ownerid", "recordtypeid", "email"})

_SCAN_COST = 2.5


def plans_of(facts: ObjectFacts, query: Query, *, rows: int, total: int, text: str) -> dict[str, Any]:
    """The plans, cheapest first: by an index, where the filter names an indexed field, and the scan of the table.

    Args:
        facts: The object asked for.
        query: The query.
        rows: How many records it finds.
        total: How many records the object has.
        text: The statement as it came.
    """
    named = dict.fromkeys(path.names[-1] for path in _filtered(query.where) if len(path.names) == 1)
    fields = [field for name in named if (field := facts.field(name)) is not None]
    indexed = [f.name for f in fields if _is_indexed(f.name, f.type, keyed=f.has("e") or f.has("q"))]
    notes = [
        {
            "description": "Not considering filter for optimization because unindexed",
            "fields": [name],
            "tableEnumOrId": facts.name,
        }
        for name in ["IsDeleted", *(f.name for f in fields if f.name not in indexed)]
    ]
    scan = _plan(facts, "TableScan", [], notes, rows=rows, total=total)
    plans = [scan]
    if indexed:
        plans.insert(0, _plan(facts, "Index", indexed, notes, rows=rows, total=total))
    return {"plans": sorted(plans, key=lambda plan: float(plan["relativeCost"])), "sourceQuery": text}


def _plan(
    facts: ObjectFacts, operation: str, fields: list[str], notes: list[dict[str, Any]], *, rows: int, total: int
) -> dict[str, Any]:
    cost = rows / total * 3 if operation == "Index" and total else _SCAN_COST if total else 0.0
    return {
        "cardinality": rows,
        "fields": fields,
        "leadingOperationType": operation,
        "notes": notes,
        "relativeCost": round(cost, 3),
        "sobjectCardinality": total,
        "sobjectType": facts.name,
    }


def _is_indexed(name: str, kind: str, *, keyed: bool) -> bool:
    return keyed or kind in ID_TYPES or name.casefold() in _INDEXED


def _filtered(condition: Condition | None) -> Iterator[FieldPath]:
    """The fields that a filter names."""
    if isinstance(condition, And | Or):
        for operand in condition.operands:
            yield from _filtered(operand)
    elif isinstance(condition, Not):
        yield from _filtered(condition.operand)
    elif isinstance(condition, Comparison | Membership | SemiJoin) and isinstance(condition.left, FieldPath):
        yield condition.left

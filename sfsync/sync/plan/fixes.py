"""A plan out of what audit rules propose: each value held against the mirror and the org's rules, as in a push."""

from __future__ import annotations

from collections.abc import Mapping as AnyMapping
from collections.abc import Sequence
from dataclasses import dataclass, replace

import yaml

from sfsync.mapping.load import parse_mapping
from sfsync.mapping.local_names import ID_COLUMN
from sfsync.mapping.schema import Mapping
from sfsync.records import ObjectDescribe
from sfsync.store import ledger
from sfsync.store.interface import Session, Store
from sfsync.store.names import literal, quote
from sfsync.sync.plan.make import Rows, make_plan
from sfsync.sync.plan.options import PlanOptions
from sfsync.sync.plan.stored import Plan
from sfsync.sync.plan.work import PlanSource

#: Proposals, a row a value, while a plan is made of them.
_PROPOSED = quote("plan proposed fixes")


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Proposals of one kind that no plan is made of.

    Attributes:
        object: API name.
        field: API name.
        count: Of how many records.
        reason: Why.
    """

    object: str
    field: str
    count: int
    reason: str


@dataclass(frozen=True, slots=True)
class FixPlan:
    """What rules propose, as a plan.

    Attributes:
        plan: To be applied, and taken back, like any plan; None where nothing is proposed that could be done.
        left_out: What it leaves out.
    """

    plan: Plan | None
    left_out: tuple[LeftOut, ...]


def make_fix_plan(store: Store, proposals: str, *, shown_as: str, options: PlanOptions) -> FixPlan:
    """Make the plan that sets what rules propose; asks the org nothing, and writes nothing to it.

    Values are checked as those of a push are: a text that is too long, a picklist value the org does not have and a
    converted lead are refused, each with its record and the reason.

    Args:
        store: Holds the mirror that was judged.
        proposals: A SELECT of object, record_id, field, value (text as the API writes it), rule_id and reason.
        shown_as: What messages call them, e.g. `fixes of audit 2026…`.
        options: How to plan.

    Raises:
        MirrorUnfit: The mirror lacks an object.
    """
    with store.writing() as session:
        session.execute(f"CREATE OR REPLACE TEMPORARY TABLE {_PROPOSED} AS {proposals}")
        left_out = (
            *_take_out_unwritable(session, ledger.read_describes(session)),
            *_take_out_contradictions(session),
        )
        fields = _fields(session)
        mappings = [_mapping(name, names) for name, names in fields.items()]
        sources = {each.file: _rows_of(each.object, fields[each.object], shown_as) for each in mappings}
        plan = make_plan(store, mappings, sources=sources, options=replace(options, kind="fix")) if mappings else None
        session.execute(f"DROP TABLE {_PROPOSED}")
    return FixPlan(plan if plan is not None and plan.steps else None, left_out)


def _take_out_unwritable(session: Session, describes: AnyMapping[str, ObjectDescribe]) -> list[LeftOut]:
    found = []
    for name, field, count in _counted(session, "TRUE"):
        described = describes[name].field(field) if name in describes else None
        if described is None or not described.updateable:
            found.append(LeftOut(name, field, count, "the user who pulls may not write it"))
            session.execute(f"DELETE FROM {_PROPOSED} WHERE object = ? AND field = ?", [name, field])
    return found


def _take_out_contradictions(session: Session) -> list[LeftOut]:
    """Two rules may want different things of one field: that is for people to decide."""
    several = (
        f"(object, record_id, field) IN (SELECT (object, record_id, field) FROM {_PROPOSED} "
        "GROUP BY object, record_id, field HAVING count(DISTINCT value) > 1)"
    )
    found = []
    for name, field, count in _counted(session, several):
        of_field = f"{several} AND object = {literal(name)} AND field = {literal(field)}"
        rules = session.execute(f"SELECT DISTINCT rule_id FROM {_PROPOSED} WHERE {of_field} ORDER BY 1")
        named = " and ".join(rule for (rule,) in rules)
        found.append(LeftOut(name, field, count, f"{named} propose different values"))
    session.execute(f"DELETE FROM {_PROPOSED} WHERE {several}")
    return found


def _counted(session: Session, where: str) -> list[tuple[str, str, int]]:
    """Object, field and number of records of the proposals that meet a condition."""
    rows = session.execute(
        f"SELECT object, field, count(DISTINCT record_id) FROM {_PROPOSED} WHERE {where} GROUP BY 1, 2 ORDER BY 1, 2"
    )
    return [(name, field, int(count)) for name, field, count in rows]


def _fields(session: Session) -> dict[str, list[str]]:
    """Object → fields for which anything is proposed."""
    found: dict[str, list[str]] = {}
    for name, field, _count in _counted(session, "TRUE"):
        found.setdefault(name, []).append(field)
    return found


def _mapping(name: str, fields: Sequence[str]) -> Mapping:
    """The mapping of an object's fixes: each column has the name of its field."""
    content = {
        "version": 1,
        "object": name,
        "direction": "push",
        "table": f"fixes.{name}",
        "fields": {field: field for field in fields},
    }
    return parse_mapping(yaml.safe_dump(content), f"fixes of {name}")


def _rows_of(name: str, fields: Sequence[str], shown_as: str) -> Rows:
    """Reads the proposals of an object, a row a record."""

    def rows(session: Session, _mapping: Mapping) -> PlanSource:
        table = quote(f"plan fixes of {name}")
        values = ", ".join(
            f"max(CASE WHEN field = {literal(field)} THEN value END) AS {quote(field)}" for field in fields
        )
        session.execute(
            f"CREATE OR REPLACE TEMPORARY TABLE {table} AS SELECT row_number() OVER (ORDER BY record_id) AS source_row,"
            f" record_id AS {ID_COLUMN}, {values}, string_agg(DISTINCT rule_id || ': ' || reason, '; ' "
            f"ORDER BY rule_id || ': ' || reason) AS fix_reason FROM {_PROPOSED} WHERE object = {literal(name)} "
            "GROUP BY record_id"
        )
        count = int(session.execute(f"SELECT count(*) FROM {table}").scalar())
        columns = {ID_COLUMN: "VARCHAR", **dict.fromkeys(fields, "VARCHAR"), "fix_reason": "VARCHAR"}
        return PlanSource(
            table, columns, f"{shown_as} ({name})", count, complete=False, extra_notes='"source"."fix_reason"'
        )

    return rows

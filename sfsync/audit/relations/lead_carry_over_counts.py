"""How much there was to carry over, and how much of it did not arrive, by pair, path and who converted."""

from __future__ import annotations

from sqlglot import exp

from sfsync.audit.carry_over import Pair, carried_pairs, column
from sfsync.audit.context import AuditContext
from sfsync.audit.portable import parse_select
from sfsync.audit.relations.lead_carry_over import standard_options
from sfsync.audit.relations.relation import Relation, without_rows
from sfsync.audit.rule import FieldType
from sfsync.config.definitions_lead_conversion import TARGETS, Target
from sfsync.store.names import literal

_COLUMNS: dict[str, FieldType] = {
    "lead_field": "text",
    "target_object": "text",
    "target_field": "text",
    "origin": "text",
    "path": "text",
    "converter_id": "text",
    "eligible": "number",
    "lost": "number",
    "different": "number",
    "seen_late": "number",
}

_KEY = ("lead_field", "target_object", "target_field", "path")


def _query(context: AuditContext) -> exp.Query:
    pairs = {target: carried_pairs(context, target) for target in TARGETS}
    named = [f"of_{target.lower()} AS ({_counted(target, of)})" for target, of in pairs.items() if of]
    if not named:
        return without_rows(_COLUMNS)
    rows = " UNION ALL ".join(_rows(target, of) for target, of in pairs.items() if of)
    same = " AND ".join(f"f.{name} = n.{name}" for name in _KEY)
    return parse_select(
        f"WITH {', '.join(named)}, counted AS ({rows}), faults AS ("
        f"SELECT {', '.join(f'x.{name} AS {name}' for name in _KEY)}, COALESCE(x.converter_id, '') AS converter_id,"
        " COUNT(*) FILTER (WHERE x.outcome = 'lost') AS lost,"
        " COUNT(*) FILTER (WHERE x.outcome = 'different') AS different,"
        " COUNT(*) FILTER (WHERE NOT x.is_as_converted) AS seen_late FROM lead_carry_over AS x GROUP BY 1, 2, 3, 4, 5)"
        f" SELECT {', '.join(f'n.{name} AS {name}' for name in ('lead_field', 'target_object', 'target_field'))},"
        " n.origin AS origin, n.path AS path, NULLIF(n.converter_id, '') AS converter_id, n.eligible AS eligible,"
        " COALESCE(f.lost, 0) AS lost, COALESCE(f.different, 0) AS different, COALESCE(f.seen_late, 0) AS seen_late"
        f" FROM counted AS n LEFT JOIN faults AS f ON {same} AND f.converter_id = n.converter_id WHERE n.eligible > 0"
    )


def _counted(target: Target, pairs: list[Pair]) -> str:
    """One row a path and converter, with the number of leads that have something to carry over, pair by pair."""
    name = target.lower()
    counts = [
        f"COUNT(*) FILTER (WHERE {pair.has_lead_value(column('l', pair.lead_field))}) AS n_{number}"
        for number, pair in enumerate(pairs)
    ]
    return (
        f"SELECT c.{name}_path AS path, COALESCE(c.converter_id, '') AS converter_id, {', '.join(counts)}"
        f" FROM conversions AS c JOIN sf.Lead AS l ON l.Id = c.lead_id WHERE NOT c.is_loaded"
        f" AND c.{name}_path IN ('created', 'attached') AND c.{name}_now = c.{name}_id GROUP BY 1, 2"
    )


def _rows(target: Target, pairs: list[Pair]) -> str:
    names = ("number", "lead_field", "target_field", "origin")
    listed = ", ".join(
        f"({number}, {', '.join(literal(word) for word in (pair.lead_field, pair.target_field, pair.origin))})"
        for number, pair in enumerate(pairs)
    )
    counts = " ".join(f"WHEN {number} THEN j.n_{number}" for number in range(len(pairs)))
    return (
        f"SELECT m.lead_field AS lead_field, CAST({literal(target)} AS VARCHAR) AS target_object,"
        " m.target_field AS target_field, m.origin AS origin, j.path AS path, j.converter_id AS converter_id,"
        f" CASE m.number {counts} END AS eligible FROM of_{target.lower()} AS j"
        f" CROSS JOIN (VALUES {listed}) AS m({', '.join(names)})"
    )


RELATION = Relation(
    name="lead_carry_over_counts",
    about=(
        "One row a mapped pair, path (created or attached) and converter: leads with a value to carry over, how many "
        "of them their target does not have or has otherwise, and how many of those were seen later than a day after."
    ),
    columns=_COLUMNS,
    optional=standard_options(),
    query=_query,
    reads=("conversions", "lead_carry_over"),
)

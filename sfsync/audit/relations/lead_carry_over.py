"""What did not arrive at conversion: a row for each mapped value of a lead that its target does not have."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from sfsync.audit.carry_over import STANDARD_MAP, Pair, carried_pairs, column, shown
from sfsync.audit.context import AuditContext
from sfsync.audit.portable import parse_select
from sfsync.audit.relations.relation import Relation, without_rows
from sfsync.audit.rule import FieldType, OptionalNeed
from sfsync.config.definitions_lead_conversion import TARGETS, Target
from sfsync.store.names import literal

_COLUMNS: dict[str, FieldType] = {
    "lead_id": "text",
    "converted_at": "datetime",
    "converter_id": "text",
    "path": "text",
    "lead_field": "text",
    "target_object": "text",
    "target_id": "text",
    "target_field": "text",
    "part_of": "text",
    "origin": "text",
    "outcome": "text",
    "lead_value": "text",
    "target_value": "text",
    "is_as_converted": "boolean",
}

_STAMP = "LastModifiedDate"

#: What is known of a lead and its target besides their values.
_KEY = ("lead_id", "converted_at", "converter_id", "path", "target_id", "in_time")


def standard_options() -> tuple[OptionalNeed, ...]:
    """Every field of the standard map, each for itself: an org need not have them all."""
    kinds: dict[str, FieldType] = {
        **dict.fromkeys(("DoNotCall", "HasOptedOutOfEmail", "HasOptedOutOfFax"), "boolean"),
        **dict.fromkeys(("AnnualRevenue", "NumberOfEmployees"), "number"),
    }
    sources = {source: kinds.get(source, "text") for fields in STANDARD_MAP.values() for source in fields.values()}
    targets = [
        OptionalNeed(
            object=target,
            fields={"Id": "text", _STAMP: "datetime", **{name: kinds.get(name, "text") for name in fields}},
        )
        for target, fields in STANDARD_MAP.items()
    ]
    return (OptionalNeed(object="Lead", fields=sources), *targets)


def _query(context: AuditContext) -> exp.Query:
    pairs = {target: carried_pairs(context, target) for target in TARGETS}
    named = [part for target, of in pairs.items() if of for part in _named(context, target, of)]
    if not named:
        return without_rows(_COLUMNS)
    rows = " UNION ALL ".join(
        _rows(target, of, seen_before=_has_versions(context, target)) for target, of in pairs.items() if of
    )
    return parse_select(f"WITH {', '.join(named)} {rows}")


def _named(context: AuditContext, target: Target, pairs: list[Pair]) -> Iterator[str]:
    """The leads of which anything is missing or different on one target, and what earlier pulls saw of the target."""
    name = target.lower()
    columns = [
        *_KEY,
        "codes",
        *(f"{side}_{number}" for number in range(1, len(pairs) + 1) for side in ("lead", "target")),
    ]
    # A subquery and no part of its own: DuckDB keeps all of a part's rows before it looks at the first.
    yield (
        f"of_{name} AS (SELECT {', '.join(f'j.{column} AS {column}' for column in columns)}"
        f" FROM ({_joined(context, target, pairs)}) AS j WHERE j.codes <> {literal('0' * len(pairs))})"
    )
    if _has_versions(context, target):
        yield f"seen_{name} AS ({_versions(context, target, pairs)})"


def _joined(context: AuditContext, target: Target, pairs: list[Pair]) -> str:
    """Leads beside one target, with both values of every pair, and one character a pair that says what became of it."""
    link, path = f"c.{target.lower()}_id", f"c.{target.lower()}_path"
    stamped = context.column(target, _STAMP) is not None or not context.columns
    in_time = f"COALESCE({column('t', _STAMP)} <= c.converted_at + INTERVAL '1 day', FALSE)" if stamped else "FALSE"
    values = [
        text
        for number, pair in enumerate(pairs, 1)
        for text in (
            f"{column('l', pair.lead_field)} AS lead_{number}",
            f"{column('t', pair.target_field)} AS target_{number}",
        )
    ]
    codes = " || ".join(pair.code(column("l", pair.lead_field), column("t", pair.target_field)) for pair in pairs)
    # Most records hold exactly what their lead does, which is told sooner than what became of each value.
    unlike = " OR ".join(
        pair.may_differ(column("l", pair.lead_field), column("t", pair.target_field)) for pair in pairs
    )
    return (
        f"SELECT c.lead_id AS lead_id, c.converted_at AS converted_at, c.converter_id AS converter_id, {path} AS path,"
        f" {link} AS target_id, {in_time} AS in_time, {codes} AS codes, {', '.join(values)}"
        f" FROM conversions AS c JOIN sf.Lead AS l ON l.Id = c.lead_id JOIN sf.{target} AS t ON t.Id = {link}"
        f" WHERE NOT c.is_loaded AND {path} IN ('created', 'attached') AND ({unlike})"
    )


def _has_versions(context: AuditContext, target: Target) -> bool:
    return target in context.history and context.column(target, _STAMP) is not None


def _versions(context: AuditContext, target: Target, pairs: list[Pair]) -> str:
    """What became of each pair in the first version of the target that a pull kept after the conversion, of that day.

    What is missing today and was there then, somebody has taken away since: that is no fault of the conversion.
    """
    kinds = context.columns[context.object(target) or target]

    def then(field: str) -> str:  # a field that changed its type in between is kept as text
        return f"CAST({column('h', field)} AS {kinds[field]})"

    codes = " || ".join(pair.code(f"k.lead_{number}", then(pair.target_field)) for number, pair in enumerate(pairs, 1))
    stamp = column("h", _STAMP)
    numbered = (
        f"SELECT k.lead_id AS lead_id, {codes} AS codes,"
        f" ROW_NUMBER() OVER (PARTITION BY k.lead_id ORDER BY {stamp}, h.valid_to) AS nth"
        f" FROM of_{target.lower()} AS k JOIN sf_history.{target} AS h ON h.Id = k.target_id"
        f" WHERE NOT k.in_time AND h.existed"
        f" AND {stamp} >= k.converted_at - INTERVAL '5 minutes' AND {stamp} <= k.converted_at + INTERVAL '1 day'"
    )
    return f"SELECT n.lead_id AS lead_id, n.codes AS codes FROM ({numbered}) AS n WHERE n.nth = 1"


def _rows(target: Target, pairs: list[Pair], *, seen_before: bool) -> str:
    """The faults, pair by pair, of the leads that have any."""
    names = ("number", "lead_field", "target_field", "part_of", "origin")
    listed = ", ".join(
        f"({number}, {', '.join(literal(word) for word in words)})"
        for number, pair in enumerate(pairs, 1)
        for words in [(pair.lead_field, pair.target_field, pair.part_of, pair.origin)]
    )
    code = "SUBSTRING(j.codes, m.number, 1)"
    said = {name: f"j.{name}" for name in ("lead_id", "converted_at", "converter_id", "path", "target_id")}
    said |= {name: f"m.{name}" for name in names[1:]}
    said["target_object"] = f"CAST({literal(target)} AS VARCHAR)"
    said["outcome"] = f"CASE WHEN {code} = '1' THEN 'lost' ELSE 'different' END"
    said["lead_value"] = _chosen("lead", [pair.lead_kind for pair in pairs])
    said["target_value"] = _chosen("target", [pair.target_kind for pair in pairs])
    said["is_as_converted"] = "j.in_time OR s.lead_id IS NOT NULL" if seen_before else "j.in_time"
    seen = f"LEFT JOIN seen_{target.lower()} AS s ON s.lead_id = j.lead_id" if seen_before else ""
    same = f"WHERE s.lead_id IS NULL OR SUBSTRING(s.codes, m.number, 1) = {code}" if seen_before else ""
    return (
        f"SELECT {', '.join(f'{said[name]} AS {name}' for name in _COLUMNS)} FROM of_{target.lower()} AS j"
        f" JOIN (VALUES {listed}) AS m({', '.join(names)}) ON {code} <> '0' {seen} {same}"
    )


def _chosen(side: str, kinds: list[str]) -> str:
    """The value of the pair that a row is about."""
    values = " ".join(f"WHEN {number} THEN {shown(f'j.{side}_{number}', kind)}" for number, kind in enumerate(kinds, 1))
    return f"CASE m.number {values} END"


RELATION = Relation(
    name="lead_carry_over",
    about=(
        "One row a mapped value of a converted lead that its target does not have (`lost`) or has otherwise "
        "(`different`), today; what arrived makes no row. `is_as_converted`: it was so within a day of the conversion, "
        "because the target was not changed later, or a pull kept that version; what a kept version shows to have been "
        "there then makes no row. Otherwise somebody may have changed it since."
    ),
    columns=_COLUMNS,
    optional=standard_options(),
    query=_query,
    reads=("conversions",),
)

"""M19, carry-over: how much of what a lead knew arrived on the account, contact and opportunity it became."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sfsync.audit.metrics.bench import Bench
from sfsync.audit.metrics.context import MetricContext
from sfsync.audit.metrics.metric import Metric, left_out
from sfsync.audit.metrics.shared_relations import Blind, read_relation
from sfsync.audit.metrics.tables import table
from sfsync.audit.metrics.wilson import SMALLEST_RANKABLE, percent, wilson95
from sfsync.records import MetricResult

METRIC = Metric(
    id="M19",
    name="carry-over",
    title="Carry-over at conversion",
    unit="percent",
    definition=(
        "Of the values that converted leads held in mapped fields, the share that the target holds: kept ÷ (kept + "
        "lost + different), for each field, path (target created or attached to) and converter."
    ),
    population="values of mapped fields of converted live leads whose target is there; loaded conversions left out",
    denominator="values that can be judged",
    why=(
        "A target that was changed long after the conversion says nothing of it: such faults are not evaluable, not "
        "lost. A target that was there before keeps its own values, so paths are told apart."
    ),
    needs=("Lead", "Account", "Contact", "Opportunity"),
    relations=("lead_carry_over_counts",),
)

_COUNTS = ("eligible", "lost", "different", "seen_late")


def compute(bench: Bench, context: MetricContext) -> MetricResult:
    """Kept, lost and different by field and path, and by converter."""
    unmet = METRIC.unmet(context, "Lead", "Id", "IsConverted", "ConvertedDate")
    if unmet:
        return unmet
    counts = read_relation(bench, context, "lead_carry_over_counts")
    if isinstance(counts, Blind):
        return METRIC.blind(context, counts.reason, counts.enable)
    fields = [_rated(row) for row in _counted(bench, counts, ("lead_field", "target_object", "target_field", "path"))]
    converters = [_rated(row) for row in _counted(bench, counts, ("converter_id",))]
    totals = _rated({name: sum(row[name] for row in fields) for name in _COUNTS})
    details = {
        "kept": totals["kept"],
        "lost": totals["lost"],
        "different": totals["different"],
        "wilson95": totals["wilson95"],
        "by_field": fields,
        "by_converter": converters,
        "not_evaluable": totals["seen_late"],
        "exclusions": left_out(**{"missing or other, on a target changed since": totals["seen_late"]}),
        "notes": [
            "A value that is different on a target the conversion attached to was most likely there before.",
            "Values of one lead stand or fall together, so the interval is narrower than it should be.",
        ],
        "tables": _tables(fields, converters),
    }
    reason = None if totals["n"] else "no converted lead held a value in a mapped field that can be judged"
    return METRIC.result(context, totals["percent"], totals["n"], details, reason)


def _counted(bench: Bench, counts: str, key: Sequence[str]) -> list[dict[str, Any]]:
    names = ", ".join(key)
    sums = ", ".join(f"CAST(sum({name}) AS BIGINT) AS {name}" for name in _COUNTS)
    order = ", ".join(str(place) for place in range(1, len(key) + 1))
    return bench.execute(f"SELECT {names}, {sums} FROM {counts} GROUP BY {names} ORDER BY {order}").dicts()


def _rated(row: Mapping[str, Any]) -> dict[str, Any]:
    """`n` leaves out the faults of targets that were changed since; they are among `lost` and `different` otherwise."""
    faults = row["lost"] + row["different"]
    n, kept = row["eligible"] - row["seen_late"], row["eligible"] - faults
    return dict(row) | {
        "n": n,
        "kept": kept,
        "faults": faults - row["seen_late"],
        "percent": percent(kept, n),
        "wilson95": wilson95(kept, n),
        "rankable": n >= SMALLEST_RANKABLE,
    }


def _tables(fields: Sequence[Mapping[str, Any]], converters: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    figures = {
        "n": ("count", "Values"),
        "kept": ("count", "Kept"),
        "faults": ("count", "Lost or different"),
        "seen_late": ("count", "Not evaluable"),
        "percent": ("percent", "Kept share"),
        "wilson95": ("interval", "95% interval"),
    }
    by_field = {
        "lead_field": ("text", "Lead field"),
        "target_object": ("text", "To"),
        "target_field": ("text", "Field"),
        "path": ("text", "Path"),
    }
    worst = sorted(fields, key=lambda row: (row["percent"] is None, row["percent"] or 0.0, -row["n"]))
    return [
        table("by-field", "By field, the worst first", by_field | figures, worst),
        table("by-converter", "By who converted", {"converter_id": ("id", "Converted by")} | figures, converters),
    ]

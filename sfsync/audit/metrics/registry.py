"""All metrics there are, in the order in which they are shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from sfsync.audit.metrics import (
    m01_conversion,
    m02_lead_to_won,
    m03_time_to_convert,
    m04_first_touch,
    m05_win_rate,
    m06_velocity,
    m07_stage_duration,
    m08_funnel,
    m09_coverage,
    m10_forecast,
    m11_waterfall,
    m12_pipeline_age,
    m13_slippage,
    m14_expected_revenue,
    m15_leaderboard,
    m16_qualification,
    m17_rule_rate,
    m18_early_conversion,
    m19_carry_over,
    m20_lead_ledger,
)
from sfsync.audit.metrics.bench import Bench
from sfsync.audit.metrics.context import MetricContext
from sfsync.audit.metrics.metric import Metric
from sfsync.audit.relations.build import BuiltRelations
from sfsync.config.spelling import suggestion
from sfsync.errors import UsageError
from sfsync.records import MetricResult
from sfsync.store.interface import Session


@dataclass(frozen=True, slots=True)
class Computed:
    """A metric and what computes it."""

    metric: Metric
    compute: Callable[[Bench, MetricContext], MetricResult]


_MODULES = (
    m01_conversion,
    m02_lead_to_won,
    m03_time_to_convert,
    m04_first_touch,
    m05_win_rate,
    m06_velocity,
    m07_stage_duration,
    m08_funnel,
    m09_coverage,
    m10_forecast,
    m11_waterfall,
    m12_pipeline_age,
    m13_slippage,
    m14_expected_revenue,
    m15_leaderboard,
    m16_qualification,
    m17_rule_rate,
    m18_early_conversion,
    m19_carry_over,
    m20_lead_ledger,
)

METRICS: tuple[Computed, ...] = tuple(Computed(module.METRIC, module.compute) for module in _MODULES)


def compute_all(
    session: Session, context: MetricContext, relations: BuiltRelations | None = None, *, sparing: bool = False
) -> tuple[MetricResult, ...]:
    """Every metric, each with a value or with the reason why there is none.

    Args:
        session: Any session.
        context: What metrics are told of the mirror.
        relations: Those that an audit under way has made.
        sparing: Leave out metrics that would need further ones: an audit of a few rules is to be fast.
    """
    made = frozenset[str]() if relations is None else relations.names
    with Bench(session, relations) as bench:
        return tuple(
            each.compute(bench, context) for each in METRICS if not sparing or made.issuperset(each.metric.relations)
        )


def compute_metric(session: Session, context: MetricContext, computed: Computed) -> MetricResult:
    """One metric, with the SQL it was counted by."""
    with Bench(session) as bench:
        return replace(computed.compute(bench, context), sql=bench.statements())


def find_metric(name: str) -> Computed:
    """The metric of this id or name, in any case. Raises `UsageError`."""
    wanted = name.casefold()
    for each in METRICS:
        if wanted in {each.metric.id.casefold(), each.metric.name.casefold()}:
            return each
    known = [key for each in METRICS for key in (each.metric.id, each.metric.name)]
    hint = suggestion(name, known) or "`sfsync metric list` names them all"
    raise UsageError(f"there is no metric {name!r}", hint=hint)

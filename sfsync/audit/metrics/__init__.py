"""Figures on conversion and winning that say what they count, as of when, and how sure they can be."""

from __future__ import annotations

from sfsync.audit.metrics.context import MetricContext
from sfsync.audit.metrics.m01_conversion import compute as conversion
from sfsync.audit.metrics.m03_time_to_convert import compute as time_to_convert
from sfsync.audit.metrics.m05_win_rate import compute as win_rate
from sfsync.records import MetricResult
from sfsync.store.interface import Session

__all__ = ["METRICS", "MetricContext", "compute_all"]

#: One function a metric, in the order in which they are shown.
METRICS = (conversion, time_to_convert, win_rate)


def compute_all(session: Session, context: MetricContext) -> tuple[MetricResult, ...]:
    """Every metric, each with a value or with the reason why there is none."""
    return tuple(compute(session, context) for compute in METRICS)

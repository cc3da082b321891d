"""Figures on conversion, pipeline and winning that say what they count, as of when, and how sure they can be."""

from __future__ import annotations

from sfsync.audit.metrics.bench import Bench
from sfsync.audit.metrics.context import MetricContext, metric_context
from sfsync.audit.metrics.registry import METRICS, compute_all, compute_metric, find_metric

__all__ = ["METRICS", "Bench", "MetricContext", "compute_all", "compute_metric", "find_metric", "metric_context"]

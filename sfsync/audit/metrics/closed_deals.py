"""Closed opportunities with the day on which they really closed, as the metrics of winning count them."""

from __future__ import annotations

from sfsync.audit.metrics.bench import Bench
from sfsync.audit.metrics.context import MetricContext
from sfsync.audit.metrics.opportunities import deals, has_history

__all__ = ["close_instant_in_words", "closed_deals", "has_history"]


def closed_deals(bench: Bench, context: MetricContext) -> str:
    """`(…) AS d`: the closed opportunities that say whether they were won; columns as of `deals`."""
    return f"(SELECT * FROM {deals(bench, context)} WHERE is_closed AND is_won IS NOT NULL) AS d"


def close_instant_in_words(context: MetricContext) -> str:
    """Which witness says when opportunities closed."""
    return "OpportunityHistory, else CloseDate" if has_history(context) else "CloseDate"

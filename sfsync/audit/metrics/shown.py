"""Metrics as text for a terminal: figures, and the cells of their tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sfsync.records import MetricResult

NOTHING = "-"


def figure(metric: MetricResult) -> str:
    """The headline with its unit, or `none`."""
    if metric.value is None:
        return "none"
    number = f"{metric.value:,.3f}".rstrip("0").rstrip(".")
    if metric.unit == "percent":
        return f"{number}%"
    if metric.unit.startswith("amount"):
        currency = metric.context.get("currency")
        words = metric.unit.replace("amount", f"({currency})" if currency else "").strip()
        return f"{metric.value:,.2f} {words}".strip()
    return f"{number} {metric.unit}"


def cell(kind: str, value: Any) -> str:
    """A value of a table as its column reads; see `tables.KINDS`."""
    if value is None:
        return NOTHING
    return _WAYS.get(kind, str)(value)


_WAYS: Mapping[str, Callable[[Any], str]] = {
    "count": lambda value: f"{value:,}",
    "percent": lambda value: f"{value:.1f}%",
    "interval": lambda ends: f"{ends[0]:.1f} to {ends[1]:.1f}",
    "days": lambda value: f"{value:,.1f}".removesuffix(".0"),
    "hours": lambda value: f"{value:,.1f}".removesuffix(".0"),
    "amount": lambda value: f"{value:,.2f}".removesuffix(".00"),
    "ratio": lambda value: f"{value:,.2f}",
}


def is_number(kind: str) -> bool:
    """Whether a column of this kind is set to the right."""
    return kind in _WAYS


def details(metric: MetricResult) -> list[tuple[str, str]]:
    """What is printed with every figure: (what, value)."""
    context: Mapping[str, Any] = metric.context
    period = context.get("period")
    lines = [
        ("definition", metric.definition),
        ("version", str(context.get("definition_id", metric.id))),
        ("population", str(context.get("population", ""))),
        ("n", f"{metric.n:,} ({context.get('denominator', '')})"),
        ("interval", cell("interval", context["wilson95"]) + " (95 %)" if context.get("wilson95") else ""),
        ("period", f"{period['label']}: {period['from']} to {period['to']}" if period else ""),
        ("from, to", f"{context['from']} to {context['to']}" if "from" in context else ""),
        ("scope", str(context.get("scope", ""))),
        ("not evaluable", f"{context.get('not_evaluable', 0):,}"),
        ("left out", "; ".join(f"{row['n']:,} {row['reason']}" for row in context.get("exclusions", ()))),
        ("currencies", str(context.get("currency_policy", ""))),
        ("time zone", str(context.get("timezone", ""))),
        ("as of", str(context.get("as_of", ""))),
    ]
    return [(what, value) for what, value in lines if value]

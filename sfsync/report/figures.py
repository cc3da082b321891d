"""The report's charts. Colours are CSS variables of the page, so that a chart follows dark mode and print.

What a chart shows stands beside it as a table as well.
"""

from __future__ import annotations

from calendar import month_abbr
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import altair as alt

from sfsync.audit.metrics.wilson import SMALLEST_RANKABLE
from sfsync.report.drawing import draw
from sfsync.report.text import counted, number, percentage

#: More than this is not read as a chart; the table has all of them.
MOST_SOURCES = 20
MOST_MONTHS = 36

#: From this many months on, only the first month of each quarter is written under its bar.
CROWDED = 20

PLOT = 470
WIDTH = 790
ROW = 30
HEIGHT = 220

#: Room around a drawing: a reader's font may be wider than the one that was measured here.
ROOM = {"left": 24, "right": 32, "top": 4, "bottom": 4}
INK, SOFT, LINE, ACCENT, FILL, PAPER = (f"var(--{name})" for name in ("ink", "soft", "line", "accent", "bar", "card"))


@dataclass(frozen=True, slots=True)
class SourceBar:
    """Conversion of one lead source, with its interval, in percent."""

    label: str
    n: int
    percent: float
    interval: tuple[float, float]
    rankable: bool


@dataclass(frozen=True, slots=True)
class MonthBar:
    """Conversion of the leads of one month (`2026-01`), with its interval, in percent."""

    month: str
    n: int
    percent: float
    interval: tuple[float, float]
    mature: bool


@dataclass(frozen=True, slots=True)
class Figure:
    """One chart: `svg` is safe to stand in a page as it is, `note` says how to read it and what it leaves out."""

    svg: str
    note: str


def conversion_by_source(bars: Sequence[SourceBar], overall: float | None) -> Figure | None:
    """A point a source with its 95 % interval, best first; groups too small to compare are hollow and come last."""
    if not bars:
        return None
    biggest = sorted(bars, key=lambda bar: -bar.n)[:MOST_SOURCES]
    shown = sorted(biggest, key=lambda bar: (not bar.rankable, -bar.percent))
    # Two sources may read the same once made safe; their place keeps them apart.
    rows = [
        asdict(bar) | {"place": place, "told": f"{percentage(bar.percent)} of {number(bar.n)}"}
        for place, bar in enumerate(shown)
    ]
    chart = alt.layer(*_source_layers(rows, overall)).properties(width=PLOT, height=ROW * len(rows), padding=ROOM)
    best = shown[0]
    svg = draw(
        chart,
        dom_id="by-source",
        title="Conversion by lead source",
        description=f"The share converted of {counted(len(rows), 'lead source')}, each with its 95% interval. Highest: "
        f"{best.label}, {percentage(best.percent)} of {counted(best.n, 'lead')}. All figures are in the table.",
    )
    note = "Point: share converted. Line: 95% interval; sources whose lines overlap cannot be ranked. "
    if not all(bar.rankable for bar in shown):
        note += f"Hollow: fewer than {SMALLEST_RANKABLE} leads, too few to compare. "
    if overall is not None:
        note += "Dashed: all sources together. "
    if len(bars) > len(shown):
        note += f"The {len(shown)} sources with most leads are drawn; the table has all {len(bars)}."
    return Figure(svg, note.strip())


def _percent_axis(**more: Any) -> alt.Axis:
    return alt.Axis(
        labelExpr="datum.label + '%'",
        labelColor=SOFT,
        labelFontSize=12,
        grid=True,
        gridColor=LINE,
        domain=False,
        ticks=False,
        tickCount=5,
        labelFlush=False,
        **more,
    )


def _source_layers(rows: list[dict[str, Any]], overall: float | None) -> list[alt.Chart]:
    base = alt.Chart({"values": rows}).encode(y=alt.Y("place:O", axis=None))
    scale = alt.Scale(domain=[0, max(1.0, *(row["interval"][1] for row in rows))], nice=True)
    layers = [
        base.mark_rule(stroke=ACCENT, strokeWidth=3, strokeOpacity=0.4, strokeCap="round").encode(
            x=alt.X("interval[0]:Q", scale=scale, axis=_percent_axis(), title=None), x2="interval[1]:Q"
        ),
        base.mark_point(size=75, strokeWidth=2, stroke=ACCENT, opacity=1).encode(
            x=alt.X("percent:Q", scale=scale),
            fill=alt.condition("datum.rankable", alt.value(ACCENT), alt.value(PAPER)),
        ),
        base.mark_text(align="right", dx=-12, fill=INK, fontSize=13, limit=170).encode(x=alt.value(0), text="label:N"),
        base.mark_text(align="left", dx=12, fill=SOFT, fontSize=12).encode(x=alt.value(PLOT), text="told:N"),
    ]
    if overall is not None:
        mean = alt.Chart({"values": [{"all": overall}]})
        layers.insert(0, mean.mark_rule(stroke=SOFT, strokeDash=[3, 3]).encode(x=alt.X("all:Q", scale=scale)))
    return layers


def conversion_by_month(bars: Sequence[MonthBar]) -> Figure | None:
    """A bar a month of creation with its 95 % interval; months too young to judge are hollow and dashed."""
    if not bars:
        return None
    shown = list(bars[-MOST_MONTHS:])
    top = _top(shown)
    rows = [
        asdict(bar) | {"low": bar.interval[0], "high": min(bar.interval[1], top)} | _under(bar, place, len(shown))
        for place, bar in enumerate(shown)
    ]
    chart = alt.layer(*_month_layers(rows, top)).properties(width=WIDTH, height=HEIGHT, padding=ROOM)
    young = sum(not bar.mature for bar in shown)
    svg = draw(
        chart,
        dom_id="by-month",
        title="Conversion by month of creation",
        description=f"The share converted of the leads created in each of {counted(len(shown), 'month')}, with its 95% "
        f"interval; {young} of them too young to judge. All figures are in the table.",
    )
    note = "Bar: share of the month's leads converted so far. Thin line: 95% interval. "
    if young:
        note += "Hollow, dashed: too young to judge; these will still rise. "
    if any(bar.mature and bar.interval[1] > top for bar in shown):
        note += "A line that ends at the top goes on beyond it. "
    if len(bars) > len(shown):
        note += f"The last {len(shown)} months are drawn; the table has all {len(bars)}."
    return Figure(svg, note.strip())


def _under(bar: MonthBar, place: int, months: int) -> dict[str, str]:
    """What is written under a bar: the month, how many leads it stands for, and the year where it begins."""
    year, in_year = bar.month.split("-")
    few = f"n={number(bar.n)}" if bar.n < 10_000 else f"n={bar.n // 1000}k"
    name = month_abbr[int(in_year)] if months < CROWDED or place == 0 or int(in_year) % 3 == 1 else ""
    return {
        "name": name,
        "told": few if months < CROWDED else "",
        "year": year if place == 0 or in_year == "01" else "",
    }


def _month_layers(rows: list[dict[str, Any]], top: float) -> list[alt.Chart]:
    base = alt.Chart({"values": rows}).encode(
        x=alt.X("month:O", axis=None, scale=alt.Scale(paddingInner=0.35, paddingOuter=0.15))
    )
    scale = alt.Scale(domain=[0, top])
    mature = "datum.mature"
    return [
        base.mark_bar(strokeWidth=1.5).encode(
            y=alt.Y("percent:Q", scale=scale, axis=_percent_axis(), title=None),
            fill=alt.condition(mature, alt.value(FILL), alt.value(PAPER)),
            stroke=alt.condition(mature, alt.value(FILL), alt.value(ACCENT)),
            strokeDash=alt.condition(mature, alt.value([1, 0]), alt.value([4, 3])),
        ),
        base.transform_filter(mature)
        .mark_rule(stroke=SOFT, strokeWidth=1.25)
        .encode(y=alt.Y("low:Q", scale=scale), y2="high:Q"),
        base.mark_text(fill=SOFT, fontSize=12, dy=16).encode(y=alt.value(HEIGHT), text="name:N"),
        base.mark_text(fill=SOFT, fontSize=10, dy=30).encode(y=alt.value(HEIGHT), text="told:N"),
        base.mark_text(fill=SOFT, fontSize=12, dy=46, fontWeight="bold").encode(y=alt.value(HEIGHT), text="year:N"),
    ]


def _top(bars: Sequence[MonthBar]) -> float:
    """The highest percentage drawn: all bars fit, and the intervals of all but the smallest months do."""
    sure = [bar.interval[1] for bar in bars if bar.mature and bar.n >= SMALLEST_RANKABLE]
    return min(100.0, max(1.0, *(1.2 * bar.percent for bar in bars), *sure))

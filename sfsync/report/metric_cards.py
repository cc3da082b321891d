"""Metrics as the report shows them: the figure, how sure it is, what was left out, and the tables behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sfsync.records import MetricResult
from sfsync.report.text import counted, impersonal, interval, number, percentage, visible

Labeller = Callable[[object], str]


@dataclass(frozen=True, slots=True)
class Table:
    """A table of ready texts; the first column is the row's heading, `key` names it for the page."""

    key: str
    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class MetricCard:
    """One metric.

    Attributes:
        id: e.g. `M01`.
        title: e.g. "Lead conversion".
        figure: The headline as text, e.g. `10.5%`, or a word in its place.
        basis: What the figure rests on, e.g. `842 of 8,000 leads`.
        sureness: The interval in words, or None.
        reason: Why there is no figure, or None.
        definition: The exact formula in words.
        asides: Other figures worth a line: (what, value).
        exclusions: (why left out, how many).
        notes: What to know before quoting the figure.
        tables: Everything else.
    """

    id: str
    title: str
    figure: str
    basis: str
    sureness: str | None
    reason: str | None
    definition: str
    asides: tuple[tuple[str, str], ...]
    exclusions: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    tables: tuple[Table, ...]


def metric_card(metric: MetricResult, *, include_values: bool) -> MetricCard:
    """The card of any metric; those the report knows well say more."""
    context = metric.context
    label: Labeller = visible if include_values else impersonal
    basis, asides, tables = _DETAILS.get(metric.id, _plain)(metric, label)
    ends = context.get("wilson95")
    return MetricCard(
        id=metric.id,
        title=metric.title,
        figure=_figure(metric),
        basis=basis,
        sureness=f"95% interval {interval(ends)}" if ends and metric.value is not None else None,
        reason=metric.reason,
        definition=metric.definition,
        asides=asides,
        exclusions=tuple((row["reason"], number(row["n"])) for row in context.get("exclusions", ())),
        notes=(*context.get("notes", ()), *([f"To enable it: {enable}"] if (enable := context.get("enable")) else [])),
        tables=tables,
    )


def _figure(metric: MetricResult) -> str:
    if metric.value is None:
        unknown = (metric.reason or "").startswith("not evaluable")
        return "Not evaluable" if unknown else "No median" if metric.unit == "days" and metric.n else "No figure"
    if metric.unit == "percent":
        return percentage(metric.value)
    whole = metric.value == int(metric.value)
    text = number(metric.value, 0 if whole or metric.unit.startswith("amount") else 1)
    return f"{text} {'day' if metric.value == 1 else 'days'}" if metric.unit == "days" else text


#: Basis, asides and tables of a `MetricCard`.
Details = tuple[str, tuple[tuple[str, str], ...], tuple[Table, ...]]
Rows = list[tuple[str, ...]]
Context = Mapping[str, Any]


def _plain(metric: MetricResult, label: Labeller) -> Details:
    """The card of a metric that brings its own tables."""
    context = metric.context
    basis = f"n = {number(metric.n)}: {context['denominator']}" if context.get("denominator") else _counted(metric)
    asides = [(what, visible(context[key], 120)) for key, what in _ASIDES.items() if context.get(key)]
    if metric.unit.startswith("amount") and context.get("currency"):
        asides.append(("In", visible(context["currency"], 40)))
    tables = tuple(_own_table(metric.id, told, label) for told in context.get("tables", ()) if told["rows"])
    return basis, tuple(asides), tables


#: What else of the context is worth a line.
_ASIDES = {"close_instant": "Closed as told by", "owner_at_close": "Owners as told by", "hours_are": "Hours"}


def _counted(metric: MetricResult) -> str:
    return counted(metric.n, "record")


def _own_table(metric_id: str, told: Mapping[str, Any], label: Labeller) -> Table:
    """A table as the metric has made it, its cells as texts."""
    columns = told["columns"]
    rows = [tuple(_cell(column["kind"], row.get(column["name"]), label) for column in columns) for row in told["rows"]]
    left = told["rows_left_out"]
    caption = visible(told["title"], 200) + (f" ({number(left)} more rows not shown)" if left else "")
    headings = tuple(visible(column["heading"], 80) for column in columns)
    return Table(f"{metric_id.lower()}-{told['key']}", caption, headings, tuple(rows))


def _cell(kind: str, value: Any, label: Labeller) -> str:
    if value is None:
        return number(None)
    return _CELLS[kind](value) if kind in _CELLS else label(value) if kind in {"label", "id"} else visible(value, 200)


_CELLS: Mapping[str, Callable[[Any], str]] = {
    "count": number,
    "percent": percentage,
    "interval": interval,
    "days": lambda value: number(value, 0 if value == int(value) else 1),
    "hours": lambda value: number(value, 0 if value == int(value) else 1),
    "amount": lambda value: number(value, 0 if value == int(value) else 2),
    "ratio": lambda value: number(value, 2),
}


def _conversion(metric: MetricResult, label: Labeller) -> Details:
    context = metric.context
    if "converted" not in context:
        return "", (), ()
    age = f"at least {context['maturity_days']} days old"
    basis = f"{number(context['converted'])} of {counted(metric.n, 'lead')} {age}"
    asides = [
        (f"Within {row['days']} days of creation", percentage(row["percent"]))
        for row in context["horizons"] or ()
        if row["days"] in {30, 90} and row["n"]
    ]
    tables = []
    if context["horizons"]:
        rows: Rows = [(f"{row['days']} days", *_share(row, "converted")) for row in context["horizons"]]
        columns = ("Within", "Leads old enough", "Converted", "Share", "95% interval")
        tables.append(Table("horizons", "Converted within", columns, tuple(rows)))
    if context["by_source"]:
        tables.append(_by_source(context, label))
    if context["by_month"]:
        tables.append(_by_month(context))
    return basis, tuple(asides), tuple(tables)


def _by_source(context: Context, label: Labeller) -> Table:
    rows: Rows = [
        (label(row["source"]), *_share(row, "converted"), "" if row["rankable"] else "too few to compare")
        for row in context["by_source"]
    ]
    columns = ("Lead source", "Leads", "Converted", "Share", "95% interval", "")
    return Table("by-source", "Conversion by lead source", columns, tuple(rows))


def _by_month(context: Context) -> Table:
    rows: Rows = [
        (
            row["month"],
            *_share(row, "converted"),
            percentage(row["percent_within_maturity"]),
            "" if row["mature"] else "too young to judge",
        )
        for row in context["by_month"]
    ]
    within = f"Within {context['maturity_days']} days"
    columns = ("Created in", "Leads", "Converted", "Share", "95% interval", within, "")
    return Table("by-month", "Conversion by month of creation", columns, tuple(rows))


def _time_to_convert(metric: MetricResult, _label: Labeller) -> Details:
    context = metric.context
    if "km" not in context:
        return "", (), ()
    waiting = f"{number(context['converted'])} converted, {number(context['censored'])} waiting"
    asides = tuple(
        (f"{share[1:]}% of leads have converted after", _days(day))
        for share, day in context["km"].items()
        if day is not None and day != metric.value
    )
    rows: Rows = [
        (f"{row['days']} days", percentage(row["percent"]), interval(row["interval95"]))
        for row in context["km_converted_by"]
    ]
    caption = "Share of all leads converted, those still waiting counted in (Kaplan-Meier)"
    after = Table("after", caption, ("After", "Share", "95% interval"), tuple(rows))
    return f"{counted(metric.n, 'lead')}: {waiting}", asides, (after, *_converted_only(context["converted_only"]))


def _converted_only(figures: Context) -> list[Table]:
    if not figures["n"]:
        return []
    rows: Rows = [
        ("Converted leads", number(figures["n"])),
        ("Median", _days(figures["median"])),
        ("Mean", _days(figures["mean"])),
        ("Nine in ten within", _days(figures["p90"])),
        ("Within 30 days", percentage(figures["share_within_30"])),
    ]
    return [Table("converted-only", figures["label"], ("Figure", "Value"), tuple(rows))]


def _win_rate(metric: MetricResult, _label: Labeller) -> Details:
    context = metric.context
    if "won" not in context:
        return "", (), ()
    basis = f"{number(context['won'])} won, {number(context['lost'])} lost"
    tables = []
    if context["by_month"]:
        rows: Rows = [(row["month"], *_share(row, "won")) for row in context["by_month"]]
        caption = f"Win rate by month of closing ({context['close_instant']['source']})"
        columns = ("Closed in", "Closed", "Won", "Share", "95% interval")
        tables.append(Table("closed-by-month", caption, columns, tuple(rows)))
    if context["amounts"]:
        tables.append(_amounts(context))
    return basis, (("Still open, not counted", number(context["open"])),), tuple(tables)


def _amounts(context: Context) -> Table:
    rows: Rows = [
        (
            visible(row["currency"] or "the org's currency", 20),
            number(row["won_amount"]),
            number(row["lost_amount"]),
            percentage(row["percent"]),
            number(row["without_amount"]),
        )
        for row in context["amounts"]
    ]
    columns = ("Currency", "Won", "Lost", "Share of amount", "Without amount")
    return Table("amounts", "Amounts, never added up across currencies", columns, tuple(rows))


_DETAILS: Mapping[str, Callable[[MetricResult, Labeller], Details]] = {
    "M01": _conversion,
    "M03": _time_to_convert,
    "M05": _win_rate,
}


def _days(days: float | None) -> str:
    if days is None:
        return number(None)
    return f"{number(days, 0 if days == int(days) else 1)} {'day' if days == 1 else 'days'}"


def _share(row: Mapping[str, Any], hits: str) -> tuple[str, str, str, str]:
    return number(row["n"]), number(row[hits]), percentage(row["percent"]), interval(row["wilson95"])

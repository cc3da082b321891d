"""Tables within a metric's context: rows as plain dicts, and how each column reads, for every output alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

#: Beyond this many rows a table helps nobody; what is left out is said.
MOST_ROWS = 100

#: How a column reads. A `label` is a value of the org's, which may name a person; an `id` is a record's.
KINDS = ("text", "label", "id", "count", "percent", "interval", "days", "hours", "amount", "ratio", "date", "flag")


def table(
    key: str, title: str, columns: Mapping[str, tuple[str, str]], rows: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """One table.

    Args:
        key: Names it within the metric.
        title: What it shows, in words.
        columns: Name in the rows → how it reads (see `KINDS`), and its heading.
        rows: May hold more than is shown; the JSON has all of it.
    """
    return {
        "key": key,
        "title": title,
        "columns": [{"name": name, "kind": kind, "heading": heading} for name, (kind, heading) in columns.items()],
        "rows": [dict(row) for row in rows[:MOST_ROWS]],
        "rows_left_out": max(0, len(rows) - MOST_ROWS),
    }

"""An explanation as one HTML page that needs nothing else: no script, no network, safe against what an org may hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from sfsync import __version__
from sfsync.sync.plan.explain import next_step, nothing_to_do, where
from sfsync.sync.plan.explain_text import visible


def explain_html(told: Mapping[str, Any]) -> str:
    """The explanation as an HTML page.

    Args:
        told: What `explain` gave.
    """
    environment = Environment(
        loader=PackageLoader("sfsync.sync.plan"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["visible"] = lambda value: "empty" if value is None else visible(value)
    environment.filters["where"] = where
    environment.filters["count"] = lambda number: f"{number:,}"
    return environment.get_template("plan.html.j2").render(
        told=told, next_step=next_step(told), nothing=nothing_to_do(told), version=__version__
    )

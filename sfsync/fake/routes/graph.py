"""Composite graphs: many composite requests in one, each all or none and on its own."""

from __future__ import annotations

from typing import Any

from werkzeug.wrappers import Response

from sfsync.fake import faults
from sfsync.fake.routes.composite import Chain, check_entries
from sfsync.fake.routes.subrequests import entries_of
from sfsync.fake.routing import Context, Route, json_response

_MOST_GRAPHS = 75
_MOST_NODES = 500


def graph(context: Context, version: str) -> Response:
    """Run the graphs one after the other."""
    graphs = entries_of(context.json(), "graphs", most=_MOST_GRAPHS, what="graphs")
    chains = [entries_of(one, "compositeRequest", most=_MOST_NODES, what="nodes") for one in graphs]
    nodes = sum(len(entries) for entries in chains)
    if nodes > _MOST_NODES:
        # from memory
        raise faults.invalid_input(f"Limit of {_MOST_NODES} nodes exceeded: {nodes}", code="LIMIT_EXCEEDED")
    seen: set[str] = set()
    for one, entries in zip(graphs, chains, strict=True):
        name = one.get("graphId")
        if not isinstance(name, str) or not name:
            raise faults.json_unreadable("A graph needs a graphId")  # from memory
        if name in seen:
            raise faults.invalid_input(f"Duplicate graph ID: {name}")  # from memory
        seen.add(name)
        check_entries(entries, version)
    return json_response(
        {
            "graphs": [
                _told(Chain(context, version, all_or_none=True), one["graphId"], entries)
                for one, entries in zip(graphs, chains, strict=True)
            ]
        }
    )


def _told(chain: Chain, name: str, entries: list[dict[str, Any]]) -> dict[str, Any]:
    answers = chain.run(entries)
    return {"graphId": name, "graphResponse": {"compositeResponse": answers}, "isSuccessful": not chain.failed}


ROUTES = (Route("POST", "/services/data/v<version:version>/composite/graph", graph, "Composite graph"),)

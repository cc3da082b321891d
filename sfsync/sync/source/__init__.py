"""Where the rows of a push come from: files, data frames, queries; loaded into a table, and their form shown."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sfsync.sync.source.dates import settle_dates
    from sfsync.sync.source.frame import load_frame
    from sfsync.sync.source.load import load_source, load_table
    from sfsync.sync.source.source_table import SourceTable

__all__ = ["SourceTable", "load_frame", "load_source", "load_table", "settle_dates"]

#: Where each stands: the readers cost their libraries, and are paid by those who read files.
_MODULES = {
    "SourceTable": "source_table",
    "load_frame": "frame",
    "load_source": "load",
    "load_table": "load",
    "settle_dates": "dates",
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""Writes to the org, with everything Salesforce does along with them; every protocol's routes end here.

`create`, `update` and `upsert` take rows as clients send them (field names in any case; JSON values or texts; a
relationship's name with an external ID for a parent) and answer with one `RowOutcome` a row. Call-level refusals are
raised as `faults.Fault`. Several calls become one transaction within `org.database.together()`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sfsync.fake.dml import direct, loading
    from sfsync.fake.dml.bin import delete, purge, undelete
    from sfsync.fake.dml.keys import find_by_key, identifies, key_field, object_of, status_of
    from sfsync.fake.dml.merging import MergeOutcome, merge
    from sfsync.fake.dml.outcome import RowError, RowOutcome, WriteOptions
    from sfsync.fake.dml.retrieval import json_value, retrieve
    from sfsync.fake.dml.writes import create, update, upsert

__all__ = [
    "MergeOutcome",
    "RowError",
    "RowOutcome",
    "WriteOptions",
    "create",
    "delete",
    "direct",
    "find_by_key",
    "identifies",
    "json_value",
    "key_field",
    "loading",
    "merge",
    "object_of",
    "purge",
    "retrieve",
    "status_of",
    "undelete",
    "update",
    "upsert",
]

#: Where each name is at home. A new org needs few of them, and every test that makes one waits for what it imports.
_HOMES = {
    "bin": ("delete", "purge", "undelete"),
    "keys": ("find_by_key", "identifies", "key_field", "object_of", "status_of"),
    "merging": ("MergeOutcome", "merge"),
    "outcome": ("RowError", "RowOutcome", "WriteOptions"),
    "retrieval": ("json_value", "retrieve"),
    "writes": ("create", "update", "upsert"),
}


def __getattr__(name: str) -> Any:
    if name in {"direct", "loading"}:
        return import_module(f"{__name__}.{name}")
    home = next((module for module, names in _HOMES.items() if name in names), None)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{home}"), name)
    return value

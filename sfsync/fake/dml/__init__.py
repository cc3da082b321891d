"""Writes to the org, with everything Salesforce does along with them; every protocol's routes end here.

`create`, `update` and `upsert` take rows as clients send them (field names in any case; JSON values or texts; a
relationship's name with an external ID for a parent) and answer with one `RowOutcome` a row. Call-level refusals are
raised as `faults.Fault`. Several calls become one transaction within `org.database.together()`.
"""

from __future__ import annotations

from sfsync.fake.dml.bin import delete, purge, undelete
from sfsync.fake.dml.keys import find_by_key, identifies, key_field, object_of, status_of
from sfsync.fake.dml.merge import MergeOutcome, merge
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
    "find_by_key",
    "identifies",
    "json_value",
    "key_field",
    "merge",
    "object_of",
    "purge",
    "retrieve",
    "status_of",
    "undelete",
    "update",
    "upsert",
]

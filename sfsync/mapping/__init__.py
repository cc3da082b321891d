"""Mappings: Salesforce's names on the left, yours on the right, in one YAML file a local table."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sfsync.mapping.check import check_mappings
    from sfsync.mapping.check_warnings import mapping_warnings
    from sfsync.mapping.load import load_mappings, read_mapping
    from sfsync.mapping.local_tables import refresh_local_tables
    from sfsync.mapping.push_columns import PushColumn, PushLookup, PushPlan
    from sfsync.mapping.schema import FieldMapping, Lookup, Mapping, SourceSpec, mapping_schema
    from sfsync.mapping.starters import starter_mappings

# Each name is imported on first use: a pull without mappings must not pay for SQLGlot and every transform.
_HOMES = {
    "FieldMapping": "schema",
    "Lookup": "schema",
    "Mapping": "schema",
    "PushColumn": "push_columns",
    "PushLookup": "push_columns",
    "PushPlan": "push_columns",
    "SourceSpec": "schema",
    "check_mappings": "check",
    "load_mappings": "load",
    "mapping_schema": "schema",
    "mapping_warnings": "check_warnings",
    "read_mapping": "load",
    "refresh_local_tables": "local_tables",
    "starter_mappings": "starters",
}

__all__ = [
    "FieldMapping",
    "Lookup",
    "Mapping",
    "PushColumn",
    "PushLookup",
    "PushPlan",
    "SourceSpec",
    "check_mappings",
    "load_mappings",
    "mapping_schema",
    "mapping_warnings",
    "read_mapping",
    "refresh_local_tables",
    "starter_mappings",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'sfsync.mapping' has no attribute {name!r}")
    value = getattr(import_module(f"sfsync.mapping.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

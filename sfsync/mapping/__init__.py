"""Mappings: Salesforce's names on the left, yours on the right, in one YAML file a local table."""

from __future__ import annotations

from sfsync.mapping.check import check_mappings
from sfsync.mapping.load import load_mappings, read_mapping
from sfsync.mapping.local_tables import refresh_local_tables
from sfsync.mapping.schema import FieldMapping, Lookup, Mapping, mapping_schema
from sfsync.mapping.starters import starter_mappings

__all__ = [
    "FieldMapping",
    "Lookup",
    "Mapping",
    "check_mappings",
    "load_mappings",
    "mapping_schema",
    "read_mapping",
    "refresh_local_tables",
    "starter_mappings",
]

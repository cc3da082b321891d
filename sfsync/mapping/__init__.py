"""Mappings: Salesforce's names on the left, yours on the right, in one YAML file a local table."""

from __future__ import annotations

from sfsync.mapping.check import check_mappings
from sfsync.mapping.check_data import check_data
from sfsync.mapping.check_warnings import mapping_warnings
from sfsync.mapping.load import load_mappings, read_mapping
from sfsync.mapping.local_tables import refresh_local_tables
from sfsync.mapping.push_columns import PushColumn, PushLookup, PushPlan, push_columns
from sfsync.mapping.schema import FieldMapping, Lookup, Mapping, SourceSpec, mapping_schema
from sfsync.mapping.starters import starter_mappings

__all__ = [
    "FieldMapping",
    "Lookup",
    "Mapping",
    "PushColumn",
    "PushLookup",
    "PushPlan",
    "SourceSpec",
    "check_data",
    "check_mappings",
    "load_mappings",
    "mapping_schema",
    "mapping_warnings",
    "push_columns",
    "read_mapping",
    "refresh_local_tables",
    "starter_mappings",
]

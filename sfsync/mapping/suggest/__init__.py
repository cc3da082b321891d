"""Drafts a mapping from what the org says of an object and what the columns of a source hold."""

from __future__ import annotations

from sfsync.mapping.suggest.draft import Draft, Origin, suggest_mapping
from sfsync.mapping.suggest.profile import ColumnProfile, profile_columns

__all__ = ["ColumnProfile", "Draft", "Origin", "profile_columns", "suggest_mapping"]

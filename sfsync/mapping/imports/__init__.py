"""Mapping files of other tools, made into ours: what cannot be carried over stands there as a comment with its line."""

from __future__ import annotations

from sfsync.mapping.imports.read import Imported, ImportOptions, import_mapping

__all__ = ["ImportOptions", "Imported", "import_mapping"]

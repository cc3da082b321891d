"""Keeps the mirror and the org in step."""

from __future__ import annotations

from sfsync.sync.pull import PullOptions, PullResult, pull

__all__ = ["PullOptions", "PullResult", "pull"]

"""Everything that speaks Salesforce: logging in, asking, downloading."""

from __future__ import annotations

from sfsync.salesforce.connection import connect
from sfsync.salesforce.org import Org

__all__ = ["Org", "connect"]

"""sfsync: a faithful local mirror of a Salesforce org's leads and opportunities, and audits of their conversion."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from sfsync.audit import audit
    from sfsync.fake import FakeOrg
    from sfsync.mapping import Mapping
    from sfsync.salesforce import Org, connect
    from sfsync.store import Store, open_store
    from sfsync.sync.apply.options import ApplyOptions
    from sfsync.sync.apply.retry import retry
    from sfsync.sync.apply.run import apply
    from sfsync.sync.budget import BudgetLimits
    from sfsync.sync.options import PullOptions
    from sfsync.sync.pull import pull
    from sfsync.sync.selection import Selection
    from sfsync.sync.verify import verify

# Each name is imported on first use: `import sfsync` must not cost a database, a data frame and an HTTP client.
_HOMES = {
    "ApplyOptions": "sfsync.sync.apply.options",
    "BudgetLimits": "sfsync.sync.budget",
    "FakeOrg": "sfsync.fake",
    "Mapping": "sfsync.mapping",
    "Org": "sfsync.salesforce",
    "PullOptions": "sfsync.sync.options",
    "Selection": "sfsync.sync.selection",
    "Store": "sfsync.store",
    "apply": "sfsync.sync.apply.run",
    "audit": "sfsync.audit",
    "connect": "sfsync.salesforce",
    "open_store": "sfsync.store",
    "pull": "sfsync.sync.pull",
    "retry": "sfsync.sync.apply.retry",
    "verify": "sfsync.sync.verify",
}

__all__ = [
    "ApplyOptions",
    "BudgetLimits",
    "FakeOrg",
    "Mapping",
    "Org",
    "PullOptions",
    "Selection",
    "Store",
    "__version__",
    "apply",
    "audit",
    "connect",
    "open_store",
    "pull",
    "retry",
    "verify",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'sfsync' has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

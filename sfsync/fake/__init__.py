"""The fake org: a protocol-faithful local Salesforce for tests and trials.

::

    org = FakeOrg.seeded(seed=1, leads=400)
    sf = simple_salesforce.Salesforce(instance_url=org.instance_url, session_id=org.token, session=org.session())
    sf.query("SELECT COUNT() FROM Lead")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sfsync.fake.org import FakeOrg

__all__ = ["FakeOrg"]


def __getattr__(name: str) -> Any:
    # The org brings a database along; `sfsync.fake.ids` and the like must not.
    if name == "FakeOrg":
        from sfsync.fake.org import FakeOrg  # noqa: PLC0415

        return FakeOrg
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""What is known of an org without asking it: whether mistakes in it hurt."""

from __future__ import annotations

from typing import Literal

from sfsync.store.columns import table_columns
from sfsync.store.interface import Session

OrgKind = Literal["production", "sandbox", "unknown"]


def kind_of_org(session: Session, instance_url: str | None) -> OrgKind:
    """Whether the mirrored org is a sandbox: by its own word where Organization is mirrored, else by its address."""
    if "IsSandbox" in table_columns(session, "sf_all", "Organization"):
        said = session.execute('SELECT "IsSandbox" FROM sf_all."Organization" LIMIT 1').scalar()
        if said is not None:
            return "sandbox" if said else "production"
    host = (instance_url or "").casefold()
    if ".sandbox.my.salesforce.com" in host or ".scratch.my.salesforce.com" in host:
        return "sandbox"
    return "production" if host.endswith(".my.salesforce.com") else "unknown"

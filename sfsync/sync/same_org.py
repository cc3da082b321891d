"""A mirror is of one org: pulling another into it, or holding it against another, would mix two companies' records."""

from __future__ import annotations

from sfsync.errors import UsageError
from sfsync.salesforce import Org


def refuse_another_org(org: Org, mirrored: str | None) -> None:
    """Raise `UsageError` when the login is for another org than the mirror's (`mirrored`: its Id, None before any)."""
    if org.org_id and mirrored and mirrored[:15] != org.org_id[:15]:
        raise UsageError(
            f"this mirror is of org {mirrored}, but the login is for org {org.org_id} ({org.instance_url})",
            hint="use another project folder, or another --target-org",
        )

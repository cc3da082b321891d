"""Every resource that the fake org serves, one module a family."""

from __future__ import annotations

from sfsync.fake.routes import bulk_query, describe, identity, limits, oauth, query, soap_login, versions
from sfsync.fake.routing import Route

ROUTES: tuple[Route, ...] = (
    *versions.ROUTES,
    *oauth.ROUTES,
    *identity.ROUTES,
    *soap_login.ROUTES,
    *describe.ROUTES,
    *query.ROUTES,
    *bulk_query.ROUTES,
    *limits.ROUTES,
)

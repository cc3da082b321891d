"""Every resource that the fake org serves, one module a family."""

from __future__ import annotations

from sfsync.fake.routes import (
    batch,
    bulk_ingest,
    bulk_query,
    bulk_v1,
    collections,
    composite,
    describe,
    graph,
    identity,
    limits,
    oauth,
    query,
    records,
    replication,
    soap,
    tooling,
    tree,
    versions,
)
from sfsync.fake.routing import Route

ROUTES: tuple[Route, ...] = (
    *versions.ROUTES,
    *oauth.ROUTES,
    *identity.ROUTES,
    *soap.ROUTES,
    *describe.ROUTES,
    *records.ROUTES,
    *replication.ROUTES,
    *query.ROUTES,
    *composite.ROUTES,
    *batch.ROUTES,
    *graph.ROUTES,
    *tree.ROUTES,
    *collections.ROUTES,
    *bulk_query.ROUTES,
    *bulk_ingest.ROUTES,
    *bulk_v1.ROUTES,
    *limits.ROUTES,
    *tooling.ROUTES,
)

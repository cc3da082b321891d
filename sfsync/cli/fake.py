"""`sfsync fake`: run the fake org for tests in any language."""

from __future__ import annotations

from sfsync.cli.lazy import Entry, LazyGroup

command = LazyGroup(
    "fake",
    help="Run the fake org: a local Salesforce for tests and trials, in any language.",
    sections={"Commands": {"serve": Entry("sfsync.cli.fake_serve", "Serve a fake org over TLS on this machine.")}},
)

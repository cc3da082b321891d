from __future__ import annotations

from pathlib import Path

from sfsync.fake.coverage import NOT_SERVED, page
from sfsync.fake.routes import ROUTES
from sfsync.fake.routing import Coverage

DOCS = Path(__file__).parents[3] / "docs"


def test_the_published_table_is_current():
    assert (DOCS / "fake-org-coverage.md").read_text() == page(), (
        "run python -m sfsync.fake.coverage > docs/fake-org-coverage.md"
    )


def test_every_route_and_every_gap_is_listed():
    text = page()
    assert all(route.title in text for route in ROUTES)
    assert all(title in text for _, _, title in NOT_SERVED)


def test_what_is_partly_done_says_what_is_missing():
    assert all(route.note for route in ROUTES if route.coverage is Coverage.PARTIAL)

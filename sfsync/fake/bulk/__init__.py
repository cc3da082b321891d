"""Bulk API 2.0 (query and ingest jobs) and Bulk API 1.0 (jobs of batches), as the org keeps and runs them."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from sfsync.fake.bulk.classic_jobs import ClassicJobs
from sfsync.fake.bulk.ingest_jobs import IngestJobs
from sfsync.fake.bulk.query_jobs import QueryJobs
from sfsync.fake.bulk.settings import BulkSettings, Transition

if TYPE_CHECKING:
    from sfsync.fake.org import FakeOrg

__all__ = ["Bulk", "BulkSettings", "Transition"]


class Bulk:
    """All Bulk jobs of one org.

    Attributes:
        settings: How long jobs take, how they end, how large pages are; for all three kinds.
        queries: Query jobs of Bulk API 2.0.
        ingest: Ingest jobs of Bulk API 2.0.
        classic: Jobs of Bulk API 1.0.
    """

    def __init__(self, org: FakeOrg) -> None:
        self.settings = BulkSettings()
        numbers = count()
        self.queries = QueryJobs(org, self.settings, numbers)
        self.ingest = IngestJobs(org, self.settings, numbers)
        self.classic = ClassicJobs(org, self.settings, numbers)

    @property
    def created(self) -> int:
        """How many query jobs were made."""
        return self.queries.created

    @property
    def batches(self) -> int:
        """How many batches the ingest jobs and the jobs of Bulk API 1.0 have used of the daily allocation."""
        return self.ingest.batches + self.classic.batches_made

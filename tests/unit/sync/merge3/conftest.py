"""Three leads in an org, and a two-way table of them."""

from __future__ import annotations

import pytest

from .sides import FIELDS, Bench, two_way


@pytest.fixture
def bench(tmp_path):
    """Three leads in the org; call it with the mapping."""

    def make(top="", fields=FIELDS, lookups=""):
        bench = Bench(tmp_path, two_way(top, fields, lookups))
        for number, name in enumerate(("Ada", "Bob", "Eve"), start=1):
            bench.org(number, LastName=name, Email=f"{name.lower()}@example.com", Phone="1", AnnualRevenue=10.0)
        bench.merge()
        return bench

    return make

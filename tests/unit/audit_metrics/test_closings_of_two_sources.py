from __future__ import annotations

import random

import pytest

from sfsync.audit.metrics import Bench
from sfsync.audit.metrics.opportunities import deals
from sfsync.audit.relations.build import BuiltRelations
from sfsync.audit.relations.load import load_relations
from tests.unit.audit_metrics.conftest import STAGES

#: Stages, one that the org does not list and one of closed opportunities alone among them, and rows without a stage.
STEPS = (*STAGES, "Renamed", "Long gone", None)


@pytest.mark.parametrize("seed", range(5))
def test_an_opportunity_closes_at_the_same_instant_whether_an_audit_has_made_the_stays_or_not(mirror, seed):
    """Aggregates over all rows, and over the stays that rules share, are two ways to one answer."""
    chosen = random.Random(seed)
    lasts = [chosen.choice((*STAGES, "Long gone")) for _ in range(60)]
    mirror.stages()
    mirror.opportunities(
        [
            {"StageName": last, "IsClosed": last.startswith(("Closed", "Long")), "IsWon": last == "Closed Won"}
            for last in lasts
        ]
    )
    mirror.history(
        *(
            {"deal": deal, "at": f"2025-06-{chosen.randint(1, 9):02d} 08:00:00", "StageName": chosen.choice(STEPS)}
            for deal in range(60)
            for _ in range(chosen.randint(0, 7))
        )
    )
    with mirror.store.reading() as session:
        context = mirror.context(session, "2026-01-31T12:00:00")
        with Bench(session) as bench:
            alone = session.execute(f"SELECT id, closed_at, closed_day FROM {deals(bench, context)} ORDER BY id").rows
        built = BuiltRelations(session, context.audit)
        built.build([load_relations()["stage_runs"]])
        with Bench(session, built) as bench:
            beside = session.execute(f"SELECT id, closed_at, closed_day FROM {deals(bench, context)} ORDER BY id").rows
    assert beside == alone
    assert {row[1] is None for row in alone} == {True, False}

"""The open pipeline at several instants of the past, as it was then and not as hindsight has it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sfsync.audit.metrics.bench import Bench
from sfsync.audit.metrics.context import MetricContext
from sfsync.audit.metrics.opportunities import has_history, in_pipeline, live, spans, stages
from sfsync.audit.metrics.rates import factor
from sfsync.audit.metrics.states import state_at, why_unknown


def known_instants(bench: Bench, context: MetricContext, instants: Sequence[datetime]) -> list[datetime]:
    """Those of the instants of which the pipeline is known."""
    if not has_history(context):
        return [instant for instant in instants if why_unknown(context, instant) is None]
    first = bench.execute(f"SELECT min(valid_from) FROM {spans(bench, context)}").scalar()
    return [instant for instant in instants if first is not None and instant >= first]


def snapshots(bench: Bench, context: MetricContext, instants: Sequence[datetime]) -> str:
    """What was open then.

    Columns `taken_at`, `id`, `currency`, `factor`, `amount`, `close_date` and `probability`. From
    the stage history where there is one, else from the mirror's own. Opportunities deleted since are not in it.
    """
    name = "metric_snapshots_" + "_".join(f"{instant:%y%m%d%H%M}" for instant in (instants[0], instants[-1]))
    if has_history(context):
        return bench.share(f"{name}_{len(instants)}", _from_spans(bench, context, instants), _bound(instants))
    parts = []
    for number, instant in enumerate(instants):
        state = state_at(bench, context, instant)
        parts.append(
            f"SELECT CAST($at_{number} AS TIMESTAMP) AS taken_at, d.id, d.currency, d.factor, d.amount, "
            f"d.close_date, d.probability FROM {state.table} AS d WHERE NOT d.is_deleted AND "
            f"{in_pipeline(context)}"
        )
    return bench.share(f"{name}_{len(instants)}", " UNION ALL ".join(parts), _bound(instants))


def _bound(instants: Sequence[datetime]) -> dict[str, datetime]:
    return {f"at_{number}": instant for number, instant in enumerate(instants)}


def _from_spans(bench: Bench, context: MetricContext, instants: Sequence[datetime]) -> str:
    moments = " UNION ALL ".join(
        f"SELECT CAST($at_{number} AS TIMESTAMP) AS taken_at" for number in range(len(instants))
    )
    rate = factor(context)
    omitted = "" if context.definitions.metrics.omitted == "in" else "AND COALESCE(h.forecast, '') <> 'Omitted'"
    return f"""
    SELECT m.taken_at, s.opportunity_id AS id, d.currency, {rate.expression} AS factor, s.amount,
        s.close_date, s.probability
    FROM ({moments}) AS m
    JOIN (
        SELECT h.*, COALESCE(h.valid_to, TIMESTAMP '9999-12-31 00:00:00') AS ends_at FROM {spans(bench, context)} AS h
        LEFT JOIN {stages(bench, context)} AS t ON t.stage = h.stage WHERE t.is_closed IS NOT TRUE {omitted}
    ) AS s ON s.valid_from <= m.taken_at AND s.ends_at > m.taken_at
    JOIN {live(bench, context)} AS d ON d.id = s.opportunity_id
    {rate.join("d.currency", "s.close_date")}
    """

"""The waterfall's arithmetic: each opportunity's two states, put into bars that add up to the cent.

Amounts are decimals of four places here, and converted ones are rounded before anything is added, so that start + bars
= end holds exactly and a residual is a fault, not a rounding.
"""

from __future__ import annotations

from typing import Any

from sfsync.audit.metrics.bench import Bench
from sfsync.audit.metrics.context import MetricContext, Scope
from sfsync.audit.metrics.opportunities import has_history, spans, stages

ADDS = ("new", "reopened", "restored", "pulled_in", "moved_in", "amount_up")
REMOVES = ("amount_down", "pushed_out", "moved_out", "won", "lost", "deleted")
BARS = (*ADDS, *REMOVES, "fx")

MONEY = "DECIMAL(28, 4)"


def scope_params(scope: Scope) -> dict[str, Any]:
    """What the SQL of a scope binds."""
    window = {"first": scope.first, "last": scope.last} if scope.first and scope.last else {}
    return window | {f"owner_{i}": owner[:15] for i, owner in enumerate(scope.owners)}


def owned(scope: Scope, alias: str) -> str:
    """The condition of an owner in scope; Ids of 15 and 18 characters are the same."""
    if not scope.owners:
        return "TRUE"
    listed = ", ".join(f"$owner_{i}" for i in range(len(scope.owners)))
    return f"COALESCE(left({alias}.owner_id, 15) IN ({listed}), FALSE)"


def in_window(scope: Scope, alias: str) -> str:
    """The condition of a close date in scope."""
    if scope.first is None or scope.last is None:
        return "TRUE"
    return f"COALESCE({alias}.close_date BETWEEN CAST($first AS DATE) AND CAST($last AS DATE), FALSE)"


def _beyond(scope: Scope, alias: str) -> str:
    return f"{alias}.close_date > CAST($last AS DATE)" if scope.last else "FALSE"


def _is_closed(alias: str) -> str:
    return f"({alias}.is_closed IS TRUE OR {alias}.is_won IS TRUE)"


def pipeline(context: MetricContext, alias: str) -> str:
    """The condition of an opportunity's state that is pipeline in scope."""
    omitted = "" if context.definitions.metrics.omitted == "in" else f" AND COALESCE({alias}.forecast, '') <> 'Omitted'"
    return (
        f"({alias}.id IS NOT NULL AND NOT {alias}.is_deleted AND NOT {_is_closed(alias)}{omitted} "
        f"AND {in_window(context.scope, alias)} AND {owned(context.scope, alias)})"
    )


def share_moves(bench: Bench, context: MetricContext, before: str, after: str) -> str:
    """One row an opportunity that was, is or passed through the pipeline: its states, and how it came and went.

    Args:
        bench: Asks.
        context: Its `since` and `until` are the instants of the states.
        before: Table of the state at the start.
        after: Table of the state at the end.
    """
    scope = context.scope
    passed = f"{_is_closed('a')} AND NOT a.is_deleted AND {in_window(scope, 'a')} AND {owned(scope, 'a')}"
    select = f"""
    WITH reopenings AS ({_reopenings(bench, context)}),
    paired AS (
        SELECT
            COALESCE(a.id, b.id) AS id, {pipeline(context, "b")} AS was, {pipeline(context, "a")} AS now,
            b.id IS NOT NULL AS known_before, a.id IS NOT NULL AND NOT a.is_deleted AS lives,
            CASE WHEN b.id IS NULL AND (a.created_at IS NULL OR a.created_at > $since) THEN 'new'
                WHEN b.id IS NULL THEN 'moved_in' WHEN b.is_deleted THEN 'restored'
                WHEN {_is_closed("b")} THEN 'reopened' WHEN {_beyond(scope, "b")} THEN 'pulled_in'
                ELSE 'moved_in' END AS entry,
            CASE WHEN a.id IS NULL OR a.is_deleted THEN 'deleted' WHEN a.is_won THEN 'won'
                WHEN {_is_closed("a")} THEN 'lost' WHEN {_beyond(scope, "a")} THEN 'pushed_out'
                ELSE 'moved_out' END AS way_out,
            ({passed}) AND (b.id IS NULL OR NOT {_is_closed("b")} OR r.opportunity_id IS NOT NULL) AS passed,
            COALESCE(b.currency, '') AS old_currency, COALESCE(a.currency, '') AS new_currency,
            CAST(COALESCE(b.amount, 0) AS {MONEY}) AS old_amount, CAST(COALESCE(a.amount, 0) AS {MONEY}) AS new_amount,
            CAST(COALESCE(b.amount * b.factor, 0) AS {MONEY}) AS old_worth,
            CAST(COALESCE(a.amount * a.factor, 0) AS {MONEY}) AS new_worth,
            CAST((COALESCE(a.amount, 0) - COALESCE(b.amount, 0)) * COALESCE(b.factor, 0) AS {MONEY}) AS change_worth,
            b.forecast AS old_forecast, a.forecast AS new_forecast, b.amount IS NULL AS old_blank,
            a.amount IS NULL AS new_blank, b.amount IS NOT NULL AND b.factor IS NULL AS old_unrated,
            a.amount IS NOT NULL AND a.factor IS NULL AS new_unrated
        FROM {before} AS b FULL OUTER JOIN {after} AS a ON a.id = b.id
        LEFT JOIN reopenings AS r ON r.opportunity_id = a.id
    )
    SELECT p.*, NOT was AND NOT now AND COALESCE(passed, FALSE) AS through,
        was AND (now OR way_out <> 'deleted') AS compared, old_currency = new_currency AS same_currency
    FROM paired AS p WHERE was OR now OR COALESCE(passed, FALSE)
    """
    params = {"since": context.since} | scope_params(scope)
    if has_history(context):
        params["until"] = context.until
    return bench.share("metric_moves", select, params)


def _reopenings(bench: Bench, context: MetricContext) -> str:
    """Opportunities that entered an open stage between the two instants."""
    if not has_history(context):
        return "SELECT CAST(NULL AS VARCHAR) AS opportunity_id WHERE FALSE"
    return f"""
        SELECT DISTINCT r.opportunity_id FROM {spans(bench, context)} AS r
        LEFT JOIN {stages(bench, context)} AS s ON s.stage = r.stage
        WHERE r.valid_from > $since AND r.valid_from <= $until AND s.is_closed IS NOT TRUE
            AND (r.stage_before IS NULL OR r.stage <> r.stage_before)
    """


def parts(moves: str) -> str:
    """One row a part: `bar`, `currency`, `id`, `amount`, `worth`; what comes or goes counts as at the end."""
    return f"""
        SELECT entry AS bar, new_currency AS currency, id, new_amount AS amount, new_worth AS worth
        FROM {moves} WHERE (now AND NOT was) OR through
        UNION ALL
        SELECT way_out, CASE WHEN compared OR through THEN new_currency ELSE old_currency END, id,
            -CASE WHEN compared OR through THEN new_amount ELSE old_amount END,
            -CASE WHEN compared OR through THEN new_worth ELSE old_worth END
        FROM {moves} WHERE (was AND NOT now) OR through
        UNION ALL
        SELECT CASE WHEN new_amount > old_amount THEN 'amount_up' ELSE 'amount_down' END, new_currency, id,
            new_amount - old_amount, change_worth
        FROM {moves} WHERE compared AND same_currency AND new_amount <> old_amount
        UNION ALL
        SELECT 'fx', new_currency, id, CAST(0 AS {MONEY}), new_worth - old_worth - change_worth
        FROM {moves} WHERE compared AND same_currency AND new_worth - old_worth <> change_worth
        UNION ALL
        SELECT 'fx', old_currency, id, -old_amount, -old_worth FROM {moves} WHERE compared AND NOT same_currency
        UNION ALL
        SELECT 'fx', new_currency, id, new_amount, new_worth FROM {moves} WHERE compared AND NOT same_currency
    """


def ends(context: MetricContext, state: str) -> str:
    """Rows of `currency`, `n`, `amount`, `worth`: the pipeline of a state, counted without a look at any move."""
    return f"""
        SELECT COALESCE(x.currency, '') AS currency, count(*) AS n,
            sum(CAST(COALESCE(x.amount, 0) AS {MONEY})) AS amount,
            sum(CAST(COALESCE(x.amount * x.factor, 0) AS {MONEY})) AS worth,
            count(*) FILTER (WHERE x.amount IS NULL) AS without_amount,
            count(*) FILTER (WHERE x.amount IS NOT NULL AND x.factor IS NULL) AS without_rate
        FROM {state} AS x WHERE {pipeline(context, "x")} GROUP BY 1
    """

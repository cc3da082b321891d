"""Stage history of the seeded org's opportunities: one row for the start and one for every change since."""

from __future__ import annotations

from datetime import datetime, timedelta

from sfsync.fake.seed.draw import Draw
from sfsync.fake.seed.setup import STAGES
from sfsync.fake.seed.world import Deal, Row, World

_NEEDS_ANALYSIS = 2


def add_history(world: World) -> None:
    """Write down how every opportunity came to stand where it stands, and stamp it accordingly."""
    for deal in world.deals:
        _add_history(world, deal)


def _add_history(world: World, deal: Deal) -> None:
    row = deal.row
    _settle(row)
    moments = _moments(world.draw, deal)
    estimate = None if row["Amount"] is None else round(row["Amount"] * (0.8 + 0.45 * world.draw.share()), -2)
    last = len(moments) - 1
    for step, (moment, stage, closes) in enumerate(zip(moments, deal.path, deal.dates, strict=True)):
        if step == last:
            amount, probability = row["Amount"], row["Probability"]
        else:
            amount = estimate if stage >= _NEEDS_ANALYSIS else None
            probability = STAGES[stage].probability
        world.add(
            "OpportunityHistory",
            {
                "Id": world.new_id("OpportunityHistory"),
                "OpportunityId": row["Id"],
                "CreatedById": row["CreatedById"],
                "CreatedDate": moment,
                "StageName": STAGES[stage].name,
                "Amount": amount,
                "ExpectedRevenue": expected_revenue(amount, probability),
                "CloseDate": closes,
                "Probability": probability,
                "ForecastCategory": STAGES[stage].forecast_category,
                "SystemModstamp": moment,
                "IsDeleted": row["IsDeleted"],
            },
        )
    if last:
        row["LastStageChangeDate"] = moments[-1]
    if not row["IsDeleted"]:
        row.update(LastModifiedDate=moments[-1], LastModifiedById=row["OwnerId"], SystemModstamp=moments[-1])


def expected_revenue(amount: float | None, probability: float) -> float | None:
    """What Salesforce computes of an amount and its probability."""
    return None if amount is None else round(amount * probability / 100, 2)


def _settle(row: Row) -> None:
    closes = row["CloseDate"]
    quarter = (closes.month - 1) // 3 + 1
    row.update(
        ExpectedRevenue=expected_revenue(row["Amount"], row["Probability"]),
        FiscalYear=closes.year,
        FiscalQuarter=quarter,
        Fiscal=f"{closes.year} {quarter}",
    )


def _moments(draw: Draw, deal: Deal) -> list[datetime]:
    """When it entered each stage of its path: the first is its creation, the last is known, the others lie between."""
    created = deal.row["CreatedDate"]
    if len(deal.path) == 1:
        return [created]
    seconds = int((deal.changed - created).total_seconds())
    between = sorted(1 + draw.below(max(1, seconds - 1)) for _ in deal.path[2:])
    moments = [created]
    for second in between:
        moments.append(max(created + timedelta(seconds=second), moments[-1] + timedelta(seconds=1)))
    return [*moments, max(deal.changed, moments[-1] + timedelta(seconds=1))]

"""What a metric is, apart from its figure: whom it counts, by what it divides, and why so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sfsync.audit.metrics.context import MetricContext
from sfsync.config.definitions_metrics import MetricDefinitions
from sfsync.records import MetricResult


@dataclass(frozen=True, slots=True)
class Metric:
    """The definition of one metric, printed with every figure.

    Attributes:
        id: e.g. `M12`.
        name: e.g. `pipeline-age`.
        title: For people, e.g. "Age of the pipeline".
        unit: `percent`, `days`, `hours`, `count`, `amount`, `ratio`…; see `MetricResult`.
        definition: The exact formula in words; `{maturity_days}` stands for the number in force.
        population: Whom it judges.
        denominator: What `n` counts.
        why: Why it is counted so and not otherwise: the mistake it avoids.
        needs: Objects it reads, the first being the one it cannot do without.
        money: Whether it tells amounts, and so the policy by which currencies are kept apart.
        period: Whether one may choose its period; otherwise it speaks of the mirror as of its own time.
        scope: Whether one may choose which opportunities it looks at.
        relations: What it reads of the relations that rules share.
        version: Of the definition; a figure of another version must not be compared with it.
    """

    id: str
    name: str
    title: str
    unit: str
    definition: str
    population: str
    denominator: str
    why: str
    needs: tuple[str, ...] = ()
    money: bool = False
    period: bool = False
    scope: bool = False
    relations: tuple[str, ...] = ()
    version: int = 1

    def result(
        self,
        context: MetricContext,
        value: float | None,
        n: int,
        details: Mapping[str, Any],
        reason: str | None = None,
    ) -> MetricResult:
        """The figure with all that must be printed beside it.

        Args:
            context: What it was computed from.
            value: The headline, or None.
            n: Its denominator.
            details: What this metric alone has to tell.
            reason: Why there is no headline.
        """
        printed: dict[str, Any] = {
            "definition_id": f"{self.id} v{self.version}",
            "population": self.population.replace("{maturity_days}", str(context.maturity_days)),
            "denominator": self.denominator,
            "currency_policy": context.currency_policy if self.money else "no amounts",
            "not_evaluable": 0,
            "exclusions": [],
            "notes": [],
        }
        return MetricResult(
            id=self.id,
            name=self.name,
            title=self.title,
            value=value,
            unit=self.unit,
            n=n,
            definition=self.definition_for(context),
            context=context.stamp(self.version) | printed | dict(details),
            reason=reason,
        )

    def definition_for(self, context: MetricContext | None) -> str:
        """The formula with the numbers in force; without a context, with those in force unless set."""
        days = MetricDefinitions().maturity_days if context is None else context.maturity_days
        return self.definition.replace("{maturity_days}", str(days))

    def blind(self, context: MetricContext, reason: str, enable: str, **details: Any) -> MetricResult:
        """No figure, because what it needs cannot be seen; `enable` says what would change that."""
        told = reason if reason.startswith("not evaluable") else f"not evaluable: {reason}"
        return self.result(context, None, 0, {"enable": enable} | details, told)

    def unmet(self, context: MetricContext, object_name: str, *columns: str) -> MetricResult | None:
        """The result of a metric that misses these columns, or None when all are there."""
        reason = context.missing(object_name, *columns)
        return self.blind(context, reason, context.enable(object_name, *columns)) if reason else None


def left_out(**counts: int | None) -> list[dict[str, Any]]:
    """The exclusions that happened, in words: `still_open=3` is told as "still open"."""
    return [{"reason": reason.replace("_", " "), "n": n} for reason, n in counts.items() if n]

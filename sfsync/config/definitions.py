"""What an org means by its own words: which lead statuses are qualified, and what counts as evidence of a criterion."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from sfsync.config.definitions_assignment import Assignment
from sfsync.config.definitions_deals import DealDefinitions
from sfsync.config.definitions_duplicates import Duplicates
from sfsync.config.definitions_frameworks import (
    Evidence,
    EvidenceList,
    Framework,
    IcpRange,
    Scoring,
    check_built_in,
)
from sfsync.config.definitions_hours import BusinessHours
from sfsync.config.definitions_lead_conversion import LeadConversion
from sfsync.config.definitions_metrics import MetricDefinitions
from sfsync.config.model import ApiName, Fault, Filled, Lax, StrictModel, faulty
from sfsync.config.spelling import shown, suggestion

__all__ = ["Definitions", "Evidence", "Framework", "LeadStatusGroups", "Reasons"]

Texts = Annotated[tuple[str, ...], Lax]
FieldNames = Annotated[tuple[ApiName, ...], Lax, *Filled]


class LeadStatusGroups(StrictModel):
    """The org's lead statuses, sorted into what they mean; a status stands in one group at most."""

    new: Texts = ()
    working: Texts = ()
    qualified: Texts = ()
    disqualified: Texts = ()

    @model_validator(mode="after")
    def _each_status_once(self) -> Self:
        seen: dict[str, str] = {}
        faults: list[Fault] = []
        for group in type(self).model_fields:
            statuses: tuple[str, ...] = getattr(self, group)
            for i, status in enumerate(statuses):
                if not status.strip():
                    faults.append(Fault("a lead status is empty", at=(group, i)))
                elif (first := seen.setdefault(status.casefold(), group)) != group:
                    faults.append(Fault(f"`{shown(status)}` is already listed under `{first}`", at=(group, i)))
        if faults:
            raise faulty(*faults)
        return self


class Reasons(StrictModel):
    """The fields in which the org writes why something came to nothing.

    Attributes:
        disqualified: The lead's field that says why it was disqualified.
        lost: The opportunity's field that says why it was lost.
    """

    disqualified: ApiName | None = None
    lost: ApiName | None = None


class Definitions(StrictModel):
    """The `definitions:` block: printed and hashed with every result that rests on it.

    Attributes:
        lead_status: Which statuses mean what. Nothing is assumed where it is empty.
        frameworks: Name → framework.
        framework: The one in force; the only one when there is just one.
        scoring: The lead's score, and what it means.
        icp: Field of the lead → what an ideal customer has in it.
        required_by_status: Lead status → fields that are filled by then.
        lead_path: Lead statuses that every lead goes through before it is converted.
        waits_until: The lead's date field until which nothing is expected to happen.
        reachable_by: Fields of the lead, besides e-mail and phones, by which somebody can be reached.
        origin_detail: Fields of the lead that say what brought it in, such as UTM parameters.
        stage_exit: Stage → what is known of an opportunity before it leaves the stage; every one of these.
        pricing: How to see on a lead that a price has been spoken of; any one of these.
        reasons: Fields that say why a lead was disqualified or an opportunity lost.
        assignment: Who is to own which leads; the first rule that fits.
        business_hours: When somebody is there to answer.
        lead_conversion: Which custom fields conversion copies, and the options chosen for it.
        deals: Sales processes: which stages opportunities of a record type go through.
        duplicates: How two records are told to be of one person or company.
        metrics: Quotas, exchange rates and horizons that metrics count with.
    """

    lead_status: LeadStatusGroups = LeadStatusGroups()
    frameworks: Annotated[dict[str, Framework], BeforeValidator(check_built_in)] = Field(default_factory=dict)
    framework: str | None = None
    scoring: Scoring | None = None
    icp: dict[ApiName, IcpRange] = Field(default_factory=dict)
    required_by_status: dict[str, FieldNames] = Field(default_factory=dict)
    lead_path: Texts = ()
    waits_until: ApiName | None = None
    reachable_by: FieldNames | None = None
    origin_detail: FieldNames | None = None
    stage_exit: dict[str, EvidenceList] = Field(default_factory=dict)
    pricing: EvidenceList | None = None
    reasons: Reasons = Reasons()
    assignment: Assignment = ()
    business_hours: BusinessHours | None = None
    lead_conversion: LeadConversion = LeadConversion()
    deals: DealDefinitions = DealDefinitions()
    metrics: MetricDefinitions = MetricDefinitions()
    duplicates: Duplicates = Duplicates()

    @model_validator(mode="before")
    @classmethod
    def _only_framework(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("framework") is None:
            frameworks = data.get("frameworks")
            if isinstance(frameworks, dict) and len(frameworks) == 1:
                return {**data, "framework": next(iter(frameworks))}
        return data

    @model_validator(mode="after")
    def _framework_exists(self) -> Self:
        if self.framework is None and len(self.frameworks) > 1:
            example = f"e.g. `framework: {next(iter(self.frameworks))}`"
            message = "several frameworks, and `framework` does not say which is in force"
            raise faulty(Fault(message, example, key=True))
        if self.framework is not None and self.framework not in self.frameworks:
            known = suggestion(self.framework, self.frameworks)
            raise faulty(Fault(f"there is no framework `{shown(self.framework)}`", known, ("framework",)))
        return self

    @property
    def in_force(self) -> Framework | None:
        """The framework that qualification is judged by, or None when none is defined."""
        return self.frameworks[self.framework] if self.framework is not None else None

    @property
    def named_fields(self) -> frozenset[str]:
        """Every field of a lead, or of what it becomes, that any definition names."""
        pieces = [piece for framework in self.frameworks.values() for piece in framework.evidence]
        pieces += [piece for evidence in self.stage_exit.values() for piece in evidence] + list(self.pricing or ())
        names = {piece.field for piece in pieces} | {*self.icp, self.reasons.disqualified, self.reasons.lost}
        names |= {name for fields in self.required_by_status.values() for name in fields}
        names |= {name for rule in self.assignment for name in rule.when}
        names |= {*(self.reachable_by or ()), *(self.origin_detail or ()), self.waits_until}
        names |= {self.scoring.field} if self.scoring else set()
        return frozenset(name for name in names if name is not None)

    def digest(self) -> str:
        """A short hash of the content: the same for the same meaning, however it is written."""
        meaning = _unordered(self.model_dump(mode="json", by_alias=True, exclude_defaults=True))
        return hashlib.sha256(json.dumps(meaning, sort_keys=True).encode()).hexdigest()[:16]


#: Keys whose lists mean something by their order.
_ORDERED = ("assignment", "lead_path", "stages")


def _unordered(value: Any, key: str = "") -> Any:
    """Lists sorted: the order of statuses and of evidence means nothing."""
    if isinstance(value, dict):
        return {name: _unordered(item, name) for name, item in value.items()}
    if isinstance(value, list):
        items = [_unordered(item) for item in value]
        return items if key in _ORDERED else sorted(items, key=lambda item: json.dumps(item, sort_keys=True))
    return value

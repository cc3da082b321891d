"""What an org means by its own words: which lead statuses are qualified, and what counts as evidence of a criterion."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from sfsync.config.model import ApiName, Fault, Filled, Lax, ShortForm, StrictModel, faulty
from sfsync.config.spelling import shown, suggestion

LeadGroup = Literal["new", "working", "qualified", "disqualified"]
Texts = Annotated[tuple[str, ...], Lax]
NonEmptyTexts = Annotated[tuple[str, ...], Lax, *Filled]


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


class Evidence(StrictModel):
    """One sign in a record that a criterion is met.

    Attributes:
        field: API name. Alone it means: the field is set (a checkbox: is true).
        one_of: Written `in:`; the field has one of these values.
        min: The field is at least this number.
    """

    field: ApiName
    one_of: NonEmptyTexts | None = Field(default=None, alias="in")
    min: float | None = None

    @model_validator(mode="after")
    def _one_test(self) -> Self:
        if self.one_of is not None and self.min is not None:
            raise faulty(Fault("`in` and `min` cannot stand together", "list two pieces of evidence", ("min",), True))
        return self


EvidenceList = Annotated[tuple[Annotated[Evidence, ShortForm("field")], ...], Lax, *Filled]


class Framework(StrictModel):
    """A qualification framework such as BANT: named criteria, each with evidence of which any one is enough.

    Attributes:
        min: How many criteria a qualified lead meets; all of them unless given.
    """

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, EvidenceList] = Field(init=False)

    min: int | None = Field(default=None, ge=1)

    @property
    def criteria(self) -> dict[str, tuple[Evidence, ...]]:
        """Criterion → evidence, in the order of the file."""
        return dict(self.__pydantic_extra__)

    @property
    def required(self) -> int:
        """How many criteria must be met."""
        return self.min if self.min is not None else len(self.criteria)

    @model_validator(mode="after")
    def _enough_criteria(self) -> Self:
        if not self.criteria:
            raise faulty(Fault("the framework has no criteria", "e.g. `budget: [AnnualRevenue]`", key=True))
        if self.required > len(self.criteria):
            raise faulty(Fault(f"should be at most {len(self.criteria)}, the number of criteria", at=("min",)))
        return self


class Definitions(StrictModel):
    """The `definitions:` block: printed and hashed with every result that rests on it.

    Attributes:
        lead_status: Which statuses mean what. Nothing is assumed where it is empty.
        frameworks: Name → framework.
        framework: The one in force; the only one when there is just one.
    """

    lead_status: LeadStatusGroups = LeadStatusGroups()
    frameworks: dict[str, Framework] = Field(default_factory=dict)
    framework: str | None = None

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

    def digest(self) -> str:
        """A short hash of the content: the same for the same meaning, whatever the order of lists."""
        meaning = _unordered(self.model_dump(mode="json", by_alias=True))
        return hashlib.sha256(json.dumps(meaning, sort_keys=True).encode()).hexdigest()[:16]


def _unordered(value: Any) -> Any:
    """Lists sorted: the order of statuses and of evidence means nothing."""
    if isinstance(value, dict):
        return {key: _unordered(item) for key, item in value.items()}
    if isinstance(value, list):
        return sorted((_unordered(item) for item in value), key=lambda item: json.dumps(item, sort_keys=True))
    return value

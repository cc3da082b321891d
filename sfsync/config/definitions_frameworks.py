"""Qualification frameworks: what the criteria of BANT, ANUM, CHAMP, MEDDIC or a custom one are seen by in this org."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from sfsync.config.model import ApiName, Duration, Fault, Filled, Lax, ShortForm, StrictModel, faulty
from sfsync.config.spelling import shown, suggestion

NonEmptyTexts = Annotated[tuple[str, ...], Lax, *Filled]

#: Criteria of the frameworks that have a name everywhere; any other framework has the criteria it likes.
BUILT_IN: Mapping[str, tuple[str, ...]] = {
    "BANT": ("budget", "authority", "need", "timeline"),
    "ANUM": ("authority", "need", "urgency", "money"),
    "CHAMP": ("challenges", "authority", "money", "prioritization"),
    "MEDDIC": ("metrics", "economic_buyer", "decision_criteria", "decision_process", "identify_pain", "champion"),
}

EvidenceObject = Literal["Lead", "Opportunity", "Contact", "Account"]
ActivityKind = Literal["task", "call", "email", "event"]

_SUBJECT_LIMIT = 200
#: What DuckDB (RE2), PostgreSQL, Spark and Snowflake all understand alike.
_SUBJECT = re.compile(r"(?:[\w\s&/:,;'#%@!<>=~\"-]|\\[.+*?()|\[\]{}^$\\-]|[.*+?|()^$\[\]])*")


def check_subject(pattern: str) -> str:
    """The pattern, when every engine reads it alike; raises a fault of the file otherwise."""
    try:
        re.compile(pattern)
    except re.error as error:
        raise faulty(Fault(f"`{shown(pattern)}` is not a regular expression", str(error))) from None
    if not pattern.strip() or len(pattern) > _SUBJECT_LIMIT:
        raise faulty(Fault(f"a pattern has 1 to {_SUBJECT_LIMIT} characters"))
    if not _SUBJECT.fullmatch(pattern) or "(?" in pattern:
        hint = "words, `|`, `( )`, `[ ]`, `.`, `*`, `+`, `?`, `^`, `$`; a backslash before one of these"
        raise faulty(Fault(f"`{shown(pattern)}` has something that not every engine knows", hint))
    return pattern


Pattern = Annotated[str, AfterValidator(check_subject)]


class ActivityEvidence(StrictModel):
    """A task, call, logged e-mail or meeting that shows something.

    Attributes:
        subject: Regular expression found anywhere in the subject, without regard to case; any subject unless given.
        kind: `task` (calls too), `call`, `email` or `event`; any of them unless given.
        done: Only what has been done, or has taken place; false also takes what is still planned.
    """

    subject: Pattern | None = None
    kind: ActivityKind | None = None
    done: bool = True


class Evidence(StrictModel):
    """One sign that a criterion is met: in a field, an activity, or a contact role of the opportunity.

    Attributes:
        field: API name. Alone it means: the field is set (a checkbox: is true).
        one_of: Written `in:`; the field has one of these values.
        min: The field is at least this number.
        object: Where the field lies; unless given on the lead, and for custom fields on what it was converted to.
        activity: Instead of a field: an activity that there must be.
        contact_role: Instead of a field: somebody has one of these roles in the opportunity.
    """

    field: ApiName | None = None
    one_of: NonEmptyTexts | None = Field(default=None, alias="in")
    min: float | None = None
    object: EvidenceObject | None = None
    activity: ActivityEvidence | None = None
    contact_role: NonEmptyTexts | None = None

    @model_validator(mode="after")
    def _one_test(self) -> Self:
        kinds = [name for name in ("field", "activity", "contact_role") if getattr(self, name) is not None]
        if not kinds:
            raise faulty(Fault("`field` is missing", "or `activity`, or `contact_role`", key=True))
        if len(kinds) > 1:
            message = f"`{kinds[0]}` and `{kinds[1]}` cannot stand together"
            raise faulty(Fault(message, "list two pieces of evidence", (kinds[1],), True))
        if self.one_of is not None and self.min is not None:
            raise faulty(Fault("`in` and `min` cannot stand together", "list two pieces of evidence", ("min",), True))
        of_field = [name for name in ("one_of", "min", "object") if getattr(self, name) is not None]
        if self.field is None and of_field:
            name = {"one_of": "in"}.get(of_field[0], of_field[0])
            raise faulty(Fault(f"`{name}` belongs to a `field`", None, (name,), True))
        return self

    @property
    def words(self) -> str:
        """What it asks for, in a few words."""
        if self.activity is not None:
            kind = self.activity.kind or "activity"
            return f"{kind} about {self.activity.subject}" if self.activity.subject else kind
        if self.contact_role is not None:
            return f"contact role {' or '.join(self.contact_role)}"
        name = f"{self.object}.{self.field}" if self.object else str(self.field)
        if self.one_of is not None:
            return f"{name} in {', '.join(self.one_of)}"
        return name if self.min is None else f"{name} of at least {self.min:g}"


EvidenceList = Annotated[tuple[Annotated[Evidence, ShortForm("field")], ...], Lax, *Filled]


class Framework(StrictModel):
    """A qualification framework: named criteria, each with evidence of which any one is enough.

    Attributes:
        min: How many criteria a qualified lead meets; all of them unless given.
        grace: How long after its conversion what is written down still counts as known at the conversion.
    """

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, EvidenceList] = Field(init=False)

    min: int | None = Field(default=None, ge=1)
    grace: Duration = timedelta(days=2)

    @property
    def criteria(self) -> dict[str, tuple[Evidence, ...]]:
        """Criterion → evidence, in the order of the file."""
        return dict(self.__pydantic_extra__)

    @property
    def required(self) -> int:
        """How many criteria must be met."""
        return self.min if self.min is not None else len(self.criteria)

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """Every piece of evidence of every criterion."""
        return tuple(piece for pieces in self.criteria.values() for piece in pieces)

    @model_validator(mode="after")
    def _enough_criteria(self) -> Self:
        if not self.criteria:
            raise faulty(Fault("the framework has no criteria", "e.g. `budget: [AnnualRevenue]`", key=True))
        if self.required > len(self.criteria):
            raise faulty(Fault(f"should be at most {len(self.criteria)}, the number of criteria", at=("min",)))
        return self


def built_in_criteria(name: str) -> tuple[str, ...] | None:
    """The criteria a framework of this name has everywhere, or None for a custom one."""
    return BUILT_IN.get(name.upper())


def check_built_in(frameworks: Any) -> Any:
    """Refuse criteria that a framework of a known name does not have: such a one is a typing mistake."""
    if not isinstance(frameworks, dict):
        return frameworks
    faults: list[Fault] = []
    for name, framework in frameworks.items():
        known = built_in_criteria(name) if isinstance(name, str) else None
        if known is None or not isinstance(framework, dict):
            continue
        for criterion in framework:
            if criterion not in (*known, *Framework.model_fields):
                hint = suggestion(str(criterion), known) or ""
                message = f"{name.upper()} has no criterion `{shown(criterion)}`"
                own = "; a framework of another name has the criteria you like"
                faults.append(Fault(message, hint + own, (name, criterion), True))
    if faults:
        raise faulty(*faults)
    return frameworks


class Scoring(StrictModel):
    """The lead's score: who is hot, and who should not have been converted.

    Attributes:
        field: API name of the lead's field that holds the score.
        hot: From this score on a lead is to be worked at once.
        floor: Below this score a lead is not to be converted.
    """

    field: ApiName
    hot: float | None = None
    floor: float | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.hot is None and self.floor is None:
            raise faulty(Fault("neither `hot` nor `floor` is given", "e.g. `hot: 80`", key=True))
        if self.hot is not None and self.floor is not None and self.floor > self.hot:
            raise faulty(Fault("should not be above `hot`", None, ("floor",)))
        return self


class IcpRange(StrictModel):
    """What one field holds for a lead that fits the ideal customer profile.

    Attributes:
        one_of: Written `in:`; one of these values, or a bare list.
        min: At least this number.
        max: At most this number.
        required: Whether an empty field is told, too.
    """

    one_of: NonEmptyTexts | None = Field(default=None, alias="in")
    min: float | None = None
    max: float | None = None
    required: bool = True

    @model_validator(mode="before")
    @classmethod
    def _bare_list(cls, value: Any) -> Any:
        return {"in": value} if isinstance(value, list) else value

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        numbers = self.min is not None or self.max is not None
        if self.one_of is not None and numbers:
            name = "min" if self.min is not None else "max"
            raise faulty(Fault(f"`in` and `{name}` cannot stand together", None, (name,), True))
        if self.one_of is None and not numbers and not self.required:
            raise faulty(Fault("says nothing", "give `in`, `min` or `max`, or leave the field out", key=True))
        if self.min is not None and self.max is not None and self.min > self.max:
            raise faulty(Fault("should not be below `min`", None, ("max",)))
        return self

"""What sfsync.yml changes about audit rules: their severity, parameters, segments and limits, and profiles of them."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from sfsync.config.model import API_NAME, Fault, Filled, Lax, StrictModel, faulty
from sfsync.config.spelling import shown
from sfsync.records import Severity

_RULES = re.compile(r"[A-Z]{1,12}[0-9]{0,4}")
_FIELD_PATH = re.compile(rf"{API_NAME}(?:\.{API_NAME})?")


def _check_rules(name: str) -> str:
    if not _RULES.fullmatch(name):
        hint = "capitals and digits, like `LA004`, or a beginning like `LA`"
        raise faulty(Fault(f"`{shown(name)}` is not the id of a rule", hint))
    return name


def _check_field_path(path: str) -> str:
    if not _FIELD_PATH.fullmatch(path):
        hint = "a field of the rule's object like `LeadSource`, or of its parent like `RecordType.DeveloperName`"
        raise faulty(Fault(f"`{shown(path)}` is not a field", hint))
    return path


#: The id of a rule, or what several begin with.
RuleCodes = Annotated[str, AfterValidator(_check_rules)]
FieldPath = Annotated[str, AfterValidator(_check_field_path)]
Codes = Annotated[tuple[RuleCodes, ...], Lax]


class Limit(StrictModel):
    """From how many findings on a rule counts as a warning or an error.

    Attributes:
        count: From this many findings on.
        percent: From this share of the things judged on.
        min_eligible: The share counts only where at least this many things were judged.
    """

    count: int | None = Field(default=None, ge=1)
    percent: float | None = Field(default=None, gt=0, le=100)
    min_eligible: int = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.count is None and self.percent is None:
            raise faulty(
                Fault("the limit names neither `count` nor `percent`", "e.g. `{percent: 5, min_eligible: 50}`")
            )
        if self.percent is None and "min_eligible" in self.model_fields_set:
            raise faulty(Fault("`min_eligible` goes with `percent`", at=("min_eligible",), key=True))
        return self

    def reached(self, count: int, eligible: int) -> bool:
        """Whether so many findings among so many things judged are too many."""
        if self.count is not None and count >= self.count:
            return True
        return (
            self.percent is not None
            and eligible >= self.min_eligible
            and count > 0
            and count * 100 >= self.percent * eligible
        )

    def __str__(self) -> str:
        parts = [] if self.count is None else [f"{self.count:,} findings"]
        if self.percent is not None:
            least = f" of at least {self.min_eligible:,}" if self.min_eligible > 1 else ""
            parts.append(f"{self.percent:g} %{least}")
        return " or ".join(parts)


class SegmentSettings(StrictModel):
    """What is otherwise for one part of the records a rule judges; any other key is one of the rule's parameters.

    Attributes:
        severity: Instead of the rule's own.
        enabled: False leaves the records out.
        params: Parameter → value.
    """

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Any] = Field(init=False)

    severity: Annotated[Severity, Lax] | None = None
    enabled: bool | None = None
    params: dict[str, Any] = Field(default_factory=dict)

    @property
    def values(self) -> dict[str, Any]:
        """Parameter → value, in either way of writing."""
        return {**self.params, **self.__pydantic_extra__}


class RuleSettings(StrictModel):
    """What a project changes about one audit rule, or about all whose ids begin alike.

    Attributes:
        severity: Instead of the rule's own.
        params: Parameter → value; the rule says which there are.
        enabled: False leaves the rule out, true runs one that is off by default.
        owner: Who looks after its findings.
        where: SQL condition over the rule's object; other records are not judged.
        warn: When the rule as a whole counts as a warning; below, its findings are for information.
        error: When the rule as a whole counts as an error.
        by: Field → value → what is otherwise for the records with this value.
    """

    severity: Annotated[Severity, Lax] | None = None
    params: dict[str, Any] = Field(default_factory=dict)
    enabled: bool | None = None
    owner: str | None = Field(default=None, min_length=1)
    where: str | None = Field(default=None, min_length=1)
    warn: Limit | None = None
    error: Limit | None = None
    by: dict[FieldPath, dict[str, SegmentSettings]] = Field(default_factory=dict)


RuleSettingsMap = dict[RuleCodes, RuleSettings]


class ProfileSettings(StrictModel):
    """A way of auditing under a name, for `sfsync audit --profile`.

    Attributes:
        about: What it is for.
        select: Only these rules: ids, or what they begin with.
        ignore: Not these.
        fail_on: How severe a finding must be for the run to fail.
        max_new: The run fails with more new findings than that.
        rules: What is changed about rules under this profile.
    """

    about: str | None = None
    select: Annotated[Codes, *Filled] | None = None
    ignore: Codes = ()
    fail_on: Literal["error", "warning", "info", "never"] | None = None
    max_new: int | None = Field(default=None, ge=0)
    rules: RuleSettingsMap = Field(default_factory=dict)


#: Profiles every project has; one of the same name in sfsync.yml stands instead.
BUILT_IN_PROFILES = {
    "nightly": ProfileSettings(
        about="What must not break overnight: the mirror, conversions, carry-over, opportunities.",
        select=("SY", "CV", "FM", "OP"),
        fail_on="error",
        max_new=0,
    ),
    "migration": ProfileSettings(
        about="Before and after data moves: the mirror, references, metadata, carry-over, duplicates.",
        select=("SY", "RI", "MC", "FM", "DU"),
        fail_on="error",
    ),
    "quarter-end": ProfileSettings(
        about="Before figures are reported: the mirror, opportunities, forecast and pipeline.",
        select=("SY", "OP", "FC", "PL"),
        fail_on="error",
    ),
}

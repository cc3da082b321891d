"""What an audit rule is: one file that says what is wrong, why it matters and how to find it, and proves it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from sfsync.audit.parameter import Parameter
from sfsync.config.definitions import Definitions
from sfsync.config.model import Fault, Lax, ShortForm, StrictModel, faulty
from sfsync.config.spelling import suggestion
from sfsync.records import Confidence, Severity

#: What a field of the mirror must hold for a rule to read it; `number` takes every numeric column.
FieldType = Literal["text", "boolean", "number", "date", "datetime"]

#: What `definitions:` in sfsync.yml can bind for a rule.
Notion = Literal[
    "lead_status.new",
    "lead_status.working",
    "lead_status.qualified",
    "lead_status.disqualified",
    "framework",
]

#: The columns of a rule's SQL that mean something to the audit; every other one is for its message.
MEANINGFUL_COLUMNS = ("record_id", "severity", "discriminator", "breakdown")

#: As of when an example is judged unless it says otherwise.
EXAMPLE_AS_OF = datetime(2026, 1, 31, 12, tzinfo=UTC)

RULE_ID = r"^[A-Z]{2,12}[0-9]{3}$"


Fields = Mapping[str, FieldType]
Texts = Annotated[tuple[str, ...], Lax]
Words = Annotated[str, Field(min_length=1)]


class OptionalNeed(StrictModel):
    """Something a rule uses where it is there, and does without where it is not.

    Attributes:
        object: Object the fields belong to; absent fields read as NULL, an absent object as an empty table.
        fields: Field → type.
        notion: Instead of an object: a definition that may be bound.
        otherwise: What the rule cannot see without it; told in the result. None when nobody needs to know.
    """

    object: str | None = None
    fields: Fields = Field(default_factory=dict)
    notion: Notion | None = None
    otherwise: str | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.object is None) == (self.notion is None) or (self.object is None) != (not self.fields):
            raise faulty(Fault("name either an `object` with its `fields`, or a `notion`"))
        return self


class ExpectedFinding(StrictModel):
    """One finding an example must give; only what is written down is compared.

    Attributes:
        id: Id of the record.
        severity: Of the finding.
        discriminator: Which of several faults of the record.
        breakdown: Bucket it is counted in.
        message: The whole message.
    """

    model_config = ConfigDict(populate_by_name=True)

    id: str = Field(alias="Id")
    severity: Annotated[Severity, Lax] | None = None
    discriminator: str | None = None
    breakdown: str | None = None
    message: str | None = None


class Example(StrictModel):
    """A small mirror, and what the rule must say about it.

    Attributes:
        name: What it shows, as a sentence.
        given: Object → records; a field no record names is NULL.
        without: Objects (`OpportunityStage`) and fields (`Lead.LeadSource`) the user who pulled may not read.
        definitions: As in sfsync.yml.
        params: As in sfsync.yml.
        timezone: Of the org.
        as_of: The mirror's time.
        finds: The findings, in any order; an empty list for a clean example.
        eligible: How many records are judged; not compared when None.
        not_evaluable: Words of the reason why the rule cannot judge; instead of `finds`.
    """

    name: str
    given: Mapping[str, Annotated[tuple[Mapping[str, Any], ...], Lax]] = Field(default_factory=dict)
    without: Texts = ()
    definitions: Definitions = Definitions()
    params: Mapping[str, Any] = Field(default_factory=dict)
    timezone: str = "UTC"
    as_of: Annotated[datetime, Lax] = EXAMPLE_AS_OF
    finds: Annotated[tuple[Annotated[ExpectedFinding, ShortForm("Id")], ...], Lax] | None = None
    eligible: int | None = None
    not_evaluable: str | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.finds is None) == (self.not_evaluable is None):
            hint = "`finds: []` when clean"
            raise faulty(Fault("an example says either what it `finds`, or why it is `not_evaluable`", hint))
        if self.as_of.tzinfo is None:
            raise faulty(Fault("`as_of` needs its zone", "e.g. 2026-01-31T12:00:00Z", ("as_of",)))
        return self


class Rule(StrictModel):
    """One audit rule, as its file says it.

    Attributes:
        version: Of the file format.
        id: Group code and number, e.g. `CV001`.
        name: Short name with dashes, e.g. `no-account`.
        title: What a finding means, as a sentence for people.
        group: Name of the group, e.g. `conversion integrity`.
        since: Version of sfsync that brought the rule, or whatever its author writes.
        object: Object of the records it judges.
        population: Whom it judges, in the plural: `converted leads`.
        severity: Of its findings; the worst one where the SQL has a column `severity`.
        confidence: How sure its findings are from the data alone.
        why: Why it matters.
        remedy: What to do about a finding.
        caveats: When a finding may be wrong, and what the rule cannot see.
        params: Name → what can be set.
        needs: Object → field → type: without one of these the rule is not evaluable.
        not_empty: Objects of `needs`, besides the rule's own, that must hold at least one record.
        notions: Definitions without which the rule is not evaluable.
        optional: What it uses where it is there.
        eligible: One SELECT: a row (column `record_id`) for each thing judged; the denominator.
        sql: One SELECT: a row for each finding. May read `eligible`.
        message: What a finding says; `{Column}` stands for a column of `sql`.
        references: Where the behaviour it relies on is documented.
        examples: How to know that it works.
    """

    version: Literal[1]
    id: str = Field(pattern=RULE_ID)
    name: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    title: Words
    group: Words
    since: Words
    object: Words
    population: Words
    severity: Annotated[Severity, Lax]
    confidence: Annotated[Confidence, Lax]
    why: Words
    remedy: Words
    caveats: Texts = ()
    params: Mapping[str, Parameter] = Field(default_factory=dict)
    needs: Mapping[str, Fields] = Field(min_length=1)
    not_empty: Texts = ()
    notions: Annotated[tuple[Notion, ...], Lax] = ()
    optional: Annotated[tuple[OptionalNeed, ...], Lax] = ()
    eligible: Words
    sql: Words
    message: Words
    references: Texts = ()
    examples: Annotated[tuple[Example, ...], Lax]

    @model_validator(mode="after")
    def _check(self) -> Self:
        faults: list[Fault] = []
        if self.object not in self.needs:
            message = f"`needs` lists no fields of {self.object}, the object the rule judges"
            faults.append(Fault(message, at=("needs",), key=True))
        faults += [
            Fault(f"{name} is not in `needs`", suggestion(name, self.needs), at=("not_empty", i))
            for i, name in enumerate(self.not_empty)
            if name not in self.needs
        ]
        if not any(example.finds for example in self.examples):
            faults.append(Fault("no example finds anything", at=("examples",), key=True))
        if not any(example.finds == () for example in self.examples):
            faults.append(Fault("no example is clean", "add one with `finds: []`", ("examples",), key=True))
        if faults:
            raise faulty(*faults)
        return self

    @property
    def fields(self) -> dict[str, dict[str, FieldType]]:
        """Object → field → type, of everything the rule may read: what it needs, and what is optional."""
        fields = {name: dict(of_object) for name, of_object in self.needs.items()}
        for option in self.optional:
            if option.object is not None:
                fields.setdefault(option.object, {}).update(option.fields)
        return fields

    @property
    def optional_notions(self) -> tuple[Notion, ...]:
        """Definitions the rule uses where they are bound."""
        return tuple(option.notion for option in self.optional if option.notion is not None)

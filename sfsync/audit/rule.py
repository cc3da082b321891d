"""What an audit rule is: one file that says what is wrong, why it matters and how to find it, and proves it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, PrivateAttr, model_validator

from sfsync.audit.parameter import Parameter
from sfsync.config.definitions import Definitions
from sfsync.config.model import ApiName, Fault, Lax, ShortForm, StrictModel, faulty
from sfsync.records import Confidence, Severity

if TYPE_CHECKING:
    from sfsync.audit.relations.relation import Relation

#: What a field of the mirror must hold for a rule to read it; `number` takes every numeric column.
FieldType = Literal["text", "boolean", "number", "date", "datetime"]

#: What `definitions:` in sfsync.yml can bind for a rule.
Notion = Literal[
    "lead_status.new",
    "lead_status.working",
    "lead_status.qualified",
    "lead_status.disqualified",
    "framework",
    "scoring",
    "icp",
    "required_by_status",
    "lead_path",
    "waits_until",
    "reachable_by",
    "origin_detail",
    "stage_exit",
    "pricing",
    "reasons.disqualified",
    "reasons.lost",
    "assignment",
    "business_hours",
    "deals.sales_processes",
    "lead_conversion.mapping",
    "lead_conversion.options",
    "lead_conversion.record_types",
]

#: The columns of a rule's SQL that mean something to the audit; every other one is for its message.
MEANINGFUL_COLUMNS = ("record_id", "object", "severity", "discriminator", "breakdown")

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


class DescribedValue(StrictModel):
    """One value of a picklist in an example."""

    value: str
    label: str | None = None
    active: bool = True
    default: bool = False


class DescribedField(StrictModel):
    """What the org of an example says about a field; what is left out is as Salesforce has it for a plain field."""

    type: str = "string"
    label: str | None = None
    length: int = 0
    precision: int = 0
    scale: int = 0
    nillable: bool = True
    createable: bool = True
    updateable: bool = True
    defaulted_on_create: bool = False
    unique: bool = False
    external_id: bool = False
    calculated: bool = False
    restricted_picklist: bool = True
    filterable: bool = True
    case_sensitive: bool = False
    reference_to: Texts = ()
    values: Annotated[tuple[Annotated[DescribedValue, ShortForm("value")], ...], Lax] = ()


class Fix(StrictModel):
    """What a finding proposes to write.

    Attributes:
        set: Field of the rule's object → column of `sql` with the value it should have; NULL proposes nothing.
        reason: Why, for the plan; `{Column}` stands for a column of `sql`.
    """

    set: Mapping[ApiName, Words] = Field(min_length=1)
    reason: Words


class Example(StrictModel):
    """A small mirror, and what the rule must say about it.

    Attributes:
        name: What it shows, as a sentence.
        given: Object → records; a field no record names is NULL.
        describe: Object → field → what the org says about it; without it the types are guessed from the values.
        mirror: What the ledger of the mirror says, table → rows; see `example_mirror`.
        history: Object → earlier versions of records, each with `valid_from` and `valid_to`; kept only where given.
        without: Objects (`OpportunityStage`) and fields (`Lead.LeadSource`) the user who pulled may not read.
        definitions: As in sfsync.yml.
        params: As in sfsync.yml.
        timezone: Of the org.
        fiscal_year_start_month: Of the org, 1 to 12.
        as_of: The mirror's time.
        finds: The findings, in any order; an empty list for a clean example.
        eligible: How many records are judged; not compared when None.
        not_evaluable: Words of the reason why the rule cannot judge; instead of `finds`.
    """

    name: str
    given: Mapping[str, Annotated[tuple[Mapping[str, Any], ...], Lax]] = Field(default_factory=dict)
    describe: Mapping[str, Mapping[str, DescribedField]] = Field(default_factory=dict)
    mirror: Mapping[str, Any] = Field(default_factory=dict)
    history: Mapping[str, Annotated[tuple[Mapping[str, Any], ...], Lax]] = Field(default_factory=dict)
    without: Texts = ()
    definitions: Definitions = Definitions()
    params: Mapping[str, Any] = Field(default_factory=dict)
    timezone: str = "UTC"
    fiscal_year_start_month: int = Field(default=1, ge=1, le=12)
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
        enabled: False leaves it out unless it is selected or turned on in sfsync.yml.
        gate: Whether its errors make the mirror unfit to be judged.
        needs: Object → field → type: without one of these the rule is not evaluable.
        not_empty: Objects of `needs`, besides the rule's own, that must hold at least one record.
        notions: Definitions without which the rule is not evaluable.
        optional: What it uses where it is there.
        eligible: One SELECT: a row (column `record_id`) for each thing judged; the denominator.
        sql: One SELECT: a row for each finding. May read `eligible`.
        message: What a finding says; `{Column}` stands for a column of `sql`.
        fix: What to write to mend a finding.
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
    enabled: bool = True
    gate: bool = False
    needs: Mapping[str, Fields] = Field(default_factory=dict)
    not_empty: Texts = ()
    notions: Annotated[tuple[Notion, ...], Lax] = ()
    optional: Annotated[tuple[OptionalNeed, ...], Lax] = ()
    eligible: Words
    sql: Words
    message: Words
    fix: Fix | None = None
    references: Texts = ()
    examples: Annotated[tuple[Example, ...], Lax]

    _relations: tuple[Relation, ...] = PrivateAttr(default=())

    @model_validator(mode="after")
    def _check(self) -> Self:
        faults: list[Fault] = []
        if not any(example.finds for example in self.examples):
            faults.append(Fault("no example finds anything", at=("examples",), key=True))
        if not any(example.finds == () for example in self.examples):
            faults.append(Fault("no example is clean", "add one with `finds: []`", ("examples",), key=True))
        if faults:
            raise faulty(*faults)
        return self

    @property
    def relations(self) -> tuple[Relation, ...]:
        """Every relation it reads, directly or not, each after those it reads itself."""
        return self._relations

    def with_relations(self, relations: Iterable[Relation]) -> Self:
        """The rule, knowing what it reads."""
        found = self.model_copy()
        found._relations = tuple(relations)  # noqa: SLF001 - its own
        return found

    @property
    def fields(self) -> dict[str, dict[str, FieldType]]:
        """Object → field → type, of everything it may read: what it and its relations need, and what is optional."""
        fields = fields_of_all({}, self.every_option)
        for name, of_object in self.every_need.items():
            fields.setdefault(name, {}).update(of_object)
        return fields

    @property
    def every_need(self) -> dict[str, dict[str, FieldType]]:
        """What it needs, also for its relations."""
        needs = {name: dict(of_object) for name, of_object in self.needs.items()}
        for relation in self._relations:
            for name, of_object in relation.needs.items():
                needs[name] = {**of_object, **needs.get(name, {})}
        return needs

    @property
    def every_option(self) -> tuple[OptionalNeed, ...]:
        """What it uses where it is there, also for its relations."""
        return (*self.optional, *(option for relation in self._relations for option in relation.optional))

    @property
    def every_notion(self) -> tuple[Notion, ...]:
        """Definitions without which it is not evaluable, also for its relations."""
        inherited = (notion for relation in self._relations for notion in relation.notions)
        return tuple(dict.fromkeys((*self.notions, *inherited)))


def fields_of_all(needs: Mapping[str, Fields], optional: Iterable[OptionalNeed]) -> dict[str, dict[str, FieldType]]:
    """Object → field → type, of needs and options together."""
    fields = {name: dict(of_object) for name, of_object in needs.items()}
    for option in optional:
        if option.object is not None:
            fields.setdefault(option.object, {}).update(option.fields)
    return fields

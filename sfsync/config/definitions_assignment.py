"""Who is to own which leads: assignment rules by territory, industry, product or whatever field tells."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from sfsync.config.model import API_NAME, Fault, Filled, Lax, StrictModel, check_api_name, faulty

NonEmptyTexts = Annotated[tuple[str, ...], Lax, *Filled]
FieldName = Annotated[str, AfterValidator(check_api_name), Field(pattern=f"^{API_NAME}$")]


class AssignmentRule(StrictModel):
    """Leads that look like this belong to these owners; of several rules the first that fits is the one.

    Attributes:
        when: Field of the lead → values, of which it has one; without fields the rule takes all that are left.
        owners: User names, e-mail addresses or Ids of the users, any one of whom may own it.
        queue: Developer name, name or Id of the queue that may own it.
    """

    when: dict[FieldName, NonEmptyTexts] = Field(default_factory=dict)
    owners: NonEmptyTexts | None = None
    queue: str | None = None

    @model_validator(mode="after")
    def _has_owners(self) -> Self:
        if self.owners is None and self.queue is None:
            raise faulty(Fault("neither `owners` nor `queue` is given", "e.g. `owners: [ana@example.com]`", key=True))
        blank = [Fault("an owner is empty", at=("owners", i)) for i, x in enumerate(self.owners or ()) if not x.strip()]
        if self.queue is not None and not self.queue.strip():
            blank.append(Fault("the queue is empty", at=("queue",)))
        if blank:
            raise faulty(*blank)
        return self

    @property
    def words(self) -> str:
        """Its condition, in a few words."""
        conditions = [f"{name} is {' or '.join(values)}" for name, values in self.when.items()]
        return ", ".join(conditions) or "every other lead"


def check_reachable(rules: tuple[AssignmentRule, ...]) -> tuple[AssignmentRule, ...]:
    """Refuse rules behind one that takes every lead: they would never apply."""
    for i, rule in enumerate(rules[:-1]):
        if not rule.when:
            message = "takes every lead, so that the rules after it never apply"
            raise faulty(Fault(message, "put it last, or say `when`", (i,), True))
    return rules


Assignment = Annotated[tuple[AssignmentRule, ...], Lax, AfterValidator(check_reachable)]

"""How records are written: which of the org's automatisms run, as request headers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from sfsync.errors import IncompleteAnswer, OutcomeUnknown, SalesforceError, TemporaryFailure, Unreachable


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """How records are written.

    Attributes:
        auto_assign: Run the active assignment rules. Salesforce runs them on every create *and update* of leads,
            accounts and cases unless told otherwise, which would hand each record of a sync to another owner.
        assignment_rule_id: Run this one instead of the active one.
        duplicates: What an alert of the org's duplicate rules means: `block` refuses the record
            (DUPLICATES_DETECTED), `allow` saves it all the same. A rule that blocks does so in either case.
    """

    auto_assign: bool = False
    assignment_rule_id: str | None = None
    duplicates: Literal["block", "allow"] = "block"

    @property
    def headers(self) -> dict[str, str]:
        """For a REST request that writes."""
        assign = self.assignment_rule_id or ("TRUE" if self.auto_assign else "FALSE")
        allow = "true" if self.duplicates == "allow" else "false"
        return {
            "Sforce-Auto-Assign": assign,
            "Sforce-Duplicate-Rule-Header": f"allowSave={allow}, includeRecordDetails=false, runAsCurrentUser=true",
        }


@contextmanager
def outcome_must_be_known(what: str) -> Iterator[None]:
    """Turns the loss of a write's answer into `OutcomeUnknown`; what the org certainly did not do stays what it is."""
    try:
        yield
    except (Unreachable, TemporaryFailure, IncompleteAnswer) as error:
        if error.unprocessed:
            raise
        raise _unknown(what, error) from error


def _unknown(what: str, error: SalesforceError) -> OutcomeUnknown:
    return OutcomeUnknown(
        f"whether {what} was done is not known: {error.message}",
        hint="the records are read again before anything is repeated",
        context=error.context,
    )

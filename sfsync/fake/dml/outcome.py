"""What came of one record in a write: the same for REST, SOAP, Bulk and conversion, which only spell it differently."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class RowError:
    """Why a record was refused.

    Attributes:
        code: Salesforce's status code, e.g. `REQUIRED_FIELD_MISSING`.
        message: In Salesforce's words.
        fields: API names of the fields at fault.
        extra: More members of the JSON error, e.g. `duplicateResult`.
    """

    code: str
    message: str
    fields: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """What came of one record.

    Attributes:
        id: 18 characters; None when nothing was made and none was named.
        created: Whether a record was made (an upsert tells the client).
        errors: Empty when the write was done.
        matches: 18-character Ids, when an external ID fits several records (HTTP 300).
    """

    id: str | None
    created: bool = False
    errors: tuple[RowError, ...] = ()
    matches: tuple[str, ...] = ()

    @property
    def success(self) -> bool:
        """Whether the write was done."""
        return not self.errors


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """How a client wants its write.

    Attributes:
        user_id: Who writes.
        all_or_none: One refused record undoes the others (`ALL_OR_NONE_OPERATION_ROLLED_BACK`).
        auto_assign: Assignment rules fire (`Sforce-Auto-Assign`; on unless the client says otherwise, for REST).
        allow_duplicates: `Sforce-Duplicate-Rule-Header: allowSave=true`.
        truncate: Texts that are too long are cut instead of refused (SOAP `AllowFieldTruncationHeader`).
        unmodified_since: Refuse (412) records changed after this instant.
        update_only: An upsert must not make records.
        system: With the rights of the org itself: Ids, stamps and calculated fields may be set, no rule is asked, and
            nothing but the values' types is checked.
        version: API version of the call, for the addresses within its errors.
    """

    user_id: str
    all_or_none: bool = False
    auto_assign: bool = True
    allow_duplicates: bool = False
    truncate: bool = False
    unmodified_since: Any = None
    update_only: bool = False
    system: bool = False
    version: str = "66.0"

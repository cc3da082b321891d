"""What an org's set-up makes of a write or a look: the one place that writes, queries and describes ask."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from sfsync.fake.behaviour.currencies import Currencies
from sfsync.fake.behaviour.permissions import Permissions
from sfsync.fake.behaviour.record_types import RecordTypes
from sfsync.fake.behaviour.system_queries import SystemQueries
from sfsync.fake.catalog import Catalog
from sfsync.fake.dml.outcome import WriteOptions
from sfsync.fake.dml.pending import PendingRow

if TYPE_CHECKING:
    from sfsync.fake.behaviour.assignment import AssignmentRule
    from sfsync.fake.behaviour.calculated import CalculatedFields
    from sfsync.fake.behaviour.duplicates import DuplicateRule
    from sfsync.fake.behaviour.validation import ValidationRule
    from sfsync.fake.org import FakeOrg


class Behaviour:
    """Permissions, rules, record types, calculated fields and currencies of one org.

    Attributes:
        queries: What the org asks itself.
        permissions: Who may see and do what.
        record_types: Record types, their picklist values and whose default they are.
        currencies: The org's currencies and rates; `enabled` once there are several.
        validation_rules: In the order of their declaration; all that apply are reported.
        duplicate_rules: In the order of their declaration; the first that finds something is reported.
        assignment_rules: In the order of their declaration; the first that applies decides.
    """

    def __init__(self, org: FakeOrg) -> None:
        self._org = org
        self.queries = SystemQueries(org)
        self.permissions = Permissions()
        self.record_types = RecordTypes(org)
        self.currencies = Currencies(org)
        self.validation_rules: list[ValidationRule] = []
        self.duplicate_rules: list[DuplicateRule] = []
        self.assignment_rules: list[AssignmentRule] = []

    @cached_property
    def calculated(self) -> CalculatedFields:
        """Formula and roll-up fields."""
        from sfsync.fake.behaviour.calculated import CalculatedFields  # noqa: PLC0415 - it needs the SOQL compiler

        return CalculatedFields(self._org)

    # --- permissions -----------------------------------------------------------------------------------------------

    def visible_to(self, user_id: str) -> Catalog:
        """The objects and fields that a user sees; the same catalogue object until something changes.

        A field that the user may read and not change has no `c` and `u` flags there, an object that the user may not
        create records of no `C`, and so on: exactly as the user's own describe shows it.
        """
        return self.permissions.visible_to(user_id, self._org.catalog)

    def may(self, user_id: str, object_name: str, verb: str) -> bool:
        """Whether a user may `create`, `read`, `edit` or `delete` records of an object."""
        return self.permissions.may(user_id, object_name, verb)

    def may_edit(self, user_id: str, object_name: str, field: str) -> bool:
        """Whether field-level security lets a user set a field."""
        return self.permissions.may_edit(user_id, object_name, field)

    # --- writes ----------------------------------------------------------------------------------------------------

    def assign(self, object_name: str, rows: Sequence[PendingRow], options: WriteOptions) -> None:
        """Let assignment rules set `OwnerId` in `after`, if the client did not switch them off.

        In a save this comes after `check`. They win over an owner that the client named, and leave the owner alone
        where none of them applies.
        """
        rules = [rule for rule in self.assignment_rules if rule.object_name == object_name]
        if not rules or not options.auto_assign:
            return
        waiting = [row for row in rows if not row.errors]
        for rule in rules:
            if not waiting:
                return
            found = {id(row) for row in rule.found(self._org, waiting)}
            for row in waiting:
                if id(row) in found:
                    row.after["OwnerId"] = rule.owner_id
            waiting = [row for row in waiting if id(row) not in found]

    def check(self, object_name: str, rows: Sequence[PendingRow], options: WriteOptions) -> None:
        """Add to each row what speaks against it, in the order of a save: picklists, validation, duplicates."""
        self.record_types.check(object_name, rows)
        for validation in self.validation_rules:
            if validation.object_name == object_name:
                validation.check(self._org, rows)
        for duplicates in self.duplicate_rules:
            if duplicates.object_name == object_name:
                duplicates.check(self._org, [row for row in rows if not row.errors], options)

    def default_record_type(self, user_id: str, object_name: str) -> str | None:
        """The record type that a user's new records get where they name none; None is the master record type."""
        return self.record_types.default(user_id, object_name)

    # --- calculated fields -----------------------------------------------------------------------------------------

    def refresh(self, object_name: str, ids: Iterable[str] | None = None) -> None:
        """Bring formulas and roll-ups up to date after records of an object were written or deleted.

        Only calculated fields change: no stamp moves, no history is written, no rule fires.

        Args:
            object_name: Whose records were written.
            ids: Which of them; all, unless given.
        """
        if "calculated" in self.__dict__:
            self.calculated.refresh(object_name, ids)

    def settle(self) -> None:
        """Bring formulas that tell the time up to date; whoever is about to read records calls this first."""
        if "calculated" in self.__dict__:
            self.calculated.settle()

    # --- currencies ------------------------------------------------------------------------------------------------

    def user_currency(self, user_id: str) -> str:
        """The currency that `convertCurrency()` converts to for a user."""
        return self.currencies.of_user(user_id)

    def record_type_infos(self, object_name: str, user_id: str) -> list[Mapping[str, object]]:
        """The object's own record types for a user's describe; the master record type is not among them."""
        return self.record_types.infos(object_name, user_id)

"""Setting an org up: the part of `FakeOrg` that says what an admin would have set up by clicking."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, cast

from sfsync.errors import UsageError
from sfsync.fake.ids import is_valid_id, to_18

if TYPE_CHECKING:
    from sfsync.fake.behaviour.behaviour import Behaviour
    from sfsync.fake.behaviour.conditions import Test
    from sfsync.fake.behaviour.currencies import DatedRates
    from sfsync.fake.behaviour.permissions import Verb
    from sfsync.fake.catalog import FieldFacts, ObjectFacts
    from sfsync.fake.convert import LeadFieldMap
    from sfsync.fake.org import FakeOrg


class Declarations:
    """What can be set up in an org; `FakeOrg` inherits it.

    Whatever names an object or field takes its API name in any case, and raises UsageError when the org has none of it.
    """

    @cached_property
    def behaviour(self) -> Behaviour:
        """What the org's set-up makes of writes and looks."""
        from sfsync.fake.behaviour.behaviour import Behaviour  # noqa: PLC0415 - rules need the SOQL compiler

        return Behaviour(self._org)

    @property
    def _org(self) -> FakeOrg:
        return cast("FakeOrg", self)

    # --- people and permissions --------------------------------------------------------------------------------------

    def add_user(self, last_name: str = "User", **fields: Any) -> str:
        """Add an active user, who may do everything until told otherwise; returns the Id."""
        org = self._org
        number = org.count("User")
        alias = f"user{number}"
        born = {
            "Username": f"{alias}@fake-org.example",
            "Email": f"{alias}@fake-org.example",
            "Alias": alias[:8],
            "LastName": last_name,
            "IsActive": True,
            "ProfileId": (org.record("User", org.admin_id) or {}).get("ProfileId"),
        }
        return org.insert("User", [{**born, **fields}])[0]

    def token_for(self, user_id: str) -> str:
        """A new access token that speaks for a user."""
        org = self._org
        if not is_valid_id(user_id, "005") or org.record("User", user_id) is None:
            raise UsageError(f"`{user_id}` is not the Id of a user of this org", hint="add_user returns one")
        return org.access.issue(to_18(user_id))

    def hide(self, object_name: str, field: str | None = None, user: str | None = None) -> None:
        """Take an object, or one field of it, away: gone from describe, and an error in queries.

        Args:
            object_name: The object.
            field: The field; the whole object, unless given.
            user: Id of the user who shall not see it; nobody sees it, unless given.
        """
        self.set_permissions(object_name, (), field=field, user=user)

    def set_permissions(
        self, object_name: str, allowed: Sequence[Verb], *, field: str | None = None, user: str | None = None
    ) -> None:
        """Let a user do exactly what `allowed` says: `create`, `read`, `edit`, `delete`; for a field `read`, `edit`.

        Args:
            object_name: The object.
            allowed: What may be done, e.g. `("read", "edit")`; nothing hides it.
            field: One field of it (field-level security), instead of the object as a whole.
            user: Id of the user meant; everybody, unless given.
        """
        facts = _object(self._org, object_name)
        target = facts.name if field is None else f"{facts.name}.{_field(facts, field).name}"
        self.behaviour.permissions.set(to_18(user) if user else None, target, allowed)

    # --- rules -------------------------------------------------------------------------------------------------------

    def set_up(self, by: Callable[[FakeOrg], None]) -> None:
        """Set the org up by calling this with it, now and after every reset."""
        org = self._org
        fill: Callable[[], None] = org._fill  # noqa: SLF001 - this is a part of it

        def filled_and_set_up() -> None:
            fill()
            by(org)

        org._fill = filled_and_set_up  # noqa: SLF001
        by(org)

    def allow_audit_fields(self, *object_names: str) -> None:
        """Let clients set who made a record and when, as it is made: "Set Audit Fields upon Record Creation".

        Args:
            object_names: Of these objects; of all where records can be made, unless given.
        """
        org = self._org
        wanted = [_object(org, name) for name in object_names] or [facts for facts in org.catalog if facts.has("C")]
        for facts in wanted:
            if facts.name in _WITHOUT_AUDIT_FIELDS:
                continue
            fields = tuple(
                replace(field, flags=f"{field.flags}c") if field.name in _AUDIT_FIELDS and not field.has("c") else field
                for field in facts.fields
            )
            org.catalog.put(replace(facts, fields=fields))

    def add_validation_rule(
        self, object_name: str, name: str, when: str | Test, message: str, field: str | None = None
    ) -> None:
        """Refuse records that meet a condition.

        Args:
            object_name: Whose records.
            name: Developer name of the rule.
            when: What must not be, as SOQL (`Status = 'Qualified' AND Email = null`, parents too), or a function of
                the record as it would be saved and as it was (None for a new one).
            message: What the client is told.
            field: The field at fault, if it is one.
        """
        from sfsync.fake.behaviour.conditions import condition  # noqa: PLC0415
        from sfsync.fake.behaviour.validation import ValidationRule  # noqa: PLC0415

        facts = _object(self._org, object_name)
        at = _field(facts, field).name if field else None
        rule = ValidationRule(facts.name, name, condition(self._org, facts.name, when), message, at)
        self.behaviour.validation_rules.append(rule)

    def add_duplicate_rule(
        self,
        object_name: str,
        match_fields: Sequence[str],
        action: Literal["block", "alert"] = "block",
        against: Sequence[str] = (),
        *,
        name: str = "",
        message: str | None = None,
    ) -> None:
        """Refuse records that agree with one there is in all of `match_fields` (DUPLICATES_DETECTED).

        Args:
            object_name: Whose saves are looked at.
            match_fields: Fields that have to agree, under the same names in every object compared.
            action: `block`, or `alert`: a client that says `allowSave=true` may save nevertheless.
            against: Objects in which duplicates are looked for; the object itself, unless given.
            name: Developer name of the rule.
            message: What the client is told.
        """
        from sfsync.fake.behaviour.duplicates import DEFAULT_MESSAGE, DuplicateRule  # noqa: PLC0415

        facts = _object(self._org, object_name)
        others = [_object(self._org, other) for other in against] or [facts]
        names = tuple(_field(facts, one).name for one in match_fields)
        for other in others:
            for one in names:
                _field(other, one)
        if not names or action not in {"block", "alert"}:
            raise UsageError("a duplicate rule needs fields to compare, and `block` or `alert`")
        self.behaviour.duplicate_rules.append(
            DuplicateRule(
                facts.name,
                name or f"{facts.name}_Duplicate_Rule",
                names,
                tuple(other.name for other in others),
                action,
                message or DEFAULT_MESSAGE,
            )
        )

    def add_assignment_rule(self, object_name: str, when: str | Test | None, owner: str) -> None:
        """Give records that meet a condition to a user or queue, on create and on update, unless the client opts out.

        Args:
            object_name: Lead, Account or Case.
            when: As in `add_validation_rule`; None for all.
            owner: Id of the user or queue.
        """
        from sfsync.fake.behaviour.assignment import ASSIGNED, AssignmentRule  # noqa: PLC0415
        from sfsync.fake.behaviour.conditions import condition  # noqa: PLC0415

        facts = _object(self._org, object_name)
        if facts.name not in ASSIGNED:
            raise UsageError(f"{facts.name} has no assignment rules", hint=f"objects that have: {', '.join(ASSIGNED)}")
        if not is_valid_id(owner) or owner[:3] not in {"005", "00G"}:
            raise UsageError(f"`{owner}` is not the Id of a user or queue")
        rule = AssignmentRule(facts.name, condition(self._org, facts.name, when), to_18(owner))
        self.behaviour.assignment_rules.append(rule)

    # --- shape -------------------------------------------------------------------------------------------------------

    def set_picklist(self, object_name: str, field: str, values: Sequence[str]) -> None:
        """Let a picklist offer just these values."""
        from sfsync.fake.catalog.facts import PicklistEntry  # noqa: PLC0415

        org = self._org
        facts = _object(org, object_name)
        wanted, entries = _field(facts, field), tuple(PicklistEntry(value, value) for value in values)
        fields = tuple(replace(each, values=entries) if each is wanted else each for each in facts.fields)
        org.catalog.put(replace(facts, fields=fields))

    def map_lead_field(self, lead_field: str, targets: Mapping[str, str]) -> None:
        """Let conversion carry a custom lead field over: `map_lead_field("Size__c", {"Account": "Size__c"})`."""
        self.lead_fields.add(lead_field, targets)

    @cached_property
    def lead_fields(self) -> LeadFieldMap:
        """Where the fields of a lead go when it is converted."""
        from sfsync.fake.convert import LeadFieldMap  # noqa: PLC0415 - only conversion needs it

        return LeadFieldMap(self._org)

    def add_record_type(
        self,
        object_name: str,
        developer_name: str,
        picklists: Mapping[str, Sequence[str]] | None = None,
        *,
        label: str = "",
        default_for: str | None = None,
    ) -> str:
        """Add a record type; returns its Id.

        Args:
            object_name: Whose records it is for.
            developer_name: API name.
            picklists: Field → the values it offers; other fields offer all of theirs.
            label: What people see; made from the API name when empty.
            default_for: Whose new records get it where they name none: `everybody`, or the Id of a user.
        """
        from sfsync.fake.behaviour.record_types import OwnRecordType  # noqa: PLC0415

        org = self._org
        facts = _object(org, object_name)
        offered = {_field(facts, name).name: tuple(values) for name, values in (picklists or {}).items()}
        shown = label or developer_name.replace("_", " ")
        row = {"SobjectType": facts.name, "DeveloperName": developer_name, "Name": shown, "IsActive": True}
        (made,) = org.insert("RecordType", [row])
        if facts.field("RecordTypeId") is None:
            org.database.add_fields(facts, [_record_type_field()])
        record_type = OwnRecordType(made, facts.name, developer_name, shown, offered)
        self.behaviour.record_types.add(record_type)
        if default_for is not None:
            user = None if default_for == "everybody" else to_18(default_for)
            self.behaviour.record_types.make_default(record_type, user)
        return made

    def add_formula(self, object_name: str, name: str, field_type: str, expression: str, **details: Any) -> FieldFacts:
        """Add a formula field, in Salesforce's own formula language as far as `behaviour.formula` knows it.

        Args:
            object_name: Whose field.
            name: API name, ending in `__c`.
            field_type: `string`, `double`, `currency`, `percent`, `boolean`, `date` or `datetime`.
            expression: E.g. `IF(ISBLANK(Email), 0, 10) + AnnualRevenue / 1000`.
            details: As for `add_field`.
        """
        return self.behaviour.calculated.add_formula(
            _object(self._org, object_name), name, field_type, expression, details
        )

    def add_roll_up(  # noqa: PLR0913 - as many as the page in Setup asks for
        self,
        object_name: str,
        name: str,
        child: str,
        function: Literal["COUNT", "SUM", "MIN", "MAX"] = "COUNT",
        field: str | None = None,
        *,
        lookup: str | None = None,
        where: str | None = None,
        moves_stamp: bool = False,
    ) -> FieldFacts:
        """Add a roll-up summary field.

        Args:
            object_name: The parent, which gets the field.
            name: API name, ending in `__c`.
            child: Object whose records are summed up.
            function: `COUNT`, or with a `field` `SUM`, `MIN` or `MAX`.
            field: Field of the child.
            lookup: Field of the child that points to the parent; may be left out where there is only one.
            where: Which children count, as a SOQL condition.
            moves_stamp: Whether a change of the sum moves the parent's SystemModstamp, as some of Salesforce's own
                recalculations do.
        """
        from sfsync.fake.behaviour.calculated import RollUp  # noqa: PLC0415

        org = self._org
        facts, below = _object(org, object_name), _object(org, child)
        pointing = [one.name for one in below.fields if facts.name in one.points_to]
        if lookup is not None:
            pointing = [_field(below, lookup).name] if _field(below, lookup).name in pointing else []
        if len(pointing) != 1:
            raise UsageError(
                f"{below.name} has {len(pointing)} lookups to {facts.name} that could be meant",
                hint="say which: `lookup=`",
            )
        summed = _field(below, field).name if field else None
        roll_up = RollUp(facts.name, name, below.name, pointing[0], function, summed, where, moves_stamp)
        return self.behaviour.calculated.add_roll_up(roll_up)

    def multi_currency(self, rates: Mapping[str, float], dated: Mapping[str, DatedRates] | None = None) -> None:
        """Turn multi-currency on: `CurrencyIsoCode` on records, and CurrencyType with these rates.

        Args:
            rates: ISO code → how much of it one unit of the corporate currency (the one with rate 1) buys.
            dated: ISO code → day → rate from that day on: DatedConversionRate, for `convertCurrency` of opportunities.
        """
        self.behaviour.currencies.enable(rates, dated)


_AUDIT_FIELDS = frozenset({"CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById"})
_WITHOUT_AUDIT_FIELDS = frozenset({"User", "UserRole"})


def _object(org: FakeOrg, name: str) -> ObjectFacts:
    facts = org.catalog.facts(name)
    if facts is None:
        raise UsageError(f"the fake org has no object `{name}`")
    return facts


def _field(facts: ObjectFacts, name: str) -> FieldFacts:
    field = facts.field(name)
    if field is None:
        raise UsageError(f"{facts.name} has no field `{name}`")
    return field


def _record_type_field() -> FieldFacts:
    from sfsync.fake.catalog import FieldFacts  # noqa: PLC0415

    return FieldFacts(
        "RecordTypeId", "Record Type ID", "reference", 18, flags="ncu", points_to=("RecordType",), parent="RecordType"
    )

"""Where the values of a lead go when it is converted: Salesforce's own map, and the admin's for custom fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sfsync.errors import UsageError
from sfsync.fake.catalog import FieldFacts

if TYPE_CHECKING:
    from sfsync.fake.org import FakeOrg

TARGETS = ("Account", "Contact", "Opportunity")

_ADDRESS_PARTS = ("Street", "City", "State", "PostalCode", "Country", "Latitude", "Longitude", "GeocodeAccuracy")

#: Target → field of the target → field of the lead. LeadSource → Account.AccountSource is left out: sources disagree.
STANDARD_MAP: Mapping[str, Mapping[str, str]] = {
    "Account": {
        "Name": "Company",
        "AnnualRevenue": "AnnualRevenue",
        "DunsNumber": "CompanyDunsNumber",
        "Fax": "Fax",
        "Industry": "Industry",
        "NumberOfEmployees": "NumberOfEmployees",
        "Phone": "Phone",
        "Rating": "Rating",
        "Website": "Website",
        **{f"Billing{part}": part for part in _ADDRESS_PARTS},
    },
    "Contact": {
        "Salutation": "Salutation",
        "FirstName": "FirstName",
        "LastName": "LastName",
        "Description": "Description",
        "DoNotCall": "DoNotCall",
        "Email": "Email",
        "Fax": "Fax",
        "HasOptedOutOfEmail": "HasOptedOutOfEmail",
        "HasOptedOutOfFax": "HasOptedOutOfFax",
        "IndividualId": "IndividualId",
        "LeadSource": "LeadSource",
        "MobilePhone": "MobilePhone",
        "Phone": "Phone",
        "Title": "Title",
        **{f"Mailing{part}": part for part in _ADDRESS_PARTS},
    },
    "Opportunity": {"Name": "Company", "LeadSource": "LeadSource"},
}

#: Text of one of these types may go into a field of another; everything else goes into its own type.
_TEXTS = frozenset({"string", "textarea", "email", "phone", "url"})
_LISTS = frozenset({"picklist", "multipicklist"})


class LeadFieldMap:
    """The custom half of the map, as set up by an admin."""

    def __init__(self, org: FakeOrg) -> None:
        self._org = org
        self._custom: dict[str, dict[str, str]] = {target: {} for target in TARGETS}

    def add(self, lead_field: str, targets: Mapping[str, str]) -> None:
        """Let a custom lead field fill custom fields of accounts, contacts and opportunities.

        Args:
            lead_field: API name.
            targets: Object → API name of its field; for each object one.

        Raises:
            UsageError: Salesforce would not let an admin map these fields.
        """
        source = self._field("Lead", lead_field)
        for target, name in targets.items():
            known = next((one for one in TARGETS if one.casefold() == target.casefold()), None)
            if known is None:
                raise UsageError(f"leads are not converted to `{target}`", hint=f"map to {', '.join(TARGETS)}")
            field = self._field(known, name)
            why = _mismatch(source, field)
            if why:
                raise UsageError(f"Lead.{source.name} cannot be mapped to {known}.{field.name}: {why}")
            taken = self._custom[known].get(field.name, source.name)
            if taken != source.name:
                raise UsageError(f"{known}.{field.name} is filled from Lead.{taken} already")
            others = {one: lead for one, lead in self._custom[known].items() if lead != source.name}
            self._custom[known] = {**others, field.name: source.name}

    def of(self, target: str) -> Mapping[str, str]:
        """Field of the target → field of the lead, as far as the org has both."""
        facts, lead = self._org.catalog.facts(target), self._org.catalog.facts("Lead")
        if facts is None or lead is None:
            return {}
        whole = {**STANDARD_MAP[target], **self._custom[target]}
        return {name: source for name, source in whole.items() if facts.field(name) and lead.field(source)}

    def _field(self, object_name: str, name: str) -> FieldFacts:
        facts = self._org.catalog.facts(object_name)
        field = None if facts is None else facts.field(name)
        if field is None:
            raise UsageError(f"{object_name} has no field `{name}`", hint="add it with `add_field` first")
        if not field.custom:
            raise UsageError(
                f"{object_name}.{field.name} is a standard field",
                hint="Salesforce maps those itself; map custom fields",
            )
        return field


def _mismatch(source: FieldFacts, target: FieldFacts) -> str:
    """Why an admin could not map one field to the other; empty when they fit."""
    if source.type in _TEXTS:
        if target.type in _LISTS and target.has("r"):
            return "text does not go into a restricted picklist"
        if target.type not in _TEXTS | _LISTS:
            return f"{source.type} does not go into {target.type}"
    elif source.type in _LISTS:
        if target.type not in {source.type, "string"}:
            return f"{source.type} does not go into {target.type}"
    elif target.type != source.type:
        return f"{source.type} does not go into {target.type}"
    if source.type in _TEXTS and target.type in _TEXTS and target.length < source.length:
        return f"the target is shorter ({target.length} < {source.length} characters)"
    return ""

"""What conversion copies from a lead to its account, contact and opportunity, pair by pair, as SQL.

Salesforce's own map is documented (Help: Lead Conversion Field Mapping); the custom one is told by
`definitions: {lead_conversion: …}`. Only pairs whose both ends are mirrored can be compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from sfsync.audit.context import AuditContext
from sfsync.config.definitions_lead_conversion import TARGETS, Target
from sfsync.store.names import quote

Origin = Literal["standard", "settings", "definitions"]

_ADDRESS = ("Street", "City", "State", "StateCode", "PostalCode", "Country", "CountryCode")

#: Target → field of the target → field of the lead. Where sources disagree (Account.AccountSource), nothing is said.
STANDARD_MAP: dict[Target, dict[str, str]] = {
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
        **{f"Billing{part}": part for part in _ADDRESS},
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
        **{f"Mailing{part}": part for part in _ADDRESS},
    },
    "Opportunity": {"Name": "Company", "LeadSource": "LeadSource", "PartnerAccountId": "PartnerAccountId"},
}

_CHECKBOXES = frozenset({"donotcall", "hasoptedoutofemail", "hasoptedoutoffax"})
_NUMBERS = frozenset({"annualrevenue", "numberofemployees"})
_PHONES = frozenset({"phone", "fax", "mobilephone"})
_WEBSITES = frozenset({"website"})
_PLACES = frozenset({"state", "country"})
_LINES = frozenset({"street", "description"})

#: How many last digits of a phone number tell it from others, however its beginning is written.
_DIGITS = 7


@dataclass(frozen=True, slots=True)
class Pair:
    """A lead field and the field that conversion copies it to.

    Attributes:
        lead_field: API name, as the mirror spells it.
        target_object: Account, Contact or Opportunity.
        target_field: API name, as the mirror spells it.
        origin: Salesforce's own map, the retrieved settings, or sfsync.yml.
        lead_kind: What the lead's field holds, in the words of a rule's `needs`.
        target_kind: What the target's field holds.
        form: How its values are compared: `phone`, `url`, `place`, `lines`, `multipicklist`, or as they are.
    """

    lead_field: str
    target_object: Target
    target_field: str
    origin: Origin
    lead_kind: str = "text"
    target_kind: str = "text"
    form: str = "plain"

    @property
    def part_of(self) -> str:
        """The whole that a field is a part of: an address, else the field itself."""
        whole = next((whole for whole in ("Billing", "Mailing") if self.target_field.startswith(whole)), None)
        is_part = whole is not None and self.origin == "standard"
        return f"{whole}Address" if is_part else self.target_field

    def has_lead_value(self, lead: str) -> str:
        """Condition that the lead has something to carry over; `lead` is the SQL of its value."""
        return _filled(lead, self.lead_kind)

    def may_differ(self, lead: str, target: str) -> str:
        """Cheap condition that holds wherever `code` is not `0`, and elsewhere, too."""
        if self.lead_kind != self.target_kind:
            return f"{lead} IS NOT NULL"
        return f"({lead} IS NOT NULL AND {lead} IS DISTINCT FROM {target})"

    def code(self, lead: str, target: str) -> str:
        """SQL of `0`: nothing to carry over, or it arrived; `1`: the target has nothing; `2`: it has something else."""
        differs = self._differs(lead, target)
        otherwise = f" WHEN {differs} THEN '2'" if differs else ""
        return (
            f"CASE WHEN NOT ({_filled(lead, self.lead_kind)}) THEN '0'"
            f" WHEN NOT ({_filled(target, self.target_kind)}) THEN '1'{otherwise} ELSE '0' END"
        )

    def _differs(self, lead: str, target: str) -> str | None:
        """Condition that two values are not the same; None where they cannot be compared."""
        if self.lead_kind != self.target_kind or self.lead_kind == "boolean":
            return None
        if self.lead_kind == "number":
            return f"ABS({lead} - {target}) > 0.005"
        if self.lead_kind != "text":
            return f"{lead} <> {target}"
        written = _FORMS.get(self.form, _plain)
        # The cheap comparison first: nearly all values are equal as they are.
        told_apart = f"{lead} <> {target} AND {written(lead)} <> {written(target)}"
        if self.form == "place":  # a code stands for the name that was typed
            told_apart += f" AND LENGTH({lead}) > 3 AND LENGTH({target}) > 3"
        return told_apart


def shown(value: str, kind: str) -> str:
    """SQL of a value as a text that is the same on every engine."""
    if kind != "number":
        return f"CAST({value} AS VARCHAR)"
    whole = f"{value} = FLOOR({value}) AND ABS({value}) < 1000000000000000"
    return f"CASE WHEN {whole} THEN CAST(CAST({value} AS BIGINT) AS VARCHAR) ELSE CAST({value} AS VARCHAR) END"


def mapped_pairs(context: AuditContext) -> Iterator[Pair]:
    """Every pair of the map: the standard ones that the mirror has, and all custom ones, there or not."""
    for target, fields in STANDARD_MAP.items():
        for name, source in fields.items():
            pair = _pair(context, source, target, name, "standard")
            if not context.columns or _is_mirrored(context, pair):
                yield pair
    for said, origin in context.definitions.lead_conversion.pairs:
        target = next(one for one in TARGETS if one == said.target_object)
        yield _pair(context, said.lead, target, said.target_field, origin)


def carried_pairs(context: AuditContext, target: Target | None = None) -> list[Pair]:
    """The pairs whose both ends are mirrored, of one target or of all."""
    wanted = [pair for pair in mapped_pairs(context) if target in (None, pair.target_object)]
    return [pair for pair in wanted if not context.columns or _is_mirrored(context, pair)]


def column(alias: str, field: str) -> str:
    """SQL of a field of the record with this alias."""
    return f"{alias}.{quote(field)}"


def _is_mirrored(context: AuditContext, pair: Pair) -> bool:
    there = context.column(pair.target_object, pair.target_field)
    return there is not None and context.column("Lead", pair.lead_field) is not None


def _pair(context: AuditContext, source: str, target: Target, name: str, origin: Origin) -> Pair:
    lead_field = context.column("Lead", source) or source
    target_field = context.column(target, name) or name
    return Pair(
        lead_field,
        target,
        target_field,
        origin,
        lead_kind=_kind(context, "Lead", lead_field),
        target_kind=_kind(context, target, target_field),
        form=_form(context, lead_field),
    )


def _kind(context: AuditContext, object_name: str, field: str) -> str:
    if context.columns:
        return context.kind(object_name, field)
    folded = field.casefold()
    return "boolean" if folded in _CHECKBOXES else "number" if folded in _NUMBERS else "text"


def _form(context: AuditContext, field: str) -> str:
    described = context.describes.get(context.object("Lead") or "Lead")
    found = described.field(field) if described is not None else None
    folded = field.casefold()
    if folded in _PHONES or (found is not None and found.type == "phone"):
        return "phone"
    if folded in _WEBSITES or (found is not None and found.type == "url"):
        return "url"
    if folded in _PLACES:
        return "place"
    if folded in _LINES or (found is not None and found.type == "textarea"):
        return "lines"
    return "multipicklist" if found is not None and found.type == "multipicklist" else "plain"


def _filled(value: str, kind: str) -> str:
    """Condition; plainer than `is_blank`, because it is asked of every mapped field of every converted lead."""
    if kind == "text":
        return f"COALESCE(TRIM({value}), '') <> ''"
    return f"COALESCE({value}, FALSE)" if kind == "boolean" else f"{value} IS NOT NULL"


def _plain(value: str) -> str:
    return f"LOWER({value})"


def _lines(value: str) -> str:
    """How lines end depends on where they were typed."""
    return f"LOWER(TRIM(REPLACE({value}, CHR(13), '')))"


def _phone(value: str) -> str:
    digits = value
    for sign in (" ", "-", ".", "/", ")"):
        digits = f"REPLACE({digits}, '{sign}', '')"
    return f"RIGHT({digits}, {_DIGITS})"


def _url(value: str) -> str:
    bare = f"LOWER({value})"
    for word in ("https://", "http://", "www.", "/"):
        bare = f"REPLACE({bare}, '{word}', '')"
    return bare


def _values(value: str) -> str:
    """The order of the values of a multi-select picklist is that of the field, not of the record."""
    return f"LENGTH({value})"


_FORMS = {"phone": _phone, "url": _url, "multipicklist": _values, "lines": _lines}

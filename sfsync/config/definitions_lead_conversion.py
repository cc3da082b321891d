"""How this org converts leads: the custom fields it maps and the options it has chosen, which no query tells.

Salesforce keeps both in metadata. `settings_file` and `lead_settings_file` name the files that
`sf project retrieve start -m LeadConvertSettings` and `-m Settings:LeadConfig` write; what is said in sfsync.yml itself
stands beside them, and wins.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, Self, get_args

from pydantic import AfterValidator, Field, PrivateAttr, ValidationInfo, computed_field, model_validator

from sfsync.config.metadata_file import Element, read_metadata
from sfsync.config.model import API_NAME, ApiName, Fault, Filled, Lax, StrictModel, check_api_name, faulty
from sfsync.config.spelling import shown, suggestion
from sfsync.errors import ConfigError

Target = Literal["Account", "Contact", "Opportunity"]
TARGETS: tuple[Target, ...] = get_args(Target)

OpportunityCreation = Literal["VisibleOptional", "VisibleRequired", "NotVisible"]

#: How to come by the files.
RETRIEVE_MAPPING = "sf project retrieve start -m LeadConvertSettings"
RETRIEVE_OPTIONS = "sf project retrieve start -m Settings:LeadConfig"


def _check_target(text: str) -> str:
    target, dot, name = text.partition(".")
    if not dot or target not in TARGETS:
        hint = suggestion(target, TARGETS) or "the object and its field, like `Opportunity.Budget__c`"
        raise faulty(Fault(f"`{shown(text)}` is no field of an account, contact or opportunity", hint))
    check_api_name(name)
    return text


class MappedField(StrictModel):
    """One pair of the custom map.

    Attributes:
        lead: API name of the lead's field.
        to: Object and field it is copied to, e.g. `Opportunity.Budget__c`.
    """

    lead: ApiName
    to: Annotated[str, AfterValidator(_check_target)]

    @property
    def target_object(self) -> str:
        """Account, Contact or Opportunity."""
        return self.to.partition(".")[0]

    @property
    def target_field(self) -> str:
        """API name of the field on it."""
        return self.to.partition(".")[2]


class LeadConversion(StrictModel):
    """The `lead_conversion:` block of `definitions:`.

    Attributes:
        settings_file: The custom field map as retrieved (`LeadConvertSettings.LeadConvertSetting-meta.xml`, or
            `LeadConvert.settings-meta.xml`); relative to sfsync.yml.
        lead_settings_file: The lead settings as retrieved (`LeadConfig.settings-meta.xml`).
        mapping: The custom field map, or what is to be added to the file's.
        allow_owner_change: Whoever converts may choose another owner.
        opportunity_creation: Whether the dialog asks for an opportunity.
        overwrite_lead_source: Conversions overwrite the source of contacts on purpose.
        require_validation: Validation rules and required fields hold during conversion, too.
        track_history: Fields of converted leads are tracked.
        preserve_status: The lead keeps its status when its new owner's record type has another default.
        record_types: Lead record type → object → record types (all by developer name) expected after conversion.
    """

    settings_file: str | None = Field(default=None, min_length=1)
    lead_settings_file: str | None = Field(default=None, min_length=1)
    mapping: Annotated[tuple[MappedField, ...], Lax] | None = None
    allow_owner_change: bool | None = None
    opportunity_creation: OpportunityCreation | None = None
    overwrite_lead_source: bool | None = None
    require_validation: bool | None = None
    track_history: bool | None = None
    preserve_status: bool | None = None
    record_types: dict[str, dict[Target, Annotated[tuple[str, ...], Lax, *Filled]]] = Field(default_factory=dict)
    _retrieved: tuple[MappedField, ...] = PrivateAttr(default=())

    @model_validator(mode="after")
    def _read_files(self, info: ValidationInfo) -> Self:
        root = Path((info.context or {}).get("root", ""))
        faults = []
        for key, kind, take in (
            ("settings_file", "LeadConvertSettings", self._take_map),
            ("lead_settings_file", "LeadConfigSettings", self._take_options),
        ):
            name = getattr(self, key)
            try:
                if name is not None:
                    take(read_metadata(root / name, kind, name))
            except ConfigError as error:
                faults += [
                    Fault(f"{problem.place}: {problem.message}", problem.hint, (key,)) for problem in error.problems
                ]
            except _Misfit as misfit:
                place = f"{name}:{misfit.element.line}:{misfit.element.column}"
                faults.append(Fault(f"{place}: `{misfit.element.name}`: {misfit}", at=(key,)))
        if faults:
            raise faulty(*faults)
        return self

    @computed_field
    def retrieved(self) -> tuple[MappedField, ...]:
        """The pairs of `settings_file`; they count in the definitions' digest like those of sfsync.yml."""
        return self._retrieved

    # `knows_…` is what `audit.notions` asks, by name, before it takes a notion's own value for an answer.

    @property
    def knows_mapping(self) -> bool:
        """Whether it is known which custom fields are mapped, even if none is."""
        return self.settings_file is not None or self.mapping is not None

    @property
    def knows_options(self) -> bool:
        """Whether the options that let rules be bypassed are known, each of them."""
        return None not in (self.require_validation, self.track_history, self.preserve_status)

    @property
    def pairs(self) -> tuple[tuple[MappedField, Literal["settings", "definitions"]], ...]:
        """Every pair of the custom map with where it is said; a pair said twice is the file's."""
        own = dict.fromkeys(pair for pair in self.mapping or () if pair not in self._retrieved)
        return (*((pair, "settings") for pair in self._retrieved), *((pair, "definitions") for pair in own))

    def _take_map(self, root: Element) -> None:
        self._retrieved = tuple(dict.fromkeys(_pairs(root)))
        creation = root.child("opportunityCreationOptions")
        if creation is not None and creation.text not in get_args(OpportunityCreation):
            raise _Misfit(creation, f"should be one of {', '.join(get_args(OpportunityCreation))}")
        self._fill("opportunity_creation", creation.text if creation is not None else None)
        self._fill("allow_owner_change", _flag(root, "allowOwnerChange"))

    def _take_options(self, root: Element) -> None:
        self._fill("require_validation", _flag(root, "shouldLeadConvertRequireValidation"))
        self._fill("track_history", _flag(root, "doesTrackHistory"))
        self._fill("preserve_status", _flag(root, "doesPreserveLeadStatus"))

    def _fill(self, name: str, value: object) -> None:
        """What sfsync.yml itself says wins."""
        if getattr(self, name) is None and value is not None:
            self.__dict__[name] = value


class _Misfit(Exception):
    """An element of a settings file does not say what it should."""

    def __init__(self, element: Element, message: str) -> None:
        super().__init__(message)
        self.element = element


def _flag(root: Element, name: str) -> bool | None:
    element = root.child(name)
    if element is None:
        return None
    if element.text not in ("true", "false"):
        raise _Misfit(element, "should be true or false")
    return element.text == "true"


def _pairs(root: Element) -> Iterator[MappedField]:
    for mapping in root.all("objectMapping"):
        source, target = _word(mapping, "inputObject"), _word(mapping, "outputObject")
        if source.text != "Lead":
            raise _Misfit(source, "should be Lead")
        if target.text not in TARGETS:
            raise _Misfit(target, f"should be one of {', '.join(TARGETS)}")
        for pair in mapping.all("mappingFields"):
            lead, to = _word(pair, "inputField"), _word(pair, "outputField")
            for field in (lead, to):
                if not re.fullmatch(API_NAME, field.text):
                    raise _Misfit(field, f"`{shown(field.text)}` is not an API name")
            yield MappedField(lead=lead.text, to=f"{target.text}.{to.text}")


def _word(element: Element, name: str) -> Element:
    found = element.child(name)
    if found is None or not found.text:
        raise _Misfit(found or element, f"`{name}` is missing" if found is None else "is empty")
    return found

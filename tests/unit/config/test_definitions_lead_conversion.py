"""`definitions: {lead_conversion: …}`: from sfsync.yml, and from the files that Salesforce's CLI retrieves."""

from __future__ import annotations

from pathlib import Path

import pytest

from sfsync.config.settings import Settings, read_settings
from sfsync.errors import ConfigError

_MAP = """<?xml version="1.0" encoding="UTF-8"?>
<LeadConvertSettings xmlns="http://soap.sforce.com/2006/04/metadata">
    <allowOwnerChange>true</allowOwnerChange>
    <objectMapping>
        <inputObject>Lead</inputObject>
        <mappingFields>
            <inputField>Budget__c</inputField>
            <outputField>Budget__c</outputField>
        </mappingFields>
        <mappingFields>
            <inputField>ns__Pain__c</inputField>
            <outputField>Need__c</outputField>
        </mappingFields>
        <outputObject>Opportunity</outputObject>
    </objectMapping>
    <opportunityCreationOptions>VisibleOptional</opportunityCreationOptions>
</LeadConvertSettings>
"""
_OPTIONS = """<?xml version="1.0" encoding="UTF-8"?>
<LeadConfigSettings xmlns="http://soap.sforce.com/2006/04/metadata">
    <doesPreserveLeadStatus>true</doesPreserveLeadStatus>
    <doesTrackHistory>false</doesTrackHistory>
    <shouldLeadConvertRequireValidation>false</shouldLeadConvertRequireValidation>
</LeadConfigSettings>
"""


def _settings(folder: Path, block: str, **files: str) -> Settings:
    for name, text in files.items():
        (folder / f"{name}.xml").write_text(text, "utf-8")
    (folder / "sfsync.yml").write_text(f"version: 1\ndefinitions:\n  lead_conversion:\n{block}", "utf-8")
    return read_settings(folder / "sfsync.yml", "sfsync.yml")


def test_nothing_is_known_without_the_block() -> None:
    conversion = Settings().definitions.lead_conversion
    assert not conversion.knows_mapping
    assert not conversion.knows_options
    assert conversion.pairs == ()


def test_the_file_and_sfsync_yml_stand_beside_each_other(tmp_path: Path) -> None:
    block = (
        "    settings_file: map.xml\n    mapping: [{lead: Budget__c, to: Opportunity.Budget__c},"
        " {lead: Note__c, to: Contact.Note__c}]\n"
    )
    conversion = _settings(tmp_path, block, map=_MAP).definitions.lead_conversion
    assert [(pair.lead, pair.target_object, pair.target_field, origin) for pair, origin in conversion.pairs] == [
        ("Budget__c", "Opportunity", "Budget__c", "settings"),
        ("ns__Pain__c", "Opportunity", "Need__c", "settings"),
        ("Note__c", "Contact", "Note__c", "definitions"),
    ]
    assert conversion.knows_mapping
    assert conversion.allow_owner_change is True
    assert conversion.opportunity_creation == "VisibleOptional"


def test_what_sfsync_yml_says_wins_over_the_file(tmp_path: Path) -> None:
    block = "    settings_file: map.xml\n    allow_owner_change: false\n    opportunity_creation: NotVisible\n"
    conversion = _settings(tmp_path, block, map=_MAP).definitions.lead_conversion
    assert conversion.allow_owner_change is False
    assert conversion.opportunity_creation == "NotVisible"


def test_an_empty_mapping_says_that_nothing_is_mapped(tmp_path: Path) -> None:
    conversion = _settings(tmp_path, "    mapping: []\n").definitions.lead_conversion
    assert conversion.knows_mapping
    assert conversion.pairs == ()


def test_the_lead_settings_tell_the_options(tmp_path: Path) -> None:
    conversion = _settings(tmp_path, "    lead_settings_file: options.xml\n", options=_OPTIONS)
    told = conversion.definitions.lead_conversion
    assert told.knows_options
    assert (told.require_validation, told.track_history, told.preserve_status) == (False, False, True)


def test_the_digest_depends_on_what_the_file_says(tmp_path: Path) -> None:
    block = "    settings_file: map.xml\n"
    before = _settings(tmp_path, block, map=_MAP).definitions.digest()
    assert _settings(tmp_path, block, map=_MAP).definitions.digest() == before
    assert _settings(tmp_path, block, map=_MAP.replace("Need__c", "Pain__c")).definitions.digest() != before


@pytest.mark.parametrize(
    ("said", "instead", "told"),
    [
        ("<inputObject>Lead<", "<inputObject>Case<", "map.xml:5:9: `inputObject`: should be Lead"),
        (">Opportunity<", ">Task<", "map.xml:14:9: `outputObject`: should be one of Account, Contact, Opportunity"),
        ("<inputField>Budget__c<", "<inputField>a b<", "map.xml:7:13: `inputField`: `a b` is not an API name"),
        ("<inputField>Budget__c</inputField>", "", "map.xml:6:9: `mappingFields`: `inputField` is missing"),
        ("<outputField>Need__c<", "<outputField><", "map.xml:12:13: `outputField`: is empty"),
        (">VisibleOptional<", ">Sometimes<", "should be one of VisibleOptional, VisibleRequired, NotVisible"),
        (">true<", ">maybe<", "map.xml:3:5: `allowOwnerChange`: should be true or false"),
        ("</objectMapping>", "", "map.xml:17:3: this is no XML: mismatched tag"),
    ],
)
def test_faults_of_the_file_name_both_places(tmp_path: Path, said: str, instead: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        _settings(tmp_path, "    settings_file: map.xml\n", map=_MAP.replace(said, instead))
    assert caught.value.message.startswith("sfsync.yml:4:20: ")
    assert told in caught.value.message


@pytest.mark.parametrize(
    ("block", "told"),
    [
        ("    settings_file: gone.xml\n", "gone.xml: the file cannot be read"),
        ("    mapping: [{lead: Budget__c, to: Oportunity.Budget__c}]\n", "did you mean `Opportunity`?"),
        ("    mapping: [{lead: Budget__c, to: Budget__c}]\n", "no field of an account, contact or opportunity"),
        ("    mapping: [{lead: 'a b', to: Contact.A__c}]\n", "not an API name"),
        ("    mapping: [{lead: A__c, to: Contact.a b}]\n", "not an API name"),
        ("    opportunity_creation: Hidden\n", "should be one of VisibleOptional, VisibleRequired, NotVisible"),
        ("    setings_file: a.xml\n", "did you mean `settings_file`?"),
        ("    record_types: {Inbound: {Lead: [A]}}\n", "should be one of Account, Contact, Opportunity"),
        ("    retrieved: []\n", "unknown key `retrieved`"),
    ],
)
def test_faults_of_the_block_have_their_line(tmp_path: Path, block: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        _settings(tmp_path, block)
    assert caught.value.message.startswith("sfsync.yml:4:")
    assert told in caught.value.message

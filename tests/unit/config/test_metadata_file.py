"""Settings files as `sf project retrieve` writes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from sfsync.config.metadata_file import MOST_BYTES, parse_metadata, read_metadata
from sfsync.errors import ConfigError

_XML = b"""<?xml version="1.0" encoding="UTF-8"?>
<LeadConvertSettings xmlns="http://soap.sforce.com/2006/04/metadata">
    <!-- who may -->
    <allowOwnerChange> true
    </allowOwnerChange>
</LeadConvertSettings>
"""


def _fault(content: bytes) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_metadata(content, "LeadConvertSettings", "map.xml")
    return caught.value.message


def test_elements_know_their_text_and_place() -> None:
    root = parse_metadata(_XML, "LeadConvertSettings", "map.xml")
    flag = root.child("allowOwnerChange")
    assert flag is not None
    assert (flag.text, flag.line, flag.column) == ("true", 4, 5)
    assert root.child("objectMapping") is None
    assert root.all("allowOwnerChange") == [flag]


def test_a_prefixed_namespace_makes_no_difference() -> None:
    xml = (
        b'<m:LeadConvertSettings xmlns:m="http://soap.sforce.com/2006/04/metadata"><m:a>1</m:a></m:LeadConvertSettings>'
    )
    assert [one.name for one in parse_metadata(xml, "LeadConvertSettings", "map.xml").children] == ["a"]


@pytest.mark.parametrize(
    "xml",
    [
        b'<!DOCTYPE a [<!ENTITY x "y">]><LeadConvertSettings>&x;</LeadConvertSettings>',
        b'<?xml version="1.0"?>\n<!DOCTYPE a SYSTEM "file:///etc/passwd"><LeadConvertSettings/>',
        b'<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><LeadConvertSettings>&b;</LeadConvertSettings>',
    ],
)
def test_a_document_type_is_refused_before_it_declares_anything(xml: bytes) -> None:
    assert "declares a document type" in _fault(xml)


def test_an_entity_that_nobody_declared_is_a_fault_at_its_place() -> None:
    assert _fault(b"<LeadConvertSettings>\n  &x;</LeadConvertSettings>").startswith("map.xml:2:3: this is no XML")


def test_faults_name_line_and_column() -> None:
    assert _fault(b"<LeadConvertSettings>\n<a></b>").startswith("map.xml:2:6: this is no XML: mismatched tag")
    assert _fault(b"").startswith("map.xml:1:1: this is no XML")
    assert _fault(b"not xml").startswith("map.xml:1:1: this is no XML")
    assert _fault(b'<?xml version="1.0" encoding="klingon"?><a/>').startswith("map.xml:1:")
    assert (
        _fault(b"<LeadConfigSettings/>")
        == "map.xml:1:1: the file holds `LeadConfigSettings`, not `LeadConvertSettings`"
    )


def test_deep_nesting_is_refused() -> None:
    assert "nested too deeply" in _fault(b"<LeadConvertSettings>" + b"<a>" * 100_000)


def test_an_enormous_file_is_refused_unread(tmp_path: Path) -> None:
    file = tmp_path / "map.xml"
    with file.open("wb") as out:
        out.truncate(MOST_BYTES + 1)
    with pytest.raises(ConfigError, match="more than 4,000,000 bytes"):
        read_metadata(file, "LeadConvertSettings")


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^gone\.xml: the file cannot be read: No such file"):
        read_metadata(tmp_path / "gone.xml", "LeadConvertSettings", "gone.xml")
    with pytest.raises(ConfigError, match="the file cannot be read"):
        read_metadata(tmp_path, "LeadConvertSettings")

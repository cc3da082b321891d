"""XML of Bulk API 1.0: read without trusting it, written element by element."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree as ET

from sfsync.fake.bulk.classic_faults import NAMESPACE
from sfsync.fake.xml_text import escape

NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"

HEAD = '<?xml version="1.0" encoding="UTF-8"?>'

#: Characters that XML has no way to write.
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


class XmlRefused(Exception):
    """A document that is not XML, or more than is let in."""


class _NoDoctype(ET.TreeBuilder):
    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:  # noqa: ARG002
        raise XmlRefused("DOCTYPE is not allowed")


def parsed(data: bytes) -> ET.Element:
    """The root element; raises XmlRefused."""
    try:
        return ET.fromstring(data, ET.XMLParser(target=_NoDoctype()))  # noqa: S314 - no DOCTYPE, no entities
    except (ET.ParseError, ValueError, LookupError) as error:
        raise XmlRefused(str(error)) from error


def local(element: ET.Element) -> str:
    """The element's name without its namespace."""
    return element.tag.rpartition("}")[2]


def members(root: ET.Element) -> dict[str, str]:
    """The texts of an element's children, by name."""
    return {local(child): (child.text or "").strip() for child in root}


def text(value: Any) -> str:
    """A value as the text of an element."""
    plain = str(value).lower() if isinstance(value, bool) else str(value)
    return escape(_UNWRITABLE.sub("\ufffd", plain))


def element(name: str, body: Mapping[str, Any], *, root: bool = True) -> str:
    """An element with a child for each member; members that are None are left out."""
    space = f' xmlns="{NAMESPACE}"' if root else ""
    inner = "".join(f"<{key}>{text(value)}</{key}>" for key, value in body.items() if value is not None)
    return f"{HEAD if root else ''}<{name}{space}>{inner}</{name}>"

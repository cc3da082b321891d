"""SOAP envelopes: read without trusting them, written in the order that strict clients insist on."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from sfsync.fake.faults import SoapFault

Element = ET.Element


class _NoDoctype(ET.TreeBuilder):
    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:  # noqa: ARG002
        raise SoapFault("UNKNOWN_EXCEPTION", "DOCTYPE is not allowed in SOAP messages")


def body_of(data: bytes) -> Element:
    """The first element in the envelope's body; raises the fault that tells what is wrong with it."""
    try:
        envelope = ET.fromstring(data, ET.XMLParser(target=_NoDoctype()))  # noqa: S314 - see above
    except ET.ParseError as error:
        raise SoapFault("UNKNOWN_EXCEPTION", f"Unable to parse the request: {error}") from error
    body = next((child for child in envelope if local(child) == "Body"), None)
    if body is None or len(body) == 0:
        raise SoapFault("UNKNOWN_EXCEPTION", "No operation available for an empty request")
    return body[0]


def local(element: Element) -> str:
    """The element's name without its namespace."""
    return element.tag.rpartition("}")[2]


def text_of(parent: Element, name: str) -> str:
    """The text of a child of this name, whatever its namespace; empty when there is none."""
    return next((child.text or "" for child in parent if local(child) == name), "")


def element(name: str, value: str | bool | int | None) -> str:
    """One element as text; None is `xsi:nil`."""
    if value is None:
        return f'<{name} xsi:nil="true"/>'
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"<{name}>{escape(text)}</{name}>"


def envelope(response: str, result: Sequence[str]) -> bytes:
    """A response envelope of the partner API around the elements of one result."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope'
        ' xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns="urn:partner.soap.sforce.com"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>'
        f"<{response}><result>{''.join(result)}</result></{response}></soapenv:Body></soapenv:Envelope>"
    ).encode()

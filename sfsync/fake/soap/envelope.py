"""SOAP requests, read without trusting them: no document types, no endless nesting, no boundless size."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from sfsync.fake.faults import SoapFault
from sfsync.fake.routing import MAX_BODY

if TYPE_CHECKING:
    from werkzeug.wrappers import Request

Element = ET.Element

#: No call of the partner API nests its elements this deep, or has so many.
_DEEPEST, _MOST_ELEMENTS = 64, 1_000_000

_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"


@dataclass(frozen=True)
class Message:
    """What an envelope holds.

    Attributes:
        call: The body's first element: the operation, its parameters are the children.
        headers: By local name; of two of the same name, the first.
    """

    call: Element
    headers: dict[str, Element]


class _Wary(ET.TreeBuilder):
    """Builds the tree and stops at what no honest client sends."""

    def __init__(self) -> None:
        super().__init__()
        self._depth = 0
        self._elements = 0

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:  # noqa: ARG002
        raise SoapFault("UNKNOWN_EXCEPTION", "DOCTYPE is not allowed in SOAP messages")

    def start(self, tag: str, attrs: dict[str, str], /) -> Element:
        self._depth += 1
        self._elements += 1
        if self._depth > _DEEPEST or self._elements > _MOST_ELEMENTS:
            raise too_large()
        return super().start(tag, attrs)

    def end(self, tag: str, /) -> Element:
        self._depth -= 1
        return super().end(tag)


def too_large() -> SoapFault:
    """The request is longer, deeper or wider than the platform reads."""
    return SoapFault("EXCEEDED_MAX_SIZE_REQUEST", "The maximum size of a request is exceeded")  # from memory


def bytes_of(request: Request) -> bytes:
    """The request's body, unzipped if the client zipped it (Salesforce's own Java client does)."""
    data = request.stream.read(MAX_BODY + 1)
    if len(data) > MAX_BODY:
        raise too_large()
    if request.headers.get("Content-Encoding", "").strip().lower() not in {"gzip", "deflate"}:
        return data
    unzip = zlib.decompressobj(wbits=47)  # gzip and zlib alike
    try:
        plain = unzip.decompress(data, MAX_BODY)
    except zlib.error as error:
        raise SoapFault("UNKNOWN_EXCEPTION", f"Unable to parse the request: {error}") from error
    if unzip.unconsumed_tail:
        raise too_large()
    return plain


def read(data: bytes) -> Message:
    """The call in an envelope; raises the fault that tells what is wrong with it."""
    try:
        envelope = ET.fromstring(data, ET.XMLParser(target=_Wary()))  # noqa: S314 - see above
    except (ET.ParseError, ValueError, LookupError) as error:  # the latter two: encodings that do not exist
        raise SoapFault("UNKNOWN_EXCEPTION", f"Unable to parse the request: {error}") from error
    body, header = child(envelope, "Body"), child(envelope, "Header")
    if body is None or len(body) == 0:
        raise SoapFault("UNKNOWN_EXCEPTION", "No operation available for an empty request")
    headers: dict[str, Element] = {}
    for one in header if header is not None else ():
        headers.setdefault(local(one), one)
    return Message(body[0], headers)


def local(element: Element) -> str:
    """The element's name without its namespace."""
    return element.tag.rpartition("}")[2]


def child(parent: Element, name: str) -> Element | None:
    """The first child of this name, whatever its namespace."""
    return next(children(parent, name), None)


def children(parent: Element, name: str) -> Iterator[Element]:
    """The children of this name, whatever their namespace."""
    return (one for one in parent if local(one) == name)


def is_nil(element: Element) -> bool:
    """Whether the element says that it has no value."""
    return element.get(_NIL, "").strip() in {"true", "1"}


def text_of(parent: Element | None, name: str) -> str:
    """The text of a child; empty when there is none."""
    found = None if parent is None else child(parent, name)
    return "" if found is None or is_nil(found) else (found.text or "").strip()


def texts_of(parent: Element, name: str) -> list[str]:
    """The text of every child of this name."""
    return [(one.text or "").strip() for one in children(parent, name) if not is_nil(one)]


def flag_of(parent: Element | None, name: str) -> bool:
    """Whether a child says `true`."""
    return text_of(parent, name) in {"true", "1"}

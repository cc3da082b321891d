"""SOAP answers, written in the order that strict clients insist on."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sfsync.fake.xml_text import escape

#: Characters that no XML 1.0 document may hold, not even escaped; Salesforce keeps some of them in text fields.
_UNSPEAKABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

#: A parser turns a bare carriage return into a line feed.
_KEPT = {"\r": "&#13;"}

Scalar = str | bool | int | None

_ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope'
    ' xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns="urn:partner.soap.sforce.com"'
    ' xmlns:sf="urn:sobject.partner.soap.sforce.com" xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
)


def text(value: str) -> str:
    """Character data; what XML cannot say becomes a question mark."""
    return escape(_UNSPEAKABLE.sub("?", value), _KEPT)


def element(name: str, value: Scalar, *, kind: str = "") -> str:
    """One element with a plain value; None is `xsi:nil`; `kind` is an `xsi:type`."""
    if value is None:
        return f'<{name} xsi:nil="true"/>'
    said = str(value).lower() if isinstance(value, bool) else str(value)
    stated = f' xsi:type="{kind}"' if kind else ""
    return f"<{name}{stated}>{text(said)}</{name}>"


def nested(name: str, parts: Iterable[str], *, kind: str = "") -> str:
    """One element around others."""
    stated = f' xsi:type="{kind}"' if kind else ""
    return f"<{name}{stated}>{''.join(parts)}</{name}>"


def answer(call: str, results: str, usage: tuple[int, int] | None = None) -> bytes:
    """The whole envelope of an answer.

    Args:
        call: Name of the operation.
        results: Its `result` elements, ready.
        usage: API requests used and allowed, for the header that tells them.
    """
    header = ""
    if usage is not None:
        limit = [element("current", usage[0]), element("limit", usage[1]), element("type", "API REQUESTS")]
        header = nested("soapenv:Header", [nested("LimitInfoHeader", [nested("limitInfo", limit)])])
    body = nested("soapenv:Body", [nested(f"{call}Response", [results])])
    return f"{_ENVELOPE}{header}{body}</soapenv:Envelope>".encode()

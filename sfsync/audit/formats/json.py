"""One JSON document; see docs/audit-results.md for its keys."""

from __future__ import annotations

from collections.abc import Iterable
from typing import IO, Any

import orjson

from sfsync.audit.formats import Shown
from sfsync.audit.formats.told import finding_told, fixed_told, header_told, metric_told, rule_told


def write(shown: Shown, out: IO[str]) -> None:
    """Write the document, its findings one after the other."""
    audit = shown.audit
    out.write("{\n")
    for key, value in header_told(shown).items():
        out.write(f"{encoded(key)}: {encoded(value)},\n")
    _list(out, "rules", (rule_told(shown, rule) for rule in audit.rules))
    out.write(",\n")
    _list(out, "metrics", map(metric_told, audit.details.get("metrics", [])))
    out.write(f',\n"findings_total": {audit.total},\n')
    _list(out, "findings", (finding_told(audit, finding) for finding in shown.findings()))
    out.write(",\n")
    _list(out, "fixed", (fixed_told(audit, finding) for finding in shown.fixed()))
    out.write("\n}\n")


def encoded(value: Any) -> str:
    """As JSON on one line; what UTF-8 cannot carry is replaced."""
    try:
        return orjson.dumps(value, default=str).decode()
    except orjson.JSONEncodeError:
        return orjson.dumps(_sendable(value), default=str).decode()


def _list(out: IO[str], key: str, items: Iterable[Any]) -> None:
    out.write(f"{encoded(key)}: [")
    empty = True
    for item in items:
        out.write(("\n  " if empty else ",\n  ") + encoded(item))
        empty = False
    out.write("]" if empty else "\n]")


def _sendable(value: Any) -> Any:
    """The value without lone surrogates."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_sendable(str(key)): _sendable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_sendable(item) for item in value]
    return value

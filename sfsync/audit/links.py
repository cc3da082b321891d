"""Addresses of records in the org, made only of parts that can be nothing else."""

from __future__ import annotations

import re
from collections.abc import Container
from functools import lru_cache
from urllib.parse import urlsplit

_RECORD_ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")
_API_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}")
_METADATA = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}(?:\.[A-Za-z][A-Za-z0-9_]{0,79}){0,3}")
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?")


@lru_cache(maxsize=16)
def instance_host(instance_url: str | None) -> str | None:
    """The host of an org's address, or None unless it is a plain `https://host`: nothing else may become a link."""
    if not instance_url:
        return None
    try:
        parts = urlsplit(instance_url)
        port = parts.port
    except ValueError:
        return None
    host = parts.hostname
    plain = parts.scheme == "https" and not (parts.username or parts.password or parts.query or parts.fragment)
    if not plain or parts.path not in {"", "/"} or not host or not _HOST.fullmatch(host):
        return None
    return f"{host}:{port}" if port else host


def is_record_id(text: object) -> bool:
    """Whether the text has the form of a Salesforce record Id."""
    return isinstance(text, str) and _RECORD_ID.fullmatch(text) is not None


def is_metadata_name(text: object, objects: Container[str]) -> bool:
    """Whether the text names a field of one of these objects, or a part of it, as findings about metadata do."""
    return isinstance(text, str) and _METADATA.fullmatch(text) is not None and text.partition(".")[0] in objects


def record_link(host: str | None, object_name: str, record_id: str) -> str | None:
    """The address of a record's page in the org, or None where a part of it cannot be trusted."""
    if host is None or not is_record_id(record_id) or not _API_NAME.fullmatch(object_name):
        return None
    return f"https://{host}/lightning/r/{object_name}/{record_id}/view"

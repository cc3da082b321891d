"""The secret that makes a project's masks its own."""

from __future__ import annotations

import secrets

from sfsync.mapping.schema import Mapping
from sfsync.store import Session, ledger

_FACT = "mask_salt"


def mask_salt(session: Session, mapping: Mapping, given: str) -> str:
    """The salt of a mapping's masks: the one that was given, or else the store's, made when it is first needed.

    Equal values have equal masks in all mappings of a project and in all its plans, as long as its store is kept.

    Args:
        session: A writing session.
        mapping: One that masks nothing needs none.
        given: By whoever makes the plan; may be empty.
    """
    if given or not any(item.mask is not None for item in mapping.fields.values()):
        return given
    known = ledger.facts(session).get(_FACT)
    if known is None:
        known = secrets.token_hex(32)
        ledger.set_fact(session, _FACT, known)
    return known

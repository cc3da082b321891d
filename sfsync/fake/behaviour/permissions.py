"""Who may see and do what: object permissions and field-level security, for everybody or for one user.

A user may do everything that nobody took away. What is taken away from everybody counts for each user as well.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from threading import Lock
from typing import Literal

from sfsync.errors import UsageError
from sfsync.fake.catalog import Catalog, FieldFacts, ObjectFacts

Verb = Literal["create", "read", "edit", "delete"]

EVERYTHING: frozenset[str] = frozenset({"create", "read", "edit", "delete"})

#: Object or field in lower case (`lead`, `lead.email`) → what may still be done with it.
_Grants = dict[str, frozenset[str]]

#: What every user sees of every record; Salesforce lets nobody hide it either.
_ALWAYS_SEEN = frozenset(
    {"id", "isdeleted", "createdbyid", "createddate", "lastmodifiedbyid", "lastmodifieddate", "systemmodstamp"}
)

#: Flag of an object → the permission behind it.
_OBJECT_FLAGS = {"C": "create", "U": "edit", "D": "delete", "N": "delete", "M": "delete"}


class Permissions:
    """The permissions of one org's users.

    Attributes:
        changes: Counts every change, so that others know when to look again.
    """

    def __init__(self) -> None:
        self.changes = 0
        self._lock = Lock()
        self._everybody: _Grants = {}
        self._users: dict[str, _Grants] = {}
        self._shown: dict[tuple[int, frozenset[tuple[str, frozenset[str]]]], Catalog] = {}

    def set(self, user_id: str | None, target: str, verbs: Iterable[str]) -> None:
        """Let a user (None: everybody) do exactly `verbs` with an object (`Lead`) or field (`Lead.Email`)."""
        allowed = frozenset(verbs)
        unknown = allowed - EVERYTHING
        if unknown:
            raise UsageError(
                f"there is no permission `{min(unknown)}`", hint=f"permissions are {', '.join(sorted(EVERYTHING))}"
            )
        if allowed and "read" not in allowed:
            raise UsageError("whoever may create, edit or delete may also read", hint="add `read`")
        if "." in target:  # field-level security knows two things: to see, and to change
            if target.casefold().partition(".")[2] in _ALWAYS_SEEN:
                raise UsageError(f"`{target}` has no field-level security: everybody sees it")
            allowed = EVERYTHING if "edit" in allowed else frozenset({"read"} & allowed)
        with self._lock:
            grants = self._everybody if user_id is None else self._users.setdefault(user_id, {})
            if allowed == EVERYTHING:
                grants.pop(target.casefold(), None)
            else:
                grants[target.casefold()] = allowed
            self.changes += 1

    def allowed(self, user_id: str, target: str) -> frozenset[str]:
        """What a user may do with an object, or with a field of it."""
        key = target.casefold()
        return self._everybody.get(key, EVERYTHING) & self._users.get(user_id, {}).get(key, EVERYTHING)

    def may(self, user_id: str, object_name: str, verb: str) -> bool:
        """Whether a user may create, read, edit or delete records of an object."""
        return verb in self.allowed(user_id, object_name)

    def may_edit(self, user_id: str, object_name: str, field: str) -> bool:
        """Whether field-level security lets a user set a field."""
        return "edit" in self.allowed(user_id, f"{object_name}.{field}")

    def restricts(self, user_id: str) -> bool:
        """Whether anything is taken away from this user."""
        return bool(self._everybody or self._users.get(user_id))

    def visible_to(self, user_id: str, catalog: Catalog) -> Catalog:
        """The catalogue as this user's describes show it; the same object until something changes."""
        if not self.restricts(user_id):
            return catalog
        with self._lock:
            grants = {
                key: self._everybody.get(key, EVERYTHING) & self._users.get(user_id, {}).get(key, EVERYTHING)
                for key in {*self._everybody, *self._users.get(user_id, {})}
            }
            key = (catalog.changes, frozenset(grants.items()))
            shown = self._shown.get(key)
            if shown is None:
                self._shown = {old: one for old, one in self._shown.items() if old[0] == catalog.changes}
                shown = self._shown[key] = _shown(catalog, grants)
            return shown


def _shown(catalog: Catalog, grants: _Grants) -> Catalog:
    shown = Catalog(changes=catalog.changes)
    for facts in catalog:
        allowed = grants.get(facts.name.casefold(), EVERYTHING)
        if "read" in allowed:
            shown.objects[facts.name.casefold()] = _limited(facts, allowed, grants)
    return shown


def _limited(facts: ObjectFacts, allowed: frozenset[str], grants: _Grants) -> ObjectFacts:
    """The object without what may not be seen, its flags without what may not be done."""
    fields = []
    for field in facts.fields:
        own = grants.get(f"{facts.name}.{field.name}".casefold(), EVERYTHING)
        if field.compound is not None:
            # The parts of an address are seen and edited with the whole, and a hidden part hides nothing else.
            own &= grants.get(f"{facts.name}.{field.compound}".casefold(), EVERYTHING)
        if "read" in own:
            fields.append(_field(field, allowed & own))
    lost = {flag for flag, verb in _OBJECT_FLAGS.items() if verb not in allowed}
    flags = "".join(flag for flag in facts.flags if flag not in lost)
    if tuple(fields) == facts.fields and flags == facts.flags:
        return facts
    return replace(facts, fields=tuple(fields), flags=flags)


def _field(field: FieldFacts, allowed: frozenset[str]) -> FieldFacts:
    lost = ("" if "create" in allowed else "c") + ("" if "edit" in allowed else "u")
    if not any(flag in field.flags for flag in lost):
        return field
    return replace(field, flags="".join(flag for flag in field.flags if flag not in lost))

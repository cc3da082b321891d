"""Which values an explanation hides unless it is asked to show them."""

from __future__ import annotations

from sfsync.mapping.schema import Mapping
from sfsync.records import ObjectDescribe

_TYPES = frozenset({"email", "phone", "encryptedstring"})
_PEOPLE = frozenset({"Lead", "Contact", "User"})
_OF_PEOPLE = frozenset(
    {"Name", "FirstName", "LastName", "MiddleName", "Birthdate", "Street", "MailingStreet", "OtherStreet", "Username"}
)


def sensitive_fields(mapping: Mapping, describe: ObjectDescribe) -> set[str]:
    """API names of the fields whose values are personal: by their type, by what they hold, or as the mapping says."""
    named = {name.casefold() for name in mapping.sensitive}
    found = set()
    for each in describe.fields:
        personal = describe.name in _PEOPLE and each.name in _OF_PEOPLE
        if personal or each.type in _TYPES or each.name.casefold() in named:
            found.add(each.name)
    return found

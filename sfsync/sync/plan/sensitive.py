"""Which values an explanation hides unless it is asked to show them."""

from __future__ import annotations

from collections.abc import Mapping as AnyMapping
from collections.abc import Sequence

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


def sensitive_lookups(mapping: Mapping, describes: AnyMapping[str, ObjectDescribe]) -> set[str]:
    """API names of the references whose parents are shown by a value that is personal: owners by their addresses."""
    return {
        name
        for name, lookup in mapping.lookups.items()
        for parent in lookup.objects
        if parent in describes and lookup.field_of(parent) in sensitive_fields(mapping, describes[parent])
    }


def secret_lookups(
    mapping: Mapping, mappings: Sequence[Mapping], describes: AnyMapping[str, ObjectDescribe]
) -> set[str]:
    """API names, casefolded, of the references whose values stay out of every text of a plan that masks anything.

    The name by which a contact finds its account is what the account's own mapping masks; Ids, External IDs and
    developer names say nothing about people.
    """
    if not any(item.mask is not None for each in mappings for item in each.fields.values()):
        return set()
    return {
        name.casefold()
        for name, lookup in mapping.lookups.items()
        for parent in lookup.objects
        if not _is_code(describes.get(parent), lookup.field_of(parent))
    }


def _is_code(describe: ObjectDescribe | None, field: str) -> bool:
    described = describe.field(field) if describe is not None else None
    return described is not None and (
        described.type == "id" or described.external_id or described.name == "DeveloperName"
    )

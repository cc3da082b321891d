"""Which fields tell the records of an object apart, as Salesforce itself finds them."""

from __future__ import annotations

from sfsync.records import FieldDescribe

#: Unique although not every org describes them so.
_UNIQUE = frozenset({("User", "Username"), ("User", "FederationIdentifier")})


def may_be_key(field: FieldDescribe) -> bool:
    """Whether a push may find records by a field: the Id, an External ID, a unique field, one that upserts take."""
    return field.type == "id" or field.unique or field.finds_records


def tells_apart(object_name: str, field: FieldDescribe) -> bool:
    """Whether no two records of an object have the same value; `Email` finds records, and two may have the same."""
    return field.type == "id" or field.unique or (object_name, field.name) in _UNIQUE

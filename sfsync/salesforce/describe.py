"""What the org says about its objects and fields, as far as the user who is logged in may see them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from sfsync.errors import UsageError
from sfsync.records import FieldDescribe, ObjectDescribe, PicklistEntry
from sfsync.salesforce.answers import understood
from sfsync.salesforce.composite import ask_together
from sfsync.salesforce.org import Org
from sfsync.salesforce.redaction import clean

_API_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def list_objects(org: Org) -> dict[str, bool]:
    """API name of every object the user can see → whether it can be queried."""
    answer = org.get_json(org.data_path("sobjects"))
    with understood(org.name, "its list of objects"):
        return {str(item["name"]): bool(item.get("queryable")) for item in answer["sobjects"]}


def describe_object(org: Org, name: str) -> ObjectDescribe:
    """One object with all its fields.

    Raises:
        UsageError: `name` cannot be an API name.
        RequestRefused: The org has no such object, or the user may not see it.
    """
    return _object(org, name, org.get_json(_path(org, name)))


def describe_objects(org: Org, names: Iterable[str]) -> dict[str, ObjectDescribe]:
    """Several objects, in one API call for every 25; an org that does not answer them together is asked one by one.

    Raises:
        UsageError: One of the names cannot be an API name.
        RequestRefused: The org has no such object, or the user may not see it.
    """
    wanted = list(dict.fromkeys(names))
    answers = ask_together(org, {name: _path(org, name) for name in wanted})
    return {
        name: _object(org, name, answers[name]) if name in answers else describe_object(org, name) for name in wanted
    }


def _path(org: Org, name: str) -> str:
    if not _API_NAME.fullmatch(name):
        raise UsageError(
            f"{clean(name, 80)!r} cannot be the API name of an object.", hint="API names look like Lead or Deal__c."
        )
    return org.data_path("sobjects", name, "describe")


def _object(org: Org, name: str, answer: Any) -> ObjectDescribe:
    with understood(org.name, f"the description of {name}"):
        return ObjectDescribe(
            name=str(answer.get("name") or name),
            label=str(answer.get("label") or name),
            fields=tuple(_field(field) for field in answer["fields"]),
            key_prefix=answer.get("keyPrefix"),
            custom=bool(answer.get("custom")),
            queryable=bool(answer.get("queryable", True)),
            replicateable=bool(answer.get("replicateable")),
            createable=bool(answer.get("createable", True)),
            updateable=bool(answer.get("updateable", True)),
            deletable=bool(answer.get("deletable", True)),
        )


def _field(field: Mapping[str, Any]) -> FieldDescribe:
    return FieldDescribe(
        name=str(field["name"]),
        type=str(field["type"]),
        label=str(field.get("label") or field["name"]),
        length=int(field.get("length") or 0),
        precision=int(field.get("precision") or 0),
        scale=int(field.get("scale") or 0),
        nillable=bool(field.get("nillable", True)),
        calculated=bool(field.get("calculated")),
        custom=bool(field.get("custom")),
        createable=bool(field.get("createable")),
        updateable=bool(field.get("updateable")),
        external_id=bool(field.get("externalId")),
        unique=bool(field.get("unique")),
        reference_to=tuple(field.get("referenceTo") or ()),
        relationship_name=field.get("relationshipName"),
        picklist_values=tuple(
            str(entry["value"]) for entry in field.get("picklistValues") or () if entry.get("active", True)
        ),
        compound_field=field.get("compoundFieldName"),
        restricted_picklist=bool(field.get("restrictedPicklist")),
        defaulted_on_create=bool(field.get("defaultedOnCreate")),
        case_sensitive=bool(field.get("caseSensitive")),
        picklist_entries=tuple(_entry(entry) for entry in field.get("picklistValues") or ()),
        filterable=bool(field.get("filterable", True)),
        id_lookup=bool(field.get("idLookup")),
    )


def _entry(entry: Mapping[str, Any]) -> PicklistEntry:
    value = str(entry["value"])
    return PicklistEntry(
        value=value,
        label=str(entry.get("label") or value),
        active=bool(entry.get("active", True)),
        default=bool(entry.get("defaultValue")),
    )

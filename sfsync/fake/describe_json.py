"""Describes as the REST API sends them: 57 keys a field, 45 an object, made from the catalogue's facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sfsync.fake.catalog import Catalog, FieldFacts, ObjectFacts
from sfsync.fake.catalog.facts import ID_TYPES, NUMBER_TYPES, PicklistEntry

_SOAP_TYPES = {
    "id": "tns:ID",
    "reference": "tns:ID",
    "boolean": "xsd:boolean",
    "int": "xsd:int",
    "long": "xsd:long",
    "double": "xsd:double",
    "currency": "xsd:double",
    "percent": "xsd:double",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
    "time": "xsd:time",
    "address": "urn:address",
    "location": "urn:location",
    "anyType": "xsd:anyType",
}

_SCOPES = {
    "everything": "All {plural}",
    "mine": "My {plural}",
    "queue_owned": "Queue owned {plural}",
    "scopingRule": "Filter by scope",
    "team": "My team's {plural}",
    "user_owned": "User owned {plural}",
    "delegated": "My delegated {plural}",
}

#: Flag of the catalogue → key of the global describe.
_GLOBAL_FLAGS = {
    "createable": "C",
    "deepCloneable": "Y",
    "deletable": "D",
    "feedEnabled": "F",
    "layoutable": "L",
    "mergeable": "M",
    "mruEnabled": "R",
    "searchable": "S",
    "triggerable": "T",
    "undeletable": "N",
    "updateable": "U",
}

#: Key of a field → flag of the catalogue: what the field is.
_FIELD_FLAGS = {
    "calculated": "F",
    "createable": "c",
    "defaultedOnCreate": "d",
    "externalId": "e",
    "formulaTreatNullNumberAsZero": "Z",
    "idLookup": "i",
    "nameField": "N",
    "namePointing": "P",
    "nillable": "n",
    "permissionable": "p",
    "polymorphicForeignKey": "P",
    "restrictedPicklist": "r",
    "searchPrefilterable": "S",
    "unique": "q",
    "updateable": "u",
}

#: Key of a field → letter of the catalogue: what a query may do with it.
_QUERY_FLAGS = {"aggregatable": "a", "filterable": "f", "groupable": "g", "sortable": "s"}

#: Keys of a field that say the same of every field the catalogue knows.
_UNUSED: dict[str, Any] = {
    **dict.fromkeys(("controllerName", "defaultValueFormula", "filteredLookupInfo", "inlineHelpText"), None),
    **dict.fromkeys(("mask", "maskType", "referenceTargetField", "relationshipOrder"), None),
    **dict.fromkeys(("aiPredictionField", "autoNumber", "cascadeDelete", "caseSensitive", "dependentPicklist"), False),
    **dict.fromkeys(("deprecatedAndHidden", "displayLocationInDecimal", "encrypted", "highScaleNumber"), False),
    **dict.fromkeys(("htmlFormatted", "restrictedDelete"), False),
    "writeRequiresMasterRead": False,
}

_MASTER_RECORD_TYPE = "012000000000000AAA"


def global_body(catalog: Catalog, version: str) -> dict[str, Any]:
    """`GET …/sobjects`."""
    ordered = sorted(catalog, key=lambda facts: facts.name)
    return {
        "encoding": "UTF-8",
        "maxBatchSize": 200,
        "sobjects": [_basics(facts, version) for facts in ordered],
    }


def basic_body(facts: ObjectFacts, version: str) -> dict[str, Any]:
    """`GET …/sobjects/Lead`, without a user's recent items."""
    return {"objectDescribe": _basics(facts, version), "recentItems": []}


def object_body(
    catalog: Catalog,
    facts: ObjectFacts,
    version: str,
    instance_url: str,
    record_types: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """`GET …/sobjects/Lead/describe`; `record_types` are the object's own, next to the one that every object has."""
    root = f"/services/data/v{version}/sobjects/{facts.name}"
    nothing = ("defaultImplementation", "extendedBy", "extendsInterfaces", "implementedBy", "implementsInterfaces")
    body = {
        **_basics(facts, version),
        **dict.fromkeys((*nothing, "listviewable", "lookupLayoutable", "networkScopeFieldName"), None),
        "actionOverrides": [],
        "childRelationships": _children(catalog, facts),
        "compactLayoutable": facts.has("K"),
        "fields": [field_body(field) for field in facts.fields],
        "namedLayoutInfos": [],
        "recordTypeInfos": _record_types(root, record_types),
        "searchLayoutable": facts.has("H"),
        "sobjectDescribeOption": "FULL",
        "supportedScopes": [
            {"label": _SCOPES.get(name, name).format(plural=facts.plural.lower()), "name": name}
            for name in facts.scopes
        ],
        "urls": {
            **_urls(facts, version),
            "uiDetailTemplate": f"{instance_url}/{{ID}}",
            "uiEditTemplate": f"{instance_url}/{{ID}}/e",
            "uiNewRecord": f"{instance_url}/{facts.prefix}/e",
        },
    }
    return dict(sorted(body.items()))


def _record_types(root: str, own: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The object's own record types, and the master that every object has."""
    master = {
        "active": True,
        "available": True,
        "defaultRecordTypeMapping": not any(one["defaultRecordTypeMapping"] for one in own),
        "developerName": "Master",
        "master": True,
        "name": "Master",
        "recordTypeId": _MASTER_RECORD_TYPE,
    }
    return [{**one, "urls": {"layout": f"{root}/describe/layouts/{one['recordTypeId']}"}} for one in (*own, master)]


def field_body(field: FieldFacts) -> dict[str, Any]:
    """One field of a describe."""
    text_bytes = 0 if field.type in NUMBER_TYPES else field.length * (1 if field.type in ID_TYPES else 3)
    body = {
        **_UNUSED,
        **{key: field.has(flag) for key, flag in _FIELD_FLAGS.items()},
        **{key: field.can(letter) for key, letter in _QUERY_FLAGS.items()},
        "byteLength": text_bytes,
        "calculatedFormula": field.formula,
        "compoundFieldName": field.compound,
        "custom": field.custom,
        "defaultValue": field.default,
        "digits": field.digits,
        "extraTypeInfo": field.extra,
        "label": field.label,
        "length": field.length,
        "name": field.name,
        "picklistValues": [_entry_body(entry) for entry in field.values],
        "precision": field.precision,
        "queryByDistance": field.type in {"address", "location"},
        "referenceTo": list(field.points_to),
        "relationshipName": field.parent,
        "scale": field.scale,
        "soapType": _SOAP_TYPES.get(field.type, "xsd:string"),
        "type": field.type,
    }
    return dict(sorted(body.items()))


def _entry_body(entry: PicklistEntry) -> dict[str, Any]:
    return {
        "active": True,
        "defaultValue": entry.default,
        "label": entry.label,
        "validFor": None,
        "value": entry.value,
    }


def _basics(facts: ObjectFacts, version: str) -> dict[str, Any]:
    custom = facts.name.endswith("__c")
    body: dict[str, Any] = {
        "activateable": False,
        "associateEntityType": None,
        "associateParentEntity": None,
        "custom": custom,
        "customSetting": False,
        "deprecatedAndHidden": False,
        "hasSubtypes": False,
        "isInterface": False,
        "isSubtype": False,
        "keyPrefix": facts.published_prefix,
        "label": facts.label,
        "labelPlural": facts.plural,
        "name": facts.name,
        "queryable": True,
        "replicateable": not facts.has("O"),
        "retrieveable": True,
        "urls": _urls(facts, version),
    }
    body.update({key: facts.has(flag) for key, flag in _GLOBAL_FLAGS.items()})
    return dict(sorted(body.items()))


def _urls(facts: ObjectFacts, version: str) -> dict[str, str]:
    root = f"/services/data/v{version}/sobjects/{facts.name}"
    return {
        "compactLayouts": f"{root}/describe/compactLayouts",
        "rowTemplate": f"{root}/{{ID}}",
        "approvalLayouts": f"{root}/describe/approvalLayouts",
        "listviews": f"{root}/listviews",
        "describe": f"{root}/describe",
        "quickActions": f"{root}/quickActions",
        "layouts": f"{root}/describe/layouts",
        "sobject": root,
    }


def _children(catalog: Catalog, parent: ObjectFacts) -> list[dict[str, Any]]:
    return [
        {
            "cascadeDelete": False,
            "childSObject": child.name,
            "deprecatedAndHidden": False,
            "field": field.name,
            "junctionIdListNames": [],
            "junctionReferenceTo": [],
            "relationshipName": field.children,
            "restrictedDelete": False,
        }
        for child in sorted(catalog, key=lambda facts: facts.name)
        for field in child.fields
        if parent.name in field.points_to
    ]

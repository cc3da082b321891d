"""Describes as the partner API sends them: the facts of the REST describes, elements in the order of the WSDL.

An element is written in one of four ways, told by the mark before its name: always (no mark), as nil where there is no
value (`~`), not at all where there is none (`?`), once for each value of a list (`*`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sfsync.fake.describe_json import global_body, object_body
from sfsync.fake.soap.call import Operation, SoapCall
from sfsync.fake.soap.envelope import text_of, texts_of
from sfsync.fake.soap.fault import too_many_records
from sfsync.fake.soap.xml import element, nested

#: Objects of one describeSObjects, at most.
_MOST = 100

#: The API version in which describes learned of associated entities and extended interfaces.  # from memory
_NEWER = 50.0


def _order(listed: str) -> tuple[str, ...]:
    return tuple(listed.split())


_FIELD = _order(
    "aggregatable aiPredictionField autoNumber byteLength calculated ?calculatedFormula ?cascadeDelete caseSensitive"
    " ?compoundFieldName ?controllerName createable custom ?defaultValue ?defaultValueFormula defaultedOnCreate"
    " ?dependentPicklist deprecatedAndHidden digits ?displayLocationInDecimal ?encrypted ?externalId ?extraTypeInfo"
    " filterable ?formulaTreatNullNumberAsZero groupable ?highScaleNumber ?htmlFormatted idLookup ?inlineHelpText label"
    " length ?mask ?maskType name nameField ?namePointing nillable permissionable *picklistValues polymorphicForeignKey"
    " precision queryByDistance ?referenceTargetField *referenceTo ?relationshipName ?relationshipOrder"
    " ?restrictedDelete restrictedPicklist scale searchPrefilterable soapType ?sortable type unique updateable"
    " ?writeRequiresMasterRead"
)
_ENTRY = ("active", "defaultValue", "~label", "?validFor", "value")
_CHILD = _order(
    "cascadeDelete childSObject deprecatedAndHidden field *junctionIdListNames *junctionReferenceTo ?relationshipName"
    " ?restrictedDelete"
)
_RECORD_TYPE = ("active", "available", "defaultRecordTypeMapping", "developerName", "master", "name", "~recordTypeId")
_OBJECT = _order(
    "*actionOverrides activateable +associateEntityType +associateParentEntity *childRelationships compactLayoutable"
    " createable custom customSetting deepCloneable ~defaultImplementation deletable deprecatedAndHidden +extendedBy"
    " +extendsInterfaces feedEnabled *fields hasSubtypes idEnabled ~implementedBy ~implementsInterfaces isInterface"
    " isSubtype ~keyPrefix label labelPlural layoutable mergeable mruEnabled name *namedLayoutInfos"
    " ~networkScopeFieldName queryable *recordTypeInfos replicateable retrieveable ?searchLayoutable searchable"
    " *supportedScopes ?triggerable undeletable updateable ~urlDetail ~urlEdit ~urlNew"
)
_GLOBAL_OBJECT = _order(
    "activateable +associateEntityType +associateParentEntity createable custom customSetting deepCloneable deletable"
    " deprecatedAndHidden feedEnabled hasSubtypes idEnabled isInterface isSubtype ~keyPrefix label labelPlural"
    " layoutable mergeable mruEnabled name queryable replicateable retrieveable searchable triggerable undeletable"
    " updateable"
)


def describe_sobject(call: SoapCall) -> str:
    """One object."""
    return _described(call, text_of(call.body, "sObjectType"))


def describe_sobjects(call: SoapCall) -> str:
    """Up to a hundred objects."""
    names = texts_of(call.body, "sObjectType")
    if len(names) > _MOST:
        raise too_many_records(_MOST)
    return "".join(_described(call, name) for name in names)


def describe_global(call: SoapCall) -> str:
    """Every object, in short."""
    body = global_body(call.catalog, call.version)
    order = _of_version(_GLOBAL_OBJECT, call)
    listed = [nested("sobjects", _members({**one, "idEnabled": True}, order)) for one in body["sobjects"]]
    head = [element("encoding", body["encoding"]), element("maxBatchSize", body["maxBatchSize"])]
    return nested("result", [*head, *listed])


def _described(call: SoapCall, name: str) -> str:
    facts = call.facts(name)
    body = object_body(call.catalog, facts, call.version, call.context.base_url)
    urls = body["urls"]
    body |= {
        "idEnabled": True,
        "urlDetail": urls.get("uiDetailTemplate"),
        "urlEdit": urls.get("uiEditTemplate"),
        "urlNew": urls.get("uiNewRecord"),
    }
    return nested("result", _members(body, _of_version(_OBJECT, call)))


def _of_version(order: tuple[str, ...], call: SoapCall) -> tuple[str, ...]:
    """The order with (`+`: nil) or without the elements that only newer versions have."""
    newer = float(call.version) >= _NEWER
    return tuple(name.replace("+", "~") for name in order if newer or not name.startswith("+"))


def _members(body: Mapping[str, Any], order: tuple[str, ...]) -> list[str]:
    parts: list[str] = []
    for marked in order:
        name = marked.lstrip("~?*")
        value = body.get(name)
        if marked.startswith("*"):
            parts.extend(_one(name, item) for item in value or ())
        elif value is not None or not marked.startswith("?"):
            parts.append(_one(name, value))
    return parts


def _one(name: str, value: Any) -> str:
    if name == "defaultValue" and value is not None:
        return element(name, value, kind="xsd:boolean" if isinstance(value, bool) else "xsd:string")
    if name == "soapType":
        return element(name, str(value).replace("urn:", "tns:"))
    inner = _NESTED.get(name)
    if inner is not None:
        return nested(name, inner(value))
    return element(name, value)


_NESTED: dict[str, Callable[[Any], list[str]]] = {
    "childRelationships": lambda value: _members(value, _CHILD),
    "fields": lambda value: _members(value, _FIELD),
    "picklistValues": lambda value: _members(value, _ENTRY),
    "recordTypeInfos": lambda value: _members(value, _RECORD_TYPE),
    "supportedScopes": lambda value: _members(value, ("label", "name")),
}

CALLS: dict[str, Operation] = {
    "describeGlobal": Operation(describe_global),
    "describeSObject": Operation(describe_sobject, ("sObjectType",)),
    "describeSObjects": Operation(describe_sobjects, ("sObjectType",)),
}

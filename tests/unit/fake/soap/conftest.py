"""What the SOAP tests share: a bare client of the partner API, and zeep with a description of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

import pytest
import requests
import zeep

from sfsync.fake import FakeOrg

URN = "urn:partner.soap.sforce.com"
ENVELOPE = (
    '<?xml version="1.0" encoding="utf-8"?><env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><env:Header>{header}</env:Header>'
    '<env:Body><{name} xmlns="{urn}">{body}</{name}></env:Body></env:Envelope>'
)


class Soap:
    """A bare client that is logged in; arguments are XML text or plain values, which are escaped."""

    def __init__(self, org: FakeOrg, token: str | None = None) -> None:
        self.org = org
        self.session = org.session()
        self.token = org.token if token is None else token

    def post(self, body: str | bytes, path: str = "/services/Soap/u/48.0", **headers: str) -> requests.Response:
        given = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""', **headers}
        return self.session.post(self.org.instance_url + path, data=body, headers=given)

    def raw(self, name: str, body: str = "", header: str = "", **options: Any) -> requests.Response:
        session = f'<SessionHeader xmlns="{URN}"><sessionId>{escape(self.token)}</sessionId></SessionHeader>'
        return self.post(ENVELOPE.format(name=name, urn=URN, body=body, header=session + header), **options)

    def __call__(self, name: str, body: str = "", header: str = "", **options: Any) -> list[ET.Element]:
        """The `result` elements of a call that is to succeed."""
        response = self.raw(name, body, header, **options)
        assert response.status_code == 200, response.text
        answer = ET.fromstring(response.content)
        return answer.findall(f".//{{{URN}}}{name}Response/{{{URN}}}result")

    def fault(self, name: str, body: str = "", header: str = "", **options: Any) -> tuple[str, str, str]:
        """Code, message and detail element of a call that is to be refused."""
        response = self.raw(name, body, header, **options)
        assert response.status_code == 500, response.text
        return told(response)


def told(response: requests.Response) -> tuple[str, str, str]:
    detail = ET.fromstring(response.content).find(".//detail")[0]
    values = {local(child): child.text for child in detail}
    return values["exceptionCode"], values["exceptionMessage"], local(detail)


def local(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def values(element: ET.Element) -> dict[str, Any]:
    """Children by local name: text, None for nil, a dict for what has children; a list for what is repeated."""
    found: dict[str, Any] = {}
    for child in element:
        value: Any = values(child) if len(child) else child.text
        name = local(child)
        found[name] = [*_listed(found[name]), value] if name in found else value
    return found


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def fields(**given: Any) -> str:
    """Elements of plain values."""
    return "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in given.items())


@pytest.fixture
def soap(org: FakeOrg) -> Soap:
    return Soap(org)


@pytest.fixture
def soap_of() -> Callable[..., Soap]:
    return Soap


@pytest.fixture
def xml() -> Any:
    """Helpers for XML: `xml.fields`, `xml.values`, `xml.local`, `xml.told`, `xml.record`."""

    class Helpers:
        pass

    helpers = Helpers()
    for helper in (fields, values, local, told, record):
        setattr(helpers, helper.__name__, helper)
    return helpers


def record(kind: str, *, tag: str = "sObjects", nulls: tuple[str, ...] = (), **given: Any) -> str:
    cleared = "".join(f"<fieldsToNull>{name}</fieldsToNull>" for name in nulls)
    return f"<{tag}><type>{kind}</type>{cleared}{fields(**given)}</{tag}>"


# --- zeep ----------------------------------------------------------------------------------------------------------

# The part of the partner API's description that the tests use, version 48: `name:type`, `~` nillable, `?` may be
# missing, `*` any number. Types without a prefix are of XML Schema.
TYPES: Mapping[str, str] = {
    "QueryResult": "done:boolean ~queryLocator:string *~records:ens:sObject size:int",
    "LoginResult": "~metadataServerUrl:string passwordExpired:boolean sandbox:boolean ~serverUrl:string"
    " ~sessionId:string ~userId:string ?userInfo:tns:GetUserInfoResult",
    "GetUserInfoResult": "accessibilityMode:boolean chatterExternal:boolean ~currencySymbol:string"
    " orgAttachmentFileSizeLimit:int ~orgDefaultCurrencyIsoCode:string ~orgDefaultCurrencyLocale:string"
    " orgDisallowHtmlAttachments:boolean orgHasPersonAccounts:boolean organizationId:string"
    " organizationMultiCurrency:boolean organizationName:string profileId:string ~roleId:string"
    " sessionSecondsValid:int ~userDefaultCurrencyIsoCode:string userEmail:string userFullName:string userId:string"
    " userLanguage:string userLocale:string userName:string userTimeZone:string userType:string userUiSkin:string",
    "GetServerTimestampResult": "timestamp:dateTime",
    "GetUpdatedResult": "*ids:string latestDateCovered:dateTime",
    "DeletedRecord": "deletedDate:dateTime id:string",
    "GetDeletedResult": "*deletedRecords:tns:DeletedRecord earliestDateAvailable:dateTime latestDateCovered:dateTime",
    "Error": "*~fields:string message:string statusCode:string",
    "SaveResult": "*errors:tns:Error ~id:string success:boolean",
    "UpsertResult": "created:boolean *errors:tns:Error ~id:string success:boolean",
    "MergeRequest": "masterRecord:ens:sObject *recordToMergeIds:string",
    "MergeResult": "*errors:tns:Error ~id:string *mergedRecordIds:string success:boolean *updatedRelatedIds:string",
    "LeadConvert": "~accountId:string ?~accountRecord:ens:sObject ?bypassAccountDedupeCheck:boolean"
    " ?bypassContactDedupeCheck:boolean ~contactId:string ?~contactRecord:ens:sObject convertedStatus:string"
    " doNotCreateOpportunity:boolean leadId:string ~opportunityId:string ~opportunityName:string"
    " ?~opportunityRecord:ens:sObject overwriteLeadSource:boolean ~ownerId:string sendNotificationEmail:boolean",
    "LeadConvertResult": "~accountId:string ~contactId:string *errors:tns:Error ~leadId:string ~opportunityId:string"
    " success:boolean",
    "PicklistEntry": "active:boolean defaultValue:boolean ~label:string ?validFor:base64Binary value:string",
    "RecordTypeInfo": "active:boolean available:boolean defaultRecordTypeMapping:boolean developerName:string"
    " master:boolean name:string ~recordTypeId:string",
    "ScopeInfo": "label:string name:string",
    "ChildRelationship": "cascadeDelete:boolean childSObject:string deprecatedAndHidden:boolean field:string"
    " *~junctionIdListNames:string *~junctionReferenceTo:string ?relationshipName:string ?restrictedDelete:boolean",
    "Field": "aggregatable:boolean aiPredictionField:boolean autoNumber:boolean byteLength:int calculated:boolean"
    " ?calculatedFormula:string ?cascadeDelete:boolean caseSensitive:boolean ?compoundFieldName:string"
    " ?controllerName:string createable:boolean custom:boolean ?defaultValue:anyType ?defaultValueFormula:string"
    " defaultedOnCreate:boolean ?dependentPicklist:boolean deprecatedAndHidden:boolean digits:int"
    " ?displayLocationInDecimal:boolean ?encrypted:boolean ?externalId:boolean ?extraTypeInfo:string"
    " filterable:boolean ?formulaTreatNullNumberAsZero:boolean groupable:boolean ?highScaleNumber:boolean"
    " ?htmlFormatted:boolean idLookup:boolean ?inlineHelpText:string label:string length:int ?mask:string"
    " ?maskType:string name:string nameField:boolean ?namePointing:boolean nillable:boolean permissionable:boolean"
    " *~picklistValues:tns:PicklistEntry polymorphicForeignKey:boolean precision:int queryByDistance:boolean"
    " ?referenceTargetField:string *~referenceTo:string ?relationshipName:string ?relationshipOrder:int"
    " ?restrictedDelete:boolean restrictedPicklist:boolean scale:int searchPrefilterable:boolean soapType:string"
    " ?sortable:boolean type:string unique:boolean updateable:boolean ?writeRequiresMasterRead:boolean",
    "DescribeSObjectResult": "*~actionOverrides:string activateable:boolean"
    " *childRelationships:tns:ChildRelationship compactLayoutable:boolean createable:boolean custom:boolean"
    " customSetting:boolean ?dataTranslationEnabled:boolean deepCloneable:boolean ~defaultImplementation:string"
    " deletable:boolean deprecatedAndHidden:boolean feedEnabled:boolean *~fields:tns:Field hasSubtypes:boolean"
    " idEnabled:boolean ~implementedBy:string ~implementsInterfaces:string isInterface:boolean isSubtype:boolean"
    " ~keyPrefix:string label:string labelPlural:string layoutable:boolean mergeable:boolean mruEnabled:boolean"
    " name:string *namedLayoutInfos:string ~networkScopeFieldName:string queryable:boolean"
    " *recordTypeInfos:tns:RecordTypeInfo replicateable:boolean retrieveable:boolean ?searchLayoutable:boolean"
    " searchable:boolean *~supportedScopes:tns:ScopeInfo ?triggerable:boolean undeletable:boolean updateable:boolean"
    " ~urlDetail:string ~urlEdit:string ~urlNew:string",
    "DescribeGlobalSObjectResult": "activateable:boolean createable:boolean custom:boolean customSetting:boolean"
    " ?dataTranslationEnabled:boolean deepCloneable:boolean deletable:boolean deprecatedAndHidden:boolean"
    " feedEnabled:boolean hasSubtypes:boolean idEnabled:boolean isInterface:boolean isSubtype:boolean"
    " ~keyPrefix:string label:string labelPlural:string layoutable:boolean mergeable:boolean mruEnabled:boolean"
    " name:string queryable:boolean replicateable:boolean retrieveable:boolean searchable:boolean"
    " triggerable:boolean undeletable:boolean updateable:boolean",
    "DescribeGlobalResult": "~encoding:string maxBatchSize:int *sobjects:tns:DescribeGlobalSObjectResult",
    "LimitInfo": "current:int limit:int type:string",
}

# Operation: parameters → type of its results (`*`: one for each parameter; nothing: an empty response).
CALLS: Mapping[str, tuple[str, str]] = {
    "login": ("username:string password:string", "?result:tns:LoginResult"),
    "logout": ("", ""),
    "getUserInfo": ("", "result:tns:GetUserInfoResult"),
    "getServerTimestamp": ("", "result:tns:GetServerTimestampResult"),
    "query": ("queryString:string", "result:tns:QueryResult"),
    "queryAll": ("queryString:string", "result:tns:QueryResult"),
    "queryMore": ("queryLocator:string", "result:tns:QueryResult"),
    "retrieve": ("fieldList:string sObjectType:string *ids:string", "*~result:ens:sObject"),
    "create": ("*sObjects:ens:sObject", "*result:tns:SaveResult"),
    "update": ("*sObjects:ens:sObject", "*result:tns:SaveResult"),
    "upsert": ("externalIDFieldName:string *sObjects:ens:sObject", "*result:tns:UpsertResult"),
    "delete": ("*ids:string", "*result:tns:SaveResult"),
    "undelete": ("*ids:string", "*result:tns:SaveResult"),
    "merge": ("*request:tns:MergeRequest", "*result:tns:MergeResult"),
    "convertLead": ("*leadConverts:tns:LeadConvert", "*result:tns:LeadConvertResult"),
    "describeSObject": ("sObjectType:string", "?~result:tns:DescribeSObjectResult"),
    "describeSObjects": ("*sObjectType:string", "*~result:tns:DescribeSObjectResult"),
    "describeGlobal": ("", "result:tns:DescribeGlobalResult"),
    "getUpdated": ("sObjectType:string startDate:dateTime endDate:dateTime", "result:tns:GetUpdatedResult"),
    "getDeleted": ("sObjectType:string startDate:dateTime endDate:dateTime", "result:tns:GetDeletedResult"),
}

HEADERS: Mapping[str, str] = {
    "SessionHeader": "sessionId:string",
    "CallOptions": "~client:string",
    "QueryOptions": "~batchSize:int",
    "AllOrNoneHeader": "allOrNone:boolean",
    "LimitInfoHeader": "*limitInfo:tns:LimitInfo",
}


def _element(notation: str) -> str:
    bare = notation.lstrip("~?*")
    name, _, kind = bare.partition(":")
    marks = notation[: -len(bare)]
    occurs = ' minOccurs="0"' if set(marks) & set("?*") else ""
    occurs += ' maxOccurs="unbounded"' if "*" in marks else ""
    nillable = ' nillable="true"' if "~" in marks else ""
    return f'<xs:element name="{name}" type="{kind if ":" in kind else f"xs:{kind}"}"{occurs}{nillable}/>'


def _sequence(notation: str) -> str:
    return f"<xs:sequence>{''.join(map(_element, notation.split()))}</xs:sequence>"


def _wsdl() -> str:
    types = "".join(
        f'<xs:complexType name="{name}">{_sequence(listed)}</xs:complexType>' for name, listed in TYPES.items()
    )
    elements = "".join(
        f'<xs:element name="{name}"><xs:complexType>{_sequence(listed)}</xs:complexType></xs:element>'
        for name, listed in {
            **{name: call[0] for name, call in CALLS.items()},
            **{f"{name}Response": call[1] for name, call in CALLS.items()},
            **HEADERS,
        }.items()
    )
    messages = "".join(
        f'<message name="{name}"><part name="parameters" element="tns:{name}"/></message>'
        for call in CALLS
        for name in (call, f"{call}Response")
    )
    header_parts = "".join(f'<part name="{name}" element="tns:{name}"/>' for name in HEADERS)
    port = "".join(
        f'<operation name="{name}"><input message="tns:{name}"/><output message="tns:{name}Response"/></operation>'
        for name in CALLS
    )
    ins = "".join(
        f'<soap:header use="literal" message="tns:Header" part="{name}"/>'
        for name in HEADERS
        if name != "LimitInfoHeader"
    )
    out = '<soap:header use="literal" message="tns:Header" part="LimitInfoHeader"/>'
    binding = "".join(
        f'<operation name="{name}"><soap:operation soapAction=""/>'
        f'<input>{ins}<soap:body use="literal" parts="parameters"/></input>'
        f'<output>{"" if name == "login" else out}<soap:body use="literal"/></output></operation>'
        for name in CALLS
    )
    return (
        '<?xml version="1.0"?><definitions targetNamespace="urn:partner.soap.sforce.com"'
        ' xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"'
        ' xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:tns="urn:partner.soap.sforce.com"'
        ' xmlns:ens="urn:sobject.partner.soap.sforce.com"><types>'
        '<xs:schema elementFormDefault="qualified" targetNamespace="urn:sobject.partner.soap.sforce.com">'
        '<xs:complexType name="sObject"><xs:sequence><xs:element name="type" type="xs:string"/>'
        '<xs:element name="fieldsToNull" type="xs:string" nillable="true" minOccurs="0" maxOccurs="unbounded"/>'
        '<xs:element name="Id" type="xs:string" nillable="true"/><xs:any namespace="##targetNamespace" minOccurs="0"'
        ' maxOccurs="unbounded" processContents="lax"/></xs:sequence></xs:complexType></xs:schema>'
        '<xs:schema elementFormDefault="qualified" targetNamespace="urn:partner.soap.sforce.com">'
        f'<xs:import namespace="urn:sobject.partner.soap.sforce.com"/>{types}{elements}</xs:schema></types>'
        f'<message name="Header">{header_parts}</message>{messages}<portType name="Soap">{port}</portType>'
        '<binding name="SoapBinding" type="tns:Soap">'
        f'<soap:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>{binding}</binding>'
        '<service name="SforceService"><port name="Soap" binding="tns:SoapBinding">'
        '<soap:address location="https://login.salesforce.com/services/Soap/u/48.0"/></port></service></definitions>'
    )


@pytest.fixture(scope="session")
def wsdl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("wsdl") / "partner.wsdl"
    path.write_text(_wsdl())
    return path


@pytest.fixture
def zeep_client(org: FakeOrg, wsdl: Path) -> zeep.Client:
    return zeep.Client(str(wsdl), transport=zeep.Transport(session=org.session()))

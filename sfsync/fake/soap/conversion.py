"""`convertLead`: leads become accounts, contacts and opportunities."""

from __future__ import annotations

from sfsync.fake.convert import ConvertOutcome, LeadConvert, convert_leads
from sfsync.fake.soap.call import Operation, SoapCall
from sfsync.fake.soap.envelope import Element, child, children, flag_of, is_nil, text_of
from sfsync.fake.soap.outcomes import errors
from sfsync.fake.soap.sobject import Record, check_fields, read_record
from sfsync.fake.soap.xml import element, nested

#: The API version in which conversions learned of person accounts.  # from memory
_WITH_PERSONS = 50.0


def convert_lead(call: SoapCall) -> str:
    """Convert up to a hundred leads, each succeeding or failing for itself."""
    requests = [_request(call, one) for one in children(call.body, "leadConverts")]
    return "".join(_result(call, one) for one in convert_leads(call.org, requests, call.options))


def _request(call: SoapCall, given: Element) -> LeadConvert:
    return LeadConvert(
        lead_id=text_of(given, "leadId"),
        converted_status=text_of(given, "convertedStatus"),
        account_id=text_of(given, "accountId") or None,
        contact_id=text_of(given, "contactId") or None,
        opportunity_id=text_of(given, "opportunityId") or None,
        owner_id=text_of(given, "ownerId") or None,
        opportunity_name=text_of(given, "opportunityName") or None,
        do_not_create_opportunity=flag_of(given, "doNotCreateOpportunity"),
        overwrite_lead_source=flag_of(given, "overwriteLeadSource"),
        bypass_account_dedupe=flag_of(given, "bypassAccountDedupeCheck"),
        bypass_contact_dedupe=flag_of(given, "bypassContactDedupeCheck"),
        account_record=_record(call, given, "Account"),
        contact_record=_record(call, given, "Contact"),
        opportunity_record=_record(call, given, "Opportunity"),
    )


def _record(call: SoapCall, given: Element, object_name: str) -> Record | None:
    found = child(given, f"{object_name.lower()}Record")
    if found is None or is_nil(found):
        return None
    record = read_record(found)
    check_fields(record, call.facts(object_name))
    return record


def _result(call: SoapCall, outcome: ConvertOutcome) -> str:
    persons = float(call.version) >= _WITH_PERSONS
    return nested(
        "result",
        [
            element("accountId", outcome.account_id),
            element("contactId", outcome.contact_id),
            errors(outcome.errors),
            element("leadId", outcome.id),
            element("opportunityId", outcome.opportunity_id),
            element("relatedPersonAccountId", None) if persons else "",
            element("success", outcome.success),
        ],
    )


CALLS: dict[str, Operation] = {"convertLead": Operation(convert_lead, ("leadConverts",))}

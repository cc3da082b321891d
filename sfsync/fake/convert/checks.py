"""What speaks against a conversion beforehand: the lead, the status, the owner, the records to attach to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sfsync.fake.convert.request import Case, ConvertOutcome, LeadConvert, Target
from sfsync.fake.database import Cursor
from sfsync.fake.dml import refusals
from sfsync.fake.dml.outcome import RowError, WriteOptions
from sfsync.fake.dml.storage import read_rows
from sfsync.fake.ids import is_valid_id, to_15, to_18

if TYPE_CHECKING:
    from sfsync.fake.org import FakeOrg

Row = Mapping[str, Any]

_PREFIXES: dict[str, str] = {"Lead": "00Q", "Account": "001", "Contact": "003", "Opportunity": "006", "User": "005"}

_OWNED_BY_USERS = RowError(
    "UNKNOWN_EXCEPTION",  # the message is Salesforce's, the code from memory
    "Converted objects can only be owned by users.  If the lead is not owned by a user, you must specify a user for the"
    " Owner field.",
)


def check(org: FakeOrg, requests: Sequence[LeadConvert], options: WriteOptions) -> list[Case | ConvertOutcome]:
    """Each request as a case to be worked on, or as the refusal that it gets at once; in their order."""
    with org.database.reading() as cursor:
        bench = _Bench(org, cursor, requests, options)
        return [bench.judge(index, request) for index, request in enumerate(requests)]


class _Refused(Exception):
    """Something speaks against a conversion."""

    def __init__(self, error: RowError) -> None:
        super().__init__(error.message)
        self.error = error


class _Bench:
    """The records that the requests of one call name, and the judgement on each request."""

    def __init__(self, org: FakeOrg, cursor: Cursor, requests: Sequence[LeadConvert], options: WriteOptions) -> None:
        self._may = org.behaviour.may(options.user_id, "Lead", "edit")
        self._records: dict[str, dict[str, dict[str, Any]]] = {
            "Lead": _records(org, cursor, "Lead", [one.lead_id for one in requests]),
            **{name: _records(org, cursor, name, [_asked_for(one, name) for one in requests]) for name in _TARGETS},
        }
        owners = [*(one.owner_id for one in requests), *(row["OwnerId"] for row in self._records["Lead"].values())]
        self._records["User"] = _records(org, cursor, "User", owners)
        rows = cursor.execute('SELECT "MasterLabel" FROM "LeadStatus" WHERE "IsConverted"').fetchall()
        self._statuses = {str(row[0]).casefold(): str(row[0]) for row in rows}
        self._seen: set[str] = set()

    def judge(self, index: int, request: LeadConvert) -> Case | ConvertOutcome:
        """One request as a case, or as a refusal."""
        try:
            lead = self._lead(request)
            status = self._status(request)
            case = Case(index, request, lead, self._owner(request, lead), status, {})
            self._account_and_contact(case)
            self._opportunity(case)
        except _Refused as refused:
            known = is_valid_id(request.lead_id, _PREFIXES["Lead"])
            return ConvertOutcome(to_18(request.lead_id) if known else None, errors=(refused.error,))
        self._seen.add(case.lead_id)
        return case

    def _lead(self, request: LeadConvert) -> Row:
        lead = self._record("Lead", request.lead_id)
        if lead["IsConverted"] or lead["Id"] in self._seen:
            raise _Refused(refusals.converted_lead())
        if not self._may:
            raise _Refused(refusals.no_access())
        return lead

    def _status(self, request: LeadConvert) -> str:
        status = self._statuses.get(request.converted_status.casefold())
        if status is None:
            message = f"invalid convertedStatus: {request.converted_status or 'null'}"
            raise _Refused(RowError("INVALID_STATUS", message, ("Status",)))
        return status

    def _owner(self, request: LeadConvert, lead: Row) -> str:
        owner = request.owner_id or str(lead["OwnerId"] or "")
        if not is_valid_id(owner, _PREFIXES["User"]):
            raise _Refused(_OWNED_BY_USERS)
        user = self._records["User"].get(to_18(owner))
        if user is None:
            raise _Refused(refusals.unknown_record())
        if not user["IsActive"]:
            # from memory
            message = f"operation performed with inactive user [{to_15(owner)}] as owner of account"
            raise _Refused(RowError("INACTIVE_OWNER_OR_USER", message))
        return to_18(owner)

    def _account_and_contact(self, case: Case) -> None:
        account, contact = _asked_for(case.request, "Account"), _asked_for(case.request, "Contact")
        if account:
            case.ids["Account"] = str(self._record("Account", account)["Id"])
        if contact:
            if not account:
                # from memory; that both are needed is documented
                message = "You must specify an accountId if you specify a contactId"
                raise _Refused(RowError("MISSING_ARGUMENT", message))
            record = self._record("Contact", contact)
            if record["AccountId"] != case.ids["Account"]:
                # from memory
                message = f"The contact {to_15(contact)} does not belong to the account {to_15(account)}"
                raise _Refused(RowError("INVALID_CROSS_REFERENCE_KEY", message))
            case.ids["Contact"] = str(record["Id"])

    def _opportunity(self, case: Case) -> None:
        opportunity = _asked_for(case.request, "Opportunity")
        if not opportunity:
            return
        if case.request.do_not_create_opportunity or case.request.opportunity_name:
            # from memory; that these exclude one another is documented
            message = "opportunityId cannot be combined with opportunityName or doNotCreateOpportunity"
            raise _Refused(RowError("INVALID_ARGUMENT_TYPE", message))
        record = self._record("Opportunity", opportunity)
        if record["AccountId"] not in {None, case.ids.get("Account")}:
            # from memory
            message = f"The opportunity {to_15(opportunity)} belongs to another account"
            raise _Refused(RowError("INVALID_CROSS_REFERENCE_KEY", message))
        case.ids["Opportunity"] = str(record["Id"])

    def _record(self, name: str, record_id: str) -> Row:
        if not is_valid_id(record_id):
            raise _Refused(RowError("MALFORMED_ID", f"bad id {record_id}"))
        found = self._records[name].get(to_18(record_id))
        if found is None or not record_id.startswith(_PREFIXES[name]):
            raise _Refused(refusals.unknown_record())
        if found["IsDeleted"]:
            raise _Refused(refusals.deleted_record())
        return found


_TARGETS: tuple[Target, ...] = ("Account", "Contact", "Opportunity")


def _asked_for(request: LeadConvert, target: Target) -> str | None:
    """The record to attach to: named by its Id, or by the record that is to be laid over it."""
    named = {
        "Account": request.account_id,
        "Contact": request.contact_id,
        "Opportunity": request.opportunity_id,
    }[target]
    return named or request.record_of(target).get("Id")


def _records(org: FakeOrg, cursor: Cursor, name: str, ids: Sequence[str | None]) -> dict[str, dict[str, Any]]:
    wanted = {to_18(one) for one in ids if one and is_valid_id(one)}
    return read_rows(cursor, org.catalog.objects[name.casefold()], wanted)

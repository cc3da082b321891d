"""When a lead was converted, by whom, and which of its targets the conversion made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import yaml

from sfsync.audit.examples import try_example
from sfsync.audit.load import parse_rule
from sfsync.audit.rule import Example
from sfsync.store.duckdb import DuckDBStore

LEAD, ACCOUNT, CONTACT, DEAL = "00QFk0000000001MAA", "001Fk0000000001IAA", "003Fk0000000001IAA", "006Fk0000000001IAA"
SELLER, ROBOT = "005Fk0000000001AAA", "005Fk0000000002AAA"

RULE: dict[str, Any] = {
    "version": 1,
    "id": "OWN001",
    "name": "tells-all",
    "title": "Tells all",
    "group": "own",
    "since": "1",
    "object": "Lead",
    "population": "conversions",
    "severity": "info",
    "confidence": "certain",
    "why": "To see it.",
    "remedy": "None.",
    "needs": {"Lead": {"Id": "text"}},
    "eligible": "SELECT c.lead_id AS record_id FROM conversions AS c",
    "sql": """
        SELECT c.lead_id AS record_id, c.converted_at AS at, c.precision AS precise, c.evidence AS evidence,
          c.account_path AS account, c.contact_path AS contact, c.opportunity_path AS deal, c.converter_id AS converter,
          c.origin AS origin, c.account_now AS account_now
        FROM eligible AS e JOIN conversions AS c ON c.lead_id = e.record_id
    """,
    "message": "{at}|{precise}|{evidence}|{account}|{contact}|{deal}|{converter}|{origin}|{account_now}",
    "examples": [
        {"name": "finds", "given": {"Lead": [{"Id": LEAD, "IsConverted": True}]}, "finds": [LEAD]},
        {"name": "clean", "given": {"Lead": [{"Id": LEAD, "IsConverted": False}]}, "finds": []},
    ],
}

Records = Mapping[str, Sequence[Mapping[str, Any]]]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> DuckDBStore:
    return DuckDBStore(tmp_path_factory.mktemp("conversions") / "mirror.duckdb")


def lead(**values: Any) -> dict[str, Any]:
    return {
        "Id": LEAD,
        "IsConverted": True,
        "CreatedDate": "2025-06-01T08:00:00Z",
        "ConvertedDate": "2025-06-10",
        "ConvertedAccountId": ACCOUNT,
        "ConvertedContactId": CONTACT,
        "ConvertedOpportunityId": DEAL,
        **values,
    }


def target(record_id: str, at: str, **values: Any) -> dict[str, Any]:
    return {"Id": record_id, "CreatedDate": at, "CreatedById": SELLER, **values}


def history(name: str, record_id: str, field: str, at: str) -> dict[str, Any]:
    row = {"Id": "017Fk0000000001AAA", "Field": field, "CreatedDate": at, "CreatedById": ROBOT}
    return {**row, "LeadId" if name == "LeadHistory" else "ContactId": record_id}


MORNING, NOON = "2025-06-10T09:00:00Z", "2025-06-10T12:00:00Z"
MADE = {
    "Account": [target(ACCOUNT, MORNING)],
    "Contact": [target(CONTACT, MORNING)],
    "Opportunity": [target(DEAL, MORNING)],
}
OLD = "2024-01-01T08:00:00Z"

CASES: dict[str, tuple[Records, str]] = {
    "records that were made with it tell the instant": (
        {"Lead": [lead()], **MADE},
        f"2025-06-10 09:00:00|instant|created record|created|created|created|{SELLER}|converted|{ACCOUNT}",
    ),
    "what was there before was attached to": (
        {"Lead": [lead()], **MADE, "Account": [target(ACCOUNT, OLD)]},
        f"2025-06-10 09:00:00|instant|created record|attached|created|created|{SELLER}|converted|{ACCOUNT}",
    ),
    "the youngest record of that day tells, since all are there when a conversion ends": (
        {"Lead": [lead()], **MADE, "Opportunity": [target(DEAL, NOON)]},
        f"2025-06-10 12:00:00|instant|created record|attached|attached|created|{SELLER}|converted|{ACCOUNT}",
    ),
    "the contact's history tells more than dates do": (
        {
            "Lead": [lead(ConvertedOpportunityId=None)],
            **MADE,
            "ContactHistory": [history("ContactHistory", CONTACT, "contactUpdatedByLead", NOON)],
        },
        f"2025-06-10 12:00:00|instant|contact history|attached|attached|(blank)|{ROBOT}|converted|{ACCOUNT}",
    ),
    "so does the lead's": (
        {"Lead": [lead()], **MADE, "LeadHistory": [history("LeadHistory", LEAD, "leadConverted", NOON)]},
        f"2025-06-10 12:00:00|instant|lead history|attached|attached|attached|{ROBOT}|converted|{ACCOUNT}",
    ),
    "a witness of another day is of another conversion": (
        {
            "Lead": [lead()],
            **MADE,
            "ContactHistory": [history("ContactHistory", CONTACT, "contactUpdatedByLead", "2025-07-01T08:00:00Z")],
        },
        f"2025-06-10 09:00:00|instant|created record|created|created|created|{SELLER}|converted|{ACCOUNT}",
    ),
    "the date of another time zone is the same day": (
        {"Lead": [lead(ConvertedDate="2025-06-09")], **MADE},
        f"2025-06-10 09:00:00|instant|created record|created|created|created|{SELLER}|converted|{ACCOUNT}",
    ),
    "with old targets alone the day is all there is": (
        {
            "Lead": [lead(ConvertedOpportunityId=None)],
            "Account": [target(ACCOUNT, OLD)],
            "Contact": [target(CONTACT, OLD)],
        },
        f"2025-06-10 00:00:00|day|date|attached|attached|(blank)|(blank)|unknown|{ACCOUNT}",
    ),
    "without a single target to see nothing is known but the day": (
        {"Lead": [lead()]},
        "2025-06-10 00:00:00|day|date|unknown|unknown|unknown|(blank)|unknown|(blank)",
    ),
    "a lead that is younger than its conversion was loaded": (
        {"Lead": [lead(CreatedDate="2025-09-01T08:00:00Z")], "Account": [target(ACCOUNT, OLD)]},
        f"2025-06-10 00:00:00|day|date|unknown|unknown|unknown|(blank)|loaded|{ACCOUNT}",
    ),
    "so was one that nobody touched since an earlier day": (
        {"Lead": [lead(LastModifiedDate="2025-06-01T08:00:00Z")], "Account": [target(ACCOUNT, OLD)]},
        f"2025-06-10 00:00:00|day|date|unknown|unknown|unknown|(blank)|loaded|{ACCOUNT}",
    ),
    "and one whose targets all came later": (
        {"Lead": [lead(ConvertedOpportunityId=None)], "Account": [target(ACCOUNT, "2025-09-01T08:00:00Z")]},
        f"2025-06-10 00:00:00|day|date|unknown|unknown|(blank)|(blank)|loaded|{ACCOUNT}",
    ),
    "a lead without a date has no instant": (
        {"Lead": [lead(ConvertedDate=None)], **MADE},
        f"(blank)|day|(blank)|unknown|unknown|unknown|(blank)|unknown|{ACCOUNT}",
    ),
    "merges are followed over two steps": (
        {
            "Lead": [lead(ConvertedContactId=None, ConvertedOpportunityId=None)],
            "Account": [
                target(ACCOUNT, MORNING, IsDeleted=True, MasterRecordId="001Fk0000000002IAA"),
                target("001Fk0000000002IAA", OLD, IsDeleted=True, MasterRecordId="001Fk0000000003IAA"),
                target("001Fk0000000003IAA", OLD),
            ],
        },
        f"2025-06-10 09:00:00|instant|created record|created|(blank)|(blank)|{SELLER}|converted|001Fk0000000003IAA",
    ),
    "what was deleted is gone": (
        {
            "Lead": [lead(ConvertedContactId=None, ConvertedOpportunityId=None)],
            "Account": [target(ACCOUNT, MORNING, IsDeleted=True)],
        },
        f"2025-06-10 09:00:00|instant|created record|created|(blank)|(blank)|{SELLER}|converted|(blank)",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_known_of_a_conversion(store: DuckDBStore, case: str) -> None:
    given, told = CASES[case]
    assert differences(store, given, [{"Id": LEAD, "message": told}]) == []


def test_two_leads_that_became_one_contact_on_one_day_have_each_its_own_instant(store: DuckDBStore) -> None:
    other = "00QFk0000000002MAA"
    given = {
        "Lead": [
            lead(ConvertedOpportunityId=None),
            lead(Id=other, CreatedDate="2025-06-10T10:00:00Z", ConvertedOpportunityId=None),
        ],
        "Account": [target(ACCOUNT, MORNING)],
        "Contact": [target(CONTACT, MORNING)],
        "ContactHistory": [
            history("ContactHistory", CONTACT, "contactCreatedByLead", MORNING),
            {**history("ContactHistory", CONTACT, "contactUpdatedByLead", NOON), "Id": "017Fk0000000002AAA"},
        ],
    }
    finds = [
        {"Id": LEAD, "message": message("09", "created", "created")},
        {"Id": other, "message": message("12", "attached", "attached")},
    ]
    assert differences(store, given, finds) == []


@pytest.mark.parametrize("absent", ["Account", "Contact", "Opportunity", "ContactHistory", "LeadHistory"])
def test_without_what_is_optional_less_is_known(store: DuckDBStore, absent: str) -> None:
    given = {name: rows for name, rows in {"Lead": [lead()], **MADE}.items() if name != absent}
    assert differences(store, given, [LEAD], without=[absent]) == []


def message(hour: str, account: str, contact: str) -> str:
    what = f"{account}|{contact}|(blank)|{ROBOT}|converted|{ACCOUNT}"
    return f"2025-06-10 {hour}:00:00|instant|contact history|{what}"


def differences(store: DuckDBStore, given: Records, finds: Sequence[Any], without: Sequence[str] = ()) -> list[str]:
    rule = parse_rule(yaml.safe_dump(RULE), "OWN001.yml")
    content = {"name": "case", "given": given, "finds": finds, "without": list(without)}
    return try_example(store, rule, Example.model_validate(content))

"""A large mirror for timing audits: an org's own settings pulled, and its records made by SQL inside the store."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from sfsync.fake import FakeOrg
from sfsync.salesforce import connect
from sfsync.store import Session, Store, ledger, open_store
from sfsync.store.columns import table_columns
from sfsync.store.mirror import read_describes, read_state
from sfsync.store.names import quote, table
from sfsync.sync.options import PullOptions
from sfsync.sync.pull import pull

USERS, CAMPAIGNS = 300, 50
SETTINGS = """\
version: 1
timezone: Europe/Berlin
definitions:
  lead_status:
    new: [Open - Not Contacted]
    working: [Working - Contacted]
    qualified: [Qualified]
    disqualified: [Closed - Not Converted]
  frameworks:
    BANT: {min: 2, budget: [AnnualRevenue], authority: [Title], need: [Description], timeline: [Rating]}
"""
PREFIXES = {
    "User": "005",
    "Campaign": "701",
    "Account": "001",
    "Contact": "003",
    "Lead": "00Q",
    "Opportunity": "006",
    "OpportunityContactRole": "00K",
    "OpportunityHistory": "008",
    "LeadHistory": "017",
    "Task": "00T",
    "Event": "00U",
    "CampaignMember": "00v",
}
SETUP = ("OpportunityStage", "LeadStatus", "RecordType", "Organization", "Group")

#: Every third lead was converted, into the account, contact and opportunity of a third of its number. Of the others
#: eight in ten are closed, as in an org of some years; the rest is open, and most of it has lain for long.
_BORN = "TIMESTAMP '2025-01-01' + to_hours(CAST(({number}) * 7919 % {hours} AS BIGINT))"
#: Hours in which converted leads were made, and the others: until shortly before the mirror's time.
_LONG_AGO, _LATELY = 7200, 9300
_STAGE = (
    "CASE WHEN i % 10 < 4 THEN 'Closed Won' WHEN i % 10 < 8 THEN 'Closed Lost' WHEN i % 10 = 8 THEN 'Prospecting'"
    " ELSE 'Value Proposition' END"
)
_CATEGORY = "CASE WHEN i % 10 < 4 THEN 'Closed' WHEN i % 10 < 8 THEN 'Omitted' ELSE 'Pipeline' END"
#: Stage by stage for nine in ten that are not in the first; one jumps.
_VISITED = (
    "CASE WHEN i // 5 % 10 = 8 THEN 'Prospecting' WHEN i % 5 = 4 THEN CASE WHEN i // 5 % 10 < 4 THEN 'Closed Won'"
    " WHEN i // 5 % 10 < 8 THEN 'Closed Lost' ELSE 'Value Proposition' END WHEN i // 5 % 10 = 7 THEN 'Prospecting'"
    " ELSE ['Prospecting', 'Qualification', 'Needs Analysis', 'Value Proposition'][i % 5 + 1] END"
)


def born(number: str, days: int = 0) -> str:
    """SQL of when a lead was made, or of so many days later."""
    return f"({_BORN.format(number=number, hours=_LONG_AGO)} + INTERVAL {days} DAY)"


def seen(days: int = 0) -> str:
    """SQL of when lead `i` was made, or of so many days later."""
    lately = f"({_BORN.format(number='i', hours=_LATELY)} + INTERVAL {days} DAY)"
    return f"CASE WHEN i % 3 = 0 THEN {born('i', days)} ELSE {lately} END"


def an_id(name: str, number: str) -> str:
    """SQL of the 18-character Id of a record."""
    return f"'{PREFIXES[name]}' || lpad(CAST({number} AS VARCHAR), 12, '0') || 'AAA'"


def owner(number: str) -> str:
    """SQL of somebody's Id."""
    return an_id("User", f"({number}) % {USERS}")


def people(accounts: int) -> dict[str, dict[str, str]]:
    """Users, campaigns, accounts and contacts: field → SQL of its value in record number `i`."""
    return {
        "User": {
            "Name": "'User ' || i",
            "Username": "'u' || i || '@nordwind.com'",
            "Email": "'u' || i || '@nordwind.com'",
            "IsActive": "i % 50 <> 0",
            "UserType": "'Standard'",
        },
        "Campaign": {"Name": "'Campaign ' || i", "IsActive": "true", "CreatedDate": born("i")},
        "Account": {
            "Name": "'Nordwind ' || i || ' Inc.'",
            "Website": "'https://www.c' || i || '.nordwind.com'",
            "Phone": "'+1 555 ' || i",
            "Industry": "'Energy'",
            "OwnerId": owner("i"),
            "CreatedDate": born("i * 3"),
        },
        "Contact": {
            "LastName": "'Last ' || i",
            "FirstName": "'First ' || (i % 3000)",
            "Email": f"'p' || (i * 3) || '@c' || (i % {accounts}) || '.nordwind.com'",
            "AccountId": an_id("Account", f"i % {accounts}"),
            "OwnerId": owner("i * 3"),
            "LeadSource": "CASE WHEN i % 100 > 0 THEN 'Web' END",
            "CreatedDate": born("i * 3", 20),
        },
    }


def lead(accounts: int) -> dict[str, str]:
    """The fields of a lead."""
    own = {
        "LastName": "'Last ' || (i // 3)",
        "FirstName": "'First ' || (i // 3 % 3000)",
        "Company": f"'Nordwind ' || (i // 3 % {accounts}) || ' Inc.'",
        "Email": f"CASE WHEN i % 40 > 0 THEN 'p' || i || '@c' || (i // 3 % {accounts}) || '.nordwind.com' END",
        "Phone": "'+1 555 ' || lpad(CAST(i % 10000000 AS VARCHAR), 7, '0')",
        "Title": "'Director'",
        "Description": "'what they said when they called, number ' || i",
        "Industry": "'Energy'",
        "Rating": "CASE WHEN i % 5 = 0 THEN 'Hot' END",
        "AnnualRevenue": "CASE WHEN i % 2 = 0 THEN i % 100000 END",
        "LeadSource": "CASE WHEN i % 50 > 0 THEN 'Web' END",
        "OwnerId": owner("i"),
        "CreatedDate": seen(),
        "IsConverted": "i % 3 = 0",
        "Status": "CASE WHEN i % 3 = 0 THEN 'Closed - Converted' WHEN i % 10 < 8 THEN 'Closed - Not Converted'"
        " WHEN i % 100 = 8 THEN 'Qualified' WHEN i % 10 = 8 THEN 'Working - Contacted' ELSE 'Open - Not Contacted' END",
    }
    converted = {
        "ConvertedDate": f"CAST({born('i', 20)} AS DATE)",
        "ConvertedAccountId": an_id("Account", f"i // 3 % {accounts}"),
        "ConvertedContactId": an_id("Contact", "i // 3"),
        "ConvertedOpportunityId": an_id("Opportunity", "i // 3"),
    }
    return own | {field: f"CASE WHEN i % 3 = 0 THEN {sql} END" for field, sql in converted.items()}


def deal(accounts: int) -> dict[str, str]:
    """The fields of an opportunity."""
    return {
        "Name": "'Deal ' || i",
        "AccountId": an_id("Account", f"i % {accounts}"),
        "StageName": _STAGE,
        "ForecastCategory": _CATEGORY,
        "ForecastCategoryName": _CATEGORY,
        "Probability": "CASE WHEN i % 10 < 4 THEN 100.0 WHEN i % 10 < 8 THEN 0.0 ELSE [10.0, 50.0][i % 10 - 7] END",
        "Amount": "i % 9973 * 10.0",
        "IsClosed": "i % 10 < 8",
        "IsWon": "i % 10 < 4",
        "CloseDate": f"CASE WHEN i % 10 < 8 THEN CAST({born('i * 3', 52)} AS DATE) + CAST(i % 10 // 7 * 20 AS INTEGER)"
        " ELSE DATE '2026-03-31' + CAST(i % 90 AS INTEGER) END",
        "OwnerId": owner("i * 3"),
        "LeadSource": "'Web'",
        "NextStep": "'call'",
        "CampaignId": an_id("Campaign", f"i % {CAMPAIGNS}"),
        "CreatedDate": born("i * 3", 20),
    }


def work(leads: int) -> dict[str, dict[str, str]]:
    """Activities, history, roles and campaign members."""
    what = "CASE WHEN i % 3 = 0 THEN {there} ELSE {here} END"
    return {
        "OpportunityContactRole": {
            "OpportunityId": an_id("Opportunity", "i"),
            "ContactId": an_id("Contact", f"i % {leads // 3 + 1}"),
            "Role": "'Decision Maker'",
            "IsPrimary": "true",
            "CreatedDate": born("i * 3", 20),
        },
        "OpportunityHistory": {
            "OpportunityId": an_id("Opportunity", "i // 5"),
            "StageName": _VISITED,
            "Amount": "i // 5 % 9973 * 10.0",
            "Probability": "[10.0, 10.0, 20.0, 50.0, 100.0][i % 5 + 1]",
            "ForecastCategory": "'Pipeline'",
            "CloseDate": "DATE '2026-03-31'",
            "CreatedById": owner("i // 5"),
            "CreatedDate": f"{born('i // 5 * 3', 20)} + to_days(CAST(i % 5 * 8 AS INTEGER))",
        },
        "LeadHistory": {
            "LeadId": an_id("Lead", "i"),
            "Field": "'Status'",
            "OldValue": "'Open - Not Contacted'",
            "NewValue": "'Working - Contacted'",
            "CreatedById": owner("i"),
            "CreatedDate": seen(2),
        },
        "Task": {
            "WhoId": what.format(there=an_id("Contact", "i // 3"), here=an_id("Lead", "i")),
            "WhatId": what.format(there=an_id("Opportunity", "i // 3"), here="NULL"),
            "OwnerId": owner("i"),
            "Subject": "'Call'",
            "Status": "'Completed'",
            "TaskSubtype": "'Call'",
            "IsClosed": "true",
            "ActivityDate": f"CAST({seen(1)} AS DATE)",
            "CreatedDate": seen(1),
        },
        "Event": {
            "WhoId": an_id("Lead", "i * 3 + 1"),
            "OwnerId": owner("i"),
            "Subject": "'Meeting'",
            "StartDateTime": born("i", 3),
            "EndDateTime": born("i", 3),
            "ActivityDate": f"CAST({born('i', 3)} AS DATE)",
            "CreatedDate": born("i"),
        },
        "CampaignMember": {
            "CampaignId": an_id("Campaign", f"i % {CAMPAIGNS}"),
            "LeadId": an_id("Lead", "i * 4"),
            "Status": "'Responded'",
            "HasResponded": "true",
            "CreatedDate": born("i"),
        },
    }


def make_mirror(folder: Path, leads: int) -> Store:
    """A store of so many leads, as many opportunities and five times as much history; made once."""
    store, accounts = open_store(folder / "mirror.duckdb"), max(leads // 5, 1)
    if store.exists():
        return store
    made = {**people(accounts), "Lead": lead(accounts), "Opportunity": deal(accounts), **work(leads)}
    counts = {"User": USERS, "Campaign": CAMPAIGNS, "Account": accounts, "Contact": leads // 3 + 1}
    counts |= {"OpportunityContactRole": leads // 2, "OpportunityHistory": leads * 5, "Event": leads // 10}
    counts |= {"CampaignMember": leads // 4}
    with FakeOrg.empty() as fake:
        env = {"SF_ACCESS_TOKEN": fake.token, "SF_ORG_INSTANCE_URL": fake.instance_url}
        fake.clock.set(datetime(2026, 1, 31, 12, tzinfo=UTC))
        with connect(env=env, session=fake.session()) as org:
            options = PullOptions(history=False)
            pull(org, store, workspace=folder, objects=[*made, *SETUP], options=options)
    with store.writing() as session:
        for name, values in made.items():
            _fill(session, name, counts.get(name, leads), values)
    return store


def _fill(session: Session, name: str, count: int, values: dict[str, str]) -> None:
    """Add the records of an object, with what every record has."""
    columns = table_columns(session, "sf_all", name)
    given = {"Id": an_id(name, "i"), **values}
    for field, sql in {"IsDeleted": "false", "SystemModstamp": given.get("CreatedDate", born("i"))}.items():
        if field in columns:
            given.setdefault(field, sql)
    for field, sql in (("LastModifiedDate", given.get("CreatedDate")), ("CreatedById", owner("i"))):
        if field in columns and sql:
            given.setdefault(field, sql)
    given = {field: sql for field, sql in given.items() if field in columns}
    listed = ", ".join(quote(field) for field in given)
    session.execute(
        f"INSERT INTO {table('sf_all', name)} ({listed}) SELECT {', '.join(given.values())} FROM range({count}) AS r(i)"
    )
    bound = read_state(session).objects[name].upper_bound
    ledger.save_cursor(session, read_describes(session)[name], bound, "benchmark", history=False)

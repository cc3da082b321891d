"""What moves along once the targets are there: the contact's role, the lead, campaigns, activities, histories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sfsync.fake import dml
from sfsync.fake.convert.request import Case, Refusals
from sfsync.fake.database import Cursor
from sfsync.fake.dml.outcome import WriteOptions
from sfsync.fake.dml.pending import PendingRow
from sfsync.fake.dml.storage import among
from sfsync.soql.dates import Calendar

if TYPE_CHECKING:
    from sfsync.fake.org import FakeOrg

#: Every converted lead of the running transaction with its targets; `$now` and `$user` are those of the conversion.
_CASES = """
CREATE OR REPLACE TEMP TABLE converted_leads AS SELECT unnest(?::VARCHAR[]) AS lead, unnest(?::VARCHAR[]) AS account,
    unnest(?::VARCHAR[]) AS contact, unnest(?::VARCHAR[]) AS opportunity, unnest(?::VARCHAR[]) AS old_owner,
    unnest(?::VARCHAR[]) AS new_owner
"""

#: A lead that was in a campaign along with its contact leaves one member: the one further along.
_TWICE = """
CREATE OR REPLACE TEMP TABLE converted_twice AS
    SELECT ours."Id" AS gone, theirs."Id" AS stays, c.lead AS lead, ours."Status" AS status,
        ours."FirstRespondedDate" AS responded, ours."HasResponded" AND NOT theirs."HasResponded" AS further
    FROM converted_leads AS c
    JOIN "CampaignMember" AS ours ON ours."LeadId" = c.lead AND NOT ours."IsDeleted"
    JOIN "CampaignMember" AS theirs ON theirs."ContactId" = c.contact AND theirs."CampaignId" = ours."CampaignId"
        AND theirs."Id" <> ours."Id" AND NOT theirs."IsDeleted"
"""
_LET_GO = """
UPDATE "CampaignMember" AS m SET "IsDeleted" = true, "LastModifiedDate" = $now, "SystemModstamp" = $now,
    "LastModifiedById" = $user
FROM converted_twice AS t WHERE m."Id" = t.gone RETURNING m."Id"
"""
_TAKE_OVER = """
UPDATE "CampaignMember" AS m SET "LeadId" = coalesce(m."LeadId", t.lead),
    "Status" = CASE WHEN t.further THEN t.status ELSE m."Status" END,
    "HasResponded" = m."HasResponded" OR t.further,
    "FirstRespondedDate" = CASE WHEN t.further THEN t.responded ELSE m."FirstRespondedDate" END,
    "LastModifiedDate" = $now, "SystemModstamp" = $now, "LastModifiedById" = $user
FROM converted_twice AS t WHERE m."Id" = t.stays RETURNING m."Id"
"""
#: A member keeps its lead and is the contact's from now on.
_JOIN_CONTACT = """
UPDATE "CampaignMember" AS m SET "ContactId" = c.contact, "LeadOrContactId" = c.contact, "Type" = 'Contact',
    "LastModifiedDate" = $now, "SystemModstamp" = $now, "LastModifiedById" = $user
FROM converted_leads AS c WHERE m."LeadId" = c.lead AND NOT m."IsDeleted" AND m."ContactId" IS NULL RETURNING m."Id"
"""
#: Open activities of the lead's owner go to the new one; what still lies ahead is open.
_MOVE_ACTIVITIES = """
UPDATE "{name}" AS a SET "WhoId" = c.contact, "WhatId" = coalesce(c.opportunity, c.account), "AccountId" = c.account,
    "OwnerId" = CASE WHEN {open} AND a."OwnerId" = c.old_owner THEN c.new_owner ELSE a."OwnerId" END,
    "LastModifiedDate" = $now, "SystemModstamp" = $now, "LastModifiedById" = $user
FROM converted_leads AS c WHERE a."WhoId" = c.lead AND NOT a."IsDeleted" RETURNING a."Id"
"""
#: What follows a lead to its contact, and the lookup that says so.
_FOLLOWERS = {"CampaignMember": "LeadId", "Task": "WhoId", "Event": "WhoId"}
_OPEN = {"Task": 'NOT a."IsClosed"', "Event": 'a."EndDateTime" > $now'}


def give_roles(org: FakeOrg, cases: Sequence[Case], options: WriteOptions) -> Refusals:
    """Make each contact a primary one, without a role's name, of its opportunity; unless it has a role there."""
    roles = [case for case in cases if "Opportunity" in case.ids]
    if not roles:
        return {}
    with org.database.reading() as cursor:
        condition, parameters = among('"OpportunityId"', [case.ids["Opportunity"] for case in roles])
        taken = cursor.execute(
            'SELECT "OpportunityId", "ContactId", "IsPrimary" FROM "OpportunityContactRole"'
            f' WHERE {condition} AND NOT "IsDeleted"',
            parameters,
        ).fetchall()
    there = {(opportunity, contact) for opportunity, contact, _ in taken}
    led = {opportunity for opportunity, _, primary in taken if primary}
    rows: list[dict[str, Any]] = []
    for case in roles:
        pair = (case.ids["Opportunity"], case.ids["Contact"])
        if pair not in there:
            rows.append({"OpportunityId": pair[0], "ContactId": pair[1], "IsPrimary": pair[0] not in led})
            there.add(pair)
            led.add(pair[0])
    _write(org, "OpportunityContactRole", rows, options)
    return {}


def mark_leads(org: FakeOrg, cases: Sequence[Case], options: WriteOptions) -> Refusals:
    """Turn the leads into converted ones, if no validation rule is against it."""
    today = Calendar(org.settings.timezone).today(org.clock.now())
    changes = [
        {
            "Status": case.status,
            "IsConverted": True,
            "ConvertedDate": today,
            "ConvertedAccountId": case.ids["Account"],
            "ConvertedContactId": case.ids["Contact"],
            "ConvertedOpportunityId": case.ids.get("Opportunity"),
            "IsUnreadByOwner": False,
        }
        for case in cases
    ]
    pending = [
        PendingRow(place, case.lead_id, dict(case.lead), {**case.lead, **change}, frozenset(change))
        for place, (case, change) in enumerate(zip(cases, changes, strict=True))
    ]
    org.behaviour.check("Lead", pending, options)
    refused = {case.index: tuple(row.errors) for case, row in zip(cases, pending, strict=True) if row.errors}
    if refused:
        return refused
    rows = [
        {"Id": case.lead_id, **change, "ConvertedDate": today.isoformat()}
        for case, change in zip(cases, changes, strict=True)
    ]
    dml.update(org, "Lead", rows, replace(options, system=True))
    return {}


def move_along(org: FakeOrg, cases: Sequence[Case], options: WriteOptions) -> None:
    """Let campaign members and activities follow, and write down how the contacts came to be."""
    with org.database.writing() as cursor:
        moved = _move(cursor, cases, {"now": org.clock.stamp(), "user": options.user_id})
    for name, ids in moved.items():
        org.behaviour.refresh(name, ids)
    witness = {True: "contactCreatedByLead", False: "contactUpdatedByLead"}
    _write(
        org,
        "ContactHistory",
        [{"ContactId": case.ids["Contact"], "Field": witness["Contact" in case.made]} for case in cases],
        options,
    )
    _write(org, "LeadHistory", [{"LeadId": case.lead_id, "Field": "leadConverted"} for case in cases], options)


def _move(cursor: Cursor, cases: Sequence[Case], stamp: Mapping[str, Any]) -> dict[str, list[str]]:
    """Hand over what points to the leads; object → Ids of the records that changed."""
    condition, leads = among("{}", [case.lead_id for case in cases])
    follows = {
        name
        for name, lookup in _FOLLOWERS.items()
        if cursor.execute(f'SELECT 1 FROM "{name}" WHERE {condition.format(lookup)} LIMIT 1', leads).fetchone()
    }
    if not follows:
        return {}
    _list(cursor, cases)
    moved: dict[str, list[str]] = {}
    if "CampaignMember" in follows:
        cursor.execute(_TWICE)
        steps = (_LET_GO, _TAKE_OVER, _JOIN_CONTACT)
        moved["CampaignMember"] = [row[0] for step in steps for row in cursor.execute(step, stamp).fetchall()]
        cursor.execute("DROP TABLE converted_twice")
    for name in follows & set(_OPEN):
        step = _MOVE_ACTIVITIES.format(name=name, open=_OPEN[name])
        moved[name] = [row[0] for row in cursor.execute(step, stamp).fetchall()]
    cursor.execute("DROP TABLE converted_leads")
    return moved


def _list(cursor: Cursor, cases: Sequence[Case]) -> None:
    cursor.execute(
        _CASES,
        [
            [case.lead_id for case in cases],
            [case.ids["Account"] for case in cases],
            [case.ids["Contact"] for case in cases],
            [case.ids.get("Opportunity") for case in cases],
            [case.lead["OwnerId"] for case in cases],
            [case.owner_id for case in cases],
        ],
    )


def _write(org: FakeOrg, name: str, rows: Sequence[dict[str, Any]], options: WriteOptions) -> None:
    """Add records that the org makes by itself."""
    if rows:
        dml.create(org, name, rows, replace(options, system=True))

"""Activities and contact roles of the seeded org: who was called and written to, and who takes part in which deal."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sfsync.fake.seed import plan
from sfsync.fake.seed.names import TASK_SUBJECTS
from sfsync.fake.seed.seasons import in_office
from sfsync.fake.seed.setup import NEW, QUALIFIED, WORKING
from sfsync.fake.seed.world import Conversion, Deal, Lead, Row, World, stamps

_HAS_NEXT_STEP = 0.6
_ROLES = ("Decision Maker", "Economic Buyer", "Evaluator", "Business User", "Influencer")


def add_contact_roles(world: World) -> None:
    """Add the contact roles of opportunities: one somebody chose, or the blank one that a conversion leaves."""
    converted = {c.deal.row["Id"]: c for c in world.conversions if c.deal is not None}
    for deal in world.deals:
        row = deal.row
        conversion = converted.get(row["Id"])
        is_born_of_it = conversion is not None and conversion.made_deal
        role = None if is_born_of_it else world.draw.pick(_ROLES)
        if row["ContactId"] is not None:
            _add_role(world, row, row["ContactId"], role, row["CreatedDate"])
        if conversion is None or is_born_of_it or conversion.contact is None:
            continue
        if conversion.contact["Id"] != row["ContactId"]:
            _add_role(world, row, conversion.contact["Id"], None, conversion.at)


def _add_role(world: World, deal: Row, contact: str, role: str | None, since: datetime) -> None:
    world.add(
        "OpportunityContactRole",
        {
            "Id": world.new_id("OpportunityContactRole"),
            "OpportunityId": deal["Id"],
            "ContactId": contact,
            "Role": role,
            "IsPrimary": contact == deal["ContactId"],
            "IsDeleted": deal["IsDeleted"],
            **stamps(since, deal["CreatedById"]),
        },
    )


def add_activities(world: World) -> None:
    """Add calls and e-mails: on leads, moved to the contact where the lead has converted, and on opportunities."""
    conversion_of = {c.lead.row["Id"]: c for c in world.conversions}
    for lead in world.leads:
        if lead.fate.status != NEW and lead.row["Id"] not in world.forgotten:
            _work_lead(world, lead, conversion_of.get(lead.row["Id"]))
    for deal in world.deals:
        if not deal.row["IsDeleted"]:
            _work_deal(world, deal)


def _work_lead(world: World, lead: Lead, conversion: Conversion | None) -> None:
    draw, fate, row = world.draw, lead.fate, lead.row
    until = fate.ended or world.latest
    moment = fate.created + timedelta(days=draw.lognormal(plan.FIRST_TOUCH_DAYS))
    for _ in range(1 + (draw.share() > 0.6) + (draw.share() > 0.85)):
        moment = in_office(draw, moment)
        if moment >= until:
            # Whoever ended it must have spoken with them before, if only in the last minutes.
            moment = fate.created + (until - fate.created) / 2
        task = _task(world, row["OwnerId"], moment.replace(microsecond=0))
        task["WhoId"] = row["Id"]
        if conversion is not None:
            _move(task, conversion)
        else:
            _note_activity(row, task["ActivityDate"])
        moment += timedelta(days=draw.between(1, 9))
    if fate.status in (WORKING, QUALIFIED) and draw.chance(_HAS_NEXT_STEP):
        task = _next_step(world, row["OwnerId"], row["LastModifiedDate"])
        task["WhoId"] = row["Id"]
        _note_activity(row, task["ActivityDate"])


def _move(task: Row, conversion: Conversion) -> None:
    """Re-parent a lead's task to what the lead was converted to, as the conversion does."""
    account, contact, deal = conversion.account, conversion.contact, conversion.deal
    what = account if deal is None else deal.row
    task.update(
        WhoId=None if contact is None else contact["Id"],
        WhatId=what["Id"],
        AccountId=account["Id"],
        LastModifiedDate=conversion.at,
        SystemModstamp=conversion.at,
    )
    for row in (account, what) if contact is None else (account, contact, what):
        _note_activity(row, task["ActivityDate"])


def _work_deal(world: World, deal: Deal) -> None:
    draw, row = world.draw, deal.row
    if deal.changed > row["CreatedDate"]:
        share = 0.3 + 0.6 * draw.share()
        moment = row["CreatedDate"] + (deal.changed - row["CreatedDate"]) * share
        task = _task(world, row["OwnerId"], moment.replace(microsecond=0))
        task.update(WhoId=row["ContactId"], WhatId=row["Id"], AccountId=row["AccountId"])
        _note_activity(row, task["ActivityDate"])
    if not row["IsClosed"] and draw.chance(_HAS_NEXT_STEP):
        task = _next_step(world, row["OwnerId"], deal.changed)
        task.update(WhoId=row["ContactId"], WhatId=row["Id"], AccountId=row["AccountId"])
        row["HasOpenActivity"] = True
        _note_activity(row, task["ActivityDate"])


def _task(world: World, owner: str, done: datetime) -> Row:
    """A call or e-mail that has been made."""
    subject = world.draw.pick(TASK_SUBJECTS)
    is_voicemail = subject == "Voicemail"
    is_call = is_voicemail or "call" in subject.lower()
    return world.add(
        "Task",
        {
            "Id": world.new_id("Task"),
            "IsDeleted": False,
            "WhoId": None,
            "WhatId": None,
            "AccountId": None,
            "Subject": subject,
            "ActivityDate": done.date(),
            "Status": "Completed",
            "IsClosed": True,
            "Priority": "Normal",
            "IsHighPriority": False,
            "OwnerId": owner,
            "Description": None,
            "IsArchived": False,
            "TaskSubtype": "Call" if is_call else "Email" if subject.startswith("Email") else "Task",
            "CallType": "Outbound" if is_call else None,
            "CallDurationInSeconds": world.draw.between(20, 60 if is_voicemail else 1500) if is_call else None,
            **stamps(done, owner),
        },
    )


def _next_step(world: World, owner: str, planned: datetime) -> Row:
    """A task that is due in the next days."""
    task = _task(world, owner, planned)
    due: date = (world.as_of + timedelta(days=world.draw.between(1, 12))).date()
    task.update(
        ActivityDate=due,
        Status="Not Started",
        IsClosed=False,
        TaskSubtype="Task",
        CallType=None,
        CallDurationInSeconds=None,
    )
    return task


def _note_activity(row: Row, day: date) -> None:
    if row["LastActivityDate"] is None or row["LastActivityDate"] < day:
        row["LastActivityDate"] = day

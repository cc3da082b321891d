"""Ten of the heaviest questions of the catalogue as pandas answers them: how an analyst would write them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

#: Reads columns of an object's live records.
Frame = Callable[..., pd.DataFrame]


def target_missing(frame: Frame) -> int:
    """Converted leads whose account, contact or opportunity is not there."""
    leads = frame("Lead", "Id", "IsConverted", "ConvertedAccountId", "ConvertedContactId", "ConvertedOpportunityId")
    leads, missing = leads[leads["IsConverted"]], 0
    for name in ("Account", "Contact", "Opportunity"):
        ids = leads[f"Converted{name}Id"].dropna()
        missing += int((~ids.isin(frame(name, "Id")["Id"])).sum())
    return missing


def contact_of_another_account(frame: Frame) -> int:
    """Converted leads whose contact belongs to another account."""
    leads = frame("Lead", "Id", "ConvertedAccountId", "ConvertedContactId").dropna()
    joined = leads.merge(frame("Contact", "Id", "AccountId"), left_on="ConvertedContactId", right_on="Id")
    return int((joined["AccountId"] != joined["ConvertedAccountId"]).sum())


def no_contact_role(frame: Frame) -> int:
    """Converted leads whose contact has no role on the opportunity."""
    leads = frame("Lead", "Id", "ConvertedOpportunityId", "ConvertedContactId").dropna()
    roles = frame("OpportunityContactRole", "OpportunityId", "ContactId").drop_duplicates()
    keys = {"left_on": ["ConvertedOpportunityId", "ConvertedContactId"], "right_on": ["OpportunityId", "ContactId"]}
    joined = leads.merge(roles, how="left", indicator=True, **keys)
    return int((joined["_merge"] == "left_only").sum())


def source_lost(frame: Frame) -> int:
    """Converted leads whose source is not that of the contact."""
    leads = frame("Lead", "Id", "LeadSource", "ConvertedContactId").dropna()
    joined = leads.merge(frame("Contact", "Id", "LeadSource"), left_on="ConvertedContactId", right_on="Id")
    return int((joined["LeadSource_x"] != joined["LeadSource_y"]).sum())


def untouched(frame: Frame) -> int:
    """Open leads without any activity."""
    leads = frame("Lead", "Id", "IsConverted")
    tasks = frame("Task", "WhoId", "CreatedDate")
    first = tasks.groupby("WhoId")["CreatedDate"].min()
    open_leads = leads[~leads["IsConverted"]]
    return int(open_leads["Id"].map(first).isna().sum())


def _visits(frame: Frame) -> pd.DataFrame:
    """Stage visits: equal stages that follow each other are one."""
    history = frame("OpportunityHistory", "Id", "OpportunityId", "StageName", "CreatedDate")
    history = history.sort_values(["OpportunityId", "CreatedDate", "Id"])
    moved = history["StageName"] != history.groupby("OpportunityId")["StageName"].shift()
    return history[moved]


def stage_durations(frame: Frame) -> int:
    """Median days in each stage, and the visits that took far longer."""
    visits = _visits(frame)
    left = visits.groupby("OpportunityId")["CreatedDate"].shift(-1)
    days = (left - visits["CreatedDate"]).dt.total_seconds() / 86400
    limit = visits["StageName"].map(days.groupby(visits["StageName"]).quantile(0.9))
    return int((days > limit).sum())


def backwards(frame: Frame) -> int:
    """Opportunities that went back to an earlier stage."""
    order = frame("OpportunityStage", "ApiName", "SortOrder").set_index("ApiName")["SortOrder"]
    visits = _visits(frame)
    place = visits["StageName"].map(order)
    back = place < place.groupby(visits["OpportunityId"]).shift()
    return int(visits.loc[back, "OpportunityId"].nunique())


def same_email(frame: Frame) -> int:
    """Leads that share an address."""
    emails = frame("Lead", "Id", "Email")["Email"].dropna().str.strip().str.lower()
    return int(emails.duplicated(keep=False).sum())


def no_recent_activity(frame: Frame) -> int:
    """Open opportunities without an activity for a month."""
    deals = frame("Opportunity", "Id", "IsClosed")
    last = frame("Task", "WhatId", "CreatedDate").dropna().groupby("WhatId")["CreatedDate"].max()
    latest = deals[~deals["IsClosed"]]["Id"].map(last)
    return int((latest.isna() | (latest < pd.Timestamp("2026-01-01"))).sum())


def flags_differ(frame: Frame) -> int:
    """Opportunities whose flags are not those of their stage."""
    deals = frame("Opportunity", "Id", "StageName", "IsClosed", "IsWon")
    stages = frame("OpportunityStage", "ApiName", "IsClosed", "IsWon")
    joined = deals.merge(stages, left_on="StageName", right_on="ApiName")
    differ = (joined["IsClosed_x"] != joined["IsClosed_y"]) | (joined["IsWon_x"] != joined["IsWon_y"])
    return int(differ.sum())


#: The rule that asks the same → the question.
QUESTIONS: dict[str, Callable[[Frame], Any]] = {
    "CV003": target_missing,
    "CV007": contact_of_another_account,
    "CV009": no_contact_role,
    "FM009": source_lost,
    "LA001": untouched,
    "PL001": stage_durations,
    "PL004": backwards,
    "DU001": same_email,
    "OP012": no_recent_activity,
    "FC001": flags_differ,
}

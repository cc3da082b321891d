"""Rows that are loaded and rows that are written are completed alike."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from sfsync.fake import FakeOrg
from sfsync.fake.clock import Clock
from sfsync.fake.dml import loading
from sfsync.fake.ids import make_id

NOON = datetime(2026, 3, 1, 12, 0, 0)

_ROWS = [
    ("Lead", {"LastName": "A", "FirstName": "B", "Company": "C"}),
    ("Lead", {"LastName": "A", "Company": "C", "Status": "", "CreatedDate": "2026-01-01T00:00:00Z"}),
    ("Contact", {"LastName": "A", "EmailBouncedDate": "2026-01-01T00:00:00+02:00"}),
    ("Opportunity", {"Name": "A", "StageName": "Closed Won", "CloseDate": "2026-05-06", "Amount": 12.5}),
    ("Opportunity", {"Name": "A", "StageName": "Prospecting", "CloseDate": "2026-05-06", "Probability": 33}),
    ("Opportunity", {"Name": "A", "StageName": "Nowhere", "CloseDate": None, "IsWon": True}),
    ("Task", {"Status": "Completed", "Priority": "High", "CompletedDateTime": "2026-02-01T00:00:00Z"}),
    ("User", {"LastName": "A", "Username": "a@b.example"}),
    ("Campaign", {"Name": "A", "Status": None}),
    ("CampaignMember", {"CampaignId": make_id("701", 1), "LeadId": make_id("00Q", 1), "Status": "Sent"}),
    ("OpportunityStage", {"MasterLabel": "A"}),
]


@pytest.mark.parametrize(("name", "values"), _ROWS)
def test_a_loaded_row_is_completed_as_an_inserted_one(name, values):
    prefix = {"Lead": "00Q", "Contact": "003", "Opportunity": "006", "Task": "00T", "User": "005", "Campaign": "701",
              "CampaignMember": "00v"}  # fmt: skip
    row = {"Id": make_id(prefix.get(name, "01J"), 5000), **values}
    records = []
    for way in ("load", "insert"):
        with FakeOrg.empty(clock=Clock(NOON, ticking=False)) as org:
            if way == "load":
                loading.load(org, org.catalog.facts(name), [row])
            else:
                org.insert(name, [row])
            records.append(org.record(name, row["Id"]))
    assert records[0] == records[1]


def test_a_seeded_org_is_written_to_like_any_other():
    with FakeOrg.seeded(leads=50) as org:
        known = {row[0] for row in _ids(org, "Lead")}
        [lead] = org.insert("Lead", [{"LastName": "A", "Company": "B"}])
        assert lead not in known
        deal = next(iter(_ids(org, "Opportunity")))[0]
        before = org.count("OpportunityHistory")
        org.update("Opportunity", deal, {"CloseDate": date(2031, 1, 1)})
        assert org.count("OpportunityHistory") == before + 1


def _ids(org, name):
    with org.database.reading() as cursor:
        return cursor.execute(f'SELECT "Id" FROM "{name}" WHERE NOT "IsDeleted" ORDER BY "Id"').fetchall()

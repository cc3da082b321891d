"""M02, M04 and M16 to M20: leads, what they become, and the rules that judge them."""

from __future__ import annotations

from datetime import datetime, timedelta

from sfsync.audit import audit
from sfsync.audit.metrics.m02_lead_to_won import compute as lead_to_won
from sfsync.audit.metrics.m04_first_touch import compute as first_touch
from sfsync.audit.metrics.m16_qualification import compute as qualification
from sfsync.audit.metrics.m17_rule_rate import compute as rule_rate
from sfsync.audit.metrics.m18_early_conversion import compute as early_conversion
from sfsync.audit.metrics.m19_carry_over import compute as carry_over
from sfsync.audit.metrics.m20_lead_ledger import compute as ledger
from sfsync.config.settings import Settings
from sfsync.fake.catalog import standard_catalog
from sfsync.records import ObjectDescribe
from sfsync.store.history import keep_versions, shape_history
from sfsync.store.ledger import save_cursor

LEAD = {
    "Id": "VARCHAR",
    "IsDeleted": "BOOLEAN",
    "CreatedDate": "TIMESTAMP",
    "LastModifiedDate": "TIMESTAMP",
    "IsConverted": "BOOLEAN",
    "ConvertedDate": "DATE",
    "LeadSource": "VARCHAR",
    "Status": "VARCHAR",
    **{f"Converted{name}Id": "VARCHAR" for name in ("Account", "Contact", "Opportunity")},
    "OwnerId": "VARCHAR",
    "Phone": "VARCHAR",
    "Email": "VARCHAR",
    "MasterRecordId": "VARCHAR",
}
DEAL = {
    "IsDeleted": False,
    "CreatedDate": "2025-02-01T09:00:00",
    "IsClosed": True,
    "IsWon": True,
    "CloseDate": "2025-03-01",
}
TASK = {
    "Id": "VARCHAR",
    "WhoId": "VARCHAR",
    "Subject": "VARCHAR",
    "IsClosed": "BOOLEAN",
    "CreatedDate": "TIMESTAMP",
    "ActivityDate": "DATE",
    "OwnerId": "VARCHAR",
    "CompletedDateTime": "TIMESTAMP",
    "CallType": "VARCHAR",
    "WhatId": "VARCHAR",
    "Status": "VARCHAR",
    "TaskSubtype": "VARCHAR",
    "IsRecurrence": "BOOLEAN",
}
BANT = {"frameworks": {"BANT": {"min": 1, "need": ["Phone"], "budget": ["Email"]}}}


def lead(number, **values):
    row = {"Id": f"00Q{number:012d}AAA", "IsDeleted": False, "CreatedDate": "2025-01-01T08:00:00", "IsConverted": False}
    return row | {"LastModifiedDate": "2025-01-01T08:00:00", "Status": "Open"} | values


def converted(number, deal=None, on="2025-02-01", **values):
    links = {"ConvertedAccountId": f"001{number:012d}AAA", "ConvertedContactId": f"003{number:012d}AAA"}
    links["ConvertedOpportunityId"] = None if deal is None else f"006{deal:012d}AAA"
    return lead(number, IsConverted=True, ConvertedDate=on, LastModifiedDate=f"{on}T09:00:00", **links, **values)


def left_out(result):
    return {row["reason"]: row["n"] for row in result.context["exclusions"]}


# M02


def test_a_converted_lead_need_not_have_become_an_opportunity(mirror):
    mirror.make("Lead", LEAD, [converted(0, 0), converted(1), converted(2, 2), converted(3, 99), lead(4)])
    mirror.opportunities([DEAL, DEAL | {"IsWon": False}, DEAL | {"IsDeleted": True}, DEAL])
    told = mirror.compute(lead_to_won)
    theirs = 100 * told.context["converted"] / told.n  # IsConverted alone, as the native template counts
    assert theirs == 80.0
    assert (told.value, told.n) == (20.0, 5)
    assert told.context["converted_without_opportunity"] == 1
    assert told.context["opportunity_deleted_since"] == 2  # in the recycle bin, and gone without a trace
    assert told.context["won"]["won"] == 1


def test_direct_opportunities_are_in_no_denominator(mirror):
    mirror.make("Lead", LEAD, [converted(0, 0)])
    mirror.opportunities([DEAL, DEAL, DEAL])
    told = mirror.compute(lead_to_won)
    assert (told.n, told.context["direct_opportunities"]) == (1, 2)


def test_what_was_attached_to_an_older_opportunity_is_told_apart(mirror):
    mirror.make("Lead", LEAD, [converted(0, 0), converted(1, 1)])
    mirror.opportunities([DEAL, DEAL | {"CreatedDate": "2024-06-01"}], CreatedById="VARCHAR")
    told = mirror.compute(lead_to_won)
    assert told.context["opportunity_path"] == {"created": 1, "attached": 1, "unknown": 0}


def test_won_within_a_horizon_goes_by_the_real_closing(mirror):
    mirror.make("Lead", LEAD, [converted(0, 0)])
    mirror.opportunities([DEAL | {"StageName": "Closed Won"}])
    mirror.stages()
    mirror.history(
        {"deal": 0, "at": "2025-02-01", "StageName": "Proposal"},
        {"deal": 0, "at": "2025-06-10", "StageName": "Closed Won"},
    )
    horizons = {row["days"]: row for row in mirror.compute(lead_to_won).context["horizons"]}
    assert [(days, row["opportunity"], row["won"]) for days, row in horizons.items()] == [
        (30, 0, 0),
        (60, 1, 0),
        (90, 1, 0),
        (180, 1, 1),
        (365, 1, 1),
    ]


def test_young_leads_are_left_out_and_counted(mirror):
    mirror.make("Lead", LEAD, [converted(0, 0), lead(1, CreatedDate="2026-01-20")])
    mirror.opportunities([DEAL])
    told = mirror.compute(lead_to_won)
    assert (told.value, told.n, left_out(told)) == (100.0, 1, {"younger than 90 days": 1})


# M04


def task(number, who, at, **values):
    return {"Id": f"00T{number:012d}AAA", "WhoId": f"00Q{who:012d}AAA", "CreatedDate": at, "IsClosed": True} | {
        "Subject": "Call", "CompletedDateTime": at, "ActivityDate": at[:10]
    } | values  # fmt: skip


def test_leads_that_nobody_touched_count_as_not_in_time(mirror):
    mirror.make("Lead", LEAD, [lead(n) for n in range(4)] + [lead(4, CreatedDate="2026-01-31T11:00:00")])
    mirror.make(
        "Task",
        TASK,
        [
            task(0, 0, "2025-01-01T10:00:00"),
            task(1, 1, "2025-01-09T08:00:00"),
            task(2, 2, "2025-01-01T09:00:00", CallType="Inbound"),  # came in: nobody turned to the lead
        ],
    )
    told = mirror.compute(first_touch)
    touched_only = 100 * 1 / 2
    assert touched_only == 50.0
    assert (told.value, told.n) == (25.0, 4)
    assert told.context["never_touched"] == 2
    assert told.context["km_hours"] == {"p25": 2, "p50": 192, "p75": None, "p90": None}
    assert left_out(told) == {"younger than 24 hours": 1}


def test_hours_are_business_hours_where_they_are_defined(mirror):
    # Friday 17:00 to Monday 10:00 in Berlin: two hours, whatever the weekend; 65 around the clock.
    mirror.make("Lead", LEAD, [lead(0, CreatedDate="2025-01-03T16:00:00")])
    mirror.make("Task", TASK, [task(0, 0, "2025-01-06T09:00:00")])
    hours = {"business_hours": {"days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "to": "18:00"}}
    told = mirror.compute(first_touch, timezone="Europe/Berlin", definitions=hours | {"metrics": {"sla_hours": 2}})
    assert (told.value, told.context["km_hours"]["p50"]) == (100.0, 2)
    around = mirror.compute(first_touch, timezone="Europe/Berlin", definitions={"metrics": {"sla_hours": 2}})
    assert (around.value, around.context["km_hours"]["p50"]) == (0.0, 65)


def test_office_hours_stay_when_clocks_change(mirror):
    # The night to 30 March 2025 has an hour less in Berlin; nobody works in it.
    mirror.make("Lead", LEAD, [lead(0, CreatedDate="2025-03-28T15:00:00")])  # Friday 16:00
    mirror.make("Task", TASK, [task(0, 0, "2025-03-31T08:00:00")])  # Monday 10:00
    hours = {"business_hours": {"days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "to": "18:00"}}
    told = mirror.compute(first_touch, timezone="Europe/Berlin", definitions=hours)
    assert told.context["km_hours"]["p50"] == 3


def test_a_mirror_without_activities_says_nothing_of_touches(mirror):
    mirror.make("Lead", LEAD, [lead(0)])
    assert mirror.compute(first_touch).reason == "not evaluable: the mirror holds no Task and no Event"
    mirror.make("Task", TASK)
    assert mirror.compute(first_touch).reason == "not evaluable: the mirror holds no Task and no Event record"


# M16


def test_coverage_of_each_criterion(mirror):
    mirror.make(
        "Lead",
        LEAD,
        [lead(0, Phone="1", Email="a@b"), lead(1, Phone="1"), lead(2, Status="Qualified"), lead(3, Phone=" ")],
    )
    told = mirror.compute(qualification, definitions=BANT)
    assert (told.value, told.n) == (50.0, 4)
    assert {row["criterion"]: row["percent"] for row in told.context["criteria"]} == {"need": 50.0, "budget": 25.0}
    assert {row["value"]: (row["enough"], row["n"]) for row in told.context["by_status"]} == {
        "Open": (2, 3),
        "Qualified": (0, 1),
    }


def test_a_criterion_that_nothing_can_show_is_not_0_percent(mirror):
    mirror.make("Lead", {name: kind for name, kind in LEAD.items() if name != "Email"}, [lead(0, Phone="1")])
    told = mirror.compute(qualification, definitions=BANT)
    budget = next(row for row in told.context["criteria"] if row["criterion"] == "budget")
    assert (budget["evaluable"], budget["percent"]) == (False, None)
    assert told.context["not_evaluable"] == 1
    assert told.value == 100.0  # one criterion is enough, and it can be seen
    both = {"frameworks": {"BANT": BANT["frameworks"]["BANT"] | {"min": 2}}}
    assert mirror.compute(qualification, definitions=both).reason.startswith("not evaluable: nothing in the mirror")


def test_without_a_framework_it_says_how_to_define_one(mirror):
    mirror.make("Lead", LEAD, [lead(0)])
    told = mirror.compute(qualification)
    assert told.reason == "not evaluable: no qualification framework is defined"
    assert "frameworks" in told.context["enable"]


# M17


def test_a_rule_rate_is_over_the_eligible_and_tells_what_is_new(mirror):
    described = standard_catalog().facts("Lead").describe
    fields = tuple(field for field in described.fields if field.name in LEAD)
    mirror.make("Lead", LEAD, [lead(n, LeadSource="Web" if n else None) for n in range(4)])
    with mirror.store.writing() as session:
        save_cursor(session, ObjectDescribe("Lead", "Lead", fields), datetime(2026, 1, 31), "run", history=False)
    first = audit(mirror.store, Settings(), select=["LI001"])
    told = {row["rule"]: row for row in _metric(first, "M17").context["rules"]}["LI001"]
    assert (told["found"], told["eligible"], told["percent"], told["new"]) == (1, 4, 25.0, 1)
    again = _metric(audit(mirror.store, Settings(), select=["LI001"]), "M17")
    told = {row["rule"]: row for row in again.context["rules"]}["LI001"]
    assert (told["new"], told["persisting"], [point["percent"] for point in told["before"]]) == (0, 1, [25.0])
    assert again.value == 1.0
    # Outside of an audit it speaks of the newest one.
    alone = mirror.compute(rule_rate)
    assert [(row["rule"], row["found"]) for row in alone.context["rules"]] == [("LI001", 1)]


def _metric(result, wanted):
    return next(each for each in result.metrics if each.id == wanted)


def test_a_mirror_that_was_never_audited_has_no_rates(mirror):
    told = mirror.compute(rule_rate)
    assert told.reason == "not evaluable: this mirror was never audited"


# M18


def speeds(mirror, sources):
    """Conversions of each source: 60 after few days and 60 after many, so many of each won."""
    leads, deals = [], []
    for source, (early_won, late_won) in sources.items():
        for place in range(120):
            early, number = place < 60, len(leads)
            days = 2 + place % 5 if early else 60 + place % 5
            on = (datetime(2025, 1, 1) + timedelta(days=days)).date().isoformat()
            leads.append(converted(number, number, on, LeadSource=source))
            deals.append(DEAL | {"IsWon": place % 60 < (early_won if early else late_won)})
    mirror.make("Lead", LEAD, leads)
    mirror.opportunities(deals)


def test_early_and_late_are_compared_within_a_source(mirror):
    speeds(mirror, {"Web": (30, 45), "Partner": (48, 57)})
    told = mirror.compute(early_conversion)
    assert {row["source"]: row["rankable"] for row in told.context["by_source"]} == {"Web": True, "Partner": True}
    assert told.value < 0
    low, high = told.context["interval95"]
    assert low < told.value < high < 0
    assert told.context["association_only"]


def test_too_few_conversions_are_not_compared(mirror):
    mirror.make(
        "Lead", LEAD, [converted(0, 0, "2025-01-05"), converted(1, 1, "2025-02-05"), converted(2, 2, "2025-03-05")]
    )
    mirror.opportunities([DEAL, DEAL | {"IsWon": False}, DEAL])
    told = mirror.compute(early_conversion)
    assert told.value is None
    assert "fewer than 30" in told.reason


def test_wins_alone_are_nothing_to_compare(mirror):
    speeds(mirror, {"Web": (60, 60)})
    assert "no opportunity of a lead is recorded as lost" in mirror.compute(early_conversion).reason


# M19


def test_carry_over_is_kept_of_what_can_be_judged(mirror):
    mirror.make("Lead", LEAD, [converted(n, Phone="1" if n < 3 else None) for n in range(4)])
    target = {"IsDeleted": False, "CreatedDate": "2025-02-01T09:00:00", "LastModifiedDate": "2025-02-01T09:00:00"}
    columns = {
        "Id": "VARCHAR",
        "IsDeleted": "BOOLEAN",
        "CreatedDate": "TIMESTAMP",
        "LastModifiedDate": "TIMESTAMP",
        "CreatedById": "VARCHAR",
        "Phone": "VARCHAR",
    }
    mirror.make("Account", columns, [target | {"Id": f"001{n:012d}AAA", "Phone": "1"} for n in range(4)])
    mirror.make(
        "Contact",
        columns,
        [
            target | {"Id": "003000000000000AAA", "Phone": "1"},
            target | {"Id": "003000000000001AAA"},  # lost
            target
            | {"Id": "003000000000002AAA", "LastModifiedDate": "2025-12-01T09:00:00"},  # changed since: who knows
            target | {"Id": "003000000000003AAA"},  # there was nothing to carry over
        ],
    )
    told = mirror.compute(carry_over)
    contact = next(
        row for row in told.context["by_field"] if (row["lead_field"], row["target_object"]) == ("Phone", "Contact")
    )
    assert (contact["eligible"], contact["kept"], contact["n"], contact["seen_late"]) == (3, 1, 2, 1)
    assert contact["percent"] == 50.0
    assert told.context["not_evaluable"] == 1


# M20


def test_leads_that_reports_have_lost_are_in_the_ledger(mirror):
    rows = [
        lead(0),
        lead(1, Status="Dead"),
        converted(2),
        lead(3, IsDeleted=True),
        lead(4, IsDeleted=True, MasterRecordId="00Q000000000000AAA"),
        lead(5),
    ]
    mirror.make("Lead", LEAD, rows)
    with mirror.store.writing() as session:
        shape_history(session, "Lead", LEAD)
        keep_versions(session, "Lead", """SELECT '00Q000000000005AAA'""", datetime(2025, 6, 1))
        session.execute("""DELETE FROM sf_all."Lead" WHERE "Id" = '00Q000000000005AAA'""")
    told = mirror.compute(ledger, definitions={"lead_status": {"disqualified": ["dead"]}})
    counts = {name: told.context[name] for name in ("open", "converted", "disqualified", "merged", "deleted")}
    assert counts == {"open": 1, "converted": 1, "disqualified": 1, "merged": 1, "deleted": 2}
    assert (told.value, told.n) == (0, 6)


def test_without_a_definition_disqualified_leads_are_open_and_it_says_so(mirror):
    mirror.make("Lead", LEAD, [lead(0, Status="Dead")])
    told = mirror.compute(ledger)
    assert told.context["open"] == 1
    assert any("not defined" in note for note in told.context["notes"])

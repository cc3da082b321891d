"""What holds of all metrics: what each prints, and that no mirror makes one fail, divide by zero or say 0 for "unknown"."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from sfsync.audit.metrics import METRICS, MetricContext, compute_all, compute_metric, find_metric
from sfsync.audit.metrics.shown import cell, details, figure
from sfsync.audit.metrics.tables import KINDS
from sfsync.errors import UsageError
from sfsync.report.metric_cards import metric_card
from tests.unit.audit_metrics.conftest import FIELD_HISTORY, HISTORY, OPPORTUNITY

IDS = [f"M{number:02d}" for number in range(1, 21)]

FULL = {
    "Lead": {
        "Id": "VARCHAR",
        "IsDeleted": "BOOLEAN",
        "CreatedDate": "TIMESTAMP",
        "SystemModstamp": "TIMESTAMP",
        "LastModifiedDate": "TIMESTAMP",
        "IsConverted": "BOOLEAN",
        "ConvertedDate": "DATE",
        "LeadSource": "VARCHAR",
        "Status": "VARCHAR",
        "OwnerId": "VARCHAR",
        "MasterRecordId": "VARCHAR",
        "Company": "VARCHAR",
        **{f"Converted{name}Id": "VARCHAR" for name in ("Account", "Contact", "Opportunity")},
        "Phone": "VARCHAR",
        "LastName": "VARCHAR",
        "FirstName": "VARCHAR",
        "Email": "VARCHAR",
    },
    "Opportunity": OPPORTUNITY
    | {
        "SystemModstamp": "TIMESTAMP",
        "CurrencyIsoCode": "VARCHAR",
        "Probability": "DOUBLE",
        "ForecastCategory": "VARCHAR",
    }
    | {"ExpectedRevenue": "DOUBLE", "RecordTypeId": "VARCHAR", "CreatedById": "VARCHAR"},
    "OpportunityHistory": HISTORY | {"CreatedById": "VARCHAR"},
    "OpportunityFieldHistory": FIELD_HISTORY,
    "OpportunityStage": {
        "ApiName": "VARCHAR",
        "IsClosed": "BOOLEAN",
        "IsWon": "BOOLEAN",
        "SortOrder": "INTEGER",
        "DefaultProbability": "DOUBLE",
        "MasterLabel": "VARCHAR",
        "ForecastCategory": "VARCHAR",
    },
    "RecordType": {"Id": "VARCHAR", "Name": "VARCHAR", "DeveloperName": "VARCHAR", "BusinessProcessId": "VARCHAR"},
    "Account": {
        "Id": "VARCHAR",
        "IsDeleted": "BOOLEAN",
        "CreatedDate": "TIMESTAMP",
        "LastModifiedDate": "TIMESTAMP",
        "Name": "VARCHAR",
        "Phone": "VARCHAR",
        "CreatedById": "VARCHAR",
    },
    "Contact": {
        "Id": "VARCHAR",
        "IsDeleted": "BOOLEAN",
        "CreatedDate": "TIMESTAMP",
        "LastModifiedDate": "TIMESTAMP",
        "LastName": "VARCHAR",
        "FirstName": "VARCHAR",
        "Phone": "VARCHAR",
        "Email": "VARCHAR",
        "LeadSource": "VARCHAR",
        "CreatedById": "VARCHAR",
        "AccountId": "VARCHAR",
    },
    "Task": {
        "Id": "VARCHAR",
        "WhoId": "VARCHAR",
        "WhatId": "VARCHAR",
        "Subject": "VARCHAR",
        "IsClosed": "BOOLEAN",
        "CreatedDate": "TIMESTAMP",
        "ActivityDate": "DATE",
        "OwnerId": "VARCHAR",
        "Status": "VARCHAR",
        "CompletedDateTime": "TIMESTAMP",
        "TaskSubtype": "VARCHAR",
        "IsRecurrence": "BOOLEAN",
    },
}
HOSTILE = "<script>alert('x')</script>\u202e\x1b[31m=cmd|' /C calc'!A0 \"quoted\" %s {rate} $today ; DROP TABLE"
LEAD, DEAL, ACCOUNT, CONTACT = "00Q000000000001AAA", "006000000000001AAA", "001000000000001AAA", "003000000000001AAA"
ONE = {
    "Lead": {
        "Id": LEAD,
        "IsDeleted": False,
        "CreatedDate": "2025-01-01",
        "IsConverted": True,
        "ConvertedDate": "2025-01-05",
        "ConvertedOpportunityId": DEAL,
        "ConvertedAccountId": ACCOUNT,
        "ConvertedContactId": CONTACT,
        "OwnerId": "005000000000001AAA",
        "Phone": "1",
        "LastName": "Doe",
        "LastModifiedDate": "2025-01-05",
    },
    "Opportunity": {
        "Id": DEAL,
        "IsDeleted": False,
        "CreatedDate": "2025-01-05",
        "IsClosed": False,
        "IsWon": False,
        "StageName": "Prospecting",
        "CloseDate": "2026-02-01",
        "Amount": 10.0,
        "Probability": 10.0,
        "OwnerId": "005000000000001AAA",
        "CurrencyIsoCode": "USD",
        "ForecastCategory": "Pipeline",
    },
    "OpportunityHistory": {
        "Id": "008000000000001AAA",
        "OpportunityId": DEAL,
        "StageName": "Prospecting",
        "CreatedDate": "2025-01-05",
        "Amount": 10.0,
        "CloseDate": "2026-02-01",
        "Probability": 10.0,
        "ForecastCategory": "Pipeline",
    },
    "OpportunityStage": {"ApiName": "Prospecting", "IsClosed": False, "IsWon": False, "SortOrder": 1},
    "Account": {"Id": ACCOUNT, "IsDeleted": False, "CreatedDate": "2025-01-05", "LastModifiedDate": "2025-01-05"},
    "Contact": {"Id": CONTACT, "IsDeleted": False, "CreatedDate": "2025-01-05", "LastModifiedDate": "2025-01-05"},
    "Task": {
        "Id": "00T000000000001AAA",
        "WhoId": LEAD,
        "Subject": "Call",
        "IsClosed": True,
        "CreatedDate": "2025-01-02",
    },
}
DEFINED = {
    "lead_status": {"disqualified": ["Dead"]},
    "frameworks": {"BANT": {"min": 1, "need": ["Phone"], "budget": ["Email"]}},
    "metrics": {
        "quotas": [{"from": "2026-01-01", "to": "2026-03-31", "amount": 100, "currency": "USD"}],
        "rates": {"to": "EUR", "rates": {"USD": 0.9}},
    },
}


def everything(mirror, rows, definitions=()):
    """All metrics over a mirror of every object, and everything printed of them."""
    for name, columns in FULL.items():
        mirror.make(name, columns, rows.get(name, []))
    with mirror.store.reading() as session:
        context = mirror.context(session, "2026-01-31T12:00:00", definitions=dict(definitions))
        told = {result.id: result for result in compute_all(session, context)}
    for result in told.values():
        readable(result)
    return told


def readable(result):
    """A result that every output can show."""
    text = json.dumps(dict(result.context))  # no dates, decimals or NaN that JSON would not know
    assert "NaN" not in text
    assert "Infinity" not in text
    assert figure(result)
    assert all(value for _, value in details(result))
    for table in result.context.get("tables", ()):
        for row in table["rows"]:
            assert all(
                cell(column["kind"], row.get(column["name"])) for column in table["columns"] if column["heading"]
            )
        assert {column["kind"] for column in table["columns"]} <= set(KINDS)
    assert metric_card(result, include_values=True)
    assert metric_card(result, include_values=False)
    assert (result.value is None) == (result.reason is not None)


def test_there_are_twenty_in_order():
    assert [each.metric.id for each in METRICS] == IDS


def test_each_says_whom_it_counts_by_what_it_divides_and_why():
    for each in METRICS:
        metric = each.metric
        assert all((metric.name, metric.title, metric.definition, metric.population, metric.denominator, metric.why))
        assert metric.name == metric.name.lower()
    assert len({each.metric.name for each in METRICS}) == 20


def test_a_metric_is_found_by_id_and_by_name_in_any_case():
    assert find_metric("m11") is find_metric("pipeline-waterfall")
    with pytest.raises(UsageError) as caught:
        find_metric("win-rat")
    assert "win-rate" in caught.value.hint


def test_every_one_prints_what_it_rests_on(mirror):
    told = everything(mirror, {name: [row] for name, row in ONE.items()}, DEFINED)
    assert list(told) == IDS
    for result in told.values():
        printed = {"definition_id", "population", "denominator", "currency_policy", "timezone", "as_of", "exclusions"}
        assert {*printed, "not_evaluable", "definition_version", "notes"} <= set(result.context), result.id
        assert result.context["definition_id"] == f"{result.id} v1"


def test_without_a_mirror_nothing_is_evaluable_and_each_says_how_to_change_that(mirror):
    with mirror.store.reading() as session:
        told = compute_all(session, MetricContext(datetime(2026, 1, 31), "UTC", {}))
    assert [result.id for result in told] == IDS
    for result in told:
        assert result.value is None
        assert result.reason.startswith("not evaluable: "), result.id
        assert result.context["enable"], result.id
        readable(result)


def test_no_records_are_no_figures(mirror):
    told = everything(mirror, {}, DEFINED)
    assert {name: result.value for name, result in told.items() if result.value is not None} == {}


def test_one_record_is_told_and_never_ranked(mirror):
    told = everything(mirror, {name: [row] for name, row in ONE.items()}, DEFINED)
    assert told["M01"].value == 100.0
    assert told["M01"].context["wilson95"][0] == pytest.approx(20.65, abs=0.01)
    assert told["M02"].value == 100.0
    assert told["M02"].context["won"]["percent"] == 0.0
    assert told["M05"].reason == "there are no closed opportunities"
    assert told["M06"].reason == "nothing was won in the last 365 days"
    assert told["M12"].value == 391
    assert told["M18"].reason.startswith("no lead source")
    assert told["M20"].value == 0
    assert not any(row["rankable"] for result in told.values() for row in result.context.get("by_source") or ())


def test_records_of_nothing_but_nulls_are_told_as_what_cannot_be_judged(mirror):
    nothing = {name: [{}, {}] for name in FULL} | {"Lead": [{"Id": LEAD}, {"Id": LEAD.replace("1", "2")}]}
    told = everything(mirror, nothing, DEFINED)
    assert told["M01"].value is None
    assert told["M12"].value is None
    assert told["M05"].value is None
    assert (told["M20"].value, told["M20"].context["open"]) == (0, 2)
    assert told["M12"].context["not_evaluable"] == 2


def test_hostile_names_are_values_and_nothing_else(mirror):
    named = {
        "Lead": {"LeadSource": HOSTILE, "Status": HOSTILE, "OwnerId": HOSTILE},
        "Opportunity": {
            "StageName": HOSTILE,
            "OwnerId": HOSTILE,
            "CurrencyIsoCode": HOSTILE,
            "ForecastCategory": HOSTILE,
            "RecordTypeId": HOSTILE,
        },
        "OpportunityHistory": {"StageName": HOSTILE, "ForecastCategory": HOSTILE},
        "OpportunityStage": {"ApiName": HOSTILE},
        "RecordType": {"Id": HOSTILE, "Name": HOSTILE, "DeveloperName": HOSTILE},
        "Task": {"Subject": HOSTILE},
    }
    rows = {name: [row | named.get(name, {})] for name, row in (ONE | {"RecordType": {}}).items()}
    told = everything(mirror, rows, DEFINED | {"lead_status": {"disqualified": [HOSTILE]}})
    assert told["M01"].context["by_source"][0]["source"] == HOSTILE
    assert told["M07"].context["by_stage"][0]["stage"] == HOSTILE
    assert told["M11"].context["waterfalls"][0]["currency"] == HOSTILE


def test_the_sql_that_is_shown_stands_alone_and_counts_the_same(mirror):
    for name, columns in FULL.items():
        mirror.make(name, columns, [ONE[name]] if name in ONE else [])
    with mirror.store.reading() as session:
        context = mirror.context(session, "2026-01-31T12:00:00", definitions=DEFINED)
        for each in METRICS:
            result = compute_metric(session, context, each)
            assert result.sql or each.metric.id == "M17", each.metric.id
            for statement in result.sql:
                assert "$" not in statement
                session.execute(statement)  # nothing temporary is left that it could lean on


def test_the_sql_that_is_shown_gives_the_figure(mirror):
    mirror.opportunities(
        [
            {"IsClosed": True, "IsWon": n % 3 == 0, "StageName": "Closed Won" if n % 3 == 0 else "Closed Lost"}
            for n in range(12)
        ]
    )
    with mirror.store.reading() as session:
        result = compute_metric(session, mirror.context(session, "2026-01-31T12:00:00"), find_metric("M05"))
        first = session.execute(result.sql[0]).dicts()[0]
    assert (first["won"], first["lost"]) == (result.context["won"], result.context["lost"]) == (4, 8)


def test_a_sparing_audit_leaves_out_what_would_need_further_relations(mirror):
    mirror.leads([])
    with mirror.store.reading() as session:
        context = mirror.context(session, "2026-01-31T12:00:00")
        told = {result.id for result in compute_all(session, context, sparing=True)}
    assert set(IDS) - told == {"M02", "M04", "M16", "M18", "M19"}

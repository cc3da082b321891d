"""What Salesforce fills in: in an org that is played, the same as the plan's state says before."""

from __future__ import annotations

from datetime import date, datetime

import duckdb
import pytest

from sfsync.fake.dml.derived import fiscal_period
from sfsync.records import FieldDescribe, PicklistEntry
from sfsync.sync.plan.filled_in import Circumstances, at_creation, derived, unknown_after

NOW = datetime(2026, 1, 31, 12)
STAGES = frozenset(
    {"MasterLabel", "IsClosed", "IsWon", "DefaultProbability", "ForecastCategory", "ForecastCategoryName"}
)


def where(month=1, stages=STAGES, user=None):
    return Circumstances(NOW, user, month, stages)


@pytest.mark.parametrize("month", [1, 2, 7, 12])
def test_fiscal_periods_are_those_of_the_org(month):
    found = derived("Opportunity", {"CloseDate", "FiscalYear", "FiscalQuarter", "Fiscal"}, where(month))
    for number in range(1, 13):
        day = date(2026, number, 15)
        record = f'(SELECT DATE \'{day}\' AS "CloseDate", 0 AS "FiscalYear", 0 AS "FiscalQuarter", TRUE AS "~new",'
        record += ' FALSE AS "~CloseDate") AS r'
        got = duckdb.execute(f"SELECT {found['FiscalYear']}, {found['FiscalQuarter']} FROM {record}").fetchall()
        assert got == [fiscal_period(day, month)]


def test_without_its_stages_nobody_knows_what_an_opportunity_is():
    lost = unknown_after("Opportunity", ["StageName"], where(stages=frozenset(), user="005"), creating=False)
    assert {"IsClosed", "IsWon", "Probability", "ForecastCategory", "ExpectedRevenue"} <= lost
    assert unknown_after("Opportunity", ["Amount"], where(stages=frozenset(), user="005"), creating=False) == set()
    assert unknown_after("Opportunity", ["StageName"], where(user="005"), creating=True) == set()


def test_defaults_are_known_or_said_not_to_be():
    entries = (PicklistEntry("New"), PicklistEntry("It's", default=True))
    cases = {
        FieldDescribe("Status", "picklist", picklist_entries=entries, defaulted_on_create=True): "'It''s'",
        FieldDescribe("IsConverted", "boolean"): "FALSE",
        FieldDescribe("CreatedDate", "datetime"): "TIMESTAMP '2026-01-31 12:00:00'",
        FieldDescribe("Score__c", "double", calculated=True): None,
        FieldDescribe("RecordTypeId", "reference", defaulted_on_create=True): None,
        FieldDescribe("Number__c", "string", createable=False, nillable=False): None,
        FieldDescribe("Website", "url"): "NULL",
    }
    for field, expected in cases.items():
        assert at_creation("Lead", field, where()) == expected, field.name

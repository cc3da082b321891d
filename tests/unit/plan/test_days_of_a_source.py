"""A plan takes the order of days from the file where the file decides it, and asks where it does not."""

from __future__ import annotations

import json

import pytest

from sfsync.errors import MappingError
from sfsync.sync.plan.options import PlanOptions

from .planning import Desk

MAPPING = "object: Lead\ndirection: push\nsource: leads.csv\nkey: Crm_Id__c\nfields: {Crm_Id__c: id, LastName: name, Company: name, Born__c: born}\n"


def test_days_are_read_in_the_order_that_one_of_them_decides(tmp_path):
    (tmp_path / "leads.csv").write_text("id,name,born\n1,a,1.2.1990\n2,b,31.1.1990\n")
    desk = Desk(tmp_path)
    plan = desk.plan(MAPPING, options=PlanOptions(root=tmp_path))
    assert [fields["Born__c"] for _, _, _, fields, _ in desk.changes(plan)] == [
        (None, "1990-02-01"),
        (None, "1990-01-31"),
    ]
    assert "dates of born: day, month, year (`31.1.1990` in row 2 can be nothing else)" in json.dumps(
        plan.header, default=str
    )


def test_days_that_may_be_one_or_the_other_stop_the_plan_at_the_fields_line(tmp_path):
    (tmp_path / "leads.csv").write_text("id,name,born\n1,a,1.2.1990\n")
    with pytest.raises(MappingError, match=r"m1\.yml:5:\d+: the days of `born`, like `1\.2\.1990` in row 1, may be"):
        Desk(tmp_path).plan(MAPPING, options=PlanOptions(root=tmp_path))

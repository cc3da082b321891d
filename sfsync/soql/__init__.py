"""SOQL, Salesforce's query language: text to tree and back, and conditions as SQL.

::

    query = parse("SELECT Id, Account.Name FROM Opportunity WHERE CloseDate = THIS_QUARTER")
    condition = parse_condition("LeadSource != 'Test'")     # what a mapping's `filter:` holds
    render(query)

A text that cannot be read raises `SoqlError` with Salesforce's own code, row, column and wording.
"""

from __future__ import annotations

from sfsync.soql.ast import Condition, FieldPath, Query
from sfsync.soql.parse import parse, parse_condition
from sfsync.soql.render import render

__all__ = ["Condition", "FieldPath", "Query", "parse", "parse_condition", "render"]

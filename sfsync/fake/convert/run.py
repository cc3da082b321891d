"""A conversion of many leads: all of them together, and each alone where that fails, as Salesforce does it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from sfsync.fake.convert.aftermath import give_roles, mark_leads, move_along
from sfsync.fake.convert.checks import check
from sfsync.fake.convert.request import Case, ConvertOutcome, LeadConvert, Refusals
from sfsync.fake.convert.targets import settle
from sfsync.fake.database import Undone
from sfsync.fake.dml.outcome import RowError, WriteOptions
from sfsync.fake.dml.refusals import rolled_back
from sfsync.fake.faults import RestFault

if TYPE_CHECKING:
    from sfsync.fake.org import FakeOrg

#: Leads of one call, at most.
MOST_LEADS = 100


def convert_leads(org: FakeOrg, requests: Sequence[LeadConvert], options: WriteOptions) -> list[ConvertOutcome]:
    """Convert leads.

    Each is converted whole or not at all. Person accounts are not known: a lead without a company fails for want of an
    account's name.

    Args:
        org: The org.
        requests: What is wanted, lead by lead.
        options: Who wants it and how; `all_or_none` makes one of all of them.

    Returns:
        One outcome for each request, in their order.

    Raises:
        RestFault: There are too many (EXCEEDED_LEAD_CONVERT_LIMIT).
    """
    if len(requests) > MOST_LEADS:
        # from memory
        message = f"record limit reached. cannot convert more than {MOST_LEADS} leads in one call"
        raise RestFault(400, "EXCEEDED_LEAD_CONVERT_LIMIT", message)
    with org.database.lock:
        checked = check(org, requests, options)
        cases = [one for one in checked if isinstance(one, Case)]
        outcomes = {index: one for index, one in enumerate(checked) if isinstance(one, ConvertOutcome)}
        if options.all_or_none and outcomes:
            done: dict[int, ConvertOutcome] = {case.index: _refused(case, (rolled_back(),)) for case in cases}
        else:
            done = _convert(org, cases, options)
    return [(outcomes | done)[index] for index in range(len(requests))]


def _convert(org: FakeOrg, cases: Sequence[Case], options: WriteOptions) -> dict[int, ConvertOutcome]:
    """All together; where some fail, the others without them, and those each for itself."""
    refusals = _attempt(org, cases, options)
    if options.all_or_none and refusals:
        return {case.index: _refused(case, refusals.get(case.index, (rolled_back(),))) for case in cases}
    if refusals and len(cases) == 1:
        return {case.index: _refused(case, refusals[case.index]) for case in cases}
    if not refusals:
        return {case.index: case.outcome() for case in cases}
    done = _convert(org, [case.again() for case in cases if case.index not in refusals], options)
    for case in cases:
        if case.index in refusals:
            done |= _convert(org, [case.again()], options)
    return done


def _attempt(org: FakeOrg, cases: Sequence[Case], options: WriteOptions) -> Refusals:
    """Convert these leads in one transaction; why not, where it is undone."""
    inner = replace(options, all_or_none=False, auto_assign=False)
    refusals: Refusals = {}
    if not cases:
        return refusals
    with org.database.together():
        refusals = (
            settle(org, "Account", cases, inner)
            or settle(org, "Contact", cases, inner)
            or settle(org, "Opportunity", cases, inner)
            or give_roles(org, cases, inner)
            or mark_leads(org, cases, inner)
        )
        if refusals:
            raise Undone
        move_along(org, cases, inner)
    return refusals


def _refused(case: Case, errors: tuple[RowError, ...]) -> ConvertOutcome:
    return ConvertOutcome(case.lead_id, errors=errors)

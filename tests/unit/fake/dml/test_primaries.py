from __future__ import annotations

from datetime import datetime, timedelta

import pytest

NOON = datetime(2026, 3, 1, 12, 0, 0)
HOUR = timedelta(hours=1)


@pytest.fixture
def contacts(writer):
    return [writer.made("Contact", LastName=name) for name in ("Ada", "Bob", "Eve")]


def roles_of(writer, deal):
    rows = writer.rows(
        'SELECT "ContactId", "IsPrimary", "SystemModstamp" FROM "OpportunityContactRole" WHERE "OpportunityId" = ?',
        deal,
    )
    return {contact: (primary, stamp) for contact, primary, stamp in rows}


def test_a_second_primary_contact_takes_over_from_the_first(writer, contacts):
    deal, other = writer.deal(), writer.deal()
    for opportunity in (deal, other):
        writer.made("OpportunityContactRole", OpportunityId=opportunity, ContactId=contacts[0], IsPrimary=True)
    writer.org.clock.advance(HOUR)
    writer.made("OpportunityContactRole", OpportunityId=deal, ContactId=contacts[1], IsPrimary=True)
    writer.made("OpportunityContactRole", OpportunityId=deal, ContactId=contacts[2])
    assert roles_of(writer, deal) == {
        contacts[0]: (False, NOON + HOUR),
        contacts[1]: (True, NOON + HOUR),
        contacts[2]: (False, NOON + HOUR),
    }
    assert roles_of(writer, other) == {contacts[0]: (True, NOON)}


def test_an_update_makes_a_contact_the_primary_one_too(writer, contacts):
    deal = writer.deal()
    first, second = (
        writer.made("OpportunityContactRole", OpportunityId=deal, ContactId=one, IsPrimary=one == contacts[0])
        for one in contacts[:2]
    )
    writer.changed("OpportunityContactRole", second, IsPrimary=True)
    assert not writer.record("OpportunityContactRole", first)["IsPrimary"]
    writer.changed("OpportunityContactRole", second, Role="Decision Maker")
    assert writer.record("OpportunityContactRole", second)["IsPrimary"]


def test_of_two_primary_contacts_in_one_call_the_last_one_stays(writer, contacts):
    deal = writer.deal()
    writer.create(
        "OpportunityContactRole",
        *({"OpportunityId": deal, "ContactId": contact, "IsPrimary": True} for contact in contacts),
    )
    assert [primary for primary, _ in roles_of(writer, deal).values()] == [False, False, True]

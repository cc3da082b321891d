"""Flaws of conversions: criteria not met, targets missing, impossible dates, a lost lead source; and their traps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

from sfsync.fake.ids import make_id
from sfsync.fake.seed.customers import add_account
from sfsync.fake.seed.leads import fill_criteria, set_criteria
from sfsync.fake.seed.setup import LONG_GONE, PREFIXES
from sfsync.fake.seed.world import Conversion, Row, World

#: Premature conversions lose more often: a won one is passed over with this probability.
_PASSED_OVER_IF_WON = 0.85

#: A conversion is judged by its criteria once it is so old, and a bit more.
_SETTLED = timedelta(days=5)


def lq002_premature(world: World, count: int) -> None:
    """Leads converted with fewer than two criteria met."""
    planted = 0
    spare: list[Conversion] = []
    for conversion in _free(world):
        if planted == count:
            return
        if world.as_of - conversion.at < _SETTLED:
            continue
        won = conversion.deal is not None and conversion.deal.row["IsWon"]
        if won and world.draw.chance(_PASSED_OVER_IF_WON):
            spare.append(conversion)
            continue
        _make_premature(world, conversion)
        planted += 1
    for conversion in spare[: count - planted]:
        _make_premature(world, conversion)


def _make_premature(world: World, conversion: Conversion) -> None:
    row = conversion.lead.row
    fill_criteria(world.draw, row, world.draw.below(2))
    _carry_criteria(conversion)
    world.plant("LQ002", row["Id"])


def cv001_no_account(world: World, count: int) -> None:
    """Converted leads that name no account."""
    for conversion in _take(world, count, lambda c: c.made_account):
        conversion.lead.row["ConvertedAccountId"] = None
        world.plant("CV001", conversion.lead.row["Id"])


def cv002_no_contact(world: World, count: int) -> None:
    """Converted leads that name no contact, because none was ever made."""
    for conversion in _take(world, count, lambda c: c.made_contact):
        _remove_contact(world, conversion)
        conversion.lead.row["ConvertedContactId"] = None
        world.plant("CV002", conversion.lead.row["Id"])


def cv003_target_missing(world: World, count: int) -> None:
    """Converted leads whose account, contact or opportunity is in the recycle bin, merged away, or gone for good."""
    uses = Counter(conversion.account["Id"] for conversion in world.conversions)

    def all_its_own(conversion: Conversion) -> bool:
        made = conversion.made_account and conversion.made_contact and conversion.made_deal
        return made and uses[conversion.account["Id"]] == 1

    ways = (_bin_deal, _remove_contact, _merge_account, _remove_account, _remove_deal, _bin_contact)
    for number, conversion in enumerate(_take(world, count, all_its_own)):
        ways[number % len(ways)](world, conversion)
        world.plant("CV003", conversion.lead.row["Id"])


def cv006_bad_date(world: World, count: int) -> None:
    """Converted leads without a conversion date, with one before the lead was there, or with one to come."""
    for number, conversion in enumerate(_take(world, count, lambda _: True)):
        row = conversion.lead.row
        row["ConvertedDate"] = (
            None,
            (row["CreatedDate"] - timedelta(days=world.draw.between(3, 40))).date(),
            (world.as_of + timedelta(days=world.draw.between(4, 25))).date(),
        )[number % 3]
        world.plant("CV006", row["Id"])


def fm009_source_lost(world: World, count: int) -> None:
    """Converted leads whose source did not arrive on the contact or on the opportunity that were made of them."""
    for number, conversion in enumerate(_take(world, count, lambda c: c.made_contact and c.made_deal)):
        if conversion.deal is not None and number % 3 != 1:
            conversion.deal.row["LeadSource"] = None
        if conversion.contact is not None and number % 3 != 0:
            conversion.contact["LeadSource"] = "Other"
        world.plant("FM009", conversion.lead.row["Id"])


def set_traps(world: World) -> None:
    """Conversions that only look faulty."""
    for conversion in _free(world):
        if not conversion.made_contact or (conversion.deal is not None and not conversion.made_deal):
            _keep_own_source(world, conversion)
    _just_converted(world)
    _evening_in_another_zone(world)
    _just_enough_criteria(world)
    _criteria_on_the_opportunity(world)


def _keep_own_source(world: World, conversion: Conversion) -> None:
    """A contact or an opportunity that was there before keeps its own source."""
    source = conversion.lead.row["LeadSource"]
    if not conversion.made_contact and conversion.contact is not None and conversion.contact["LeadSource"] == source:
        conversion.contact["LeadSource"] = "Other"
    world.trap("FM009", conversion.lead.row["Id"])


def _evening_in_another_zone(world: World) -> None:
    """Created and converted at night in UTC, which was the evening before in America: the date is one day earlier."""
    for conversion in _take(world, 1, lambda c: c.made_account and c.made_contact and c.made_deal):
        at = conversion.at.replace(hour=3, minute=10)
        created = at - timedelta(minutes=45)
        conversion.at, conversion.lead.fate.created, conversion.lead.fate.ended = at, created, at
        row = conversion.lead.row
        row.update(CreatedDate=created, LastModifiedDate=at, SystemModstamp=at, Country="United States", City="Seattle")
        row.update(State="WA", PostalCode="98101", ConvertedDate=created.date() - timedelta(days=1))
        made = [conversion.account, conversion.contact, conversion.deal.row if conversion.deal else None]
        for target in made:
            if target is not None:
                target.update(CreatedDate=at, LastModifiedDate=at, SystemModstamp=at)
        if conversion.deal is not None and len(conversion.deal.path) == 1:
            conversion.deal.changed = at
        world.trap("CV006", row["Id"])


def _just_enough_criteria(world: World) -> None:
    """Exactly two criteria, one of them by an amount where the tick is missing."""
    for conversion in _take(world, 1, lambda _: True):
        row = conversion.lead.row
        set_criteria(world.draw, row, (True, False, True, False))
        row.update(Budget_Confirmed__c=False, Budget_Amount__c=12_500.0)
        _carry_criteria(conversion)
        world.trap("LQ002", row["Id"])


def _criteria_on_the_opportunity(world: World) -> None:
    """Nothing known of the lead, but asked right after and written down on the opportunity."""
    for conversion in _take(world, 1, lambda c: c.made_deal):
        set_criteria(world.draw, conversion.lead.row, (False,) * 4)
        if conversion.deal is not None:
            conversion.deal.row.update(Budget_Confirmed__c=True, Need__c="Replace the paper pick lists at two sites.")
        world.trap("LQ002", conversion.lead.row["Id"])


def _just_converted(world: World) -> None:
    """Nothing known yet, but the conversion is of yesterday: time to fill it in."""
    latest = max(world.conversions, key=lambda conversion: conversion.at)
    set_criteria(world.draw, latest.lead.row, (False,) * 4)
    _carry_criteria(latest)
    world.trap("LQ002", latest.lead.row["Id"])


def _carry_criteria(conversion: Conversion) -> None:
    if conversion.deal is not None and conversion.made_deal:
        row = conversion.lead.row
        conversion.deal.row.update(Budget_Confirmed__c=row["Budget_Confirmed__c"], Need__c=row["Need__c"])


def _bin_deal(world: World, conversion: Conversion) -> None:
    if conversion.deal is not None:
        _bin(world, conversion.deal.row, max(conversion.deal.changed, conversion.at))


def _bin_contact(world: World, conversion: Conversion) -> None:
    if conversion.contact is not None:
        _bin(world, conversion.contact, conversion.at)
    if conversion.deal is not None:
        conversion.deal.row["ContactId"] = None


def _bin(world: World, row: Row, after: datetime) -> None:
    deleted = min(world.latest, after + timedelta(days=world.draw.between(1, 20), minutes=world.draw.below(300)))
    row.update(IsDeleted=True, LastModifiedDate=deleted, SystemModstamp=deleted)


def _remove_contact(world: World, conversion: Conversion) -> None:
    _remove(world, "Contact", conversion)
    conversion.contact = None
    if conversion.deal is not None:
        conversion.deal.row["ContactId"] = None


def _remove_deal(world: World, conversion: Conversion) -> None:
    _remove(world, "Opportunity", conversion)
    conversion.deal = None


def _remove_account(world: World, conversion: Conversion) -> None:
    # Contacts and opportunities go with their account, and activities with them.
    _remove_contact(world, conversion)
    _remove_deal(world, conversion)
    _remove(world, "Account", conversion)
    conversion.lead.company.account = None
    world.forgotten.add(conversion.lead.row["Id"])


def _merge_account(world: World, conversion: Conversion) -> None:
    """The account was merged into another: the Id the lead names is deleted, but what it stood for lives on."""
    loser, lead = conversion.account, conversion.lead
    founded = loser["CreatedDate"] - timedelta(days=90)
    survivor = add_account(world, lead.company, founded, world.staff.manager, "Partner")
    _bin(world, loser, conversion.at)
    loser["MasterRecordId"] = survivor["Id"]
    conversion.account = survivor
    for row in (conversion.contact, conversion.deal.row if conversion.deal else None):
        if row is not None:
            row["AccountId"] = survivor["Id"]


def _remove(world: World, object_name: str, conversion: Conversion) -> None:
    """Remove what a lead was converted to for good, under an Id that no new record will ever get."""
    lead = conversion.lead.row
    removed = world.removed.setdefault(object_name, set())
    removed.add(lead[f"Converted{object_name}Id"])
    lead[f"Converted{object_name}Id"] = make_id(PREFIXES[object_name], LONG_GONE + len(removed))


def _free(world: World) -> list[Conversion]:
    """Conversions that carry neither flaw nor trap, in random order."""
    return world.draw.shuffled([c for c in world.conversions if c.lead.row["Id"] not in world.taken])


def _take(world: World, count: int, fits: Callable[[Conversion], bool]) -> list[Conversion]:
    return [conversion for conversion in _free(world) if fits(conversion)][:count]

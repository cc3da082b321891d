"""Large orgs: most of their records are made of a smaller org by the database, not one by one by Python.

Up to `plan.LARGEST_CORE` leads, every record is drawn by itself. A larger org has a core that is drawn like that, and
copies of it: other Ids, other firms (those of a copy have a word of their own before their names and domains), other
telephone numbers and amounts, and times that are a few seconds earlier. Days are the same, and who belongs to whom, so
that a copy has the flaws of the core, and no others. Persons have a namesake in every copy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sfsync.fake.seed import plan
from sfsync.fake.seed.hostile import COMPANIES as HOSTILE_COMPANIES

#: Places of an Id that count, from the left. The core counts up in the last three, so that its twelfth character is
#: `0`; a copy has its own mark there. Marks are digits and small letters, because only capitals change a checksum.
#: Records that are gone for good count from far above, and get the mark in the place before.
_MARKED, _MARKED_IF_GONE = 12, 11
_MARKS = "23456789abcdefghijklmnopqrstuvwxyz"

#: One a copy: no word of `names.ROOTS` among them.
_WORDS = (
    "Agate",
    "Amber",
    "Basalt",
    "Birch",
    "Bronze",
    "Canyon",
    "Carmine",
    "Citron",
    "Cobalt",
    "Copper",
    "Coral",
    "Dover",
    "Ember",
    "Fjord",
    "Garnet",
    "Geyser",
    "Hazel",
    "Indigo",
    "Ivory",
    "Jasper",
    "Kestrel",
    "Lagoon",
    "Linden",
    "Maple",
    "Nickel",
    "Ochre",
    "Onyx",
    "Opal",
    "Pearl",
    "Quartz",
    "Russet",
    "Saffron",
    "Topaz",
    "Umber",
)

_SECONDS_APART = 11
_LONGEST_RENAMED = 200

#: So many characters of a hostile company's name say that it is one: an opportunity's name has no room for more.
_TOLD_BY = 60

#: Object → columns with Ids of objects that are copied.
_IDS = {
    "Account": ("Id", "MasterRecordId", "ParentId"),
    "Contact": ("Id", "MasterRecordId", "AccountId"),
    "Lead": ("Id", "MasterRecordId", "ConvertedAccountId", "ConvertedContactId", "ConvertedOpportunityId"),
    "Opportunity": ("Id", "AccountId", "ContactId"),
    "OpportunityContactRole": ("Id", "OpportunityId", "ContactId"),
    "OpportunityHistory": ("Id", "OpportunityId"),
    "Task": ("Id", "WhoId", "WhatId", "AccountId"),
}
_TIMES = ("CreatedDate", "LastModifiedDate", "LastStageChangeDate", "SystemModstamp")
_PHONES = ("Phone", "MobilePhone")
_NAMES = {"Lead": "Company", "Account": "Name", "Opportunity": "Name"}


@dataclass(frozen=True, slots=True)
class Copy:
    """One copy of the core.

    Attributes:
        number: From 1 on.
        is_short: Whether it lacks the one lead that would be one too many (`Copies.spare`).
    """

    number: int
    is_short: bool

    @property
    def mark(self) -> str:
        """The character of its Ids."""
        return _MARKS[self.number - 1]

    @property
    def word(self) -> str:
        """What its firms are called before their names."""
        return _WORDS[self.number - 1]

    def id_of(self, core_id: str) -> str:
        """The Id that a record of the core has in this copy."""
        place = (_MARKED if core_id[_MARKED_IF_GONE - 1] == "0" else _MARKED_IF_GONE) - 1
        return core_id[:place] + self.mark + core_id[place + 1 :]


@dataclass(frozen=True, slots=True)
class Copies:
    """How a large org is made of its core.

    Attributes:
        copies: Besides the core itself.
        spare: Id of a lead of the core that carries neither flaw nor trap and that no account knows: short copies
            lack it, and its activities.
        night: The instant to which a recalculation has moved the stamps of many leads: it is one in all copies.
    """

    copies: tuple[Copy, ...] = ()
    spare: str = ""
    night: datetime | None = None

    def everywhere(self, marked: Mapping[str, Iterable[str]]) -> dict[str, frozenset[str]]:
        """Rule → Ids of the core and of all copies, from those of the core."""
        return {rule: frozenset(self._all_ids(ids)) for rule, ids in sorted(marked.items())}

    def _all_ids(self, ids: Iterable[str]) -> Iterator[str]:
        for one in ids:
            yield one
            for copy in self.copies:
                yield copy.id_of(one)

    def make(self, transaction: Callable[[], AbstractContextManager[Any]], rows: Mapping[str, int]) -> None:
        """Add the copies to a database that holds the core, one table at a time.

        Args:
            transaction: Gives a DuckDB cursor in a transaction; tables and columns are named as in the org.
            rows: Object → how many rows of the core its table holds, from the first one on.
        """
        if not self.copies:
            return
        for name in _IDS:
            with transaction() as cursor:
                columns = {column for column, *_ in cursor.execute(f'DESCRIBE "{name}"').fetchall()}
                for copy in self.copies:
                    cursor.execute(self._copy(name, columns, rows[name], copy))

    def _copy(self, name: str, columns: set[str], rows: int, copy: Copy) -> str:
        replaced = {
            **{column: _id(column, copy) for column in _IDS[name]},
            **{column: _earlier(column, copy, self.night) for column in _TIMES},
            **{column: _phone(column, copy) for column in _PHONES},
            "Email": f"""replace("Email", '@', '@{copy.word.lower()}-')""",
            "Website": f"""replace("Website", 'https://www.', 'https://www.{copy.word.lower()}-')""",
            "Amount": _amount(copy),
            "ExpectedRevenue": f'round({_amount(copy)} * "Probability" / 100, 2)',
        }
        if name in _NAMES:
            replaced[_NAMES[name]] = _firm(_NAMES[name], copy)
        listed = ", ".join(f'{sql} AS "{column}"' for column, sql in replaced.items() if column in columns)
        lacking = {"Lead": '"Id"', "Task": '"WhoId"'}.get(name) if copy.is_short else None
        wanted = f" AND {lacking} IS DISTINCT FROM '{self.spare}'" if lacking else ""
        return f'INSERT INTO "{name}" SELECT * REPLACE ({listed}) FROM "{name}" WHERE rowid < {rows}{wanted}'


def size_of_core(leads: int) -> tuple[int, tuple[Copy, ...]]:
    """Of how many leads the core of an org of so many leads is, and the copies that are needed besides it."""
    parts = -(-leads // plan.LARGEST_CORE)
    core = -(-leads // parts)
    short = core * parts - leads
    return core, tuple(Copy(number, number > parts - 1 - short) for number in range(1, parts))


def _id(column: str, copy: Copy) -> str:
    places = (
        f"""left("{column}", {place - 1}) || '{copy.mark}' || substr("{column}", {place + 1})"""
        for place in (_MARKED, _MARKED_IF_GONE)
    )
    is_living = f"""substr("{column}", {_MARKED_IF_GONE}, 1) = '0'"""
    return "CASE WHEN {} THEN {} ELSE {} END".format(is_living, *places)


def _earlier(column: str, copy: Copy, night: datetime | None) -> str:
    """Some seconds earlier, on the same day."""
    earlier = (
        f"""greatest("{column}" - INTERVAL '{copy.number * _SECONDS_APART} seconds', date_trunc('day', "{column}"))"""
    )
    if column != "SystemModstamp" or night is None:
        return earlier
    return f"""CASE WHEN "{column}" = TIMESTAMP '{night}' THEN "{column}" ELSE {earlier} END"""


def _phone(column: str, copy: Copy) -> str:
    """Other last digits, where the last two characters are digits."""
    return (
        f"""coalesce(left("{column}", length("{column}") - 2)"""
        f""" || printf('%02d', (TRY_CAST(right("{column}", 2) AS INTEGER) + {3 * copy.number}) % 100), "{column}")"""
    )


def _amount(copy: Copy) -> str:
    return f'round("Amount" * {1 + (copy.number * 7 % 34 - 17) / 100}, -2)'


def _firm(column: str, copy: Copy) -> str:
    """Another firm's name, where it is an ordinary one: a hostile value stays what it is."""
    hostile = " OR ".join(
        """starts_with("{}", '{}')""".format(column, value[:_TOLD_BY].replace("'", "''")) for value in HOSTILE_COMPANIES
    )
    ordinary = f'length("{column}") <= {_LONGEST_RENAMED} AND NOT ({hostile})'
    return f"""CASE WHEN {ordinary} THEN '{copy.word} ' || "{column}" ELSE "{column}" END"""

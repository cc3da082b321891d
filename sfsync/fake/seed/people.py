"""The people of the seeded org: its own users, and the persons and companies it sells to."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sfsync.fake.ids import make_id
from sfsync.fake.seed.draw import Draw, Weighted
from sfsync.fake.seed.names import COUNTRIES, ROOTS, STREETS, TITLES, TRADES, Country, ascii_slug
from sfsync.fake.seed.plan import SEGMENT, Segment

_COUNTRY = Weighted([(country, country.share) for country in COUNTRIES])
_MAIL_ZONES = ("example.com", "example.com", "example.com", "example.org", "example.net")
_INDUSTRIES = tuple(TRADES)
_SALUTATIONS = (None, None, None, "Mr.", "Ms.", "Dr.")
_LONGEST_MAILBOX = 30
_EMPLOYEE_OF_THE_ORG = "fernhill.example.com"


@dataclass(slots=True)
class Company:
    """A firm that the org knows: as a customer, with an account and contacts, or only from a lead."""

    name: str
    country: Country
    segment: Segment
    industry: str
    domain: str
    staff: int
    revenue: float
    street: str
    city: str
    state: str | None
    postal_code: str
    phone: str
    account: dict[str, Any] | None = None


@dataclass(slots=True)
class Person:
    """Somebody at a company."""

    salutation: str | None
    first_name: str | None
    last_name: str
    title: str
    email: str
    phone: str

    def named(self) -> dict[str, str | None]:
        """The fields of a lead or a contact that name the person; `Name` as Salesforce composes it."""
        return {
            "Salutation": self.salutation,
            "FirstName": self.first_name,
            "LastName": self.last_name,
            "Name": f"{self.first_name} {self.last_name}" if self.first_name else self.last_name,
            "Title": self.title,
        }


@dataclass(slots=True)
class Staff:
    """The org's own users, by what they do."""

    rows: list[dict[str, Any]]
    admin: str
    integration: str
    queue: str
    departed: str
    manager: str
    departed_at: datetime
    reps: tuple[str, ...]


@dataclass(slots=True)
class Crowd:
    """Makes companies and persons, and sees to it that no two persons share an e-mail address."""

    draw: Draw
    companies: dict[str, Company] = field(default_factory=dict)
    mailboxes: set[str] = field(default_factory=set)

    def company(self) -> Company:
        """A company: mostly a new one, the known one where the name has come up before."""
        draw = self.draw
        country = draw.weighted(_COUNTRY)
        industry = draw.pick(_INDUSTRIES)
        root = draw.pick(ROOTS) if draw.chance(0.7) else draw.pick(country.last_names)
        stem = f"{root} {draw.pick(TRADES[industry])}"
        name = f"{stem} {draw.pick(country.legal_forms)}"
        known = self.companies.get(name)
        if known is not None:
            return known
        segment = draw.weighted(SEGMENT)
        low, high = segment.staff
        city, state, postal_start = draw.pick(country.places)
        staff = low + int((high - low) * draw.share() ** 2)
        company = Company(
            name=name,
            country=country,
            segment=segment,
            industry=industry,
            domain=f"{ascii_slug(stem)}.{draw.pick(_MAIL_ZONES)}",
            staff=staff,
            revenue=float(round(staff * draw.between(60, 240), -1) * 1000),
            street=f"{draw.between(1, 240)} {draw.pick(STREETS)} Street",
            city=city,
            state=state or None,
            postal_code=postal_start + fill(draw, country.postal),
            phone=fill(draw, country.phone),
        )
        self.companies[name] = company
        return company

    def person(self, company: Company) -> Person:
        """Somebody new at this company."""
        draw = self.draw
        first, last = draw.pick(company.country.first_names), draw.pick(company.country.last_names)
        mailbox = f"{ascii_slug(first)}.{ascii_slug(last)}"[:_LONGEST_MAILBOX]
        email = f"{mailbox}@{company.domain}"
        number = 1
        while email in self.mailboxes:
            number += 1
            email = f"{mailbox}{number}@{company.domain}"
        self.mailboxes.add(email)
        return Person(draw.pick(_SALUTATIONS), first, last, draw.pick(TITLES), email, fill(draw, company.country.phone))


def fill(draw: Draw, pattern: str) -> str:
    """The pattern with its last digits and capital letters drawn anew: a telephone number, a postal code."""
    kept = max(0, len(pattern) - 4)
    return pattern[:kept] + "".join(
        str(draw.below(10))
        if character == "0"
        else "ABCEGHJKLMNPRSTVWXYZ"[draw.below(20)]
        if character == "A"
        else character
        for character in pattern[kept:]
    )


def hire(draw: Draw, leads: int, as_of: datetime) -> Staff:
    """The users of an org of so many leads: eight to twenty-five, of whom one has left."""
    count = min(25, 6 + (leads // 25).bit_length())
    founded = as_of.replace(hour=9, minute=0, second=0, microsecond=0) - timedelta(days=1100)
    departed_at = as_of - timedelta(days=120)
    admin, integration, queue, departed, manager = (make_id("005", number) for number in range(5))
    staff = Staff([], admin, integration, queue, departed, manager, departed_at, ())
    fixed = (
        ("Ada", "Marlowe", "System Administrator"),
        (None, "Integration", "Web and Marketing Integration"),
        (None, "Unassigned Leads", "Queue"),
        ("Victor", "Halloran", "Account Executive"),
        ("Ingrid", "Castellan", "Sales Manager"),
    )
    taken: set[str] = set()
    for number in range(count):
        is_fixed = number < len(fixed)
        first, last, title = fixed[number] if is_fixed else _rep(draw, taken)
        joined = founded + timedelta(days=0 if is_fixed else draw.between(0, 420), minutes=number)
        staff.rows.append(_user(number, (first, last, title), joined, admin))
    staff.rows[3].update(IsActive=False, LastModifiedDate=departed_at, SystemModstamp=departed_at)
    for row in staff.rows[5:]:
        row["ManagerId"] = staff.rows[4]["Id"]
    staff.reps = tuple(row["Id"] for row in staff.rows[5:])
    return staff


def _rep(draw: Draw, taken: set[str]) -> tuple[str, str, str]:
    title = "Sales Development" if len(taken) % 2 else "Account Executive"
    while True:
        country = draw.pick(COUNTRIES[:4])
        first, last = draw.pick(country.first_names), draw.pick(country.last_names)
        if (slug := ascii_slug(first + last)) not in taken:
            taken.add(slug)
            return first, last, title


def _user(number: int, called: tuple[str | None, str, str], joined: datetime, admin: str) -> dict[str, Any]:
    first, last, title = called
    mailbox = ".".join(ascii_slug(part) for part in (first, last) if part)
    return {
        "Id": make_id("005", number),
        "Username": f"{mailbox}@{_EMPLOYEE_OF_THE_ORG}",
        "FirstName": first,
        "LastName": last,
        "Name": f"{first} {last}" if first else last,
        "Email": f"{mailbox}@{_EMPLOYEE_OF_THE_ORG}",
        "Alias": f"{ascii_slug(first or 'q')[:1]}{ascii_slug(last)[:6]}",
        "CommunityNickname": f"{mailbox}{number}",
        "Title": title,
        "Department": "Operations" if number < 3 else "Sales",
        "CompanyName": "Fernhill Systems",
        "IsActive": True,
        "UserType": "Standard",
        "ProfileId": make_id("00e", 0),
        "TimeZoneSidKey": "GMT",
        "LocaleSidKey": "en_US",
        "LanguageLocaleKey": "en_US",
        "EmailEncodingKey": "UTF-8",
        "ForecastEnabled": number > 2,
        "ManagerId": None,
        "CreatedById": admin,
        "CreatedDate": joined,
        "LastModifiedById": admin,
        "LastModifiedDate": joined,
        "SystemModstamp": joined,
    }

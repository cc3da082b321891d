"""How alike two names are: of a column, and of a field or its label."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_a-zA-Z]+|\d+")
#: Words that people use for one another; each line is one notion, by the word that the API uses.
_SAME = {
    "email": ("mail", "emailaddress"),
    "phone": ("tel", "telephone", "telefon", "phonenumber", "landline"),
    "mobilephone": ("mobile", "cell", "cellphone", "handy", "gsm"),
    "lastname": ("surname", "familyname", "nachname", "lname", "last"),
    "firstname": ("forename", "givenname", "vorname", "fname", "first"),
    "company": ("firm", "firma", "organisation", "organization", "companyname", "employer"),
    "postalcode": ("zip", "zipcode", "postcode", "plz"),
    "state": ("province", "region", "bundesland"),
    "street": ("address", "streetaddress", "strasse", "addressline"),
    "city": ("town", "ort", "stadt"),
    "country": ("land", "nation"),
    "website": ("url", "homepage", "web", "site", "domain"),
    "leadsource": ("source", "origin", "channel"),
    "annualrevenue": ("revenue", "turnover", "umsatz"),
    "numberofemployees": ("employees", "headcount", "staff", "numemployees", "employeecount"),
    "stagename": ("stage", "dealstage", "phase"),
    "amount": ("value", "closevalue", "dealvalue", "price", "sum"),
    "closedate": ("closed", "closedat", "closing"),
    "industry": ("sector", "branch", "vertical"),
    "title": ("jobtitle", "position", "role"),
    "description": ("notes", "note", "comment", "comments", "remarks"),
    "status": ("state", "leadstatus"),
    "salutation": ("prefix", "anrede"),
    "owner": ("agent", "salesagent", "rep", "salesrep", "responsible"),
    "account": ("accountname", "customer", "client"),
    "accountname": ("company", "companyname", "firm", "firma", "organisation", "organization", "customername"),
}


@lru_cache(maxsize=20_000)
def words(name: str) -> tuple[str, ...]:
    """The words of a name in small letters: `AnnualRevenue`, `annual_revenue` and `Annual Revenue` have the same."""
    bare = re.sub(r"__[a-z]+$", "", name, flags=re.IGNORECASE)
    plain = unicodedata.normalize("NFKD", bare.replace("ß", "ss"))
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    return tuple(word.casefold() for word in _WORD.findall(plain)) or (bare.casefold(),)


@lru_cache(maxsize=20_000)
def _pairs(joined: str) -> frozenset[str]:
    padded = f"^{joined}$"
    return frozenset(padded[at : at + 2] for at in range(len(padded) - 1))


def likeness(column: str, name: str) -> float:
    """From 0 to 1: 1 for the same words, 0.9 for words that people use for them, less for those that share letters."""
    ours, theirs = words(column), words(name)
    mine, other = "".join(ours), "".join(theirs)
    if mine == other:
        return 1.0
    if mine in _SAME.get(other, ()) or other in _SAME.get(mine, ()):
        return 0.9
    shared = set(ours) & set(theirs)
    by_word = 2 * len(shared) / (len(set(ours)) + len(set(theirs)))
    left, right = _pairs(mine), _pairs(other)
    by_letter = 2 * len(left & right) / (len(left) + len(right))
    return min(0.88, max(by_letter, 0.5 * by_word + 0.5 * by_letter))

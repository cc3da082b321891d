"""How two records are told to be of one person or company: addresses, names, and what says nothing."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from sfsync.config.model import ApiName, Fault, Filled, Lax, StrictModel, faulty

Texts = Annotated[tuple[str, ...], Lax]


def _folded(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(text.strip().casefold() for text in texts)


FoldedTexts = Annotated[tuple[str, ...], Lax, AfterValidator(_folded)]

_ROLES = (
    *("admin", "billing", "buchhaltung", "buero", "büro", "contact", "einkauf", "enquiries", "hello", "help", "hr"),
    *(
        "info",
        "inquiries",
        "invoice",
        "jobs",
        "kontakt",
        "mail",
        "marketing",
        "no-reply",
        "noreply",
        "office",
        "orders",
    ),
    *("post", "purchasing", "reception", "sales", "service", "support", "team", "verkauf", "vertrieb", "webmaster"),
)
_PUBLIC = (
    *(
        "aol.com",
        "free.fr",
        "gmail.com",
        "gmx.de",
        "gmx.net",
        "googlemail.com",
        "hotmail.com",
        "icloud.com",
        "live.com",
    ),
    *("mail.ru", "me.com", "msn.com", "orange.fr", "outlook.com", "outlook.de", "proton.me", "protonmail.com"),
    *("qq.com", "t-online.de", "web.de", "wanadoo.fr", "yahoo.com", "yahoo.co.uk", "yandex.ru", "163.com"),
)
_FORMS = (
    *(
        "ab",
        "ag",
        "as",
        "bv",
        "co",
        "company",
        "corp",
        "corporation",
        "gmbh",
        "group",
        "holding",
        "inc",
        "incorporated",
    ),
    *("kg", "limited", "llc", "llp", "ltd", "nv", "oy", "plc", "pty", "sa", "sarl", "sas", "se", "spa", "srl", "the"),
)


class Weights(StrictModel):
    """How much each field counts when two leads are held against each other; 0 leaves it out.

    Attributes:
        email: The address; another one of the same company counts for four fifths of it.
        phone: Telephone or mobile number.
        last_name: The family name; one that sounds alike counts for nine tenths.
        first_name: The given name; an initial counts for nine tenths.
        company: The company's name, without its legal form.
    """

    email: float = Field(default=4, ge=0)
    phone: float = Field(default=3, ge=0)
    last_name: float = Field(default=3, ge=0)
    first_name: float = Field(default=2, ge=0)
    company: float = Field(default=3, ge=0)

    @model_validator(mode="after")
    def _something_counts(self) -> Self:
        if not any(getattr(self, name) for name in type(self).model_fields):
            raise faulty(Fault("every weight is 0, so that nothing is ever alike", key=True))
        return self


class Duplicates(StrictModel):
    """How duplicates are recognised.

    Attributes:
        weights: How much each field counts.
        plus_addresses: Whether `ada+news@example.com` is the `same` mailbox as `ada@example.com`, or a `different` one.
        shared_mailboxes: Addresses that several people use; they never make two records one.
        role_mailboxes: First parts of addresses that belong to a role: shared as soon as two people have one.
        people_per_mailbox: An address on more people's records than this is shared, whatever it looks like.
        public_domains: Domains that say nothing about a company.
        company_words: Words that say nothing about a company's name: its legal form, for instance.
        most_alike: Of more leads than this that look alike at first glance, none are held against each other.
        unique_keys: Object → fields that no two records may share, beside those the org calls unique or external ID.
    """

    weights: Weights = Weights()
    plus_addresses: Literal["same", "different"] = "different"
    shared_mailboxes: FoldedTexts = ()
    role_mailboxes: FoldedTexts = _ROLES
    people_per_mailbox: int = Field(default=3, ge=1)
    public_domains: FoldedTexts = _PUBLIC
    company_words: FoldedTexts = _FORMS
    most_alike: int = Field(default=50, ge=2)
    unique_keys: dict[ApiName, Annotated[tuple[ApiName, ...], Lax, *Filled]] = Field(default_factory=dict)

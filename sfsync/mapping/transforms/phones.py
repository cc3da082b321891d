"""Phone numbers in the international form, by the rules that Google's libphonenumber has of each country."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, Self

from pydantic import model_validator

from sfsync.config.model import Fault, StrictModel, faulty
from sfsync.config.spelling import shown
from sfsync.mapping.transforms.stage import Compute, Kind, Stage, Telling

#: Calling code of North America, where letters are dialled (`1-800-FLOWERS`) and every number has ten digits. Elsewhere
#: the letters of a remark would lengthen a number to another one that may exist: `030 123456 Max`.
_OF_WORDS = 1
_FROM_A_SHEET = re.compile(r"\s*[0-9]+\.0+\s*")
#: An extension at the end, by the words for it; what stands in front of the first digit is no part of the number.
_EXTENSION = re.compile(r"[\s,;.]*(?:e?xt(?:ensi[oó]n?)?|x|anexo|int|доб|\uff03|#)[.:=\s]*[0-9]*\s*$", re.IGNORECASE)


def _has_letters(text: str) -> bool:
    """Whether letters stand behind the first digit, other than those that announce an extension."""
    start = next((at for at, char in enumerate(text) if char == "+" or char.isdigit()), 0)
    return any(char.isalpha() for char in _EXTENSION.sub("", text[start:]))


class PhoneFormat(StrictModel):
    """How phone numbers become comparable.

    Attributes:
        region: Country of numbers that have no country code, like `DE`; without it such numbers are refused.
        form: `e164` (+493012345), `international` (+49 30 12345) or `national` (030 12345).
    """

    region: str | None = None
    form: Literal["e164", "international", "national"] = "e164"

    @model_validator(mode="after")
    def _region_is_known(self) -> Self:
        import phonenumbers  # noqa: PLC0415 - two megabytes of rules, for the few mappings that need them

        if self.region is not None and self.region not in phonenumbers.SUPPORTED_REGIONS:
            hint = "the two capital letters of a country, like `DE`"
            raise faulty(Fault(f"there is no region `{shown(self.region)}`", hint, ("region",)))
        return self

    def stage(self, telling: Telling) -> Stage:
        """From text to number, by Python over the distinct values."""
        return Stage(
            Kind.TEXT,
            lambda _, relation: f"{relation}.output",
            lambda _x, relation, _y: f"{relation}.problem",
            compute=compute_phones(self, telling),
        )


def compute_phones(form: PhoneFormat, telling: Telling) -> Compute:
    """The function that turns texts into numbers."""
    import phonenumbers  # noqa: PLC0415

    style = {
        "e164": phonenumbers.PhoneNumberFormat.E164,
        "international": phonenumbers.PhoneNumberFormat.INTERNATIONAL,
        "national": phonenumbers.PhoneNumberFormat.NATIONAL,
    }[form.form]

    def one(text: str) -> tuple[str | None, str | None]:
        name = f"`{shown(text)}`" if telling.values else "a value"
        if _FROM_A_SHEET.fullmatch(text):
            return None, f"{name} is a number that a spreadsheet made of it, and its last digit is none of the phone's"
        try:
            number = phonenumbers.parse(text, form.region)
        except phonenumbers.NumberParseException as error:
            if error.error_type == phonenumbers.NumberParseException.INVALID_COUNTRY_CODE and form.region is None:
                return None, f"{name} has no country code (declare one: `transform: {{phone: DE}}`)"
            return None, f"{name} is no phone number"
        if number.country_code != _OF_WORDS and _has_letters(text):
            return None, f"{name} has letters among its digits or behind them"
        if not phonenumbers.is_valid_number(number):
            return None, f"{name} is no phone number that exists"
        written: str = phonenumbers.format_number(number, style)
        if number.extension and form.form == "e164":
            written = f"{written}x{number.extension}"
        return written, None

    def many(texts: Sequence[str]) -> list[tuple[str | None, str | None]]:
        return [one(text) for text in texts]

    return many

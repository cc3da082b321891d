"""From what a client sends (JSON values, or texts of a CSV file) to what the database keeps, column by column."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any

from sfsync.fake.catalog import FieldFacts
from sfsync.fake.catalog.facts import ID_TYPES, INTEGER_TYPES, NUMBER_TYPES
from sfsync.fake.dml import refusals
from sfsync.fake.dml.outcome import RowError, WriteOptions
from sfsync.fake.ids import is_valid_id, to_18

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?\s?(Z|[+-]\d\d(:?\d\d)?)?)?", re.ASCII)
_TIME = re.compile(r"\d\d:\d\d(:\d\d(\.\d{1,6})?)?Z?", re.ASCII)
_EMAIL = re.compile(r"[^\s@,;:()<>\[\]\\\"]+@[^\s@,;:()<>\[\]\\\"]+\.[^\s@,;:()<>\[\]\\\".]+")
_SURROGATE = re.compile("[\ud800-\udfff]")

_FIRST_DAY, _LAST_DAY = date(1700, 1, 1), date(4000, 12, 31)
_LARGEST_INT = 2**31 - 1
_MICROSECONDS = 6

#: Bits from which on a whole number is not spelled out in messages.
_LONGEST_INT = 1024

Convert = Callable[[Any], Any]


class Refused(Exception):
    """A value that the field does not take."""

    def __init__(self, error: RowError) -> None:
        super().__init__(error.message)
        self.error = error


def coerce_column(
    field: FieldFacts, values: Sequence[Any], options: WriteOptions
) -> tuple[list[Any], dict[int, RowError]]:
    """The values as the database keeps them, and place → error for those it cannot keep (None stands there)."""
    convert = converter(field, options)
    try:
        return [None if value is None else convert(value) for value in values], {}
    except Refused:
        pass
    kept: list[Any] = []
    errors: dict[int, RowError] = {}
    for place, value in enumerate(values):
        try:
            kept.append(None if value is None else convert(value))
        except Refused as refused:
            kept.append(None)
            errors[place] = refused.error
    return kept, errors


def converter(field: FieldFacts, options: WriteOptions) -> Convert:
    """The function that turns one value (never None) for this field into what is kept; it raises `Refused`."""
    exact = options.system
    known: dict[str, Convert] = {
        "boolean": lambda value: _boolean(field, value),
        "date": lambda value: _day(field, value),
        "datetime": lambda value: _moment(field, value, exact=exact),
        "time": lambda value: _time(field, value),
        **dict.fromkeys(NUMBER_TYPES, lambda value: _number(field, value, exact=exact)),
        **dict.fromkeys(INTEGER_TYPES, lambda value: _integer(field, value, exact=exact)),
        **dict.fromkeys(ID_TYPES, lambda value: _id(field, value)),
    }
    return known.get(field.type) or _text_converter(field, options)


def _text_converter(field: FieldFacts, options: WriteOptions) -> Convert:
    length = 0 if options.system else field.length
    further = None if options.system else _further_check(field)

    def convert(value: Any) -> str | None:
        if type(value) is not str:
            value = _as_text(field, value)
        text = clean(value)
        if not text:
            return None
        if length and len(text) > length:
            if not options.truncate or field.type in {"email", "picklist", "multipicklist"}:
                raise Refused(refusals.too_long(field, text))
            text = text[:length]
        return text if further is None else further(text)

    return convert


def clean(text: str) -> str:
    """A text as Salesforce keeps it: no blanks around it, and nothing that is no character."""
    # from memory: surrounding blanks are dropped
    text = text.strip()
    if text.isascii():
        return text if "\0" not in text else text.replace("\0", "")
    return _SURROGATE.sub("\ufffd", text.replace("\0", ""))


def _as_text(field: FieldFacts, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal | date | time):
        return str(value)
    raise Refused(refusals.wrong_type(field, _shown(value)))


def _further_check(field: FieldFacts) -> Convert | None:
    if field.type == "email":

        def email(text: str) -> str:
            if not _EMAIL.fullmatch(text):
                raise Refused(refusals.bad_email(field, text))
            return text

        return email
    if field.has("r") and field.values:
        known = {entry.value.casefold(): entry.value for entry in field.values}

        def chosen(text: str) -> str:
            parts = text.split(";") if field.type == "multipicklist" else [text]
            for part in parts:
                if part.strip().casefold() not in known:
                    raise Refused(refusals.bad_picklist_value(field, part.strip()))
            return ";".join(known[part.strip().casefold()] for part in parts)

        return chosen
    return None


def _boolean(field: FieldFacts, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).strip().casefold()
    if text in {"true", "1"}:
        return True
    if text in {"false", "0"}:
        return False
    raise Refused(refusals.wrong_type(field, _shown(value)))


def _plain_number(field: FieldFacts, value: Any) -> float | int | None:
    if isinstance(value, bool):
        raise Refused(refusals.wrong_type(field, _shown(value)))
    if isinstance(value, int | float):
        number: float | int = value
    elif isinstance(value, Decimal):
        number = float(value)
    elif isinstance(value, str):
        text = value.strip()
        if not text:
            return None
        if not _NUMBER.fullmatch(text):
            raise Refused(refusals.wrong_type(field, text))
        number = float(text)
    else:
        raise Refused(refusals.wrong_type(field, _shown(value)))
    if isinstance(number, float) and not math.isfinite(number):
        raise Refused(refusals.out_of_range(field, _shown(value)))
    return number


def _number(field: FieldFacts, value: Any, *, exact: bool) -> float | None:
    number = _plain_number(field, value)
    if number is None:
        return None
    try:
        kept = float(number)
    except OverflowError:
        raise Refused(refusals.out_of_range(field, _shown(value))) from None
    if exact:
        return kept
    if field.precision and abs(kept) >= 10.0 ** (field.precision - field.scale):
        raise Refused(refusals.out_of_range(field, _shown(value)))
    if kept != round(kept, field.scale):
        kept = float(Decimal(repr(kept)).quantize(Decimal(1).scaleb(-field.scale), ROUND_HALF_UP))
    return kept


def _integer(field: FieldFacts, value: Any, *, exact: bool) -> int | None:
    number = _plain_number(field, value)
    if number is None:
        return None
    if number != int(number):
        raise Refused(refusals.wrong_type(field, _shown(value)))
    largest = _LARGEST_INT if field.type == "int" else 2**63 - 1
    if not exact and field.digits:
        largest = min(largest, 10**field.digits - 1)
    if abs(number) > largest:
        raise Refused(refusals.out_of_range(field, _shown(value)))
    return int(number)


def _day(field: FieldFacts, value: Any) -> date | None:
    if isinstance(value, datetime):
        day = value.date()
    elif isinstance(value, date):
        day = value
    elif isinstance(value, str):
        text = value.strip()
        if not text:
            return None
        if not _MOMENT.fullmatch(text):  # the time of a moment is dropped, as Salesforce does
            raise Refused(refusals.wrong_type(field, text))
        try:
            day = date.fromisoformat(text[:10])
        except ValueError:
            raise Refused(refusals.wrong_type(field, text)) from None
    else:
        raise Refused(refusals.wrong_type(field, _shown(value)))
    if not _FIRST_DAY <= day <= _LAST_DAY:
        raise Refused(refusals.wrong_type(field, _shown(value)))
    return day


def _moment(field: FieldFacts, value: Any, *, exact: bool) -> datetime | None:
    if isinstance(value, datetime):
        moment = value
    elif isinstance(value, date):
        moment = datetime(value.year, value.month, value.day)  # noqa: DTZ001 - kept as naive UTC
    elif isinstance(value, int) and not isinstance(value, bool):
        moment = _since_epoch(field, value)  # Bulk API 1.0 writes moments as milliseconds, and takes them back
    elif isinstance(value, str):
        text = value.strip()
        if not text:
            return None
        moment = _read_moment(field, text)
    else:
        raise Refused(refusals.wrong_type(field, _shown(value)))
    if moment.tzinfo is not None:
        try:
            moment = moment.astimezone(UTC).replace(tzinfo=None)
        except OverflowError:
            raise Refused(refusals.wrong_type(field, _shown(value))) from None
    if not _FIRST_DAY <= moment.date() <= _LAST_DAY:
        raise Refused(refusals.wrong_type(field, _shown(value)))
    return moment if exact else moment.replace(microsecond=0)


def _read_moment(field: FieldFacts, text: str) -> datetime:
    if not _MOMENT.fullmatch(text):
        raise Refused(refusals.wrong_type(field, text))
    compact = text.replace(" ", "T", 1).replace(" ", "")
    fraction = re.search(r"\.(\d+)", compact)
    if fraction and len(fraction.group(1)) > _MICROSECONDS:
        compact = compact.replace(fraction.group(1), fraction.group(1)[:_MICROSECONDS], 1)
    try:
        return datetime.fromisoformat(compact)
    except ValueError:
        raise Refused(refusals.wrong_type(field, text)) from None


def _since_epoch(field: FieldFacts, milliseconds: int) -> datetime:
    try:
        return datetime(1970, 1, 1) + timedelta(milliseconds=milliseconds)  # noqa: DTZ001 - kept as naive UTC
    except OverflowError:
        raise Refused(refusals.wrong_type(field, milliseconds)) from None


def _time(field: FieldFacts, value: Any) -> time | None:
    if isinstance(value, time):
        return value.replace(tzinfo=None)
    if isinstance(value, str):
        text = value.strip()
        if not text:
            return None
        if _TIME.fullmatch(text):
            try:
                return time.fromisoformat(text.removesuffix("Z"))
            except ValueError:
                pass
    raise Refused(refusals.wrong_type(field, _shown(value)))


@lru_cache(maxsize=8192)
def long_form(text: str) -> str | None:
    """The 18-character form of a text that is an Id; None when it is none."""
    return to_18(text) if is_valid_id(text) else None


def _id(field: FieldFacts, value: Any) -> str | None:
    if not isinstance(value, str):
        raise Refused(refusals.wrong_id(field.label, _shown(value), field.name))
    text = value.strip()
    if not text:
        return None
    known = long_form(text)
    if known is None:
        raise Refused(refusals.wrong_id(field.label, clean(text), field.name))
    return known


def _shown(value: Any) -> str:
    """A value as error messages quote it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and value.bit_length() > _LONGEST_INT:
        return "Infinity" if value > 0 else "-Infinity"
    return clean(str(value))

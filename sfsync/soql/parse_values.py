"""Reads the values of a condition: texts, numbers, dates, date literals."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from sfsync.errors import SoqlError
from sfsync.soql.ast import (
    BooleanValue,
    CurrencyValue,
    DateLiteral,
    DateTimeValue,
    DateValue,
    LikePattern,
    NullValue,
    NumberValue,
    StringValue,
    TimeValue,
    Value,
)
from sfsync.soql.cursor import Cursor
from sfsync.soql.dates import COUNTED_DATE_LITERALS, DATE_LITERALS
from sfsync.soql.place import Place
from sfsync.soql.tokens import Kind, Token

_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", '"': '"', "'": "'", "\\": "\\"}
_ESCAPE = re.compile(r"\\(?:[uU](?P<code>[0-9A-Fa-f]{4})|(?P<letter>.))", re.DOTALL)
_CURRENCY = re.compile(r"[A-Za-z]{3}[0-9]*")

#: Digits of a whole number in LIMIT, OFFSET and after a date literal's colon.
_MOST_DIGITS = 9


def value(cursor: Cursor, *, like: bool = False) -> Value:
    """Take one value; `like` reads a text as a pattern."""
    token = cursor.next
    if token.kind is Kind.STRING:
        return pattern(cursor) if like else string(cursor)
    if token.kind is Kind.NAME:
        if like and token.key == "NULL":
            raise token.unexpected("Write `= null`.")
        return _named(cursor)
    if token.kind in _DATED:
        cursor.take()
        read, make = _DATED[token.kind]
        try:
            return make(read(token.text), place=token.place)
        except (ValueError, OverflowError) as error:
            raise token.place.error(f"Invalid {token.kind}: {token.text}") from error
    if cursor.sees_operator(":"):
        raise token.place.error(
            "Bind variables only allowed in Apex code", hint="Write the value itself where the variable stands."
        )
    if token.kind in {Kind.INTEGER, Kind.DECIMAL} or cursor.sees_operator("+", "-"):
        return NumberValue(number(cursor), place=token.place)
    raise token.unexpected()


def number(cursor: Cursor) -> Decimal:
    """Take a number with or without sign."""
    negative = cursor.sees_operator("-")
    if cursor.sees_operator("+", "-"):
        cursor.take()
    token = cursor.next
    if token.kind not in {Kind.INTEGER, Kind.DECIMAL}:
        raise token.unexpected()
    cursor.take()
    amount = Decimal(token.text)
    return amount.copy_negate() if negative else amount


def whole_number(cursor: Cursor) -> int:
    """Take a whole number with or without sign."""
    negative = cursor.sees_operator("-")
    if cursor.sees_operator("+", "-"):
        cursor.take()
    amount = _digits(cursor)
    return -amount if negative else amount


def string(cursor: Cursor) -> StringValue:
    """Take a text."""
    token = _string_token(cursor)
    return StringValue(_unescape(token, like=False), place=token.place)


def pattern(cursor: Cursor) -> LikePattern:
    """Take a text that is a pattern."""
    token = _string_token(cursor)
    return LikePattern(_unescape(token, like=True), place=token.place)


def _string_token(cursor: Cursor) -> Token:
    if cursor.next.kind is not Kind.STRING:
        raise cursor.next.unexpected()
    return cursor.take()


def _unescape(token: Token, *, like: bool) -> str:
    def resolve(match: re.Match[str]) -> str:
        if match["code"]:
            character = chr(int(match["code"], 16))
            return "\\\\" if like and character == "\\" else character
        letter = match["letter"]
        if like and letter in "%_\\":
            return match.group()
        resolved = _ESCAPES.get(letter.lower())
        if resolved is None:
            raise _bad_escape(token, match)
        return resolved

    text = _ESCAPE.sub(resolve, token.text[1:-1])
    # Two escapes may spell one character outside the basic plane; half of one is no text.
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError as error:
        raise token.place.error(f"Invalid string literal {token.text}.") from error


def _bad_escape(token: Token, match: re.Match[str]) -> SoqlError:
    place = Place(token.place.text, token.place.offset + 1 + match.start())
    return place.error(
        f"Invalid string literal {token.text}. Illegal character sequence '{match.group()}' in string literal.",
        hint="A backslash in a text is written twice.",
    )


def _named(cursor: Cursor) -> Value:
    """A value that is a word: true, false, null, a date literal or an amount of money."""
    token = cursor.take()
    if token.key in {"TRUE", "FALSE"}:
        return BooleanValue(token.key == "TRUE", place=token.place)
    if token.key == "NULL":
        return NullValue(place=token.place)
    if token.key in DATE_LITERALS and not cursor.sees_operator(":"):
        return DateLiteral(token.key, place=token.place)
    if token.key in COUNTED_DATE_LITERALS:
        cursor.expect_operator(":")
        return DateLiteral(token.key, _digits(cursor), place=token.place)
    amount = _CURRENCY.fullmatch(token.text) and _amount(cursor, token)
    if amount is not None:
        return CurrencyValue(token.key[:3], amount, place=token.place)
    if token.key in DATE_LITERALS:
        raise cursor.next.unexpected()
    raise token.unexpected("Put text in single quotes; a field can only be compared with a value.")


def _amount(cursor: Cursor, code: Token) -> Decimal | None:
    """The rest of an amount of money that began with `USD5000` or `USD`; None if it is none."""
    whole = code.text[3:]
    following = cursor.next
    if whole:
        if following.kind is Kind.DECIMAL and following.text.startswith(".") and following.place.offset == code.end:
            whole += cursor.take().text
        return Decimal(whole)
    if not cursor.sees_operator("-") or following.place.offset != code.end:
        return None
    digits = cursor.ahead(1)
    if digits.kind not in {Kind.INTEGER, Kind.DECIMAL} or digits.place.offset != following.end:
        return None
    cursor.take()
    return Decimal(cursor.take().text).copy_negate()


def _digits(cursor: Cursor) -> int:
    token = cursor.next
    if token.kind is not Kind.INTEGER:
        raise token.unexpected()
    digits = token.text.lstrip("0") or "0"
    if len(digits) > _MOST_DIGITS:
        raise token.unexpected()
    cursor.take()
    return int(digits)


def _read_datetime(text: str) -> datetime:
    moment = datetime.fromisoformat(text.upper())
    moment.astimezone(UTC)  # refuses moments that exist in no UTC year
    return moment


def _read_time(text: str) -> time:
    """The time of day in UTC: an offset moves it, around midnight if need be."""
    moment = datetime.combine(date(2000, 1, 1), time.fromisoformat(text.upper()))
    return moment.astimezone(UTC).time()


_DATED: dict[Kind, tuple[Callable[[str], Any], Callable[..., Value]]] = {
    Kind.DATETIME: (_read_datetime, DateTimeValue),
    Kind.DATE: (date.fromisoformat, DateValue),
    Kind.TIME: (_read_time, TimeValue),
}

"""Cuts a SOQL text into tokens."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from sfsync.errors import SoqlError
from sfsync.soql.place import Place


class Kind(StrEnum):
    """What a token is."""

    NAME = "name"  # keywords, fields, and dotted paths: Salesforce allows no blank around the dots
    STRING = "string"
    DATETIME = "datetime"
    DATE = "date"
    TIME = "time"
    DECIMAL = "decimal"
    INTEGER = "integer"
    OPERATOR = "operator"
    END = "end"


@dataclass(frozen=True, slots=True)
class Token:
    """One word of a SOQL text.

    Attributes:
        kind: What it is.
        text: As it is written, quotes included; empty at the end.
        place: Where it begins.
        before: Where the token before it ends: that is where Salesforce points when a token does not fit.
    """

    kind: Kind
    text: str
    place: Place
    before: Place

    @property
    def key(self) -> str:
        """The text in capitals, for comparing with keywords; empty for anything but a name."""
        return self.text.upper() if self.kind is Kind.NAME else ""

    @property
    def end(self) -> int:
        """Offset just behind the token."""
        return self.place.offset + len(self.text)

    def unexpected(self, hint: str | None = None, *, since: Place | None = None) -> SoqlError:
        """The error that says this token does not belong here.

        Args:
            hint: What to write instead.
            since: Where the part begins that could still have become several things; the message then quotes all of it.
        """
        quoted = self.text or "<EOF>" if since is None else since.text[since.offset : self.end]
        return self.before.error(f"unexpected token: '{quoted}'", hint=hint or _HINTS.get(self.text))


_HINTS = {"*": "List the fields, or use FIELDS(ALL) with LIMIT 200."}

_CLOCK = r"[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:[Zz]|[+-][0-9]{2}:?[0-9]{2})"

_TOKEN = re.compile(
    r"(?P<blank>[ \t\r\n\f]+)"
    r"|(?P<name>[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z][A-Za-z0-9_]*)*)"
    r"|(?P<string>'(?:[^'\\\r\n]|\\[^\r\n])*')"
    rf"|(?P<datetime>[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[Tt]{_CLOCK})"
    r"|(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2}(?![0-9]))"
    rf"|(?P<time>{_CLOCK})"
    r"|(?P<decimal>[0-9]*\.[0-9]+)"
    r"|(?P<integer>[0-9]+)"
    r"|(?P<operator>!=|<>|<=|>=|[=<>(),:*/~+-])"
)


def tokenize(text: str) -> list[Token]:
    """The tokens of a SOQL text, ending with one of kind `END`. Raises `SoqlError` at a character that fits nowhere."""
    tokens: list[Token] = []
    offset = 0
    while offset < len(text):
        match = _TOKEN.match(text, offset)
        if match is None:
            raise _stray(Place(text, offset))
        if match.lastgroup != "blank":
            before = Place(text, tokens[-1].end if tokens else 0)
            tokens.append(Token(Kind(str(match.lastgroup)), match.group(), Place(text, offset), before))
        offset = match.end()
    tokens.append(Token(Kind.END, "", Place(text, len(text)), Place(text, tokens[-1].end if tokens else 0)))
    return tokens


def _stray(place: Place) -> SoqlError:
    """The error for a character that begins no token; Salesforce's lexer words these itself, without an excerpt."""
    character = place.text[place.offset]
    if character == "'":
        return _unclosed(place)
    hint = {
        '"': "Put text in single quotes.",
        ";": "A SOQL statement ends without a semicolon.",
    }.get(character)
    where = f"line {place.row}:{place.column - 1}"
    return place.error(f"{where} unexpected token: '{character}'", hint=hint, excerpt=False)


def _unclosed(place: Place) -> SoqlError:
    """The error for a text that is not closed on its line."""
    line_end = re.compile(r"[\r\n]|$(?![\r\n])").search(place.text, place.offset)
    end = Place(place.text, line_end.start() if line_end else len(place.text))
    found = (
        "<EOF>" if end.offset >= len(place.text) else place.text[end.offset].replace("\n", "\\n").replace("\r", "\\r")
    )
    where = f"line {end.row}:{end.column - 1}"
    return end.error(
        f"{where} mismatched character '{found}' expecting '''",
        hint="Close the text with a single quote; a quote inside it is written \\'.",
        excerpt=False,
    )

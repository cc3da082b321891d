"""What the values of a column look like, from a sample of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from sfsync.mapping.transforms.stage import Kind, kind_of
from sfsync.store.interface import Session
from sfsync.store.names import quote

#: How many rows are looked at, and how many different values of each column.
SAMPLE_ROWS = 20_000
_MOST_VALUES = 2_000

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_PHONE = re.compile(r"\+?[\d\s().\-/]{6,25}(?:\s*(?:x|ext\.?)\s*\d+)?", re.IGNORECASE)
_URL = re.compile(
    r"(?:https?://|www\.)\S+|[\w-]+(?:\.[\w-]+)*\.(?:com|org|net|io|de|co|fr|uk|eu)(?:/\S*)?", re.IGNORECASE
)
_ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")
_WHOLE = re.compile(r"[+-]?\d{1,18}")
_NUMBERS = {
    "": re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?"),
    "en": re.compile(r"\(?[+-]?\d{1,3}(?:,\d{3})*(?:\.\d*)?\)?"),
    "de": re.compile(r"\(?[+-]?\d{1,3}(?:\.?\d{3})*(?:,\d*)?\)?"),
    "fr": re.compile(r"\(?[+-]?\d{1,3}(?:[ \u00a0\u202f]?\d{3})*(?:,\d*)?\)?"),
    "en_IN": re.compile(r"\(?[+-]?\d{1,2}(?:,\d{2})*,\d{3}(?:\.\d*)?\)?|\d{1,3}(?:\.\d*)?"),
}
_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_ISO_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?P<zone>Z|[+-]\d{2}:?\d{2})?")
_DAY = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-]\d{4}")
_YMD = re.compile(r"\d{4}[./]\d{1,2}[./]\d{1,2}")
#: Digits or letters alone are codes of another kind.
_NO_ID = re.compile(r"\d+|[a-z]+|[A-Z]+")
_FORMS = (("email", _EMAIL), ("datetime", _ISO_TIME), ("date", _ISO_DAY), ("date", _DAY), ("date", _YMD))
_BY_TYPE = {
    Kind.BOOLEAN: "boolean",
    Kind.INTEGER: "number",
    Kind.NUMBER: "number",
    Kind.DATE: "date",
    Kind.DATETIME: "datetime",
    Kind.INSTANT: "datetime",
}
_TRUE = ("true", "yes", "y", "1", "on", "ja", "oui", "x")
_FALSE = ("false", "no", "n", "0", "off", "nein", "non", "-")


@dataclass(frozen=True)
class ColumnProfile:
    """A column's name, its type, and a sample of its values as text.

    Attributes:
        name: As the source has it.
        kind: By its SQL type; text where the source is a file.
        values: Different values that are not empty, some of them.
        distinct: How many different values there are.
        filled: Rows of the sample that have one.
        rows: Rows of the sample.
    """

    name: str
    kind: Kind
    values: tuple[str, ...]
    distinct: int
    filled: int
    rows: int

    @cached_property
    def is_unique(self) -> bool:
        """Whether every row of the sample has a value of its own."""
        return 0 < self.filled == self.rows == self.distinct

    @cached_property
    def longest(self) -> int:
        """Length of the longest value."""
        return max(map(len, self.values), default=0)

    def share(self, pattern: re.Pattern[str]) -> float:
        """How many of the values have a form, from 0 to 1."""
        if not self.values:
            return 0.0
        return sum(1 for value in self.values if pattern.fullmatch(value.strip())) / len(self.values)

    @cached_property
    def looks_like(self) -> str:
        """`email`, `url`, `id`, `datetime`, `date`, `number`, `phone`, `boolean`, `text` or `nothing`."""
        if self.kind in _BY_TYPE:
            return _BY_TYPE[self.kind]
        if not self.values:
            return "nothing"
        if self.boolean_words is not None or {value.strip().casefold() for value in self.values} <= {"true", "false"}:
            return "boolean"
        seen = [name for name, pattern in _FORMS if self.share(pattern) > 0.9]
        if self.share(_ID) > 0.95 and not self.share(_NO_ID):
            seen.append("id")
        if max(self.share(pattern) for pattern in _NUMBERS.values()) > 0.9:
            seen.append("number")
        seen += [name for name, pattern in (("url", _URL), ("phone", _PHONE)) if self.share(pattern) > 0.8]
        return seen[0] if seen else "text"

    @cached_property
    def boolean_words(self) -> tuple[str, str] | None:
        """The words for true and false, where the column has nothing else."""
        folded = {value.strip().casefold(): value.strip() for value in self.values}
        true = [word for word in _TRUE if word in folded]
        false = [word for word in _FALSE if word in folded]
        if len(folded) == 2 and len(true) == len(false) == 1:
            return folded[true[0]], folded[false[0]]
        return None

    @cached_property
    def number_forms(self) -> tuple[str, ...]:
        """The ways of writing numbers that all values fit; an empty text stands for the API's own."""
        return tuple(name for name, pattern in _NUMBERS.items() if self.share(pattern) == 1.0)

    @cached_property
    def is_whole(self) -> bool:
        """Whether all values are whole numbers."""
        return self.kind is Kind.INTEGER or self.share(_WHOLE) == 1.0

    @cached_property
    def day_orders(self) -> tuple[str, ...]:
        """The orders (`iso`, `ymd`, `dmy`, `mdy`) in which all values may be days."""
        if self.share(_ISO_DAY) == 1.0:
            return ("iso",)
        if self.share(_YMD) == 1.0:
            return ("ymd",)
        days = [match for value in self.values if (match := _DAY.fullmatch(value.strip()))]
        if not days or len(days) != len(self.values):
            return ()
        first, second = max(int(day[1]) for day in days), max(int(day[2]) for day in days)
        return tuple(order for order, month in (("dmy", second), ("mdy", first)) if month <= 12)

    @cached_property
    def has_zone(self) -> bool:
        """Whether every time says its zone."""
        matches = [_ISO_TIME.fullmatch(value.strip()) for value in self.values]
        return all(match is not None and match["zone"] for match in matches)


def profile_columns(session: Session, table: str, columns: Mapping[str, str]) -> list[ColumnProfile]:
    """Look at the columns of a source table.

    Args:
        session: Holds the table.
        table: Qualified and quoted; has `source_row`.
        columns: Column → SQL type, without `source_row`.
    """
    sample = f"(SELECT * FROM {table} WHERE source_row <= {SAMPLE_ROWS}) AS sample"
    rows = int(session.execute(f"SELECT count(*) FROM {sample}").scalar())
    found: list[ColumnProfile] = []
    for name, sql_type in columns.items():
        text = f"CAST({quote(name)} AS VARCHAR)"
        some = f"{text} IS NOT NULL AND {text} <> ''"
        filled, distinct = session.execute(f"SELECT count(*), count(DISTINCT {text}) FROM {sample} WHERE {some}").rows[
            0
        ]
        values = session.execute(f"SELECT DISTINCT {text} FROM {sample} WHERE {some} ORDER BY 1 LIMIT {_MOST_VALUES}")
        found.append(ColumnProfile(name, kind_of(sql_type), tuple(each for (each,) in values), distinct, filled, rows))
    return found


def overlap(values: Iterable[str], known: Iterable[str]) -> float:
    """How many of the values are among the known ones, capitals aside, from 0 to 1."""
    listed = {each.casefold() for each in known}
    given = [each.strip().casefold() for each in values]
    return sum(1 for each in given if each in listed) / len(given) if given and listed else 0.0

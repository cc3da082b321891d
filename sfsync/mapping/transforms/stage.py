"""What all transforms are made of: stages of a value on its way to the org, and the SQL pieces they share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sfsync.store.names import literal


class Kind(StrEnum):
    """What a value is while it travels; `text` is what files hold."""

    TEXT = "text"
    BOOLEAN = "boolean"
    INTEGER = "whole number"
    NUMBER = "number"
    DATE = "date"
    DATETIME = "date and time"  # UTC without saying so, like the mirror's
    INSTANT = "date and time with zone"
    TIME = "time"
    LIST = "list"
    NESTED = "values within values"  # of which no field can be made


#: SQL type → kind; everything else travels as text.
_KINDS = {
    "BOOLEAN": Kind.BOOLEAN,
    **dict.fromkeys(("DOUBLE", "FLOAT", "REAL", "DECIMAL", "NUMERIC", "DOUBLE PRECISION"), Kind.NUMBER),
    **dict.fromkeys(("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"), Kind.INTEGER),
    **dict.fromkeys(("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"), Kind.INTEGER),
    "DATE": Kind.DATE,
    **dict.fromkeys(("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "DATETIME"), Kind.DATETIME),
    "TIMESTAMP WITHOUT TIME ZONE": Kind.DATETIME,
    **dict.fromkeys(("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ"), Kind.INSTANT),
    "TIME": Kind.TIME,
}

_NESTED = ("STRUCT(", "MAP(", "UNION(")

#: Functions answered by Python over the distinct values of a column: each value becomes a value and a problem.
Compute = Callable[[Sequence[str]], list[tuple[str | None, str | None]]]


def kind_of(sql_type: str) -> Kind:
    """What a column of this SQL type holds."""
    name = sql_type.upper().strip()
    if name.startswith(_NESTED) or name.endswith("][]"):
        return Kind.NESTED
    if name.endswith("[]"):
        return Kind.LIST
    return _KINDS.get(name.partition("(")[0].strip() if "(" in name else name, Kind.TEXT)


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of a value. Every input is a column, so the SQL may name it as often as it likes.

    Attributes:
        kind: What comes out.
        value: SQL of the value, given the SQL of the input and the alias of `relation` (empty without one).
        problem: SQL of a text that says why the input cannot be written, or of NULL; NULL for an empty input. Given the
            SQL of the input, the alias of `relation`, and the SQL of the value (a column too, unless there is a
            `relation`), so that finding out that all is well costs nothing.
        relation: A table or subquery with the columns `input`, `output` and `problem`, joined by the input.
        compute: Fills `relation`, a temporary table then, from the distinct inputs.
    """

    kind: Kind
    value: Callable[[str, str], str]
    problem: Callable[[str, str, str], str] | None = None
    relation: str | None = None
    compute: Compute | None = None


@dataclass(frozen=True, slots=True)
class Telling:
    """How a problem names the value it is about; the values of masked fields are not repeated."""

    values: bool = True

    def of(self, sql: str) -> str:
        """SQL of a text that names the value, in front of what is said of it."""
        if not self.values:
            return "'a value'"
        # Control and direction characters would be obeyed by a terminal.
        readable = f"regexp_replace(CAST({sql} AS VARCHAR), '[\\p{{Cc}}\\p{{Cf}}\\p{{Zl}}\\p{{Zp}}]', '\ufffd', 'g')"
        cut = f"CASE WHEN length({readable}) > 60 THEN substr({readable}, 1, 59) || '…' ELSE {readable} END"
        return f"'`' || {cut} || '`'"

    def said(self, sql: str, words: str, when: str) -> str:
        """SQL of "`value` words" where `when` holds, and of NULL elsewhere."""
        return f"CASE WHEN {when} THEN {self.of(sql)} || {literal(' ' + words)} END"


def plain(value: Callable[[str], str], kind: Kind = Kind.TEXT) -> Stage:
    """A stage that always succeeds."""
    return Stage(kind, lambda x, _: value(x))


def fallible(value: Callable[[str], str], kind: Kind, words: str, telling: Telling) -> Stage:
    """A stage whose value is NULL where it fails, and whose problem then is the input and `words`."""
    return Stage(
        kind,
        lambda x, _: value(x),
        lambda x, _, y: telling.said(x, words, f"{y} IS NULL AND {x} IS NOT NULL"),
    )


def checked(when: Callable[[str], str], words: str, telling: Telling, kind: Kind) -> Stage:
    """A stage that leaves the value as it is, and finds it wrong where `when` holds."""
    return Stage(kind, lambda x, _: x, lambda x, _r, _y: telling.said(x, words, when(x)))


#: White space of any alphabet: `trim` of SQL takes blanks alone.
_BLANK = "[\\s\\p{Z}\\x{FEFF}]"


def trimmed(sql: str) -> str:
    """SQL of a text without white space around it; a column's texts seldom have any, and finding that out is cheap."""
    return (
        f"CASE WHEN regexp_matches({sql}, '^{_BLANK}|{_BLANK}$') "
        f"THEN regexp_replace({sql}, '^{_BLANK}+|{_BLANK}+$', '', 'g') ELSE {sql} END"
    )


def some(sql: str) -> str:
    """SQL of a text that is NULL when empty: Salesforce knows no empty text."""
    return f"nullif({sql}, '')"


def said(sql: str) -> str:
    """SQL of a text that is NULL when nothing stands in it but blanks, which Salesforce takes for none."""
    # Nearly every text begins with a letter or digit, and that is quickly seen.
    return f"CASE WHEN {sql} BETWEEN '!' AND '~' OR regexp_matches({sql}, '[^\\s\\p{{Z}}\\x{{FEFF}}]') THEN {sql} END"


def matches(sql: str, pattern: str) -> str:
    """SQL of whether the whole text has a form (a regular expression that RE2 and PostgreSQL read alike)."""
    return f"regexp_matches({sql}, {literal('^(?:' + pattern + ')$')})"


def texts(values: Sequence[str]) -> str:
    """SQL of a list of text literals, without the brackets."""
    return ", ".join(literal(value) for value in values)


def pairs(rows: Sequence[tuple[str, str]]) -> str:
    """SQL of a relation for `Stage.relation`: input → output."""
    listed = ", ".join(f"({literal(given)}, {literal(result)})" for given, result in rows)
    return f"(SELECT * FROM (VALUES {listed}) AS v(input, output))"

"""How values are compared and written down: what is the same to Salesforce is the same to a plan."""

from __future__ import annotations

from sfsync.mapping.transforms.as_text import canonical_text
from sfsync.mapping.transforms.stage import kind_of, trimmed
from sfsync.records import FieldDescribe
from sfsync.store.columns import sql_type
from sfsync.store.names import literal

_ROUNDED_TYPES = frozenset({"currency", "double", "percent"})
_EXACT_TYPES = frozenset({"id", "reference"})
_BLANKS = literal(
    " \t\r\n\v\f\u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)


def canonical(sql: str, kind: str) -> str:
    """SQL of a value as the API writes it: `5`, `true`, `2026-01-31`, `2026-01-31T12:00:00.000Z`.

    Args:
        sql: The value.
        kind: Its SQL type.
    """
    return sql if kind == "VARCHAR" else canonical_text(sql, kind_of(kind))


def folded(sql: str, described: FieldDescribe) -> str:
    """SQL of the text by which Salesforce finds a value again: without regard to case, unless the field says so."""
    text = canonical(sql, sql_type(described))
    if sql_type(described) != "VARCHAR" or described.type in _EXACT_TYPES:
        return text
    text = f"nullif(trim({text}), '')"
    return text if described.case_sensitive else f"lower({text})"


def folded_text(text: str, described: FieldDescribe) -> str:
    """SQL of a canonical text in the form of `folded`."""
    return folded(text, described) if sql_type(described) == "VARCHAR" else text


def some_text(sql: str, described: FieldDescribe) -> str:
    """SQL of a value that is NULL where it is a text of blanks alone: the org would take that for none."""
    if sql_type(described) != "VARCHAR" or described.type in _EXACT_TYPES:
        return sql
    # Nearly every text begins with a letter of ASCII. A branch of its own keeps the others from being looked at any
    # further: of two conditions joined by OR, DuckDB may well take the slow one first.
    return f"CASE WHEN {sql} BETWEEN '!' AND '~~' THEN {sql} WHEN ltrim({sql}, {_BLANKS}) <> '' THEN {sql} END"


def same(sql: str, described: FieldDescribe, form: str = "{}") -> str:
    """SQL of a value in the form in which two are equal that Salesforce keeps as one.

    Args:
        sql: The value, typed as the mirror's column.
        described: The field.
        form: Of the mapping: what else makes two values equal, around `{}`.
    """
    if described.type == "datetime":
        return f"date_trunc('second', {sql})"  # the org keeps no fraction
    if described.type in _ROUNDED_TYPES and described.precision:
        return _rounded(sql, described.scale)
    if sql_type(described) != "VARCHAR" or described.type in _EXACT_TYPES:
        return sql
    text = f"nullif({trimmed(sql)}, '')"
    if described.type == "textarea":
        text = f"replace({text}, chr(13) || chr(10), chr(10))"
    return form.format(text)


def _rounded(sql: str, scale: int) -> str:
    """SQL of a number with as many digits after the point as its field keeps: the org rounds what has more, half up."""
    # By decimals: the double nearest to 1.005 is a little less than that, and would be rounded down.
    exact = f"TRY_CAST({sql} AS DECIMAL(38, {scale + 4}))"
    return f"coalesce(CAST(round({exact}, {scale}) AS DOUBLE), {sql})"

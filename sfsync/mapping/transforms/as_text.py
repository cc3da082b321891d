"""Values as the API spells them: canonical text, for fields that hold text and for transforms that work on it."""

from __future__ import annotations

from sfsync.mapping.transforms.stage import Kind, Stage, plain

#: Whole numbers up to here are exact in a double, and are written without a point.
_EXACT = "1e15"


def canonical_text(sql: str, kind: Kind) -> str:
    """SQL of a value as text: `5` and not `5.0`, `true`, `2026-01-31`, `2026-01-31T12:00:00.000Z`."""
    if kind is Kind.NUMBER:
        whole = f"CAST(CAST({sql} AS BIGINT) AS VARCHAR)"
        text = f"nullif(CAST({sql} AS VARCHAR), 'nan')"  # what is no number is no text either
        return f"CASE WHEN abs({sql}) < {_EXACT} AND {sql} = trunc({sql}) THEN {whole} ELSE {text} END"
    if kind is Kind.DATETIME:
        return f"strftime({sql}, '%Y-%m-%dT%H:%M:%S.%g') || 'Z'"
    if kind is Kind.INSTANT:
        return canonical_text(f"({sql} AT TIME ZONE 'UTC')", Kind.DATETIME)
    if kind is Kind.TIME:
        clock = f"CAST({sql} AS VARCHAR)"
        return f"substr({clock} || CASE WHEN length({clock}) = 8 THEN '.000' ELSE '000' END, 1, 12) || 'Z'"
    if kind is Kind.LIST:
        return f"nullif(array_to_string({sql}, ';'), '')"
    return f"CAST({sql} AS VARCHAR)"


def number_sql(sql: str, sql_type: str) -> str:
    """SQL of a number of the source; one of single precision means the digits that it is written with."""
    is_short = sql_type.upper().strip() in ("FLOAT", "REAL")
    return f"CAST(CAST({sql} AS VARCHAR) AS DOUBLE)" if is_short else sql


def text_stages(kind: Kind) -> tuple[Stage, ...]:
    """The stages that make text of a value."""
    return () if kind is Kind.TEXT else (plain(lambda x: canonical_text(x, kind)),)

"""Record Ids: 15 characters become 18, and 18 must fit together."""

from __future__ import annotations

from sfsync.mapping.transforms.stage import Kind, Stage, Telling, matches, plain, some, trimmed
from sfsync.record_ids import CHECKSUM


def long_id_sql(sql: str) -> str:
    """SQL of the 18-character form of an Id: its first 15 characters decide."""
    return f"substr({sql}, 1, 15) || {' || '.join(_digit(sql, start) for start in (1, 6, 11))}"


def _digit(sql: str, start: int) -> str:
    bits = " + ".join(
        f"CASE WHEN substr({sql}, {start + bit}, 1) BETWEEN 'A' AND 'Z' THEN {1 << bit} ELSE 0 END" for bit in range(5)
    )
    return f"substr('{CHECKSUM}', 1 + {bits}, 1)"


def id_stages(telling: Telling) -> tuple[Stage, ...]:
    """From text to Id."""

    def value(x: str) -> str:
        shape, long = matches(x, "[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?"), long_id_sql(x)
        fits = f"(length({x}) = 15 OR upper(substr({x}, 16)) = substr({long}, 16))"
        return f"CASE WHEN {shape} AND {fits} THEN {long} END"

    def problem(x: str, _: str, y: str) -> str:
        shape = matches(x, "[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?")
        misfit = telling.said(
            x, "is no Id: its capitals do not fit its last three characters (has its case been changed?)", shape
        )
        other = telling.said(x, "is no Id: it has neither 15 nor 18 letters and digits", f"NOT {shape}")
        return f"CASE WHEN {y} IS NULL THEN coalesce({misfit}, {other}) END"

    return plain(lambda x: some(trimmed(x))), Stage(Kind.TEXT, lambda x, _: value(x), problem)

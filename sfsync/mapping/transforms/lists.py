"""Multi-select picklists under a separator of yours, several columns in one text, and one text in several columns."""

from __future__ import annotations

from collections.abc import Sequence

from sfsync.mapping.transforms.stage import said, some, trimmed
from sfsync.store.names import literal


def chosen_sql(sql: str, separator: str) -> str:
    """SQL of a multi-select value as Salesforce writes it (`a;b`), from parts between separators of yours."""
    parts = f"list_transform(string_split({sql}, {literal(separator.strip() or separator)}), lambda p: {trimmed('p')})"
    chosen = f"list_filter({parts}, lambda p: p <> '')"
    # What is chosen twice is chosen once; the first of each keeps its place.
    once = f"list_filter({chosen}, lambda p, i: list_position({chosen}, p) = i)"
    # Few have anything twice, and to look for it in each costs several times as much as all the rest.
    has_twins = f"len(list_distinct({chosen})) < len({chosen})"
    return some(f"array_to_string(CASE WHEN {has_twins} THEN {once} ELSE {chosen} END, ';')")


def shown_choice_sql(sql: str, separator: str) -> str:
    """SQL of a multi-select value with separators of yours."""
    return f"replace({sql}, ';', {literal(separator)})"


def joined_sql(columns: Sequence[str], separator: str) -> str:
    """SQL of the texts that are there, one behind the other; one of nothing but blanks is none."""
    present = ", ".join(said(column) for column in columns)
    return some(f"concat_ws({literal(separator)}, {present})")


def part_sql(sql: str, separator: str, number: int, count: int) -> str:
    """SQL of the part that goes to column `number` (from 0) of `count`; the last one takes all that is left."""
    parts = f"string_split({sql}, {literal(separator)})"
    if number < count - 1:
        return some(f"list_extract({parts}, {number + 1})")
    return some(f"array_to_string(list_slice({parts}, {count}, len({parts})), {literal(separator)})")

"""Checkboxes under words of yours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

from sfsync.config.model import Fault, faulty
from sfsync.config.spelling import shown
from sfsync.mapping.transforms.stage import Kind, Stage, Telling, fallible, texts, trimmed
from sfsync.store.names import literal

_SHAPE = "should be a list of the word for true and the word for false"
_HINT = 'like `[yes, no]`, or with several words for one: `[[yes, y, "1"], [no, n, "0"]]`'

Words = tuple[tuple[str, ...], tuple[str, ...]]


def _parse_words(given: Any) -> Any:
    if not isinstance(given, (list, tuple)) or len(given) != 2:
        raise faulty(Fault(_SHAPE, _HINT))
    sides = tuple(tuple(side) if isinstance(side, (list, tuple)) else (side,) for side in given)
    for side in sides:
        for word in side:
            if not isinstance(word, str):
                raise faulty(Fault(f"needs words, and `{shown(word)}` is none", f'put it in quotes: "{shown(word)}"'))
        if not side:
            raise faulty(Fault(_SHAPE, _HINT))
    folded = [word.strip().casefold() for side in sides for word in side]
    if len(set(folded)) != len(folded) or "" in folded:
        raise faulty(Fault("needs words that are not empty and differ from each other (capitals do not count)", _HINT))
    return sides


_WORD = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
BooleanWords = Annotated[
    Words,
    BeforeValidator(_parse_words),
    WithJsonSchema({"type": "array", "items": _WORD, "minItems": 2, "maxItems": 2}),
]


def boolean_stage(words: Sequence[Sequence[str]], telling: Telling) -> Stage:
    """From words to true and false, whatever their case."""
    known = ", ".join(f"`{word}`" for side in words for word in side)
    return fallible(lambda x: boolean_sql(x, words), Kind.BOOLEAN, f"is none of {known}", telling)


def boolean_sql(sql: str, words: Sequence[Sequence[str]]) -> str:
    """SQL of true or false by the words for them; NULL for others."""
    sides = [texts([each.strip().lower() for each in side]) for side in words]
    word = f"lower({trimmed(sql)})"
    return f"CASE WHEN {word} IN ({sides[0]}) THEN TRUE WHEN {word} IN ({sides[1]}) THEN FALSE END"


def shown_boolean_sql(sql: str, words: Sequence[Sequence[str]]) -> str:
    """SQL of the first word for true or false."""
    return f"CASE {sql} WHEN TRUE THEN {literal(words[0][0])} WHEN FALSE THEN {literal(words[1][0])} END"

"""Salesforce's formula language, read: `IF(ISBLANK(Email), 0, 10) + Account.AnnualRevenue / 1000` as a tree.

What a formula means is in `formula_sql`. Operators, weakest first: `||`, `&&`, comparisons (`=` `==` `!=` `<>` `<` `<=`
`>` `>=`), `&` (texts), `+` `-`, `*` `/`, `^`, and before a value `-` and `!`. Texts stand in either kind of quotes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from sfsync.errors import UsageError

_TOKEN = re.compile(
    r"""\s*(?:/\*.*?\*/\s*)*(?:
        (?P<number>\d+(?:\.\d+)?|\.\d+)
      | (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<name>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)
      | (?P<sign>\|\||&&|==|!=|<>|<=|>=|[-+*/^&=<>!(),])
      | (?P<end>\Z)
    )""",
    re.VERBOSE | re.DOTALL,
)

#: Binary operators by how strongly they bind.
_BINDING = {
    **dict.fromkeys(("||",), 1),
    **dict.fromkeys(("&&",), 2),
    **dict.fromkeys(("=", "==", "!=", "<>", "<", "<=", ">", ">="), 3),
    **dict.fromkeys(("&",), 4),
    **dict.fromkeys(("+", "-"), 5),
    **dict.fromkeys(("*", "/"), 6),
    **dict.fromkeys(("^",), 7),
}
_SAME = {"==": "=", "<>": "!=", "&&": "AND", "||": "OR"}

#: Brackets within brackets that a formula may have.
_DEEPEST = 60

_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


@dataclass(frozen=True, slots=True)
class Constant:
    """A number, text, truth value or NULL."""

    value: Decimal | str | bool | None


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the record or of a parent."""

    path: str


@dataclass(frozen=True, slots=True)
class Apply:
    """A function or operator with its arguments; functions are in capitals."""

    name: str
    arguments: tuple[Node, ...]


Node: TypeAlias = Constant | Field | Apply


@dataclass(frozen=True, slots=True)
class Formula:
    """One formula, read.

    Attributes:
        text: As it was written.
        root: The tree.
    """

    text: str
    root: Node

    @property
    def fields(self) -> tuple[str, ...]:
        """The paths of all fields it reads, each once."""
        found = {node.path.casefold(): node.path for node in _walk(self.root) if isinstance(node, Field)}
        return tuple(found.values())

    @property
    def functions(self) -> frozenset[str]:
        """The functions and operators it uses."""
        return frozenset(node.name for node in _walk(self.root) if isinstance(node, Apply))


def read_formula(text: str) -> Formula:
    """A formula as a tree; raises UsageError with the place where it cannot be read."""
    reader = _Reader(text)
    root = reader.expression(0, 0)
    reader.expect("end", "")
    return Formula(text, root)


def _walk(node: Node) -> Iterator[Node]:
    yield node
    if isinstance(node, Apply):
        for argument in node.arguments:
            yield from _walk(argument)


class _Reader:
    """Tokens of a formula, taken one by one."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._kind, self._word, self._place = "", "", 0
        self._next = 0
        self._advance()

    def expression(self, weakest: int, depth: int) -> Node:
        """An expression of operators that bind more strongly than `weakest`."""
        if depth > _DEEPEST:
            raise self._wrong("it is nested too deeply")
        left = self._value(depth)
        while self._kind == "sign" and _BINDING.get(self._word, 0) > weakest:
            sign = self._word
            self._advance()
            right = self.expression(_BINDING[sign], depth + 1)
            left = Apply(_SAME.get(sign, sign), (left, right))
        return left

    def expect(self, kind: str, word: str) -> None:
        """Take this word, and nothing else."""
        if self._kind != kind or (word and self._word != word):
            raise self._wrong(f"`{word}` is missing" if word else f"`{self._word}` is not expected")
        self._advance()

    def _value(self, depth: int) -> Node:
        kind, word = self._kind, self._word
        self._advance()
        if kind == "number":
            return Constant(Decimal(word))
        if kind == "text":
            return Constant(
                re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), word[1:-1], flags=re.DOTALL)
            )
        if kind == "name":
            return self._named(word, depth)
        if kind == "sign" and word in "-+!":
            inner = self.expression(_BINDING["^"], depth + 1)
            return inner if word == "+" else Apply("NOT" if word == "!" else "negative", (inner,))
        if kind == "sign" and word == "(":
            inner = self.expression(0, depth + 1)
            self.expect("sign", ")")
            return inner
        raise self._wrong("a value is missing")

    def _named(self, name: str, depth: int) -> Node:
        constants: dict[str, Node] = {
            "TRUE": Constant(value=True),
            "FALSE": Constant(value=False),
            "NULL": Constant(None),
        }
        if self._word != "(" or self._kind != "sign":
            return constants.get(name.upper(), Field(name))
        self._advance()
        arguments: list[Node] = []
        while self._word != ")" or self._kind != "sign":
            if arguments:
                self.expect("sign", ",")
            arguments.append(self.expression(0, depth + 1))
        self._advance()
        return Apply(name.upper(), tuple(arguments))

    def _advance(self) -> None:
        found = _TOKEN.match(self._text, self._next)
        if found is None:
            self._place = self._next
            raise self._wrong("a character here means nothing")
        self._kind = str(found.lastgroup)
        self._word = found[self._kind]
        self._place, self._next = found.start(self._kind), found.end()

    def _wrong(self, what: str) -> UsageError:
        return UsageError(f"the formula `{self._text}` cannot be read: {what} (character {self._place + 1})")

"""Walks through the tokens of a SOQL text: looking ahead, taking what is expected, refusing the rest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sfsync.errors import SoqlError
from sfsync.soql.ast import FieldPath
from sfsync.soql.tokens import Kind, Token, tokenize

#: Words that cannot name a field, object or alias on their own; in a dotted path every word may.
# fmt: off
RESERVED = frozenset({
    "AND", "ASC", "AS", "BIND", "BY", "CUBE", "DESC", "ELSE", "EXCLUDES", "FALSE", "FIRST", "FOR", "FROM",
    "HAVING", "HIERARCHICAL", "IN", "INCLUDES", "LAST", "LIKE", "LIMIT", "LOOKUP", "NOT", "NULL", "NULLS",
    "OR", "ROLLUP", "SELECT", "TRUE", "UPDATE", "USING", "WHERE", "WITH",
})
# fmt: on

#: Parentheses, functions and subqueries inside one another; far beyond any real statement.
_DEEPEST = 50


class Cursor:
    """A position among the tokens."""

    def __init__(self, text: str) -> None:
        self._tokens = tokenize(text)
        self._position = 0
        self._depth = 0

    @property
    def next(self) -> Token:
        """The token that comes next, not taken yet."""
        return self._tokens[self._position]

    def ahead(self, distance: int) -> Token:
        """The token `distance` places behind the next one."""
        return self._tokens[min(self._position + distance, len(self._tokens) - 1)]

    def take(self) -> Token:
        """The next token, taken."""
        token = self.next
        if token.kind is not Kind.END:
            self._position += 1
        return token

    def sees(self, *words: str) -> bool:
        """Whether these keywords come next, in this order."""
        return all(self.ahead(distance).key == word for distance, word in enumerate(words))

    def sees_operator(self, *texts: str) -> bool:
        """Whether one of these operators or punctuation marks comes next."""
        return self.next.kind is Kind.OPERATOR and self.next.text in texts

    def accepts(self, *words: str) -> bool:
        """Take these keywords if they come next."""
        if not self.sees(*words):
            return False
        self._position += len(words)
        return True

    def accepts_operator(self, text: str) -> bool:
        """Take this operator or punctuation mark if it comes next."""
        if not self.sees_operator(text):
            return False
        self._position += 1
        return True

    def expect(self, word: str) -> Token:
        """Take this keyword, or raise."""
        if self.next.key != word:
            raise self.next.unexpected()
        return self.take()

    def expect_operator(self, text: str) -> Token:
        """Take this operator or punctuation mark, or raise."""
        if not self.sees_operator(text):
            raise self.next.unexpected()
        return self.take()

    def expect_end(self) -> None:
        """Raise unless everything is taken."""
        if self.next.kind is not Kind.END:
            raise self.next.unexpected()

    def sees_name(self) -> bool:
        """Whether the next token can name a field, object or alias."""
        return self.next.kind is Kind.NAME and self.next.key not in RESERVED

    def name(self) -> Token:
        """Take a name without dots, or raise."""
        if not self.sees_name() or "." in self.next.text:
            raise self.next.unexpected()
        return self.take()

    def path(self) -> FieldPath:
        """Take a name with or without dots, or raise."""
        if not self.sees_name():
            raise self.next.unexpected()
        token = self.take()
        return FieldPath(tuple(token.text.split(".")), place=token.place)

    @contextmanager
    def nested(self) -> Iterator[None]:
        """One level deeper for the time of the block; raises beyond any sane depth."""
        if self._depth >= _DEEPEST:
            raise self._too_deep()
        self._depth += 1
        yield
        self._depth -= 1

    def _too_deep(self) -> SoqlError:
        return self.next.place.error("The query is nested too deeply.")

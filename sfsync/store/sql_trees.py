"""SQL that other people wrote, as trees; text that is nested as nobody nests it is refused before it is read."""

from __future__ import annotations

from sqlglot import TokenType, exp
from sqlglot.dialects.dialect import Dialect

#: So many brackets may stand within each other. SQLGlot's compiled parser follows some of them without asking how much
#: room is left: some thousands end the process.
MOST_NESTED = 200

_OPENS = frozenset({TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE})
_CLOSES = frozenset({TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE})


def sql_trees(text: str, dialect: str) -> list[exp.Expr]:
    """The statements of an SQL text.

    Raises:
        sqlglot.errors.SqlglotError: It cannot be read.
        RecursionError: It is nested too deeply.
    """
    reader = Dialect.get_or_raise(dialect)
    tokens, depth = reader.tokenize(text), 0
    for token in tokens:
        depth += (token.token_type in _OPENS) - (token.token_type in _CLOSES)
        if depth > MOST_NESTED:
            raise RecursionError("brackets within brackets")
    return [tree for tree in reader.parser().parse(tokens, text) if tree is not None]

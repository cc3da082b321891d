"""What a finding says: a template with columns in braces, compiled to an SQL expression."""

from __future__ import annotations

import re

from sqlglot import exp

#: Longest value shown in a message; a description of a thousand words is not a message.
SHOWN_CHARACTERS = 200

_PART = re.compile(r"\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_]*)\}|[{}]")


def message_columns(template: str) -> tuple[str, ...]:
    """The columns a template names. Raises `ValueError` for a brace that is neither one nor doubled."""
    return tuple(part for is_column, part in _parts(template) if is_column)


def message_expression(template: str, relation: str) -> exp.Expr:
    """The template as an SQL text; a column without a value reads `(blank)`."""
    whole: exp.Expr | None = None
    for is_column, part in _parts(template):
        piece = _shown(exp.column(part, table=relation)) if is_column else exp.Literal.string(part)
        whole = piece if whole is None else exp.DPipe(this=whole, expression=piece, safe=True)
    return whole or exp.Literal.string("")


def _shown(column: exp.Column) -> exp.Expr:
    text = exp.cast(column, "VARCHAR")
    cut = exp.Substring(this=text, start=exp.Literal.number(1), length=exp.Literal.number(SHOWN_CHARACTERS))
    return exp.Coalesce(this=cut, expressions=[exp.Literal.string("(blank)")])


def _parts(template: str) -> list[tuple[bool, str]]:
    """(is a column, text) for each part, in order."""
    parts: list[tuple[bool, str]] = []
    end = 0
    for match in _PART.finditer(template):
        if match.start() > end:
            parts.append((False, template[end : match.start()]))
        token = match.group()
        if match.group(1) is not None:
            parts.append((True, match.group(1)))
        elif token in ("{{", "}}"):
            parts.append((False, token[0]))
        else:
            raise ValueError(f"a `{token}` stands alone: write `{token}{token}` for the character itself")
        end = match.end()
    if end < len(template):
        parts.append((False, template[end:]))
    return parts

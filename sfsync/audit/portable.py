"""The SQL a rule may be written in: one SELECT, of what every engine knows, about the mirror and nothing else.

The subset is a list of what is allowed, not of what is forbidden: an audit runs files that people copy from each other,
and must give the same findings on every engine. No clock, no randomness, no files, no table functions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from sqlglot import exp, tokenize
from sqlglot.errors import ParseError, SqlglotError

from sfsync.config.spelling import suggestion
from sfsync.store.sql_trees import sql_trees

#: The dialect rules are written in.
DIALECT = "duckdb"

#: Schemas a rule may read.
SCHEMAS = ("sf", "sf_all", "sf_history")

#: Functions of rules alone, expanded before the SQL runs, and how many values each takes.
MACROS: Mapping[str, int] = {"is_blank": 1, "local_date": 1, "business_hours": 2}

_CLOCKS = (
    *("now", "today", "current_date", "current_time", "current_timestamp", "get_current_time"),
    *("get_current_timestamp", "localtime", "localtimestamp", "transaction_timestamp"),
)

_STRUCTURE: tuple[type[exp.Expr], ...] = (
    *(exp.Select, exp.Union, exp.Except, exp.Intersect, exp.Subquery, exp.With, exp.CTE, exp.From, exp.Join),
    *(exp.Table, exp.TableAlias, exp.Values, exp.Tuple, exp.Where, exp.Group, exp.Having, exp.Order, exp.Ordered),
    *(exp.Distinct, exp.Alias, exp.Column, exp.Identifier, exp.Star, exp.Paren, exp.Placeholder, exp.Var),
    *(exp.Literal, exp.Boolean, exp.Null, exp.Interval, exp.DataType, exp.DataTypeParam),
)
_OPERATORS: tuple[type[exp.Expr], ...] = (
    *(exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Is, exp.In, exp.Between),
    *(exp.Like, exp.ILike, exp.NullSafeEQ, exp.NullSafeNEQ, exp.Escape, exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod),
    *(exp.Neg, exp.DPipe, exp.Case, exp.If, exp.Cast, exp.Exists, exp.Filter, exp.Window, exp.WindowSpec),
    exp.WithinGroup,
)
_FUNCTIONS: tuple[type[exp.Expr], ...] = (
    *(exp.Abs, exp.Avg, exp.Ceil, exp.Chr, exp.Coalesce, exp.Concat, exp.Count, exp.DateDiff, exp.DateTrunc),
    *(exp.DenseRank, exp.Extract, exp.FirstValue, exp.Floor, exp.Greatest, exp.Lag, exp.LastValue, exp.Lead, exp.Least),
    *(exp.Left, exp.Length, exp.Lower, exp.Max, exp.Min, exp.Nullif, exp.PercentileCont, exp.Rank, exp.RegexpLike),
    *(exp.RegexpReplace, exp.Replace, exp.Right, exp.Round, exp.RowNumber, exp.Sqrt, exp.StrPosition, exp.Substring),
    *(exp.Sum, exp.TimestampTrunc, exp.Translate, exp.Trim, exp.Upper),
)
_ALLOWED = frozenset((*_STRUCTURE, *_OPERATORS, *_FUNCTIONS))

#: Classes by name, Unicode properties, looking ahead and behind, and what has a name or holds on.
_UNCOMMON = re.compile(r"\[:\w+:\]|\\[pPAzZGKQE]|\(\?(?![:i]).?.?|[*+?}]\+")

#: What the parser notes about the place of a part.
_PLACE = frozenset({"line", "col", "start", "end"})

_FUNCTION_NAMES = (
    "business_hours",
    *("abs", "avg", "ceil", "chr", "coalesce", "concat", "count", "date_diff", "date_trunc", "dense_rank", "extract"),
    *("first_value", "floor", "greatest", "is_blank", "lag", "last_value", "lead", "least", "left", "length"),
    *("local_date", "lower", "max", "min", "nullif", "percentile_cont", "rank", "regexp_matches"),
    *("regexp_replace", "replace", "right", "round", "row_number", "sqrt", "strpos", "substring", "sum", "translate"),
    *("trim", "upper"),
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong in an SQL text, at its 1-based row and column (None where it has no one place)."""

    message: str
    hint: str | None = None
    row: int | None = None
    column: int | None = None


NESTED_TOO_DEEPLY = Fault("the SQL is nested too deeply")


class UnreadableSql(Exception):
    """The text is not one SELECT that can be read."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


def parse_select(text: str) -> exp.Query:
    """The query of a rule, as a tree of one's own to change. Raises `UnreadableSql`."""
    return read_select(text).copy()


@lru_cache(maxsize=2048)
def read_select(text: str) -> exp.Query:
    """The query of a rule, to be looked at and never changed. Raises `UnreadableSql`.

    Its parts have forgotten where they stood: half of what a copy takes is carrying that along.
    """
    query = placed_select(text)
    for node in query.walk():
        node.comments = None
        meta = node._meta  # noqa: SLF001 - reading `meta` would give every part a dictionary of its own
        if meta and not meta.keys() - _PLACE:
            node._meta = None  # noqa: SLF001
    return query


def placed_select(text: str) -> exp.Query:
    """The query of a rule, whose parts know where they stand in the text; see `Places`. Raises `UnreadableSql`."""
    try:
        statements = sql_trees(text, DIALECT)
    except ParseError as error:
        raise UnreadableSql(_parse_fault(error, text)) from error
    except SqlglotError as error:
        raise UnreadableSql(Fault("the SQL cannot be read: is a quote or comment left open?")) from error
    except RecursionError as error:
        raise UnreadableSql(NESTED_TOO_DEEPLY) from error
    if len(statements) != 1 or not isinstance(statements[0], exp.Select | exp.SetOperation):
        raise UnreadableSql(Fault("the SQL must be a single SELECT", "a rule only looks: it changes nothing"))
    return statements[0]


def _parse_fault(error: ParseError, text: str) -> Fault:
    first = error.errors[0] if error.errors else {}
    words = re.sub(r"<Token .*?, text: (.*?), line: .*?>", r"`\1`", str(first.get("description", "")), flags=re.DOTALL)
    row, column, highlight = first.get("line"), first.get("col"), str(first.get("highlight") or "")
    if isinstance(row, int) and isinstance(column, int):
        column = max(1, column - max(len(highlight), 1) + 1)  # SQLGlot counts to the end of the word
        return Fault(f"the SQL cannot be read: {words}", None, row, column)
    return Fault(f"the SQL cannot be read: {words or text[:40]}")


class Places:
    """Where things stand in an SQL text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._tokens = tokenize(text, dialect=DIALECT)

    def offset(self, start: int) -> tuple[int, int]:
        """Row and column of a character."""
        before = self.text[:start]
        return before.count("\n") + 1, start - (before.rfind("\n") + 1) + 1

    def word(self, *words: str) -> tuple[int | None, int | None]:
        """Row and column of the first of these words."""
        wanted = {word.casefold() for word in words}
        for token in self._tokens:
            if token.text.casefold() in wanted and self.text[token.start] != "'":
                return self.offset(token.start)
        return None, None

    def written(self, row: int | None, column: int | None, otherwise: str) -> str:
        """The word at this place, as the author wrote it."""
        if row is None or column is None:
            return otherwise
        word = re.match(r"\w+", self.text.split("\n")[row - 1][column - 1 :])
        return word.group() if word else otherwise

    def node(self, node: exp.Expr) -> tuple[int | None, int | None]:
        """Row and column where a part of the query begins, as far as the parser has kept it."""
        starts = [part.meta["start"] for part in node.find_all(exp.Identifier) if "start" in part.meta]
        return self.offset(min(starts)) if starts else (None, None)


def check_portable(query: exp.Query, places: Places) -> Iterator[Fault]:
    """Everything in the query that is outside of the subset."""
    for node in query.walk():
        fault = _node_fault(node, places)
        if fault is not None:
            yield fault


def _node_fault(node: exp.Expr, places: Places) -> Fault | None:
    if isinstance(node.parent, exp.Table) and node.arg_key == "this" and not isinstance(node, exp.Identifier):
        return None  # told of the table
    if isinstance(node, exp.Anonymous):
        return _call_fault(node, places)
    if type(node) in _ALLOWED or isinstance(node, exp.IgnoreNulls):
        return _argument_fault(node, places)
    names = _known_names(node) if isinstance(node, exp.Func) else ()
    if names and names[0].isidentifier():
        return _function_fault(names, places)
    return _construct_fault(node, places)


def _call_fault(call: exp.Anonymous, places: Places) -> Fault | None:
    if call.name.casefold() not in MACROS:
        return _function_fault((call.name.lower(),), places)
    wanted = MACROS[call.name.casefold()]
    if len(call.expressions) != wanted:
        values = "one value" if wanted == 1 else f"{wanted} values"
        return Fault(f"`{call.name}` takes {values}", None, *places.word(call.name))
    return None


def _known_names(node: exp.Func) -> tuple[str, ...]:
    return (node.sql(dialect=DIALECT).partition("(")[0].strip().lower(), *(n.lower() for n in node.sql_names()))


def _function_fault(names: tuple[str, ...], places: Places) -> Fault:
    row, column = places.word(*names, *(_CLOCKS if set(names) & set(_CLOCKS) else ()))
    name = places.written(row, column, names[0]).lower()
    if set(names) & set(_CLOCKS):
        message = f"`{name}` reads the clock, but a rule judges the mirror as of the mirror's own time"
        return Fault(message, "write $as_of (a timestamp, UTC) or $today (a date in the org's time zone)", row, column)
    return Fault(
        f"the function `{name}` is not in the portable subset",
        suggestion(name, _FUNCTION_NAMES) or f"known: {', '.join(_FUNCTION_NAMES)}",
        row,
        column,
    )


def _construct_fault(node: exp.Expr, places: Places) -> Fault:
    if isinstance(node, exp.Limit | exp.Offset):
        word = node.key.upper()
        return Fault(f"{word} would leave out findings", "remove it", *places.word(word))
    snippet = " ".join(node.sql(dialect=DIALECT).split())
    shown = snippet if len(snippet) <= 40 else snippet[:39] + "…"
    return Fault(f"`{shown}` is not in the portable subset", "not every engine knows it", *places.node(node))


def _argument_fault(node: exp.Expr, places: Places) -> Fault | None:
    """What is wrong with a construct that is allowed only in its plain form."""
    plain = "is not in the portable subset"
    found: Fault | None = None
    match node:
        case exp.Distinct() if node.args.get("on") is not None:
            found = Fault(f"DISTINCT ON {plain}", "use ROW_NUMBER()", *places.word("distinct"))
        case exp.With() if node.args.get("recursive"):
            found = Fault(f"WITH RECURSIVE {plain}", None, *places.word("recursive"))
        case exp.DataType() if node.args.get("nested"):
            found = Fault(f"a nested type {plain}", None, *places.node(node))
        case exp.Join() if kind := node.method or (node.kind.upper() in ("SEMI", "ANTI") and node.kind):
            found = Fault(f"{kind} JOIN {plain}", "use EXISTS or NOT EXISTS", *places.word(kind))
        case exp.Placeholder() if not node.name.isidentifier():
            found = Fault("only named parameters like `$as_of` are known", None, *places.word("?"))
        case exp.Table() if not isinstance(node.this, exp.Identifier):
            found = Fault("a rule reads tables of the mirror, not functions", None, *places.node(node))
        case _:
            found = _meaning_fault(node, places)
    return found


def _meaning_fault(node: exp.Expr, places: Places) -> Fault | None:
    """What engines take for different things, or one of them does not know."""
    plain = "is not in the portable subset"
    found: Fault | None = None
    match node:
        case exp.IgnoreNulls():
            hint = "leave the rows without a value out in a sub-query"
            found = Fault(f"IGNORE NULLS {plain}", hint, *places.word("ignore"))
        case exp.DateDiff() if node.unit is not None and node.unit.name.upper().startswith("WEEK"):
            found = Fault(f"counting weeks {plain}", "count days, and divide by 7", *places.word("date_diff"))
        case exp.Substring() if isinstance(node.args.get("start"), exp.Neg):
            found = Fault(f"counting from the end {plain}", "use RIGHT(text, number)", *places.word("substring"))
        case exp.RegexpLike() | exp.RegexpReplace():
            found = _pattern_fault(node.expression, places)
    return found


def _pattern_fault(pattern: exp.Expr, places: Places) -> Fault | None:
    """What is in a regular expression that engines read differently, or not at all."""
    found = _UNCOMMON.search(pattern.this) if isinstance(pattern, exp.Literal) and pattern.is_string else None
    if found is None:
        return None
    message = f"`{found.group()}` in a regular expression is not in the portable subset"
    return Fault(message, "name the characters: [A-Za-z0-9]", *places.word("regexp_matches", "regexp_replace"))

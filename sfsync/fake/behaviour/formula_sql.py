"""What a formula means, in SQL over the fields it reads.

As in Salesforce: text compares exactly, an empty text and no text are the same, missing numbers count as zero unless
the field says otherwise, percent fields are fractions, picklists are read through TEXT, CASE and ISPICKVAL, dates and
numbers add up to dates, and what cannot be calculated (a division by zero) is empty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from sfsync.errors import UsageError
from sfsync.fake.behaviour.formula import Apply, Constant, Field, Formula, Node
from sfsync.fake.behaviour.formula_functions import (
    DATE,
    DATETIME,
    FUNCTIONS,
    MULTIPICKLIST,
    NOTHING,
    NUMBER,
    PICKLIST,
    TEXT,
    TRUTH,
    Function,
    Moment,
    Value,
)
from sfsync.fake.catalog import FieldFacts
from sfsync.soql.sql_literals import number_literal, text_literal

__all__ = ["Moment", "Value", "formula_sql"]

#: Describe type → kind of value in a formula; every other type is text.
_KINDS = {
    **dict.fromkeys(("double", "currency", "percent", "int", "long"), NUMBER),
    "boolean": TRUTH,
    "date": DATE,
    "datetime": DATETIME,
    "picklist": PICKLIST,
    "multipicklist": MULTIPICKLIST,
}

_ORDERINGS = frozenset({"<", "<=", ">", ">="})
_DAY_IN_MICROSECONDS = "86400000000"

#: Longest text that a formula may give.
_LONGEST_TEXT = 1300


def formula_sql(formula: Formula, field: FieldFacts, columns: Mapping[str, Value], moment: Moment) -> str:
    """The SQL expression for a formula field's value; raises UsageError for a formula that makes no sense.

    Args:
        formula: The formula.
        field: The field; it decides the type and scale of the value, and what a missing number is.
        columns: Path of a field in lower case → its SQL and describe type.
        moment: When and where it is calculated.
    """
    writer = _Writer(formula, columns, moment, blanks_are_zero=field.has("Z"))
    wanted = _KINDS.get(field.type, TEXT)
    sql = writer.of(formula.root, wanted)
    if wanted == NUMBER:
        factor = " * 100" if field.type == "percent" else ""
        number = f"TRY(round(CAST({sql}{factor} AS DOUBLE), {field.scale}))"
        return f"CASE WHEN isfinite({number}) THEN {number} END"
    if wanted == TRUTH:
        return f"coalesce(TRY({sql}), false)"
    if wanted == TEXT:
        return f"TRY(nullif(left({sql}, {_LONGEST_TEXT}), ''))"
    return f"TRY(CAST({sql} AS {'DATE' if wanted == DATE else 'TIMESTAMP'}))"


class _Writer:
    """One formula on its way to SQL."""

    def __init__(
        self, formula: Formula, columns: Mapping[str, Value], moment: Moment, *, blanks_are_zero: bool
    ) -> None:
        self._formula = formula
        self._columns = columns
        self._functions = {**FUNCTIONS, **moment.functions()}
        self._moment = moment
        self._zero = blanks_are_zero
        self._special = {
            "IF": self._if,
            "CASE": self._case,
            "AND": self._and_or,
            "OR": self._and_or,
            "NOT": self._not,
            "ISBLANK": self._is_blank,
            "ISNULL": self._is_blank,
            "BLANKVALUE": self._blank_value,
            "NULLVALUE": self._blank_value,
            "TEXT": self._text,
            "MIN": self._least_most,
            "MAX": self._least_most,
            "+": self._plus,
            "-": self._minus,
            **dict.fromkeys(("=", "!=", *_ORDERINGS), self._compare),
        }

    def of(self, node: Node, kind: str, where: str = "") -> str:
        """The SQL of a part that has to be of this kind; texts and truth values are never NULL."""
        value = self.value(node)
        if kind in {TEXT, PICKLIST, MULTIPICKLIST} and value.kind in {kind, NOTHING}:
            return f"coalesce({value.sql}, '')"
        if value.kind not in {kind, NOTHING}:
            at = f" for `{where}`" if where else ""
            raise self._wrong(f"expected {kind}, received {value.kind}{at}")
        return f"coalesce({value.sql}, false)" if kind == TRUTH else value.sql

    def value(self, node: Node) -> Value:
        """A part of the formula."""
        if isinstance(node, Constant):
            return _constant(node.value)
        if isinstance(node, Field):
            return self._field(self._columns[node.path.casefold()])
        special = self._special.get(node.name)
        if special is not None:
            return special(node)
        function = self._functions.get(node.name)
        if function is None:
            raise self._wrong(f"the function {node.name} is not known here")
        return self._call(node, function)

    def _field(self, column: Value) -> Value:
        kind = _KINDS.get(column.kind, TEXT)
        sql = column.sql
        if kind == NUMBER:
            sql = f"CAST({sql} AS DOUBLE)"
            if column.kind == "percent":
                sql = f"({sql} / 100)"
            if self._zero:
                sql = f"coalesce({sql}, 0)"
        return Value(sql, kind)

    def _call(self, node: Apply, function: Function) -> Value:
        self._count(node, len(function.takes), len(function.takes))
        arguments = [self.of(one, kind, node.name) for one, kind in zip(node.arguments, function.takes, strict=True)]
        return Value(function.sql.format(*arguments), function.gives)

    def _if(self, node: Apply) -> Value:
        self._count(node, 3, 3)
        test = self.of(node.arguments[0], TRUTH, "IF")
        then, otherwise = self._alike(node.arguments[1:], "IF")
        return Value(f"CASE WHEN {test} THEN {then.sql} ELSE {otherwise.sql} END", _common((then, otherwise)))

    def _case(self, node: Apply) -> Value:
        self._count(node, 4, None)
        if len(node.arguments) % 2:
            raise self._wrong("CASE takes a value, pairs of a case and its result, and a result for everything else")
        subject, *rest = node.arguments
        cases, results = rest[:-1:2], self._alike([*rest[1:-1:2], rest[-1]], "CASE")
        whens = " ".join(
            f"WHEN {self._equal(self._as_text(self.value(subject)), self._as_text(self.value(one)))} THEN {result.sql}"
            for one, result in zip(cases, results, strict=False)
        )
        return Value(f"CASE {whens} ELSE {results[-1].sql} END", _common(results))

    def _and_or(self, node: Apply) -> Value:
        self._count(node, 1, None)
        parts = [self.of(one, TRUTH, node.name) for one in node.arguments]
        return Value(f"({f' {node.name} '.join(parts)})", TRUTH)

    def _not(self, node: Apply) -> Value:
        self._count(node, 1, 1)
        return Value(f"(NOT {self.of(node.arguments[0], TRUTH, 'NOT')})", TRUTH)

    def _is_blank(self, node: Apply) -> Value:
        self._count(node, 1, 1)
        value = self.value(node.arguments[0])
        empty = f" OR {value.sql} = ''" if value.kind in {TEXT, PICKLIST, MULTIPICKLIST} else ""
        return Value(f"({value.sql} IS NULL{empty})", TRUTH)

    def _blank_value(self, node: Apply) -> Value:
        self._count(node, 2, 2)
        value, fallback = self._alike(node.arguments, node.name)
        kind = _common((value, fallback))
        given = f"nullif({value.sql}, '')" if kind == TEXT else value.sql
        return Value(f"coalesce({given}, {fallback.sql})", kind)

    def _text(self, node: Apply) -> Value:
        self._count(node, 1, 1)
        value = self.value(node.arguments[0])
        if value.kind == NUMBER:
            sql = f"regexp_replace(CAST({value.sql} AS VARCHAR), '\\.0$', '')"
        elif value.kind == DATETIME:
            sql = f"strftime({value.sql}, '%Y-%m-%d %H:%M:%SZ')"
        else:
            sql = f"CAST({value.sql} AS VARCHAR)"
        return Value(sql, TEXT)

    def _least_most(self, node: Apply) -> Value:
        self._count(node, 1, None)
        listed = ", ".join(self.of(one, NUMBER, node.name) for one in node.arguments)
        return Value(f"{'least' if node.name == 'MIN' else 'greatest'}({listed})", NUMBER)

    def _plus(self, node: Apply) -> Value:
        left, right = (self.value(one) for one in node.arguments)
        if TEXT in {left.kind, right.kind}:
            return self._call(Apply("&", node.arguments), FUNCTIONS["&"])
        if right.kind in {DATE, DATETIME}:
            left, right = right, left
        return self._moved(left, right, "+")

    def _minus(self, node: Apply) -> Value:
        left, right = (self.value(one) for one in node.arguments)
        if left.kind == right.kind == DATE:
            return Value(f"CAST({left.sql} - {right.sql} AS DOUBLE)", NUMBER)
        if left.kind == right.kind == DATETIME:
            return Value(f"(date_diff('microsecond', {right.sql}, {left.sql}) / {_DAY_IN_MICROSECONDS})", NUMBER)
        return self._moved(left, right, "-")

    def _moved(self, left: Value, right: Value, sign: str) -> Value:
        """A number, date or moment, moved by a number (of days)."""
        if right.kind not in {NUMBER, NOTHING} or left.kind not in {NUMBER, NOTHING, DATE, DATETIME}:
            raise self._wrong(f"{left.kind} {sign} {right.kind} makes no sense")
        if left.kind == DATE:
            return Value(f"({left.sql} {sign} CAST(trunc({right.sql}) AS INTEGER))", DATE)
        if left.kind == DATETIME:
            days = f"to_microseconds(CAST({right.sql} * {_DAY_IN_MICROSECONDS} AS BIGINT))"
            return Value(f"({left.sql} {sign} {days})", DATETIME)
        return Value(f"({left.sql} {sign} {right.sql})", NUMBER)

    def _compare(self, node: Apply) -> Value:
        left, right = (self.value(one) for one in node.arguments)
        if PICKLIST in {left.kind, right.kind}:
            raise self._wrong("picklist fields are only supported in certain functions: use TEXT, CASE or ISPICKVAL")
        if node.name in _ORDERINGS:
            self._alike(node.arguments, node.name)
            return Value(f"({left.sql} {node.name} {right.sql})", TRUTH)
        equal = self._equal(left, right)
        return Value(equal if node.name == "=" else f"(NOT {equal})", TRUTH)

    def _equal(self, left: Value, right: Value) -> str:
        kinds = {left.kind, right.kind} - {NOTHING}
        if len(kinds) > 1:
            raise self._wrong(f"{left.kind} cannot be compared with {right.kind}")
        if kinds == {TEXT}:
            return f"(coalesce({left.sql}, '') = coalesce({right.sql}, ''))"
        return f"({left.sql} IS NOT DISTINCT FROM {right.sql})"

    def _as_text(self, value: Value) -> Value:
        return Value(value.sql, TEXT) if value.kind == PICKLIST else value

    def _alike(self, nodes: Sequence[Node], where: str) -> list[Value]:
        """Parts that have to be of one kind."""
        values = [self.value(node) for node in nodes]
        kinds = {value.kind for value in values} - {NOTHING}
        if len(kinds) > 1:
            raise self._wrong(f"`{where}` is given {' and '.join(sorted(kinds))}, which should be of one kind")
        return values

    def _count(self, node: Apply, least: int, most: int | None) -> None:
        given = len(node.arguments)
        if given < least or (most is not None and given > most):
            raise self._wrong(f"{node.name} takes {least} arguments, not {given}")

    def _wrong(self, what: str) -> UsageError:
        return UsageError(f"the formula `{self._formula.text}` cannot be used: {what}")


def _common(values: Sequence[Value]) -> str:
    return next((value.kind for value in values if value.kind != NOTHING), NOTHING)


def _constant(value: Decimal | str | bool | None) -> Value:
    if value is None:
        return Value("NULL", NOTHING)
    if isinstance(value, bool):
        return Value("true" if value else "false", TRUTH)
    if isinstance(value, str):
        return Value(text_literal(value), TEXT)
    return Value(f"CAST({number_literal(value)} AS DOUBLE)", NUMBER)

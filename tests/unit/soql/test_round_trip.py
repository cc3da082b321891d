"""Whatever the grammar can say is written and read back unchanged, and nothing at all breaks the reader."""

from __future__ import annotations

import string
from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sfsync.errors import SoqlError
from sfsync.soql import ast, parse, parse_condition, render
from sfsync.soql.cursor import RESERVED
from sfsync.soql.dates import COUNTED_DATE_LITERALS, DATE_LITERALS

#: Words that a reader may take for a clause, a function or a value where a name stands.
SPECIAL = (
    RESERVED | DATE_LITERALS | {"FIELDS", "DISTANCE", "GEOLOCATION", "TYPEOF", "COUNT", "GROUP", "ORDER", "OFFSET"}
)

names = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,8}", fullmatch=True).filter(lambda name: name.upper() not in SPECIAL)
paths = st.builds(ast.FieldPath, st.lists(names, min_size=1, max_size=4).map(tuple))
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
pattern_pieces = st.sampled_from(["%", "_", r"\%", r"\_", r"\\", "'", "é", "a", " ", "\n"])
patterns = st.builds(ast.LikePattern, st.lists(pattern_pieces, max_size=8).map("".join))
decimals = st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9), max_value=10**9)
moments = st.datetimes(datetime(1700, 1, 1), datetime(4000, 12, 31)).map(lambda moment: moment.replace(tzinfo=UTC))
values = st.one_of(
    st.builds(ast.StringValue, texts),
    st.builds(ast.NumberValue, decimals),
    st.builds(ast.CurrencyValue, st.sampled_from(["USD", "EUR"]), decimals),
    st.builds(ast.BooleanValue, st.booleans()),
    st.just(ast.NullValue()),
    st.builds(ast.DateValue, st.dates(date(1700, 1, 1), date(4000, 12, 31))),
    st.builds(ast.DateTimeValue, moments),
    st.builds(ast.TimeValue, st.times()),
    st.builds(ast.DateLiteral, st.sampled_from(sorted(DATE_LITERALS))),
    st.builds(ast.DateLiteral, st.sampled_from(sorted(COUNTED_DATE_LITERALS)), st.integers(0, 9999)),
)
distances = st.builds(
    lambda path, latitude, longitude, unit: ast.Call(
        "DISTANCE",
        (path, ast.Call("GEOLOCATION", (ast.NumberValue(latitude), ast.NumberValue(longitude))), ast.StringValue(unit)),
    ),
    paths,
    decimals,
    decimals,
    st.sampled_from(["mi", "km"]),
)
calls = st.one_of(
    distances,
    st.builds(lambda name, inner: ast.Call(name, (inner,)), names, paths),
    st.builds(lambda name, other, inner: ast.Call(name, (ast.Call(other, (inner,)),)), names, names, paths),
)
expressions = st.one_of(paths, calls)
value_lists = st.lists(values, min_size=1, max_size=3).map(tuple)
aliases = st.none() | names
sources = st.builds(ast.Source, paths, aliases)


def semi_joins(conditions: st.SearchStrategy[ast.Condition]) -> st.SearchStrategy[ast.SemiJoin]:
    inner = st.builds(
        lambda what, source, where: ast.Query((ast.Selected(what),), (source,), where=where),
        expressions,
        sources,
        st.none() | conditions,
    )
    return st.builds(ast.SemiJoin, expressions, st.booleans(), inner)


simple_conditions = st.one_of(
    st.builds(ast.Comparison, expressions, st.sampled_from(["=", "!=", "<", "<=", ">", ">="]), values),
    st.builds(ast.Comparison, expressions, st.just("LIKE"), patterns),
    st.builds(ast.Membership, expressions, st.sampled_from(["IN", "NOT IN", "INCLUDES", "EXCLUDES"]), value_lists),
)
conditions: st.SearchStrategy[ast.Condition] = st.recursive(
    simple_conditions,
    lambda inner: st.one_of(
        st.builds(ast.And, st.lists(inner, min_size=2, max_size=3).map(tuple)),
        st.builds(ast.Or, st.lists(inner, min_size=2, max_size=3).map(tuple)),
        st.builds(ast.Not, inner),
        semi_joins(inner),
    ),
    max_leaves=6,
)
type_ofs = st.builds(
    ast.TypeOf,
    paths,
    st.lists(
        st.builds(ast.When, names, st.lists(paths, min_size=1, max_size=2).map(tuple)), min_size=1, max_size=2
    ).map(tuple),
    st.lists(paths, max_size=2).map(tuple),
)
withs = st.one_of(
    st.builds(ast.WithFlag, names),
    st.builds(ast.WithFilter, names, texts),
    st.builds(ast.WithContext, names, st.lists(st.tuples(names, values), min_size=1, max_size=2).map(tuple)),
    st.builds(
        ast.WithDataCategories,
        st.lists(
            st.builds(
                ast.DataCategory,
                names,
                st.sampled_from(["AT", "ABOVE", "BELOW", "ABOVE_OR_BELOW"]),
                st.lists(names, min_size=1, max_size=2).map(tuple),
            ),
            min_size=1,
            max_size=2,
        ).map(tuple),
    ),
).filter(lambda clause: getattr(clause, "name", "x").upper() != "DATA")


def queries(*children: st.SearchStrategy[ast.ChildQuery]) -> st.SearchStrategy[ast.Query]:
    selectables = st.one_of(
        expressions,
        st.builds(ast.FieldsOf, st.sampled_from(["ALL", "STANDARD", "CUSTOM"])),
        type_ofs,
        *children,
    )
    select = st.lists(st.builds(ast.Selected, selectables, aliases), min_size=1, max_size=3).map(tuple)
    grouped = st.builds(
        ast.GroupBy, st.lists(expressions, min_size=1, max_size=2).map(tuple), st.sampled_from(["", "ROLLUP", "CUBE"])
    )
    groups = st.one_of(st.just((None, None)), st.tuples(grouped, st.none() | conditions))
    return st.builds(
        lambda groups, **clauses: ast.Query(group_by=groups[0], having=groups[1], **clauses),
        groups,
        select=select | st.just((ast.Selected(ast.Call("COUNT")),)),
        sources=st.lists(sources, min_size=1, max_size=2).map(tuple),
        scope=st.none() | names,
        where=st.none() | conditions,
        with_clauses=st.lists(withs, max_size=2).map(tuple),
        order_by=st.lists(st.builds(ast.OrderBy, expressions, st.booleans(), st.booleans()), max_size=2).map(tuple),
        limit=st.none() | st.integers(-10, 10**6),
        offset=st.none() | st.integers(-10, 10**6),
        purpose=st.sampled_from([None, "VIEW", "REFERENCE"]),
        update=st.sampled_from([(), ("TRACKING",), ("TRACKING", "VIEWSTAT")]),
    )


RELAXED = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@RELAXED
@given(queries(st.builds(ast.ChildQuery, queries())))
def test_a_statement_that_is_written_and_read_back_is_the_same(query: ast.Query):
    assert parse(render(query)) == query


@RELAXED
@given(conditions)
@example(ast.Comparison(ast.FieldPath(("A",)), "=", ast.StringValue("\\'\n\r\t\b\f\x00\u2028")))
@example(ast.Comparison(ast.FieldPath(("A",)), "=", ast.NumberValue(Decimal("1E+5"))))
@example(ast.Comparison(ast.FieldPath(("A",)), "=", ast.TimeValue(time(23, 59, 59, 999999))))
def test_a_condition_that_is_written_and_read_back_is_the_same(condition: ast.Condition):
    assert parse_condition(render(condition)) == condition


WORDS = (
    "SELECT FROM WHERE AND OR NOT IN LIKE INCLUDES GROUP BY ROLLUP HAVING ORDER ASC NULLS FIRST LIMIT OFFSET FOR VIEW"
    " UPDATE COUNT() MAX( TYPEOF WHEN THEN END FIELDS(ALL) USING SCOPE WITH DATA CATEGORY Id A.B Lead ( ) , = != <> <="
    " 'a' 'it\\'s' '\\ '\\u00e9' ' 5 -1 .5 1e5 2024-01-01 2024-13-01T00:00:00Z 10:00:00Z TODAY LAST_N_DAYS:3 true null"
    " USD5 USD-5 : :x * ; \" \\ \n \t \u00a0 é 😀 \x00 DISTANCE(A,GEOLOCATION(1,2),'mi') --"
)
soups = st.lists(st.sampled_from(WORDS.split(" ")), max_size=25).map(" ".join)


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.text(max_size=60), st.text(string.printable, max_size=60), soups))
@example("SELECT Id FROM Lead WHERE A = '\ud800'")
@example("SELECT Id FROM Lead WHERE A = ٣")
@example("SELECT Id FROM Lead WHERE A = LAST_N_DAYS:" + "9" * 5000)
@example("SELECT Id FROM Lead LIMIT " + "9" * 5000)
@example("SELECT Id FROM Lead WHERE A = " + "9" * 5000)
def test_no_text_breaks_the_reader(text: str):
    refusals = []
    for read in (parse, parse_condition):
        try:
            read(text)
        except SoqlError as error:
            refusals.append(error)
    assert all(error.code == "MALFORMED_QUERY" and error.message for error in refusals)


def test_only_parts_of_a_tree_can_be_written():
    with pytest.raises(TypeError):
        render("SELECT Id FROM Lead")

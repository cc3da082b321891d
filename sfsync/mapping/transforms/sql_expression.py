"""An SQL expression of yours as the source of a field: one value a row, from that row's columns and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlglot import exp
from sqlglot.errors import SqlglotError

from sfsync.config.spelling import shown
from sfsync.mapping.transforms.computed import UnusableExpression
from sfsync.store.sql_trees import sql_trees

#: They would answer differently each time (a plan must not), or reach outside the row.
_FORBIDDEN_FUNCTIONS = frozenset(
    {
        *(
            "random",
            "rand",
            "uuid",
            "gen_random_uuid",
            "uuidv4",
            "uuidv7",
            "setseed",
            "now",
            "today",
            "get_current_time",
        ),
        *(
            "current_timestamp",
            "get_current_timestamp",
            "transaction_timestamp",
            "current_localtimestamp",
            "txid_current",
        ),
        *("current_date", "current_time", "localtime", "localtimestamp", "current_localtime"),
        *("getenv", "getvariable", "current_setting", "nextval", "currval", "current_user", "session_user", "user"),
        *("current_database", "current_schema", "current_schemas", "current_query", "version", "pg_read_file"),
        *("error", "query", "query_table", "sleep_ms", "pg_sleep", "write_log", "unnest", "generate_subscripts"),
        *("read_text", "read_blob", "read_csv", "read_parquet", "read_json", "which_secret", "hash"),
    }
)
_FORBIDDEN_NODES: dict[type, str] = {
    exp.Query: "a query of its own",
    exp.Subquery: "a query of its own",
    exp.Table: "a table",
    exp.Window: "a window",
    exp.AggFunc: "an aggregate, and an expression is about one row",
    exp.Star: "`*`",
    exp.Parameter: "a parameter",
    exp.Placeholder: "a parameter",
    exp.Rand: "a function whose answer changes",
    exp.CurrentDate: "a function whose answer changes",
    exp.CurrentTimestamp: "a function whose answer changes",
    exp.CurrentTime: "a function whose answer changes",
    exp.Unnest: "a list in the place of one value",
    exp.Explode: "a list in the place of one value",
}


@dataclass(frozen=True, slots=True)
class SqlExpression:
    """A checked expression.

    Attributes:
        text: As the mapping has it.
        columns: The columns it reads, as they are written.
    """

    text: str
    columns: tuple[str, ...]

    def sql(self, source_columns: Mapping[str, str]) -> str:
        """The expression over the alias `source`; `source_columns` is casefolded name → name."""
        tree = _parsed(self.text)

        def bound(node: exp.Expression) -> exp.Expression:
            if isinstance(node, exp.Column) and not _is_bound_variable(node):
                name = source_columns[node.name.casefold()]
                return exp.column(exp.to_identifier(name, quoted=True), table=exp.to_identifier("source", quoted=True))
            return node

        return tree.transform(bound).sql("duckdb")


def read_expression(text: str) -> SqlExpression:
    """An expression that reads one row's columns only. Raises `UnusableExpression`."""
    tree = _parsed(text)
    for node in tree.walk():
        for kind, name in _FORBIDDEN_NODES.items():
            if isinstance(node, kind):
                raise UnusableExpression(f"an expression may not hold {name}")
        if isinstance(node, exp.Func):
            name = (node.name if isinstance(node, exp.Anonymous) else node.sql_name()).casefold()
            # `age` of one time counts from the day on which it is asked.
            if name in _FORBIDDEN_FUNCTIONS or (name == "age" and len(node.expressions) == 1):
                raise UnusableExpression(f"an expression may not call `{shown(name)}`")
    return SqlExpression(text, tuple(dict.fromkeys(_columns(tree))))


def _columns(tree: exp.Expression) -> Iterator[str]:
    for node in tree.find_all(exp.Column, bfs=False):
        if _is_bound_variable(node):
            continue
        if node.table and node.table.casefold() != "source":
            raise UnusableExpression(f"`{shown(node.sql())}` is no column of the source")
        yield node.name


def _is_bound_variable(node: exp.Column) -> bool:
    """Whether a name is the variable of a lambda around it."""
    found = node.find_ancestor(exp.Lambda)
    while found is not None:
        if node.name in {each.name for each in found.expressions}:
            return True
        found = found.find_ancestor(exp.Lambda)
    return False


def _parsed(text: str) -> exp.Expression:
    try:
        statements = sql_trees(f"SELECT {text}", "duckdb")
    except SqlglotError as error:
        first = str(error).splitlines()[0].partition(". Line")[0]
        raise UnusableExpression(f"the expression cannot be read: {first}") from None
    except RecursionError:
        raise UnusableExpression("the expression is nested too deeply") from None
    only = statements[0] if len(statements) == 1 else None
    if (
        not isinstance(only, exp.Select)
        or len(only.expressions) != 1
        or any(value for key, value in only.args.items() if key not in ("expressions", "kind", "hint") and value)
    ):
        raise UnusableExpression("should be one expression, like `first_name || ' ' || last_name`")
    tree = only.expressions[0]
    if isinstance(tree, exp.Alias):
        raise UnusableExpression("an expression needs no name (`AS`)")
    found: exp.Expression = tree
    return found

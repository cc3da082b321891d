"""The query of a source, when it is one."""

from __future__ import annotations

import sqlglot
from sqlglot import exp

from sfsync.config.spelling import shown
from sfsync.mapping.source_spec import SourceSpec
from sfsync.sync.source.faults import unreadable


def one_query(spec: SourceSpec) -> str:
    """The query, when it is one SELECT; anything else would change what it is asked of.

    Raises:
        SourceError: It is none.
    """
    text = (spec.query or "").strip().rstrip(";")
    dialect = "postgres" if (spec.database or "").startswith(("postgres:", "postgresql:")) else "duckdb"
    try:
        statements = sqlglot.parse(text, dialect=dialect)
    except sqlglot.errors.SqlglotError as error:
        message = f"the query cannot be read: {shown(str(error).splitlines()[0], 200)}"
        raise unreadable("query", message) from None
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise unreadable("query", "it is not one SELECT", "write one query; a push reads its rows")
    return text

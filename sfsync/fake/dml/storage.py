"""Rows of typed Python values into and out of the org's tables: one statement a batch, however many rows."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import orjson

from sfsync.fake.catalog import ObjectFacts
from sfsync.fake.database import Cursor, OrgDatabase, run, sql_type
from sfsync.fake.sql_names import literal, quote

#: Up to so many rows go as parameters of one statement; more go as one JSON text that the database takes apart.
_FEW = 4

_STAGED = "staged_writes"


def read_rows(cursor: Cursor, facts: ObjectFacts, ids: Collection[str]) -> dict[str, dict[str, Any]]:
    """The stored values of records by Id, deleted ones too; Ids that no record has are left out."""
    if not ids:
        return {}
    condition, values = among('"Id"', ids)
    run(cursor, f"SELECT * FROM {quote(facts.name)} WHERE {condition}", values)
    names = [column[0] for column in cursor.description or ()]
    place = names.index("Id")
    return {row[place]: dict(zip(names, row, strict=True)) for row in cursor.fetchall()}


def among(sql: str, values: Collection[Any]) -> tuple[str, list[Any]]:
    """The condition that an expression has one of these text values, and its parameters."""
    if len(values) == 1:
        return f"{sql} = ?", list(values)
    return f"{sql} IN (SELECT unnest(?::VARCHAR[]))", [list(values)]


def add_rows(database: OrgDatabase, cursor: Cursor, facts: ObjectFacts, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add rows that are seldom looked at: a few of them wait until somebody does."""
    if len(rows) <= _FEW:
        database.defer(facts.name, rows, partial(_insert, facts))
    else:
        insert_rows(cursor, facts, rows)


def _insert(facts: ObjectFacts, cursor: Cursor, rows: Sequence[Mapping[str, Any]]) -> None:
    insert_rows(cursor, facts, rows)


def insert_rows(cursor: Cursor, facts: ObjectFacts, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add rows; a column that a row does not mention stays empty."""
    if not rows:
        return
    used = {name for row in rows for name, value in row.items() if value is not None}
    columns = [f.name for f in facts.stored_fields if f.name in used]
    listed = ", ".join(map(quote, columns))
    if len(rows) <= _FEW:
        marks = ", ".join("?" * len(columns))
        # One row as a SELECT: VALUES take a quarter longer.
        every = f"SELECT {marks}" if len(rows) == 1 else f"VALUES {', '.join([f'({marks})'] * len(rows))}"
        values = [row.get(name) for row in rows for name in columns]
        run(cursor, f"INSERT INTO {quote(facts.name)} ({listed}) {every}", values)
        return
    source, text = _staged(facts, columns, rows)
    run(cursor, f"INSERT INTO {quote(facts.name)} ({listed}) SELECT {listed} FROM ({source})", [text])


def update_rows(cursor: Cursor, facts: ObjectFacts, columns: Iterable[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Set these columns of the records that the rows' Ids name to the rows' values."""
    changing = [name for name in columns if name != "Id"]
    if not rows or not changing:
        return
    if len(rows) <= _FEW:
        assignments = ", ".join(f"{quote(name)} = ?" for name in changing)
        for row in rows:
            values = [*(row[name] for name in changing), row["Id"]]
            run(cursor, f'UPDATE {quote(facts.name)} SET {assignments} WHERE "Id" = ?', values)
        return
    source, text = _staged(facts, ["Id", *changing], rows)
    assignments = ", ".join(f"{quote(name)} = incoming.{quote(name)}" for name in changing)
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE {_STAGED} AS SELECT * FROM ({source})", [text])
    cursor.execute(
        f"UPDATE {quote(facts.name)} SET {assignments} FROM {_STAGED} AS incoming"
        f' WHERE {quote(facts.name)}."Id" = incoming."Id"'
    )
    cursor.execute(f"DROP TABLE {_STAGED}")


def _staged(facts: ObjectFacts, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """A query that gives the rows with typed columns, and the text that is its one parameter."""
    short = {f"c{place}": name for place, name in enumerate(columns)}
    kinds = {field.name: sql_type(field.type) for field in facts.stored_fields}
    shape = orjson.dumps([{key: kinds[name] for key, name in short.items()}]).decode()
    text = orjson.dumps([{key: row.get(name) for key, name in short.items()} for row in rows]).decode()
    renamed = ", ".join(f"r.{key} AS {quote(name)}" for key, name in short.items())
    return f"SELECT {renamed} FROM (SELECT unnest(from_json(?, {literal(shape)})) AS r)", text

"""What an example says about the mirror itself: rows of the ledger's tables, beside those its records make."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sfsync.config.spelling import suggestion
from sfsync.errors import UsageError
from sfsync.store.columns import table_columns
from sfsync.store.interface import Session
from sfsync.store.names import quote, table

#: Table → the column that tells which row is meant; in the others every row is one more.
_KEYS = {"cursors": "object", "coverage": "object", "selections": "object", "facts": "name", "runs": "id"}

#: Tables that even the oldest ledger has.
_ALWAYS_THERE = ("facts", "runs", "cursors", "describes")


def change_ledger(session: Session, mirror: Mapping[str, Any]) -> None:
    """Write `mirror: {cursors: [{object: Lead, row_count: 7}]}` into the ledger.

    A row of an object (a run, a fact) that is there already is changed, any other is added. `drifts: null` makes it a
    ledger of before there was such a table.
    """
    for name, rows in mirror.items():
        if rows is None:
            emptied = "DELETE FROM" if name in _ALWAYS_THERE else "DROP TABLE"
            session.execute(f"{emptied} {table('sfsync', name)}")
            continue
        columns = table_columns(session, "sfsync", name)
        for row in rows:
            unknown = next((column for column in row if column not in columns), None)
            if unknown is not None:
                raise UsageError(f"`mirror:` the ledger has no `{name}.{unknown}`", hint=suggestion(unknown, columns))
            _write(session, name, {column: _value(value, columns[column]) for column, value in row.items()})


def _write(session: Session, name: str, row: Mapping[str, Any]) -> None:
    target, key = table("sfsync", name), _KEYS.get(name)
    if key is None or key not in row:
        known = False
    else:
        known = bool(session.execute(f"SELECT 1 FROM {target} WHERE {quote(key)} = ?", [row[key]]).rows)
    if key is not None and known:
        changes = ", ".join(f"{quote(column)} = ?" for column in row)
        session.execute(f"UPDATE {target} SET {changes} WHERE {quote(key)} = ?", [*row.values(), row[key]])
        return
    names, marks = ", ".join(quote(column) for column in row), ", ".join("?" for _ in row)
    session.execute(f"INSERT INTO {target} ({names}) VALUES ({marks})", list(row.values()))


def _value(value: Any, sql_type: str) -> Any:
    """An instant of YAML as the ledger keeps it, and a block as the text it keeps of one."""
    if isinstance(value, Mapping):
        return json.dumps(dict(value))
    if isinstance(value, str) and sql_type.upper().startswith("TIMESTAMP"):
        return datetime.fromisoformat(value).astimezone(UTC).replace(tzinfo=None)
    return value

"""Which column holds which field: types of the mirror's tables, and what the tables have."""

from __future__ import annotations

from sfsync.records import FieldDescribe, ObjectDescribe
from sfsync.store.interface import Session

_SQL_TYPES = {
    "boolean": "BOOLEAN",
    "int": "INTEGER",
    "long": "BIGINT",
    # The API's own type for all three is xsd:double; a DECIMAL of the displayed scale would round stored values.
    "double": "DOUBLE",
    "currency": "DOUBLE",
    "percent": "DOUBLE",
    "date": "DATE",
    "datetime": "TIMESTAMP",  # UTC, like every instant that Salesforce sends
    "time": "TIME",
}


def sql_type(described: FieldDescribe) -> str:
    """The column type that holds a field's values without loss."""
    return _SQL_TYPES.get(described.type, "VARCHAR")


def column_types(describe: ObjectDescribe) -> dict[str, str]:
    """Column name → SQL type of an object's table, in the describe's order."""
    return {f.name: sql_type(f) for f in describe.stored_fields}


def mirror_columns(session: Session) -> dict[str, dict[str, str]]:
    """Object → column → SQL type, for every object the mirror holds."""
    rows = session.ask_shape(
        "SELECT table_name, column_name, data_type FROM information_schema.columns "
        "WHERE table_schema = ? ORDER BY table_name, ordinal_position",
        ["sf_all"],
    )
    columns: dict[str, dict[str, str]] = {}
    for object_name, column, data_type in rows:
        columns.setdefault(object_name, {})[column] = data_type
    return columns


def table_columns(session: Session, schema: str, name: str) -> dict[str, str]:
    """Column → SQL type of one table or view, in its order; empty when there is none of this name."""
    return session.columns_of(schema, name) if has_table(session, schema, name) else {}


def tables_in(session: Session, schema: str) -> set[str]:
    """The names of all tables and views of a schema."""
    # Of all schemas at once: the answer serves for the next one, too.
    rows = session.ask_shape(
        "SELECT table_schema, table_name FROM information_schema.tables WHERE table_catalog = current_database()", []
    )
    return {name for held_in, name in rows if held_in == schema}


def has_table(session: Session, schema: str, name: str) -> bool:
    """Whether there is a table or view of this name: an older project may lack one."""
    return name in tables_in(session, schema)

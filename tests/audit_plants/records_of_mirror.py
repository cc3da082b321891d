"""The records of a mirror, to be copied and changed as no client could."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sfsync.fake.ids import make_id
from sfsync.store.interface import Session
from sfsync.store.names import quote, table


class Records:
    """The records of a mirror."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._number = 800_000

    def one(self, name: str, condition: str) -> str:
        """The Id of the first record that meets a condition."""
        found = self.session.execute(f'SELECT MIN("Id") FROM {table("sf", name)} AS r WHERE {condition}').scalar()
        assert found is not None, (name, condition)
        return str(found)

    def value(self, name: str, record_id: str, field: str) -> Any:
        """What a record has in a field."""
        where = f'WHERE "Id" = {shown(record_id)}'
        return self.session.execute(f"SELECT {quote(field)} FROM {table('sf_all', name)} {where}").scalar()

    def copy(self, name: str, record_id: str, **values: Any) -> str:
        """A new record like another one, but for these values."""
        self._number += 1
        made = make_id(record_id[:3], self._number)
        changed = ", ".join(f"{shown(value)} AS {quote(field)}" for field, value in {"Id": made, **values}.items())
        self.session.execute(
            f"INSERT INTO {table('sf_all', name)} SELECT * REPLACE ({changed}) FROM {table('sf_all', name)}"
            f' WHERE "Id" = {shown(record_id)}'
        )
        return made

    def set(self, name: str, record_id: str, **values: Any) -> str:
        """Change a record."""
        changed = ", ".join(f"{quote(field)} = {shown(value)}" for field, value in values.items())
        self.session.execute(f'UPDATE {table("sf_all", name)} SET {changed} WHERE "Id" = {shown(record_id)}')
        return record_id


def shown(value: Any) -> str:
    """A value as a literal of SQL."""
    if value is None:
        return "NULL"
    if isinstance(value, bool | int):
        return str(value).upper()
    if isinstance(value, datetime):
        return f"TIMESTAMP '{value:%Y-%m-%d %H:%M:%S}'"
    return "'" + str(value).replace("'", "''") + "'"

"""Relations as temporary tables: each is computed once in an audit, however many rules read it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain

from sfsync.audit.context import AuditContext
from sfsync.audit.relations.relation import SQL_TYPES, Relation, Row
from sfsync.audit.sql import built_name, relation_text, spelled_out
from sfsync.errors import QueryFailed
from sfsync.store.interface import Session

#: Rows written by one statement.
_BATCH = 100


class BuiltRelations:
    """The relations that have been built in a session."""

    def __init__(self, session: Session, context: AuditContext) -> None:
        self.session = session
        self.context = context
        self._built: dict[str, Relation] = {}
        self._texts: dict[str, str] = {}
        self._refused: dict[str, QueryFailed] = {}

    @property
    def names(self) -> frozenset[str]:
        """Those that are there as tables."""
        return frozenset(self._built)

    def build(self, relations: Iterable[Relation]) -> None:
        """Make the tables that are missing.

        Args:
            relations: Each after those it reads itself.
        """
        wanted = tuple(relations)
        for relation in wanted:
            if relation.name in self._built or relation.inline:
                continue
            if relation.name in self._refused:
                raise self._refused[relation.name]  # for every rule that reads it
            try:
                self._build(relation, wanted)
            except QueryFailed as error:
                message = f"the SQL of the relation {relation.name} failed: {error.message}"
                refused = self._refused[relation.name] = QueryFailed(message, hint=f"it comes from {relation.file}")
                raise refused from error
            self._built[relation.name] = relation

    def spelled_out(self, statement: str, relations: Sequence[Relation]) -> str:
        """A statement that reads the tables, as one that reads the mirror alone; see `sql.spelled_out`."""
        return spelled_out(statement, relations, lambda each: self._texts[each.name])

    def keep(self) -> None:
        """Keep what the org says about its fields in the schema `sfsync`, where statements shown to people read it."""
        for name, relation in self._built.items():
            if relation.rows is not None:
                self.session.execute(f"DROP TABLE IF EXISTS sfsync.{name}")
                self.session.execute(f"CREATE TABLE sfsync.{name} AS SELECT * FROM {built_name(name)}")

    def drop(self) -> None:
        """Remove them: their session may go on."""
        for name in self._built:
            self.session.execute(f"DROP TABLE {built_name(name)}")
        self._built.clear()

    def _build(self, relation: Relation, wanted: Sequence[Relation]) -> None:
        name = built_name(relation.name)
        text = self._texts[relation.name] = relation_text(relation, wanted, self.context)
        if relation.rows is None:
            self.session.keep(name, text)
            return
        columns = ", ".join(f"{column} {SQL_TYPES[kind]}" for column, kind in relation.columns.items())
        self.session.execute(f"CREATE TEMPORARY TABLE {name} ({columns})")
        rows = list(relation.rows(self.context))
        for start in range(0, len(rows), _BATCH):
            self._insert(name, rows[start : start + _BATCH])

    def _insert(self, name: str, rows: Sequence[Row]) -> None:
        row = f"({', '.join('?' * len(rows[0]))})"
        self.session.execute(
            f"INSERT INTO {name} VALUES {', '.join([row] * len(rows))}", list(chain.from_iterable(rows))
        )

"""What a relation is: a query under a name, with what it needs and the columns it has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field
from sqlglot import exp

from sfsync.audit.context import AuditContext
from sfsync.audit.rule import Fields, FieldType, Notion, OptionalNeed, Words, fields_of_all
from sfsync.config.model import Lax, StrictModel

#: Names of relations and of their columns: the same on every engine, whatever it does to upper case.
NAME = r"^[a-z][a-z0-9_]*$"

Row = tuple[Any, ...]


class RelationFile(StrictModel):
    """One relation, as its file says it.

    Attributes:
        version: Of the file format.
        name: What SQL calls it; the file is named after it.
        about: What one row of it is.
        needs: As in a rule; a rule that reads the relation inherits them.
        optional: As in a rule.
        notions: As in a rule.
        columns: Column → type, of everything `sql` selects.
        sql: One SELECT; may read other relations.
    """

    version: Literal[1]
    name: str = Field(pattern=NAME)
    about: Words
    needs: Mapping[str, Fields] = Field(default_factory=dict)
    optional: Annotated[tuple[OptionalNeed, ...], Lax] = ()
    notions: Annotated[tuple[Notion, ...], Lax] = ()
    columns: Mapping[Annotated[str, Field(pattern=NAME)], FieldType] = Field(min_length=1)
    sql: Words


@dataclass(frozen=True, slots=True)
class Relation:
    """One relation, of a file or of a module; exactly one of `sql`, `query` and `rows` is there.

    Attributes:
        name: What SQL calls it.
        about: What one row of it is.
        columns: Column → type.
        needs: Object → field → type: without one of these no rule that reads it is evaluable.
        optional: What it uses where it is there.
        notions: Definitions without which no rule that reads it is evaluable.
        serves: It is made of what these notions bind: whoever reads it needs one of them, or uses one where bound.
        sql: The SELECT of its file.
        query: Gives the SELECT for a mirror and its definitions.
        rows: Gives its rows; the audit keeps them as the table `sfsync.<name>`.
        reads: The relations it reads itself.
        unmet: Says why nothing can be told from it, and what would change that; None when it can.
        any_object: It is about every object that the mirror holds.
        inline: It has too many rows to be kept, and is part of every statement that reads it.
        file: Where it comes from, as messages call it.
    """

    name: str
    about: str
    columns: Mapping[str, FieldType]
    needs: Mapping[str, Fields] = field(default_factory=dict)
    optional: tuple[OptionalNeed, ...] = ()
    notions: tuple[Notion, ...] = ()
    serves: tuple[str, ...] = ()
    sql: str | None = None
    query: Callable[[AuditContext], exp.Query] | None = None
    rows: Callable[[AuditContext], Iterable[Row]] | None = None
    reads: tuple[str, ...] = ()
    unmet: Callable[[AuditContext], tuple[str, str] | None] | None = None
    any_object: bool = False
    inline: bool = False
    file: str = "sfsync itself"

    @property
    def fields(self) -> dict[str, dict[str, FieldType]]:
        """Object → field → type, of everything its query may read."""
        return fields_of_all(self.needs, self.optional)

    @property
    def every_option(self) -> tuple[OptionalNeed, ...]:
        """What its query uses where it is there."""
        return self.optional

    def is_served_by(self, notions: Iterable[str]) -> bool:
        """Whether one of these notions says what the relation is made of; of one made of none, always."""
        return not self.serves or any(notion in self.serves for notion in notions)


def without_rows(columns: Mapping[str, FieldType]) -> exp.Query:
    """A query with these columns and nothing in it."""
    return exp.select(*(exp.cast(exp.null(), SQL_TYPES[kind]).as_(name) for name, kind in columns.items())).where(
        exp.false()
    )


#: What a column of a type is called in SQL.
SQL_TYPES: Mapping[FieldType, str] = {
    "text": "VARCHAR",
    "boolean": "BOOLEAN",
    "number": "DOUBLE",
    "date": "DATE",
    "datetime": "TIMESTAMP",
}

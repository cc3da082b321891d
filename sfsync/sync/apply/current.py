"""What the org holds now of the records that are about to be written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path
from urllib.parse import quote_plus

from sfsync.records import ObjectDescribe
from sfsync.salesforce import Org
from sfsync.salesforce.bulk_query import BulkQuery
from sfsync.salesforce.query import query_pages
from sfsync.soql import ast, render
from sfsync.store.columns import sql_type
from sfsync.store.interface import Session
from sfsync.store.names import quote
from sfsync.sync import spool
from sfsync.sync.read import LONGEST_REST_QUERY

#: More records than that are fetched by Bulk.
_MOST_BY_REST = 20_000
#: Transactions that began before the mirror's bound may have been committed after it.
_OVERLAP = timedelta(minutes=10)
#: Read beside the fields that are to be written, where the object has them.
_ALWAYS = ("Id", "IsDeleted", "SystemModstamp", "CreatedById", "CreatedDate")
_NUMBERS = frozenset({"int", "long", "double", "currency", "percent"})


@dataclass(frozen=True, slots=True)
class Current:
    """Records as they are in the org now, in files.

    Attributes:
        columns: Column → SQL type.
        files: CSV files with these columns.
    """

    columns: dict[str, str]
    files: tuple[Path, ...]

    def load(self, session: Session, name: str) -> None:
        """Make the temporary table `name` (quoted) of them: each record once."""
        columns = ", ".join(f"{quote(column)} {kind}" for column, kind in self.columns.items())
        session.execute(f"DROP TABLE IF EXISTS {name}")
        session.execute(f"CREATE TEMPORARY TABLE {name} ({columns})")
        session.load_csv(name, self.columns, self.files)


@dataclass(frozen=True, slots=True)
class CurrentReader:
    """Reads records of one object.

    Attributes:
        org: Whom to ask.
        describe: The object.
        fields: API names of what to read, beside the Id and stamps.
        folder: For files; emptied before each use.
    """

    org: Org
    describe: ObjectDescribe
    fields: tuple[str, ...]
    folder: Path

    def by_values(self, field: str, values: Sequence[str]) -> Current:
        """The records, deleted ones included, whose field (the Id, an external Id) has one of these values."""
        queries = (f"{self._select()} WHERE {field} IN ({part})" for part in self._parts(field, values))
        return self._by_rest(queries)

    def changed_since(self, bound: datetime | None, *, not_by: str | None = None) -> Current:
        """Every record that was changed or deleted since an instant (naive UTC); every record without one.

        Args:
            bound: The instant.
            not_by: Id of a user whose own changes are not wanted.
        """
        return self._by_size(self._select() + _where(self._changed(bound, not_by)))

    def having(self, field: str, *, since: datetime | None = None, not_by: str | None = None) -> Current:
        """Every record that has a value in this field; with an instant, only those that were changed since."""
        return self._by_size(self._select() + _where([f"{field} != null", *self._changed(since, not_by)]))

    def _changed(self, bound: datetime | None, not_by: str | None) -> list[str]:
        conditions = []
        if bound is not None:
            conditions.append(f"SystemModstamp >= {bound - _OVERLAP:%Y-%m-%dT%H:%M:%S}Z")
        if not_by is not None and self.describe.field("LastModifiedById") is not None:
            conditions.append(f"LastModifiedById != '{not_by}'")
        return conditions

    def created_by(self, user: str, since: datetime, field: str | None, values: Sequence[str]) -> Current:
        """The records that a user made since an instant (naive UTC), of these values where a field is named."""
        made = f"{self._select()} WHERE CreatedById = '{user}' AND CreatedDate >= {since:%Y-%m-%dT%H:%M:%S}Z"
        if field is None:
            return self._by_size(made)
        return self._by_rest(f"{made} AND {field} IN ({part})" for part in self._parts(field, values))

    @property
    def columns(self) -> dict[str, str]:
        """Column → SQL type of what is read."""
        wanted = dict.fromkeys((*_ALWAYS, *self.fields))
        found = (self.describe.field(name) for name in wanted)
        return {each.name: sql_type(each) for each in found if each is not None}

    def _select(self) -> str:
        return f"SELECT {', '.join(self.columns)} FROM {self.describe.name}"

    def _parts(self, field: str, values: Sequence[str]) -> Iterator[str]:
        """The values as SOQL, in parts that fit an address."""
        described = self.describe.field(field)
        bare = described is not None and described.type in _NUMBERS
        part, used = list[str](), 0
        room = LONGEST_REST_QUERY - len(self._select()) - 200
        for value in dict.fromkeys(values):
            text = value if bare else render(ast.StringValue(value))
            size = len(quote_plus(text, safe=",()'*:")) + len(",+")
            if part and used + size > room:
                yield ", ".join(part)
                part, used = [], 0
            part.append(text)
            used += size
        if part:
            yield ", ".join(part)

    def _by_rest(self, queries: Iterator[str]) -> Current:
        folder, files = spool.fresh_folder(self.folder, "current"), list[Path]()
        for page in chain.from_iterable(query_pages(self.org, soql, deleted_too=True) for soql in queries):
            file = folder / f"{len(files) + 1:05}.csv"
            spool.write_page(file, list(self.columns), page.records)
            files.append(file)
        return Current(self.columns, tuple(files))

    def _by_size(self, soql: str) -> Current:
        folder, files = spool.fresh_folder(self.folder, "current"), list[Path]()
        if len(soql) <= LONGEST_REST_QUERY:
            pages = query_pages(self.org, soql, deleted_too=True)
            first = next(pages)
            if first.total_size <= _MOST_BY_REST:
                for page in chain([first], pages):
                    file = folder / f"{len(files) + 1:05}.csv"
                    spool.write_page(file, list(self.columns), page.records)
                    files.append(file)
                return Current(self.columns, tuple(files))
        job = BulkQuery.create(self.org, soql, deleted_too=True)
        job.wait()
        files = [page.path for page in job.download(folder)]
        job.delete()
        return Current(self.columns, tuple(files))


def _where(conditions: Sequence[str]) -> str:
    return f" WHERE {' AND '.join(conditions)}" if conditions else ""

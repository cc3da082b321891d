"""The pages that a query's answer comes in: as many records as fit, with their children counted in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sfsync.fake.evaluate.compiled import CompiledChild, CompiledQuery
from sfsync.fake.kept_results import Kept, columns

if TYPE_CHECKING:
    from sfsync.fake.database import Cursor

Row = tuple[Any, ...]

#: Children are read for so many records at a time, lest a page that holds a few of them reads those of all.
_PARENTS_AT_A_TIME = 100


@dataclass(frozen=True, slots=True)
class AnswerPage:
    """One page of an answer, with values as the database holds them.

    Attributes:
        rows: Columns of `CompiledQuery.record_sql`.
        total: Records of the whole answer.
        following: The locator of the next page, `01g…-2000`; None on the last one.
        children: For each child query: Id of a record → its children; a record without children is absent, and records
            of other pages may be there.
    """

    rows: list[Row]
    total: int
    following: str | None = None
    children: tuple[dict[str, AnswerPage], ...] = ()


@dataclass(frozen=True, slots=True)
class ChildSource:
    """Where the children of a child query come from: the org as it is, or a kept result.

    Attributes:
        child: The child query.
        table: The table of the kept result.
        nested: Those of its own child queries.
    """

    child: CompiledChild
    table: str | None = None
    nested: tuple[ChildSource, ...] = ()

    def sql(self) -> str:
        """All columns of the children of the parents whose Ids are bound to the one parameter."""
        parents = "SELECT unnest(?)"
        if self.table is None:
            return self.child.sql(parents)
        return f"SELECT {columns(self.child.width)} FROM {self.table} WHERE c{self.child.parent_column} IN ({parents})"


@dataclass
class OpenQuery:
    """A query (or the children of one record) whose answer did not fit into one page.

    Attributes:
        compiled: What was asked.
        kept: Its records.
        page: Records of a page.
        since: When it was asked.
        sources: Where its children come from.
        tables: All kept tables that it needs.
        locators: Of children that did not fit either: (their table, Id of the record) → locator.
    """

    compiled: CompiledQuery
    kept: Kept
    page: int
    since: datetime
    sources: tuple[ChildSource, ...] = ()
    tables: frozenset[str] = frozenset()
    locators: dict[tuple[str, str], str] = field(default_factory=dict)


def live_sources(compiled: CompiledQuery) -> tuple[ChildSource, ...]:
    """The children of a query as they are in the org now."""
    return tuple(ChildSource(child, nested=live_sources(child.query)) for child in compiled.children)


def read_page(
    cursor: Cursor, compiled: CompiledQuery, sources: Sequence[ChildSource], rows: list[Row], most: int
) -> AnswerPage:
    """As many of some records as fit, when they and their children are `most` at most; one always does."""
    if not sources:
        return AnswerPage(rows, len(rows))
    children: tuple[dict[str, AnswerPage], ...] = tuple({} for _ in sources)
    fitting: list[Row] = []
    room = most
    for start in range(0, len(rows), _PARENTS_AT_A_TIME):
        chunk = rows[start : start + _PARENTS_AT_A_TIME]
        for known, found in zip(children, _read_children(cursor, compiled, sources, chunk, most), strict=True):
            known.update(found)
        for row in chunk:
            room -= _weight(compiled, row, children)
            if room < 0 and fitting:
                return AnswerPage(fitting, len(rows), children=children)
            fitting.append(row)
    return AnswerPage(fitting, len(rows), children=children)


def _read_children(
    cursor: Cursor, compiled: CompiledQuery, sources: Sequence[ChildSource], rows: Sequence[Row], most: int
) -> tuple[dict[str, AnswerPage], ...]:
    """The children of some records: up to `most` of each; `AnswerPage.total` tells how many there are."""
    parents = [row[compiled.id_column or 0] for row in rows]
    return tuple(_children_of(cursor, source, parents, most) for source in sources)


def _children_of(cursor: Cursor, source: ChildSource, parents: list[str], most: int) -> dict[str, AnswerPage]:
    if not parents:
        return {}
    owner, place = f"c{source.child.parent_column}", f"c{source.child.parent_column + 1}"
    found = cursor.execute(
        f"SELECT *, count(*) OVER (PARTITION BY {owner}) FROM ({source.sql()}) AS answer({columns(source.child.width)})"
        f" QUALIFY row_number() OVER (PARTITION BY {owner} ORDER BY {place}) <= {most} ORDER BY {owner}, {place}",
        [parents],
    ).fetchall()
    nested = _read_children(cursor, source.child.query, source.nested, found, most)
    pages: dict[str, AnswerPage] = {}
    for row in found:
        parent = row[source.child.parent_column]
        if parent not in pages:
            pages[parent] = AnswerPage([], row[-1], children=nested)
        pages[parent].rows.append(row)
    return pages


def overfull(compiled: CompiledQuery, rows: Sequence[Row], page: AnswerPage) -> Iterator[tuple[int, str, AnswerPage]]:
    """The records among `rows` that have more children than the page shows: (child query, Id, the children shown)."""
    for row in rows if compiled.children else ():
        record_id = row[compiled.id_column or 0]
        for place, below in enumerate(page.children):
            children = below.get(record_id)
            if children is not None and children.total > len(children.rows):
                yield place, record_id, children


def is_whole(compiled: CompiledQuery, page: AnswerPage) -> bool:
    """Whether no record of a page has more children than it shows, nor has any of those."""
    if any(True for _ in overfull(compiled, page.rows, page)):
        return False
    below = zip(compiled.children, page.children, strict=True)
    return all(is_whole(child.query, one) for child, children in below for one in children.values())


def _weight(compiled: CompiledQuery, row: Row, children: Sequence[dict[str, AnswerPage]]) -> int:
    record_id = row[compiled.id_column or 0]
    pages = [(child, below.get(record_id)) for child, below in zip(compiled.children, children, strict=True)]
    return 1 + sum(
        _weight(child.query, one, page.children) for child, page in pages if page is not None for one in page.rows
    )

"""Query answers as JSON: records with attributes, nested parents and children, AggregateResults."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sfsync.fake.evaluate.compiled import CompiledQuery, SelectedColumn
from sfsync.fake.query_pages import AnswerPage
from sfsync.fake.wire import JsonWriter, json_writer

Row = tuple[Any, ...]
Record = dict[str, Any]

#: What writes one thing into a record: a value, a parent, or children.
_Step = Callable[[Record, Row, Sequence[dict[str, AnswerPage]]], None]


class RecordWriter:
    """Writes the answers of one query in one API version."""

    def __init__(self, compiled: CompiledQuery, version: str) -> None:
        self._compiled = compiled
        self._version = version
        self._address = f"/services/data/v{version}/sobjects/"
        self._children = [RecordWriter(child.query, version) for child in compiled.children]
        self._parents = {parent.path: parent for parent in compiled.parents}
        self._steps = self._shape(list(enumerate(compiled.columns)), ())

    def body(self, page: AnswerPage) -> Record:
        """A page as the body of a response, or as the value of a child relationship."""
        body: Record = {"totalSize": page.total, "done": page.following is None}
        if page.following is not None:
            body["nextRecordsUrl"] = f"/services/data/v{self._version}/query/{page.following}"
        body["records"] = self._records(page)
        return body

    def _records(self, page: AnswerPage) -> list[Record]:
        id_column, name = self._compiled.id_column, self._compiled.object
        prefix = f"{self._address}{name}/"
        records = []
        for row in page.rows:
            if id_column is None:
                record: Record = {"attributes": {"type": "AggregateResult"}}
            else:
                record = {"attributes": {"type": name, "url": prefix + row[id_column]}}
            for step in self._steps:
                step(record, row, page.children)
            records.append(record)
        return records

    def _shape(self, columns: list[tuple[int, SelectedColumn]], path: tuple[str, ...]) -> list[_Step]:
        """The steps that write what lies below a path, in the statement's order."""
        depth = len(path)
        steps: list[_Step] = []
        waiting = [] if path else list(enumerate(self._compiled.children))
        parents: set[str] = set()
        for place, column in columns:
            while waiting and waiting[0][1].before <= place:
                steps.append(self._child(waiting.pop(0)[0]))
            name = column.path[depth]
            if len(column.path) == depth + 1:
                steps.append(_value(name, place, json_writer(column.type)))
            elif name not in parents:
                parents.add(name)
                below = [one for one in columns if one[1].path[: depth + 1] == (*path, name) != one[1].path]
                steps.append(self._parent((*path, name), below))
        return steps + [self._child(place) for place, _ in waiting]

    def _child(self, place: int) -> _Step:
        name, writer, id_column = self._compiled.children[place].name, self._children[place], self._compiled.id_column

        def write(record: Record, row: Row, children: Sequence[dict[str, AnswerPage]]) -> None:
            page = None if id_column is None else children[place].get(row[id_column])
            record[name] = None if page is None else writer.body(page)

        return write

    def _parent(self, path: tuple[str, ...], columns: list[tuple[int, SelectedColumn]]) -> _Step:
        columns_of_parent = self._parents[path]
        shapes = _Shapes(self, path, columns)
        unnamed = columns_of_parent.polymorphic and not shapes.depends

        def write(record: Record, row: Row, children: Sequence[dict[str, AnswerPage]]) -> None:
            parent_id, kind = row[columns_of_parent.id_column], row[columns_of_parent.type_column]
            steps = None if parent_id is None else shapes.of(kind)
            if not steps:
                record[path[-1]] = None
                return
            shown = "Name" if unnamed else kind
            parent: Record = {"attributes": {"type": shown, "url": f"{self._address}{kind}/{parent_id}"}}
            for step in steps:
                step(parent, row, children)
            record[path[-1]] = parent

        return write


@dataclass
class _Shapes:
    """What is written of a parent; a TYPEOF makes it depend on the parent's object."""

    writer: RecordWriter
    path: tuple[str, ...]
    columns: list[tuple[int, SelectedColumn]]

    def __post_init__(self) -> None:
        depth = len(self.path)
        self._made: dict[str, list[_Step]] = {}
        self.depends = any(column.only and column.only.depth == depth for _, column in self.columns)

    def of(self, kind: str) -> list[_Step]:
        """The steps for a parent of this object; none when a TYPEOF leaves it out."""
        key = kind if self.depends else ""
        if key not in self._made:
            depth = len(self.path)
            shown = [
                (place, column)
                for place, column in self.columns
                if not (column.only and column.only.depth == depth) or kind in column.only.objects
            ]
            self._made[key] = self.writer._shape(shown, self.path)  # noqa: SLF001 - one class in two halves
        return self._made[key]


def _value(name: str, place: int, write: JsonWriter | None) -> _Step:
    if write is None:

        def copy(record: Record, row: Row, _: Sequence[dict[str, AnswerPage]]) -> None:
            record[name] = row[place]

        return copy

    def convert(record: Record, row: Row, _: Sequence[dict[str, AnswerPage]]) -> None:
        record[name] = write(row[place])

    return convert

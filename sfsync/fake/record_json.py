"""Query answers as JSON text, written by the database: records with attributes, nested parents, AggregateResults."""

from __future__ import annotations

from dataclasses import dataclass, field

import orjson

from sfsync.fake.database import literal
from sfsync.fake.evaluate.compiled import CompiledQuery, ParentColumns
from sfsync.fake.wire import json_expression


@dataclass
class _Node:
    """One record of the answer: the row itself, or a parent of it."""

    columns: dict[str, int] = field(default_factory=dict)
    parents: dict[str, _Node] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)

    def below(self, name: str) -> _Node:
        """The parent of this name."""
        if name not in self.parents:
            self.order.append(name)
        return self.parents.setdefault(name, _Node())


def record_expression(compiled: CompiledQuery, version: str) -> str:
    """An SQL expression for one record's JSON text, over columns `c0`, `c1`, … of `compiled.record_sql`."""
    root = _Node()
    for place, column in enumerate(compiled.columns):
        node = root
        for name in column.path[:-1]:
            node = node.below(name)
        node.columns[column.path[-1]] = place
        node.order.append(column.path[-1])
    if compiled.is_aggregate:
        return _object(compiled, root, (), version, literal('"attributes":{"type":"AggregateResult"}'))
    id_sql = f"c{compiled.id_column}"
    return _object(compiled, root, (), version, _attributes(literal(compiled.object), id_sql, version))


def _object(compiled: CompiledQuery, node: _Node, path: tuple[str, ...], version: str, attributes: str) -> str:
    parts = [literal("{"), attributes]
    for name in node.order:
        parts.append(literal("," + orjson.dumps(name).decode() + ":"))
        if name in node.parents:
            parts.append(_parent(compiled, node.parents[name], (*path, name), version))
        else:
            place = node.columns[name]
            parts.append(json_expression(f"c{place}", compiled.columns[place].type))
    return " || ".join([*parts, literal("}")])


def _parent(compiled: CompiledQuery, node: _Node, path: tuple[str, ...], version: str) -> str:
    columns = _columns_of(compiled, path)
    id_sql, type_sql = f"c{columns.id_column}", f"c{columns.type_column}"
    body = _object(compiled, node, path, version, _attributes(type_sql, id_sql, version))
    return f"CASE WHEN {id_sql} IS NULL THEN 'null' ELSE {body} END"


def _columns_of(compiled: CompiledQuery, path: tuple[str, ...]) -> ParentColumns:
    return next(parent for parent in compiled.parents if parent.path == path)


def _attributes(type_sql: str, id_sql: str, version: str) -> str:
    url = literal(f'","url":"/services/data/v{version}/sobjects/')
    return f"""'"attributes":{{"type":"' || {type_sql} || {url} || {type_sql} || '/' || {id_sql} || '"}}'"""

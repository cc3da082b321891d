"""The field list of a query for records: fields, parents' fields, functions, FIELDS(), TYPEOF."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sfsync.fake.evaluate.compiled import OnlyFor, SelectedColumn
from sfsync.fake.evaluate.paths import Paths, Resolved
from sfsync.fake.evaluate.setting import Setting
from sfsync.soql.ast import Call, ChildQuery, Expression, FieldPath, FieldsOf, Query, Selected, TypeOf
from sfsync.soql.functions_sql import function_column
from sfsync.soql.place import Place

#: Most records of a statement with FIELDS(ALL) or FIELDS(CUSTOM).
_MOST_WITH_ALL_FIELDS = 200


@dataclass(frozen=True, slots=True)
class Entry:
    """One output column and where the statement asks for it."""

    sql: str
    column: SelectedColumn
    place: Place


class FieldList:
    """What one query selects, child queries left out.

    Attributes:
        places: For each entry of the statement's list: how many columns come before it.
    """

    def __init__(self, query: Query, paths: Paths, setting: Setting) -> None:
        self._query = query
        self._paths = paths
        self._setting = setting
        self._unnamed = 0
        self.places: list[int] = []

    def entries(self) -> list[Entry]:
        """The output columns; raises `SoqlError`."""
        entries: list[Entry] = []
        for selected in self._query.select:
            self.places.append(len(entries))
            if not isinstance(selected.what, ChildQuery):
                entries += self._entries(selected)
        _refuse_duplicates(entries)
        return entries

    def _entries(self, selected: Selected) -> Iterator[Entry]:
        what = selected.what
        if isinstance(what, Call):
            yield self._called(what, selected.alias)
            return
        if selected.alias is not None:
            raise what.place.error("Only aggregate expressions use field aliasing")
        if isinstance(what, TypeOf):
            yield from self._branches(what)
        elif isinstance(what, FieldsOf):
            yield from self._field_set(what)
        elif isinstance(what, FieldPath):
            yield _entry(self._paths.resolve(what), what.place)

    def _called(self, call: Call, alias: str | None) -> Entry:
        column = function_column(call, self._paths.column, self._setting.calendar)
        if alias:
            path: tuple[str, ...] = (alias,)
        elif call.key in {"TOLABEL", "FORMAT", "CONVERTCURRENCY"}:
            path = self._inner_path(call)
        else:
            path, self._unnamed = (f"expr{self._unnamed}",), self._unnamed + 1
        return Entry(column.sql, SelectedColumn(path, column.type, alias), call.place)

    def _inner_path(self, call: Call) -> tuple[str, ...]:
        """Where a value goes that is only shown in another way: to the place of the field it is about."""
        what: Expression = call
        while isinstance(what, Call):
            what = next(argument for argument in what.arguments if isinstance(argument, FieldPath | Call))
        return self._paths.resolve(what).path

    def _field_set(self, what: FieldsOf) -> Iterator[Entry]:
        limit = self._query.limit
        if what.which != "STANDARD" and (limit is None or limit > _MOST_WITH_ALL_FIELDS):
            message = f"The SOQL FIELDS function must have a LIMIT of at most {_MOST_WITH_ALL_FIELDS}"
            raise what.place.error(message, excerpt=False)
        custom = {"ALL": (False, True), "STANDARD": (False,), "CUSTOM": (True,)}[what.which]
        for field in self._paths.every_field():
            if field.path[-1].endswith("__c") in custom:
                yield _entry(field, what.place)

    def _branches(self, what: TypeOf) -> Iterator[Entry]:
        reached = self._paths.reach(what.relationship)
        others = {target.object.name for target in reached.targets}
        depth = len(reached.path)
        for when in what.branches:
            branch = self._paths.branch(what.relationship, when.object, when.place)
            objects = frozenset({branch.reached.targets[0].object.name})
            if not objects <= others:
                raise when.place.error(f"duplicate WHEN in TYPEOF: {when.object}")  # from memory
            others -= objects
            for path in when.fields:
                yield _entry(self._paths.resolve_in(branch, path), path.place, OnlyFor(depth, objects))
        for path in what.otherwise:
            names = FieldPath((*what.relationship.names, *path.names), place=path.place)
            yield _entry(self._paths.resolve(names), path.place, OnlyFor(depth, frozenset(others)))


def _entry(field: Resolved, place: Place, only: OnlyFor | None = None) -> Entry:
    is_long_text = field.column.type == "textarea" and "f" not in field.abilities
    column = SelectedColumn(field.path, field.column.type, only=only, is_long_text=is_long_text)
    return Entry(field.column.sql, column, place)


def _refuse_duplicates(entries: list[Entry]) -> None:
    seen: dict[tuple[str, ...], list[SelectedColumn]] = {}
    for entry in entries:
        key = tuple(name.casefold() for name in entry.column.path)
        if any(_meet(entry.column, known) for known in seen.get(key, ())):
            message = f"duplicate field selected: {'.'.join(entry.column.path)}"
            raise entry.place.error(message, code="INVALID_FIELD", excerpt=False)
        seen.setdefault(key, []).append(entry.column)


def _meet(one: SelectedColumn, other: SelectedColumn) -> bool:
    """Whether two columns of the same path can be shown on the same record."""
    return one.only is None or other.only is None or not one.only.objects.isdisjoint(other.only.objects)

"""Values that are spelled in another way and mean the same to the org: `1.2.1993` and `01/02/1993` are no edit.

Spreadsheets spell whole columns anew when a file is saved. Taken for edits, such values would be in conflict with what
the org changes, and no write would ever settle them: a plan has nothing to write of them.
"""

from __future__ import annotations

from sfsync.mapping.field_mapping import FieldMapping, Lookup
from sfsync.mapping.local_names import ID_COLUMN
from sfsync.mapping.push_columns import PushColumn, PushLookup, push_columns
from sfsync.mapping.two_way import TwoWayTable
from sfsync.records import FieldDescribe
from sfsync.store import ledger
from sfsync.store.columns import sql_type
from sfsync.store.interface import Session
from sfsync.store.names import quote
from sfsync.sync.merge3.tables import any_rows, remake
from sfsync.sync.merge3.work import WORK, Cell
from sfsync.sync.plan.values import folded_text, same

#: The values of edited rows, three rows a record: as they are here, in the base, and in the org.
_SPELLED = "two_way_spelled"
#: What a push makes of them.
_MEANT = "two_way_meant"
#: The rows of `WORK` with two flags a column: whether an edit means what the base has, and what the org has.
_ALIKE = "two_way_alike"
_SIDE = quote("~side")


def take_spellings(session: Session, two_way: TwoWayTable, cells: list[Cell]) -> bool:
    """Give edited values that mean the same as the base's, or the org's, that one's spelling; whether there were any.

    Of a column that only goes out, the base takes the local spelling: nobody but you writes there.

    Args:
        session: A writing session; where the answer is yes, `WORK` is out of date.
        two_way: The table.
        cells: Its columns.
    """
    fields = _spelled_fields(two_way)
    asked = _edited(session, [cell for cell in cells if cell.column.name.casefold() in fields])
    if not asked:
        return False
    _make_spelled(session, cells, asked)
    meant = _make_meant(session, two_way, {field for cell in asked for field in fields[cell.column.name.casefold()]})
    _make_alike(session, [(cell, [meant[field] for field in fields[cell.column.name.casefold()]]) for cell in asked])
    flags = [flag for cell in asked for flag in (_is_base(cell), _is_org(cell))]
    if not any_rows(session, f"{_ALIKE} AS w WHERE {' OR '.join(flags)}"):
        return False
    _spell(session, two_way.local, [cell for cell in asked if cell.column.shown])
    _spell(session, two_way.base, [cell for cell in asked if not cell.column.shown])
    return True


def _spelled_fields(two_way: TwoWayTable) -> dict[str, list[str]]:
    """Column, casefolded → the fields it is pushed to, where it is all they are made of, and has several spellings."""
    types = {each.name.casefold(): each.type for each in two_way.columns}
    mapping = two_way.mapping
    found: dict[str, list[str]] = {}
    others: set[str] = set()
    entries: dict[str, FieldMapping | Lookup] = {**mapping.pushed_fields(), **mapping.pushed_lookups()}
    for name, item in entries.items():
        described, columns = two_way.describe.field(name), two_way.columns_of(name)
        if described is None or len(columns) != 1 or not _has_spellings(item, described, types.get(columns[0], "")):
            others.update(columns)
        else:
            found.setdefault(columns[0], []).append(name)
    return {column: fields for column, fields in found.items() if column not in others}


def _has_spellings(item: FieldMapping | Lookup, described: FieldDescribe, kind: str) -> bool:
    """Whether two values of a column may mean the same that differ by more than `TwoWayColumn.form` knows of."""
    if item.sql is not None or item.write == "never" or described.type == "id":
        return False
    if isinstance(item, Lookup):
        return True
    if item.mask is not None:
        return False
    return bool(item.transform) or item.values is not None or kind == "DOUBLE" or kind != sql_type(described)


def _edited(session: Session, cells: list[Cell]) -> list[Cell]:
    """Those of the columns in which any value differs from the base."""
    if not cells:
        return []
    counted = ", ".join(f"count(*) FILTER (WHERE {_is_edited(cell)})" for cell in cells)
    counts = session.execute(f"SELECT {counted} FROM {WORK} AS w").rows[0]
    return [cell for cell, count in zip(cells, counts, strict=True) if count]


def _is_edited(cell: Cell) -> str:
    """An emptied value has no spelling."""
    return f"({cell.edited} AND {cell.local} IS NOT NULL)"


def _is_base(cell: Cell) -> str:
    return f"w.is_base{cell.number}"


def _is_org(cell: Cell) -> str:
    return f"w.is_org{cell.number}"


def _make_spelled(session: Session, cells: list[Cell], asked: list[Cell]) -> None:
    rows = " OR ".join(_is_edited(cell) for cell in asked)
    sides = []
    for side in ("local", "base", "org"):
        values = ", ".join(f"{getattr(cell, side)} AS {quote(cell.column.name)}" for cell in cells)
        sides.append(f"SELECT w.{ID_COLUMN}, '{side}' AS {_SIDE}, {values} FROM {WORK} AS w WHERE {rows}")
    remake(session, _SPELLED, " UNION ALL ".join(sides))


def _make_meant(session: Session, two_way: TwoWayTable, fields: set[str]) -> dict[str, str]:
    """Make `_MEANT` by the push side of the mapping; field → its column there."""
    mapping = two_way.mapping.model_copy(
        update={
            "fields": {name: item for name, item in two_way.mapping.fields.items() if name in fields},
            "lookups": {name: item for name, item in two_way.mapping.lookups.items() if name in fields},
        }
    )
    describes = {**ledger.read_describes(session), mapping.object: two_way.describe}
    types = {ID_COLUMN: "VARCHAR", **{each.name: each.type for each in two_way.columns}}
    push = push_columns(mapping, describes, types)
    push.prepare(session, _SPELLED)
    forms = {each.field: _form(two_way, each) for each in push.columns}
    for lookup in push.lookups:
        parents = [describes.get(name) for name in lookup.objects]
        by = [parent.field(name) if parent else None for parent, name in zip(parents, lookup.by, strict=True)]
        # Of several objects each compares in its own way: where they differ, only the very same value is the same.
        texts = {folded_text(lookup.value_sql, each) if each else lookup.value_sql for each in by}
        forms[lookup.field] = _readable(lookup, texts.pop() if len(texts) == 1 else lookup.value_sql)
    named = {field: quote(f"~meant {at}") for at, field in enumerate(forms)}
    values = ", ".join(f"{sql} AS {named[field]}" for field, sql in forms.items())
    remake(session, _MEANT, f"SELECT source.{ID_COLUMN}, source.{_SIDE}, {values} FROM {push.from_sql(_SPELLED)}")
    return named


def _form(two_way: TwoWayTable, pushed: PushColumn) -> str:
    described = two_way.describe.field(pushed.field)
    value = pushed.value_sql if described is None else same(pushed.value_sql, described, pushed.same_sql)
    return _readable(pushed, value)


def _readable(pushed: PushColumn | PushLookup, value: str) -> str:
    """What cannot be read means nothing, and is the same as nothing."""
    return f"CASE WHEN {pushed.problem_sql} IS NULL THEN {value} END"


def _make_alike(session: Session, asked: list[tuple[Cell, list[str]]]) -> None:
    flags = []
    for cell, names in asked:
        for flag, side in ((_is_base(cell), "b"), (_is_org(cell), "t")):
            equal = " AND ".join(f"coalesce(l.{name} = {side}.{name}, FALSE)" for name in names)
            flags.append(f"({_is_edited(cell)} AND {equal}) AS {flag.removeprefix('w.')}")
    joined = " ".join(
        f"JOIN {_MEANT} AS {alias} ON {alias}.{ID_COLUMN} = w.{ID_COLUMN} AND {alias}.{_SIDE} = '{side}'"
        for alias, side in (("l", "local"), ("b", "base"), ("t", "org"))
    )
    remake(session, _ALIKE, f"SELECT w.*, {', '.join(flags)} FROM {WORK} AS w {joined}")


def _spell(session: Session, where: str, cells: list[Cell]) -> None:
    """Write the spellings into the local table, or into the base."""
    if not cells:
        return
    sets = []
    for cell in cells:
        name = quote(cell.column.name)
        value = f"WHEN {_is_base(cell)} THEN {cell.base if cell.column.shown else cell.local}"
        if cell.column.shown:
            value += f" WHEN {_is_org(cell)} THEN {cell.org}"
        sets.append(f"{name} = CASE {value} ELSE x.{name} END")
    flags = " OR ".join(f"{_is_base(cell)} OR {_is_org(cell)}" for cell in cells)
    session.execute(
        f"UPDATE {where} AS x SET {', '.join(sets)} FROM {_ALIKE} AS w WHERE w.{ID_COLUMN} = x.{ID_COLUMN} "
        f"AND ({flags})"
    )

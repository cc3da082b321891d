"""What can be wrong with a mapping as a whole, where each of its entries is right in itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sfsync.config.model import Fault
from sfsync.config.spelling import shown
from sfsync.mapping.field_mapping import FieldMapping, Lookup
from sfsync.mapping.field_values import OtherValue
from sfsync.mapping.local_names import ID_COLUMN, is_column

if TYPE_CHECKING:
    from sfsync.mapping.schema import Mapping

_ONE_WAY = "declare which way it goes: `direction: push` or `direction: pull`"
_At = tuple[str, str]


def mapping_faults(mapping: Mapping) -> Iterator[Fault]:
    """Everything that does not fit together in a mapping."""
    yield from _no_table(mapping)
    yield from _repeated_columns(mapping)
    yield from _unshowable_columns(mapping)
    yield from _taken_id_column(mapping)
    yield from _ambiguous_values(mapping)
    yield from _written_twice(mapping)
    for at, item in _items(mapping):
        yield from _wrong_way(mapping, at, item)


def _items(mapping: Mapping) -> Iterator[tuple[_At, FieldMapping | Lookup]]:
    for name, item in mapping.fields.items():
        yield ("fields", name), item
    for name, lookup in mapping.lookups.items():
        yield ("lookups", name), lookup


def _no_table(mapping: Mapping) -> Iterator[Fault]:
    if mapping.table is None and (mapping.source is None or mapping.direction != "push"):
        yield Fault("`table` is missing", "only a mapping that pushes a `source` needs none", ("object",), key=True)
    if mapping.source is not None and mapping.direction != "push":
        yield Fault("a `source` can only be pushed", "add `direction: push`", ("source",), key=True)
    if mapping.external_id is not None and mapping.key is not None:
        yield Fault("`key` and `external_id` are the same thing", "keep one of them", ("key",), key=True)


def _columns(mapping: Mapping) -> Iterator[tuple[_At, str]]:
    """Place of the entry, and its column: of what the local table shows. Others may read a column once more."""
    for at, item in _items(mapping):
        if mapping.direction_of(item) != "push":
            yield from ((at, column) for column in item.columns)


def _repeated_columns(mapping: Mapping) -> Iterator[Fault]:
    first: dict[str, str] = {}
    for at, column in _columns(mapping):
        if column.casefold() in first:
            other = first[column.casefold()]
            yield Fault(f"the column `{column}` already holds {other}", "give it another name", (*at, "local"))
        first.setdefault(column.casefold(), at[1])


def _unshowable_columns(mapping: Mapping) -> Iterator[Fault]:
    for at, column in _columns(mapping):
        if not is_column(column):
            hint = "letters, digits and underscores, at most 63; other names may be pushed, not shown"
            yield Fault(f"`{shown(column)}` is not the name of a column that can be shown", hint, (*at, "local"))


def _taken_id_column(mapping: Mapping) -> Iterator[Fault]:
    for at, column in _columns(mapping):
        if column.casefold() == ID_COLUMN and at != ("fields", "Id"):
            hint = "give the column another name"
            yield Fault(f"`{ID_COLUMN}` is the column that holds the record's Id", hint, (*at, "local"))


def _ambiguous_values(mapping: Mapping) -> Iterator[Fault]:
    """On push each local value must lead back to one value of the org."""
    for name, item in mapping.fields.items():
        if item.values is None or mapping.direction_of(item) == "pull":
            continue
        first: dict[str, str] = {}
        for org_value, local_value in item.value_pairs():
            other = first.setdefault(local_value, org_value)
            if other != org_value:
                message = f"`{shown(local_value)}` stands for `{shown(other)}` and `{shown(org_value)}`"
                hint = "a push could not tell which to write: use different values, or `direction: pull`"
                yield Fault(message, hint, ("fields", name, "values", org_value))


def _written_twice(mapping: Mapping) -> Iterator[Fault]:
    for name, lookup in mapping.lookups.items():
        item = mapping.fields.get(name)
        if item and "pull" not in (mapping.direction_of(item), mapping.direction_of(lookup)):
            hint = "give one of them `direction: pull`"
            yield Fault(f"`{name}` would be pushed from two columns", hint, ("lookups", name), key=True)


def _wrong_way(mapping: Mapping, at: _At, item: FieldMapping | Lookup) -> Iterator[Fault]:
    """What cannot go the way it is asked to: both ways only what brings each value back as it was."""
    direction = mapping.direction_of(item)
    if item.is_only_pushed and direction != "push":
        source = "constant" if item.constant is not None else "sql"
        hint = "add `direction: push`"
        yield Fault(f"`{source}` has nothing to show: it can only be pushed", hint, (*at, source), key=True)
    if direction == "push":
        return
    for number, step in enumerate(item.transform):
        here = (*at, "transform", number, step.key)
        if step.phone is not None:
            hint = "add `direction: push`"
            yield Fault("`phone` can only be pushed: a local table shows numbers as they are", hint, here, key=True)
        elif direction == "both" and (loss := step.loss()) is not None:
            yield Fault(f"`{step.key}` {loss}, so it cannot go both ways", _ONE_WAY, here, key=True)
    if direction == "both":
        yield from _fills_in(at, item)
    if isinstance(item, FieldMapping) and item.mask is not None:
        yield Fault("`mask` hides what is pushed, and shows nothing", "add `direction: push`", (*at, "mask"), key=True)


def _fills_in(at: _At, item: FieldMapping | Lookup) -> Iterator[Fault]:
    """What would write something where the org has something else, or nothing."""
    if item.default is not None:
        message = "`default` would fill whatever is empty in the org, so it cannot go both ways"
        yield Fault(message, "add `direction: push`", (*at, "default"), key=True)
    if isinstance(item, FieldMapping) and (item.otherwise == "null" or isinstance(item.otherwise, OtherValue)):
        message = "`otherwise` gives several values one name, so it cannot go both ways"
        yield Fault(message, f"use `otherwise: keep` or `fail`, or {_ONE_WAY}", (*at, "otherwise"), key=True)

"""CumulusCI's `mapping.yml`: steps, each an object, a table, and which field is which column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sfsync.config.document import Document
from sfsync.config.spelling import shown
from sfsync.errors import MappingError, Problem
from sfsync.mapping.imports.page import Entry, Page
from sfsync.mapping.yaml_text import comment, scalar

#: Keys of a step that mean something here.
_CARRIED = frozenset({"sf_object", "table", "fields", "lookups", "static", "record_type", "action", "update_key"})
_WHY_NOT = {
    "filters": "SQL over the local table: make a view or a `source: {query: ...}` of it",
    "soql_filter": "it limits what is extracted: for a mapping that pulls, write it as `filter:`",
    "api": "sfsync chooses the API by the number of records",
    "bulk_mode": "sfsync chooses the API by the number of records",
    "batch_size": "sfsync chooses the size of batches",
    "anchor_date": "dates are pushed as they are: shift them in a `source: {query: ...}`",
    "oid_as_pk": "give the column of the record's Id: `fields: {Id: COLUMN}`",
    "select_options": "records are found by a key only",
}


@dataclass(frozen=True, slots=True)
class _Step:
    """One step of the file."""

    name: str
    data: Mapping[str, Any]
    document: Document

    @property
    def object(self) -> str:
        return str(self.data.get("sf_object", ""))

    @property
    def table(self) -> str:
        return str(self.data.get("table") or self.object)

    @property
    def update_key(self) -> tuple[str, ...]:
        given = self.data.get("update_key")
        if given is None:
            return ()
        listed = given if isinstance(given, list) else str(given).split(",")
        return tuple(str(each).strip() for each in listed)

    def line(self, *keys: str | int) -> int:
        return self.document.place(self.name, *keys, key=True)[0]

    def block(self, key: str) -> dict[str, Any]:
        """A block of the step; a list of names is each name with itself."""
        given = self.data.get(key) or {}
        if isinstance(given, list):
            return {str(each): str(each) for each in given}
        if isinstance(given, dict):
            return given
        message = f"`{key}` of the step `{shown(self.name)}` is neither a block nor a list"
        raise MappingError([self.document.problem(self.name, key, message=message)])


def cumulusci_pages(document: Document, shown_as: str) -> list[tuple[str, Page]]:
    """The mappings of the steps, with the step's name. Raises `MappingError` where the file is no CumulusCI mapping."""
    steps: list[_Step] = []
    for name, data in document.data.items():
        if not isinstance(data, dict) or not data.get("sf_object"):
            message = f"the step `{shown(name)}` has no `sf_object`"
            raise MappingError([document.problem(name, message=message, hint="is it a CumulusCI mapping?", key=True)])
        steps.append(_Step(name, data, document))
    if not steps:
        raise MappingError([Problem(shown_as, None, None, "it has no steps")])
    return [(step.name, _page(step, steps, shown_as)) for step in steps]


def _page(step: _Step, steps: list[_Step], shown_as: str) -> Page:
    head = [
        comment(f"From the step {step.name} of CumulusCI's {shown_as}, line {step.line()}."),
        "version: 1",
        f"object: {scalar(step.object)}",
        "direction: push",
    ]
    page = Page(shown_as, head)
    for name, column in step.block("fields").items():
        page.add(_field(step, name, column))
    for name, value in step.block("static").items():
        yaml = f"{{constant: {scalar(_constant(step, name, value))}}}"
        page.add(Entry("fields", name, yaml, step.line("static", name)))
    for name, lookup in step.block("lookups").items():
        page.add(_lookup(step, steps, name, lookup))
    if record_type := step.data.get("record_type"):
        yaml = f"{{object: RecordType, by: DeveloperName, constant: {scalar(str(record_type))}}}"
        page.add(Entry("lookups", "RecordTypeId", yaml, step.line("record_type")))
    page.head.extend(_key(step, page))
    page.remarks.extend(_left_out(step))
    return page


def _constant(step: _Step, name: str, value: Any) -> str:
    """A fixed value as the file has it: of `1.10`, a number would leave 1.1."""
    spot = step.document.spots.get((step.name, "static", name))
    if isinstance(value, bool):
        return str(value).lower()
    return spot.text if spot is not None and spot.text else str(value)


def _field(step: _Step, name: str, column: Any) -> Entry:
    line = step.line("fields", name) if isinstance(step.data.get("fields"), dict) else step.line("fields")
    if name.casefold() == "recordtypeid":
        yaml = f"{{object: RecordType, by: DeveloperName, local: {scalar(str(column))}}}"
        note = "CumulusCI keeps DeveloperNames in a table beside it; the column here has to hold them"
        return Entry("lookups", "RecordTypeId", yaml, line, note)
    return Entry("fields", "Id" if name.casefold() == "id" else name, scalar(str(column)), line)


def _lookup(step: _Step, steps: list[_Step], name: str, lookup: Any) -> Entry:
    line = step.line("lookups", name)
    data: dict[str, Any] = lookup if isinstance(lookup, dict) else {"table": lookup}
    column = str(data.get("key_field") or name)
    tables = data.get("table")
    wanted = [str(each) for each in (tables if isinstance(tables, list) else [tables]) if each]
    parents = [next((each for each in steps if each.table == table), None) for table in wanted]
    objects = [each.object if each is not None else table for each, table in zip(parents, wanted, strict=True)]
    missing = ", on_missing: defer" if data.get("after") else ""
    keys = [each.update_key[0] if each is not None and len(each.update_key) == 1 else "" for each in parents]
    by = (
        keys[0]
        if len(set(keys)) == 1
        else "{" + ", ".join(f"{o}: {k}" for o, k in zip(objects, keys, strict=True)) + "}"
    )
    target = objects[0] if len(objects) == 1 else f"[{', '.join(objects)}]"
    usable = bool(keys) and all(keys)
    yaml = f"{{object: {target or 'OBJECT'}, by: {by if usable else 'FIELD'}, local: {scalar(column)}{missing}}}"
    notes = list(_lookup_notes(data, usable=usable))
    return Entry("lookups", name, yaml, line, "; ".join(notes), active=usable)


def _lookup_notes(data: Mapping[str, Any], *, usable: bool) -> Iterator[str]:
    if usable:
        yield "CumulusCI found parents by their row, sfsync by the key of their step, which the column has to hold"
    else:
        yield "CumulusCI found parents by their row, sfsync by a field: say which one of theirs the column holds"
    if after := data.get("after"):
        yield f"`after: {shown(after)}` is a second pass: on_missing: defer"
    for key in ("value_field", "join_field"):
        if key in data:
            yield f"`{key}: {shown(data[key])}` is not carried over"
    if extra := sorted(set(data) - {"table", "key_field", "after", "value_field", "join_field"}):
        yield f"not carried over: {', '.join(map(shown, extra))}"


def _key(step: _Step, page: Page) -> list[str]:
    action = str(step.data.get("action") or "insert")
    fields = {each.field for each in page.entries if each.active and each.section == "fields"}
    if len(step.update_key) == 1 and "insert" not in action:
        key = step.update_key[0]
        if key in fields:
            return [f"key: {scalar(key)}  # line {step.line('update_key')}: action {shown(action)}"]
    if action == "update" and "Id" in fields:
        return [f"key: Id  # line {step.line('action')}: action update"]
    if "Id" in fields:
        page.remarks.append("Id is mapped: with `key: Id`, records that have one are updated, and the others made")
    if len(step.update_key) > 1:
        keys = ", ".join(step.update_key)
        page.remarks.append(f"line {step.line('update_key')}: records are found by one field, not by several ({keys})")
    page.remarks.append(f"action {action}: without a `key:`, each push makes new records")
    return []


def _left_out(step: _Step) -> Iterator[str]:
    for key, value in step.data.items():
        if key not in _CARRIED:
            why = _WHY_NOT.get(key, "there is nothing like it")
            yield f"line {step.line(key)} `{key}: {shown(value, 80)}` is not carried over: {why}"

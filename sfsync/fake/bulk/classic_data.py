"""The records of a Bulk API 1.0 batch, read out of CSV, JSON or XML."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import orjson

from sfsync.fake.bulk.classic_xml import NIL, XmlRefused, local, parsed
from sfsync.fake.bulk.columns import check_columns, parent_column, plain_column, read_columns
from sfsync.fake.bulk.csv_rows import BatchRefused, CsvRows
from sfsync.fake.catalog import Catalog, ObjectFacts

if TYPE_CHECKING:
    from sfsync.fake.bulk.classic_jobs import ClassicJob
    from sfsync.fake.org import FakeOrg


@dataclass(frozen=True, slots=True)
class Records:
    """What a batch holds.

    Attributes:
        rows: Records, in the form that `dml` takes.
        parents: Objects of the parents that they name by something else than an Id.
    """

    rows: list[dict[str, Any]]
    parents: frozenset[str]


def records_of(org: FakeOrg, job: ClassicJob, facts: ObjectFacts, request: Path) -> Records:
    """Read a batch; raises BatchRefused when it cannot be read, or names fields that the object does not have."""
    catalog = org.behaviour.visible_to(job.load.options.user_id)
    if job.content_type == "CSV":
        return _of_csv(job, facts, catalog, request)
    rows = _of_json(request.read_bytes()) if job.content_type == "JSON" else _of_xml(request.read_bytes())
    names = dict.fromkeys(name for row in rows for name in row)
    parents = _check(names, rows, facts, catalog)
    if rows:
        check_columns(names, job.load.operation, job.load.key)
    return Records(rows, parents)


def _of_csv(job: ClassicJob, facts: ObjectFacts, catalog: Catalog, request: Path) -> Records:
    with CsvRows(request) as upload:
        names = upload.read_header()
        columns = read_columns(names, facts, catalog)
        check_columns(names, job.load.operation, job.load.key)
        rows = [columns.row(cells) for cells in upload]
    return Records(rows, frozenset(column.object for _, column in columns.parents))


def _of_json(data: bytes) -> list[dict[str, Any]]:
    try:
        rows = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise BatchRefused(f"InvalidBatch : Unable to parse JSON: {error}") from error  # from memory
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise BatchRefused("InvalidBatch : Batch must be a JSON array of records")  # from memory
    return [{name: value for name, value in row.items() if name != "attributes"} for row in rows]


def _of_xml(data: bytes) -> list[dict[str, Any]]:
    try:
        root = parsed(data)
    except XmlRefused as refused:
        raise BatchRefused(f"InvalidBatch : Unable to parse XML: {refused}") from refused  # from memory
    if local(root) != "sObjects":
        raise BatchRefused("InvalidBatch : Batch must be an sObjects element")  # from memory
    return [_xml_record(child) for child in root if local(child) == "sObject"]


def _xml_record(element: ET.Element) -> dict[str, Any]:
    """One `sObject`: an element a field; an empty one says nothing, `xsi:nil` clears."""
    record: dict[str, Any] = {}
    for child in element:
        nested = next((one for one in child if local(one) == "sObject"), None)
        if nested is not None:
            parent = _xml_record(nested)
            kind = parent.pop("type", None)
            record[local(child)] = parent | ({"attributes": {"type": kind}} if kind else {})
        elif child.get(NIL) in {"true", "1"}:
            record[local(child)] = None
        elif child.text:
            record[local(child)] = child.text
    return record


def _check(
    names: Iterable[str], rows: Sequence[Mapping[str, Any]], facts: ObjectFacts, catalog: Catalog
) -> frozenset[str]:
    """Refuse fields that the object does not have; tells the objects of the parents named."""
    parents: set[str] = set()
    for name in names:
        nested = {
            (key, _kind(value))
            for row in rows
            if isinstance(value := row.get(name), dict)
            for key in value
            if key not in {"attributes", "type"}
        }
        for key, kind in nested:
            parents.add(parent_column(f"{kind}:{name}.{key}" if kind else f"{name}.{key}", facts, catalog).object)
        if not nested:
            _plain(name, facts)
    return frozenset(parents)


def _plain(name: str, facts: ObjectFacts) -> None:
    """A field, or a relationship that is cleared."""
    if not any(field.parent and field.parent.casefold() == name.casefold() for field in facts.fields):
        plain_column(name, facts)


def _kind(parent: Mapping[str, Any]) -> str:
    attributes = parent.get("attributes")
    told = attributes.get("type") if isinstance(attributes, dict) else parent.get("type")
    return told if isinstance(told, str) else ""

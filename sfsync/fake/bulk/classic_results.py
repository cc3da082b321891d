"""Results of Bulk API 1.0 batches: what came of each record, and the records that a query found."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from datetime import time as day_time
from typing import TYPE_CHECKING, Any

import orjson

from sfsync.fake.bulk.classic_faults import NAMESPACE
from sfsync.fake.bulk.classic_xml import HEAD, text
from sfsync.fake.bulk.writes import error_text, result_id
from sfsync.fake.dml.outcome import RowOutcome
from sfsync.fake.evaluate.compiled import CompiledQuery
from sfsync.fake.wire import MACROS, csv_expression

if TYPE_CHECKING:
    from sfsync.fake.bulk.classic_batches import QueryResult
    from sfsync.fake.org import FakeOrg

#: The answer, in CSV, to a query that found nothing.
NOTHING_FOUND = b"Records not found for this query"

_ROWS_AT_A_TIME = 2_000
_MIDNIGHT = day_time(tzinfo=UTC)


def load_results(
    content_type: str, outcomes: Sequence[RowOutcome], rows: Sequence[Mapping[str, Any]], version: str
) -> bytes:
    """What came of the records of a batch, in their order."""
    ids = [result_id(outcome, row, version) for outcome, row in zip(outcomes, rows, strict=True)]
    if content_type == "CSV":
        return _csv_results(ids, outcomes)
    if content_type == "JSON":
        return orjson.dumps(
            [_json_result(record_id, outcome) for record_id, outcome in zip(ids, outcomes, strict=True)]
        )
    inner = "".join(_xml_result(record_id, outcome) for record_id, outcome in zip(ids, outcomes, strict=True))
    return f'{HEAD}<results xmlns="{NAMESPACE}">{inner}</results>'.encode()


def _csv_results(ids: Sequence[str], outcomes: Sequence[RowOutcome]) -> bytes:
    file = io.StringIO(newline="")
    writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(("Id", "Success", "Created", "Error"))
    for record_id, outcome in zip(ids, outcomes, strict=True):
        done, created = str(outcome.success).lower(), str(outcome.created).lower()
        writer.writerow((record_id, done, created, error_text(outcome.errors)))
    return file.getvalue().encode(errors="replace")


def _json_result(record_id: str, outcome: RowOutcome) -> dict[str, Any]:
    return {
        "success": outcome.success,
        "created": outcome.created,
        "id": record_id or None,
        "errors": [
            {"statusCode": error.code, "message": error.message, "fields": list(error.fields)}
            for error in outcome.errors
        ],
    }


def _xml_result(record_id: str, outcome: RowOutcome) -> str:
    errors = "".join(
        f"<errors>{''.join(f'<fields>{text(field)}</fields>' for field in error.fields)}"
        f"<message>{text(error.message)}</message><statusCode>{text(error.code)}</statusCode></errors>"
        for error in outcome.errors
    )
    named = f"<id>{record_id}</id>" if record_id else ""
    done, created = str(outcome.success).lower(), str(outcome.created).lower()
    return f"<result>{errors}{named}<success>{done}</success><created>{created}</created></result>"


# --- queries -------------------------------------------------------------------------------------------------------


def json_records(org: FakeOrg, result: QueryResult, version: str) -> Iterator[bytes]:
    """The records of a query as a JSON array: dates and datetimes are milliseconds since 1970."""
    columns = [f"c{place}" for place in range(record_width(result.compiled))]
    mark = b"["
    for rows in _rows(org, result, columns):
        records = (_record(result.compiled, row, version, _json_value) for row in rows)
        yield mark + b",".join(orjson.dumps(record) for record in records)
        mark = b","
    yield b"[]" if mark == b"[" else b"]"


def xml_records(org: FakeOrg, result: QueryResult, version: str) -> Iterator[bytes]:
    """The records of a query as XML."""
    xsi = "http://www.w3.org/2001/XMLSchema-instance"
    yield f'{HEAD}<queryResult xmlns="{NAMESPACE}" xmlns:xsi="{xsi}">'.encode()
    selected = result.compiled.columns
    org.database.teach(MACROS)
    columns = [
        f"CASE WHEN c{place} IS NULL THEN NULL ELSE {csv_expression(f'c{place}', selected[place].type)} END"
        if place < len(selected)
        else f"c{place}"
        for place in range(record_width(result.compiled))
    ]
    for rows in _rows(org, result, columns):
        records = (_record(result.compiled, row, version, _as_it_is) for row in rows)
        yield "".join(_xml_record("records", record) for record in records).encode(errors="replace")
    yield b"</queryResult>"


def record_width(compiled: CompiledQuery) -> int:
    """How many columns `record_sql` has: those selected, the record's Id, and two a parent."""
    places = [len(compiled.columns) - 1, compiled.id_column or 0]
    places += [place for parent in compiled.parents for place in (parent.id_column, parent.type_column)]
    return max(places) + 1


def _rows(org: FakeOrg, result: QueryResult, columns: Sequence[str]) -> Iterator[list[tuple[Any, ...]]]:
    for start in range(result.start, result.start + result.rows, _ROWS_AT_A_TIME):
        length = min(_ROWS_AT_A_TIME, result.start + result.rows - start)
        with org.database.reading() as cursor:
            cursor.execute(
                f"SELECT {', '.join(columns)} FROM {result.kept.table} WHERE {result.kept.span(start, length)}"
                " ORDER BY rowid"
            )
            yield cursor.fetchall()


def _record(compiled: CompiledQuery, row: Sequence[Any], version: str, shown: Any) -> dict[str, Any]:
    """One row as a record with its parents in it."""
    record: dict[str, Any] = {"attributes": _attributes(compiled.object, row[compiled.id_column or 0], version)}
    parents: dict[tuple[str, ...], dict[str, Any] | None] = {(): record}
    told = {parent.path: parent for parent in compiled.parents}
    for place, column in enumerate(compiled.columns):
        for depth in range(1, len(column.path)):
            path = column.path[:depth]
            if path not in parents:
                parent = told[path]
                known = row[parent.id_column] is not None
                parents[path] = {} if known else None
                above = parents[path[:-1]]
                if above is not None:
                    above[path[-1]] = parents[path]
                if known:
                    found = parents[path]
                    assert found is not None  # noqa: S101 - set two lines up
                    found["attributes"] = _attributes(row[parent.type_column], row[parent.id_column], version)
        holder = parents[column.path[:-1]]
        if holder is not None:
            holder[column.path[-1]] = shown(row[place])
    return record


def _attributes(object_name: str, record_id: str, version: str) -> dict[str, str]:
    return {"type": object_name, "url": f"/services/data/v{version}/sobjects/{object_name}/{record_id}"}


def _as_it_is(value: Any) -> Any:
    return value


def _json_value(value: Any) -> Any:
    if isinstance(value, datetime):
        return round(value.replace(tzinfo=UTC).timestamp() * 1000)
    if isinstance(value, date):
        return round(datetime.combine(value, _MIDNIGHT).timestamp() * 1000)  # from memory
    if isinstance(value, day_time):
        return f"{value:%H:%M:%S}.{value.microsecond // 1000:03d}Z"
    return value


def _xml_record(name: str, record: Mapping[str, Any]) -> str:
    parts = [f'<{name} xsi:type="sObject"><type>{record["attributes"]["type"]}</type>']
    for key, value in record.items():
        if key == "attributes":
            continue
        if value is None:
            parts.append(f'<{key} xsi:nil="true"/>')
        elif isinstance(value, dict):
            parts.append(_xml_record(key, value))
        else:
            parts.append(f"<{key}>{text(value)}</{key}>")
    return "".join([*parts, f"</{name}>"])

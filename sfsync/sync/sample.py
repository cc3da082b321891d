"""Some records by Id, drawn by lot: their values tell whether the mirror's can be trusted, and cost few calls."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from sfsync.records import ObjectDescribe
from sfsync.salesforce.query import QueryPage, query_pages
from sfsync.store import Session
from sfsync.store.names import table
from sfsync.sync import spool
from sfsync.sync.read import LONGEST_REST_QUERY, Reader, SpooledRead

#: Ids in one query: a WHERE clause may have 4,000 characters.
MOST_IDS = 150

_ID = re.compile(r"[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?")
_ID_LENGTH = len("'00Q000000000000AAA', ")


def draw(session: Session, object_name: str, size: int, seed: str) -> list[str]:
    """Ids of so many records of the mirror; another seed draws others.

    Args:
        session: Any session.
        object_name: A mirrored object.
        size: How many.
        seed: What the lot depends on, e.g. the run's Id.
    """
    rows = session.execute(
        f'SELECT "Id" FROM {table("sf_all", object_name)} ORDER BY md5("Id" || ?), "Id" LIMIT {int(size)}', [seed]
    )
    return [record_id for (record_id,) in rows if record_id and _ID.fullmatch(record_id)]


def calls_of(size: int) -> int:
    """How many API calls reading a sample costs, at least."""
    return -(-size // MOST_IDS)


def read_sample(reader: Reader, describe: ObjectDescribe, ids: Sequence[str]) -> SpooledRead:
    """Read these records with all their fields by REST, deleted ones included; those that are gone do not come."""
    names = [f.name for f in describe.stored_fields]
    folder = spool.fresh_folder(reader.spool, f"{describe.name}.sample")
    files, rows = list[Path](), 0
    for page in _pages(reader, describe, names, ids):
        file = folder / f"{len(files) + 1:05}.csv"
        rows += spool.write_page(file, names, page.records)
        files.append(file)
    return SpooledRead(tuple(files), rows, "rest", listing=False, after_commit=lambda: None)


def _pages(reader: Reader, describe: ObjectDescribe, names: Sequence[str], ids: Sequence[str]) -> Iterator[QueryPage]:
    select = f"SELECT {', '.join(names)} FROM {describe.name} WHERE Id IN "
    size = max(1, min(MOST_IDS, (LONGEST_REST_QUERY - len(select)) // _ID_LENGTH))
    for start in range(0, len(ids), size):
        listed = ", ".join(f"'{record_id}'" for record_id in ids[start : start + size])
        yield from query_pages(reader.org, f"{select}({listed})", deleted_too=describe.field("IsDeleted") is not None)

"""Loads a mapping's source, whatever it is, into a temporary table: the first step of a push."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from sfsync.config.spelling import shown
from sfsync.errors import QueryFailed, SourceError
from sfsync.mapping.source_spec import OF_FILES, SourceSpec
from sfsync.store.interface import Session
from sfsync.store.names import quote
from sfsync.store.names import table as qualified
from sfsync.sync.source.csv_file import load_csv_file
from sfsync.sync.source.faults import unreadable
from sfsync.sync.source.files import files_as_tables, notes_of
from sfsync.sync.source.mirror import load_mirror
from sfsync.sync.source.one_query import one_query
from sfsync.sync.source.source_table import ROW_COLUMN, SourceTable, column_names, finished, table_name, telling_clocks

_ENDINGS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".tab": "csv",
    ".txt": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".xlsx": "excel",
    ".xlsm": "excel",
}
_PACKED = {".gz", ".zip", ".bz2", ".xz", ".zst"}


def load_source(session: Session, spec: SourceSpec, name: str, *, root: Path | None = None) -> SourceTable:
    """Load a source into a temporary table of this session.

    Args:
        session: May make temporary tables.
        spec: What a mapping says of its source, or what a command was given.
        name: Tells the tables of several sources apart: the mapping's, say.
        root: Where relative paths begin: the project's folder; the current one unless given.

    Returns:
        The table: text columns where the source is text, typed ones where it has types, and `source_row`.

    Raises:
        SourceError: It cannot be read, or not without guessing; it says what to declare.
        UsageError: Reading it takes an extra that is not installed, or a variable that is not set.
    """
    table = table_name(name)
    if spec.file is not None:
        return _load_file(session, spec, (root or Path()) / Path(spec.file).expanduser(), table)
    if spec.mirror is not None:
        return load_mirror(session, spec, root or Path(), name)
    query = one_query(spec)
    if spec.files is not None:
        return _load_files(session, query, spec, name, root)
    if spec.database is None:
        return _load_query(session, query, spec, table)
    from sfsync.sync.source.database import load_database  # noqa: PLC0415 - takes the database's own library

    return load_database(session, spec, query, root or Path(), table)


def load_table(session: Session, schema: str, name: str) -> SourceTable:
    """A local table as a source: a copy of it with `source_row`, in the order the table has.

    Raises:
        SourceError: There is no such table.
    """
    table = table_name(f"{schema}.{name}")
    shown_as = f"{schema}.{name}"
    try:
        session.execute(_numbered(table, f"SELECT * FROM {qualified(schema, name)}"))
    except QueryFailed as error:
        message = f"the table cannot be read: {shown(error.message.splitlines()[0], 200)}"
        raise unreadable(shown_as, message, "`sfsync status` lists the tables of the store") from None
    return finished(session, table, shown_as)


def file_format(spec: SourceSpec) -> str:
    """`csv`, `parquet` or `excel`. Raises `SourceError` where the file's name does not tell."""
    shown_as = str(spec.file)
    if spec.format is not None:
        return spec.format
    ending = Path(shown_as).suffix.casefold()
    if ending in _ENDINGS:
        return _ENDINGS[ending]
    if ending in _PACKED:
        raise unreadable(shown_as, f"it is packed ({ending})", "unpack it first")
    if ending == ".xls":
        raise unreadable(shown_as, "it is of the Excel format from before 2007", "save it as .xlsx")
    raise unreadable(shown_as, "its name does not tell what it is", "declare `format`: csv, parquet or excel")


def _load_file(session: Session, spec: SourceSpec, path: Path, table: str) -> SourceTable:
    shown_as = str(spec.file)
    kind = file_format(spec)
    for key in sorted(spec.model_fields_set & OF_FILES.keys()):
        if kind not in OF_FILES[key]:
            message = f"`{key}` is declared, which is for {' and '.join(OF_FILES[key])} files"
            raise unreadable(shown_as, message, "take it away, or declare the `format`")
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "there is no such file"
        raise unreadable(shown_as, what, "paths count from the project's folder")
    try:
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        return replace(_read_file(session, spec, path, table, kind), content=content)
    except OSError as error:
        raise unreadable(shown_as, f"it cannot be read: {error.strerror or error}") from None


def _read_file(session: Session, spec: SourceSpec, path: Path, table: str, kind: str) -> SourceTable:
    if kind == "csv":
        return load_csv_file(session, path, spec, str(spec.file), table)
    if kind == "parquet":
        return _load_parquet(session, path, spec, table)
    from sfsync.sync.source.excel import load_excel  # noqa: PLC0415 - an extra

    return load_excel(session, path, spec, str(spec.file), table)


def _load_parquet(session: Session, path: Path, spec: SourceSpec, table: str) -> SourceTable:
    shown_as = str(spec.file)
    try:
        session.load_parquet(table, path)
    except QueryFailed as error:
        raise unreadable(shown_as, f"it is no Parquet file: {shown(error.message.splitlines()[0], 200)}") from None
    _take_names(session, table, path, shown_as)
    return telling_clocks(session, finished(session, table, shown_as, empty=spec.empty))


def _take_names(session: Session, table: str, path: Path, shown_as: str) -> None:
    """Give the columns the names they have in the file: of two that differ in capitals alone, none is the other."""
    import pyarrow.parquet  # noqa: PLC0415 - for Parquet alone

    given = pyarrow.parquet.read_schema(path).names
    for written, name in zip(given, column_names(given, shown_as), strict=True):
        if written != name:
            session.execute(f"ALTER TABLE {table} RENAME COLUMN {quote(written)} TO {quote(name)}")


def _check_own_column(session: Session, table: str, shown_as: str) -> None:
    """A column `source_row` of the source's own stands beside ours under another name, and would be lost among them."""
    found = session.execute(f"SELECT * FROM {table} LIMIT 0").columns
    if any(name.casefold().startswith(ROW_COLUMN) for name in found[1:]):
        raise unreadable(shown_as, f"a column is called `{ROW_COLUMN}`, which is sfsync's own", "rename it")


def _load_files(session: Session, query: str, spec: SourceSpec, name: str, root: Path | None) -> SourceTable:
    """A query over files, each loaded as it would be alone: their values stay the texts they are."""
    files = spec.files or {}
    loaded = {alias: load_source(session, each, f"{name} {alias}", root=root) for alias, each in files.items()}
    with files_as_tables(session, loaded):
        found = _load_query(session, query, spec, table_name(name))
    names = " and ".join(dict.fromkeys(str(each.file) for each in files.values()))
    return replace(found, notes=(*notes_of(spec, loaded), *found.notes), shown_as=f"a query of {names}")


def _load_query(session: Session, query: str, spec: SourceSpec, table: str) -> SourceTable:
    shown_as = "query"
    try:
        session.execute(_numbered(table, query))
    except QueryFailed as error:
        hint = "`sfsync query` tries it out"
        raise unreadable(shown_as, f"the store refuses it: {shown(error.message, 400)}", hint) from None
    _check_own_column(session, table, shown_as)
    return finished(session, table, shown_as, empty=spec.empty)


def _numbered(table: str, query: str) -> str:
    # The line end closes a comment at the end of the query.
    numbered = f"SELECT row_number() OVER () AS {ROW_COLUMN}, q.* FROM (\n{query}\n) AS q"
    return f"CREATE OR REPLACE TEMP TABLE {table} AS {numbered}"


__all__ = ["SourceError", "SourceTable", "file_format", "load_source", "load_table"]

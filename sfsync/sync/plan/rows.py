"""The rows of a mapping: its local table, or the file or query it names as its source."""

from __future__ import annotations

from pathlib import Path

from sfsync.errors import MappingError
from sfsync.mapping.local_names import ID_COLUMN
from sfsync.mapping.schema import Mapping
from sfsync.mapping.source_spec import SourceSpec
from sfsync.store.columns import table_columns
from sfsync.store.interface import Session
from sfsync.store.names import quote, table
from sfsync.sync.plan.work import PlanSource


def rows_of(session: Session, mapping: Mapping, root: Path | None = None) -> PlanSource:
    """The rows that a mapping pushes, with a number each.

    Args:
        session: A writing session.
        mapping: Whose rows.
        root: Where relative paths begin.

    Raises:
        MappingError: There is no such table.
        SourceError: The file or database cannot be read, or not without guessing.
    """
    if mapping.source is not None:
        return loaded_rows(session, mapping, mapping.source, root)
    return table_rows(session, mapping)


def loaded_rows(session: Session, mapping: Mapping, spec: SourceSpec, root: Path | None = None) -> PlanSource:
    """The rows of a file or a query, as `load_source` reads them."""
    from sfsync.sync.source.load import load_source  # noqa: PLC0415 - its readers are paid by those who read files
    from sfsync.sync.source.mirror import load_mirror  # noqa: PLC0415

    if spec.mirror is not None:
        found = load_mirror(session, spec, root or Path(), mapping.file, mapping=mapping)
    else:
        found = load_source(session, spec, mapping.file, root=root)
    return PlanSource(found.table, found.columns, found.shown_as, found.rows, found.notes, content=found.content)


def table_rows(session: Session, mapping: Mapping) -> PlanSource:
    """The rows of a local table or view, numbered; they stay as they are while the plan is made."""
    name = mapping.local_table
    columns = table_columns(session, name.schema, name.name)
    if not columns:
        hint = f"make the table (with a column for each entry of the mapping, and `{ID_COLUMN}` where Ids are known)"
        raise MappingError([mapping.problem("table", message=f"there is no table `{name}`", hint=hint)])
    columns.pop("source_row", None)
    copied = quote(f"plan rows {name}")
    listed = ", ".join(quote(column) for column in columns)
    session.execute(f"DROP TABLE IF EXISTS {copied}")
    session.expect_columns(len(columns))
    session.execute(
        f"CREATE TEMPORARY TABLE {copied} AS SELECT row_number() OVER () AS source_row, {listed} "
        f"FROM {table(name.schema, name.name)}"
    )
    count = int(session.execute(f"SELECT count(*) FROM {copied}").scalar())
    return PlanSource(copied, columns, str(name), count)

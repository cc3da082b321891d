"""Data frames as a source: pandas, Arrow, and whatever speaks Arrow's C stream (Polars, DuckDB, …)."""

from __future__ import annotations

import math
from datetime import date, datetime
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sfsync.errors import UsageError
from sfsync.store.interface import Session
from sfsync.sync.source.source_table import SourceTable, column_names, finished, table_name, telling_clocks

_SHOWN_AS = "data frame"


def load_frame(session: Session, frame: Any, name: str) -> SourceTable:
    """Load a data frame into a temporary table of this session.

    Columns keep their types; one of mixed values becomes text. NaN, NaT, None and NA are no value. The index of a
    pandas frame is no column.

    Args:
        session: May make temporary tables.
        frame: A pandas DataFrame, an Arrow table, batch or reader, or anything with `__arrow_c_stream__`.
        name: Tells the tables of several sources apart.

    Raises:
        SourceError: Columns without a name, or with the same one.
        UsageError: It is no data frame.
    """
    notes: list[str] = []
    data = _from_pandas(frame, notes) if isinstance(frame, pd.DataFrame) else _from_arrow(frame)
    names = column_names((str(each) for each in data.column_names), _SHOWN_AS)
    data = data.rename_columns(names)
    for at, field in enumerate(data.schema):
        if pa.types.is_dictionary(field.type):
            plain = data.column(at).cast(field.type.value_type)
            data = data.set_column(at, field.name, plain)
        elif pa.types.is_null(field.type):
            data = data.set_column(at, field.name, pa.nulls(data.num_rows, pa.string()))
        elif pa.types.is_floating(field.type):
            column = data.column(at)
            absent = pa.scalar(None, field.type)
            data = data.set_column(at, field.name, pc.if_else(pc.is_nan(column), absent, column))
    table = table_name(name)
    session.load_arrow(table, data)
    return telling_clocks(session, finished(session, table, _SHOWN_AS, notes=notes))


def _from_arrow(frame: Any) -> pa.Table:
    if isinstance(frame, pa.Table):
        return frame
    if isinstance(frame, pa.RecordBatch):
        return pa.Table.from_batches([frame])
    if isinstance(frame, pa.RecordBatchReader):
        return frame.read_all()
    if hasattr(frame, "__arrow_c_stream__"):
        try:
            return pa.table(frame)
        except pa.ArrowInvalid:  # a single column, like a pandas Series
            pass
    raise UsageError(
        f"{type(frame).__name__} is no data frame", hint="a pandas DataFrame, an Arrow table, or what speaks Arrow"
    )


def _from_pandas(frame: pd.DataFrame, notes: list[str]) -> pa.Table:
    if frame.index.name is not None or frame.index.nlevels > 1:
        notes.append("left out: the index (`reset_index()` makes columns of it)")
    names = [str(each) for each in frame.columns]
    arrays = [_column(frame.iloc[:, at], names[at], notes) for at in range(len(names))]
    return pa.Table.from_arrays(arrays, names=names)


def _column(series: pd.Series[Any], name: str, notes: list[str]) -> pa.Array | pa.ChunkedArray:
    if isinstance(series.dtype, pd.CategoricalDtype):
        # As objects: whole numbers have no place for a value that is missing.
        series = pd.Series(series.cat.categories.to_numpy(dtype=object)).reindex(series.cat.codes)
    if isinstance(series.dtype, (pd.PeriodDtype, pd.IntervalDtype)):
        return pa.array([_text(value) for value in series], pa.string())  # Arrow would have their inner numbers
    try:
        return pa.array(series, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
        notes.append(f"the column {name} holds values of several kinds, and is taken as text")
        return pa.array([_text(value) for value in series], pa.string())


def _text(value: Any) -> str | None:
    """A Python value as the API writes it."""
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return None
    if pd.api.types.is_bool(value):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return value.isoformat() if isinstance(value, (datetime, date)) else str(value)

"""`source:` of a mapping: where the rows of a migration come from, in place of a local table."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from sfsync.config.model import ApiName, Fault, Lax, ShortForm, StrictModel, faulty
from sfsync.mapping.local_names import check_column

Format = Literal["csv", "parquet", "excel"]
FileName = Annotated[str, AfterValidator(check_column)]

_SERVER = re.compile(r"[a-z][a-z0-9+]*://", re.IGNORECASE)
_PASSWORD = re.compile(r"[a-z]+://[^@/:]*:(?!\$\{\w+\}@)[^@]+@", re.IGNORECASE)
#: Key → the formats it means something for.
OF_FILES: dict[str, tuple[str, ...]] = {
    "format": ("csv", "parquet", "excel"),
    "encoding": ("csv",),
    "delimiter": ("csv",),
    "quote": ("csv",),
    "header": ("csv", "excel"),
    "columns": ("csv", "excel"),
    "skip": ("csv", "excel"),
    "sheet": ("excel",),
}


class SourceSpec(StrictModel):
    """Where rows come from: a file, a query, or another org's mirror. What is not declared is detected or refused.

    Attributes:
        file: Path, from the project's folder.
        format: Of the file; by its ending unless given.
        encoding: Of a CSV file, like `utf-16`, `latin-1` or `windows-1252`; what a byte-order mark says or else UTF-8,
            unless given.
        delimiter: Between the columns of a CSV file; found out where only one can be meant.
        quote: Around values of a CSV file that hold a delimiter.
        header: Whether the first line names the columns.
        columns: The names of the columns, where there is no header.
        skip: Lines in front of the header.
        empty: Texts that mean nothing, beside the empty text: `[NA, "-"]`. Nothing else is ever taken for empty.
        sheet: Of an Excel file; needed where there are several.
        database: Path of a DuckDB file, or address of a PostgreSQL database (`postgresql://…`), in which a password
            stands as `${NAME}` of an environment variable.
        files: Several files, each under a name: `{leads: leads.csv, deals: deals.csv}`, for a `query` that joins them.
        mirror: Folder of another project: the records of its org, as of its last pull. Ids of that org become those
            of this one by the `lookups`.
        object: Of the mirror; the mapping's own unless given.
        query: One SELECT: of the `database`, the `files` or the `mirror`, or else of the project's own store.
    """

    file: Annotated[str, Field(min_length=1)] | None = None
    format: Format | None = None
    encoding: str | None = None
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    quote: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    header: bool = True
    columns: Annotated[tuple[str, ...], Lax] = ()
    skip: Annotated[int, Field(ge=0)] = 0
    empty: Annotated[tuple[str, ...], Lax] = ()
    sheet: str | None = None
    database: str | None = None
    files: dict[FileName, Annotated[SourceSpec, ShortForm("file")]] | None = None
    mirror: Annotated[str, Field(min_length=1)] | None = None
    object: ApiName | None = None
    query: str | None = None

    @property
    def is_on_a_server(self) -> bool:
        """Whether reading the rows takes the network; a DuckDB file is a file."""
        return self.database is not None and _SERVER.match(self.database) is not None

    @model_validator(mode="after")
    def _is_one_place(self) -> Self:
        if self.mirror is not None:
            self._is_a_mirror()
        if self.mirror is None and self.files is None and (self.file is None) == (self.query is None):
            raise faulty(Fault("needs either `file` or `query`", "like `source: leads.csv`"))
        for key in ("database", "files"):
            if getattr(self, key) is not None and self.query is None:
                raise faulty(Fault(f"`{key}` needs a `query`", "like `query: SELECT * FROM leads`", (key,), key=True))
        if self.object is not None and self.mirror is None:
            raise faulty(Fault("`object` is for a `mirror`", None, ("object",), key=True))
        if self.database is not None and self.files is not None:
            raise faulty(Fault("a query is about `files` or a `database`", "keep one of them", ("files",), key=True))
        for name, each in (self.files or {}).items():
            if each.file is None:
                raise faulty(Fault("this is not a file", "like `leads: leads.csv`", ("files", name), key=True))
        if self.database is not None and _PASSWORD.match(self.database):
            hint = "take it from the environment: `postgresql://me:${PGPASSWORD}@host/name`"
            raise faulty(Fault("a password may not stand in a mapping", hint, ("database",)))
        return self

    def _is_a_mirror(self) -> None:
        for key in ("file", "files", "database"):
            if getattr(self, key) is not None:
                raise faulty(Fault(f"rows come from a `mirror` or a `{key}`", "keep one of them", (key,), key=True))
        if self.object is not None and self.query is not None:
            raise faulty(Fault("a `query` says itself which object", "keep one of them", ("object",), key=True))

    @model_validator(mode="after")
    def _says_what_means_something(self) -> Self:
        if not self.header and not self.columns:
            raise faulty(Fault("without a header, `columns` must name the columns", None, ("header",), key=True))
        if self.header and self.columns:
            hint = "add `header: false`, and `skip: 1` where there is a line to be left out"
            raise faulty(Fault("`columns` are named where there is no header", hint, ("columns",), key=True))
        for key in self.model_fields_set & OF_FILES.keys():
            if self.file is None or self.format not in (None, *OF_FILES[key]):
                of = " and ".join(OF_FILES[key])
                raise faulty(Fault(f"`{key}` is for {of} files", None, (key,), key=True))
        if self.delimiter is not None and self.delimiter in (self.quote or '"', "\r", "\n"):
            raise faulty(Fault("this cannot divide columns", None, ("delimiter",)))
        return self

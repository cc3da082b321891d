"""A folder of CSV files as an org: `Lead.csv`, `Account.csv`, … with API names as column names.

Unknown `__c` columns become custom fields whose type is read off their values. Everything that cannot be a Salesforce
org's data is refused with file and line; what merely looks odd (a lookup to a record that is not there) is noted.
"""

from __future__ import annotations

import csv
import difflib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from sfsync.errors import ConfigError, Problem
from sfsync.fake.catalog import Catalog, FieldFacts, ObjectFacts
from sfsync.fake.catalog.facts import ID_TYPES
from sfsync.fake.custom_fields import inferred_fields
from sfsync.fake.database import ID_MACROS, Cursor, sql_type
from sfsync.fake.dml import loading
from sfsync.fake.sql_names import literal, quote

if TYPE_CHECKING:
    from sfsync.fake.org import FakeOrg

#: Faults of one kind shown for one file; the rest are counted.
_SHOWN = 5

_DUCKDB_LINE = re.compile(r"CSV Error on Line: (\d+)")


@dataclass(frozen=True, slots=True)
class DataFile:
    """One file of the folder, its header read and found good."""

    path: Path
    facts: ObjectFacts
    columns: tuple[str, ...]  # spelled as the catalogue spells them; custom ones as the file does

    @property
    def custom(self) -> tuple[str, ...]:
        """The columns that the catalogue does not know."""
        return tuple(name for name in self.columns if self.facts.field(name) is None)


def load_folder(org: FakeOrg, folder: Path, make_room: Callable[[str], None]) -> None:
    """Put the records of a folder into an org; raises ConfigError, and then nothing was loaded.

    Args:
        org: The org, furnished as a new one.
        folder: With the files.
        make_room: Takes out what the org had of an object before records of it come in.
    """
    org.database.teach(ID_MACROS)
    files = sorted(open_folder(folder, org.catalog), key=lambda file: loading.order(file.facts.name))
    with org.database.reading() as cursor:
        problems: list[Problem] = []
        for file in files:
            stage_file(cursor, file)
            facts = org.database.add_fields(file.facts, custom_fields(cursor, file)) if file.custom else file.facts
            found = check_staged(cursor, file, facts)
            if not found and not problems:
                make_room(facts.name)
                if facts.name == "User":
                    _swear_in(org, cursor, "staged_file", file.columns)
                loading.load_staged(org, cursor, facts, "staged_file", file.columns)
            problems.extend(found)
            cursor.execute("DROP TABLE staged_file")
        if problems:
            raise ConfigError(problems, hint="nothing was loaded")
        for file in files:
            facts = org.catalog.facts(file.facts.name) or file.facts
            org.notes.extend(dangling_lookups(cursor, facts, file.columns, org.catalog))


def _swear_in(org: FakeOrg, cursor: Cursor, table: str, columns: Sequence[str]) -> None:
    """Let the first active one of the incoming users be at work while everything else comes in."""
    active = ' WHERE coalesce(CAST("IsActive" AS BOOLEAN), true)' if "IsActive" in columns else ""
    row = cursor.execute(f'SELECT min(id_18("Id")) FROM {table}{active}').fetchone()
    if row and row[0]:
        org.admin_id = row[0]


def open_folder(folder: Path, catalog: Catalog) -> list[DataFile]:
    """The CSV files of a folder with their headers checked; raises ConfigError that lists everything wrong."""
    if not folder.is_dir():
        raise ConfigError(
            [Problem(str(folder), None, None, "there is no such folder")],
            hint="name a folder that holds Lead.csv, Account.csv, …",
        )
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".csv" and path.is_file())
    if not paths:
        raise ConfigError(
            [Problem(str(folder), None, None, "the folder holds no CSV file")],
            hint="one file an object: Lead.csv, Account.csv, … with API names as column names",
        )
    problems: list[Problem] = []
    files: list[DataFile] = []
    for path in paths:
        found = _open_file(path, catalog)
        if isinstance(found, DataFile):
            files.append(found)
        else:
            problems.extend(found)
    if problems:
        raise ConfigError(problems, hint="nothing was loaded")
    return files


def stage_file(cursor: Cursor, file: DataFile) -> str:
    """Load one file into a temporary table of text columns, in file order, and return the table's name."""
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in file.columns)
    source = (
        f"read_csv({literal(str(file.path))}, header = true, auto_detect = false, delim = ',', quote = '\"',"
        f" escape = '\"', columns = {{{columns}}})"
    )
    try:
        cursor.execute(f"CREATE OR REPLACE TEMP TABLE staged_file AS SELECT * FROM {source}")
    except duckdb.Error as error:
        message = str(error)
        line = _DUCKDB_LINE.search(message)
        wanted = ("Expected Number of Columns", "Value with unterminated quote", "Invalid unicode", "Maximum line size")
        reason = next((part for part in message.splitlines() if part.startswith(wanted)), message.splitlines()[0])
        problem = Problem(str(file.path), int(line.group(1)) if line else None, None, f"not readable as CSV: {reason}")
        raise ConfigError([problem], hint="UTF-8, commas, double quotes, one header line") from error
    return "staged_file"


def custom_fields(cursor: Cursor, file: DataFile) -> tuple[FieldFacts, ...]:
    """The custom fields that a staged file brings along."""
    return inferred_fields(cursor, "staged_file", file.custom)


def check_staged(cursor: Cursor, file: DataFile, facts: ObjectFacts) -> list[Problem]:
    """Everything in a staged file that cannot be a Salesforce org's data."""
    checks = list(_checks(file, facts))
    counts = cursor.execute(
        f"SELECT {', '.join(f'count(*) FILTER ({condition})' for _, condition, _ in checks)} FROM staged_file"
    ).fetchone()
    problems: list[Problem] = []
    for (column, condition, message), count in zip(checks, counts or (), strict=True):
        if not count:
            continue
        rows = cursor.execute(
            f"SELECT rowid, {quote(column)} FROM staged_file WHERE {condition} ORDER BY rowid LIMIT {_SHOWN}"
        ).fetchall()
        place = file.columns.index(column) + 1
        for row, value in rows:
            text = message.format(value="" if value is None else repr(str(value)[:60]))
            more = f" ({count} such rows)" if count > _SHOWN else ""
            problems.append(Problem(str(file.path), _line(cursor, file, row), place, f"{column}: {text}{more}"))
    return problems


def dangling_lookups(cursor: Cursor, facts: ObjectFacts, columns: Sequence[str], catalog: Catalog) -> Iterator[str]:
    """Notes on lookups that point to records which are not there, or of another object."""
    for field in facts.stored_fields:
        targets = [target for name in field.points_to if (target := catalog.facts(name)) is not None]
        if not targets or field.name not in columns or len(targets) < len(field.points_to):
            continue
        known = " UNION ALL ".join(f'SELECT "Id" FROM {quote(target.name)}' for target in targets)
        row = cursor.execute(
            f"SELECT count(*), any_value({quote(field.name)}) FROM {quote(facts.name)}"
            f" WHERE {quote(field.name)} IS NOT NULL AND {quote(field.name)} NOT IN ({known})"
        ).fetchone()
        if row and row[0]:
            yield f"{facts.name}.{field.name}: {row[0]} lookups point to no record, e.g. {row[1]}"


def _open_file(path: Path, catalog: Catalog) -> DataFile | list[Problem]:
    facts = catalog.facts(path.stem)
    if facts is None:
        names = [known.name for known in catalog]
        near = difflib.get_close_matches(path.stem, names, n=1)
        hint = f"did you mean `{near[0]}.csv`?" if near else f"known are {', '.join(names)}"
        return [Problem(str(path), None, None, f"the fake org has no object `{path.stem}`", hint)]
    try:
        # Bytes that are not UTF-8 come through as surrogates: those of the header count here, others when loading.
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as text:
            header = next(csv.reader(text), [])
        ",".join(header).encode()
    except (UnicodeEncodeError, csv.Error) as error:
        return [Problem(str(path), 1, None, f"the header cannot be read: {error}", "the file must be UTF-8")]
    except OSError as error:
        return [Problem(str(path), None, None, f"cannot be opened: {error.strerror}")]
    problems = list(_header_problems(path, header, facts))
    if problems:
        return problems
    spelled = tuple(known.name if (known := facts.field(name)) else name for name in header)
    return DataFile(path, facts, spelled)


def _header_problems(path: Path, header: Sequence[str], facts: ObjectFacts) -> Iterator[Problem]:
    seen: set[str] = set()
    for place, name in enumerate(header, start=1):
        field = facts.field(name)
        if name.casefold() in seen:
            yield Problem(str(path), 1, place, f"column `{name}` stands twice")
        elif not re.fullmatch(r"[A-Za-z]\w*", name, re.ASCII):
            yield Problem(str(path), 1, place, f"`{name}` is not an API name")
        elif field is not None and not field.stored:
            parts = ", ".join(part.name for part in facts.fields if part.compound == field.name)
            yield Problem(str(path), 1, place, f"`{name}` is a compound field", f"give its parts: {parts}")
        elif field is None and not name.lower().endswith("__c"):
            near = difflib.get_close_matches(name, [known.name for known in facts.fields], n=1)
            hint = f"did you mean `{near[0]}`?" if near else f"custom fields end in __c: `{name}__c`"
            yield Problem(str(path), 1, place, f"{facts.name} has no field `{name}`", hint)
        seen.add(name.casefold())
    if "id" not in seen:
        yield Problem(str(path), 1, None, "there is no column `Id`", "every record needs its 15- or 18-character Id")


def _checks(file: DataFile, facts: ObjectFacts) -> Iterator[tuple[str, str, str]]:
    """Column, SQL condition of a faulty row, message."""
    prefix = literal(facts.prefix)
    yield "Id", '"Id" IS NULL', "empty"
    yield "Id", 'NOT id_valid("Id")', "{value} is not a Salesforce Id (15 characters, or 18 with the right checksum)"
    yield "Id", f'id_valid("Id") AND "Id"[1:3] <> {prefix}', f"{{value}} is not an Id of {facts.name} ({facts.prefix}…)"
    twice = 'SELECT "Id"[1:15] FROM staged_file WHERE "Id" IS NOT NULL GROUP BY 1 HAVING count(*) > 1'
    yield "Id", f'"Id"[1:15] IN ({twice})', "{value} stands more than once"
    for name in file.columns:
        field = facts.field(name)
        if field is None or name == "Id":
            continue
        column, kind = quote(name), sql_type(field.type)
        if field.type in ID_TYPES:
            yield name, f"NOT id_valid({column})", "{value} is not a Salesforce Id"
        elif kind == "TIMESTAMP":
            yield (
                name,
                f"{column} IS NOT NULL AND TRY_CAST({column} AS TIMESTAMPTZ) IS NULL",
                "{value} is not a datetime",
            )
        elif kind == "DOUBLE":
            condition = f"{column} IS NOT NULL AND NOT coalesce(isfinite(TRY_CAST({column} AS DOUBLE)), false)"
            yield name, condition, "{value} is not a number"
        elif kind != "VARCHAR":
            yield (
                name,
                f"{column} IS NOT NULL AND TRY_CAST({column} AS {kind}) IS NULL",
                f"{{value}} is not a {field.type}",
            )


def _line(cursor: Cursor, file: DataFile, row: int) -> int:
    """The line on which a record begins: quoted values may run over several lines."""
    newlines = " + ".join(
        f"coalesce(length({quote(name)}) - length(replace({quote(name)}, chr(10), '')), 0)" for name in file.columns
    )
    counted = cursor.execute(f"SELECT coalesce(sum({newlines}), 0) FROM staged_file WHERE rowid < ?", [row]).fetchone()
    return row + 2 + int(counted[0] if counted else 0)

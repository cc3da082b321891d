"""Reads mapping files: every problem of every file at once, each at its line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from sfsync.config.document import Document
from sfsync.config.problems import read_model
from sfsync.config.yaml_reader import parse_yaml, read_yaml
from sfsync.errors import ConfigError, MappingError, Problem

if TYPE_CHECKING:
    from sfsync.mapping.schema import Mapping

SUFFIXES = (".yml", ".yaml")


def load_mappings(directory: Path) -> list[Mapping]:
    """The mappings of a folder (`*.yml`, `*.yaml`; not its subfolders), sorted by file name.

    A folder that does not exist holds none.

    Raises:
        MappingError: Names every problem of every file.
    """
    mappings: list[Mapping] = []
    problems: list[Problem] = []
    for path in _files(directory):
        try:
            mappings.append(read_mapping(path, f"{directory.name}/{path.name}"))
        except ConfigError as error:
            problems.extend(error.problems)
    problems.extend(_shared_tables(mappings))
    if problems:
        raise MappingError(problems)
    return mappings


def read_mapping(path: Path, shown_as: str | None = None) -> Mapping:
    """One mapping file. Raises `MappingError` with every problem; `shown_as` is how messages name the file."""
    try:
        document = read_yaml(path, shown_as)
    except ConfigError as error:
        raise MappingError(error.problems) from None
    return _mapping_of(document, path.parent)


def parse_mapping(text: str | bytes, name: str = "mapping", *, folder: Path | None = None) -> Mapping:
    """A mapping from its text. Raises `MappingError`.

    Args:
        text: What the file would hold.
        name: How messages call it.
        folder: Where files are that its transforms name; the current one unless given.
    """
    try:
        document = parse_yaml(text, name)
    except ConfigError as error:
        raise MappingError(error.problems) from None
    return _mapping_of(document, folder or Path())


def _mapping_of(document: Document, folder: Path) -> Mapping:
    # What takes its time to load waits for the first mapping: many projects have none.
    from sfsync.mapping.schema import Mapping  # noqa: PLC0415
    from sfsync.mapping.transforms.value_table import UnusableTable, ValueTable, read_value_table  # noqa: PLC0415

    _take_numbers_as_written(document)
    mapping = read_model(
        Mapping, document, error=MappingError, null_allowed=lambda path: path[-1] in {"otherwise", "on_missing", "mask"}
    ).from_document(document)
    tables: dict[str, ValueTable] = {}
    problems: list[Problem] = []
    for at, file in _named_tables(mapping):
        try:
            tables[file] = read_value_table(folder / file, file)
        except UnusableTable as error:
            hint = None if (folder / file).is_file() else "it stands beside the mapping"
            problems.append(mapping.problem(*at, message=str(error), hint=hint))
    if problems:
        raise MappingError(problems)
    return mapping.with_value_tables(tables)


def _take_numbers_as_written(document: Document) -> None:
    """Fixed values are texts: `1.10` for a field of texts is `1.10`, though as a number it would be 1.1."""
    for section in ("fields", "lookups"):
        items = document.data.get(section)
        for name, item in items.items() if isinstance(items, dict) else ():
            for key in ("constant", "default") if isinstance(item, dict) else ():
                spot = document.spots.get((section, name, key))
                if type(item.get(key)) in (int, float) and spot is not None and spot.text:
                    item[key] = spot.text


def _named_tables(mapping: Mapping) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """The files that transforms name, each with its place."""
    for section, items in (("fields", mapping.fields), ("lookups", mapping.lookups)):
        for name, item in items.items():
            for number, step in enumerate(item.transform):
                if step.table is not None:
                    yield (section, name, "transform", number, "table"), step.table


def _files(directory: Path) -> list[Path]:
    try:
        return sorted(p for p in directory.iterdir() if p.suffix.lower() in SUFFIXES and not p.name.startswith("."))
    except FileNotFoundError:
        return []
    except OSError as error:
        reason = error.strerror or str(error)
        raise MappingError([Problem(str(directory), None, None, f"the folder cannot be read: {reason}")]) from None


def _shared_tables(mappings: Iterable[Mapping]) -> Iterator[Problem]:
    first: dict[tuple[str, str], Mapping] = {}
    for mapping in mappings:
        if mapping.table is None:
            continue  # it has a source of its own
        other = first.setdefault(mapping.local_table.key, mapping)
        if other is not mapping:
            message = f"the local table `{mapping.local_table}` is already that of {other.file}"
            yield mapping.problem("table", message=message, hint="give each mapping its own table")

"""Recognises a mapping file of another tool, and makes ours of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sfsync.config.spelling import nearest_name
from sfsync.config.yaml_reader import parse_yaml
from sfsync.errors import ConfigError, MappingError, Problem, UsageError
from sfsync.mapping.imports.cumulusci import cumulusci_pages
from sfsync.mapping.imports.page import Page
from sfsync.mapping.imports.sdl import sdl_page
from sfsync.mapping.yaml_text import scalar
from sfsync.records import ObjectDescribe

_MOST_BYTES = 1_048_576


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What the file itself does not say.

    Attributes:
        object: API name; Data Loader's maps do not name theirs.
        direction: `push` or `pull`, where the map does not show it.
        source: File whose rows are pushed, as the mapping shall name it.
        table: Local table; by the file's name unless given.
        describes: What is known of the org: fields get their own spelling and are checked.
    """

    object: str | None = None
    direction: str | None = None
    source: str | None = None
    table: str | None = None
    describes: Mapping[str, ObjectDescribe] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Imported:
    """One mapping made of a foreign one.

    Attributes:
        name: For a file of it, like `insert_accounts.yml`.
        text: Of the file; valid, and right for the org as far as that is known.
        told: What was not carried over, or has to be looked at.
    """

    name: str
    text: str
    told: tuple[str, ...]


def import_mapping(path: Path, options: ImportOptions) -> list[Imported]:
    """Make mappings of a Data Loader map (`.sdl`) or of a CumulusCI mapping (`.yml`).

    Raises:
        MappingError: The file cannot be read, or nothing in it can be carried over.
        UsageError: Something has to be said that the file does not say.
    """
    content = _content(path)
    if path.suffix.casefold() in {".yml", ".yaml"}:
        pages = _cumulusci(content, path, options)
    elif path.suffix.casefold() in {".sdl", ".properties"}:
        pages = [(path.stem, _sdl(content, path, options))]
    else:
        raise UsageError(
            f"{path.name}: what kind of mapping it is does not show by its name",
            hint="Data Loader's maps end in .sdl, CumulusCI's mappings in .yml",
        )
    made: list[Imported] = []
    for name, page in pages:
        page.settle(options.describes)
        made.append(Imported(f"{_identifier(name)}.yml", page.text, tuple(page.told)))
    return made


def _cumulusci(content: bytes, path: Path, options: ImportOptions) -> list[tuple[str, Page]]:
    if options.direction == "pull":
        raise UsageError("CumulusCI's mappings are imported as pushes", hint="leave --direction out")
    try:
        document = parse_yaml(content, path.name)
    except ConfigError as error:
        raise MappingError(error.problems) from None
    pages = cumulusci_pages(document, path.name)
    for (name, page), step in zip(pages, document.data.values(), strict=True):
        table = options.table if len(pages) == 1 else None
        page.head[4:4] = [_place(options, table or str(step.get("table") or name))]
    return pages


def _sdl(content: bytes, path: Path, options: ImportOptions) -> Page:
    if options.object is None:
        raise UsageError(
            f"{path.name}: Data Loader's maps do not say of which object they are", hint="--object Account"
        )
    name = options.object
    if options.describes and name not in options.describes:
        name = next((each for each in options.describes if each.casefold() == name.casefold()), name)
        if name not in options.describes and (near := nearest_name(name, options.describes)):
            raise UsageError(f"the mirror has no object `{name}`", hint=f"did you mean `{near}`?")
    try:
        text, remark = content.decode("utf-8-sig"), ""
    except UnicodeDecodeError:
        text, remark = content.decode("latin-1"), "the file is not UTF-8; it was read as Latin-1, as Java does"
    page = sdl_page(text, path.name, (name, options.describes), options.direction)
    if remark:
        page.remarks.append(remark)
    direction = page.head[3].removeprefix("direction: ")
    if direction == "pull" and options.source is not None:
        raise UsageError(f"{path.name} extracts from the org, so it has no source", hint="leave --source out")
    page.head[4:4] = [_place(options, options.table or path.stem)]
    return page


def _place(options: ImportOptions, table: str) -> str:
    if options.source is not None:
        return f"source: {scalar(options.source)}"
    return f"table: {table if options.table else 'crm.' + _identifier(table)}  # or, for a push, `source: FILE`"


def _identifier(text: str) -> str:
    """A name for tables and files."""
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", text)
    name = re.sub(r"[^a-z0-9]+", "_", words.casefold()).strip("_")[:60]
    return name if name[:1].isalpha() else f"m_{name}".rstrip("_")


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise MappingError([Problem(str(path), None, None, f"the file cannot be read: {error.strerror}")]) from None
    if len(content) > _MOST_BYTES:
        raise MappingError([Problem(str(path), None, None, "the file is too large to be a mapping")])
    return content

"""The standard objects that the fake org knows, read from the TSV files beside this module."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from sfsync.fake.catalog.facts import (
    INTEGER_TYPES,
    NUMBER_TYPES,
    Catalog,
    FieldFacts,
    ObjectFacts,
    abilities_of,
    entry,
)

__all__ = ["Catalog", "FieldFacts", "ObjectFacts", "standard_catalog"]


def standard_catalog() -> Catalog:
    """A catalogue of the standard objects: yours to add custom fields to."""
    return Catalog(dict(_standard_objects()))


@cache
def _standard_objects() -> dict[str, ObjectFacts]:
    return {
        row["name"].casefold(): ObjectFacts(
            name=row["name"],
            label=row["label"],
            plural=row["plural"],
            prefix=row["prefix"],
            flags=row["flags"],
            scopes=tuple(row["scopes"].split(",")),
            fields=tuple(_field(line) for line in _read(row["name"])),
        )
        for row in _read("objects")
    }


def _read(name: str) -> list[dict[str, str]]:
    text = files(__name__).joinpath(f"{name}.tsv").read_text(encoding="utf-8")
    header, *lines = (line.split("\t") for line in text.splitlines())
    return [dict(zip(header, line + [""] * (len(header) - len(line)), strict=True)) for line in lines]


def _field(row: dict[str, str]) -> FieldFacts:
    kind = row["type"]
    precision, scale, digits, length = 0, 0, 0, 0
    if kind in NUMBER_TYPES:
        precision, scale = (int(part) for part in row["size"].split("."))
    elif kind in INTEGER_TYPES:
        digits = int(row["size"])
    elif row["size"]:
        length = int(row["size"])
    flags, stated, abilities = row["flags"].partition("=")
    return FieldFacts(
        name=row["name"],
        label=row["label"],
        type=kind,
        length=length,
        precision=precision,
        scale=scale,
        digits=digits,
        flags=flags,
        abilities=abilities if stated else abilities_of(kind, length),
        compound=row["compound"] or None,
        points_to=tuple(row["points_to"].split(",")) if row["points_to"] else (),
        parent=row["parent"] or None,
        children=row["children"] or None,
        values=tuple(entry(text) for text in row["values"].split(";")) if row["values"] else (),
        extra=row["extra"] or None,
    )

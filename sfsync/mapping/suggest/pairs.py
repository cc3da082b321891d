"""Which column goes with which field: by name, by label, and by what the column holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass

from sfsync.mapping.suggest.fit import Fit, fit
from sfsync.mapping.suggest.names import likeness, words
from sfsync.mapping.suggest.profile import ColumnProfile
from sfsync.mapping.yaml_text import scalar
from sfsync.records import COMPOUND_TYPES, FieldDescribe, ObjectDescribe

#: Last words of a column that say by what a parent is named.
_BY = {"name": "Name", "email": "Email", "mail": "Email", "username": "Username", "login": "Username"}
_CODES = frozenset({"id", "code", "key", "number", "no", "nr", "ref", "ext"})
#: A column that only its values speak for.
_BY_VALUES_ALONE = 0.5


@dataclass(frozen=True, slots=True)
class Guess:
    """One line of the draft.

    Attributes:
        section: `fields` or `lookups`.
        field: API name.
        column: Of the source.
        yaml: What stands behind the colon.
        confidence: From 0 to 1.
        words: Why, for people.
        doubt: What a person has to decide first, or nothing.
        active: Whether the line is put to work.
    """

    section: str
    field: str
    column: str
    yaml: str
    confidence: float
    words: str
    doubt: str = ""
    active: bool = True


@dataclass(frozen=True, slots=True)
class ForeignIds:
    """Columns that hold Ids of another org.

    Attributes:
        columns: Their names.
        replaced: The source replaces an Id by what a lookup goes by, as another org's mirror does.
    """

    columns: frozenset[str] = frozenset()
    replaced: bool = False


def best_pairs(
    describe: ObjectDescribe,
    columns: Sequence[ColumnProfile],
    known: AnyMapping[str, ObjectDescribe],
    foreign: ForeignIds,
) -> list[Guess]:
    """Every field and every column at most once, the surest pairs first."""
    candidates = [guess for column in columns for guess in _candidates(describe, column, known, foreign)]
    candidates.sort(key=lambda guess: (-guess.confidence, guess.field, guess.column))
    fields: set[str] = set()
    taken: set[str] = set()
    chosen: list[Guess] = []
    for each in candidates:
        if each.field not in fields and each.column not in taken:
            fields.add(each.field)
            taken.add(each.column)
            chosen.append(each)
    return chosen


def _candidates(
    describe: ObjectDescribe, column: ColumnProfile, known: AnyMapping[str, ObjectDescribe], foreign: ForeignIds
) -> Iterator[Guess]:
    only_email = sum(1 for each in describe.fields if each.type == "email" and each.createable) == 1
    for field in describe.fields:
        if field.type == "id":
            yield from _own_id(describe, column, field, foreign)
        elif field.type in COMPOUND_TYPES or field.type == "base64" or not (field.createable or field.updateable):
            continue
        elif field.type == "reference" and column.name in foreign.columns:
            yield _foreign_reference(column, field, known, foreign)
        elif field.type == "reference":
            yield from _reference(column, field, known)
        else:
            guess = _field(column, field)
            if only_email and field.type == "email" and column.looks_like == "email":
                yield _at_least(guess, _BY_VALUES_ALONE)
            else:
                yield guess


def _at_least(guess: Guess, confidence: float) -> Guess:
    return guess if guess.confidence >= confidence else _with(guess, confidence)


def _with(guess: Guess, confidence: float) -> Guess:
    return Guess(guess.section, guess.field, guess.column, guess.yaml, confidence, guess.words, guess.doubt)


def _field(column: ColumnProfile, field: FieldDescribe) -> Guess:
    alike, why = _alike(column.name, field)
    found = fit(column, field)
    return Guess(
        "fields",
        field.name,
        column.name,
        _local(column.name, found.transform),
        alike * found.share,
        "; ".join(filter(None, [why, found.words])),
        found.doubt or ("" if field.createable else "no record can be made with it: for pushes that only change some"),
    )


def _alike(name: str, field: FieldDescribe) -> tuple[float, str]:
    by_name, by_label = likeness(name, field.name), likeness(name, field.label) if field.label else 0.0
    if by_name >= by_label:
        return by_name, "the same name" if by_name == 1.0 else "a similar name"
    label = " ".join(field.label.split())
    return 0.98 * by_label, f"{'the same as' if by_label == 1.0 else 'like'} the label {label}"


def _local(column: str, transform: str) -> str:
    return f"{{local: {scalar(column)}, transform: {transform}}}" if transform else scalar(column)


def _own_id(
    describe: ObjectDescribe, column: ColumnProfile, field: FieldDescribe, foreign: ForeignIds
) -> Iterator[Guess]:
    prefix = describe.key_prefix
    if column.looks_like == "id" and prefix and all(value.startswith(prefix) for value in column.values):
        why = f"values are Ids of {describe.name}"
        doubt = "they are Ids of another org, which find nothing here" if column.name in foreign.columns else ""
        yield Guess("fields", field.name, column.name, scalar(column.name), 0.95, why, doubt)


def _reference(column: ColumnProfile, field: FieldDescribe, known: AnyMapping[str, ObjectDescribe]) -> Iterator[Guess]:
    """A reference by the parent's Id is a field, by anything else a lookup."""
    if column.looks_like == "id":
        yield _field(column, field)
        return
    stem, by_word = _stem(column.name)
    relation = field.relationship_name or field.name.removesuffix("Id")
    alike = max(likeness(stem, relation), likeness(stem, field.label.removesuffix(" ID")) if field.label else 0.0)
    if alike < _BY_VALUES_ALONE or not field.reference_to:
        return
    objects = [name for name in ("User", *field.reference_to) if name in field.reference_to]
    parent = objects[0]
    by, doubt = _found_by(column, parent, by_word, known)
    why = f"{'the same name as' if alike == 1.0 else 'like'} the reference to {parent}, found by its {by}"
    held = Fit(0.95 if by_word or column.looks_like == "email" else 0.85)
    yaml = f"{{object: {parent}, by: {by}, local: {scalar(column.name)}}}"
    yield Guess("lookups", field.name, column.name, yaml, alike * held.share, why, doubt)


def _foreign_reference(
    column: ColumnProfile, field: FieldDescribe, known: AnyMapping[str, ObjectDescribe], foreign: ForeignIds
) -> Guess:
    """Ids of another org are never written: the parent is found by a field that both orgs know."""
    alike, why = _alike(column.name, field)
    parent = next((name for name in ("User", *field.reference_to) if name in field.reference_to and name in known), "")
    codes = [each.name for each in known[parent].fields if each.external_id] if parent else []
    by = codes[0] if len(codes) == 1 else "Username" if parent == "User" and not codes else "FIELD"
    yaml = f"{{object: {parent or (*field.reference_to, 'OBJECT')[0]}, by: {by}, local: {scalar(column.name)}}}"
    doubt = ""
    if by == "FIELD":
        doubt = f"Ids of another org: by which field do both orgs know {parent or 'the parent'}?"
    elif not foreign.replaced:
        doubt = f"its values are Ids of another org: the source has to give the parent's {by}"
    return Guess("lookups", field.name, column.name, yaml, alike, f"{why}; Ids of another org", doubt)


def _stem(name: str) -> tuple[str, str]:
    """A column's name without the word that says by what the parent is named: `owner_email` is `owner`, `email`."""
    *first, last = words(name)
    return (" ".join(first), last) if first and (last in _BY or last in _CODES) else (name, "")


def _found_by(
    column: ColumnProfile, parent: str, by_word: str, known: AnyMapping[str, ObjectDescribe]
) -> tuple[str, str]:
    """The parent's field, and what is doubtful about it."""
    describe = known.get(parent)
    by = "Email" if column.looks_like == "email" else _BY.get(by_word, "Name")
    if describe is None:
        return by, f"the mirror has no {parent}: `sfsync pull {parent}` brings it"
    if by_word in _CODES:
        codes = [each.name for each in describe.fields if each.external_id]
        if len(codes) != 1:
            return by, f"by which field of {parent} is it found? External IDs: {', '.join(codes) or 'none'}"
        by = codes[0]
    doubt = "" if describe.field(by) else f"{parent} has no field {by}"
    return by, doubt

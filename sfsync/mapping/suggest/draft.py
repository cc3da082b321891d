"""Pairs columns with fields, and writes the mapping; every line says how sure it is, and doubtful ones do nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping as AnyMapping
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from pydantic_core import PydanticCustomError

from sfsync.config.spelling import shown
from sfsync.errors import MappingError, UsageError
from sfsync.mapping.check import check_mappings
from sfsync.mapping.keys import tells_apart
from sfsync.mapping.load import parse_mapping
from sfsync.mapping.local_names import check_header, readable_header
from sfsync.mapping.push_columns import is_required
from sfsync.mapping.suggest.pairs import ForeignIds, Guess, best_pairs
from sfsync.mapping.suggest.profile import ColumnProfile
from sfsync.mapping.transforms.stage import Kind
from sfsync.mapping.yaml_text import comment
from sfsync.records import FieldDescribe, ObjectDescribe

#: From here on a line is put to work; below, it stands there as a comment.
SURE = 0.6
#: Below this a pair is not worth a comment.
_WORTH_TELLING = 0.4


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the columns come from.

    Attributes:
        shown_as: For people.
        yaml: The lines of the mapping that name it: `source: leads.csv`, or `table: crm.leads`.
        rows: How many it has.
        notes: What was found out about it.
    """

    shown_as: str
    yaml: tuple[str, ...]
    rows: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """A drafted mapping.

    Attributes:
        text: Of the file; passes `mapping check`.
        used: Field and column of every line that is put to work.
        doubtful: Field and column of every line that is not.
        required: Fields that a new record needs and no column was found for.
        unused: Columns that no line names.
        key: The field that records are found by, or None.
    """

    text: str
    used: dict[str, str]
    doubtful: dict[str, str]
    required: tuple[str, ...]
    unused: tuple[str, ...]
    key: str | None


def suggest_mapping(
    describe: ObjectDescribe,
    columns: Sequence[ColumnProfile],
    origin: Origin,
    *,
    describes: AnyMapping[str, ObjectDescribe] | None = None,
    foreign: ForeignIds | None = None,
) -> Draft:
    """Draft the mapping of a push from these columns into this object.

    Args:
        describe: The object.
        columns: Of the source.
        origin: What it is.
        describes: Of the objects that lookups may refer to, as far as they are known.
        foreign: Columns that hold Ids of another org.

    Raises:
        UsageError: No column resembles any field.
    """
    known = {**(describes or {}), describe.name: describe}
    columns = _readable(columns)
    usable, unusable = _usable(columns)
    guesses = [
        each if each.confidence >= SURE and not each.doubt else replace(each, active=False)
        for each in best_pairs(describe, usable, known, foreign or ForeignIds())
        if each.confidence >= _WORTH_TELLING
    ]
    page = _Page(describe, origin, guesses, list(columns), unusable)
    while True:
        if not any(each.active and each.section == "fields" for each in page.guesses):
            raise _nothing_found(describe, columns, page.guesses)
        wrong = _first_wrong(page, known)
        if wrong is None:
            return page.draft()
        page.guesses = [
            replace(each, active=False, doubt=wrong[1]) if each == wrong[0] else each for each in page.guesses
        ]


def _readable(columns: Sequence[ColumnProfile]) -> list[ColumnProfile]:
    """The columns under the names that a mapping has for them: without line breaks and what nobody sees."""
    typed = Counter(readable_header(each.name).casefold() for each in columns)
    readable = [(each, readable_header(each.name)) for each in columns]
    return [replace(each, name=name) if typed[name.casefold()] == 1 else each for each, name in readable]


def _usable(columns: Sequence[ColumnProfile]) -> tuple[list[ColumnProfile], list[str]]:
    """The columns a mapping can name, and the names of the others."""
    usable: list[ColumnProfile] = []
    unusable: list[str] = []
    for each in columns:
        try:
            check_header(each.name)
        except PydanticCustomError:
            unusable.append(each.name)
        else:
            if each.kind is not Kind.NESTED:
                usable.append(each)
    return usable, unusable


def _nothing_found(describe: ObjectDescribe, columns: Sequence[ColumnProfile], guesses: Sequence[Guess]) -> UsageError:
    near = ", ".join(f"{each.column} → {each.field} ({each.confidence:.0%})" for each in guesses[:5])
    names = ", ".join(shown(each.name, 30) for each in columns[:12])
    return UsageError(
        f"no column resembles a field of {describe.name} enough to draft a mapping: {names}",
        hint=f"nearest: {shown(near, 200)}; write the mapping by hand" if near else "write the mapping by hand",
    )


def _first_wrong(page: _Page, known: AnyMapping[str, ObjectDescribe]) -> tuple[Guess, str] | None:
    """A line that would not pass `mapping check`, and why."""
    text, lines = page.render()
    try:
        problems = check_mappings([parse_mapping(text, "draft")], known)
    except MappingError as error:
        problems = list(error.problems)
    for problem in problems:
        guess = lines.get(problem.line or 0)
        if guess is not None:
            return guess, problem.message
    if problems:
        raise MappingError(problems)
    return None


@dataclass
class _Page:
    """The file being written."""

    describe: ObjectDescribe
    origin: Origin
    guesses: list[Guess]
    columns: list[ColumnProfile]
    unusable: list[str] = field(default_factory=list)

    @property
    def key(self) -> Guess | None:
        """The line of the field that records are found by: the Id, or an External ID with a value of its own a row."""
        by_name = {column.name: column for column in self.columns}
        best: Guess | None = None
        for each in self.guesses:
            described = self.describe.field(each.field)
            if not each.active or each.section != "fields" or described is None:
                continue
            if described.type == "id":
                return each
            told_apart = described.external_id or tells_apart(self.describe.name, described)
            if told_apart and by_name[each.column].is_unique:
                best = best or each
        return best

    def draft(self) -> Draft:
        """The finished page."""
        used = {each.field: each.column for each in self.guesses if each.active}
        named = {each.column for each in self.guesses}
        return Draft(
            text=self.render()[0],
            used=used,
            doubtful={each.field: each.column for each in self.guesses if not each.active},
            required=tuple(each.name for each in self._required()),
            unused=tuple(each.name for each in self.columns if each.name not in named),
            key=None if self.key is None else self.key.field,
        )

    def render(self) -> tuple[str, dict[int, Guess]]:
        """The text, and which line is which guess."""
        lines = [
            comment(f"Drafted by `sfsync mapping suggest {self.describe.name}` from {self.origin.shown_as}."),
            "# Each line says how sure it is; what is not sure enough is a comment. Read all of it, then run",
            "# `sfsync mapping check`.",
            *(comment(note) for note in self.origin.notes),
            "version: 1",
            f"object: {self.describe.name}",
            "direction: push",
            *self.origin.yaml,
            *self._key_lines(),
            "",
            "fields:",
        ]
        places: dict[int, Guess] = {}
        self._section("fields", lines, places)
        needed = f"required: a new {self.describe.name} needs it, and no column is like it"
        lines += [f"  # {each.name}: COLUMN  # {needed}" for each in self._required()]
        if any(each.section == "lookups" for each in self.guesses):
            active = any(each.section == "lookups" and each.active for each in self.guesses)
            lines += ["", "lookups:" if active else "# lookups:"]
            self._section("lookups", lines, places)
        unused = [each.name for each in self.columns if each.name not in {one.column for one in self.guesses}]
        if unused:
            lines.append("")
            lines += [
                comment(f"No field is like the column {shown(name, 80)}")
                for name in unused
                if name not in self.unusable
            ]
            lines += [
                comment(f"The column {shown(name, 80)} cannot be named in a mapping: rename it in the source")
                for name in self.unusable
            ]
        return "\n".join(lines) + "\n", places

    def _section(self, section: str, lines: list[str], places: dict[int, Guess]) -> None:
        for each in sorted(self.guesses, key=lambda guess: (not guess.active, -guess.confidence)):
            if each.section == section:
                reason = comment(f"{each.confidence:.0%}: " + "; ".join(filter(None, [each.words, each.doubt])), 300)
                lines.append(f"  {'' if each.active else '# '}{each.field}: {each.yaml}  {reason}")
                if each.active:
                    places[len(lines)] = each

    def _key_lines(self) -> list[str]:
        key = self.key
        if key is not None:
            described = self.describe.field(key.field)
            kind = "an External ID" if described is not None and described.external_id else "unique"
            why = "the record's own Id" if key.field == "Id" else f"{kind}, and every row of the sample has its own"
            return [f"key: {key.field}  # {why}"]
        names = [each.name for each in self.describe.fields if each.external_id]
        known = f" (External IDs: {', '.join(names)})" if names else ""
        return [
            comment(
                f"key: FIELD. Without one each push makes new records; no column is like a unique field{known}", 300
            )
        ]

    def _required(self) -> list[FieldDescribe]:
        used = {each.field for each in self.guesses if each.active}
        return [each for each in self.describe.fields if is_required(each) and each.name not in used]

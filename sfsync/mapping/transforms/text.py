"""Transforms of texts: blanks, case, e-mail addresses, parts of names and of lists."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from sfsync.config.model import Fault, StrictModel, faulty
from sfsync.mapping.transforms.stage import Kind, Stage, Telling, checked, plain, some, trimmed
from sfsync.store.names import literal

#: Words of a text transform → what a round trip would lose.
LOSSES: dict[str, str] = {
    "trim": "cuts the blanks around a text",
    "squeeze": "cuts the blanks around and within a text",
    "lower": "forgets capitals",
    "upper": "forgets small letters",
    "title": "forgets which letters were capitals",
    "email": "cuts blanks and forgets capitals",
}

#: As strict as Salesforce: one @, no blanks, quotes or brackets, and a dot in the domain.
EMAIL = r"[^\s@,;:()<>\[\]\\\"]+@[^\s@,;:()<>\[\]\\\"]+\.[^\s@,;:()<>\[\]\\\".]+"


def text_sql(word: str, sql: str) -> str:
    """SQL of a text under one of the transforms that need no argument."""
    if word in ("trim", "email"):
        return trimmed(f"lower({sql})") if word == "email" else trimmed(sql)
    if word == "squeeze":
        return trimmed(f"regexp_replace({sql}, '[\\s\\p{{Z}}]+', ' ', 'g')")
    if word == "title":
        # Word by word: every separator that is not a letter or an apostrophe begins a new word.
        letter = "\\p{L}\\p{M}\\p{N}''\u2019"
        words = f"regexp_extract_all(lower({sql}), '[{letter}]+|[^{letter}]+')"
        return f"array_to_string(list_transform({words}, lambda w: upper(substr(w, 1, 1)) || substr(w, 2)), '')"
    return f"{word}({sql})"


def text_stages(word: str, telling: Telling) -> tuple[Stage, ...]:
    """The stages of one of the transforms that need no argument."""
    stage = plain(lambda x: some(text_sql(word, x)))
    if word != "email":
        return (stage,)
    wrong = checked(
        lambda x: f"NOT regexp_matches({x}, {literal('^' + EMAIL + '$')})",
        "is not an e-mail address",
        telling,
        Kind.TEXT,
    )
    return stage, wrong


class Split(StrictModel):
    """A part of a text.

    Attributes:
        by: What stands between the parts.
        part: Which one: 1 is the first, -1 the last.
        rest: The part with everything that follows it.
    """

    by: str = Field(min_length=1)
    part: int
    rest: bool = False

    @model_validator(mode="after")
    def _names_a_part(self) -> Self:
        if self.part == 0 or (self.rest and self.part < 1):
            raise faulty(Fault("`part` counts from 1, or from -1 for the last", None, ("part",)))
        return self

    def sql(self, text: str) -> str:
        """SQL of the part, without blanks around it; NULL where the text has fewer."""
        parts = f"string_split({text}, {literal(self.by)})"
        if self.rest:
            chosen = f"array_to_string(list_slice({parts}, {self.part}, len({parts})), {literal(self.by)})"
        else:
            chosen = f"list_extract({parts}, {self.part})"
        return some(trimmed(chosen))


NamePart = Literal["first", "last"]

#: What follows a last name and belongs to it; only behind two words, for one of them would be none.
_SUFFIX = r"(?i:jr|sr|jnr|snr|ii|iii|iv|ph\.?d|m\.?d|esq)\.?"
#: Words in front of a last name that belong to it however they are written.
_PARTICLES = "van|von|der|den|de|del|della|da|dos|di|du|la|bin"
_PARTICLE = f"(?i:{_PARTICLES})"
#: A last name that stands alone, or the one behind the first names: one word, with its particles. Where names have
#: capitals, a word without one is a particle too (`ter`, `zu`, `'t`), and `Ortega y Gasset` is one name.
_LAST_NAMES = (
    rf"^((?:(?:{_PARTICLES}) )+\p{{Lu}}[^ ]*)$",
    rf"^\p{{Lu}}[^ ]*(?: [^ ]+)*?((?: (?:{_PARTICLE}|[\p{{Ll}}'\x{{2019}}][^ ]*|[^ ]+ [ye]))* [^ ]+)$",
    rf"^[^ ]+(?: [^ ]+)*?((?: {_PARTICLE})* [^ ]+)$",
)


#: Whether a text has any of that at all: few names do, and taking them apart is slow.
_HAS_SUFFIX = f" {_SUFFIX}$"
_HAS_PARTICLE = rf"(?:^| )(?:{_PARTICLE}|[\p{{Ll}}'\x{{2019}}][^ ]*|[^ ]+ [ye]) "


def name_sql(part: NamePart, sql: str) -> str:
    """SQL of a person's first or last name: of `Ada Lovelace` and `Lovelace, Ada` alike; one word is a last name.

    The text has single blanks, and none around it.
    """
    cut = f"regexp_replace({sql}, {literal(rf'^([^ ]+ .*?),? {_SUFFIX}$')}, '\\1')"
    bare = f"CASE WHEN {_has(sql, _HAS_SUFFIX)} THEN {cut} ELSE {sql} END"
    found = ", ".join(some(f"regexp_extract({bare}, {literal(each)}, 1)") for each in _LAST_NAMES)
    plain_last = f"regexp_extract({bare}, '([^ ]+)$', 1)"
    last = f"CASE WHEN {_has(bare, _HAS_PARTICLE)} THEN coalesce({found}, {bare}) ELSE {plain_last} END"
    if part == "first":
        after = f"regexp_extract({bare}, '^[^,]*,(.*)$', 1)"
        before = f"substr({bare}, 1, length({bare}) - length({last}))"
        return some(trimmed(f"CASE WHEN {bare} LIKE '%,%' THEN {after} ELSE {before} END"))
    suffix = f"regexp_extract({sql}, {literal(rf'^[^ ]+ .*?,?( {_SUFFIX})$')}, 1)"
    suffix = f"CASE WHEN {_has(sql, _HAS_SUFFIX)} THEN {suffix} ELSE '' END"
    before = trimmed(f"regexp_extract({bare}, '^([^,]*),', 1)")
    return some(trimmed(f"CASE WHEN {bare} LIKE '%,%' THEN {before} ELSE {last} END || {suffix}"))


def _has(sql: str, pattern: str) -> str:
    return f"regexp_matches({sql}, {literal(pattern)})"

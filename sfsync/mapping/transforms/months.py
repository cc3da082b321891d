"""Names of months in other languages than English, in formats of days and times (`%B`, `%b`)."""

from __future__ import annotations

import re

from sfsync.config.model import Fault, faulty
from sfsync.config.spelling import shown, suggestion
from sfsync.store.names import literal

#: Language → a line a month: its name, how it is shortened, and other spellings; a dot may follow each of them.
_NAMES: dict[str, tuple[str, ...]] = {
    "en": (
        *("January Jan", "February Feb", "March Mar", "April Apr", "May May", "June Jun", "July Jul"),
        *("August Aug", "September Sep Sept", "October Oct", "November Nov", "December Dec"),
    ),
    "de": (
        *("Januar Jan Jänner Jän", "Februar Feb Feber", "März Mär Mrz", "April Apr", "Mai Mai", "Juni Jun", "Juli Jul"),
        *("August Aug", "September Sep Sept", "Oktober Okt", "November Nov", "Dezember Dez"),
    ),
    "fr": (
        *("janvier janv jan", "février févr fév", "mars mars", "avril avr", "mai mai", "juin juin", "juillet juil"),
        *("août août", "septembre sept sep", "octobre oct", "novembre nov", "décembre déc"),
    ),
    "es": (
        *("enero ene", "febrero feb", "marzo mar", "abril abr", "mayo may", "junio jun", "julio jul"),
        *("agosto ago", "septiembre sep sept setiembre", "octubre oct", "noviembre nov", "diciembre dic"),
    ),
    "it": (
        *("gennaio gen", "febbraio feb", "marzo mar", "aprile apr", "maggio mag", "giugno giu", "luglio lug"),
        *("agosto ago", "settembre set sett", "ottobre ott", "novembre nov", "dicembre dic"),
    ),
    "nl": (
        *("januari jan", "februari feb", "maart mrt", "april apr", "mei mei", "juni jun", "juli jul"),
        *("augustus aug", "september sep sept", "oktober okt", "november nov", "december dec"),
    ),
    "pt": (
        *("janeiro jan", "fevereiro fev", "março mar", "abril abr", "maio mai", "junho jun", "julho jul"),
        *("agosto ago", "setembro set", "outubro out", "novembro nov", "dezembro dez"),
    ),
}
_MONTH = re.compile(r"%%|%([bB])\.?")


def check_language(locale: str | None, form: str | None) -> None:
    """Raise unless the names that a format has are known in a language."""
    if locale is None:
        return
    if locale not in _NAMES:
        hint = suggestion(locale, _NAMES) or f"known: {', '.join(_NAMES)}"
        raise faulty(Fault(f"the months of `{shown(locale)}` are not known", hint, ("locale",)))
    used = set(re.findall(r"%(.)", (form or "").replace("%%", "")))
    if used & {"a", "A"}:
        raise faulty(Fault("names of days are read in English alone", "leave the day of the week out", ("format",)))
    if not used & {"b", "B"}:
        raise faulty(Fault("the format has no name of a month (`%B` or `%b`)", "leave `locale` out", ("locale",)))


def numbered(form: str) -> str:
    """The format with the month's number in the place of its name."""
    return _MONTH.sub(lambda match: match[0] if match[1] is None else "%m", form)


def numbered_sql(sql: str, locale: str) -> str:
    """SQL of a text with the month's number in the place of its name; NULL where no name of a month is."""
    spelled = {word.casefold(): number for number, line in enumerate(_NAMES[locale], start=1) for word in line.split()}
    listed = "|".join(sorted(spelled, key=lambda word: (-len(word), word)))
    found = literal(rf"(?i)(?:^|[^\p{{L}}])({listed})(?:$|[^\p{{L}}])")
    word = f"lower(regexp_extract({sql}, {found}, 1))"
    numbers = " ".join(f"WHEN {literal(name)} THEN '{number:02}'" for name, number in spelled.items())
    pattern = literal(rf"(?i)(^|[^\p{{L}}])(?:{listed})\.?($|[^\p{{L}}])")
    return f"regexp_replace({sql}, {pattern}, '\\1' || CASE {word} {numbers} END || '\\2')"


def named_sql(sql: str, form: str, locale: str) -> str:
    """SQL of a day or time in a format, with the month's name in a language."""
    parts: list[str] = []
    end = 0
    for match in _MONTH.finditer(form):
        if match[1] is None:
            continue
        parts.append(f"strftime({sql}, {literal(form[end : match.start()])})")
        at = 0 if match[1] == "B" else 1
        names = " ".join(
            f"WHEN {number} THEN {literal(line.split()[at])}" for number, line in enumerate(_NAMES[locale], start=1)
        )
        parts.append(f"CASE month({sql}) {names} END")
        end = match.start() + 2
    return " || ".join([*parts, f"strftime({sql}, {literal(form[end:])})"])

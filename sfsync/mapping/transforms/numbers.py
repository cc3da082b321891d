"""Numbers as people write them: separators of a locale, signs, brackets for negative ones, declared symbols."""

from __future__ import annotations

import re
from typing import Self

from pydantic import model_validator

from sfsync.config.model import Fault, StrictModel, faulty
from sfsync.config.spelling import shown, suggestion
from sfsync.mapping.transforms.stage import Kind, Stage, Telling, fallible, matches, plain, some, trimmed
from sfsync.store.names import literal

_BLANKS = " \u00a0\u202f\u2009"
#: Locale → decimal mark, group marks, whether groups above thousands have two digits.
_STYLES: dict[str, tuple[str, str, bool]] = {
    **dict.fromkeys(("en", "en_US", "en_GB", "en_CA", "en_AU", "ja", "zh", "ko", "he", "th"), (".", ",", False)),
    **dict.fromkeys(("en_IN", "hi", "bn", "ta", "te", "mr", "gu"), (".", ",", True)),
    **dict.fromkeys(("de", "de_DE", "es", "es_ES", "it", "it_IT", "nl", "nl_NL", "pt_BR"), (",", ".", False)),
    **dict.fromkeys(("da", "tr", "id", "el", "ro", "hr", "sl", "vi"), (",", ".", False)),
    **dict.fromkeys(("de_CH", "it_CH", "fr_LI", "de_LI"), (".", "'\u2019", False)),
    **dict.fromkeys(("fr", "fr_FR", "fr_CA", "ru", "pl", "cs", "sk", "uk", "bg", "hu"), (",", _BLANKS, False)),
    **dict.fromkeys(("sv", "nb", "no", "fi", "pt", "pt_PT", "et", "lv", "lt"), (",", _BLANKS, False)),
    "de_AT": (",", "." + _BLANKS, False),
}
_PLAIN = r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?"


class NumberFormat(StrictModel):
    """How numbers are written in a column of texts.

    Attributes:
        locale: Language, with a country where it matters: `de`, `en_IN`, `de_CH`.
        decimal: Instead of a locale: what stands before the fraction.
        group: Instead of a locale: what may stand between groups of three digits.
        symbol: May stand before or behind the number, and is left away: `€`, `%`.
    """

    locale: str | None = None
    decimal: str | None = None
    group: str | None = None
    symbol: str | None = None

    @model_validator(mode="after")
    def _one_way_to_say_it(self) -> Self:
        if self.locale is not None:
            if self.decimal is not None or self.group is not None:
                raise faulty(Fault("a locale says what `decimal` and `group` are", "leave them out, or `locale`"))
            if self.locale.replace("-", "_") not in _STYLES:
                hint = suggestion(self.locale, _STYLES) or "or say it by `decimal` and `group`"
                raise faulty(Fault(f"numbers of `{shown(self.locale)}` are not known", hint, ("locale",)))
            return self
        if self.decimal is None:
            raise faulty(Fault("needs `locale`, or `decimal` (and `group`)", "like `number: de`"))
        marks = self.decimal + (self.group or "")
        if len(self.decimal) != 1 or len(set(marks)) != len(marks) or re.search(r"[\w+-]", marks):
            raise faulty(Fault("`decimal` is one mark, and `group` others", "like `{decimal: ',', group: '.'}`"))
        return self

    @property
    def style(self) -> tuple[str, str, bool]:
        """Decimal mark, group marks, whether higher groups may have two digits."""
        if self.locale is None:
            return self.decimal or ".", self.group or "", False
        return _STYLES[self.locale.replace("-", "_")]

    def stages(self, telling: Telling) -> tuple[Stage, ...]:
        """From text to number."""
        decimal, groups, indian = self.style
        in_words = f"is not a number as {self.locale or 'declared'} writes it"
        form = _form(decimal, groups, indian=indian)
        tidy = plain(lambda x: f"CASE WHEN {matches(x, form)} THEN {x} ELSE {_tidy(x, self.symbol)} END")

        def value(x: str) -> str:
            bare = x
            for mark in groups:
                bare = f"replace({bare}, {literal(mark)}, '')"
            bare = bare if decimal == "." else f"replace({bare}, {literal(decimal)}, '.')"
            number = f"TRY_CAST({bare} AS DOUBLE)"
            return f"CASE WHEN {matches(x, form)} AND isfinite({number}) THEN {number} END"

        # The tidied text is what a problem shows, so that brackets and symbols do not hide what is wrong.
        return tidy, fallible(value, Kind.NUMBER, in_words, telling)

    def shown_sql(self, sql: str) -> str:
        """SQL of the number as text: without group marks, exactly as many digits as it has."""
        text = f"CAST({sql} AS VARCHAR)"
        decimal = self.style[0]
        whole = f"regexp_replace({text}, '\\.0$', '')"
        return whole if decimal == "." else f"replace({whole}, '.', {literal(decimal)})"


def _tidy(sql: str, symbol: str | None) -> str:
    """SQL of the text with one sign in front at most: no blanks around, symbol, brackets or typographic minus."""
    edge = r"[\s\p{Z}]" if symbol is None else rf"(?:[\s\p{{Z}}]|{re.escape(symbol)})"
    text = trimmed(f"replace({sql}, '\u2212', '-')")
    text = f"regexp_replace({text}, '^\\((.+)\\)$', '-\\1')"
    text = f"regexp_replace({text}, {literal(f'^(-?){edge}+(-?)')}, '\\1\\2')"
    text = f"regexp_replace({text}, {literal(edge + '+$')}, '')"
    return some(f"regexp_replace({text}, '^([^-]+)-$', '-\\1')")


def _class(mark: str) -> str:
    return "\\" + mark if mark in r"\^$.|?*+()[]{}-" else mark


def _form(decimal: str, groups: str, *, indian: bool) -> str:
    point = _class(decimal)
    whole = "[0-9]+"
    if groups:
        mark = "[" + "".join(_class(each) for each in groups) + "]"
        # `0.125` is no thousand in any language, but the fraction of another one.
        whole = f"(?:{whole}|[1-9][0-9]{{0,2}}(?:{mark}[0-9]{{3}})+"
        whole += f"|[1-9][0-9]?(?:{mark}[0-9]{{2}})*{mark}[0-9]{{3}})" if indian else ")"
    return f"[+-]?(?:{whole}(?:{point}[0-9]*)?|{point}[0-9]+)(?:[eE][+-]?[0-9]{{1,3}})?"


def plain_number_stages(telling: Telling, *, as_text: bool = False, like: str = "de") -> tuple[Stage, ...]:
    """From text to number where nothing is declared: as the API writes it, never with group marks.

    Args:
        telling: How problems name values.
        like: What a refusal shows as an example of a declaration.
        as_text: The number stays the text it is, for a double does not hold each whole number of more than 15 digits.
    """

    def value(x: str) -> str:
        number = f"TRY_CAST({x} AS DOUBLE)"
        made = x if as_text else number
        return f"CASE WHEN {matches(x, '[+-]?' + _PLAIN)} AND isfinite({number}) THEN {made} END"

    words = f"is not a number as the API writes it (declare how it is written, like `transform: {{number: {like}}}`)"
    tidy = plain(lambda x: some(trimmed(f"replace({x}, '\u2212', '-')")))
    return tidy, fallible(value, Kind.TEXT if as_text else Kind.NUMBER, words, telling)

"""Names, addresses and numbers brought into the form in which they are compared: SQL texts of the portable subset."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sfsync.config.definitions_duplicates import Duplicates
from sfsync.store.names import literal

#: Letters with a mark, and the letters without.
_MARKED = "áàâäãåāăąçćčďđéèêëēėęěğíìîïīįłľĺñńňóòôöõøōőŕřśšşťţúùûüūůűųýÿźżž"
_PLAIN = "aaaaaaaaacccddeeeeeeeegiiiiiilllnnnoooooooorrsssttuuuuuuuuyyzzz"

#: Consonants that sound alike, and what they become; vowels, h, w and y go.
_SOUNDS, _CODES = "bfpvcgjkqsxzdtlmnraeiouyhw", "111122222222334556"

#: What stands between letters of a name, as a regular expression.
_BETWEEN = "[ .,;:'`\u2019\"()/&+_-]+"

#: What is neither a plain letter nor a digit nor a common sign: most names have none, and need no translation.
_UNCOMMON = "[^ -~]"

_WEB = "^(https?://)?(www[.])?|[/?#:].*$"


def mailbox(column: str, how: Duplicates) -> str:
    """An e-mail address: the same for the same mailbox."""
    folded = f"LOWER(TRIM({column}))"
    if how.plus_addresses == "different":
        return folded
    return f"CASE WHEN {column} LIKE '%+%@%' THEN REGEXP_REPLACE({folded}, '[+][^@]*@', '@') ELSE {folded} END"


def local_part(mail: str) -> str:
    """What stands before the @."""
    return f"SUBSTRING({mail}, 1, STRPOS({mail}, '@') - 1)"


def domain(mail: str) -> str:
    """What stands behind the @."""
    return f"SUBSTRING({mail}, STRPOS({mail}, '@') + 1)"


def letters(column: str) -> str:
    """A name in small letters, without marks and whatever stands between."""
    return f"REGEXP_REPLACE({plain(column)}, {literal(_BETWEEN)}, '', 'g')"


def plain(column: str) -> str:
    """A text in small letters without marks."""
    bare = f"REPLACE(TRANSLATE(LOWER({column}), {literal(_MARKED)}, {literal(_PLAIN)}), 'ß', 'ss')"
    return f"CASE WHEN REGEXP_MATCHES({column}, {literal(_UNCOMMON)}) THEN {bare} ELSE LOWER({column}) END"


def sound(name: str) -> str:
    """The sound of a name in `letters`: its first letter, and what its next three consonants sound like."""
    coded = f"TRANSLATE(SUBSTRING({name}, 2, 8), {literal(_SOUNDS)}, {literal(_CODES)})"
    for code in sorted(set(_CODES)):
        coded = f"REPLACE({coded}, '{code}{code}', '{code}')"
    return f"LEFT({name}, 1) || LEFT({coded}, 3)"


def digits(column: str) -> str:
    """The digits of a telephone number that tell it from others, or NULL for fewer than seven."""
    bare = f"REGEXP_REPLACE({column}, '[^0-9]', '', 'g')"
    return f"CASE WHEN LENGTH({bare}) >= 7 THEN RIGHT({bare}, 9) END"


def company(column: str, how: Duplicates) -> str:
    """The name of a company without its legal form, in `letters`."""
    spaced = f"' ' || REGEXP_REPLACE({plain(column)}, {literal(_BETWEEN)}, ' ', 'g') || ' '"
    if how.company_words:
        words = "|".join(_escaped(word) for word in how.company_words)
        spaced = f"REGEXP_REPLACE({spaced}, {literal(f' ({words})( ({words}))* ')}, ' ', 'g')"
    return f"REPLACE({spaced}, ' ', '')"


def web_domain(column: str) -> str:
    """The domain of a web address."""
    return f"REGEXP_REPLACE(LOWER(TRIM({column})), {literal(_WEB)}, '', 'g')"


def listed(words: Iterable[str]) -> str:
    """Texts for `IN (…)`; with none, one that nothing equals."""
    return ", ".join(literal(word) for word in words) or "NULL"


def _escaped(word: str) -> str:
    return re.sub(r"([^\w\s])", r"\\\1", word)

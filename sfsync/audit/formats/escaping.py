"""Values of an org made harmless for where they are going: terminals, sheets, XML, Markdown, logs of a CI."""

from __future__ import annotations

import re
from html import escape

#: Control and direction characters, and those that no output can carry; line ends and tabs apart.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\ud800-\udfff\ufeff\ufff0-\uffff\U000e0000-\U000e0fff]"
)

#: What a spreadsheet takes for the beginning of a formula, also behind white space and in full width.
_FORMULA = re.compile("\\s*[=+@\\-\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")

_MARKDOWN = re.compile(r"([\\`*_{}\[\]#!|~$@:])")


def visible(text: object) -> str:
    r"""The text with everything hidden in it shown: `\x1b` for an escape character, `\u202e` for a direction."""
    told = str(text)
    return told if told.isascii() and told.isprintable() else _HIDDEN.sub(_shown, told)


def _shown(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"


def one_line(text: object) -> str:
    """The text, visible, on one line, and no command of a CI that reads its log."""
    return " ".join(visible(text).split()).replace("##[", "# #[")


def sheet_cell(text: object) -> str:
    """The text as a cell of a CSV file; an apostrophe keeps a spreadsheet from calculating it."""
    told = visible(text)
    return f"'{told}" if _FORMULA.match(told) else told


def markdown(text: object) -> str:
    """The text as Markdown that says nothing but itself: no table ends, no HTML, no link, no mention."""
    return _MARKDOWN.sub(r"\\\1", escape(one_line(text), quote=False)).replace("\\@", "&#64;")


def github_data(text: object) -> str:
    """The text as the message of a workflow command of GitHub Actions."""
    return one_line(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def github_property(text: object) -> str:
    """The text as a property of such a command."""
    return github_data(text).replace(":", "%3A").replace(",", "%2C")

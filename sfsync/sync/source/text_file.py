"""What a text file is made of: its encoding, declared or found out without a guess, and its line ends."""

from __future__ import annotations

import codecs
import io
from dataclasses import dataclass
from pathlib import Path

from sfsync.config.spelling import shown
from sfsync.sync.source.faults import unreadable

#: Longer ones first: that of UTF-32 begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class TextFile:
    """A text file that can be decoded from its first to its last byte.

    Attributes:
        path: Where it is.
        shown_as: What messages call it.
        encoding: As Python names it.
        how: How the encoding is known, for people.
        crlf: Line ends of two characters.
        lf: Line ends of a line feed alone.
        cr: Line ends of a carriage return alone.
        damaged: It holds replacement characters: an earlier program has lost some.
    """

    path: Path
    shown_as: str
    encoding: str
    how: str
    crlf: int
    lf: int
    cr: int
    damaged: bool

    @property
    def note(self) -> str:
        """The encoding, for people."""
        return f"encoding: {self.encoding} ({self.how})"

    def open(self) -> io.TextIOBase:
        """The text from its beginning, without a byte-order mark; line ends as they are."""
        text = self.path.open(encoding=self.encoding, newline="")
        if text.read(1) != "\ufeff":
            text.seek(0)
        return text


def read_text_file(path: Path, shown_as: str, declared: str | None) -> TextFile:
    """Read a text file once, to know that all of it is text.

    Raises:
        SourceError: It is not in the declared encoding, or not in UTF-8 where none is declared and no byte-order mark
            says another; or it holds NUL characters.
    """
    with path.open("rb") as file:
        begin = file.read(4)
    marked = next((name for mark, name in _MARKS if begin.startswith(mark)), None)
    encoding, how = _encoding(shown_as, declared, marked)
    crlf = lf = cr = 0
    damaged = False
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    last = ""
    with path.open("rb") as file:
        while True:
            chunk = file.read(_CHUNK)
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                raise _undecodable(shown_as, error, (encoding, declared), crlf + lf + cr) from None
            if "\0" in text:
                raise _nul(shown_as, chunk, crlf + lf + cr + _line_ends(text[: text.index("\0")]) + 1)
            pairs = text.count("\r\n") + (last == "\r" and text.startswith("\n"))
            feeds = text.count("\n")
            crlf, lf, cr = crlf + pairs, lf + feeds - pairs, cr + text.count("\r") - pairs
            damaged = damaged or "\ufffd" in text
            last = text[-1:] or last
            if not chunk:
                break
    return TextFile(path, shown_as, encoding, how, crlf, lf, cr, damaged)


def _encoding(shown_as: str, declared: str | None, marked: str | None) -> tuple[str, str]:
    """The encoding, and how it is known."""
    if declared is None:
        if marked is not None:
            return marked, "by its byte-order mark"
        return "utf-8", "every byte of it fits"
    try:
        found = codecs.lookup(declared)
        known = bool(getattr(found, "_is_text_encoding", True))
    except LookupError:
        known = False
    if not known:
        hint = "like `utf-8`, `utf-16`, `windows-1252`, `latin-1` or `mac-roman`"
        raise unreadable(shown_as, f"`encoding: {shown(declared)}` is no encoding of text", hint)
    if marked is not None and not found.name.startswith(marked):
        message = f"it begins with the byte-order mark of {marked}, and `encoding: {shown(declared)}` is declared"
        raise unreadable(shown_as, message, "leave `encoding` out: the mark says what it is")
    return found.name, "declared"


def _undecodable(shown_as: str, error: UnicodeDecodeError, encodings: tuple[str, str | None], before: int) -> Exception:
    """The error for bytes that do not fit; `before` is how many lines the text before them has."""
    encoding, declared = encodings
    line = before + _line_ends(error.object[: error.start].decode(encoding, "ignore")) + 1
    message = f"the byte {error.object[error.start]:02X} is not {encoding}"
    if declared is not None:
        return unreadable(shown_as, message, "declare the encoding that the file is in", line=line)
    if b"\0" in error.object[:_CHUNK]:
        return unreadable(shown_as, message, _utf_16(error.object), line=line)
    around = error.object[max(0, error.start - 20) : error.start].rpartition(b"\n")[2]
    around += error.object[error.start : error.start + 12].partition(b"\n")[0]
    read = shown(around.decode("windows-1252", "replace").strip(), 40)
    hint = f"declare the encoding: with `encoding: windows-1252` the place reads `{read}`"
    return unreadable(shown_as, message, hint, line=line)


def _utf_16(content: bytes) -> str:
    """The hint for text of which every other byte is NUL."""
    order = "le" if content[1::2].count(0) >= content[::2].count(0) else "be"
    return f"it looks like UTF-16 without a byte-order mark: declare `encoding: utf-16-{order}`"


def _line_ends(text: str) -> int:
    return text.count("\n") + text.count("\r") - text.count("\r\n")


def _nul(shown_as: str, around: bytes, line: int) -> Exception:
    hint = "take it out; a file that is full of them may be `encoding: utf-16-le`"
    if around.count(0) > len(around) // 4:
        hint = _utf_16(around)
    return unreadable(shown_as, "it holds a NUL character, which no text can have", hint, line=line)

"""Reads a settings file as `sf project retrieve` writes it: small, flat XML, taken from whoever sends it.

Nothing but elements and text is understood. A document type is refused before it can declare anything, so no entity is
ever expanded and nothing is fetched.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from sfsync.config.spelling import shown
from sfsync.errors import ConfigError, Problem

#: The settings of a large org are some hundred kilobytes.
MOST_BYTES = 4_000_000
_DEEPEST = 8


@dataclass(slots=True)
class Element:
    """One element: its name without namespace, where it begins, the text in it, and what it contains.

    Attributes:
        name: Without namespace.
        line: 1-based.
        column: 1-based.
        text: Its own text, without white space around it.
        children: In the order of the file.
    """

    name: str
    line: int
    column: int
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def child(self, name: str) -> Element | None:
        """The first element of this name in it, or None."""
        return next((one for one in self.children if one.name == name), None)

    def all(self, name: str) -> list[Element]:
        """Every element of this name directly in it."""
        return [one for one in self.children if one.name == name]


def read_metadata(path: Path, root_name: str, shown_as: str | None = None) -> Element:
    """The root element of a settings file.

    Args:
        path: The file.
        root_name: The settings it should hold, e.g. `LeadConvertSettings`.
        shown_as: How messages call the file.

    Raises:
        ConfigError: It cannot be read, is too large, no plain XML, or holds other settings.
    """
    name = shown_as or str(path)
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigError([Problem(name, None, None, f"the file cannot be read: {reason}")]) from None
    if len(content) > MOST_BYTES:
        raise ConfigError([Problem(name, None, None, f"the file has more than {MOST_BYTES:,} bytes")])
    return parse_metadata(content, root_name, name)


def parse_metadata(content: bytes, root_name: str, name: str) -> Element:
    """As `read_metadata`, from what was in the file. Raises `ConfigError`."""
    reader = _Reader(name)
    root = reader.read(content)
    if root.name != root_name:
        message = f"the file holds `{shown(root.name)}`, not `{root_name}`"
        raise ConfigError([Problem(name, root.line, root.column, message)])
    return root


class _Reader:
    """Builds the tree, and refuses what settings files never contain."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.root: Element | None = None
        self.open: list[Element] = []
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.StartDoctypeDeclHandler = self._doctype

    def read(self, content: bytes) -> Element:
        try:
            self.parser.Parse(content, True)
        except expat.ExpatError as error:
            message = f"this is no XML: {expat.ErrorString(error.code)}"
            raise ConfigError([Problem(self.name, error.lineno, error.offset + 1, message)]) from None
        except (LookupError, ValueError):
            raise ConfigError([Problem(self.name, 1, 1, "the file's encoding is not known", "use UTF-8")]) from None
        assert self.root is not None  # noqa: S101 - a document without an element is no XML
        return self.root

    def _start(self, name: str, _: object) -> None:
        element = Element(name.rpartition(":")[2], *self._place())
        if len(self.open) >= _DEEPEST:
            raise self._refused("the elements are nested too deeply for a settings file")
        if self.open:
            self.open[-1].children.append(element)
        else:
            self.root = element
        self.open.append(element)

    def _end(self, _: str) -> None:
        element = self.open.pop()
        element.text = element.text.strip()

    def _text(self, text: str) -> None:
        if self.open:
            self.open[-1].text += text

    def _doctype(self, *_: object) -> None:
        raise self._refused("the file declares a document type, which no settings file does")

    def _place(self) -> tuple[int, int]:
        return self.parser.CurrentLineNumber, self.parser.CurrentColumnNumber + 1

    def _refused(self, message: str) -> ConfigError:
        return ConfigError(
            [Problem(self.name, *self._place(), message, "retrieve it again with `sf project retrieve`")]
        )

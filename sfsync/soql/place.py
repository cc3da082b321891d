"""Where something stands in a SOQL text, and how Salesforce points at it in an error message."""

from __future__ import annotations

from dataclasses import dataclass

from sfsync.errors import SoqlError

#: Characters shown on either side of the caret before the excerpt is widened to whole words.
_REACH = 30


@dataclass(frozen=True, slots=True)
class Place:
    """One position in a SOQL text.

    Attributes:
        text: The whole statement (or condition) as it was written.
        offset: 0-based position in it; `len(text)` is its end.
    """

    text: str
    offset: int

    @property
    def row(self) -> int:
        """1-based line."""
        return self.text.count("\n", 0, self.offset) + 1

    @property
    def column(self) -> int:
        """1-based column within the line."""
        return self.offset - self._line_start() + 1

    def error(
        self, message: str, *, code: str = "MALFORMED_QUERY", hint: str | None = None, excerpt: bool = True
    ) -> SoqlError:
        """The error Salesforce would answer with, pointing here; `context["text"]` is the bare sentence.

        Args:
            message: Salesforce's sentence.
            code: Salesforce's error code.
            hint: What to write instead; Salesforce never says, people want to know.
            excerpt: False for the few messages that Salesforce sends without excerpt and caret.
        """
        if not self.text:
            return SoqlError(message, code=code, hint=hint)
        if excerpt:
            error = SoqlError(f"{self.excerpt()}\n{message}", code=code, row=self.row, column=self.column, hint=hint)
        else:
            # Without row and column nobody is tempted to add an excerpt; the context keeps them.
            error = SoqlError(message, code=code, hint=hint)
        error.context.update(row=self.row, column=self.column, text=message)
        return error

    def excerpt(self) -> str:
        r"""The line's part around this place, a caret under it, and `ERROR at Row:r:Column:c`.

        At least 30 characters on either side, widened to whole words: the rule is read off recorded answers. A start
        that had to be moved drops the blank it stopped at, a start that fell on a blank keeps it.
        """
        start = self._line_start()
        end = self.text.find("\n", self.offset)
        line = self.text[start : len(self.text) if end < 0 else end]
        caret = self.offset - start
        first = caret - _REACH
        if first <= 0:
            first = 0
        elif not line[first].isspace():
            while first > 0 and not line[first - 1].isspace():
                first -= 1
        last = caret + _REACH
        while last < len(line) and not line[last].isspace():
            last += 1
        pointer = " " * (caret - first) + "^"
        return f"\n{line[first:last]}\n{pointer}\nERROR at Row:{self.row}:Column:{self.column}"

    def _line_start(self) -> int:
        return self.text.rfind("\n", 0, self.offset) + 1


#: The place of a node that was made by a program and not read from a text.
NOWHERE = Place("", 0)

"""The mapping that comes out of a foreign file, line by line, each with the line that it came from."""

from __future__ import annotations

from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass, field, replace

from sfsync.errors import MappingError, Problem
from sfsync.mapping.check import check_mappings
from sfsync.mapping.load import parse_mapping
from sfsync.mapping.yaml_text import comment
from sfsync.records import ObjectDescribe


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of `fields:` or `lookups:`.

    Attributes:
        section: `fields` or `lookups`.
        field: API name.
        yaml: What stands behind the colon.
        line: Of the foreign file.
        note: What the reader has to know, or nothing.
        raw: The line of the foreign file, for entries that are not carried over.
        active: Whether the line works.
    """

    section: str
    field: str
    yaml: str
    line: int
    note: str = ""
    raw: str = ""
    active: bool = True

    @property
    def text(self) -> str:
        """The line, with what is to be said of it."""
        origin = f"line {self.line}" + (f" `{self.raw}`" if self.raw and not self.active else "")
        reason = comment(f"{origin}: {self.note}" if self.note else origin, 400)
        return f"  {'' if self.active else '# NOT TAKEN OVER: '}{self.field}: {self.yaml}  {reason}"


@dataclass
class Page:
    """A mapping being written.

    Attributes:
        shown_as: The foreign file, for messages.
        head: The lines in front of `fields:`.
        entries: In the order of the foreign file.
        remarks: What was not carried over, and what to look at.
    """

    shown_as: str
    head: list[str]
    entries: list[Entry] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def add(self, entry: Entry) -> None:
        """Take an entry in; a second one for the same field is told and does nothing."""
        same = (each for each in self.entries if each.active and each.field.casefold() == entry.field.casefold())
        first = next(same, None)
        if first is not None and entry.active:
            entry = replace(
                entry, active=False, note=_both(entry.note, f"line {first.line} maps {first.field} already")
            )
        self.entries.append(entry)

    def settle(self, describes: AnyMapping[str, ObjectDescribe]) -> None:
        """Take out of work every line that `mapping check` would refuse, with its reason.

        Raises:
            MappingError: Nothing is left that works.
        """
        while True:
            wrong = self._wrong(describes)
            if not wrong:
                return
            self.entries = [
                replace(each, active=False, note=_both(each.note, wrong[each])) if each in wrong else each
                for each in self.entries
            ]

    def _wrong(self, describes: AnyMapping[str, ObjectDescribe]) -> dict[Entry, str]:
        if not any(each.active and each.section == "fields" for each in self.entries):
            reasons = "; ".join(f"line {each.line}: {each.note}" for each in self.entries[:5] if each.note)
            told = "no field of it can be carried over" + (f" ({reasons})" if reasons else "")
            raise MappingError([Problem(self.shown_as, None, None, told, "write the mapping by hand")])
        text, places = self._rendered()
        try:
            mapping = parse_mapping(text, self.shown_as)
            problems = check_mappings([mapping], describes) if mapping.object in describes else []
        except MappingError as error:
            problems = list(error.problems)
        wrong = {places[problem.line]: problem.message for problem in problems if problem.line in places}
        if problems and not wrong:
            raise MappingError(problems)
        return wrong

    @property
    def text(self) -> str:
        """The whole file."""
        return self._rendered()[0]

    @property
    def told(self) -> list[str]:
        """Everything that was not carried over, for people."""
        lost = [f"line {each.line}: {each.field}: {each.note}" for each in self.entries if not each.active]
        return [*lost, *self.remarks]

    def _rendered(self) -> tuple[str, dict[int, Entry]]:
        lines = [*self.head, *(comment(each, 400) for each in self.remarks), "", "fields:"]
        places: dict[int, Entry] = {}
        for section in ("fields", "lookups"):
            here = [each for each in self.entries if each.section == section]
            if section == "lookups" and here:
                active = any(each.active for each in here)
                lines += ["", "lookups:" if active else "# lookups:"]
            for each in here:
                lines.append(each.text)
                if each.active:
                    places[len(lines)] = each
        return "\n".join(lines) + "\n", places


def _both(first: str, second: str) -> str:
    return f"{first}; {second}" if first else second

"""What became of every change, as files: the row it came from, the record's Id, the code and the message."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sfsync.errors import SfsyncError
from sfsync.mapping.schema import Mapping
from sfsync.store import Session, Store
from sfsync.store.names import literal, quote
from sfsync.sync.plan.choose import source_at
from sfsync.sync.plan.rows import loaded_rows
from sfsync.sync.plan.stored import Plan, PlanStep, read_stored_plan
from sfsync.sync.plan.tables import before

#: State → file.
FILES = {
    "done": "done.csv",
    "rejected": "rejected.csv",
    "unprocessed": "unprocessed.csv",
    "unknown": "unknown.csv",
    "refused": "refused.csv",
}
#: Numbers the rows while they are put in order.
_ORDER = "~change order"
#: What a spreadsheet takes for the beginning of a formula.
_FORMULA = re.compile("^[=+\\-@\\t\\r]")
_OUTCOME = ("object", "action", "mapping", "change", "source_row", "Id", "created", "code", "message")


@dataclass(frozen=True, slots=True)
class _Part:
    """The changes of one step.

    Attributes:
        columns: Name in the file → SQL.
        joined: What stands after FROM, outcomes as `o` and changes as `s`.
    """

    columns: dict[str, str]
    joined: str


def _free(name: str, origin: str, taken: Iterable[str]) -> str:
    """A column's name, with its origin where another has this name: capitals make no difference to a database."""
    folded = {each.casefold() for each in taken}
    found = name
    while found.casefold() in folded:
        found = f"{found} ({origin})"
    return found


def _names(parts: Iterable[_Part]) -> list[str]:
    """Every column of the files, each under the spelling that comes first."""
    spelled: dict[str, str] = {}
    for name in (*_OUTCOME, *(name for part in parts for name in part.columns)):
        spelled.setdefault(name.casefold(), name)
    return list(spelled.values())


def _none(names: Sequence[str]) -> str:
    """What the files of a plan without any step hold: their header."""
    cells = ", ".join(f"CAST(NULL AS VARCHAR) AS {quote(name)}" for name in (_ORDER, *names))
    return f"SELECT {cells} WHERE FALSE"


@dataclass(frozen=True, slots=True)
class ResultFiles:
    """How result files are written.

    Attributes:
        folder: Where; made when missing.
        mappings: Whose sources are read again, so that their unmapped columns stand in the files.
        root: Where relative paths of sources begin.
        excel_safe: Put an apostrophe in front of values that a spreadsheet would take for a formula.
        notes: What is left out of the files, and why; told once, though several steps have one source.
    """

    folder: Path
    mappings: Sequence[Mapping] = ()
    root: Path | None = None
    excel_safe: bool = False
    notes: list[str] = field(default_factory=list)

    def write(self, store: Store, plan_id: str) -> dict[str, int]:
        """Write one file a state, and return the number of changes in each.

        Raises:
            SfsyncError: The folder cannot be written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise SfsyncError(
                f"the folder {self.folder} cannot be made: {error.strerror}", hint="choose another with --results"
            ) from error
        with store.writing() as session:
            plan = read_stored_plan(session, plan_id)
            parts = [self._part(session, plan, step) for step in plan.steps]
            names = _names(parts)
            written = {}
            for state, file in FILES.items():
                selects = " UNION ALL ".join(self._select(part, names, plan_id, state) for part in parts) or _none(
                    names
                )
                ordered = f"SELECT {self._headers(names)} FROM ({selects}) AS x ORDER BY {quote(_ORDER)}"
                written[state] = session.write_csv(ordered, self.folder / file)
        return written

    def _part(self, session: Session, plan: Plan, step: PlanStep) -> _Part:
        columns = {
            "object": "o.object",
            "action": 'o."action"',
            "mapping": literal(step.mapping),
            "change": "CAST(o.change_no AS VARCHAR)",
            "source_row": "CAST(s.source_row AS VARCHAR)",
            "Id": "coalesce(o.record_id, s.record_id)",
            "created": "CASE WHEN o.state = 'done' THEN CAST(o.created AS VARCHAR) END",
            "code": "o.code",
            "message": "o.message",
        }
        joined = f"sfsync.outcomes AS o JOIN {step.table} AS s ON s.change_no = o.change_no"
        source = self._source(session, plan, step)
        if source is not None:
            joined += f" LEFT JOIN {source} AS r ON r.source_row = s.source_row"
            for column in session.execute(f"SELECT * FROM {source} LIMIT 0").columns:
                if column != "source_row":
                    columns[_free(column, "source", columns)] = f"CAST(r.{quote(column)} AS VARCHAR)"
        for name in step.fields:
            shown = f"s.{before(name)}" if step.action == "delete" else f"s.{quote(name)}"
            columns[_free(name, "sent", columns)] = shown
        return _Part(columns, joined)

    def _headers(self, names: Sequence[str]) -> str:
        """Every column under its name: which a spreadsheet takes for a formula as well as a value."""
        unsafe = [name for name in names if self.excel_safe and _FORMULA.match(name)]
        return ", ".join(
            f"{quote(name)} AS {quote(chr(39) + name)}" if name in unsafe else quote(name) for name in names
        )

    def _source(self, session: Session, plan: Plan, step: PlanStep) -> str | None:
        """A table of the rows that the step came from, where they can be read again as they were; else None."""
        facts = next((each for each in plan.header.get("mappings", ()) if each["file"] == step.mapping), None)
        mapping = next((each for each in self.mappings if each.file == step.mapping), None)
        if facts is None or mapping is None or facts.get("content") is None:
            return None  # the rows of a table or a query may come in another order
        if any(item.mask is not None for item in mapping.fields.values()):
            return self._left_out(
                f"{step.mapping} masks values: the rows of its source are left out of the result files"
            )
        if mapping.digest() != facts["digest"]:
            return self._left_out(
                f"{step.mapping} has changed: the columns of its source are left out of the result files"
            )
        try:
            # The file that the plan was made of: not always that of the mapping.
            shown = facts["source"]
            rows = loaded_rows(session, mapping, source_at(mapping, shown), self.root)
        except SfsyncError as error:
            return self._left_out(f"the source of {step.mapping} cannot be read again: {error.message}")
        if (rows.rows, rows.content) != (facts["rows"], facts.get("content")):
            return self._left_out(f"{shown} has changed since the plan: its columns are left out of the result files")
        return rows.table

    def _left_out(self, why: str) -> str | None:
        """No rows, and a note that says why: once, though several steps may have one source."""
        if why not in self.notes:
            self.notes.append(why)
        return None

    def _select(self, part: _Part, names: Sequence[str], plan_id: str, state: str) -> str:
        own = {name.casefold(): sql for name, sql in part.columns.items()}
        cells = [
            f"{self._safe(own[name.casefold()]) if name.casefold() in own else 'NULL'} AS {quote(name)}"
            for name in names
        ]
        return (
            f"SELECT o.change_no AS {quote(_ORDER)}, {', '.join(cells)} FROM {part.joined} "
            f"WHERE o.plan_id = {literal(plan_id)} AND o.state = {literal(state)}"
        )

    def _safe(self, sql: str) -> str:
        if not self.excel_safe:
            return sql
        return f"CASE WHEN regexp_matches({sql}, {literal(_FORMULA.pattern)}) THEN '''' || {sql} ELSE {sql} END"

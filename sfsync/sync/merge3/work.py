"""The table that a merge works on: every record on which local table, base and org are not all the same."""

from __future__ import annotations

from dataclasses import dataclass

from sfsync.mapping.columns import SCOPE
from sfsync.mapping.local_names import ID_COLUMN
from sfsync.mapping.two_way import STAMP, TwoWayColumn, TwoWayTable
from sfsync.store.interface import Session
from sfsync.store.names import literal, quote
from sfsync.sync.merge3.identity import TWINS
from sfsync.sync.merge3.tables import WHOLE_RECORD, remake

#: One row a record; see `Cell` for its columns.
WORK = "two_way_work"


@dataclass(frozen=True, slots=True)
class Cell:
    """One column of the local table in `WORK`, as SQL over the alias `w`.

    `winner` is what becomes of it: NULL (nothing), `flow` (the org's value comes in), `agreed` (both did the same),
    `org` or `local` (settled), `open` (a conflict).
    """

    number: int
    column: TwoWayColumn

    @property
    def local(self) -> str:
        """The local value."""
        return f"w.l{self.number}"

    @property
    def base(self) -> str:
        """The base."""
        return f"w.b{self.number}"

    @property
    def org(self) -> str:
        """The org's value, in local form."""
        return f"w.t{self.number}"

    @property
    def edited(self) -> str:
        """Whether the local value is an edit."""
        return f"w.e{self.number}"

    @property
    def moved(self) -> str:
        """Whether the org's value is another than the base."""
        return f"w.m{self.number}"

    @property
    def winner(self) -> str:
        """What becomes of it."""
        return f"w.w{self.number}"

    def forced(self) -> str:
        """SQL of the rule by which an edit can never be written, as a text, or NULL."""
        each = self.column
        if not each.pushed:
            return literal(f"write: {each.write}" if each.write == "never" else "direction: pull")
        rules = []
        if each.null == "keep":
            rules.append(f"WHEN {each.form(self.local)} IS NULL THEN 'null: keep'")
        if each.write == "if-empty":
            rules.append(f"WHEN {each.form(self.org)} IS NOT NULL THEN 'write: if-empty'")
        return f"CASE {' '.join(rules)} END" if rules else "CAST(NULL AS VARCHAR)"


def cells_of(two_way: TwoWayTable) -> list[Cell]:
    """Every column of a two-way table."""
    return [Cell(number, column) for number, column in enumerate(two_way.columns)]


def make_work(session: Session, two_way: TwoWayTable) -> list[Cell]:
    """Make the table `WORK`; records that were written and not pulled since are left for later."""
    cells = cells_of(two_way)
    remake(session, WORK, _judged(two_way, cells, _decided(session, two_way)))
    return cells


def _judged(two_way: TwoWayTable, cells: list[Cell], decided: dict[str, str]) -> str:
    winners = [f"{_winner(cell, decided)} AS w{cell.number}" for cell in cells if cell.column.shown]
    winners += [f"CAST(NULL AS VARCHAR) AS w{cell.number}" for cell in cells if not cell.column.shown]
    edited = " OR ".join(cell.edited for cell in cells) or "FALSE"
    moved = " OR ".join(cell.moved for cell in cells) or "FALSE"
    whole = decided.get(WHOLE_RECORD, "CAST(NULL AS VARCHAR)")
    return (
        f"SELECT w.*, {', '.join([*winners, ''])}({edited}) AS any_edited, ({moved}) AS any_moved, {whole} AS decided "
        f"FROM ({_flagged(two_way, cells)}) AS w"
    )


def _flagged(two_way: TwoWayTable, cells: list[Cell]) -> str:
    flags = []
    for cell in cells:
        edited = cell.column.differs(cell.local, cell.base)
        flags.append(f"(w.in_local AND w.in_base AND {edited}) AS e{cell.number}")
        flags.append(f"(w.in_org AND w.in_base AND {cell.org} IS DISTINCT FROM {cell.base}) AS m{cell.number}")
    return f"SELECT w.*, {', '.join(flags)} FROM ({_joined(two_way, cells)}) AS w"


def _joined(two_way: TwoWayTable, cells: list[Cell]) -> str:
    key = ID_COLUMN
    values = []
    differs = ["NOT w.in_local", "NOT w.in_base", "NOT w.in_org", "NOT w.in_scope"]
    for cell in cells:
        name, number = quote(cell.column.name), cell.number
        theirs = f"t.{name}" if cell.column.shown else f"b.{name}"
        values.append(f"l.{name} AS l{number}, b.{name} AS b{number}, {theirs} AS t{number}")
        differs += [f"{cell.local} IS DISTINCT FROM {cell.base}", f"{cell.base} IS DISTINCT FROM {cell.org}"]
    modified = "CAST(NULL AS TIMESTAMP)"
    if two_way.modified is not None:
        modified = f"TRY_CAST(CAST(l.{quote(two_way.modified)} AS VARCHAR) AS TIMESTAMP)"
    joined = (
        f"SELECT coalesce(l.{key}, b.{key}, t.{key}) AS {key}, l.{key} IS NOT NULL AS in_local, "
        f"b.{key} IS NOT NULL AS in_base, t.{key} IS NOT NULL AS in_org, "
        f"coalesce(t.{quote(SCOPE)}, FALSE) AS in_scope, "
        f"t.{quote(STAMP)} AS stamp, {modified} AS changed{''.join(', ' + each for each in values)} "
        f"FROM {two_way.local} AS l FULL JOIN {two_way.base} AS b ON b.{key} = l.{key} "
        f"FULL JOIN ({two_way.theirs}) AS t ON t.{key} = coalesce(l.{key}, b.{key})"
    )
    awaited = f"sfsync.two_way_awaited AS a WHERE a.table_name = {literal(two_way.key)} AND a.record_id = w.{key}"
    return (
        f"SELECT w.* FROM ({joined}) AS w WHERE (w.in_base OR w.in_scope) AND ({' OR '.join(differs)}) "
        f"AND NOT EXISTS (SELECT 1 FROM {TWINS} AS x WHERE x.{key} = w.{key}) "
        f"AND NOT EXISTS (SELECT 1 FROM {awaited})"
    )


def _winner(cell: Cell, decided: dict[str, str]) -> str:
    column = cell.column
    policy = {
        "org": "'org'",
        "local": "'local'",
        "fail": "'open'",
        "newest": "CASE WHEN w.changed IS NULL OR w.stamp IS NULL THEN 'open' "
        "WHEN w.changed > w.stamp THEN 'local' ELSE 'org' END",
    }[column.policy]
    if column.name.casefold() in decided:
        policy = f"coalesce({decided[column.name.casefold()].format(local=cell.local, org=cell.org)}, {policy})"
    alike = f"NOT {column.differs(cell.local, cell.org)}"
    return (
        "CASE WHEN NOT (w.in_local AND w.in_base AND w.in_org) THEN NULL "
        f"WHEN NOT {cell.edited} THEN CASE WHEN {cell.moved} THEN 'flow' END "
        f"WHEN {alike} THEN 'agreed' "
        f"WHEN {cell.forced()} IS NOT NULL THEN 'org' "
        f"WHEN NOT {cell.moved} THEN NULL ELSE {policy} END"
    )


def _decided(session: Session, two_way: TwoWayTable) -> dict[str, str]:
    """Column, casefolded → SQL of who wins by a person's decision on these very values, or NULL."""
    columns = session.execute(
        "SELECT DISTINCT lower(column_name) FROM sfsync.resolutions WHERE table_name = ? AND applied_at IS NULL",
        [two_way.key],
    )
    found = {}
    for (name,) in columns:
        values = ""
        if name != WHOLE_RECORD:
            values = (
                " AND r.local_value IS NOT DISTINCT FROM CAST({local} AS VARCHAR)"
                " AND r.org_value IS NOT DISTINCT FROM CAST({org} AS VARCHAR)"
            )
        found[name] = (
            f"(SELECT max(r.winner) FROM sfsync.resolutions AS r WHERE r.table_name = {_braced(two_way.key)} "
            f"AND lower(r.column_name) = {_braced(name)} AND r.record_id = w.{ID_COLUMN} AND r.applied_at IS NULL"
            f"{values})"
        )
    return found


def _braced(text: str) -> str:
    """A literal that survives `format`."""
    return literal(text).replace("{", "{{").replace("}", "}}")

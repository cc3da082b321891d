"""Brings the two sides of a two-way table together: what the org changed comes in, edits stay, conflicts are kept.

No value is overwritten unless it is the same on both sides, was not edited, or lost to a policy, in which case it is
listed in `sfsync.settled`.
"""

from __future__ import annotations

from collections.abc import Mapping as AnyMapping
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sfsync.mapping.local_names import ID_COLUMN
from sfsync.mapping.schema import Mapping
from sfsync.mapping.two_way import NEW, TwoWayTable, has_base, two_way_table
from sfsync.mapping.two_way_shape import reshape
from sfsync.records import ObjectDescribe
from sfsync.soql.dates import Calendar
from sfsync.store.interface import Session
from sfsync.store.mirror import read_state
from sfsync.store.names import literal, quote
from sfsync.sync.merge3.awaited import forget_caught_up
from sfsync.sync.merge3.base import settle_every
from sfsync.sync.merge3.identity import identify
from sfsync.sync.merge3.spelling import take_spellings
from sfsync.sync.merge3.tables import WHOLE_RECORD, prepare
from sfsync.sync.merge3.work import WORK, Cell, make_work

_TAKES_ORG = ("flow", "agreed", "org")
_MOVES_BASE = (*_TAKES_ORG, "local")
_WINNERS = (*_MOVES_BASE, "open")


@dataclass(frozen=True, slots=True)
class Merged:
    """What a merge did to one two-way table.

    Attributes:
        table: The local table.
        incoming: Records whose values came in from the org, new ones included.
        settled: Conflicts that were settled now.
        open: Conflicts that wait for a decision.
    """

    table: str
    incoming: int
    settled: int
    open: int


def merge_every(
    session: Session,
    mappings: Sequence[Mapping],
    describes: AnyMapping[str, ObjectDescribe],
    *,
    as_of: datetime | None = None,
    calendar: Calendar | None = None,
) -> list[Merged]:
    """Merge the two-way tables of all mappings that go both ways and have a table already."""
    both = [each for each in mappings if each.direction == "both" and has_base(session, each.local_table)]
    if as_of is None and any(each.filter is not None for each in both):
        as_of = read_state(session).as_of
    merged = []
    for mapping in both:
        two_way = two_way_table(session, mapping, describes, as_of=as_of, calendar=calendar)
        reshape(session, two_way)
        merged.append(merge(session, two_way))
    return merged


def merge(session: Session, two_way: TwoWayTable, *, at: datetime | None = None) -> Merged:
    """Merge one two-way table with the mirror, in the caller's transaction.

    Args:
        session: A writing session.
        two_way: The table; it is there, in the shape of its mapping.
        at: What the books say as to when (naive UTC); now, by this machine's clock, unless given.
    """
    at = at or datetime.now(UTC).replace(tzinfo=None)
    prepare(session)
    settle_every(session)
    identify(session, two_way, at)
    forget_caught_up(session, two_way)
    cells = make_work(session, two_way)
    if take_spellings(session, two_way, cells):
        cells = make_work(session, two_way)
    return _Merge(session, two_way, cells, at).run()


@dataclass(frozen=True, slots=True)
class _Merge:
    session: Session
    two_way: TwoWayTable
    cells: list[Cell]
    at: datetime

    def run(self) -> Merged:
        before = self._count("settled")
        self._judge_records()
        found = self._summary()
        self._list_settled_fields(found)
        self._list_settled_records(found)
        self._keep_conflicts(found)
        incoming = self._take_values(found)
        if found & {"new", "put back", "org wins", "local wins", "drop", "give up", "forget", "make anew"}:
            self._take_records()
        self._note_resolutions()
        opened = self._count("conflicts")
        return Merged(str(self.two_way.name), incoming, self._count("settled") - before, opened)

    def _summary(self) -> frozenset[str]:
        """What occurs at all: fates of records, and `number winner` of columns. Most merges have little to do."""
        acts = self.session.execute(f"SELECT DISTINCT act FROM {WORK} WHERE act IS NOT NULL").rows
        asked = [
            (f"{cell.number} {winner}", f"count(*) FILTER (WHERE {cell.winner} = {literal(winner)})")
            for cell in self._shown
            for winner in _WINNERS
        ]
        if not asked:
            return frozenset(act for (act,) in acts)
        counts = self.session.execute(f"SELECT {', '.join(sql for _, sql in asked)} FROM {WORK} AS w").rows[0]
        occurring = {name for (name, _), count in zip(asked, counts, strict=True) if count}
        return frozenset({*(act for (act,) in acts), *occurring})

    def _count(self, ledger: str) -> int:
        found = self.session.execute(f"SELECT count(*) FROM sfsync.{ledger} WHERE table_name = ?", [self.two_way.key])
        return int(found.scalar())

    @property
    def _shown(self) -> list[Cell]:
        return [cell for cell in self.cells if cell.column.shown]

    def _judge_records(self) -> None:
        """What becomes of each record as a whole; kept in the column `act`."""
        mapping = self.two_way.mapping
        pending = " OR ".join(
            f"({cell.edited} AND ({cell.winner} IS NULL OR {cell.winner} IN ('open', 'local')))" for cell in self.cells
        )
        gone = "'give up'" if mapping.conflicts == "org" else "'gone'"
        if mapping.deletes == "never":
            deleted = "CASE WHEN w.in_scope THEN 'put back' ELSE 'forget' END"
        else:
            clash = {"org": "'org wins'", "local": "'local wins'"}.get(mapping.conflicts, "'clash'")
            given = "CASE w.decided WHEN 'org' THEN 'org wins' WHEN 'local' THEN 'local wins' END"
            deleted = f"CASE WHEN w.any_moved THEN coalesce({given}, {clash}) END"
        gone = f"coalesce(CASE w.decided WHEN 'org' THEN 'give up' WHEN 'local' THEN 'make anew' END, {gone})"
        act = (
            "CASE WHEN w.in_local AND w.in_base AND w.in_org "
            f"THEN CASE WHEN NOT w.in_scope AND NOT ({pending or 'FALSE'}) THEN 'drop' END "
            f"WHEN w.in_local AND w.in_base THEN CASE WHEN w.any_edited THEN {gone} ELSE 'drop' END "
            f"WHEN w.in_base AND w.in_org THEN {deleted} "
            "WHEN w.in_base THEN 'forget' WHEN w.in_scope AND NOT w.in_local THEN 'new' END"
        )
        self.session.execute(f"ALTER TABLE {WORK} ADD COLUMN act VARCHAR")
        self.session.execute(f"UPDATE {WORK} AS w SET act = {act}")

    def _found(self, column: str, field: str) -> str:
        """The first columns of conflicts and of settled ones."""
        mapping = self.two_way.mapping
        named = (self.two_way.key, mapping.object, mapping.file)
        told = ", ".join(literal(each) for each in named)
        return f"{told}, w.{ID_COLUMN}, {literal(column)}, {literal(field)}"

    def _values(self, cell: Cell) -> str:
        return ", ".join(f"CAST({value} AS VARCHAR)" for value in (cell.base, cell.local, cell.org))

    def _list_settled_fields(self, found: frozenset[str]) -> None:
        for cell in self._with(found, "org", "local"):
            column = cell.column
            policy = literal(column.policy)
            self.session.execute(
                f"INSERT INTO sfsync.settled SELECT {self._found(column.name, column.field)}, 'field', "
                f"{self._values(cell)}, {cell.winner}, "
                f"coalesce(CASE WHEN {cell.winner} = 'org' THEN {cell.forced()} END, "
                f"CASE WHEN {self._is_decided(cell)} THEN 'resolve' END, {policy}), CAST(? AS TIMESTAMP), NULL "
                f"FROM {WORK} AS w WHERE {cell.winner} IN ('org', 'local')",
                [self.at],
            )

    def _is_decided(self, cell: Cell) -> str:
        return (
            f"EXISTS (SELECT 1 FROM sfsync.resolutions AS r WHERE r.table_name = {literal(self.two_way.key)} "
            f"AND lower(r.column_name) = {literal(cell.column.name.casefold())} AND r.record_id = w.{ID_COLUMN} "
            f"AND r.applied_at IS NULL AND r.winner = {cell.winner} "
            f"AND r.local_value IS NOT DISTINCT FROM CAST({cell.local} AS VARCHAR) "
            f"AND r.org_value IS NOT DISTINCT FROM CAST({cell.org} AS VARCHAR))"
        )

    def _list_settled_records(self, found: frozenset[str]) -> None:
        """Edits of records that are gone in the org, and deletions that were not to be."""
        if not found & {"give up", "local wins", "make anew", "put back", "org wins"}:
            return
        mapping = self.two_way.mapping
        by_whom = f"CASE WHEN w.decided IS NOT NULL THEN 'resolve' ELSE {literal(mapping.conflicts)} END"
        for cell in self.cells:
            self.session.execute(
                f"INSERT INTO sfsync.settled SELECT {self._found(cell.column.name, cell.column.field)}, "
                f"'deleted in the org', {self._values(cell)}, 'org', {by_whom}, CAST(? AS TIMESTAMP), NULL "
                f"FROM {WORK} AS w WHERE w.act = 'give up' AND {cell.edited}",
                [self.at],
            )
            self.session.execute(
                f"INSERT INTO sfsync.settled SELECT {self._found(cell.column.name, cell.column.field)}, "
                f"'deleted here', {self._values(cell)}, 'local', {by_whom}, CAST(? AS TIMESTAMP), NULL "
                f"FROM {WORK} AS w WHERE w.act = 'local wins' AND {cell.moved}",
                [self.at],
            )
        nothing = "CAST(NULL AS VARCHAR), CAST(NULL AS VARCHAR), CAST(NULL AS VARCHAR)"
        for act, kind, winner, policy in (
            ("make anew", "deleted in the org", "local", by_whom),
            ("put back", "deleted here", "org", "'deletes: never'"),
            ("org wins", "deleted here", "org", by_whom),
        ):
            self.session.execute(
                f"INSERT INTO sfsync.settled SELECT {self._found(WHOLE_RECORD, '')}, {literal(kind)}, {nothing}, "
                f"{literal(winner)}, {policy}, CAST(? AS TIMESTAMP), NULL FROM {WORK} AS w "
                f"WHERE w.act = {literal(act)}",
                [self.at],
            )

    def _keep_conflicts(self, found: frozenset[str]) -> None:
        """Make the queue anew; what waited already keeps the time it was first seen."""
        session, key = self.session, literal(self.two_way.key)
        session.execute("DROP TABLE IF EXISTS two_way_waiting")
        session.execute(
            "CREATE TEMPORARY TABLE two_way_waiting AS SELECT record_id, column_name, min(seen_at) AS seen_at "
            f"FROM sfsync.conflicts WHERE table_name = {key} GROUP BY record_id, column_name"
        )
        awaited = f"SELECT record_id FROM sfsync.two_way_awaited WHERE table_name = {key}"
        session.execute(f"DELETE FROM sfsync.conflicts WHERE table_name = {key} AND record_id NOT IN ({awaited})")
        for cell in self._with(found, "open"):
            column = cell.column
            reason = "'both sides changed it'"
            if column.policy == "newest":
                reason = "'both sides changed it, and the local row does not say when'"
            self._queue(column.name, column.field, "field", self._values(cell), reason, f"{cell.winner} = 'open'")
        if not found & {"gone", "clash"}:
            return
        nothing = "CAST(NULL AS VARCHAR), CAST(NULL AS VARCHAR), CAST(NULL AS VARCHAR)"
        gone = "'it was edited here, and the org does not have it any more'"
        self._queue(WHOLE_RECORD, "", "deleted in the org", nothing, gone, "w.act = 'gone'")
        clash = "'it was deleted here, and changed in the org'"
        self._queue(WHOLE_RECORD, "", "deleted here", nothing, clash, "w.act = 'clash'")

    def _queue(self, column: str, field: str, kind: str, values: str, reason: str, where: str) -> None:
        self.session.execute(
            f"INSERT INTO sfsync.conflicts SELECT {self._found(column, field)}, {literal(kind)}, {values}, w.changed, "
            f"w.stamp, {reason}, coalesce(o.seen_at, CAST(? AS TIMESTAMP)) FROM {WORK} AS w LEFT JOIN two_way_waiting "
            f"AS o ON o.record_id = w.{ID_COLUMN} AND o.column_name = {literal(column)} WHERE {where}",
            [self.at],
        )

    def _take_values(self, found: frozenset[str]) -> int:
        """What comes in, field by field; returns in how many records."""
        self._set(self.two_way.local, _TAKES_ORG, found)
        self._set(self.two_way.base, _MOVES_BASE, found)
        flowing = [f"{cell.winner} = 'flow'" for cell in self._with(found, "flow")]
        coming = " OR ".join(["w.act = 'new'", *flowing])
        return int(self.session.execute(f"SELECT count(*) FROM {WORK} AS w WHERE {coming}").scalar())

    def _with(self, found: frozenset[str], *winners: str) -> list[Cell]:
        """The columns in which any of these occurs."""
        return [cell for cell in self._shown if any(f"{cell.number} {winner}" in found for winner in winners)]

    def _set(self, where: str, winners: tuple[str, ...], found: frozenset[str]) -> None:
        cells = self._with(found, *winners)
        if not cells:
            return
        listed = ", ".join(literal(winner) for winner in winners)
        values = [
            f"{quote(cell.column.name)} = CASE WHEN {cell.winner} IN ({listed}) THEN {cell.org} "
            f"ELSE l.{quote(cell.column.name)} END"
            for cell in cells
        ]
        rows = " OR ".join(f"{cell.winner} IN ({listed})" for cell in cells)
        self.session.execute(
            f"UPDATE {where} AS l SET {', '.join(values)} FROM {WORK} AS w WHERE w.{ID_COLUMN} = l.{ID_COLUMN} "
            f"AND ({rows})"
        )

    def _take_records(self) -> None:
        """Records that come, go, come back, or become new ones."""
        two_way, session = self.two_way, self.session
        named = ", ".join(quote(cell.column.name) for cell in self.cells)
        values = ", ".join(cell.org for cell in self.cells)
        ids = f"SELECT w.{ID_COLUMN} FROM {WORK} AS w WHERE w.act"
        session.execute(f"DELETE FROM {two_way.local} WHERE {ID_COLUMN} IN ({ids} IN ('drop', 'give up'))")
        session.execute(
            f"DELETE FROM {two_way.base} WHERE {ID_COLUMN} IN ({ids} IN ('drop', 'give up', 'forget', 'make anew', "
            "'put back', 'org wins', 'local wins'))"
        )
        for where, acts in (
            (two_way.local, "('new', 'put back', 'org wins')"),
            (two_way.base, "('new', 'put back', 'org wins', 'local wins')"),
        ):
            session.execute(
                f"INSERT INTO {where} ({ID_COLUMN}, {named}) SELECT w.{ID_COLUMN}, {values} FROM {WORK} AS w "
                f"WHERE w.act IN {acts}"
            )
        # The name says which record it was: should that be restored first, there is nothing to be made.
        session.execute(
            f"UPDATE {two_way.local} SET {ID_COLUMN} = {literal(NEW)} || {ID_COLUMN} || ':' "
            f"|| CAST(gen_random_uuid() AS VARCHAR) WHERE {ID_COLUMN} IN ({ids} = 'make anew')"
        )

    def _note_resolutions(self) -> None:
        """A decision holds once: for the values that it was made on."""
        self.session.execute(
            "UPDATE sfsync.resolutions SET applied_at = ? WHERE table_name = ? AND applied_at IS NULL",
            [self.at, self.two_way.key],
        )

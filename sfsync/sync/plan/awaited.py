"""Records that an apply wrote a moment ago and the mirror does not show yet: planning them again would do it all twice.

A pull stays behind the org's clock by its lag, so right after an apply the mirror still holds what was before. Which
records these are is told by the mirror itself: one that was made is not in it, one that was changed has its old stamp.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sfsync.records import FieldDescribe
from sfsync.store.columns import has_table, table_columns
from sfsync.store.interface import Session
from sfsync.store.names import literal, quote, table
from sfsync.sync.plan.tables import step_table
from sfsync.sync.plan.values import folded_text
from sfsync.sync.plan.work import Work

_TABLE = '"plan awaited"'
#: Older outcomes are not waited for: such a record is out of the mirror's sight for another reason, a filter say.
_PATIENCE = "INTERVAL '1 day'"


@dataclass(frozen=True, slots=True)
class Awaited:
    """What the mirror does not show yet.

    Attributes:
        session: A writing session.
        made: Object → tables of the steps that made such records.
    """

    session: Session
    made: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def find(cls, session: Session, works: list[Work]) -> Awaited:
        """Look for records of the objects that mappings write, or find parents among."""
        found = cls(session)
        session.execute(f"DROP TABLE IF EXISTS {_TABLE}")
        session.execute(
            f"CREATE TEMPORARY TABLE {_TABLE} (object VARCHAR, record_id VARCHAR, made_in VARCHAR, change_no BIGINT)"
        )
        if has_table(session, "sfsync", "outcomes"):
            for name in dict.fromkeys(name for work in works for name in work.mapping.objects):
                found._look_for(name)
        return found

    def _look_for(self, name: str) -> None:
        session = self.session
        upper = session.execute("SELECT upper_bound FROM sfsync.cursors WHERE object = ?", [name]).scalar()
        steps = session.execute(
            'SELECT DISTINCT s.plan_id, s.step, s.table_name, s."action" FROM sfsync.plan_steps AS s '
            "JOIN sfsync.outcomes AS o ON o.plan_id = s.plan_id AND o.step = s.step "
            f"WHERE s.object = ? AND o.state = 'done' AND o.\"at\" > CAST(? AS TIMESTAMP) - {_PATIENCE}",
            [name, upper],
        ).rows
        mirror = table("sf_all", name)
        stamped = "SystemModstamp" in table_columns(session, "sf_all", name)
        for plan_id, step, made_in, action in steps:
            if not has_table(session, "sfsync", made_in):
                continue
            rows = (
                f"FROM sfsync.outcomes AS o JOIN {step_table(made_in)} AS s ON s.change_no = o.change_no "
                f"WHERE o.plan_id = {literal(plan_id)} AND o.step = {step} AND o.state = 'done'"
            )
            there = f'EXISTS (SELECT 1 FROM {mirror} AS rec WHERE rec."Id" = o.record_id'
            unseen = (
                f"NOT {there})"
                if action in {"create", "upsert"}
                else f'{there} AND rec."SystemModstamp" = s.org_stamp)'
            )
            if action in {"update", "delete"} and not stamped:
                continue
            session.execute(
                f"INSERT INTO {_TABLE} SELECT {literal(name)}, o.record_id, {literal(made_in)}, o.change_no "
                f"{rows} AND {unseen}"
            )
            if action in {"create", "upsert"}:
                self.made.setdefault(name, []).append(made_in)

    def leave_out(self, work: Work) -> int:
        """Take rows of a mapping out of its matches that are about such records; returns how many."""
        name = literal(work.mapping.object)
        awaited = f"SELECT record_id FROM {_TABLE} WHERE object = {name}"
        conditions = [f"record_id IN ({awaited})"]
        key = work.key
        if key is not None:
            described = work.field(key.field)
            for made_in in self.made.get(work.mapping.object, ()):
                offered = self._offered(work.mapping.object, made_in, described)
                if offered:
                    mine = folded_text("key_text", described)
                    conditions.append(f"(record_id IS NULL AND {mine} IN (SELECT folded FROM ({offered}) AS a))")
        counted = f"FROM {work.matched} WHERE {' OR '.join(conditions)}"
        count = int(self.session.execute(f"SELECT count(*) {counted}").scalar())
        if count:
            self.session.execute(f"DELETE {counted}")
        return count

    def parents(self, name: str, by: FieldDescribe) -> list[str]:
        """Relations of records that were made a moment ago: folded, record_id."""
        return [each for made_in in self.made.get(name, ()) if (each := self._offered(name, made_in, by))]

    def _offered(self, name: str, made_in: str, by: FieldDescribe) -> str | None:
        if by.name not in table_columns(self.session, "sfsync", made_in):
            return None
        value = f"s.{quote(by.name)}"
        text = folded_text(value, by)
        return (
            f"SELECT {text} AS folded, w.record_id FROM {_TABLE} AS w JOIN {step_table(made_in)} AS s "
            f"ON s.change_no = w.change_no WHERE w.object = {literal(name)} AND w.made_in = {literal(made_in)} "
            f"AND {value} IS NOT NULL"
        )

    def ids(self, name: str) -> str:
        """A SELECT of the Ids of such records of an object."""
        return f"SELECT record_id FROM {_TABLE} WHERE object = {literal(name)} AND record_id IS NOT NULL"

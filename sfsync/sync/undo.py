"""`undo`: the inverse of what an apply has done, as a plan; and what cannot be taken back."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal

from sfsync.errors import MirrorUnfit
from sfsync.store import Session, Store, ledger
from sfsync.store.columns import mirror_columns
from sfsync.store.mirror import read_state
from sfsync.store.names import literal, table
from sfsync.sync.apply.retry import plan_of
from sfsync.sync.apply.step_rows import StepRows, is_set_of, step_rows
from sfsync.sync.plan import tables
from sfsync.sync.plan.forecast import total_cost
from sfsync.sync.plan.lines import fingerprint_of
from sfsync.sync.plan.stored import Action, Plan, PlanStep, read_stored_plan, save_plan
from sfsync.sync.plan.tables import before
from sfsync.sync.undo_children import made_objects, referring_fields, refuse_parents

#: So many Ids are named of records that cannot be brought back.
_NAMED = 20


@dataclass(frozen=True, slots=True)
class Irreversible:
    """Changes that the API cannot take back.

    Attributes:
        object: API name.
        count: How many.
        reason: Why, and what a person can do.
        ids: Some of the records.
    """

    object: str
    count: int
    reason: str
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Undo:
    """How to take a run back.

    Attributes:
        plan: To be applied like any plan; without steps when there is nothing to take back.
        irreversible: What it leaves as it is.
        others: Runs of the same plan whose changes it leaves as they are.
        unknown: Changes that were sent and of which nobody knows yet what became: it leaves them as they are, too.
    """

    plan: Plan
    irreversible: tuple[Irreversible, ...]
    others: tuple[str, ...]
    unknown: int = 0


def make_undo(store: Store, run_id: str) -> Undo:
    """Make the plan that takes back what a run has written; asks the org nothing, so pull first.

    New records are deleted, changed fields get back what they held. A field that no longer holds what was written
    (someone else has changed it since) is left alone and named; a record whose fields were changed is not deleted, nor
    is one that other records refer to by now: Salesforce would delete them with it, or empty their lookups.

    Args:
        store: Holds the outcomes, and a mirror that was pulled after the run.
        run_id: Of an `apply` or a `retry`; the Id of a plan means every run of it.

    Raises:
        UsageError: There is no such run.
        MirrorUnfit: The mirror lacks an object.
    """
    with store.writing() as session:
        origin = read_stored_plan(session, plan_of(session, run_id))
        maker = _Maker(session, origin, None if run_id == origin.id else run_id)
        for step in reversed(origin.steps):
            maker.invert(step)
        maker.spare_parents()
        plan = maker.plan()
        if plan.steps:
            plan = replace(plan, fingerprint=fingerprint_of(session, plan))
            save_plan(session, plan)
        return Undo(plan, tuple(maker.irreversible), maker.other_runs(), maker.unknown())


def objects_to_pull(session: Session, plan: Plan) -> tuple[list[str], list[str]]:
    """Objects whose mirror has to be as of now for an undo of a plan: its own, and those that may refer to them."""
    describes, state = ledger.read_describes(session), read_state(session)
    made = sorted(name for name in made_objects(plan.steps) if name in describes and describes[name].deletable)
    own = list(dict.fromkeys(step.object for step in plan.steps))
    referring = dict.fromkeys(name for parent in made for name in referring_fields(describes, parent))
    return own, [name for name in referring if name in state.objects and name not in own]


@dataclass
class _Maker:
    """Makes the steps of an undo, from the last step of a plan to its first."""

    session: Session
    origin: Plan
    run_id: str | None
    steps: list[PlanStep] = field(default_factory=list)
    irreversible: list[Irreversible] = field(default_factory=list)
    next_change: int = 1

    def __post_init__(self) -> None:
        now = datetime.now(UTC)
        self.id = f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"
        self.created_at = now.replace(tzinfo=None)
        self.describes = ledger.read_describes(self.session)
        self.columns = mirror_columns(self.session)
        tables.prepare(self.session)

    def invert(self, step: PlanStep) -> None:
        """The steps that take back what was done of a step."""
        if step.object not in self.describes or step.object not in self.columns:
            raise MirrorUnfit(f"the mirror does not hold {step.object}", hint=f"run `sfsync pull {step.object}`")
        columns = frozenset(self.columns[step.object])
        rows = step_rows(self.session, self.origin.id, step, self.describes[step.object], columns)
        if step.action == "delete":
            reason = (
                "deleted for good: nothing brings them back"
                if step.options.get("hard")
                else "deleted: they lie in the org's Recycle Bin for 15 days, and can be restored there"
            )
            self._irreversible(step, rows, "TRUE", reason)
            return
        if step.action != "update":
            self._irreversible(
                step,
                rows,
                f"NOT o.created{' AND s.record_id IS NULL' if step.action == 'upsert' else ''}",
                "was there already when it was to be made, and what it held before is not known",
            )
            self._delete(step, rows)
        if step.action != "create":
            self._set_back(step, rows)

    def _done(self, rows: StepRows) -> str:
        """FROM and WHERE of what was done of a step: outcomes as `o`, changes as `s`."""
        of_run = "" if self.run_id is None else f" AND o.run_id = {literal(self.run_id)}"
        return (
            f"{rows.from_sql} JOIN sfsync.outcomes AS o ON o.plan_id = {literal(self.origin.id)}"
            f" AND o.change_no = s.change_no AND o.state = 'done'{of_run}"
            f' LEFT JOIN {table("sf_all", rows.step.object)} AS m ON m."Id" = o.record_id'
        )

    def _irreversible(self, step: PlanStep, rows: StepRows, where: str, reason: str) -> None:
        found = f"FROM {self._done(rows)} WHERE {where}"
        count = int(self.session.execute(f"SELECT count(*) {found}").scalar())
        if count:
            ids = self.session.execute(f"SELECT o.record_id {found} ORDER BY s.change_no LIMIT {_NAMED}")
            self.irreversible.append(Irreversible(step.object, count, reason, tuple(each for (each,) in ids if each)))

    def _delete(self, step: PlanStep, rows: StepRows) -> None:
        """New records are deleted again, unless someone has changed what was written."""
        moved = [
            f"CASE WHEN {rows.differs(each, 'm', from_before=False)} THEN {literal(each.name)} END"
            for each in rows.compared
        ]
        named = f"nullif(concat_ws(', ', {', '.join([*moved, 'NULL'])}), '')"
        refused = (
            f"CASE {self._barred(rows, 'delete')}{self._absent(rows)}"
            f" WHEN {named} IS NOT NULL THEN {named} || ' was changed in the org since' END"
        )
        inverse = self._begin(step, "delete", ())
        values = ["o.record_id", 's."key"', refused, "NULL", self._stamp(rows)]
        self._fill(inverse, values, f"{self._done(rows)} WHERE o.created")

    def _set_back(self, step: PlanStep, rows: StepRows) -> None:
        """Changed fields get back what they held, where they still hold what was written."""
        fields = tuple(each.name for each in rows.compared)
        if not fields:
            return
        inverse = self._begin(step, "update", fields)
        held = {each.name: f"NOT {rows.differs(each, 'm', from_before=False)}" for each in rows.compared}
        moved = [f"CASE WHEN NOT ({held[name]}) THEN {literal(name)} END" for name in fields]
        named = f"nullif(concat_ws(', ', {', '.join(moved)}), '')"
        left = " OR ".join(f"({is_set_of(name)} AND {held[name]})" for name in fields)
        refused = f"CASE {self._barred(rows, 'change')}{self._absent(rows)}"
        refused += f" WHEN NOT ({left}) THEN {named} || ' was changed in the org since' END"
        note = f"CASE WHEN {named} IS NOT NULL THEN {named} || ' was changed in the org since, and is left alone' END"
        values = ["o.record_id", 's."key"', refused, note, self._stamp(rows)]
        for name in fields:
            sets = f'({is_set_of(name)} AND m."Id" IS NOT NULL AND {held[name]})'
            values += [f"CASE WHEN {sets} THEN s.{before(name)} END", rows.value(name), sets]
        # What is to be deleted need not be set back, and would look changed by someone else then.
        created = f"SELECT record_id FROM sfsync.outcomes WHERE plan_id = {literal(self.origin.id)} AND created"
        self._fill(
            inverse,
            values,
            f"{self._done(rows)} WHERE NOT o.created AND o.record_id NOT IN ({created} AND record_id IS NOT NULL)",
        )

    @staticmethod
    def _barred(rows: StepRows, verb: Literal["change", "delete"]) -> str:
        """What this user may do with no record of the object."""
        if rows.describe.deletable if verb == "delete" else rows.describe.updateable:
            return ""
        return f"WHEN TRUE THEN {literal(f'this user may not {verb} {rows.step.object} records')} "

    @staticmethod
    def _absent(rows: StepRows) -> str:
        gone = ' OR m."IsDeleted"' if "IsDeleted" in rows.mirrored else ""
        if not gone:
            return "WHEN m.\"Id\" IS NULL THEN 'the mirror does not hold the record; pull, and try again'"
        return (
            "WHEN m.\"Id\" IS NULL THEN 'the mirror does not hold the record; pull, and try again' "
            "WHEN m.\"IsDeleted\" THEN 'the record was deleted in the org since'"
        )

    @staticmethod
    def _stamp(rows: StepRows) -> str:
        return 'm."SystemModstamp"' if "SystemModstamp" in rows.mirrored else "CAST(NULL AS TIMESTAMP)"

    def spare_parents(self) -> None:
        """What was made, and has records of others hanging on it by now, is not deleted."""
        refuse_parents(self.session, self.steps, self.describes, self.columns)
        for at, step in enumerate(self.steps):
            if step.action == "delete":
                refused = int(self.session.execute(f"SELECT count(refused) FROM {step.table}").scalar())
                self.steps[at] = replace(step, refused_count=refused)

    def _begin(self, step: PlanStep, action: Action, fields: tuple[str, ...]) -> PlanStep:
        number = len(self.steps) + 1
        name = tables.step_table_name(self.id, number)
        tables.make_step_table(self.session, name, fields)
        return PlanStep(number, step.object, action, step.mapping, 1, fields, None, name, 0, 0, {})

    def _fill(self, inverse: PlanStep, values: Sequence[str], rows: str) -> None:
        number = f"{self.next_change - 1} + row_number() OVER (ORDER BY s.change_no)"
        self.session.execute(
            f"INSERT INTO {inverse.table} SELECT {', '.join([number, 's.source_row', *values])} FROM {rows}"
        )
        count, refused = self.session.execute(f"SELECT count(*), count(refused) FROM {inverse.table}").rows[0]
        if not count:
            self.session.execute(f"DROP TABLE {inverse.table}")
            return
        self.next_change += count
        self.steps.append(replace(inverse, row_count=count, refused_count=refused))

    def plan(self) -> Plan:
        """The plan, without its fingerprint."""
        state = read_state(self.session)
        names = {step.object for step in self.steps or self.origin.steps}
        bounds = {name: state.objects[name].upper_bound for name in sorted(names) if name in state.objects}
        header = {
            "format": 1,
            "undo_of": {"plan": self.origin.id, "run": self.run_id},
            "org": self.origin.header.get("org", {"id": state.org_id, "instance_url": state.instance_url}),
            "as_of": min(bounds.values(), default=self.created_at).isoformat() + "Z",
            "mirror": {name: bound.isoformat() + "Z" for name, bound in bounds.items()},
            "mappings": [],
            "keys": self._keys(),
            "sensitive": self.origin.header.get("sensitive", {}),
            "forecast": asdict(total_cost(self.steps)),
            "warnings": [f"{each.count:,} {each.object} {each.reason}" for each in self.irreversible],
        }
        normal: dict[str, Any] = json.loads(json.dumps(header))
        return Plan(self.id, self.created_at, self.origin.org_id, "undo", "open", "", normal, tuple(self.steps))

    def _keys(self) -> dict[str, str | None]:
        """The mapping's file → its key: whose values an explanation may have to hide."""
        header = self.origin.header
        return {each["file"]: each["key"] for each in header.get("mappings", ())} | dict(header.get("keys", {}))

    def unknown(self) -> int:
        """Changes of the plan that were sent, and whose outcome is not known."""
        told, sent = self.session.execute(
            "SELECT (SELECT count(*) FROM sfsync.outcomes WHERE plan_id = ? AND state = 'unknown'), "
            "(SELECT count(DISTINCT r.change_no) FROM sfsync.batch_rows AS r JOIN sfsync.batches AS b "
            "ON b.plan_id = r.plan_id AND b.batch_no = r.batch_no WHERE b.plan_id = ? AND b.state <> 'done' "
            "AND NOT EXISTS (SELECT 1 FROM sfsync.outcomes AS o WHERE o.plan_id = r.plan_id "
            "AND o.change_no = r.change_no))",
            [self.origin.id, self.origin.id],
        ).rows[0]
        return int(told) + int(sent)

    def other_runs(self) -> tuple[str, ...]:
        """Runs of the same plan that have done something, too."""
        if self.run_id is None:
            return ()
        found = self.session.execute(
            "SELECT DISTINCT run_id FROM sfsync.outcomes WHERE plan_id = ? AND state = 'done' AND run_id <> ?"
            " ORDER BY 1",
            [self.origin.id, self.run_id],
        )
        return tuple(run for (run,) in found)

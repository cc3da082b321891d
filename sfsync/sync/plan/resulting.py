"""The mirror as it would be after a plan, in a store beside the mirror; asks the org nothing and writes nothing to it.

What a plan says is laid over the mirror's records, and what Salesforce fills in by itself is filled in as far as it can
be known. Fields of which nobody knows what they will hold are taken out of the ledger's list of fields: to whoever
reads the store they are not there, and a rule that needs one is not evaluable.
"""

from __future__ import annotations

from collections.abc import Mapping as AnyMapping
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sfsync.errors import MirrorUnfit, PlanStale, UsageError
from sfsync.mapping.schema import Mapping
from sfsync.records import ObjectDescribe
from sfsync.store import ledger
from sfsync.store.beside import original, put_in_place
from sfsync.store.columns import has_table, mirror_columns
from sfsync.store.interface import Session
from sfsync.store.mirror import MirrorState, read_state
from sfsync.store.names import literal, table
from sfsync.sync.plan.filled_in import Circumstances, derived, unknown_after
from sfsync.sync.plan.placeholders import Placeholders
from sfsync.sync.plan.plan_file import load_plan
from sfsync.sync.plan.resulting_rows import ResultingRows, default_of
from sfsync.sync.plan.stored import Plan, PlanStep, read_stored_plan
from sfsync.sync.plan.tables import is_set

#: The table that tells which row each new record is of: record_id, object, shown_as.
NEW_RECORDS = table("sfsync", "new_records")


@dataclass(frozen=True, slots=True)
class Resulting:
    """What became of a store when a plan was laid over it.

    Attributes:
        plan: The plan.
        unknown: Object → fields of which nobody knows what they will hold.
        makes: Objects of which the plan makes records.
    """

    plan: Plan
    unknown: AnyMapping[str, tuple[str, ...]]
    makes: frozenset[str]

    @property
    def limits(self) -> tuple[str, ...]:
        """What the state does not show, in sentences."""
        told = [
            f"what {', '.join(fields)} of {name} will hold; rules that need it are not evaluable"
            for name, fields in sorted(self.unknown.items())
            if fields
        ]
        if "IsClosed" in self.unknown.get("Opportunity", ()):
            told.append("what follows from stages of opportunities; `sfsync pull OpportunityStage` makes it known")
        if any(step.options.get("assignment_rules") for step in self.plan.steps):
            told.append("owners that the org's assignment rules give")
        if any(step.action == "delete" for step in self.plan.steps):
            told.append("what the org deletes along with a record, and lookups that it empties")
        if self.plan.refused_count:
            told.append(f"{self.plan.refused_count:,} refused changes, which are never sent")
        told.append("what the org does by itself: flows, triggers, roll-ups, formulas of other objects, history")
        return tuple(told)


def take_plan(session: Session, named: str) -> Plan:
    """The plan that is meant, as for `sfsync apply`: a file, which is taken into this store, or the Id of a kept one.

    Raises:
        UsageError: There is none, or the file is not as it was written.
    """
    path = Path(named)
    if path.suffix or path.exists():
        return load_plan(session, path)
    return read_stored_plan(session, named)


def refuse_unfit_plan(session: Session, plan: Plan, mappings: Sequence[Mapping]) -> None:
    """Raise where `apply` would refuse the plan.

    Args:
        session: A writing session of a store beside the mirror.
        plan: In that store.
        mappings: As they are now.

    Raises:
        UsageError: It is for another org.
        PlanStale: It is over or was begun, was changed, or the mirror or a mapping has moved since.
        MirrorUnfit: The mirror does not hold what it writes.
    """
    from sfsync.sync.apply import guards  # noqa: PLC0415 - it speaks to orgs: not needed to make a state
    from sfsync.sync.apply import tables as outcomes  # noqa: PLC0415
    from sfsync.sync.apply.step_rows import step_rows  # noqa: PLC0415

    outcomes.prepare(session)
    state, describes, columns = read_state(session), ledger.read_describes(session), mirror_columns(session)
    _refuse_other_org(plan, state)
    guards.refuse_over(plan)
    if plan.state != "open":
        raise PlanStale(
            f"the apply of plan {plan.id} was begun: a part of it is in the org already",
            hint="`sfsync apply --resume` ends it; to judge what is left, pull and plan again",
        )
    _refuse_unknown_fields(plan, describes)
    guards.refuse_changed_mappings(plan, mappings)
    guards.refuse_changed_plan(session, plan)
    rows = [
        step_rows(session, plan.id, step, describes[step.object], frozenset(columns[step.object]))
        for step in plan.steps
    ]
    stale = guards.refuse_moved(session, plan, rows)
    if stale is not None:
        raise stale


def lay_over(session: Session, plan: Plan, *, fiscal_year_start_month: int = 1) -> Resulting:
    """Let a store beside the mirror show the state after a plan.

    Args:
        session: A writing session of that store.
        plan: In that store; one that `refuse_unfit_plan` lets pass.
        fiscal_year_start_month: 1 to 12.
    """
    describes, columns, state = ledger.read_describes(session), mirror_columns(session), read_state(session)
    placeholders = Placeholders.of(session, plan.steps, describes)
    stages = frozenset(columns.get("OpportunityStage", ()))
    where = Circumstances(state.as_of, ledger.facts(session).get("user_id"), fiscal_year_start_month, stages)
    unknown: dict[str, tuple[str, ...]] = {}
    for name in dict.fromkeys(step.object for step in plan.steps):
        steps = tuple(step for step in plan.steps if step.object == name)
        rows = ResultingRows(
            describes[name], columns[name], original(name), original("OpportunityStage"), steps, placeholders, where
        )
        unknown[name] = tuple(sorted(_unknown(session, rows) & set(columns[name])))
        put_in_place(session, name, rows.select)
        _hide(session, name, unknown[name])
    _keep_new_records(session, plan, placeholders)
    return Resulting(plan, unknown, frozenset(each.step.object for each in placeholders.makers))


def _refuse_other_org(plan: Plan, state: MirrorState) -> None:
    if plan.org_id and state.org_id and plan.org_id[:15] != state.org_id[:15]:
        raise UsageError(
            f"plan {plan.id} is for org {plan.org_id}, but the mirror is of org {state.org_id} ({state.instance_url})",
            hint="use the project with the mirror of that org, or make a plan for this one",
        )


def _refuse_unknown_fields(plan: Plan, describes: AnyMapping[str, ObjectDescribe]) -> None:
    """A name of a plan file becomes part of SQL, and a value of it a field's: the org must have both."""
    for step in plan.steps:
        described = describes.get(step.object)
        if described is None:
            raise MirrorUnfit(f"the mirror does not hold {step.object}", hint=f"run `sfsync pull {step.object}`")
        missing = [name for name in step.fields if (found := described.field(name)) is None or found.name != name]
        if missing:
            raise MirrorUnfit(
                f"the plan writes {', '.join(missing)} of {step.object}, which the mirror does not know",
                hint=f"run `sfsync pull {step.object}`, then `sfsync plan`",
            )


def _unknown(session: Session, rows: ResultingRows) -> set[str]:
    """Fields of an object of which nobody knows what they hold after the steps."""
    describe, where, lost = rows.describe, rows.where, set[str]()
    follows = derived(describe.name, rows.columns, where)
    for step in rows.steps:
        if step.action == "delete" or not step.sent_count:
            continue
        creating = step.action in {"create", "upsert"}
        lost |= unknown_after(describe.name, step.fields, where, creating=creating)
        lost |= {field.name for field in describe.fields if field.calculated}
        if creating:
            blank = [each for each in describe.fields if default_of(step, each, where) is None and each.name != "Id"]
            given = _always_given(session, step)
            lost |= {field.name for field in blank if field.name not in given | set(follows)}
    return lost


def _always_given(session: Session, step: PlanStep) -> set[str]:
    """Fields that every new record of a step is given."""
    if not step.fields:
        return set()
    asked = ", ".join(f"coalesce(bool_and(coalesce({is_set(field)}, FALSE)), FALSE)" for field in step.fields)
    (found,) = session.execute(f"SELECT {asked} FROM {step.table} WHERE refused IS NULL AND record_id IS NULL").rows
    return {field for field, given in zip(step.fields, found, strict=True) if given}


def _hide(session: Session, name: str, fields: Sequence[str]) -> None:
    """Take fields out of the ledger's list: to whoever reads the store, they are not there."""
    held = str(session.execute("SELECT field_names FROM sfsync.cursors WHERE object = ?", [name]).scalar() or "")
    left = ",".join(field for field in held.split(",") if field not in fields)
    session.execute("UPDATE sfsync.cursors SET field_names = ? WHERE object = ?", [left, name])


def _keep_new_records(session: Session, plan: Plan, placeholders: Placeholders) -> None:
    """Write down which row of which source each new record is of; a key that is sensitive is left out."""
    sources = {each["file"]: each["source"] for each in plan.header.get("mappings", ())}
    keys = {each["file"]: each.get("key") for each in plan.header.get("mappings", ())}
    session.execute(f"CREATE TABLE {NEW_RECORDS} (record_id VARCHAR, object VARCHAR, shown_as VARCHAR)")
    for maker in placeholders.makers:
        step = maker.step
        of = literal(f" of {sources.get(step.mapping, step.mapping)}")
        hidden = keys.get(step.mapping) in plan.header.get("sensitive", {}).get(step.object, ())
        key = "''" if hidden else "coalesce(' (' || s.\"key\" || ')', '')"
        row = f"coalesce('row ' || s.source_row, 'change ' || s.change_no) || {of} || {key}"
        session.execute(
            f"INSERT INTO {NEW_RECORDS} SELECT {placeholders.of_step(step)}, {literal(step.object)}, {row} "
            f"FROM {step.table} AS s WHERE s.refused IS NULL AND s.record_id IS NULL"
        )


def set_waiting_plans_aside(session: Session) -> None:
    """In a store beside the mirror, let a new plan take the place of none: those that wait go on waiting."""
    if has_table(session, "sfsync", "plans"):
        session.execute("UPDATE sfsync.plans SET state = 'stale' WHERE state = 'open'")

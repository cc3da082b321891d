"""What may be wrong with each definition: a name the org does not have, a test that does not fit the field."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from sfsync.audit.definition_facts import MirrorFacts
from sfsync.audit.evidence import evidence_columns
from sfsync.audit.relations.assignment_owners import OWNER_FIELDS
from sfsync.config.definitions import Definitions
from sfsync.config.definitions_frameworks import Evidence
from sfsync.config.document import KeyPath
from sfsync.config.spelling import shown, suggestion

_PHASES = ("new", "working", "qualified", "disqualified")
_ROLES = ("OpportunityId", "Role", "CreatedDate")


@dataclass(frozen=True, slots=True)
class DefinitionFault:
    """Something wrong with a definition, at its place in the block."""

    path: KeyPath
    message: str
    hint: str | None = None
    key: bool = False

    def under(self, *path: str | int) -> DefinitionFault:
        """The same, further down in the block."""
        return replace(self, path=(*path, *self.path))


Faults = Iterator[DefinitionFault]


def all_faults(definitions: Definitions, facts: MirrorFacts) -> Faults:
    """Everything that the mirror contradicts."""
    yield from _lead_statuses(definitions, facts)
    yield from _frameworks(definitions, facts)
    yield from _scoring(definitions, facts)
    yield from _icp(definitions, facts)
    yield from _required(definitions, facts)
    yield from _lead_path(definitions, facts)
    yield from _other_lead_fields(definitions, facts)
    yield from _stage_exit(definitions, facts)
    yield from _pricing(definitions, facts)
    yield from _reasons(definitions, facts)
    yield from _sales_processes(definitions, facts)
    yield from _assignment(definitions, facts)


def _lead_statuses(definitions: Definitions, facts: MirrorFacts) -> Faults:
    known, by_label = facts.statuses()
    for phase in _PHASES:
        for i, status in enumerate(getattr(definitions.lead_status, phase)):
            yield from _unknown_step(("lead_status", phase, i), status, (known, by_label), "lead status")


def _unknown_step(
    path: KeyPath, name: str, known: tuple[set[str], dict[str, str]], what: str, *, key: bool = False
) -> Faults:
    names, by_label = known
    if not names or name in names:
        return
    hint = f"that is a label; its API name is `{by_label[name]}`" if name in by_label else suggestion(name, names)
    yield DefinitionFault(path, f"the org has no {what} `{shown(name)}`", hint, key)


def _frameworks(definitions: Definitions, facts: MirrorFacts) -> Faults:
    for name, framework in definitions.frameworks.items():
        for criterion, evidence in framework.criteria.items():
            for i, piece in enumerate(evidence):
                for fault in _evidence(piece, facts):
                    yield fault.under("frameworks", name, criterion, i)


def _evidence(piece: Evidence, facts: MirrorFacts) -> Faults:
    if piece.activity is not None:
        if facts.context.object("Task") is None and facts.context.object("Event") is None:
            yield _not_pulled("activity", "activities", "Task and Event")
        return
    if piece.contact_role is not None:
        yield from _contact_roles(piece.contact_role, facts)
        return
    columns = list(evidence_columns(piece, facts.context))
    if not columns:
        where = piece.object or "Lead"
        if facts.context.object(where) is not None:
            yield _no_field(("field",), where, str(piece.field), facts)
        return
    yield from _test_of_field(piece, columns, facts)


def _not_pulled(key: str, what: str, names: str) -> DefinitionFault:
    hint = f"name {names} under `pull: {{objects: [...]}}` in sfsync.yml and run `sfsync pull`"
    return DefinitionFault((key,), f"the mirror holds no {what}", hint, key=True)


def _contact_roles(roles: Iterable[str], facts: MirrorFacts) -> Faults:
    name = "OpportunityContactRole"
    if not all(facts.context.column(name, field) for field in _ROLES):
        yield _not_pulled("contact_role", "contact roles", name)
        return
    for fault in _unknown_values(roles, [(name, "Role")], facts):
        yield fault.under("contact_role")


def _test_of_field(piece: Evidence, columns: list[tuple[str, str]], facts: MirrorFacts) -> Faults:
    kinds = {facts.context.kind(*column) for column in columns}
    if piece.min is not None and kinds != {"number"}:
        hint = "use `in`, or the field alone"
        yield DefinitionFault(("min",), f"`min` compares numbers, and {piece.field} is none", hint)
    if piece.one_of is not None and kinds != {"text"}:
        hint = "use `min`, or the field alone"
        yield DefinitionFault(("in",), f"`in` compares texts, and {piece.field} is none", hint)
    elif piece.one_of is not None:
        for fault in _unknown_values(piece.one_of, columns, facts):
            yield fault.under("in")


def _unknown_values(values: Iterable[str], columns: list[tuple[str, str]], facts: MirrorFacts) -> Faults:
    if not all(facts.picklist(*column) for column in columns):
        return  # a free text may hold anything
    known = {value for column in columns for value in facts.picklist(*column)}
    folded = {value.casefold() for value in known}
    unknown = [(i, value) for i, value in enumerate(values) if value.casefold() not in folded]
    if unknown:
        known |= {value for column in columns for value in facts.values(*column)}
    for i, value in unknown:
        if value not in known:
            message = f"{columns[0][1]} has no value `{shown(value)}`"
            yield DefinitionFault((i,), message, suggestion(value, known))


def _no_field(path: KeyPath, object_name: str, name: str, facts: MirrorFacts, *, key: bool = False) -> DefinitionFault:
    message = f"the mirror has no field {object_name}.{name} (or the user who pulled may not read it)"
    return DefinitionFault(path, message, suggestion(name, facts.fields(object_name)), key)


def _field(path: KeyPath, object_name: str, name: str, facts: MirrorFacts, *, key: bool = False) -> Faults:
    """A field that the mirror does not have, though it has the object."""
    if facts.context.object(object_name) is not None and facts.context.column(object_name, name) is None:
        yield _no_field(path, object_name, name, facts, key=key)


def _scoring(definitions: Definitions, facts: MirrorFacts) -> Faults:
    if definitions.scoring is None:
        return
    name, path = definitions.scoring.field, ("scoring", "field")
    yield from _field(path, "Lead", name, facts)
    if facts.context.column("Lead", name) is not None and facts.context.kind("Lead", name) != "number":
        yield DefinitionFault(path, f"a score is a number, and Lead.{name} is none")


def _icp(definitions: Definitions, facts: MirrorFacts) -> Faults:
    for name, wanted in definitions.icp.items():
        yield from _field(("icp", name), "Lead", name, facts, key=True)
        column = facts.context.column("Lead", name)
        if column is None:
            continue
        kind = facts.context.kind("Lead", column)
        if wanted.one_of is not None and kind != "text":
            yield DefinitionFault(
                ("icp", name), f"a list compares texts, and Lead.{name} is none", "use `min` and `max`"
            )
        elif wanted.one_of is not None:
            for fault in _unknown_values(wanted.one_of, [("Lead", column)], facts):
                # The list may stand bare or under `in`; the field's line is the same.
                yield replace(fault.under("icp", name), path=("icp", name))
        if (wanted.min is not None or wanted.max is not None) and kind != "number":
            yield DefinitionFault(("icp", name), f"a range compares numbers, and Lead.{name} is none", "use a list")


def _required(definitions: Definitions, facts: MirrorFacts) -> Faults:
    known = facts.statuses()
    for status, names in definitions.required_by_status.items():
        yield from _unknown_step(("required_by_status", status), status, known, "lead status", key=True)
        for i, name in enumerate(names):
            yield from _field(("required_by_status", status, i), "Lead", name, facts)


def _lead_path(definitions: Definitions, facts: MirrorFacts) -> Faults:
    known = facts.statuses() if definitions.lead_path else (set(), {})
    for i, status in enumerate(definitions.lead_path):
        yield from _unknown_step(("lead_path", i), status, known, "lead status")


def _other_lead_fields(definitions: Definitions, facts: MirrorFacts) -> Faults:
    for key in ("reachable_by", "origin_detail"):
        for i, name in enumerate(getattr(definitions, key) or ()):
            yield from _field((key, i), "Lead", name, facts)
    if (name := definitions.waits_until) is not None:
        yield from _field(("waits_until",), "Lead", name, facts)
        if facts.context.column("Lead", name) and facts.context.kind("Lead", name) not in ("date", "datetime"):
            yield DefinitionFault(("waits_until",), f"a date is needed here, and Lead.{name} is none")


def _stage_exit(definitions: Definitions, facts: MirrorFacts) -> Faults:
    if facts.context.object("Opportunity") is None:
        return
    known = facts.stages()
    for stage, pieces in definitions.stage_exit.items():
        yield from _unknown_step(("stage_exit", stage), stage, known, "opportunity stage", key=True)
        for i, piece in enumerate(pieces):
            for fault in _of_one_object(piece, "Opportunity", facts):
                yield fault.under("stage_exit", stage, i)


def _pricing(definitions: Definitions, facts: MirrorFacts) -> Faults:
    for i, piece in enumerate(definitions.pricing or ()):
        if piece.contact_role is not None:
            message = "a contact role tells nothing of a price"
            yield DefinitionFault(("pricing", i, "contact_role"), message, "use a field or an activity", key=True)
        else:
            for fault in _of_one_object(piece, "Lead", facts):
                yield fault.under("pricing", i)


def _of_one_object(piece: Evidence, object_name: str, facts: MirrorFacts) -> Faults:
    """Evidence that can only lie in a record of this object."""
    if piece.object not in (None, object_name):
        yield DefinitionFault(("object",), f"only fields of {object_name} are looked at here")
        return
    if piece.field is None:
        yield from _evidence(piece, facts)
        return
    column = facts.context.column(object_name, piece.field)
    if column is None:
        yield _no_field(("field",), object_name, piece.field, facts)
    else:
        yield from _test_of_field(piece, [(object_name, column)], facts)


def _reasons(definitions: Definitions, facts: MirrorFacts) -> Faults:
    for key, object_name in (("disqualified", "Lead"), ("lost", "Opportunity")):
        name = getattr(definitions.reasons, key)
        if name is not None:
            yield from _field(("reasons", key), object_name, name, facts)


def _sales_processes(definitions: Definitions, facts: MirrorFacts) -> Faults:
    processes = definitions.deals.sales_processes
    if not processes or facts.context.object("Opportunity") is None:
        return
    known = facts.stages()
    fields = [field for field in ("DeveloperName", "Id") if facts.context.column("RecordType", field)]
    both = fields if len(fields) > 1 else []
    record_types = {value for field in both for value in facts.values("RecordType", field)}
    for name, process in processes.items():
        path = ("deals", "sales_processes", name)
        for i, stage in enumerate(process.stages):
            yield from _unknown_step((*path, "stages", i), stage, known, "opportunity stage")
        for i, record_type in enumerate(process.record_types):
            if record_types and record_type not in record_types:
                message = f"the org has no record type `{shown(record_type)}`"
                yield DefinitionFault((*path, "record_types", i), message, suggestion(record_type, record_types))


def _assignment(definitions: Definitions, facts: MirrorFacts) -> Faults:
    for i, rule in enumerate(definitions.assignment):
        for name, values in rule.when.items():
            path = ("assignment", i, "when", name)
            column = facts.context.column("Lead", name)
            if column is None:
                yield _no_field(path, "Lead", name, facts, key=True)
            elif facts.context.kind("Lead", column) != "text":
                yield DefinitionFault(path, f"an assignment rule compares texts, and Lead.{name} is none")
            else:
                for fault in _unknown_values(values, [("Lead", column)], facts):
                    yield fault.under(*path)
        for j, owner in enumerate(rule.owners or ()):
            yield from _owner(("assignment", i, "owners", j), owner, "User", facts)
        if rule.queue is not None:
            yield from _owner(("assignment", i, "queue"), rule.queue, "Group", facts)


def _owner(path: KeyPath, name: str, object_name: str, facts: MirrorFacts) -> Faults:
    fields = [field for field in OWNER_FIELDS[object_name] if facts.context.column(object_name, field)]
    known = {value for field in fields for value in facts.values(object_name, field)}
    if known and name.strip().casefold() not in {value.casefold() for value in known}:
        what = "user" if object_name == "User" else "queue"
        yield DefinitionFault(path, f"the org has no {what} `{shown(name)}`", suggestion(name, known))

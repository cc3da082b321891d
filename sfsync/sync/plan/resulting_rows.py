"""An object's records as they would be after a plan, as one SELECT over the mirror's and the plan's tables."""

from __future__ import annotations

from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass

from sfsync.records import FieldDescribe, ObjectDescribe
from sfsync.store.names import quote
from sfsync.sync.plan.filled_in import Circumstances, at_change, at_creation, derived, sources_of, stages_sql
from sfsync.sync.plan.placeholders import Placeholders
from sfsync.sync.plan.stored import PlanStep
from sfsync.sync.plan.tables import is_set
from sfsync.sync.plan.values import same

_MAKING = ("create", "upsert")
_CHANGING = ("update", "upsert")


@dataclass(frozen=True, slots=True)
class ResultingRows:
    """The records of one object after a plan.

    Attributes:
        describe: The object.
        columns: Column → SQL type, as the mirror has them.
        records: The mirror's records, as SQL writes the table.
        stages: The mirror's stages of opportunities, as SQL writes the table.
        steps: Of the plan, those of this object.
        placeholders: Ids of what the plan makes.
        where: What decides how records are filled in.
    """

    describe: ObjectDescribe
    columns: AnyMapping[str, str]
    records: str
    stages: str
    steps: tuple[PlanStep, ...]
    placeholders: Placeholders
    where: Circumstances

    @property
    def select(self) -> str:
        """Every record, with all columns of the mirror and no others."""
        found = derived(self.describe.name, self.columns, self.where)
        shown = []
        for column, kind in self.columns.items():
            value = found.get(column, f"r.{quote(column)}")
            shown.append(f"{f'CAST({value} AS {kind})' if column in found else value} AS {quote(column)}")
        stages = stages_sql(self.where, self.stages) if self._staged else None
        join = f' LEFT JOIN ({stages}) AS st ON st."MasterLabel" = r."StageName"' if stages else ""
        return f"SELECT {', '.join(shown)} FROM ({self._changed()}) AS r{join}"

    @property
    def _staged(self) -> bool:
        return self.describe.name == "Opportunity" and "StageName" in self.columns

    @property
    def _sources(self) -> tuple[str, ...]:
        return sources_of(self.describe.name)

    def _changed(self) -> str:
        """The records with what is changed and deleted."""
        changes, deletes = self._changes(), self._deletes()
        written = self._fields(_CHANGING)
        columns = [f"{self._after(column, kind, written)} AS {quote(column)}" for column, kind in self.columns.items()]
        columns.append('r."~new"')
        for source in self._sources:
            flag = f"r.{quote('~' + source)}"
            also = f" OR coalesce(c.{is_set(source)}, FALSE)" if source in written else ""
            columns.append(f"{flag}{also} AS {quote('~' + source)}")
        joins, gone = "", ""
        if changes is not None:
            joins += f' LEFT JOIN ({changes}) AS c ON c.record_id = r."Id"'
        if deletes is not None:
            joins += f' LEFT JOIN ({deletes}) AS d ON d.record_id = r."Id"'
            gone = " WHERE d.for_good IS NOT TRUE"
        return f"SELECT {', '.join(columns)} FROM ({self._rows()}) AS r{joins}{gone}"

    def _after(self, column: str, kind: str, written: AnyMapping[str, FieldDescribe]) -> str:
        value = f"r.{quote(column)}"
        if written:
            stamped = at_change(column, self.where)
            if stamped is not None:
                value = f"CASE WHEN c.record_id IS NOT NULL THEN {stamped} ELSE {value} END"
        if column in written:
            new = self._typed(f"c.{quote(column)}", kind, written[column])
            value = f"CASE WHEN c.{is_set(column)} THEN {new} ELSE {value} END"
        if self._deletes() is not None:
            if column == "IsDeleted":
                value = f"({value} IS TRUE OR d.record_id IS NOT NULL)"
            elif column == "SystemModstamp":
                stamped = at_change(column, self.where)
                value = f"CASE WHEN d.record_id IS NOT NULL THEN {stamped} ELSE {value} END"
        return value

    def _rows(self) -> str:
        """The mirror's records and the new ones."""
        held = [f"m.{quote(column)}" for column in self.columns]
        held += ['FALSE AS "~new"', *(f"FALSE AS {quote('~' + source)}" for source in self._sources)]
        parts = [f"SELECT {', '.join(held)} FROM {self.records} AS m"]
        parts += [self._made(maker.step) for maker in self.placeholders.makers if maker.step in self.steps]
        return " UNION ALL ".join(parts)

    def _made(self, step: PlanStep) -> str:
        values = [f"{self._new(step, column, kind)} AS {quote(column)}" for column, kind in self.columns.items()]
        flags = [
            (f"coalesce(s.{is_set(source)}, FALSE)" if source in step.fields else "FALSE") for source in self._sources
        ]
        columns = ", ".join([*values, "TRUE", *flags])
        return f"SELECT {columns} FROM {step.table} AS s WHERE s.refused IS NULL AND s.record_id IS NULL"

    def _new(self, step: PlanStep, column: str, kind: str) -> str:
        if column == "Id":
            return self.placeholders.of_step(step)
        field = self.describe.field(column)
        default = f"CAST({default_of(step, field, self.where) or 'NULL'} AS {kind})" if field else "NULL"
        if field is None or column not in step.fields:
            return default if field else f"CAST(NULL AS {kind})"
        value = self._typed(f"s.{quote(column)}", kind, field)
        return f"CASE WHEN s.{is_set(column)} THEN {value} ELSE {default} END"

    def _typed(self, text: str, kind: str, field: FieldDescribe) -> str:
        """SQL of a canonical text as the org keeps it."""
        if field.type == "reference":
            return self.placeholders.resolved(text)
        return same(text if kind == "VARCHAR" else f"CAST({text} AS {kind})", field)

    def _fields(self, actions: tuple[str, ...]) -> dict[str, FieldDescribe]:
        """The fields that steps of these kinds write, of those that the mirror has."""
        names = dict.fromkeys(field for step in self.steps if step.action in actions for field in step.fields)
        found = {name: self.describe.field(name) for name in names if name in self.columns}
        return {name: field for name, field in found.items() if field is not None}

    def _changes(self) -> str | None:
        """A SELECT of what is written to records that are there: record_id, and value and flag of each field."""
        steps = [step for step in self.steps if step.action in _CHANGING]
        fields = list(self._fields(_CHANGING))
        if not steps or not fields:
            return None
        parts = [self._changes_of(step, fields) for step in steps]
        if len(parts) == 1:
            return parts[0]
        # What is written to one record by several steps: the last one to write a field decides.
        last = [
            f"(arg_max(struct_pack(v := {quote(f)}), step) FILTER (WHERE {is_set(f)})).v AS {quote(f)}, "
            f"bool_or({is_set(f)}) AS {is_set(f)}"
            for f in fields
        ]
        return f"SELECT record_id, {', '.join(last)} FROM ({' UNION ALL '.join(parts)}) AS every GROUP BY record_id"

    def _changes_of(self, step: PlanStep, fields: list[str]) -> str:
        columns = [f"{self.placeholders.resolved('s.record_id')} AS record_id", f"{step.step} AS step"]
        for field in fields:
            if field in step.fields:
                columns += [f"s.{quote(field)}", f"coalesce(s.{is_set(field)}, FALSE) AS {is_set(field)}"]
            else:
                columns += [f"CAST(NULL AS VARCHAR) AS {quote(field)}", f"FALSE AS {is_set(field)}"]
        where = "s.refused IS NULL AND s.record_id IS NOT NULL"
        return f"SELECT {', '.join(columns)} FROM {step.table} AS s WHERE {where}"

    def _deletes(self) -> str | None:
        """A SELECT of the records that are deleted: record_id, and whether nothing is left of them."""
        parts = [
            f"SELECT record_id, {'TRUE' if step.options.get('hard') else 'FALSE'} AS for_good FROM {step.table} "
            "WHERE refused IS NULL"
            for step in self.steps
            if step.action == "delete"
        ]
        if not parts:
            return None
        return f"SELECT record_id, bool_or(for_good) AS for_good FROM ({' UNION ALL '.join(parts)}) AS g GROUP BY 1"


def default_of(step: PlanStep, field: FieldDescribe, where: Circumstances) -> str | None:
    """SQL of what a field of a new record of a step holds where nothing is given; None where nobody knows it."""
    if field.name == "OwnerId" and step.options.get("assignment_rules"):
        return None  # the org's rules decide
    return at_creation(step.object, field, where)

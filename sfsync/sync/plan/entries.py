"""What a plan computes for each field of a mapping: the value after and before, what is wrong with it, when to set it.

All of it is SQL over a row that has the source's values (alias `source`), the record it is (`rec`) and the parents of
its lookups (`parent0`, `parent1`, …).
"""

from __future__ import annotations

from dataclasses import dataclass

from sfsync.mapping.push_columns import PushColumn, PushLookup
from sfsync.records import FieldDescribe
from sfsync.store.columns import sql_type
from sfsync.store.names import literal, quote
from sfsync.sync.plan.parents import LATER, OWN, THERE, held_table, lookup_table
from sfsync.sync.plan.tables import REFERENCE
from sfsync.sync.plan.values import canonical, same, some_text
from sfsync.sync.plan.work import Work

_NOTHING = "CAST(NULL AS VARCHAR)"
_ID = "^[a-zA-Z0-9]{15}[A-Z0-5]{3}$"
_LOOKS_FOREIGN = ", which looks like an Id: one of another org finds nothing here"


@dataclass(frozen=True, slots=True)
class Entry:
    """One field of a step, as SQL.

    Attributes:
        number: Its place among the fields of the mapping; columns of the inner SELECT end with it.
        described: The field.
        raw: What the mapping makes of the row.
        value: What it is to be, typed as the mirror's column.
        problem: Why that cannot be written, or NULL.
        note: Worth telling, or NULL.
        before: What the mirror holds.
        clears: Whether an empty value empties the field.
        stage: When the parent it refers to is there; NULL for what is no reference.
        edited: Whether the row was edited in this field.
        write: `always`, `if-empty` or `never`.
        required: A new record cannot be without it.
        is_key: Records are found by it.
        form: Under which two values are the same to the org, around `{}`.
    """

    number: int
    described: FieldDescribe
    raw: str
    value: str
    problem: str
    note: str
    before: str
    clears: str
    stage: str
    edited: str
    write: str
    required: bool
    is_key: bool
    form: str

    @property
    def name(self) -> str:
        """API name of the field."""
        return self.described.name

    @property
    def kind(self) -> str:
        """SQL type of its values."""
        return sql_type(self.described)

    @property
    def columns(self) -> dict[str, str]:
        """Columns of the inner SELECT: name → SQL."""
        made = {
            "v": self.value,
            "p": self.problem,
            "t": self.note,
            "b": self.before,
            "c": self.clears,
            "s": self.stage,
            "e": self.edited,
        }
        return {f"{letter}{self.number}": sql for letter, sql in made.items()}

    def column(self, letter: str) -> str:
        """One of them, in the SELECTs around it."""
        return f"d.{letter}{self.number}"

    def differs(self) -> str:
        """Whether the value after is another than the one before; what is equal as it stands costs no more."""
        after, before = self.column("v"), self.column("b")
        forms = same(after, self.described, self.form), same(before, self.described, self.form)
        if forms == (after, before):
            return f"{after} IS DISTINCT FROM {before}"
        differs = f"{forms[0]} IS DISTINCT FROM {forms[1]}"
        return f"CASE WHEN {after} IS NOT DISTINCT FROM {before} THEN FALSE ELSE {differs} END"

    def may_differ(self) -> str:
        """Whether a row is worth a closer look: its raw value is not the one before, or cannot be read."""
        edited = "" if self.edited == "TRUE" else f"{self.edited} AND "
        to_write = f"({self.value} IS NOT NULL OR {self.clears})"
        return (
            f"({edited}{self.raw} IS DISTINCT FROM {self.before} AND {to_write}) "
            f"OR ({edited}{self.raw} IS NULL AND {self.problem} IS NOT NULL)"
        )

    def wanted(self, *, creating: bool) -> str:
        """Whether the row has something to write here, now or in a second pass."""
        value = self.column("v")
        if creating:
            return f"{value} IS NOT NULL"
        if self.is_key or self.write == "never":
            return "FALSE"
        parts = [f"({value} IS NOT NULL OR {self.column('c')})", self.column("e"), self.differs()]
        if self.write == "if-empty":
            parts.append(f"{same(self.column('b'), self.described)} IS NULL")
        return " AND ".join(parts)

    def postponed(self, *, creating: bool) -> str:
        """Whether the parent is not there yet when the row is written."""
        if self.stage == "NULL":
            return "FALSE"
        stage = f"coalesce({self.column('s')}, {THERE})"
        return f"({self.column('v')} IS NOT NULL AND {stage} >= {OWN if creating else LATER})"

    def refusals(self, *, creating: bool, barred: bool = False) -> list[str]:
        """Why the row cannot be written because of this field: SQL of texts or NULLs, over `d` and the flags.

        Args:
            creating: A new record is to be made.
            barred: The user may do this to no record of the object, which is told once for all of its fields.
        """
        name, problem = self.name, self.column("p")
        matters = "TRUE"
        if not creating:
            matters = f"{self.column('e')} AND ({self.column('v')} IS NULL OR d.w{self.number})"
            if self.write == "if-empty":
                matters += f" AND {self.column('b')} IS NULL"
            if self.is_key or self.write == "never":
                matters = "FALSE"
        found = [f"CASE WHEN {problem} IS NOT NULL AND {matters} THEN {literal(name + ': ')} || {problem} END"]
        allowed = self.described.createable if creating else self.described.updateable
        if not allowed and not barred:
            told = "cannot be set by this user when a record is made" if creating else "cannot be changed by this user"
            found.append(f"CASE WHEN d.w{self.number} THEN {literal(f'{name}: {told}')} END")
        if self.required and creating:
            lacks = f"{self.column('v')} IS NULL AND {problem} IS NULL"
            found.append(f"CASE WHEN {lacks} THEN {literal(f'{name}: a new record needs it')} END")
            if self.stage != "NULL":
                later = f"{name}: a new record needs it, and its parent needs the record first"
                found.append(f"CASE WHEN {self.postponed(creating=True)} THEN {literal(later)} END")
        return found


def entries_of(work: Work) -> list[Entry]:
    """Every field that the mapping may write, fields before lookups."""
    fields = [_field(work, number, each) for number, each in enumerate(work.push.columns)]
    start = len(fields)
    return fields + [_lookup(work, start + at, at, each) for at, each in enumerate(work.push.lookups)]


def parents_sql(work: Work, *, creating: bool = False) -> str:
    """Joins of the parents of every lookup, and of the one that the record has already where it has the value too."""
    joins = ""
    for number, each in enumerate(work.push.lookups):
        asked = each.value_sql
        joins += f" LEFT JOIN {lookup_table(work, number)} AS parent{number} ON parent{number}.value = {asked}"
        same = f"held{number}.value = {asked} AND held{number}.ref = rec.{quote(each.field)}"
        known = not creating and work.has(each.field)
        joins += f" LEFT JOIN {held_table(work, number)} AS held{number} ON {same if known else 'FALSE'}"
    return joins


def _before(work: Work, described: FieldDescribe) -> str:
    kind = sql_type(described)
    return f"rec.{quote(described.name)}" if work.has(described.name) else f"CAST(NULL AS {kind})"


def _edited(work: Work, field: str) -> str:
    return work.source.edited.get(field, "TRUE")


def _field(work: Work, number: int, column: PushColumn) -> Entry:
    described = work.field(column.field)
    value = some_text(column.value_sql, described)
    clears = f"{value} IS NULL AND {column.problem_sql} IS NULL"
    if column.null != "clear":
        clears = "FALSE"
    elif described.type == "boolean":
        value, clears = f"coalesce({value}, CASE WHEN {column.problem_sql} IS NULL THEN FALSE END)", "FALSE"
    return Entry(
        number=number,
        described=described,
        raw=column.value_sql,
        value=value,
        problem=column.problem_sql,
        note=column.note_sql,
        before=_before(work, described),
        clears=clears,
        stage="NULL",
        edited=_edited(work, column.field),
        write=column.write,
        required=column.required,
        # A row that was found by its Id may well be given another key; one that was found by the key has it.
        is_key=column.is_key and work.mapping.direction != "both",
        form=column.same_sql,
    )


def _lookup(work: Work, number: int, at: int, lookup: PushLookup) -> Entry:
    described, parent = work.field(lookup.field), _Parent(lookup, at)
    return Entry(
        number=number,
        described=described,
        raw=parent.ref,
        value=parent.ref,
        problem=f"CASE WHEN {parent.held} IS NULL THEN coalesce({', '.join(parent.problems)}) END",
        note=parent.note,
        before=_before(work, described),
        clears=parent.clears,
        stage=f"CASE WHEN {parent.held} IS NULL THEN {parent.name}.stage END",
        edited=_edited(work, lookup.field),
        write=lookup.write,
        required=lookup.required,
        is_key=False,
        form="{}",
    )


@dataclass(frozen=True, slots=True)
class _Parent:
    """Who a lookup means, as SQL over what `parents_sql` joins.

    Attributes:
        lookup: The reference, and the value by which the parent is found.
        at: Its place among the lookups of the mapping.
    """

    lookup: PushLookup
    at: int

    @property
    def name(self) -> str:
        """Alias of those who have the value."""
        return f"parent{self.at}"

    @property
    def held(self) -> str:
        """The one that the record refers to already, where it has the value too."""
        return f"held{self.at}.ref"

    @property
    def ref(self) -> str:
        """Id of the parent; NULL where there is none, or more than one."""
        # Who is named already is not exchanged for another of the same name, nor asked which of them is meant.
        return (
            f"CASE WHEN {self.held} IS NOT NULL THEN {self.held} WHEN {self.name}.refs = 1 THEN {self.name}.ref "
            f"WHEN {self._only_faulty} THEN {self.name}.faulty END"
        )

    @property
    def problems(self) -> list[str]:
        """Why the record may not refer to it, each a text or NULL."""
        name, asked = self.name, self._asked
        ref, other = (
            f"replace({name}.{each}, {literal(REFERENCE)}, 'the new one of this plan, change ')"
            for each in ("ref", "other")
        )
        many = f"{asked} || ' is that of ' || {name}.refs || ' records: ' || {ref} || ' and ' || {other}"
        problems = [
            self.lookup.problem_sql,
            f"CASE WHEN {name}.refs > 1 THEN {many} END",
            f"CASE WHEN {self._only_faulty} THEN {asked} || ' ' || {name}.fault END",
        ]
        if self.lookup.on_missing == "fail":
            problems.append(f"CASE WHEN {self._missing} THEN {self._nobody} END")
        return problems

    @property
    def note(self) -> str:
        """That there is none, where the mapping has the field left empty then."""
        if self.lookup.on_missing == "fail":
            return _NOTHING
        told = "left empty" if self.lookup.on_missing == "null" else "left for a later plan"
        field = literal(self.lookup.field + ": ")
        return f"CASE WHEN {self._missing} THEN {field} || {self._nobody} || {literal(', ' + told)} END"

    @property
    def clears(self) -> str:
        """Whether there being none empties the field."""
        if self.lookup.null != "clear":
            return "FALSE"
        or_missing = f" OR ({self._missing})" if self.lookup.on_missing == "null" else ""
        return f"{self.lookup.problem_sql} IS NULL AND ({self.lookup.value_sql} IS NULL{or_missing})"

    @property
    def _asked(self) -> str:
        return self.lookup.telling.of(self.lookup.value_sql)

    @property
    def _missing(self) -> str:
        return (
            f"{self.lookup.value_sql} IS NOT NULL AND coalesce({self.name}.refs, 0) = 0 AND {self.name}.fault IS NULL"
        )

    @property
    def _only_faulty(self) -> str:
        return f"coalesce({self.name}.refs, 0) = 0 AND {self.name}.fault IS NOT NULL"

    @property
    def _nobody(self) -> str:
        """The text that nobody has the value."""
        lookup = self.lookup
        names = [each.get("Type", name) for name, each in zip(lookup.objects, lookup.conditions, strict=True)]
        by = " or ".join(f"{name} has the {field}" for name, field in zip(names, lookup.by, strict=True))
        told = f"{literal(f'no {by} ')} || {self._asked}"
        if "Id" in lookup.by:
            return told
        foreign = f"regexp_matches({lookup.value_sql}, '{_ID}')"
        return f"{told} || CASE WHEN {foreign} THEN {literal(_LOOKS_FOREIGN)} ELSE '' END"


def before_text(entry: Entry) -> str:
    """SQL of what the mirror holds, as the API writes it."""
    return canonical(entry.column("b"), entry.kind)


def after_text(entry: Entry) -> str:
    """SQL of what is to be written, as the API writes it."""
    return canonical(entry.column("v"), entry.kind)

"""Formula and roll-up fields: calculated from other fields and records, and kept up to date without touching a stamp.

Their values stand in the tables like any others, so that queries need to know nothing of them. After a write,
`refresh` recalculates what can have changed: formulas of the records written, formulas that look at them from below,
roll-ups that sum them up, and what depends on these in turn.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal

from sfsync.errors import SoqlError, UsageError
from sfsync.fake.behaviour.formula import Formula, read_formula
from sfsync.fake.behaviour.formula_sql import Moment, Value, formula_sql
from sfsync.fake.catalog import FieldFacts, ObjectFacts
from sfsync.fake.custom_fields import custom_field
from sfsync.fake.database import sql_type
from sfsync.fake.sql_names import quote
from sfsync.soql import parse_condition

if TYPE_CHECKING:
    from sfsync.fake.evaluate import CompiledQuery
    from sfsync.fake.org import FakeOrg

FORMULA_TYPES = frozenset({"string", "double", "currency", "percent", "boolean", "date", "datetime"})

_SUMMABLE = frozenset({"double", "currency", "percent", "int"})
_ORDERED = _SUMMABLE | {"date", "datetime"}

#: Fields that rest on calculated fields that rest on calculated fields… so far a change is followed.
_DEEPEST = 10

#: Decimal places where nothing says otherwise.
_SCALE = 2


@dataclass(frozen=True)
class FormulaField:
    """One formula field."""

    object_name: str
    field: FieldFacts
    formula: Formula


@dataclass(frozen=True)
class RollUp:
    """One roll-up summary field.

    Attributes:
        object_name: The parent, whose field it is.
        name: API name of the field.
        child: Object whose live records are summed up.
        lookup: Field of the child that points to the parent.
        function: How they are summed up.
        field: Which field of theirs; None for COUNT.
        where: Which of them, as a SOQL condition.
        moves_stamp: Whether a change moves the parent's SystemModstamp.
    """

    object_name: str
    name: str
    child: str
    lookup: str
    function: Literal["COUNT", "SUM", "MIN", "MAX"]
    field: str | None = None
    where: str | None = None
    moves_stamp: bool = False


class CalculatedFields:
    """The formula and roll-up fields of one org."""

    def __init__(self, org: FakeOrg) -> None:
        self._org = org
        self._formulas: list[FormulaField] = []
        self._roll_ups: list[RollUp] = []
        self._told: dict[str, date | datetime] = {}

    def add_formula(
        self, facts: ObjectFacts, name: str, field_type: str, expression: str, details: Mapping[str, Any]
    ) -> FieldFacts:
        """Add a formula field and calculate it for every record; raises UsageError for a formula that is wrong."""
        if field_type not in FORMULA_TYPES:
            raise UsageError(f"a formula cannot be of type `{field_type}`", hint=", ".join(sorted(FORMULA_TYPES)))
        rest = dict(details)
        blanks_are_zero = bool(rest.pop("blanks_are_zero", True))
        field = _field(facts, name, field_type, rest)
        field = replace(field, flags=field.flags + ("Z" if blanks_are_zero else ""), formula=expression)
        one = FormulaField(facts.name, field, read_formula(expression))
        self._update_sql(one)  # what is wrong with it shows now, before the field is there
        self._org.database.add_fields(facts, [field])
        self._formulas.append(one)
        self._follow({facts.name: self._recalculate(one, "", None)})
        return field

    def add_roll_up(self, roll_up: RollUp) -> FieldFacts:
        """Add a roll-up field and calculate it for every record; raises UsageError for one that cannot be."""
        facts, child = self._org.catalog.facts(roll_up.object_name), self._org.catalog.facts(roll_up.child)
        if facts is None or child is None:
            raise UsageError(f"the fake org has no object `{roll_up.object_name}` or no object `{roll_up.child}`")
        summed = child.field(roll_up.field) if roll_up.field else None
        _check_roll_up(roll_up, summed)
        kind = "double" if summed is None or summed.type == "int" else summed.type
        scale = summed.scale if summed else 0
        field = _field(facts, roll_up.name, kind, {"scale": scale})
        self._children(roll_up)
        self._org.database.add_fields(facts, [field])
        self._roll_ups.append(roll_up)
        self._follow({facts.name: self._sum_up(roll_up)})
        return field

    def refresh(self, object_name: str, ids: Iterable[str] | None = None) -> None:
        """Bring up to date what can have changed with these records of an object (all of them, unless given)."""
        if self._formulas or self._roll_ups:
            self._follow({object_name: None if ids is None else list(ids)})

    def settle(self) -> None:
        """Bring formulas up to date that tell the time, if it has moved on since they were calculated."""
        for one in self._formulas:
            told = self._time_told(one)
            if told is not None and told != self._told.get(_key(one)):
                self._follow({one.object_name: self._recalculate(one, "", None)})

    def _follow(self, changed: Mapping[str, Sequence[str] | None]) -> None:
        """Recalculate what rests on these records, then what rests on what that changed, and so on."""
        for _ in range(_DEEPEST):
            further: dict[str, list[str]] = {}
            for name, ids in changed.items():
                if ids is not None and not ids:
                    continue
                for one in self._formulas:
                    for path in self._ways(one, name):
                        further.setdefault(one.object_name, []).extend(self._recalculate(one, path, ids))
                for roll_up in self._roll_ups:
                    if roll_up.child == name:
                        further.setdefault(roll_up.object_name, []).extend(self._sum_up(roll_up))
            if not any(further.values()):
                return
            changed = further

    def _ways(self, one: FormulaField, name: str) -> list[str]:
        """Where a formula looks at records of an object: `""` for its own, `Account.` for a parent."""
        own = [""] if one.object_name == name else []
        return own + [way for way, objects in _parents(self._org, one).items() if name in objects]

    def _recalculate(self, one: FormulaField, way: str, ids: Sequence[str] | None) -> list[str]:
        """Recalculate a formula, for all records or those with one of `ids` at the end of `way`; who changed."""
        statement, ways = self._update_sql(one)
        parameters: dict[str, Any] = {}
        if ids is not None:
            statement += f" AND new.c{ways[way]} IN (SELECT unnest($ids::VARCHAR[]))"
            parameters["ids"] = list(dict.fromkeys(ids))
        told = self._time_told(one)
        if told is not None and ids is None:
            self._told[_key(one)] = told
        with self._org.database.writing() as cursor:
            changed = cursor.execute(f'{statement} RETURNING t."Id"', parameters or None).fetchall()
        return [row[0] for row in changed]

    def _update_sql(self, one: FormulaField) -> tuple[str, dict[str, int]]:
        """The UPDATE of a formula field, and the place of the Id column of each way in `new`."""
        ways = ["", *_parents(self._org, one)]
        paths = [*one.formula.fields, *(f"{way}Id" for way in ways)]
        paths = list({path.casefold(): path for path in paths}.values())
        places = {path.casefold(): place for place, path in enumerate(paths)}
        try:
            compiled = self._org.behaviour.queries.compiled(
                f"SELECT {', '.join(paths)} FROM {one.object_name}", all_rows=True
            )
        except SoqlError as error:
            raise UsageError(f"the formula `{one.formula.text}` cannot be used: {error.message.strip()}") from error
        columns = {path: Value(f"c{place}", compiled.columns[place].type) for path, place in places.items()}
        moment = Moment(self._org.clock.now(), self._org.settings.timezone)
        value = formula_sql(one.formula, one.field, columns, moment)
        listed = ", ".join(f"c{place}" for place in range(len(paths)))
        name = quote(one.field.name)
        statement = (
            f"UPDATE {quote(one.object_name)} AS t SET {name} = new.value FROM"
            f" (SELECT *, {value} AS value FROM ({compiled.sql}) AS source({listed})) AS new"
            f' WHERE t."Id" = new.c{places["id"]} AND t.{name} IS DISTINCT FROM new.value'
        )
        return statement, {way: places[f"{way}Id".casefold()] for way in ways}

    def _sum_up(self, roll_up: RollUp) -> list[str]:
        """Recalculate a roll-up; the parents whose sum changed."""
        facts = self._org.catalog.facts(roll_up.object_name)
        field = facts.field(roll_up.name) if facts else None
        if field is None:
            return []
        name = quote(field.name)
        nothing = "NULL" if roll_up.function in {"MIN", "MAX"} else "0"
        stamp = ', "SystemModstamp" = $now' if roll_up.moves_stamp else ""
        statement = (
            f"UPDATE {quote(roll_up.object_name)} AS t SET {name} = new.value{stamp} FROM"
            f' (SELECT p."Id" AS id, CAST(coalesce(s.value, {nothing}) AS {sql_type(field.type)}) AS value'
            f" FROM {quote(roll_up.object_name)} AS p LEFT JOIN (SELECT c0 AS parent, {roll_up.function}(c1) AS value"
            f" FROM ({self._children(roll_up).sql}) AS source(c0, c1) WHERE c0 IS NOT NULL GROUP BY c0) AS s"
            f' ON s.parent = p."Id") AS new'
            f' WHERE t."Id" = new.id AND t.{name} IS DISTINCT FROM new.value RETURNING t."Id"'
        )
        with self._org.database.writing() as cursor:
            changed = cursor.execute(statement, {"now": self._org.clock.stamp()} if stamp else None).fetchall()
        return [row[0] for row in changed]

    def _children(self, roll_up: RollUp) -> CompiledQuery:
        condition = f" WHERE {roll_up.where}" if roll_up.where else ""
        try:
            if roll_up.where:
                parse_condition(roll_up.where)  # so that nothing but a condition is one
            return self._org.behaviour.queries.compiled(
                f"SELECT {roll_up.lookup}, {roll_up.field or 'Id'} FROM {roll_up.child}{condition}"
            )
        except SoqlError as error:
            raise UsageError(f"the roll-up `{roll_up.name}` cannot be used: {error.message.strip()}") from error

    def _time_told(self, one: FormulaField) -> date | datetime | None:
        """What the formula would say the time is; None when it does not look at the clock."""
        if "NOW" in one.formula.functions:
            return self._org.clock.now()
        if "TODAY" in one.formula.functions:
            return Moment(self._org.clock.now(), self._org.settings.timezone).today
        return None


def _key(one: FormulaField) -> str:
    return f"{one.object_name}.{one.field.name}"


def _parents(org: FakeOrg, one: FormulaField) -> dict[str, frozenset[str]]:
    """The parents that a formula looks at: `Account.Owner.` → the objects that may stand there."""
    found: dict[str, frozenset[str]] = {}
    for path in one.formula.fields:
        objects, way = frozenset({one.object_name}), ""
        for relationship in path.split(".")[:-1]:
            way += f"{relationship}."
            objects = frozenset(
                target
                for name in objects
                if (facts := org.catalog.facts(name)) is not None
                for field in facts.fields
                if (field.parent or "").casefold() == relationship.casefold()
                for target in field.points_to
            )
            found[way] = objects
    return found


def _field(facts: ObjectFacts, name: str, field_type: str, details: Mapping[str, Any]) -> FieldFacts:
    if not name.endswith("__c"):
        raise UsageError(f"`{name}` is not the name of a custom field", hint=f"call it `{name}__c`")
    if facts.field(name) is not None:
        raise UsageError(f"{facts.name} has a field `{name}` already")
    scale = {} if "scale" in details or field_type not in _SUMMABLE else {"scale": _SCALE}
    return custom_field(name, field_type, **{**scale, **details, "calculated": True, "nillable": True})


def _check_roll_up(roll_up: RollUp, summed: FieldFacts | None) -> None:
    fitting = {"SUM": _SUMMABLE, "MIN": _ORDERED, "MAX": _ORDERED}.get(roll_up.function)
    if roll_up.function != "COUNT" and fitting is None:
        raise UsageError(f"a roll-up cannot be a `{roll_up.function}`", hint="COUNT, SUM, MIN or MAX")
    if fitting is None and roll_up.field is not None:
        raise UsageError("COUNT counts records and takes no field")
    if fitting is not None and (summed is None or summed.type not in fitting):
        raise UsageError(f"{roll_up.function} needs a field of {roll_up.child} of type {', '.join(sorted(fitting))}")

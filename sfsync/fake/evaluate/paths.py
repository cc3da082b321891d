"""Field paths of a SOQL query: what they stand for in SQL, and the joins to parents that they need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from sfsync.errors import SoqlError
from sfsync.fake.evaluate.catalog import Catalog, CatalogObject
from sfsync.fake.evaluate.setting import Setting
from sfsync.records import COMPOUND_TYPES, FieldDescribe
from sfsync.soql.ast import FieldPath, Query
from sfsync.soql.columns import Column
from sfsync.soql.place import Place
from sfsync.soql.sql_literals import quoted, text_literal

_WSDL = "Please reference your WSDL or the describe call for the appropriate names."

#: Relationships that one path may follow.
_DEEPEST_PATH = 5

#: What can be reached through a lookup to several objects (`Owner` of a lead): the fields of Salesforce's `Name`.
_NAME_FIELDS = frozenset(
    {"id", "alias", "email", "firstname", "isactive", "lastname", "name", "phone", "profileid", "title", "username"}
    | {"userroleid"}
)
_NAME_PARENTS = frozenset({"profile", "userrole"})

#: Objects whose money is converted by the rates of their close date, where the org has dated rates.
_DATED = frozenset({"Opportunity", "OpportunityHistory"})

_ADDRESS_PARTS = ("City", "Country", "GeocodeAccuracy", "Latitude", "Longitude", "PostalCode", "State", "Street")


@dataclass(frozen=True, slots=True)
class Resolved:
    """A field path, understood.

    Attributes:
        path: As the org spells it.
        column: Its SQL.
        abilities: Letters of what SOQL may do with it, as in `CatalogObject.abilities`.
        points_to: For Ids: the objects that its values belong to.
    """

    path: tuple[str, ...]
    column: Column
    abilities: str
    points_to: frozenset[str] = frozenset()

    @property
    def key(self) -> tuple[str, ...]:
        """The path for comparing with others."""
        return tuple(name.casefold() for name in self.path)


@dataclass(frozen=True, slots=True)
class _Target:
    """One table that a path may lead to."""

    object: CatalogObject
    alias: str


@dataclass(frozen=True, slots=True)
class Reached:
    """Where a path has arrived: one object, or one of several for a lookup to several."""

    path: tuple[str, ...]
    targets: tuple[_Target, ...]
    polymorphic: bool

    @property
    def entity(self) -> str:
        """The object's name in error messages."""
        return "Name" if self.polymorphic else self.targets[0].object.name

    @property
    def id_sql(self) -> str:
        """The Id of the record here, NULL when there is none."""
        return _first(f"{target.alias}.{quoted('Id')}" for target in self.targets)

    @property
    def type_sql(self) -> str:
        """The object name of the record here, NULL when there is none."""
        return self._kinds({})

    @property
    def kind_sql(self) -> str:
        """What `Owner.Type` says: the object name, but a group that something points to is a queue."""
        return self._kinds({"Group": "Queue"})

    def _kinds(self, renamed: Mapping[str, str]) -> str:
        cases = " ".join(
            f"WHEN {target.alias}.{quoted('Id')} IS NOT NULL"
            f" THEN {text_literal(renamed.get(target.object.name, target.object.name))}"
            for target in self.targets
        )
        return f"CASE {cases} END"


@dataclass(frozen=True, slots=True)
class Branch:
    """One WHEN of a TYPEOF: a lookup to several objects, taken as a lookup to one of them."""

    key: tuple[str, ...]
    reached: Reached


class Paths:
    """The tables of one query."""

    def __init__(self, setting: Setting, query: Query, main: CatalogObject | None = None) -> None:
        """The tables of `query`; `main` is its object where FROM names a child relationship."""
        self._setting = setting
        self._catalog = setting.catalog
        self._joins: list[str] = []
        self._reached: dict[tuple[str, ...], Reached] = {}
        self.object = main or _main_object(self._catalog, query)
        self._root = Reached((), (_Target(self.object, "t0"),), polymorphic=False)
        # The object's own name may stand before its fields like an alias, unless a relationship is called the same.
        own = query.source.alias or ("" if self.object.parent(self.object.name) else self.object.name)
        self._aliases: dict[str, tuple[str, ...]] = {own.casefold(): ()}
        for source in query.sources[1:]:
            reached = self._arrive(self._names(source.path), source.path)
            if source.alias:
                self._aliases[source.alias.casefold()] = reached.path

    @property
    def from_sql(self) -> str:
        """The FROM clause with all joins that the paths resolved so far need."""
        return " ".join([f"FROM {self.object.table} AS t0", *self._joins])

    @property
    def parents(self) -> tuple[Reached, ...]:
        """The parents reached so far, outer ones first; one for each path, whatever branches of a TYPEOF lead there."""
        merged: dict[tuple[str, ...], Reached] = {}
        for reached in sorted(self._reached.values(), key=lambda one: len(one.path)):
            known = merged.get(reached.path)
            targets = {target.alias: target for target in (*(known.targets if known else ()), *reached.targets)}
            merged[reached.path] = Reached(reached.path, tuple(targets.values()), reached.polymorphic)
        return tuple(merged.values())

    @property
    def id_sql(self) -> str:
        """The record's own Id."""
        return f"t0.{quoted('Id')}"

    def column(self, path: FieldPath) -> Column:
        """The column that a path stands for; raises `SoqlError`."""
        return self.resolve(path).column

    def resolve(self, path: FieldPath) -> Resolved:
        """What a path stands for; raises `SoqlError` in Salesforce's words."""
        names = self._names(path)
        return self._last_step(self._arrive(names[:-1], path), names[-1], path)

    def branch(self, relationship: FieldPath, name: str, place: Place) -> Branch:
        """The records behind a lookup to several objects that are of the object called `name`."""
        names = self._names(relationship)
        reached = self._arrive(names, relationship)
        if not reached.polymorphic:
            # from memory
            raise relationship.place.error(f"TYPEOF expression cannot be used on non-polymorphic field: {relationship}")
        target = next((one for one in reached.targets if one.object.name.casefold() == name.casefold()), None)
        if target is None:
            # from memory
            message = f"Invalid type in TYPEOF: {name} is not a type that {reached.path[-1]} can refer to"
            raise place.error(message, code="INVALID_TYPE")
        key = (*(one.casefold() for one in names), f":{target.object.name.casefold()}")
        return Branch(key, Reached(reached.path, (target,), polymorphic=False))

    def resolve_in(self, branch: Branch, path: FieldPath) -> Resolved:
        """What a path stands for that begins at a branch."""
        return self._last_step(self._follow(branch.reached, branch.key, path.names[:-1], path), path.names[-1], path)

    def reach(self, relationship: FieldPath) -> Reached:
        """Where a path of relationships leads; raises `SoqlError`."""
        return self._arrive(self._names(relationship), relationship)

    def every_field(self) -> list[Resolved]:
        """All fields of the main object."""
        return [self._field(self._root, field) for field in self.object.describe.fields]

    def _names(self, path: FieldPath) -> tuple[str, ...]:
        """The path without the alias, or the object's own name, that it may begin with."""
        first = path.names[0].casefold()
        if len(path.names) == 1 or first not in self._aliases:
            return path.names
        return self._aliases[first] + path.names[1:]

    def _arrive(self, names: tuple[str, ...], path: FieldPath) -> Reached:
        """What the relationships `names` lead to, joined if it was not yet."""
        if len(names) > _DEEPEST_PATH:
            raise path.place.error(f"SOQL relationship paths may follow at most {_DEEPEST_PATH} relationships: {path}")
        return self._follow(self._root, (), names, path)

    def _follow(self, reached: Reached, key: tuple[str, ...], names: tuple[str, ...], path: FieldPath) -> Reached:
        for name in names:
            key = (*key, name.casefold())
            if key not in self._reached:
                self._reached[key] = self._join(reached, name, path)
            reached = self._reached[key]
        return reached

    def _join(self, reached: Reached, relationship: str, path: FieldPath) -> Reached:
        holders = [(target, target.object.parent(relationship)) for target in reached.targets]
        lookups = [(target, lookup) for target, lookup in holders if lookup is not None]
        if not lookups or (reached.polymorphic and relationship.casefold() not in _NAME_PARENTS):
            raise _unknown_relationship(path, relationship)
        field = lookups[0][1]
        objects = [found for name in field.reference_to if (found := self._catalog.find(name)) is not None]
        if not objects:
            raise _unknown_relationship(path, relationship)
        value = _first(f"{target.alias}.{quoted(lookup.name)}" for target, lookup in lookups)
        targets = []
        for found in objects:
            alias = f"t{len(self._joins) + 1}"
            self._joins.append(f"LEFT JOIN {found.table} AS {alias} ON {alias}.{quoted('Id')} = {value}")
            targets.append(_Target(found, alias))
        name = field.relationship_name or relationship
        return Reached((*reached.path, name), tuple(targets), polymorphic=len(field.reference_to) > 1)

    def _last_step(self, reached: Reached, name: str, path: FieldPath) -> Resolved:
        if reached.polymorphic:
            return _name_field(reached, name, path)
        field = reached.targets[0].object.field(name)
        if field is None:
            raise _no_such_column(path, name, reached.entity)
        return self._field(reached, field)

    def _field(self, reached: Reached, field: FieldDescribe) -> Resolved:
        target = reached.targets[0]
        abilities = "".join(letter for letter in "fsga" if target.object.can(field, letter))
        sql = _compound_sql(target, field) if field.type in COMPOUND_TYPES else f"{target.alias}.{quoted(field.name)}"
        column = Column(
            sql,
            field.type,
            field.name,
            "f" in abilities,
            field.picklist_values,
            labels=target.object.labels.get(field.name, ()),
            scale=field.scale,
        )
        if self._setting.money and field.type == "currency" and target.object.field("CurrencyIsoCode"):
            column = replace(
                column,
                iso_code=f"{target.alias}.{quoted('CurrencyIsoCode')}",
                rate_date=f"{target.alias}.{quoted('CloseDate')}" if target.object.name in _DATED else "",
                convert=self._setting.convert,
            )
        return Resolved((*reached.path, field.name), column, abilities, _points_to(target.object, field))


def _main_object(catalog: Catalog, query: Query) -> CatalogObject:
    source = query.source.path
    found = catalog.find(source.names[0]) if len(source.names) == 1 else None
    if found is None:
        raise source.place.error(
            f"sObject type '{source}' is not supported. If you are attempting to use a custom object, be sure to append"
            f" the '__c' after the entity name. {_WSDL}",
            code="INVALID_TYPE",
        )
    return found


def _points_to(owner: CatalogObject, field: FieldDescribe) -> frozenset[str]:
    return frozenset({owner.name} if field.type == "id" else field.reference_to)


def _name_field(reached: Reached, name: str, path: FieldPath) -> Resolved:
    """A field behind a lookup to several objects: the one of whichever record is there."""
    if name.casefold() == "type":
        return Resolved((*reached.path, "Type"), Column(reached.kind_sql, "picklist", "Type"), "fsga")
    found = [(target, field) for target in reached.targets if (field := target.object.field(name)) is not None]
    if not found or name.casefold() not in _NAME_FIELDS:
        raise _no_such_column(path, name, reached.entity)
    field = found[0][1]
    sql = _first(f"{target.alias}.{quoted(one.name)}" for target, one in found)
    points_to = frozenset[str]().union(*(_points_to(target.object, one) for target, one in found))
    return Resolved((*reached.path, field.name), Column(sql, field.type, field.name), "fsga", points_to)


def _compound_sql(target: _Target, field: FieldDescribe) -> str:
    """An address or location as a struct with Salesforce's keys, NULL when every part is empty."""
    if field.type == "address":
        prefix = field.name.removesuffix("Address")
        named = [(part[0].lower() + part[1:], f"{prefix}{part}") for part in _ADDRESS_PARTS]
    else:
        prefix = field.name.removesuffix("__c")
        named = [("latitude", f"{prefix}__Latitude__s"), ("longitude", f"{prefix}__Longitude__s")]
    parts = [
        (key, f"{target.alias}.{quoted(part.name)}" if (part := target.object.field(name)) else "NULL::VARCHAR")
        for key, name in named
    ]
    struct = ", ".join(f"{text_literal(key)}: {sql}" for key, sql in parts)
    any_part = " OR ".join(f"{sql} IS NOT NULL" for _, sql in parts)
    return f"CASE WHEN {any_part} THEN {{{struct}}} END"


def _first(expressions: Iterable[str]) -> str:
    listed = list(expressions)
    return listed[0] if len(listed) == 1 else f"coalesce({', '.join(listed)})"


def _no_such_column(path: FieldPath, name: str, entity: str) -> SoqlError:
    return path.place.error(
        f"No such column '{name}' on entity '{entity}'. If you are attempting to use a custom field, be sure to append"
        f" the '__c' after the custom field name. {_WSDL}",
        code="INVALID_FIELD",
    )


def _unknown_relationship(path: FieldPath, relationship: str) -> SoqlError:
    return path.place.error(
        f"Didn't understand relationship '{relationship}' in field path. If you are attempting to use a custom"
        f" relationship, be sure to append the '__r' after the custom relationship name. {_WSDL}",
        code="INVALID_FIELD",
    )

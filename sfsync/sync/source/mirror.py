"""The mirror of another org as a source: its records, with what they refer to named by fields that both orgs know.

An Id means something in its own org alone. Where a mapping's lookup reads a reference of the mirror, the Id is replaced
by the parent's value of the field that the lookup goes `by`; that value finds the parent in the org that is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from sfsync.config.spelling import shown, suggestion
from sfsync.errors import MappingError, Problem, QueryFailed
from sfsync.mapping.check_parents import is_replaced
from sfsync.mapping.field_mapping import FieldMapping, Lookup
from sfsync.mapping.schema import Mapping as SfMapping
from sfsync.mapping.source_spec import SourceSpec
from sfsync.mapping.transforms.as_text import canonical_text
from sfsync.mapping.transforms.stage import Kind, kind_of
from sfsync.project import find_project
from sfsync.records import FieldDescribe, ObjectDescribe
from sfsync.store import ledger, open_store
from sfsync.store.columns import mirror_columns
from sfsync.store.duckdb_session import DuckDBSession
from sfsync.store.interface import Session
from sfsync.store.mirror import MirrorState, read_state
from sfsync.store.names import literal, quote
from sfsync.store.names import table as qualified
from sfsync.sync.source.faults import unreadable
from sfsync.sync.source.one_query import one_query
from sfsync.sync.source.source_table import SourceTable, column_names, finished, table_name

_BATCH = 50_000
#: So many values of a column are held against the Ids of a mirror.
_SAMPLE = 1_000


def load_mirror(
    session: Session, spec: SourceSpec, root: Path, name: str, *, mapping: SfMapping | None = None
) -> SourceTable:
    """Load the records of another project's mirror, as of its last pull.

    Args:
        session: May make temporary tables.
        spec: Names the other project's folder, and what is read of it.
        root: Where a relative path begins.
        name: Tells the tables of several sources apart.
        mapping: Whose lookups tell by which field a parent is found; without it, Ids stay Ids of the other org.

    Raises:
        SourceError: There is no such mirror, or it lacks an object, or a field that a lookup goes by.
        MappingError: The mapping would write Ids of the other org.
        StoreError: The other mirror cannot be opened.
    """
    shown_as = str(spec.mirror)
    folder = root / Path(shown_as).expanduser()
    if not folder.is_dir():
        raise unreadable(shown_as, "there is no such folder", "`mirror` names the folder of another project")
    store = open_store(find_project(folder).store_path)
    if not store.exists():
        raise unreadable(shown_as, "nothing was pulled there yet", f"run `sfsync pull --project {shown_as}`")
    table = table_name(name)
    with store.reading() as other:
        reader = _Reader(other, shown_as, ledger.read_describes(other), mirror_columns(other))
        relation, columns, describe = reader.relation(spec, mapping)
        if mapping is not None:
            reader.refuse_foreign_ids(mapping, describe, relation, columns)
        references = reader.references(mapping, columns)
        try:
            answer = other.connection.sql(_select(relation, columns, references))
            session.load_arrow(table, answer.to_arrow_reader(_BATCH))
        except (duckdb.Error, pa.ArrowException, QueryFailed) as error:
            raise unreadable(shown_as, f"it cannot be read: {shown(error, 400)}") from None
        notes = [_as_of(read_state(other)), *reader.lost(relation, references)]
    return finished(session, table, f"the mirror {shown_as}", notes=notes, empty=spec.empty)


@dataclass(frozen=True, slots=True)
class _Parent:
    """Where a reference may lead to: the object, the field it is found by there, and what kind of value that has."""

    alias: str
    object: str
    by: str
    kind: Kind
    is_unique: bool
    is_replaced: bool

    def text_of(self, alias: str) -> str:
        """SQL of the field's value as text."""
        return canonical_text(f"{alias}.{quote(self.by)}", self.kind)

    @property
    def value(self) -> str:
        """SQL of the value of the parent that the reference leads to."""
        return self.text_of(self.alias)


@dataclass(frozen=True, slots=True)
class _Reference:
    """A column of Ids that a lookup reads."""

    column: str
    field: str
    parents: tuple[_Parent, ...]

    @property
    def value_sql(self) -> str:
        """What stands in place of the Id; of a parent that cannot be named, something that finds no record."""
        own = f"r.{quote(self.column)}"
        names = " or ".join(f"{each.object} without {each.by}" for each in self.parents)
        cases = [f"WHEN {own} IS NULL THEN NULL"]
        for each, others in self._with_others():
            if not each.is_unique:
                many = literal(f" {each.object} records of the source)")
                told = f"{each.value} || ' (' || {each.alias}t.records || {many}"
                cases.append(f"WHEN {each.alias}t.records > 1 THEN {told}")
            for alias, other in others:
                # Where the org has only that one, the lookup would find the wrong record.
                told = f"{each.value} || {literal(f' (of a {each.object}, and a {other.object} has it too)')}"
                cases.append(f"WHEN {alias}.value IS NOT NULL THEN {told}")
            cases.append(f"WHEN {each.value} IS NOT NULL THEN {each.value}")
        return f"CASE {' '.join(cases)} ELSE {own} || {literal(f' ({names})')} END"

    def _with_others(self) -> Iterator[tuple[_Parent, list[tuple[str, _Parent]]]]:
        """Every parent, and those of the other objects: alias of their values, and which."""
        for each in self.parents:
            others = [other for other in self.parents if other is not each and other.by != "Id"]
            yield each, [(f"{each.alias}o{at}", other) for at, other in enumerate(others)]

    @property
    def lost_sql(self) -> str:
        """Whether the parent cannot be named."""
        values = " AND ".join(f"{each.value} IS NULL" for each in self.parents)
        return f"r.{quote(self.column)} IS NOT NULL AND {values}"

    @property
    def joins(self) -> str:
        """The parents."""
        own, sql = f"r.{quote(self.column)}", ""
        for each, others in self._with_others():
            sql += f' LEFT JOIN {qualified("sf", each.object)} AS {each.alias} ON {each.alias}."Id" = {own}'
            if not each.is_unique:
                by = quote(each.by)
                sql += (
                    f" LEFT JOIN (SELECT {by} AS value, count(*) AS records FROM {qualified('sf', each.object)}"
                    f" GROUP BY 1 HAVING count(*) > 1) AS {each.alias}t ON {each.alias}t.value = {each.alias}.{by}"
                )
            for alias, other in others:
                held = f"SELECT DISTINCT lower({other.text_of('o')}) AS value FROM {qualified('sf', other.object)} AS o"
                held += ' WHERE o."IsConverted" IS NOT TRUE' if other.is_replaced else ""
                sql += f" LEFT JOIN ({held}) AS {alias} ON {alias}.value = lower({each.value})"
        return sql


@dataclass(frozen=True, slots=True)
class _Reader:
    """Finds in the other mirror what a source asks for."""

    session: DuckDBSession
    shown_as: str
    describes: Mapping[str, ObjectDescribe]
    columns: Mapping[str, Mapping[str, str]]

    def relation(self, spec: SourceSpec, mapping: SfMapping | None) -> tuple[str, list[str], ObjectDescribe | None]:
        """What stands after FROM, its columns, and what is known of them where they are those of an object."""
        if spec.query is not None:
            query = f"(\n{one_query(spec)}\n)"
            try:
                found = self.session.execute(f"SELECT * FROM {query} AS r LIMIT 0").columns
            except QueryFailed as error:
                raise unreadable(self.shown_as, f"it refuses the query: {shown(error.message, 400)}") from None
            return query, column_names(found, self.shown_as), None
        name = spec.object or (mapping.object if mapping is not None else "")
        self._must_hold(name)
        return qualified("sf", name), list(self.columns[name]), self.describes.get(name)

    def references(self, mapping: SfMapping | None, columns: list[str]) -> list[_Reference]:
        """The columns that lookups read Ids from."""
        known = {column.casefold(): column for column in columns}
        found: dict[str, _Reference] = {}
        for field, lookup in (mapping.pushed_lookups() if mapping is not None else {}).items():
            column = known.get(lookup.columns[0].casefold()) if len(lookup.columns) == 1 else None
            if column is None or column in found or not self._is_reference(column, mapping):
                continue
            parents = self._parents(f"p{len(found)}", lookup)
            found[column] = _Reference(column, field, tuple(parents))
        return list(found.values())

    def lost(self, relation: str, references: list[_Reference]) -> Iterator[str]:
        """How many records refer to something that cannot be named in the other org."""
        for each in references:
            sql = f"SELECT count(*) FROM {relation} AS r{each.joins} WHERE {each.lost_sql}"
            if count := self.session.execute(sql).scalar():
                names = " or ".join(f"{parent.object} without {parent.by}" for parent in each.parents)
                yield f"{count:,} records refer by {each.column} to {names}, which no other org can know"

    def refuse_foreign_ids(
        self, mapping: SfMapping, describe: ObjectDescribe | None, relation: str, columns: list[str]
    ) -> None:
        """Raise where Ids of the other org would be written, or looked for, as if they were Ids of this one."""
        known = {column.casefold(): column for column in columns}
        own = describe or self.describes.get(mapping.object)
        problems: list[Problem] = []
        for name, item in mapping.pushed_fields().items():
            described = own.field(name) if own is not None else None
            column = known.get(item.columns[0].casefold()) if len(item.columns) == 1 else None
            if described is None or column is None or _is_translated(item):
                continue
            if described.type in ("reference", "id") and (name == column or self._has_ids(relation, column)):
                problems.append(self._foreign_field(mapping, name, described))
        for name, lookup in mapping.pushed_lookups().items():
            column = known.get(lookup.columns[0].casefold()) if len(lookup.columns) == 1 else None
            if column is not None and not _is_translated(lookup):
                problems += self._foreign_lookup(mapping, (name, lookup), relation, column)
        if problems:
            raise MappingError(problems)

    def _foreign_field(self, mapping: SfMapping, name: str, described: FieldDescribe) -> Problem:
        message = f"the Ids of `{name}` are those of another org"
        hint = "name an external ID as the `key`; Ids cannot be the same in two orgs"
        if described.type == "reference":
            parent = next((each for each in described.reference_to if each in self.columns), "…")
            by = (self._external_ids(parent) or ["…"])[0]
            (column,) = mapping.fields[name].columns
            hint = f"`lookups: {{{name}: {{object: {parent}, by: {by}, local: {column}}}}}` finds the same record here"
        return mapping.problem("fields", name, message=message, hint=hint, key=True)

    def _foreign_lookup(
        self, mapping: SfMapping, entry: tuple[str, Lookup], relation: str, column: str
    ) -> Iterator[Problem]:
        name, lookup = entry
        parents = [each for each in lookup.objects if lookup.field_of(each) == "Id"]
        codes = ", ".join(f"`{code}`" for each in lookup.objects for code in self._external_ids(each))
        known = f"; External IDs there: {codes}" if codes else ""
        if parents:
            message = f"the Ids of {parents[0]} in another org find nothing here"
            hint = f"look it up by a field that both orgs know{known}"
            yield mapping.problem("lookups", name, "by", message=message, hint=hint)
        elif not self._is_reference(column, mapping) and self._has_ids(relation, column):
            message = f"`{shown(column)}` holds Ids of another org, and {lookup.field_of(lookup.objects[0])} is no Id"
            hint = f"call the column `{name}`, as the field is: its Ids are replaced by what the lookup goes by"
            yield mapping.problem("lookups", name, message=message, hint=hint, key=True)

    def _external_ids(self, name: str) -> list[str]:
        describe = self.describes.get(name)
        return [each.name for each in describe.fields if each.external_id] if describe is not None else []

    def _has_ids(self, relation: str, column: str) -> bool:
        """Whether some value of a column is the Id of a record there."""
        value = f"CAST(r.{quote(column)} AS VARCHAR)"
        sample = f"SELECT DISTINCT {value} AS value FROM {relation} AS r WHERE length({value}) = 18 LIMIT {_SAMPLE}"
        every = " UNION ALL ".join(
            f'SELECT "Id" FROM {qualified("sf_all", each)}' for each, held in self.columns.items() if "Id" in held
        )
        try:
            found = self.session.execute(
                f'SELECT 1 FROM ({sample}) AS v JOIN ({every}) AS e ON e."Id" = v.value LIMIT 1'
            )
        except QueryFailed as error:
            raise unreadable(self.shown_as, f"it refuses the query: {shown(error.message, 400)}") from None
        return bool(found.rows)

    def _is_reference(self, column: str, mapping: SfMapping | None) -> bool:
        """Whether a column holds Ids: by its name, in whichever object of the mirror has it."""
        own = self.describes.get(mapping.object) if mapping is not None else None
        described = own.field(column) if own is not None else None
        return described is not None and described.type == "reference"

    def _parents(self, alias: str, lookup: Lookup) -> Iterator[_Parent]:
        for number, name in enumerate(lookup.objects):
            self._must_hold(name)
            by = lookup.field_of(name)
            kind = self.columns[name].get(by)
            if kind is None:
                hint = f"`sfsync pull {name} --project {self.shown_as}`"
                raise unreadable(self.shown_as, f"it has no {name}.{by}, by which the parent is to be found", hint)
            own = f"{alias}_{number}"
            described = self.describes[name].field(by) if name in self.describes else None
            is_unique = described is not None and described.unique
            replaced = is_replaced(name, lookup.objects, self.columns[name])
            yield _Parent(own, name, by, kind_of(kind), is_unique, replaced)

    def _must_hold(self, name: str) -> None:
        if name not in self.columns:
            hint = suggestion(name, list(self.columns)) or f"run `sfsync pull {name} --project {self.shown_as}`"
            raise unreadable(self.shown_as, f"its mirror does not hold {shown(name)}", hint)


def _is_translated(item: FieldMapping | Lookup) -> bool:
    """Whether the values are made into others on the way: by a table of Ids of both orgs, say."""
    values = item.values if isinstance(item, FieldMapping) else None
    return values is not None or any(step.table is not None for step in item.transform)


def _select(relation: str, columns: list[str], references: list[_Reference]) -> str:
    replaced = {each.column: each.value_sql for each in references}
    listed = ", ".join(f"{replaced.get(name, f'r.{quote(name)}')} AS {quote(name)}" for name in columns)
    return f"SELECT {listed} FROM {relation} AS r{''.join(each.joins for each in references)}"


def _as_of(state: MirrorState) -> str:
    return f"the org {state.instance_url} as of {state.as_of:%Y-%m-%dT%H:%M:%SZ}"

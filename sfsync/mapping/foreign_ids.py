"""Ids that are none of this org: an Id is good in its own org alone, and says nothing, or another record, elsewhere."""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass

from sfsync.mapping.transforms.stage import Telling
from sfsync.record_ids import long_id
from sfsync.records import FieldDescribe, ObjectDescribe
from sfsync.store.columns import mirror_columns
from sfsync.store.interface import Session
from sfsync.store.names import literal, table
from sfsync.store.selections import read_selections

_PREFIX = 3
#: What a record without a record type of its own has; no RecordType record has this Id.
_MASTER_RECORD_TYPE = "012000000000000AAA"
_REMEDY = " as of its last pull; a record of another org is found by a lookup `by` an External ID"


@dataclass(frozen=True, slots=True)
class KnownIds:
    """Objects of which the mirror holds every record.

    Attributes:
        prefixes: API name → the first three characters of its Ids.
        marked: Those whose deleted records are marked.
    """

    prefixes: AnyMapping[str, str]
    marked: Collection[str]

    @classmethod
    def of(cls, session: Session, describes: AnyMapping[str, ObjectDescribe]) -> KnownIds:
        """What this store's mirror knows."""
        parts = read_selections(session)
        held, prefixes, marked = mirror_columns(session), {}, set()
        for name, describe in describes.items():
            columns = held.get(name, {})
            if describe.key_prefix and "Id" in columns and not (name in parts and parts[name].where):
                prefixes[name] = describe.key_prefix
                if "IsDeleted" in columns:
                    marked.add(name)
        return cls(prefixes, marked)

    def unknown_sql(
        self, described: FieldDescribe, value: str, spared: AnyMapping[str, str] | None = None
    ) -> str | None:
        """SQL of why an Id is none that a reference field can hold, or of NULL; None where nothing is known.

        Args:
            described: The reference field.
            value: SQL of the Id, 18 characters.
            spared: Object → a SELECT of Ids that are good although the mirror does not show them yet.
        """
        cases = [
            case
            for name in described.reference_to
            if name in self.prefixes
            for case in self._cases(name, value, (spared or {}).get(name))
        ]
        return f"CASE {' '.join(cases)} END" if cases else None

    def _cases(self, name: str, value: str, spared: str | None) -> list[str]:
        shown, records = Telling().of(value), table("sf_all", name)
        here = f"left({value}, {_PREFIX}) = {literal(self.prefixes[name])}"
        here += f" AND {value} <> {literal(_MASTER_RECORD_TYPE)}"
        also = f" AND {value} NOT IN ({spared})" if spared else ""
        none = f"{literal(f'no {name} of this org has the Id ')} || {shown} || {literal(_REMEDY)}"
        found = [f'WHEN {here} AND {value} NOT IN (SELECT "Id" FROM {records}){also} THEN {none}']
        if name in self.marked:
            gone = f"{literal(f'the {name} ')} || {shown} || ' was deleted in the org'"
            found.append(f'WHEN {here} AND {value} IN (SELECT "Id" FROM {records} WHERE "IsDeleted") THEN {gone}')
        return found


def foreign_columns(
    session: Session, values: AnyMapping[str, Collection[str]], describes: AnyMapping[str, ObjectDescribe]
) -> frozenset[str]:
    """Columns whose values are Ids of which the mirror knows none, though it holds every record of their objects.

    Args:
        session: Of this org's store.
        values: Column → some of its values, all of which look like Ids.
        describes: API name → describe.
    """
    names = {prefix: name for name, prefix in KnownIds.of(session, describes).prefixes.items()}
    found = set()
    for column, given in values.items():
        asked: dict[str, list[str]] = {}
        for value in given:
            asked.setdefault(names.get(value[:_PREFIX], ""), []).append(long_id(value) or value)
        if asked and "" not in asked and not any(_any_there(session, name, ids) for name, ids in asked.items()):
            found.add(column)
    return frozenset(found)


def _any_there(session: Session, name: str, ids: list[str]) -> bool:
    listed = ", ".join(map(literal, ids))
    return bool(session.execute(f'SELECT 1 FROM {table("sf_all", name)} WHERE "Id" IN ({listed}) LIMIT 1').rows)

"""Setup that `definitions:` names, and whether the mirror knows them: a name that is gone lets a rule fall silent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlglot import exp

from sfsync.audit.context import AuditContext
from sfsync.audit.portable import parse_select
from sfsync.audit.relations.relation import Relation, without_rows
from sfsync.audit.rule import FieldType, OptionalNeed
from sfsync.store.names import literal, quote

_COLUMNS: dict[str, FieldType] = {"place": "text", "kind": "text", "name": "text", "is_known": "boolean"}

#: Kind of setup → object and the fields that may hold its name.
_LOOKED_UP = {
    "record type": ("RecordType", ("DeveloperName", "Id")),
    "opportunity stage": ("OpportunityStage", ("ApiName", "MasterLabel")),
}


@dataclass(frozen=True, slots=True)
class _Named:
    """One name in sfsync.yml: where, of what kind, and for a record type of which object."""

    place: str
    kind: str
    name: str
    of_object: str | None = None


def _names(context: AuditContext) -> Iterator[_Named]:
    definitions = context.definitions
    for lead_type, targets in definitions.lead_conversion.record_types.items():
        place = "definitions.lead_conversion.record_types"
        yield _Named(place, "record type", lead_type, "Lead")
        for target, names in targets.items():
            for name in names:
                yield _Named(f"{place}.{lead_type}.{target}", "record type", name, target)
    for process, said in definitions.deals.sales_processes.items():
        place = f"definitions.deals.sales_processes.{process}"
        for name in said.record_types:
            yield _Named(f"{place}.record_types", "record type", name, "Opportunity")
        for name in said.stages:
            yield _Named(f"{place}.stages", "opportunity stage", name)


def _query(context: AuditContext) -> exp.Query:
    rows = [text for named in dict.fromkeys(_names(context)) if (text := _row(context, named)) is not None]
    return parse_select(" UNION ALL ".join(rows)) if rows else without_rows(_COLUMNS)


def _row(context: AuditContext, named: _Named) -> str | None:
    """The name, looked up; None where the mirror cannot tell."""
    object_name, fields = _LOOKED_UP[named.kind]
    there = [field for field in fields if not context.columns or context.column(object_name, field) is not None]
    if not there:
        return None
    same = " OR ".join(f"LOWER(x.{quote(field)}) = {literal(named.name.strip().lower())}" for field in there)
    of_object = ""
    if named.of_object is not None and (not context.columns or context.column(object_name, "SobjectType")):
        of_object = f" AND x.{quote('SobjectType')} = {literal(named.of_object)}"
    said = ", ".join(
        f"CAST({literal(word)} AS VARCHAR) AS {name}"
        for name, word in (("place", named.place), ("kind", named.kind), ("name", named.name))
    )
    known = f"EXISTS (SELECT 1 AS one FROM sf.{object_name} AS x WHERE ({same}){of_object})"
    return f"SELECT {said}, {known} AS is_known"


RELATION = Relation(
    name="configured_names",
    about=(
        "One row a record type or opportunity stage that `definitions:` names and the mirror could know, and whether "
        "it does. Fields, lead statuses, users and queues are held against the org before any audit begins."
    ),
    columns=_COLUMNS,
    optional=(
        OptionalNeed(object="RecordType", fields={"Id": "text", "DeveloperName": "text", "SobjectType": "text"}),
        OptionalNeed(object="OpportunityStage", fields={"ApiName": "text", "MasterLabel": "text"}),
    ),
    query=_query,
)

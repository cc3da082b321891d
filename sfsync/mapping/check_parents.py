"""Parents that a lookup could not tell apart: values that several records of the mirror have, told before any plan."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from collections.abc import Mapping as AnyMapping
from itertools import combinations

from sfsync.errors import Problem
from sfsync.mapping.keys import tells_apart
from sfsync.mapping.push_columns import parent_conditions
from sfsync.mapping.schema import Lookup, Mapping
from sfsync.records import FieldDescribe, ObjectDescribe
from sfsync.store.columns import sql_type, table_columns
from sfsync.store.interface import Session
from sfsync.store.names import literal, quote, table

#: Parents that must be in use: an inactive user owns nothing new, an inactive record type is not available.
MUST_BE_ACTIVE = frozenset({"OwnerId", "RecordTypeId"})


def is_replaced(name: str, objects: Sequence[str], columns: Container[str]) -> bool:
    """Whether records of an object may have left their place to one of the others of a lookup.

    The contact of a converted lead has its e-mail address, and nothing new may refer to the lead (`cannot reference
    converted lead`).
    """
    return name == "Lead" and len(objects) > 1 and "IsConverted" in columns


def shared_parents(
    session: Session, mappings: Sequence[Mapping], describes: AnyMapping[str, ObjectDescribe]
) -> Iterator[Problem]:
    """Values by which a lookup finds its parent and that several records have: rows which name one are refused.

    No value is told: most are names and e-mail addresses of people.
    """
    for mapping in mappings:
        for field, lookup in mapping.pushed_lookups().items() if mapping.direction != "pull" else ():
            for name in lookup.objects:
                described = describes[name].field(lookup.field_of(name)) if name in describes else None
                if described is not None and not tells_apart(name, described):
                    yield from _shared(session, mapping, (field, lookup), describes[name], described)
            yield from _of_two_objects(session, mapping, (field, lookup), describes)


def _of_two_objects(
    session: Session, mapping: Mapping, entry: tuple[str, Lookup], describes: AnyMapping[str, ObjectDescribe]
) -> Iterator[Problem]:
    """Values of records of several objects: a row that names one by it is refused, for either could be meant."""
    field, lookup = entry
    held: list[tuple[str, str]] = []
    for name in lookup.objects:
        described = describes[name].field(lookup.field_of(name)) if name in describes else None
        if described is not None and described.name in table_columns(session, "sf", name):
            value, where = _candidates(mapping, field, describes[name], described, session)
            text = f"CAST({value} AS VARCHAR)"  # each once: of a name that thousands have, pairs would be millions
            records = f'SELECT {text} AS value, min(rec."Id") AS id FROM {table("sf", name)} AS rec'
            held.append((name, f"{records} WHERE {where} GROUP BY 1"))
    for (first, one), (second, other) in combinations(held, 2):
        ((count, first_id, second_id),) = session.execute(
            "SELECT count(*), min(a.id), arg_min(b.id, a.id) "
            f"FROM ({one}) AS a JOIN ({other}) AS b ON a.value = b.value"
        ).rows
        if count:
            more = f", and {count - 1:,} more values" if count > 1 else ""
            message = (
                f"{first_id} of {first} and {second_id} of {second} have the same value{more}: "
                "rows that name them by it are refused"
            )
            hint = "look them up in two mappings, each with rows of one object, or by values that no two objects share"
            yield mapping.problem("lookups", field, "object", message=message, hint=hint)


def _shared(
    session: Session, mapping: Mapping, entry: tuple[str, Lookup], parent: ObjectDescribe, by: FieldDescribe
) -> Iterator[Problem]:
    (field, _lookup), name = entry, parent.name
    if by.name not in table_columns(session, "sf", name):
        return
    value, where = _candidates(mapping, field, parent, by, session)
    shared = f'SELECT min(rec."Id") AS first_id, max(rec."Id") AS last_id FROM {table("sf", name)} AS rec'
    shared += f" WHERE {where} GROUP BY {value} HAVING count(*) > 1"
    counted = f"SELECT count(*) OVER (), first_id, last_id FROM ({shared}) AS g ORDER BY first_id LIMIT 1"
    for count, first, last in session.execute(counted):
        yield _problem(mapping, entry, f"{name}.{by.name}", (count, first, last))


def _candidates(
    mapping: Mapping, field: str, parent: ObjectDescribe, by: FieldDescribe, session: Session
) -> tuple[str, str]:
    """SQL of the value that a record is found by, and of whether it can be found, over the alias `rec`."""
    name, value = parent.name, f"rec.{quote(by.name)}"
    if sql_type(by) == "VARCHAR":
        value = f"nullif(trim({value}), '')" if by.case_sensitive else f"nullif(lower(trim({value})), '')"
    where = [f"{value} IS NOT NULL"]
    conditions = parent_conditions(mapping.object, field, parent)
    where += [f"rec.{quote(key)} = {literal(text)}" for key, text in conditions.items()]
    columns = table_columns(session, "sf", name)
    if field in MUST_BE_ACTIVE and "IsActive" in columns:
        where.append('rec."IsActive" IS NOT FALSE')
    if is_replaced(name, mapping.pushed_lookups()[field].objects, columns):
        where.append('rec."IsConverted" IS NOT TRUE')
    return value, " AND ".join(where)


def _problem(mapping: Mapping, entry: tuple[str, Lookup], by: str, found: tuple[int, str, str]) -> Problem:
    (field, lookup), (count, first, last) = entry, found
    name = by.partition(".")[0]
    more = f", and {count - 1:,} more values" if count > 1 else ""
    message = f"{first} and {last} have the same {by}{more}: rows that name them by it are refused"
    at = ("lookups", field, "by") if isinstance(lookup.by, str) else ("lookups", field, "by", name)
    return mapping.problem(*at, message=message, hint=_hint(name))


def _hint(name: str) -> str:
    if name == "User":
        return "`by: Username` or `by: FederationIdentifier` names one user"
    return "an External ID that is unique names one record"

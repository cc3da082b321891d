"""What hangs on the records that an undo would delete: Salesforce deletes it with them, or empties its lookups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sfsync.records import ObjectDescribe
from sfsync.store import Session
from sfsync.store.names import literal, quote, table
from sfsync.sync.plan.stored import Action, PlanStep
from sfsync.sync.plan.tables import is_set

_FOUND = quote("undo referring")


def referring_fields(describes: Mapping[str, ObjectDescribe], parent: str) -> dict[str, tuple[str, ...]]:
    """Object → its lookups that may point to records of `parent`.

    Objects that nobody can write (histories) are none of them: their rows come and go with the record.
    """
    found = {}
    for name, describe in describes.items():
        fields = tuple(
            each.name for each in describe.stored_fields if each.type == "reference" and parent in each.reference_to
        )
        if fields and (describe.createable or describe.updateable or describe.deletable) and not _is_share(name):
            found[name] = fields
    return found


def made_objects(steps: Iterable[PlanStep]) -> set[str]:
    """Objects of which a plan makes records."""
    makes: set[Action] = {"create", "upsert"}
    return {step.object for step in steps if step.action in makes}


def _is_share(name: str) -> bool:
    """Shares are made by the org with the record, and go with it."""
    return name.endswith("Share")


def refuse_parents(
    session: Session,
    steps: Sequence[PlanStep],
    describes: Mapping[str, ObjectDescribe],
    columns: Mapping[str, Iterable[str]],
) -> None:
    """Refuse deletions of records that others refer to, and that this undo neither deletes nor sets back.

    Args:
        session: A writing session.
        steps: Of the undo, their tables filled.
        describes: API name → describe.
        columns: Object → columns of its mirror.
    """
    deleting = [step for step in steps if step.action == "delete" and step.sent_count]
    changed = True
    while changed:  # a deletion that is refused keeps a record, and that one may have a parent
        changed = False
        for step in deleting:
            for name, fields in referring_fields(describes, step.object).items():
                for field in fields:
                    if field in columns.get(name, ()) and _refuse(session, steps, step, name, field, columns):
                        changed = True


def _own_parts(name: str, columns: Mapping[str, Iterable[str]]) -> str:
    """SQL, to follow a condition, that leaves out what is no record beside the other: the org makes both at once."""
    if "IsDirect" in columns[name]:  # the AccountContactRelation of a contact, whose own lookup counts already
        return ' AND NOT coalesce(c."IsDirect", FALSE)'
    if name == "Contact" and "PersonContactId" in columns.get("Account", ()):  # the person that an account is
        persons = f'SELECT a."PersonContactId" FROM {table("sf_all", "Account")} AS a'
        return f' AND c."Id" NOT IN ({persons} WHERE a."PersonContactId" IS NOT NULL)'
    return ""


def _refuse(
    session: Session,
    steps: Sequence[PlanStep],
    step: PlanStep,
    name: str,
    field: str,
    columns: Mapping[str, Iterable[str]],
) -> bool:
    """Refuse those of a step that records of one object refer to by one field; whether there were any."""
    alive = ' AND NOT coalesce(c."IsDeleted", FALSE)' if "IsDeleted" in columns[name] else ""
    own = _own_parts(name, columns)
    here = 'c."Id" IN (SELECT s.record_id FROM {} AS s WHERE s.refused IS NULL{})'
    spared = [
        here.format(each.table, "" if each.action == "delete" else f" AND s.{is_set(field)}")
        for each in steps
        if each.object == name and (each.action == "delete" or field in each.fields)
    ]
    mine = f" AND NOT ({' OR '.join(spared)})" if spared else ""
    session.execute(f"DROP TABLE IF EXISTS {_FOUND}")
    session.execute(
        f'CREATE TEMPORARY TABLE {_FOUND} AS SELECT c.{quote(field)} AS parent_id, min(c."Id") AS first_id, '
        f"count(*) AS n FROM {table('sf_all', name)} AS c JOIN {step.table} AS d ON d.record_id = c.{quote(field)} "
        f'WHERE d.refused IS NULL AND c."Id" <> d.record_id{alive}{own}{mine} GROUP BY 1'
    )
    if not session.execute(f"SELECT 1 FROM {_FOUND} LIMIT 1").rows:
        return False
    more = "CASE WHEN x.n > 1 THEN ' and ' || (x.n - 1) || ' more refer' ELSE ' refers' END"
    told = literal(f" to it by {field}, and would lose it, or be deleted with it")
    reason = f"{literal(name + ' ')} || x.first_id || {more} || {told}"
    session.execute(
        f"UPDATE {step.table} AS s SET refused = {reason} FROM {_FOUND} AS x "
        "WHERE x.parent_id = s.record_id AND s.refused IS NULL"
    )
    return True

"""What a new org is made of: its database, and in it furniture alone, a seed, or the files of a folder."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from sfsync.fake import setup_rows
from sfsync.fake.access import Access
from sfsync.fake.catalog import Catalog, ObjectFacts, standard_catalog
from sfsync.fake.catalog.facts import PicklistEntry
from sfsync.fake.custom_fields import from_describe
from sfsync.fake.database import OrgDatabase, run
from sfsync.fake.dml import loading
from sfsync.fake.dml.furniture import furnish
from sfsync.fake.dml.state import state_of
from sfsync.fake.instance import Template, shared_instance
from sfsync.fake.sql_names import quote

if TYPE_CHECKING:
    from sfsync.fake.org import FakeOrg

#: As of when the seeded org is made; its clock starts here.
SEED_TIME = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)

#: Larger orgs have a DuckDB instance to themselves, with every processor.
_MOST_LEADS, _MOST_BYTES = 2_000, 2_000_000

#: Seeded orgs of up to so many leads are grown once and copied from then on; so many of them are kept.
_MOST_COPIED, _MOST_KEPT = 500, 4

_FURNITURE = {
    "Organization": setup_rows.organization,
    "User": setup_rows.administrator,
    "Profile": setup_rows.profiles,
    "LeadStatus": setup_rows.lead_statuses,
    "OpportunityStage": setup_rows.opportunity_stages,
}


@dataclass(frozen=True)
class _Grown:
    """A seeded org before anybody has touched it."""

    template: Template
    catalog: Catalog
    planted: Mapping[str, frozenset[str]]


_grown: OrderedDict[tuple[int, int], _Grown] = OrderedDict()
_growing = Lock()


def make_empty(org: FakeOrg, *, is_large: bool = False) -> None:
    """Make an org as it is on its first day: one administrator, statuses, stages, no records.

    Args:
        org: The org.
        is_large: Whether it is to become a large one.
    """
    org.database = OrgDatabase(standard_catalog(), is_large=is_large)
    _put_furniture(org)
    _take_office(org)


def make_seeded(org: FakeOrg, seed: int, leads: int) -> None:
    """Make a believable org with known flaws."""
    grown = _grown_before((seed, leads))
    if grown is None:
        org.database = OrgDatabase(standard_catalog(), is_large=leads > _MOST_LEADS)
        with org.database.all_threads():
            tables = _grow(org, seed, leads)
        if leads <= _MOST_COPIED:
            _keep((seed, leads), _Grown(org.database.template(tables), org.catalog.copy(), dict(org.planted)))
    else:
        org.database = OrgDatabase(grown.catalog.copy(), like=grown.template)
        _put_furniture(org, but=grown.template.tables)
        org.planted = dict(grown.planted)
    state_of(org)  # what is in its recycle bin was put there just now
    _take_office(org)


def make_of_folder(org: FakeOrg, folder: Path) -> None:
    """Make the org that a folder of `Lead.csv`, `Account.csv`, … describes."""
    from sfsync.fake.data_folder import load_folder  # noqa: PLC0415 - only orgs of a folder need it

    size = sum(path.stat().st_size for path in folder.iterdir() if path.is_file()) if folder.is_dir() else 0
    org.database = OrgDatabase(standard_catalog(), is_large=size > _MOST_BYTES)
    _put_furniture(org)
    _take_office(org)
    with org.database.all_threads():
        load_folder(org, folder, lambda name: _clear(org, name))
        _take_office(org)


def _grown_before(key: tuple[int, int]) -> _Grown | None:
    with _growing:
        known = _grown.get(key)
        if known is None or known.template.instance is not shared_instance():
            return None
        _grown.move_to_end(key)
        return known


def _keep(key: tuple[int, int], grown: _Grown) -> None:
    with _growing:
        _grown[key] = grown
        if len(_grown) > _MOST_KEPT:
            _grown.popitem(last=False)


def _grow(org: FakeOrg, seed: int, leads: int) -> Collection[str]:
    """Fill the org with a seed, and tell of which objects it brought records."""
    from sfsync.fake.seed import plant, setup  # noqa: PLC0415 - only seeded orgs need it

    data = plant(seed, leads, SEED_TIME)
    _put_furniture(org, but=data.tables)
    for name, fields in setup.custom_fields().items():
        org.database.add_fields(_facts(org, name), [from_describe(field) for field in fields])
    for name, values in setup.picklist_values().items():
        for field_name, listed in values.items():
            _put_entries(org, name, field_name, [PicklistEntry(value, value) for value in listed])
    for name in sorted(data.tables, key=loading.order):
        if name == "User":
            org.admin_id = min(str(user["Id"]) for user in data.tables[name] if user.get("IsActive", True))
        loading.load(org, _facts(org, name), data.tables[name])
    data.copies.make(org.database.writing, {name: len(rows) for name, rows in data.tables.items()})
    org.planted = dict(data.planted)
    return frozenset(name for name, rows in data.tables.items() if rows)


def _put_furniture(org: FakeOrg, *, but: Collection[str] = ()) -> None:
    """Put in what every org has, where the data brings nothing of the kind."""
    with org.database.together():
        for name, rows in _FURNITURE.items():
            if name not in but:
                furnish(org, _facts(org, name), rows())


def _take_office(org: FakeOrg) -> None:
    """Find out who the org and its administrator are, and let setup rows fill the picklists they define."""
    with org.database.reading() as cursor:
        organization = run(cursor, 'SELECT "Id" FROM "Organization" ORDER BY "Id" LIMIT 1').fetchone()
        user = run(cursor, 'SELECT "Id", "Username" FROM "User" WHERE "IsActive" ORDER BY "Id" LIMIT 1').fetchone()
    if organization:
        org.org_id = organization[0]
    if user is None:
        loading.load(org, _facts(org, "User"), setup_rows.administrator())
        user = (setup_rows.ADMIN_ID, setup_rows.ADMIN_USERNAME)
    org.admin_id = user[0]
    org.credentials.username = user[1] or setup_rows.ADMIN_USERNAME
    org.access = Access(org.org_id)
    org.token = org.access.issue(org.admin_id, org.wanted_token)
    _fill_picklist(org, "Lead", "Status", "LeadStatus")
    _fill_picklist(org, "Opportunity", "StageName", "OpportunityStage")


def _fill_picklist(org: FakeOrg, object_name: str, field_name: str, source: str) -> None:
    default = '"IsDefault"' if source == "LeadStatus" else "false"
    query = f'SELECT "ApiName", "MasterLabel", {default} FROM {quote(source)} ORDER BY "SortOrder", "Id"'
    with org.database.reading() as cursor:
        rows = run(cursor, query).fetchall()
    entries = [PicklistEntry(value, label, bool(preset)) for value, label, preset in rows if value]
    _put_entries(org, object_name, field_name, entries)


def _put_entries(org: FakeOrg, object_name: str, field_name: str, entries: Sequence[PicklistEntry]) -> None:
    facts = _facts(org, object_name)
    fields = tuple(replace(f, values=tuple(entries)) if f.name == field_name else f for f in facts.fields)
    org.catalog.put(replace(facts, fields=fields))


def _clear(org: FakeOrg, name: str) -> None:
    with org.database.writing() as cursor:
        cursor.execute(f"DELETE FROM {quote(_facts(org, name).name)}")


def _facts(org: FakeOrg, name: str) -> ObjectFacts:
    return org.catalog.objects[name.casefold()]

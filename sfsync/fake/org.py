"""The fake org: its records, its clock, its weather, and the doors through which clients reach it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from sfsync.errors import UsageError
from sfsync.fake import dml, setup_rows
from sfsync.fake.access import Access, Credentials
from sfsync.fake.behaviour.declarations import Declarations
from sfsync.fake.calls import CallLog
from sfsync.fake.catalog import Catalog, FieldFacts, ObjectFacts, standard_catalog
from sfsync.fake.catalog.facts import PicklistEntry
from sfsync.fake.clock import Clock
from sfsync.fake.custom_fields import custom_field, from_describe
from sfsync.fake.database import OrgDatabase, quote
from sfsync.fake.dml import tracking
from sfsync.fake.dml.furniture import furnish
from sfsync.fake.gate import Gate
from sfsync.fake.permission_rows import OBJECTS, settle_permissions
from sfsync.fake.weather import Weather

if TYPE_CHECKING:
    import requests

    from sfsync.fake.app import App
    from sfsync.fake.bulk import Bulk
    from sfsync.fake.doors.server import Server
    from sfsync.fake.queries import Queries

#: As of when the seeded org is made; its clock starts here.
SEED_TIME = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)


@dataclass
class OrgSettings:
    """What an admin (or Salesforce itself) sets for the org as a whole.

    Attributes:
        domain: Host of the org's My Domain.
        timezone: In which date literals are meant.
        fiscal_start_month: First month of the fiscal year.
        daily_api_requests: The limit that `Sforce-Limit-Info` tells.
        api_requests_used: Used before the first request.
        query_page: Records of a REST query page where the client asks for nothing else.
    """

    domain: str = "fake-org.my.salesforce.com"
    timezone: str = "UTC"
    fiscal_start_month: int = 1
    daily_api_requests: int = 100_000
    api_requests_used: int = 0
    query_page: int = 2000


class FakeOrg(Declarations):
    """A local Salesforce org for tests and trials; make one with `empty`, `seeded` or `from_csv`.

    Attributes:
        clock: The org's own time.
        settings: Time zone, limits, page sizes.
        weather: Scripted trouble.
        requests: Everything that clients asked for.
        credentials: What a client needs to log in.
        access: Access tokens.
        token: An access token that is accepted.
        planted: Rule id → Ids of the records that the seed gave this flaw; empty for other orgs.
        notes: Oddities of a loaded data folder that were let pass.
    """

    def __init__(self, *, clock: Clock | None = None, token: str | None = None) -> None:
        self.clock = clock or Clock()
        self.weather = Weather()
        self.requests = CallLog()
        self.gate = Gate()
        self._fill: Callable[[], None] = _leave_empty
        self._begin(token)

    def _begin(self, token: str | None) -> None:
        """Everything that `reset` makes anew."""
        self.settings = OrgSettings()
        self.planted: dict[str, frozenset[str]] = {}
        self.tracked_fields: dict[str, frozenset[str]] = dict(tracking.DEFAULT_TRACKING)
        self.notes: list[str] = []
        self.database = OrgDatabase(standard_catalog())
        self.org_id = setup_rows.ORGANIZATION_ID
        self.admin_id = setup_rows.ADMIN_ID
        self.credentials = Credentials(setup_rows.ADMIN_USERNAME)
        self.access = Access(self.org_id)
        self._wanted_token = token
        self.token = ""
        self._furnish()

    # --- making one ------------------------------------------------------------------------------------------------

    @classmethod
    def empty(cls, *, clock: Clock | None = None, token: str | None = None) -> FakeOrg:
        """An org as it is on its first day: one administrator, statuses, stages, no records."""
        return cls(clock=clock, token=token)

    @classmethod
    def seeded(
        cls, seed: int = 1, leads: int = 400, *, clock: Clock | None = None, token: str | None = None
    ) -> FakeOrg:
        """A believable org with known flaws: the same for the same seed."""
        org = cls(clock=clock or Clock(SEED_TIME), token=token)
        try:
            org._fill_by(lambda: org._grow(seed, leads))
        except BaseException:
            org.close()
            raise
        return org

    @classmethod
    def from_csv(cls, folder: Path | str, *, clock: Clock | None = None, token: str | None = None) -> FakeOrg:
        """The org that a folder of `Lead.csv`, `Account.csv`, … describes; raises ConfigError with file and line."""
        org = cls(clock=clock, token=token)
        try:
            org._fill_by(lambda: org._load(Path(folder)))
        except BaseException:
            org.close()
            raise
        return org

    def reset(self) -> None:
        """Make it again as it was made: its records, its clock, its settings; no weather, no calls. The token stays."""
        token, kept = self.token, {"clock", "weather", "requests", "gate", "_fill", "app"}
        with self.gate.closed():
            for name in set(self.__dict__) - kept:
                del self.__dict__[name]  # whoever still reads a result holds on to the old database
            self.clock.restart()
            self.weather.clear()
            self.requests.clear()
            self._begin(token)
            self._fill()
            if "app" in self.__dict__:
                self.app.restart()

    # --- records ---------------------------------------------------------------------------------------------------

    def insert(self, object_name: str, rows: Sequence[Mapping[str, Any]]) -> list[str]:
        """Add records, completed as Salesforce completes them; returns their Ids in order."""
        return dml.direct.insert(self, self._object(object_name), rows)

    def insert_late(self, object_name: str, rows: Sequence[Mapping[str, Any]], delay: timedelta) -> list[str]:
        """Add records of a transaction that began `delay` ago and commits only now: new, with stamps of the past."""
        began = self.clock.stamp() - delay
        stamps = ("CreatedDate", "LastModifiedDate", "SystemModstamp")
        known = {name: began for name in stamps if self._object(object_name).field(name) is not None}
        return self.insert(object_name, [{**known, **row} for row in rows])

    def update(self, object_name: str, record_id: str, values: Mapping[str, Any]) -> None:
        """Change one record; stamps move along unless `values` sets them."""
        dml.direct.update(self, self._object(object_name), record_id, values)

    def delete(self, object_name: str, record_id: str, *, hard: bool = False) -> None:
        """Put one record into the recycle bin, or with `hard` remove it without a trace."""
        dml.direct.delete(self, self._object(object_name), record_id, hard=hard)

    def undelete(self, object_name: str, record_id: str) -> None:
        """Take one record back from the recycle bin, with what was deleted along with it."""
        dml.direct.undelete(self, self._object(object_name), record_id)

    def record(self, object_name: str, record_id: str) -> dict[str, Any] | None:
        """One record with all its fields, deleted or not, or None."""
        self.behaviour.settle()
        return dml.direct.get(self, self._object(object_name), record_id)

    def count(self, object_name: str) -> int:
        """How many live records the org has."""
        return dml.direct.live(self, self._object(object_name))

    # --- the org's shape -------------------------------------------------------------------------------------------

    @property
    def catalog(self) -> Catalog:
        """Every object and field of the org."""
        return self.database.catalog

    @property
    def visible(self) -> Catalog:
        """What the administrator may see: the catalogue without what `hide` took away."""
        return self.behaviour.visible_to(self.admin_id)

    @property
    def shape(self) -> tuple[int, int]:
        """Changes whenever what somebody may see does."""
        return (self.catalog.changes, self.behaviour.permissions.changes)

    def add_field(self, object_name: str, name: str, field_type: str, label: str = "", **details: Any) -> FieldFacts:
        """Add a custom field; `details` as in `custom_fields.custom_field`."""
        if not name.endswith("__c"):
            raise UsageError(f"`{name}` is not the name of a custom field", hint=f"call it `{name}__c`")
        field = custom_field(name, field_type, label, **details)
        self.database.add_fields(self._object(object_name), [field])
        return field

    def track(self, object_name: str, *fields: str) -> None:
        """Let just these fields of an object leave a trail in its field history when they change."""
        self.tracked_fields = {**self.tracked_fields, **tracking.tracking(self._object(object_name), fields)}

    # --- doors -----------------------------------------------------------------------------------------------------

    @property
    def instance_url(self) -> str:
        """Where the org says it lives; the in-process doors answer there."""
        return f"https://{self.settings.domain}"

    @cached_property
    def app(self) -> App:
        """The protocol: requests in, answers out."""
        from sfsync.fake.app import App  # noqa: PLC0415 - Werkzeug is only needed once a client calls

        return App(self)

    @property
    def wsgi(self) -> Callable[..., Any]:
        """The org as a WSGI application, for a server of your own."""
        return self.app.wsgi

    def session(self) -> requests.Session:
        """A `requests` session whose every https address is this org, without a socket."""
        from sfsync.fake.doors.in_process import in_process_session  # noqa: PLC0415

        return in_process_session(self.app)

    def responses(self) -> AbstractContextManager[Any]:
        """Within this context every `requests` session reaches the org (needs the `responses` package)."""
        from sfsync.fake.doors.responses_door import responses_door  # noqa: PLC0415

        return responses_door(self.app)

    def serve(self, host: str = "127.0.0.1", port: int = 0, **options: Any) -> AbstractContextManager[Server]:
        """Serve the org over TLS while the context lasts; options as in `doors.server.serve`."""
        from sfsync.fake.doors.server import serve  # noqa: PLC0415

        return serve(self, host=host, port=port, **options)

    @cached_property
    def queries(self) -> Queries:
        """REST queries and their locators."""
        from sfsync.fake.queries import Queries  # noqa: PLC0415 - the SOQL compiler is only needed for queries

        return Queries(self)

    @cached_property
    def bulk(self) -> Bulk:
        """Bulk API jobs."""
        from sfsync.fake.bulk import Bulk  # noqa: PLC0415

        return Bulk(self)

    def close(self) -> None:
        """Free the memory; the org is gone afterwards."""
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- inside ----------------------------------------------------------------------------------------------------

    def _object(self, name: str) -> ObjectFacts:
        facts = self.catalog.facts(name)
        if facts is None:
            raise UsageError(f"the fake org has no object `{name}`")
        if name.casefold() in OBJECTS:
            self.settle_permissions()
        return facts

    def settle_permissions(self) -> None:
        """Bring the records of permission sets up to date; whoever is about to read some calls this first."""
        settle_permissions(self)

    def _fill_by(self, fill: Callable[[], None]) -> None:
        """Fill the org this way, now and after every reset."""

        def whole() -> None:
            with self.database.all_threads():
                fill()

        self._fill = whole
        whole()

    def _grow(self, seed: int, leads: int) -> None:
        from sfsync.fake.seed import plant, setup  # noqa: PLC0415 - only seeded orgs need it

        data = plant(seed, leads, SEED_TIME)
        for name, fields in setup.custom_fields().items():
            self.database.add_fields(self._object(name), [from_describe(field) for field in fields])
        for name, values in setup.picklist_values().items():
            self._set_picklists(name, values)
        self._adopt(data.tables)
        data.copies.make(self.database.writing, {name: len(rows) for name, rows in data.tables.items()})
        self.planted = dict(data.planted)

    def _furnish(self) -> None:
        """Put in what every org has, where the data brought nothing of the kind."""
        births = {
            "Organization": setup_rows.organization,
            "User": setup_rows.administrator,
            "Profile": setup_rows.profiles,
            "LeadStatus": setup_rows.lead_statuses,
            "OpportunityStage": setup_rows.opportunity_stages,
        }
        for name, rows in births.items():
            furnish(self, self._object(name), rows())
        self._take_office()

    def _adopt(self, tables: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        """Put in the rows of a seed, in place of the furniture of the same kind."""
        for name in sorted(tables, key=dml.loading.order):
            self._clear(name)
            if name == "User":
                self.admin_id = min(str(user["Id"]) for user in tables[name] if user.get("IsActive", True))
            dml.loading.load(self, self._object(name), tables[name])
        self._take_office()

    def _load(self, folder: Path) -> None:
        from sfsync.fake.data_folder import load_folder  # noqa: PLC0415 - only orgs of a folder need it

        load_folder(self, folder, self._clear)
        self._take_office()

    def _clear(self, name: str) -> None:
        with self.database.writing() as cursor:
            cursor.execute(f"DELETE FROM {quote(self._object(name).name)}")

    def _take_office(self) -> None:
        """Find out who the org and its administrator are, and let setup rows fill the picklists they define."""
        with self.database.reading() as cursor:
            organization = cursor.execute('SELECT "Id" FROM "Organization" ORDER BY "Id" LIMIT 1').fetchone()
            user = cursor.execute(
                'SELECT "Id", "Username" FROM "User" WHERE "IsActive" ORDER BY "Id" LIMIT 1'
            ).fetchone()
        if organization:
            self.org_id = organization[0]
        if user is None:
            dml.loading.load(self, self._object("User"), setup_rows.administrator())
            user = (setup_rows.ADMIN_ID, setup_rows.ADMIN_USERNAME)
        self.admin_id = user[0]
        self.credentials.username = user[1] or setup_rows.ADMIN_USERNAME
        self.access = Access(self.org_id)
        self.token = self.access.issue(self.admin_id, self._wanted_token)
        self._fill_picklist("Lead", "Status", "LeadStatus")
        self._fill_picklist("Opportunity", "StageName", "OpportunityStage")

    def _fill_picklist(self, object_name: str, field_name: str, source: str) -> None:
        default = '"IsDefault"' if source == "LeadStatus" else "false"
        with self.database.reading() as cursor:
            rows = cursor.execute(
                f'SELECT "ApiName", "MasterLabel", {default} FROM {quote(source)} ORDER BY "SortOrder", "Id"'
            ).fetchall()
        self._put_entries(
            object_name,
            field_name,
            [PicklistEntry(value, label, bool(preset)) for value, label, preset in rows if value],
        )

    def _set_picklists(self, object_name: str, values: Mapping[str, Sequence[str]]) -> None:
        for field_name, listed in values.items():
            self._put_entries(object_name, field_name, [PicklistEntry(value, value) for value in listed])

    def _put_entries(self, object_name: str, field_name: str, entries: Sequence[PicklistEntry]) -> None:
        facts = self._object(object_name)
        fields = tuple(replace(f, values=tuple(entries)) if f.name == field_name else f for f in facts.fields)
        self.catalog.put(replace(facts, fields=fields))


def _leave_empty() -> None:
    """Fill in nothing."""

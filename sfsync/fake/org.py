"""The fake org: its records, its clock, its weather, and the doors through which clients reach it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from sfsync.errors import UsageError
from sfsync.fake import dml, filling, setup_rows
from sfsync.fake.access import Access, Credentials
from sfsync.fake.behaviour.declarations import Declarations
from sfsync.fake.calls import CallLog
from sfsync.fake.catalog import Catalog, FieldFacts, ObjectFacts
from sfsync.fake.clock import Clock
from sfsync.fake.custom_fields import custom_field
from sfsync.fake.database import OrgDatabase
from sfsync.fake.dml import tracking
from sfsync.fake.gate import Gate
from sfsync.fake.permission_rows import OBJECTS, settle_permissions
from sfsync.fake.weather import Weather

if TYPE_CHECKING:
    import requests

    from sfsync.fake.app import App
    from sfsync.fake.bulk import Bulk
    from sfsync.fake.doors.server import Server
    from sfsync.fake.queries import Queries


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

    database: OrgDatabase

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        token: str | None = None,
        fill: Callable[[FakeOrg], None] = filling.make_empty,
    ) -> None:
        self.clock = clock or Clock()
        self.weather = Weather()
        self.requests = CallLog()
        self.gate = Gate()
        self._fill: Callable[[], None] = partial(fill, self)
        self._begin(token)
        try:
            self._fill()
        except BaseException:
            if "database" in self.__dict__:
                self.close()
            raise

    def _begin(self, token: str | None) -> None:
        """Everything that `reset` makes anew, besides the database and who is at home in it."""
        self.settings = OrgSettings()
        self.planted: dict[str, frozenset[str]] = {}
        self.tracked_fields: dict[str, frozenset[str]] = dict(tracking.DEFAULT_TRACKING)
        self.notes: list[str] = []
        self.org_id = setup_rows.ORGANIZATION_ID
        self.admin_id = setup_rows.ADMIN_ID
        self.credentials = Credentials(setup_rows.ADMIN_USERNAME)
        self.access = Access(self.org_id)
        self.wanted_token = token
        self.token = ""

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
        fill = partial(filling.make_seeded, seed=seed, leads=leads)
        return cls(clock=clock or Clock(filling.SEED_TIME), token=token, fill=fill)

    @classmethod
    def from_csv(cls, folder: Path | str, *, clock: Clock | None = None, token: str | None = None) -> FakeOrg:
        """The org that a folder of `Lead.csv`, `Account.csv`, … describes; raises ConfigError with file and line."""
        return cls(clock=clock, token=token, fill=partial(filling.make_of_folder, folder=Path(folder)))

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

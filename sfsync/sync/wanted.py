"""What a pull is to bring, held against the org before anything is read: objects, their fields, mappings, the bound."""

from __future__ import annotations

from collections.abc import Mapping as AnyMapping
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sfsync.records import ObjectDescribe
from sfsync.salesforce import Org
from sfsync.salesforce.describe import describe_objects, list_objects
from sfsync.soql.dates import Calendar
from sfsync.store import Session, Store, ledger
from sfsync.store.columns import has_table
from sfsync.sync.objects import choose_objects
from sfsync.sync.options import PullOptions
from sfsync.sync.same_org import refuse_another_org
from sfsync.sync.selection_check import select

if TYPE_CHECKING:
    from sfsync.mapping.schema import Mapping


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a pull is to bring.

    Attributes:
        describes: API name → object, with the fields that are wanted of it.
        left_out: Object of the default set → why it is not read.
        options: How to pull, with every selection understood.
        upper: The org's clock less the lag (naive UTC).
        mappings: Those that can be shown afterwards.
        known: What the ledger knows of objects.
    """

    describes: dict[str, ObjectDescribe]
    left_out: AnyMapping[str, str]
    options: PullOptions
    upper: datetime
    mappings: Sequence[Mapping]
    known: AnyMapping[str, ObjectDescribe]

    def show(self, store: Store, pulled: Sequence[str]) -> tuple[str, ...]:
        """Bring the local tables up to date, now that these objects are; returns which there are."""
        with store.writing() as session:
            if not self.mappings and not has_table(session, "sfsync", "local_tables"):
                return ()
            from sfsync.sync.local_tables import show  # noqa: PLC0415 - most mirrors have none, and it takes time to load

            describes = {**self.known, **{name: self.describes[name] for name in pulled}}
            calendar = Calendar(self.options.timezone, self.options.fiscal_year_start_month)
            return show(session, self.mappings, describes, calendar)


def find_wanted(
    org: Org, store: Store, objects: Sequence[str] | None, mappings: Sequence[Mapping], options: PullOptions
) -> Wanted:
    """Ask the org what it has of what is wanted; nothing is read yet.

    Args:
        org: Where to read.
        store: Of this very org, or of none yet.
        objects: API names, or None for the default set (those of it that the org has) and what mappings show.
        mappings: Checked against the org.
        options: With the selections.

    Raises:
        UsageError: An object does not exist, or the mirror is of another org.
        ConfigError: A selection names what the org does not have.
        MappingError: A mapping does.
    """
    available = list_objects(org)
    mapped = () if objects is not None else tuple(name for mapping in mappings for name in mapping.objects)
    mapped = tuple(name for name in mapped if name in available)
    chosen, left_out = choose_objects(available, objects, mapped, options.selections)
    describes, options = select(describe_objects(org, chosen), options, mappings, available)
    upper = (org.server_time() - options.lag).astimezone(UTC).replace(tzinfo=None, microsecond=0)
    org_id, user_id = org.org_id, org.user_id  # may have to be asked for: not while the store is open
    with store.writing() as session:
        known = ledger.read_describes(session) if mappings else {}
        shown = _checked(mappings, {**known, **describes}, available)
        _claim(session, org, org_id)
        if user_id:  # who would own what a plan creates
            ledger.set_fact(session, "user_id", user_id)
    return Wanted(describes, left_out, options, upper, shown, known)


def _checked(
    mappings: Sequence[Mapping], describes: dict[str, ObjectDescribe], available: dict[str, bool]
) -> Sequence[Mapping]:
    if not mappings:
        return ()
    from sfsync.sync.local_tables import checked  # noqa: PLC0415 - as above

    return checked(mappings, describes, available)


def _claim(session: Session, org: Org, org_id: str | None) -> None:
    """Write down of which org the mirror is, after making sure that it is of no other."""
    refuse_another_org(org, ledger.facts(session).get("org_id"))
    if org_id:
        ledger.set_fact(session, "org_id", org_id)
    ledger.set_fact(session, "instance_url", org.instance_url)

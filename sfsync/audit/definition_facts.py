"""What the mirror knows of an org's names and values, asked when definitions are held against it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sfsync.audit.context import AuditContext
from sfsync.records import ObjectDescribe
from sfsync.store.interface import Session
from sfsync.store.names import quote, table

_PICKLISTS = ("picklist", "multipicklist")
_ENOUGH = 10_000


class MirrorFacts:
    """The questions put to the mirror."""

    def __init__(self, session: Session, context: AuditContext, describes: Mapping[str, ObjectDescribe]) -> None:
        self.session = session
        self.context = context
        self.describes = describes

    def fields(self, object_name: str) -> Iterable[str]:
        """The fields of an object that the mirror holds."""
        held = self.context.object(object_name)
        return () if held is None else self.context.columns[held]

    def picklist(self, object_name: str, field: str) -> tuple[str, ...]:
        """The values the org's describe allows; empty when the field is no picklist, or nothing was described."""
        described = self.describes.get(object_name)
        found = described.field(field) if described else None
        return found.picklist_values if found is not None and found.type in _PICKLISTS else ()

    def values(self, object_name: str, field: str) -> set[str]:
        """The values that records have."""
        column, name = quote(field), table("sf_all", object_name)
        rows = self.session.execute(f"SELECT DISTINCT {column} FROM {name} WHERE {column} IS NOT NULL LIMIT {_ENOUGH}")
        return {value for (value,) in rows}

    def labelled(self, object_name: str) -> dict[str, str]:
        """API name → label, of a table of values such as LeadStatus; empty when the mirror does not hold it."""
        if not (self.context.column(object_name, "ApiName") and self.context.column(object_name, "MasterLabel")):
            return {}
        rows = self.session.execute(f'SELECT "ApiName", "MasterLabel" FROM {table("sf_all", object_name)}')
        return {name: label for name, label in rows if name is not None}

    def statuses(self) -> tuple[set[str], dict[str, str]]:
        """Every lead status there is or was, and label → API name; nothing when the org has not said."""
        return self._stages_of("Lead", "Status", "LeadStatus")

    def stages(self) -> tuple[set[str], dict[str, str]]:
        """Every stage of opportunities there is or was, and label → API name; nothing when the org has not said."""
        return self._stages_of("Opportunity", "StageName", "OpportunityStage")

    def _stages_of(self, object_name: str, field: str, listed: str) -> tuple[set[str], dict[str, str]]:
        if self.context.column(object_name, field) is None:
            return set(), {}
        labels = self.labelled(listed)
        known = {*self.picklist(object_name, field), *labels}
        if not known:
            return set(), {}
        known |= self.values(object_name, field)  # one that was retired lives on in old records
        return known, {label: name for name, label in labels.items() if label != name}

"""Record types: kinds of one object's records, each with its own choice of picklist values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sfsync.fake.dml.outcome import RowError
from sfsync.fake.dml.pending import PendingRow

if TYPE_CHECKING:
    from sfsync.fake.org import FakeOrg


@dataclass(frozen=True)
class OwnRecordType:
    """One record type of an object.

    Attributes:
        id: Of its row in RecordType.
        object_name: Whose records it is for.
        developer_name: API name.
        label: What people see.
        picklists: Field → the values it offers; other fields offer all of theirs.
    """

    id: str
    object_name: str
    developer_name: str
    label: str
    picklists: Mapping[str, tuple[str, ...]]


class RecordTypes:
    """The record types that were declared for one org."""

    def __init__(self, org: FakeOrg) -> None:
        self._org = org
        self._types: dict[str, OwnRecordType] = {}
        self._defaults: dict[tuple[str | None, str], str] = {}

    def add(self, record_type: OwnRecordType) -> None:
        """Make a record type known."""
        self._types[record_type.id] = record_type

    def make_default(self, record_type: OwnRecordType, user_id: str | None) -> None:
        """Give it to new records of one user (None: everybody) that name none."""
        self._defaults[(user_id, record_type.object_name)] = record_type.id

    def default(self, user_id: str, object_name: str) -> str | None:
        """The record type that a user's new records get where they name none; None is the master record type."""
        for who in (user_id, None):
            found = self._defaults.get((who, object_name))
            if found is not None:
                return found
        return None

    def of(self, object_name: str) -> list[OwnRecordType]:
        """The record types of one object."""
        return [one for one in self._types.values() if one.object_name == object_name]

    def infos(self, object_name: str, user_id: str) -> list[Mapping[str, object]]:
        """The object's own record types as this user's describe lists them."""
        default = self.default(user_id, object_name)
        return [
            {
                "active": True,
                "available": True,
                "defaultRecordTypeMapping": one.id == default,
                "developerName": one.developer_name,
                "master": False,
                "name": one.label,
                "recordTypeId": one.id,
            }
            for one in self.of(object_name)
        ]

    def check(self, object_name: str, rows: Sequence[PendingRow]) -> None:
        """Refuse values of restricted picklists that a record's type does not offer."""
        own = {one.id: one for one in self.of(object_name)}
        facts = self._org.catalog.facts(object_name)
        if not own or facts is None:
            return
        for row in rows:
            record_type = own.get(row.after.get("RecordTypeId") or "")
            for name, offered in record_type.picklists.items() if record_type else ():
                field, value = facts.field(name), row.after.get(name)
                if field is None or not field.has("r") or value is None or not row.changed(name):
                    continue
                if any(entry not in offered for entry in str(value).split(";")):
                    message = f"{field.label}: bad value for restricted picklist field: {value}"
                    row.errors.append(RowError("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, (field.name,)))

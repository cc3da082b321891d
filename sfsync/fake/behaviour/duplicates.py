"""Duplicate rules: a save that would make a second record of somebody is refused, or has to be insisted on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from sfsync.fake.behaviour.conditions import rows_json, typed_rows
from sfsync.fake.catalog import FieldFacts, ObjectFacts
from sfsync.fake.database import Cursor, sql_type
from sfsync.fake.dml.outcome import RowError, WriteOptions
from sfsync.fake.dml.pending import PendingRow
from sfsync.fake.sql_names import quote

if TYPE_CHECKING:
    from sfsync.fake.org import FakeOrg

#: What Salesforce proposes as the text of a new rule.
DEFAULT_MESSAGE = "Use one of these records?"

#: Matches told of a record, at most.
_MOST_MATCHES = 100


@dataclass(frozen=True)
class DuplicateRule:
    """Records that agree in all of `match_fields` are duplicates; an empty field agrees with nothing.

    Attributes:
        object_name: Whose saves it looks at.
        name: Developer name.
        match_fields: API names, in this object and in those it is compared with; text agrees in any case.
        against: Objects in which duplicates are looked for.
        action: `block` refuses; `alert` refuses as well, unless the client says `allowSave=true`.
        message: What the client is told.
    """

    object_name: str
    name: str
    match_fields: tuple[str, ...]
    against: tuple[str, ...]
    action: Literal["block", "alert"] = "block"
    message: str = DEFAULT_MESSAGE

    def check(self, org: FakeOrg, rows: Sequence[PendingRow], options: WriteOptions) -> None:
        """Add the refusal to every record that has duplicates in the org.

        Records of one call are not compared with one another, and an update is only looked at when it changes a field
        that the rule compares.  # from memory
        """
        if self.action == "alert" and options.allow_duplicates:
            return
        touched = [row for row in rows if row.is_new or any(row.changed(name) for name in self.match_fields)]
        if not touched:
            return
        matches: dict[int, dict[str, list[str]]] = defaultdict(dict)
        with org.database.reading() as cursor:
            for name in self.against:
                for number, ids in self._matches(cursor, org, name, touched).items():
                    matches[number][name] = ids
        for number, found in matches.items():
            touched[number].errors.append(self._refusal(found, options))

    def _matches(self, cursor: Cursor, org: FakeOrg, other: str, rows: Sequence[PendingRow]) -> Mapping[int, list[str]]:
        """Place of a row → Ids of the live records of another object that agree with it."""
        own, facts = org.catalog.facts(self.object_name), org.catalog.facts(other)
        if own is None or facts is None:
            return {}
        columns = [field for name in self.match_fields if (field := own.field(name)) is not None]
        agreement = " AND ".join(f"{_key('n', column)} = {_key('o', column)}" for column in columns)
        live = "".join(f" AND o.{quote(name)} IS NOT TRUE" for name in _gone(facts))
        found: dict[int, list[str]] = defaultdict(list)
        for number, match in cursor.execute(
            f'SELECT n."PendingNumber__c", o."Id" FROM ({typed_rows(own, columns)}) AS n'
            f" JOIN {quote(facts.name)} AS o ON {agreement}{live} ORDER BY 1, 2",
            {"rows": rows_json(rows, columns)},
        ).fetchall():
            if match != rows[number].record_id and len(found[number]) < _MOST_MATCHES:
                found[number].append(match)
        return {number: ids for number, ids in found.items() if ids}

    def _refusal(self, found: Mapping[str, list[str]], options: WriteOptions) -> RowError:
        result = {
            "allowSave": self.action == "alert",
            "duplicateRule": self.name,
            "duplicateRuleEntityType": self.object_name,
            "errorMessage": self.message,
            "matchResults": [self._match_result(name, ids, options.version) for name, ids in found.items()],
        }
        return RowError("DUPLICATES_DETECTED", self.message, extra={"duplicateResult": result})

    def _match_result(self, name: str, ids: Sequence[str], version: str) -> dict[str, Any]:
        return {
            "entityType": name,
            "errors": [],
            "matchEngine": "ExactMatchEngine",
            "matchRecords": [
                {
                    "additionalInformation": [],
                    "fieldDiffs": [],
                    "matchConfidence": 100.0,
                    "record": {
                        "attributes": {"type": name, "url": f"/services/data/v{version}/sobjects/{name}/{match}"},
                        "Id": match,
                    },
                }
                for match in ids
            ],
            "rule": f"{self.name}_Match",
            "size": len(ids),
            "success": True,
        }


def _gone(facts: ObjectFacts) -> list[str]:
    """The fields that take a record out of every comparison."""
    return [name for name in ("IsDeleted", "IsConverted") if facts.field(name) is not None]


def _key(alias: str, field: FieldFacts) -> str:
    column = f"{alias}.{quote(field.name)}"
    return f"lower(trim({column}))" if sql_type(field.type) == "VARCHAR" else column

"""Writes up to 200 records in one request, each on its own: answers come in the order of the records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sfsync.errors import IncompleteAnswer
from sfsync.salesforce.answers import understood
from sfsync.salesforce.org import Org
from sfsync.salesforce.redaction import clean
from sfsync.salesforce.write_options import WriteOptions, outcome_must_be_known

#: Salesforce takes so many records a request (and answers EXCEEDED_ID_LIMIT to more).
MOST_RECORDS = 200

#: API name → value as JSON writes it; None empties the field.
Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RowAnswer:
    """What the org did with one record.

    Attributes:
        done: It was written.
        record_id: 18-character Id; None where the org names none.
        created: It is new. Always told by an upsert; for the rest it follows from the request.
        code: Salesforce's code of the first fault, e.g. `REQUIRED_FIELD_MISSING`; None when done.
        message: Its words on all faults; may hold field values.
        fields: Fields the org named.
    """

    done: bool
    record_id: str | None = None
    created: bool = False
    code: str | None = None
    message: str | None = None
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Collections:
    """Writes through sObject Collections.

    Nothing is ever sent a second time unless the org certainly did not act on it: each method raises `OutcomeUnknown`
    when the answer is lost, and `RequestRefused`, `LimitReached`, … when the org refused the request as a whole and
    wrote nothing.
    """

    org: Org
    options: WriteOptions = field(default_factory=WriteOptions)

    def create(self, object_name: str, records: Sequence[Record]) -> list[RowAnswer]:
        """Make records; one answer each, in order. Raises `ValueError` for more than 200."""
        return self._send("POST", [], object_name, records, created=True)

    def update(self, object_name: str, records: Sequence[Record]) -> list[RowAnswer]:
        """Change records; each names its `Id`."""
        return self._send("PATCH", [], object_name, records)

    def upsert(self, object_name: str, key_field: str, records: Sequence[Record]) -> list[RowAnswer]:
        """Make or change records, found by an external Id that each carries."""
        return self._send("PATCH", [object_name, key_field], object_name, records)

    def delete(self, ids: Sequence[str]) -> list[RowAnswer]:
        """Delete records (of any objects) into the recycle bin."""
        if not ids:
            return []
        params = {"ids": ",".join(_limited(ids)), "allOrNone": "false"}
        with outcome_must_be_known(f"the deletion of {len(ids)} records"):
            path = self.org.data_path("composite", "sobjects")
            return _answers(self.org, self.org.delete_for_json(path, params, self.options.headers), len(ids))

    def _send(
        self, method: str, below: Sequence[str], object_name: str, records: Sequence[Record], *, created: bool = False
    ) -> list[RowAnswer]:
        if not records:
            return []
        typed = [{"attributes": {"type": object_name}, **record} for record in _limited(records)]
        body = {"allOrNone": False, "records": typed}
        with outcome_must_be_known(f"a write of {len(records)} {object_name} records"):
            path = self.org.data_path("composite", "sobjects", *below)
            answer = self.org.send_json(method, path, body, headers=self.options.headers)
            return _answers(self.org, answer, len(records), created=created)


def _limited(items: Sequence[Any]) -> Sequence[Any]:
    if len(items) > MOST_RECORDS:
        raise ValueError(f"{len(items)} records in one request, where {MOST_RECORDS} are allowed")
    return items


def _answers(org: Org, answer: Any, sent: int, *, created: bool = False) -> list[RowAnswer]:
    with understood(org.name, "what became of the records"):
        answers = [_answer(item, created=created) for item in answer]
    if len(answers) != sent:
        raise IncompleteAnswer(f"{org.name} answered for {len(answers)} of {sent} records.")
    return answers


def _answer(item: Mapping[str, Any], *, created: bool) -> RowAnswer:
    if item["success"]:
        return RowAnswer(done=True, record_id=str(item["id"]), created=bool(item.get("created", created)))
    errors = item["errors"]
    return RowAnswer(
        done=False,
        record_id=item.get("id"),
        code=clean(str(errors[0]["statusCode"]), 80),
        message=clean("; ".join(str(error["message"]) for error in errors), 1000),
        fields=tuple(str(name) for error in errors for name in error.get("fields") or ()),
    )

"""What came of each record, as the partner API tells it: results and their errors, members in the order of the WSDL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sfsync.fake.dml.outcome import RowError, RowOutcome
from sfsync.fake.soap.xml import element, nested


def save_result(outcome: RowOutcome) -> str:
    """Of a create, update, delete or undelete."""
    return nested("result", [errors(outcome.errors), element("id", told_id(outcome)), _success(outcome)])


def upsert_result(outcome: RowOutcome) -> str:
    """Of an upsert, which tells whether a record was made."""
    created = element("created", outcome.success and outcome.created)
    return nested("result", [created, errors(outcome.errors), element("id", told_id(outcome)), _success(outcome)])


def merge_result(outcome: RowOutcome, merged: Iterable[str], moved: Iterable[str]) -> str:
    """Of a merge: `merged` records are gone, `moved` ones hang below the master now."""
    return nested(
        "result",
        [
            errors(outcome.errors),
            element("id", told_id(outcome)),
            *(element("mergedRecordIds", one) for one in merged),
            _success(outcome),
            *(element("updatedRelatedIds", one) for one in moved),
        ],
    )


def told_id(outcome: RowOutcome) -> str | None:
    """The record's Id; a record that was refused has none to tell."""
    return outcome.id if outcome.success else None


def errors(refused: Iterable[RowError]) -> str:
    """The `errors` elements."""
    return "".join(_error(error) for error in refused)


def _success(outcome: RowOutcome) -> str:
    return element("success", outcome.success)


def _error(error: RowError) -> str:
    parts = [
        *(element("fields", name) for name in error.fields),
        element("message", error.message),
        element("statusCode", error.code),
    ]
    duplicates = error.extra.get("duplicateResult")
    if duplicates is None:
        return nested("errors", parts)
    return nested("errors", [*parts, nested("duplicateResult", _duplicates(duplicates))], kind="DuplicateError")


def _duplicates(result: Mapping[str, Any]) -> list[str]:
    return [
        element("allowSave", result["allowSave"]),
        element("duplicateRule", result["duplicateRule"]),
        element("duplicateRuleEntityType", result["duplicateRuleEntityType"]),
        element("errorMessage", result["errorMessage"]),
        *(nested("matchResults", _matches(one)) for one in result["matchResults"]),
    ]


def _matches(result: Mapping[str, Any]) -> list[str]:
    return [
        element("entityType", result["entityType"]),
        element("matchEngine", result["matchEngine"]),
        *(nested("matchRecords", _match(one)) for one in result["matchRecords"]),
        element("rule", result["rule"]),
        element("size", result["size"]),
        element("success", result["success"]),
    ]


def _match(found: Mapping[str, Any]) -> list[str]:
    record = found["record"]
    inner = [element("sf:type", record["attributes"]["type"]), element("sf:Id", record["Id"])]
    return [element("matchConfidence", found["matchConfidence"]), nested("record", inner, kind="sf:sObject")]

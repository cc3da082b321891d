"""Holds `definitions:` against the mirror: a name that does not exist would make rules silently find nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sfsync.audit.context import AuditContext
from sfsync.audit.notions import evidence_columns
from sfsync.config.definitions import Definitions, Evidence
from sfsync.config.document import Document, KeyPath
from sfsync.config.spelling import shown, suggestion
from sfsync.errors import ConfigError, Problem
from sfsync.records import ObjectDescribe
from sfsync.store.interface import Session
from sfsync.store.mirror import read_describes
from sfsync.store.names import quote, table

_PICKLISTS = ("picklist", "multipicklist")
_PHASES = ("new", "working", "qualified", "disqualified")


def check_definitions(session: Session, context: AuditContext, settings_file: Document | None = None) -> None:
    """Raise `ConfigError` with every field and value of `definitions:` that the org does not have.

    Args:
        session: Of the mirror.
        context: Of the audit.
        settings_file: sfsync.yml as read, so that problems name their line.
    """
    if context.object("Lead") is None:
        return  # nothing to hold them against; the rules that need them will say so
    check = _Check(session, context, read_describes(session))
    problems = [
        _problem(settings_file, ("definitions", *path), message, hint)
        for path, message, hint in (*check.statuses(context.definitions), *check.frameworks(context.definitions))
    ]
    if problems:
        raise ConfigError(problems)


Fault = tuple[KeyPath, str, str | None]


class _Check:
    """The questions put to the mirror."""

    def __init__(self, session: Session, context: AuditContext, describes: dict[str, ObjectDescribe]) -> None:
        self.session = session
        self.context = context
        self.describes = describes

    def statuses(self, definitions: Definitions) -> Iterator[Fault]:
        """Lead statuses that the org has never had."""
        if self.context.column("Lead", "Status") is None:
            return
        by_label: dict[str, str] = {}
        known = set(self._picklist("Lead", "Status"))
        if self.context.column("LeadStatus", "ApiName") and self.context.column("LeadStatus", "MasterLabel"):
            rows = self.session.execute('SELECT "ApiName", "MasterLabel" FROM sf_all."LeadStatus"').rows
            by_label = {label: name for name, label in rows if label != name}
            known |= {name for name, _ in rows}
        if not known:
            return  # the org has not said which statuses there are
        known |= self._values("Lead", "Status")  # one that was retired lives on in old leads
        for phase in _PHASES:
            for i, status in enumerate(getattr(definitions.lead_status, phase)):
                if status in known:
                    continue
                hint = suggestion(status, known)
                if status in by_label:
                    hint = f"that is a label; its API name is `{by_label[status]}`"
                yield ("lead_status", phase, i), f"the org has no lead status `{shown(status)}`", hint

    def frameworks(self, definitions: Definitions) -> Iterator[Fault]:
        """Evidence in fields the mirror does not have, of the wrong type, or with values no picklist has."""
        for name, framework in definitions.frameworks.items():
            for criterion, evidence in framework.criteria.items():
                for i, piece in enumerate(evidence):
                    for path, message, hint in self._evidence(piece):
                        yield ("frameworks", name, criterion, i, *path), message, hint

    def _evidence(self, piece: Evidence) -> Iterator[Fault]:
        columns = list(evidence_columns(piece, self.context))
        if not columns:
            lead = self.context.object("Lead") or "Lead"
            hint = suggestion(piece.field, self.context.columns[lead])
            message = f"the mirror has no field Lead.{piece.field} (or the user who pulled may not read it)"
            yield ("field",), message, hint
            return
        kinds = {self.context.kind(*column) for column in columns}
        if piece.min is not None and kinds != {"number"}:
            yield ("min",), f"`min` compares numbers, and {piece.field} is none", "use `in`, or the field alone"
        if piece.one_of is not None and kinds != {"text"}:
            yield ("in",), f"`in` compares texts, and {piece.field} is none", "use `min`, or the field alone"
        elif piece.one_of is not None:
            yield from self._unknown_values(piece.one_of, columns)

    def _unknown_values(self, values: Iterable[str], columns: list[tuple[str, str]]) -> Iterator[Fault]:
        if not all(self._picklist(*column) for column in columns):
            return  # a free text may hold anything
        known = {value for column in columns for value in self._picklist(*column)}
        unknown = [
            (i, value) for i, value in enumerate(values) if value.casefold() not in {k.casefold() for k in known}
        ]
        if unknown:
            known |= {value for column in columns for value in self._values(*column)}
        for i, value in unknown:
            if value not in known:
                message = f"{columns[0][1]} has no value `{shown(value)}`"
                yield ("in", i), message, suggestion(value, known)

    def _picklist(self, object_name: str, field: str) -> tuple[str, ...]:
        """The values the org's describe allows; empty when the field is no picklist, or nothing was described."""
        described = self.describes.get(object_name)
        found = described.field(field) if described else None
        return found.picklist_values if found is not None and found.type in _PICKLISTS else ()

    def _values(self, object_name: str, field: str) -> set[str]:
        """The values that records have."""
        column, name = quote(field), table("sf_all", object_name)
        rows = self.session.execute(f"SELECT DISTINCT {column} FROM {name} WHERE {column} IS NOT NULL LIMIT 10000")
        return {value for (value,) in rows}


def _problem(document: Document | None, path: KeyPath, message: str, hint: str | None) -> Problem:
    if document is None:
        return Problem("sfsync.yml", None, None, f"{'.'.join(str(step) for step in path)}: {message}", hint)
    return document.problem(*path, message=message, hint=hint)

"""Holds `where:` and `by:` of sfsync.yml against the mirror: a field that does not exist would leave records out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sfsync.audit.context import AuditContext
from sfsync.audit.narrow import BLANK, Part, UnknownField, check_part, field_of
from sfsync.audit.overrides import ResolvedRule, Segment
from sfsync.config.document import Document, KeyPath
from sfsync.config.spelling import shown, suggestion
from sfsync.errors import ConfigError, Problem
from sfsync.store.interface import Session
from sfsync.store.names import quote, table


def check_parts(
    rules: Iterable[ResolvedRule], session: Session, context: AuditContext, settings_file: Document | None = None
) -> None:
    """Raise `ConfigError` with every field and value that the mirror does not have.

    Args:
        rules: Those that run.
        session: Of the mirror.
        context: Of the audit.
        settings_file: sfsync.yml as read, so that problems name their line.
    """
    problems = [
        _problem(settings_file, path, message, hint)
        for each in rules
        if context.object(each.rule.object) is not None
        for path, message, hint in _faults(each, session, context)
    ]
    if problems:
        raise ConfigError(list(dict.fromkeys(problems)))


def _faults(
    resolved: ResolvedRule, session: Session, context: AuditContext
) -> Iterator[tuple[KeyPath, str, str | None]]:
    if resolved.where is not None:
        try:
            check_part(Part(resolved.where), resolved.rule.object, context)
        except UnknownField as unknown:
            yield resolved.where_path, f"`where`: {unknown.message}", unknown.hint
    for segment in resolved.segments:
        try:
            known = _values(segment, resolved.rule.object, session, context)
        except UnknownField as unknown:
            yield segment.path[:-1], unknown.message, unknown.hint
            continue
        if known and segment.value != BLANK and segment.value.strip().casefold() not in known:
            message = f"{segment.field} of a {resolved.rule.object} has no value `{shown(segment.value)}`"
            yield segment.path, message, suggestion(segment.value, sorted(known.values()))


def _values(segment: Segment, object_name: str, session: Session, context: AuditContext) -> dict[str, str]:
    """The values a picklist or a parent's name can have, in lower case → as they are written; empty for a free field.

    Raises:
        UnknownField: There is no such field.
    """
    held, column = field_of(segment.field, object_name, context)
    described = context.describes[held].field(column) if held in context.describes else None
    listed = described is not None and described.type in ("picklist", "multipicklist", "combobox")
    if not listed and "." not in segment.field:
        return {}
    found = session.execute(
        f"SELECT DISTINCT {quote(column)} FROM {table('sf_all', held)} WHERE {quote(column)} IS NOT NULL LIMIT 10000"
    )
    values = [str(value) for (value,) in found]
    if described is not None:
        values += [entry.value for entry in described.picklist_entries] or list(described.picklist_values)
    return {value.strip().casefold(): value for value in values}


def _problem(document: Document | None, path: KeyPath, message: str, hint: str | None) -> Problem:
    if document is None:
        return Problem("sfsync.yml", None, None, f"{'.'.join(str(step) for step in path)}: {message}", hint)
    return document.problem(*path, message=message, hint=hint, key=path[-1] != "where")

"""Holds `definitions:` against the mirror: a name that does not exist would make rules silently find nothing."""

from __future__ import annotations

from sfsync.audit.context import AuditContext
from sfsync.audit.definition_checks import DefinitionFault, all_faults
from sfsync.audit.definition_facts import MirrorFacts
from sfsync.config.document import Document
from sfsync.errors import ConfigError, Problem
from sfsync.store.interface import Session
from sfsync.store.mirror import read_describes


def check_definitions(session: Session, context: AuditContext, settings_file: Document | None = None) -> None:
    """Raise `ConfigError` with every field and value of `definitions:` that the org does not have.

    Args:
        session: Of the mirror.
        context: Of the audit.
        settings_file: sfsync.yml as read, so that problems name their line.
    """
    if context.object("Lead") is None:
        return  # nothing to hold them against; the rules that need them will say so
    facts = MirrorFacts(session, context, read_describes(session))
    problems = [_problem(settings_file, fault) for fault in all_faults(context.definitions, facts)]
    if problems:
        raise ConfigError(problems)


def _problem(document: Document | None, fault: DefinitionFault) -> Problem:
    path = ("definitions", *fault.path)
    if document is None:
        return Problem("sfsync.yml", None, None, f"{'.'.join(str(step) for step in path)}: {fault.message}", fault.hint)
    return document.problem(*path, message=fault.message, hint=fault.hint, key=fault.key)

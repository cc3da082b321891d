"""Rules as SQL for another database: what `audit --sql` prints."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

from sqlglot.dialects.dialect import Dialects

from sfsync.audit.choice import choose
from sfsync.audit.context import AuditContext, known_context
from sfsync.audit.load import load_rules
from sfsync.audit.needs import unmet_needs, unmet_notions
from sfsync.audit.overrides import ResolvedRule, resolve_rules
from sfsync.audit.portable import DIALECT
from sfsync.audit.sql import render_whole
from sfsync.config.document import Document
from sfsync.config.settings import Settings
from sfsync.config.spelling import suggestion
from sfsync.errors import UsageError
from sfsync.store.interface import Store

#: Names of the databases SQL can be written for, beside SQLGlot's own.
_OTHER_NAMES = {"postgresql": "postgres", "sqlserver": "tsql", "mssql": "tsql"}

_MAY_DIFFER = "has no counterpart for all of this"


def known_dialects() -> tuple[str, ...]:
    """The databases SQL can be written for."""
    return tuple(sorted(each.value for each in Dialects if each.value))


def check_dialect(name: str) -> str:
    """SQLGlot's name of a database. Raises `UsageError` for one it does not know."""
    wanted = _OTHER_NAMES.get(name.casefold(), name.casefold())
    if wanted not in known_dialects():
        hint = suggestion(name, known_dialects()) or f"known: {', '.join(known_dialects())}"
        raise UsageError(f"there is no SQL dialect `{name}`", hint=hint)
    return wanted


def sql_of_audit(  # noqa: PLR0913 - what `audit` takes, and the dialect
    store: Store,
    settings: Settings,
    *,
    dialect: str = DIALECT,
    select: Sequence[str] | None = None,
    ignore: Sequence[str] | None = None,
    profile: str | None = None,
    rules_dir: Path | None = None,
    settings_file: Document | None = None,
) -> str:
    """The statements that an audit with these options would run, for another database; nothing is judged.

    Args:
        store: Its mirror decides which fields there are; without one, the settings alone do.
        settings: As for `audit`.
        dialect: One of `known_dialects`.
        select: As for `audit`.
        ignore: As for `audit`.
        profile: As for `audit`.
        rules_dir: As for `audit`.
        settings_file: As for `audit`.
    """
    check_dialect(dialect)
    resolved = resolve_rules(load_rules(rules_dir), settings, settings_file, profile=profile)
    choice = choose(resolved, settings, select=select, ignore=ignore, profile=profile)
    return audit_sql(choice.running, known_context(store, settings), dialect)


def audit_sql(rules: Iterable[ResolvedRule], context: AuditContext, dialect: str = DIALECT) -> str:
    """The statements of rules, one after the other, each with a line on what it finds.

    The tables keep their names: schemas `sf`, `sf_all` and `sf_history`, objects and fields by their API names. Numbers
    that the project sets, definitions and the mirror's time stand in the statements.

    Args:
        rules: With what the project sets.
        context: The mirror's time, definitions and columns; without a mirror only the settings are known.
        dialect: One of `known_dialects`.

    Raises:
        UsageError: There is no such dialect.
    """
    rows = dict.fromkeys(context.columns, 1)  # the other database may hold records of what is empty here
    there = replace(context, dialect=check_dialect(dialect), rows=rows)
    return "\n\n".join("\n".join(_of_rule(each, there)) for each in rules) + "\n"


def _of_rule(resolved: ResolvedRule, context: AuditContext) -> Iterator[str]:
    rule = resolved.rule
    yield _comment(f"{rule.id} {rule.name}: {rule.title}")
    unmet = (unmet_needs if context.columns else unmet_notions)(rule, context)
    if unmet is not None:
        yield _comment(f"cannot judge: {unmet.reason}")
        return
    apart = [
        (each.name, each.values, each.severity, resolved.part_of(each)) for each in resolved.segments if each.enabled
    ]
    parts = [("", resolved.values, resolved.severity, resolved.rest), *apart]
    for name, values, severity, part in parts:
        if name:
            yield _comment(f"{rule.id} where {name}")
        with _Doubts() as doubts:
            statement = render_whole(rule, values, context, severity=severity, part=part).findings
        for doubt in doubts.told:
            yield _comment(f"{context.dialect} {_MAY_DIFFER}: {doubt}")
        yield f"{statement};"


def _comment(text: str) -> str:
    """One line, whatever the text holds."""
    return f"-- {' '.join(text.split())}"


class _Doubts(logging.Handler):
    """Collects what SQLGlot says it cannot carry over, which it writes to its log."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.told: list[str] = []
        self._log = logging.getLogger("sqlglot")

    def emit(self, record: logging.LogRecord) -> None:
        """Take one message."""
        self.told.append(record.getMessage())

    def __enter__(self) -> Self:
        self._before = self._log.propagate
        self._log.propagate = False
        self._log.addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._log.removeHandler(self)
        self._log.propagate = self._before

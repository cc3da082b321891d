"""Asks a rule's questions, and keeps the answers as temporary tables: the part of an audit that only looks.

In an audit it happens in a session that can change nothing and reads no files, so that no rule file can do either,
whatever the check of its SQL has missed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sfsync.audit.context import AuditContext
from sfsync.audit.narrow import Part
from sfsync.audit.needs import Unmet, unmet_needs
from sfsync.audit.overrides import ResolvedRule, Segment
from sfsync.audit.parameter import Value
from sfsync.audit.relations.build import BuiltRelations
from sfsync.audit.result import Threshold
from sfsync.audit.sql import RuleSql, render, render_fixes
from sfsync.errors import QueryFailed, StoreError
from sfsync.records import Severity
from sfsync.store.interface import Session, Store


@dataclass(frozen=True, slots=True)
class FoundPart:
    """What was found among some of the records.

    Attributes:
        segment: The segment they are of; None for all that are in none.
        table: The temporary table of findings; None where the project leaves the segment out.
        eligible: How many things were judged.
        fixes: The temporary table of what the rule proposes; None where it proposes nothing.
    """

    segment: Segment | None
    table: str | None = None
    eligible: int = 0
    fixes: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What one rule has found.

    Attributes:
        resolved: The rule and what is set.
        parts: One for each part of the records that was judged apart.
        thresholds: Numbers the data decided.
        sql: The exact statement that finds, among the records of no segment.
        unmet: Why the rule could not look.
        broken: It could not because the database refuses its SQL.
    """

    resolved: ResolvedRule
    parts: tuple[FoundPart, ...] = ()
    thresholds: tuple[Threshold, ...] = ()
    sql: str = ""
    unmet: Unmet | None = None
    broken: bool = False


class Finder:
    """Runs rules, one after the other, in one session.

    Args:
        session: Where the temporary tables are made.
        context: The mirror's time, definitions and columns.
    """

    def __init__(self, session: Session, context: AuditContext) -> None:
        self.session = session
        self.context = context
        self.built = BuiltRelations(session, context)
        self._tables = 0

    def find(self, resolved: ResolvedRule) -> Found:
        """Run one rule; where the database refuses its SQL, the others can still be run.

        Raises:
            QueryFailed: It does so in a session that has changed something already, and cannot go on.
        """
        unmet = unmet_needs(resolved.rule, self.context)
        if unmet is not None:
            return Found(resolved, unmet=unmet)
        try:
            self.built.build(resolved.rule.relations)
            parts = [self._segment(resolved, segment) for segment in resolved.segments]
            sql, rest = self._part(resolved, resolved.values, resolved.severity, resolved.rest)
            exact = self.built.spelled_out(sql.findings, resolved.rule.relations)
            return Found(resolved, (*parts, rest), self._thresholds(sql), exact)
        except QueryFailed as error:
            refused = _told(error, resolved)
            if not self.session.looking:
                raise refused from error
            return Found(resolved, unmet=Unmet(refused.message, refused.hint or ""), broken=True)

    def thresholds(self, resolved: ResolvedRule) -> tuple[Threshold, ...]:
        """The numbers that the mirror's data decides for a rule, without running the rule."""
        self.built.build(resolved.rule.relations)
        return self._thresholds(render(resolved.rule, resolved.values, self.context, built=self.built.names))

    def _segment(self, resolved: ResolvedRule, segment: Segment) -> FoundPart:
        if not segment.enabled:
            return FoundPart(segment)
        found = self._part(resolved, segment.values, segment.severity, resolved.part_of(segment))[1]
        return replace(found, segment=segment)

    def _part(
        self, resolved: ResolvedRule, values: Mapping[str, Value], severity: Severity | None, part: Part
    ) -> tuple[RuleSql, FoundPart]:
        sql = render(resolved.rule, values, self.context, severity=severity, built=self.built.names, part=part)
        self._tables += 1
        table = f"found_{self._tables}"
        eligible = int(self.session.ask(sql.eligible).scalar())
        self.session.keep(table, sql.findings)
        return sql, FoundPart(None, table, eligible, self._fixes(resolved, values, part, table))

    def _fixes(self, resolved: ResolvedRule, values: Mapping[str, Value], part: Part, found: str) -> str | None:
        """The table of what the rule proposes for what it found in `found`."""
        proposed = render_fixes(resolved.rule, values, self.context, built=self.built.names, part=part)
        if proposed is None or not self.session.execute(f"SELECT 1 FROM {found} LIMIT 1").rows:
            return None
        table = f"fixes_{self._tables}"
        self.session.keep(table, proposed)
        return table

    def _thresholds(self, sql: RuleSql) -> tuple[Threshold, ...]:
        return tuple(
            Threshold(name, str(segment), float(value), int(n), origin)
            for name, statement in sql.thresholds.items()
            for segment, value, n, origin in self.session.ask(statement)
        )


def read_thresholds(store: Store, resolved: ResolvedRule, context: AuditContext) -> tuple[Threshold, ...]:
    """The numbers that a mirror decides for a rule; none where the rule has none, or they cannot be had now."""
    has_some = any(parameter.type == "threshold" for parameter in resolved.rule.params.values())
    if not has_some or not context.columns or unmet_needs(resolved.rule, context) is not None:
        return ()
    try:
        with store.judging() as session:
            return Finder(session, context).thresholds(resolved)
    except StoreError:
        return ()  # somebody else is writing


def _told(error: QueryFailed, resolved: ResolvedRule) -> QueryFailed:
    rule_id = resolved.rule.id
    return QueryFailed(
        f"the SQL of rule {rule_id} failed: {error.message}",
        hint=f"`sfsync rule explain {rule_id}` shows it; `enabled: false` under `rules: {rule_id}:` leaves it out",
    )

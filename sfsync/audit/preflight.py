"""Preflights: what a change to come would cause and solve, told by judging the state before it and the state after it.

Both are judged by the same rules in one store beside the mirror, where the second audit is held against the first: what
is new with it the change causes, what is gone with it the change solves, what persists was there anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sfsync.audit.choice import choose
from sfsync.audit.load import load_rules
from sfsync.audit.overrides import resolve_rules
from sfsync.audit.result import AuditResult, RuleResult
from sfsync.audit.rule import Rule
from sfsync.audit.run import Manner, audit
from sfsync.audit.standing import FRESH, SETTLED, FindingState
from sfsync.audit.stored import StoredAudit, StoredRule
from sfsync.config.document import Document
from sfsync.config.settings import Settings
from sfsync.errors import MirrorUnfit, UsageError
from sfsync.records import RuleState
from sfsync.store.interface import Session, Store

#: Rules on the mirror itself begin so. They judge the state before alone: no change to the org makes a mirror fit.
_ON_THE_MIRROR = "SY"

#: Ids of other records that a message is searched for, at most.
_NAMED = 6

_ENABLE = "apply the plan, then `sfsync pull` and `sfsync audit`"


@dataclass(frozen=True, slots=True)
class ChangeToCome:
    """What is judged before it is done, for whoever reads the result.

    Attributes:
        plan: Its Id.
        kind: `push`, `undo` or `fix`.
        made_at: When it was made (naive UTC).
        source: What people call it: a file or an Id.
        changes: One entry a step: object, action and how many.
        limits: What the state after it does not show, in sentences.
        unknown: Object → fields of which nobody knows what they will hold.
        new_records: A table of record_id and shown_as of records to be made.
        pattern: A regular expression that fits the Ids of such records and no others.
    """

    plan: str
    kind: str
    made_at: datetime
    source: str
    changes: Sequence[Mapping[str, Any]]
    limits: Sequence[str]
    unknown: Mapping[str, Sequence[str]]
    new_records: str
    pattern: str


@dataclass(frozen=True, slots=True)
class Preflight:
    """Two audits and what lies between them.

    Attributes:
        before: Of the mirror as it is.
        after: Of the state after the change; its findings say what they are with regard to the first.
        change: What lies between.
    """

    before: AuditResult
    after: AuditResult
    change: ChangeToCome


def preflight(  # noqa: PLR0913 - what to judge, and the ways of `audit` to vary it, all by keyword
    store: Store,
    settings: Settings,
    lay_over: Callable[[], ChangeToCome],
    *,
    objects: Collection[str],
    select: Sequence[str] | None = None,
    ignore: Sequence[str] | None = None,
    profile: str | None = None,
    rules_dir: Path | None = None,
    settings_file: Document | None = None,
) -> Preflight:
    """Judge a store, let it change, and judge it again.

    Args:
        store: One that nobody needs afterwards: both audits are written down there.
        settings: As for `audit`.
        lay_over: Brings the store into the state after.
        objects: Those whose records will change. Rules that read none of them have nothing to tell, and rest.
        select: As for `audit`.
        ignore: As for `audit`.
        profile: As for `audit`.
        rules_dir: As for `audit`.
        settings_file: As for `audit`.

    Raises:
        MirrorUnfit: Nothing can be told from the mirror.
        UsageError: The chosen rules are about the mirror itself, which no change to the org touches.
    """
    common: dict[str, Any] = {"profile": profile, "rules_dir": rules_dir, "settings_file": settings_file}
    resolved = resolve_rules(load_rules(rules_dir), settings, settings_file, profile=profile)
    choice = choose(resolved, settings, select=select, ignore=ignore, profile=profile)
    chosen = _concerned([each.rule for each in choice.running], objects)
    before = audit(store, settings, select=chosen, manner=Manner(measured=False), **common)
    if not before.fitness.fit:
        raise MirrorUnfit(
            f"the mirror is unfit to be judged, and so is what a plan would make of it: {before.fitness.unfit[0]}",
            hint="`sfsync audit --select SY` says why; mend the mirror first",
        )
    change = lay_over()
    manner = Manner(gated=False, sparing=bool(select))
    after = audit(store, settings, select=chosen, manner=manner, **common)
    return Preflight(before, after, change)


def _concerned(rules: Sequence[Rule], objects: Collection[str]) -> list[str]:
    """Ids of the rules that may find something else when records of these objects change; of all, if there are none."""
    reading = [each for each in rules if not each.id.startswith(_ON_THE_MIRROR) and _reads_records(each)]
    if not reading:
        raise UsageError(
            "the chosen rules judge the mirror itself, which no plan changes", hint="choose others with --select"
        )
    touched = {name.casefold() for name in objects}
    concerned = [
        each
        for each in reading
        if touched & {name.casefold() for name in each.fields} or any(one.any_object for one in each.relations)
    ]
    return [each.id for each in concerned or reading]


def _reads_records(rule: Rule) -> bool:
    """Whether a rule looks at records, and not only at what the org says of its fields."""
    return bool(rule.fields) or any(each.rows is None for each in rule.relations)


def as_told(session: Session, stored: StoredAudit, found: Preflight, *, everything: bool) -> StoredAudit:
    """A preflight as every format can show it: what the change causes, and the rest where it is asked for.

    The findings in the store are brought into the same shape.

    Args:
        session: A writing session of the store that was judged.
        stored: The second audit, as it is written down.
        found: The preflight.
        everything: Show what was there anyway, too.
    """
    _name_new_records(session, stored, found.change)
    results = {each.rule.id: each for each in found.after.rules}
    before = {each.rule.id: each for each in found.before.rules}
    rules = [_rule(each, results[each.id], before[each.id], found.change) for each in stored.rules]
    if not everything:
        _forget_settled(session, stored)
        rules = [_only_caused(each) for each in rules]
    sums = [each.details["preflight"] for each in rules]
    told = asdict(found.change)
    for name in ("new_records", "pattern"):
        del told[name]
    told |= {what: sum(each[what] for each in sums) for what in ("caused", "solved", "anyway")}
    told["shown"] = "all" if everything else "caused"
    details = {**stored.details, "preflight": told, "compared_with": None, "baseline": None}
    return replace(stored, rules=tuple(rules), details=details)


def _rule(stored: StoredRule, result: RuleResult, before: RuleResult, change: ChangeToCome) -> StoredRule:
    """A rule with what the change does to its findings, and with the true reason where it cannot look."""
    numbers = {
        "caused": sum(stored.counts.get(state, 0) for state in FRESH),
        "solved": stored.counts.get(FindingState.FIXED, 0),
        "anyway": sum(stored.counts.get(state, 0) for state in (FindingState.PERSISTING, *SETTLED)),
    }
    blind = _histories(result, change) if result.state is not RuleState.NOT_EVALUABLE else []
    traces = f"without the traces that the plan will leave in {', '.join(blind)}" if blind else None
    reason = "; ".join(part for part in (stored.reason, traces) if part) or None
    told = replace(stored, reason=reason, details={**stored.details, "preflight": numbers})
    needed = [
        f"{name}.{field}"
        for name, fields in result.rule.every_need.items()
        for field in change.unknown.get(name, ())
        if field in fields
    ]
    if result.state is not RuleState.NOT_EVALUABLE or not needed:
        return told
    if before.state is RuleState.NOT_EVALUABLE and before.reason == result.reason:
        return told
    reason = f"nobody knows what {', '.join(needed)} will hold before the plan is applied"
    return replace(told, reason=reason, enable=_ENABLE)


def _histories(result: RuleResult, change: ChangeToCome) -> list[str]:
    """Histories that a rule reads, and in which the change would leave traces that nobody has seen."""
    touched = {str(each["object"]).removesuffix("__c") for each in change.changes}
    traces = {f"{name}{ending}" for name in touched for ending in ("History", "FieldHistory", "__History")}
    return sorted(traces & set(result.rule.fields))


def _only_caused(rule: StoredRule) -> StoredRule:
    """A rule with the findings that the change causes, and no others."""
    states: dict[str, dict[str, int]] = {
        state: counts for state, counts in rule.details.get("states", {}).items() if state in FRESH
    }
    severities: dict[str, int] = {}
    for counts in states.values():
        for name, n in counts.items():
            severities[name] = severities.get(name, 0) + n
    count = rule.details["preflight"]["caused"]
    kept = (*FRESH, FindingState.FIXED)
    return replace(
        rule,
        state="pass" if rule.state == "finding" and not count else rule.state,
        count=count,
        counts={state: n if state in kept else 0 for state, n in rule.counts.items()},
        details={**rule.details, "states": states, "severities": severities, "breakdown": {}},
    )


def _forget_settled(session: Session, stored: StoredAudit) -> None:
    """Keep the findings that are new, numbered without gaps, as readers expect them."""
    fresh = ", ".join(f"'{state.value}'" for state in FRESH)
    session.execute(
        "CREATE TEMPORARY TABLE caused AS SELECT * REPLACE (row_number() OVER (PARTITION BY position ORDER BY number)"
        f" AS number) FROM sfsync.findings WHERE audit_id = ? AND state IN ({fresh})",
        [stored.audit_id],
    )
    session.execute("DELETE FROM sfsync.findings WHERE audit_id = ?", [stored.audit_id])
    session.execute("INSERT INTO sfsync.findings BY NAME SELECT * FROM caused")
    session.execute("DROP TABLE caused")


def _name_new_records(session: Session, stored: StoredAudit, change: ChangeToCome) -> None:
    """Show the row of the source in place of an Id that no record has."""
    session.execute(
        f"UPDATE sfsync.findings AS f SET record_id = n.shown_as FROM {change.new_records} AS n"
        " WHERE f.audit_id = $audit AND f.record_id = n.record_id",
        {"audit": stored.audit_id},
    )
    for column in ("message", "discriminator", "breakdown"):
        _name_in(session, stored, change, column)


def _name_in(session: Session, stored: StoredAudit, change: ChangeToCome, column: str) -> None:
    """The same within a text, one Id after the other."""
    named = f"regexp_extract(f.{column}, $pattern)"
    which = f"f.audit_id = $audit AND regexp_matches(f.{column}, $pattern) AND n.record_id = {named}"
    given = {"audit": stored.audit_id, "pattern": change.pattern}
    for _ in range(_NAMED):
        if not session.execute(
            f"SELECT 1 FROM sfsync.findings AS f, {change.new_records} AS n WHERE {which} LIMIT 1", given
        ).rows:
            return
        session.execute(
            f"UPDATE sfsync.findings AS f SET {column} = replace(f.{column}, n.record_id, n.shown_as)"
            f" FROM {change.new_records} AS n WHERE {which}",
            given,
        )

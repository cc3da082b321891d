"""Runs rules against a mirror: each ends as finding, pass or not evaluable, and all of it is stored or none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sfsync.audit.check_parts import check_parts
from sfsync.audit.choice import Choice, choose
from sfsync.audit.context import AuditContext, context_of
from sfsync.audit.definitions import check_definitions
from sfsync.audit.find import Finder, Found
from sfsync.audit.fitness import is_gate, judge_all
from sfsync.audit.judge import Place, judge
from sfsync.audit.ledger import new_audit_id, prepare_audits
from sfsync.audit.load import load_rules
from sfsync.audit.metrics import compute_all, metric_context
from sfsync.audit.overrides import ResolvedRule, resolve_rules
from sfsync.audit.result import AuditResult, Fitness, RuleResult
from sfsync.audit.settle import look_back, settle
from sfsync.config.document import Document
from sfsync.config.settings import Settings
from sfsync.errors import MirrorUnfit
from sfsync.records import MetricResult, RuleState
from sfsync.store.interface import Session, Store
from sfsync.store.ledger import finish_run, start_run
from sfsync.store.mirror import MirrorState, read_state


@dataclass(frozen=True, slots=True)
class Manner:
    """What an audit does besides judging; less when it is one of two that are compared.

    Attributes:
        gated: The rules on the mirror's fitness come first, wanted or not, and can stop it.
        measured: It computes the metrics.
        sparing: It leaves out metrics that need more than its rules do; when rules are selected, unless given.
    """

    gated: bool = True
    measured: bool = True
    sparing: bool | None = None


#: As `sfsync audit` does it.
_USUAL = Manner()


def audit(  # noqa: PLR0913 - two things to join and seven ways to vary it, all by keyword
    store: Store,
    settings: Settings,
    *,
    select: Sequence[str] | None = None,
    rules_dir: Path | None = None,
    settings_file: Document | None = None,
    ignore: Sequence[str] | None = None,
    profile: str | None = None,
    even_if_unfit: bool = False,
    manner: Manner = _USUAL,
) -> AuditResult:
    """Judge the mirror, store what is found, and say what could not be judged.

    Args:
        store: Holds the mirror; the findings are stored there too, in one transaction.
        settings: Definitions, time zone and what the project changes about rules.
        select: Rule ids, or codes such as `CV`; every enabled rule unless given.
        rules_dir: A project's own rules.
        settings_file: sfsync.yml as read, so that problems name their line.
        ignore: Rule ids or codes that do not run; the longer of two codes wins.
        profile: Name of the profile that holds, built in or of `profiles:` in sfsync.yml.
        even_if_unfit: Judge an unfit mirror, too; the result says that it is one.
        manner: What it does besides judging.

    Raises:
        MirrorUnfit: Nothing was ever pulled.
        RuleError: A rule file has problems.
        ConfigError: The settings name rules, parameters, fields or values that do not exist.
        UsageError: `select` or `ignore` names no rule; there is no such profile.
    """
    resolved = resolve_rules(load_rules(rules_dir), settings, settings_file, profile=profile)
    choice = choose(resolved, settings, select=select, ignore=ignore, profile=profile)
    if not store.exists():
        raise MirrorUnfit(f"there is no mirror at {store.location}", hint="run `sfsync pull` first")
    sparing = bool(select) if manner.sparing is None else manner.sparing
    manner = replace(manner, sparing=sparing)
    asked = _Asked(store, settings, settings_file, tuple(resolved), choice, profile, even_if_unfit, manner)
    with store.judging() as session:
        seen = _look(session, asked)
        session.start_writing()
        return _write_down(session, asked, seen)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What an audit is to judge, and how; see `audit`."""

    store: Store
    settings: Settings
    settings_file: Document | None
    resolved: tuple[ResolvedRule, ...]
    choice: Choice
    profile: str | None
    even_if_unfit: bool
    manner: Manner


@dataclass(frozen=True, slots=True)
class _Seen:
    """What an audit has seen while it could only look.

    Attributes:
        state: The mirror.
        context: The mirror's time, definitions and columns.
        finder: Holds the relations that were made.
        found: Rule → what it has found, of the rules that ran.
    """

    state: MirrorState
    context: AuditContext
    finder: Finder
    found: Mapping[str, Found]


def _look(session: Session, asked: _Asked) -> _Seen:
    """Run the rules, and keep what they find in temporary tables."""
    state = read_state(session)
    running = {one.rule.id for one in asked.choice.running}
    context = replace(
        context_of(session, state, asked.settings, asked.store.dialect),
        used=frozenset(name for one in asked.choice.running for name in one.rule.fields),
    )
    check_definitions(session, context, asked.settings_file)
    check_parts(asked.choice.running, session, context, asked.settings_file)
    finder = Finder(session, context)
    found = {
        one.rule.id: finder.find(one)
        for one in asked.resolved
        if one.rule.id in running or (asked.manner.gated and is_gate(one) and one.enabled)
    }
    return _Seen(state, context, finder, found)


def _write_down(session: Session, asked: _Asked, seen: _Seen) -> AuditResult:
    """Store what was found, held against the past, with the metrics: all of it or nothing."""
    run_id = start_run(session, "audit")
    prepare_audits(session)
    rules, known = [one.rule for one in asked.resolved], (asked.settings, asked.settings_file)
    before = look_back(session, seen.state, seen.context, rules, known)
    context = replace(seen.context, standing=before.standing)
    audit_id, running = new_audit_id(), {one.rule.id for one in asked.choice.running}
    results, fitness = judge_all(
        session,
        audit_id,
        [(one, one.rule.id in running) for one in asked.resolved if one.rule.id in seen.found],
        lambda position, one: judge(seen.found[one.rule.id], Place(session, audit_id, position, context)),
        even_if_unfit=asked.even_if_unfit or not asked.manner.gated,
    )
    built = seen.finder.built
    built.keep()

    def measure(judged: Sequence[RuleResult]) -> tuple[MetricResult, ...]:
        if not asked.manner.measured:
            return ()
        told = metric_context(seen.state, asked.settings, context, judged=judged)
        return compute_all(session, told, built, sparing=bool(asked.manner.sparing))

    result = settle(session, before, _result(asked, seen.state, audit_id, results, fitness), measure)
    built.drop()
    finish_run(session, run_id, state="done", api_calls=0, summary=_summary(result))
    return result


def _result(
    asked: _Asked, state: MirrorState, audit_id: str, results: tuple[RuleResult, ...], fitness: Fitness
) -> AuditResult:
    turned_off = asked.choice.turned_off
    return AuditResult(
        audit_id=audit_id,
        as_of=state.as_of,
        rules=results,
        metrics=(),
        org=state.org_id,
        instance_url=state.instance_url,
        timezone=asked.settings.timezone,
        definitions_digest=asked.settings.definitions.digest(),
        disabled=turned_off,
        warnings=tuple(_warnings(results, turned_off)),
        fitness=fitness if asked.manner.gated else Fitness(),
        profile=asked.profile,
        store=asked.store,
    )


def _warnings(results: Sequence[RuleResult], left_out: Sequence[str]) -> Iterator[str]:
    yield from (result.reason or "" for result in results if result.broken)
    blind = [result.rule.id for result in results if result.state is RuleState.NOT_EVALUABLE]
    if len(blind) == len(results):
        yield "no rule could judge this mirror: nothing is known to be right"
    elif blind:
        yield f"{len(blind)} of {len(results)} rules could not be evaluated: {', '.join(blind)}"
    if left_out:
        yield f"turned off in sfsync.yml: {', '.join(left_out)}"


def _summary(result: AuditResult) -> dict[str, object]:
    """What `sfsync status` tells of an audit."""
    return {
        "audit_id": result.audit_id,
        "rules": len(result.rules),
        "findings": sum(each.count for each in result.rules),
        "not_evaluable": sum(1 for _ in result.in_state(RuleState.NOT_EVALUABLE)),
    }

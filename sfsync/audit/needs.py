"""Whether a rule can judge this mirror at all: "could not look" is never "nothing wrong"."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlglot import exp

from sfsync.audit.context import AuditContext
from sfsync.audit.notions import how_to_bind, is_bound
from sfsync.audit.portable import read_select
from sfsync.audit.rule import Rule

_PULL = "then run `sfsync pull`"


@dataclass(frozen=True, slots=True)
class Unmet:
    """Why a rule is not evaluable, and the command or setting that would change it."""

    reason: str
    enable: str


def unmet_needs(rule: Rule, context: AuditContext) -> Unmet | None:
    """Everything the rule misses, or None when it can judge."""
    found = [*_objects(rule, context), *_fields(rule, context), *_history(rule, context), *_notions(rule, context)]
    return _together([*found, *_relations(rule, context)])


def unmet_notions(rule: Rule, context: AuditContext) -> Unmet | None:
    """What the definitions do not say; all that can be told without a mirror."""
    return _together(list(_notions(rule, context)))


def missed_options(rule: Rule, context: AuditContext) -> tuple[str, ...]:
    """What the rule cannot see for want of something optional."""
    missed: list[str] = []
    for option in rule.every_option:
        if option.notion is not None:
            absent = not is_bound(context.definitions, option.notion)
        else:
            absent = not all(context.holds(option.object or "", *field) for field in option.fields.items())
        if absent and option.otherwise:
            missed.append(option.otherwise)
    return tuple(dict.fromkeys(missed))


def _together(found: list[Unmet]) -> Unmet | None:
    if not found:
        return None
    return Unmet(
        reason="; ".join(dict.fromkeys(unmet.reason for unmet in found)),
        enable="; ".join(dict.fromkeys(unmet.enable for unmet in found)),
    )


def _objects(rule: Rule, context: AuditContext) -> Iterator[Unmet]:
    for name in rule.every_need:
        if context.object(name) is None:
            yield Unmet(
                f"{name} is not in the mirror",
                f"let the user who pulls read {name}, name it under `pull: {{objects: [...]}}` in sfsync.yml "
                f"if that is set, {_PULL}",
            )
        elif name in (rule.object, *rule.not_empty) and not context.rows.get(context.object(name) or name, 0):
            yield Unmet(
                f"the mirror holds no {name} record: the org has none, or the user who pulled may see none",
                f"check that the user who pulls may see {name} records, {_PULL}",
            )


def _fields(rule: Rule, context: AuditContext) -> Iterator[Unmet]:
    for name, fields in rule.every_need.items():
        if context.object(name) is None:
            continue
        absent = [f"{name}.{field}" for field in fields if context.column(name, field) is None]
        if absent:
            yield Unmet(
                f"{', '.join(absent)}: not in the org, or not readable by the user who pulled",
                f"give the user who pulls read access to {', '.join(absent)} (field-level security), {_PULL}",
            )
        for field, wanted in fields.items():
            kind = context.kind(name, field)
            if context.column(name, field) is not None and kind != wanted:
                yield Unmet(
                    f"{name}.{field} holds {kind} values, where the rule expects {wanted}",
                    f"check the type of {name}.{field} in the org, {_PULL}",
                )


def _history(rule: Rule, context: AuditContext) -> Iterator[Unmet]:
    texts = (rule.eligible, rule.sql, *(each.sql for each in rule.relations if each.sql))
    tables = {name for text in texts if "sf_history" in text.casefold() for name in _earlier_versions(text)}
    kept = {name.casefold() for name in context.history}
    for name in rule.fields:
        if name.casefold() in tables - kept:
            yield Unmet(
                f"no earlier versions of {name} records are kept",
                "earlier versions are kept from the second pull on: run `sfsync pull` again",
            )


def _earlier_versions(text: str) -> frozenset[str]:
    """The objects of which an SQL text reads earlier versions, in lower case."""
    tables = read_select(text).find_all(exp.Table)
    return frozenset(table.name.casefold() for table in tables if table.db.casefold() == "sf_history")


def _notions(rule: Rule, context: AuditContext) -> Iterator[Unmet]:
    for notion in rule.every_notion:
        if not is_bound(context.definitions, notion):
            yield Unmet(f"`definitions:` does not say what `{notion}` means in this org", how_to_bind(notion))


def _relations(rule: Rule, context: AuditContext) -> Iterator[Unmet]:
    for relation in rule.relations:
        found = relation.unmet(context) if relation.unmet else None
        if found is not None:
            yield Unmet(*found)

"""The columns of a finding that a rule's SQL need not give itself, or gives where it likes to."""

from __future__ import annotations

from sqlglot import exp

from sfsync.audit.rule import Rule
from sfsync.records import Severity


def _has(violations: exp.Query, column: str) -> bool:
    return column in {name.casefold() for name in violations.named_selects}


def severity_column(rule: Rule, violations: exp.Query, override: Severity | None) -> exp.Expr:
    """How grave it is: as the project says, else as the rule's SQL does, else as the rule."""
    if override is None and _has(violations, "severity"):
        return exp.column("severity", table="v")
    return exp.Literal.string((override or rule.severity).value)


def object_column(rule: Rule, violations: exp.Query) -> exp.Expr:
    """Of which object the record is: that of the rule, unless its SQL says otherwise."""
    if _has(violations, "object"):
        return exp.column("object", table="v")
    return exp.Literal.string(rule.object)


def text_or_null(violations: exp.Query, column: str) -> exp.Expr:
    """A column of the rule's SQL as a text; NULL where it has none of this name."""
    value: exp.Expr = exp.column(column, table="v") if _has(violations, column) else exp.null()
    return exp.cast(value, "VARCHAR").as_(column)


def fingerprint_column(rule: Rule, violations: exp.Query) -> exp.Expr:
    """Stable across runs: made of rule, object, Id and discriminator, never of values."""
    identity: exp.Expr = exp.DPipe(
        this=exp.Literal.string(f"{rule.id}/{rule.object}/"), expression=exp.column("record_id", table="v"), safe=True
    )
    if _has(violations, "discriminator"):
        which = exp.Coalesce(
            this=exp.cast(exp.column("discriminator", table="v"), "VARCHAR"), expressions=[exp.Literal.string("")]
        )
        identity = exp.DPipe(
            this=exp.DPipe(this=identity, expression=exp.Literal.string("/"), safe=True), expression=which, safe=True
        )
    return exp.MD5(this=identity)

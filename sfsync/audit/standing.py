"""What is known of findings before an audit begins: those of earlier audits, those waived, those of a baseline.

Findings are held against all of it in SQL, in the statement that stores them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sfsync.audit.waive import Waivers
from sfsync.store.interface import Session


class FindingState(StrEnum):
    """What is to be thought of a finding; `fixed` is one that earlier audits found and this one did not."""

    NEW = "new"
    PERSISTING = "persisting"
    REAPPEARED = "reappeared"
    WAIVED = "waived"
    BASELINED = "baselined"
    FIXED = "fixed"


#: States that count as new: nobody has seen such a finding, or it was gone in between.
FRESH = (FindingState.NEW, FindingState.REAPPEARED)

#: States of findings that never fail a run.
SETTLED = (FindingState.WAIVED, FindingState.BASELINED)


@dataclass(frozen=True, slots=True)
class Standing:
    """What findings are held against.

    Attributes:
        org_id: Of the mirror; only what was found in the same org is compared.
        as_of: The mirror's time, naive UTC.
        remembered: Rules of which earlier audits found something.
        baselined: Rules of which the baseline holds something.
        waivers: Those of the project.
    """

    org_id: str = ""
    as_of: datetime | None = None
    remembered: frozenset[str] = frozenset()
    baselined: frozenset[str] = frozenset()
    waivers: Waivers = field(default_factory=Waivers)


#: Nothing is known: every finding is new.
NOTHING_KNOWN = Standing()


def standing_of(
    session: Session, *, org_id: str | None, as_of: datetime, baselined: frozenset[str], waivers: Waivers
) -> Standing:
    """What is known before an audit of this org; see `Standing`."""
    rows = session.execute("SELECT DISTINCT rule_id FROM sfsync.finding_history WHERE org_id = ?", [org_id or ""])
    return Standing(org_id or "", as_of, frozenset(rule_id for (rule_id,) in rows), baselined, waivers)


def insert_statement(findings_sql: str, rule_id: str, standing: Standing) -> tuple[str, dict[str, Any]]:
    """The statement that stores a rule's findings with their state, and its parameters.

    Args:
        findings_sql: Gives record_id, severity, discriminator, breakdown, message and fingerprint.
        rule_id: Of the rule.
        standing: What they are held against.
    """
    joins: list[str] = []
    cases: list[str] = []
    params: dict[str, Any] = {"as_of": standing.as_of}
    waiver = _waiver(joins, params, rule_id, standing.waivers)
    if waiver != "NULL":
        cases.append(f"WHEN {waiver} IS NOT NULL THEN 'waived'")
    if rule_id in standing.baselined:
        joins.append(
            "LEFT JOIN (SELECT DISTINCT fingerprint FROM audit_baseline WHERE rule_id = $rule_id) AS b"
            " ON b.fingerprint = f.fingerprint"
        )
        cases.append("WHEN b.fingerprint IS NOT NULL THEN 'baselined'")
    first_seen = "CAST($as_of AS TIMESTAMP)"
    if rule_id in standing.remembered:
        joins.append(
            "LEFT JOIN (SELECT fingerprint, first_seen, gone_at FROM sfsync.finding_history"
            " WHERE org_id = $org_id AND rule_id = $rule_id) AS k ON k.fingerprint = f.fingerprint"
        )
        cases.append("WHEN k.fingerprint IS NOT NULL AND k.gone_at IS NULL THEN 'persisting'")
        cases.append("WHEN k.fingerprint IS NOT NULL THEN 'reappeared'")
        first_seen = f"COALESCE(k.first_seen, {first_seen})"
        params["org_id"] = standing.org_id
    state = f"CASE {' '.join(cases)} ELSE 'new' END" if cases else "'new'"
    statement = (
        "INSERT INTO sfsync.findings (audit_id, position, number, rule_id, object, record_id, severity,"
        " discriminator, breakdown, message, fingerprint, state, waiver, first_seen)"
        " SELECT $audit_id, $position,"
        " $stored + row_number() OVER (ORDER BY f.record_id, f.discriminator, f.fingerprint),"
        " $rule_id, f.object, f.record_id, f.severity, f.discriminator, f.breakdown, f.message, f.fingerprint,"
        f" {state}, CAST({waiver} AS INTEGER), {first_seen}"
        f" FROM (\n{findings_sql}\n) AS f {' '.join(joins)}"
    )
    return statement, params


def _waiver(joins: list[str], params: dict[str, Any], rule_id: str, waivers: Waivers) -> str:
    """The number of the waiver that covers a finding as an expression, its joins added; the narrowest one counts."""
    mine = waivers.of_rule(rule_id)
    choices: list[str] = []
    by_record = [each for each in mine if each.waiver.record is not None and each.waiver.field is None]
    by_field = [each for each in mine if each.waiver.field is not None]
    whole = [each.number for each in mine if each.waiver.record is None and each.waiver.field is None]
    of_rule = "substr($rule_id, 1, length(prefix)) = prefix"
    if by_record:
        joins.append(
            "LEFT JOIN (SELECT record_id, min(number) AS number FROM audit_waivers"
            f" WHERE {of_rule} AND record_id IS NOT NULL AND field IS NULL GROUP BY record_id) AS wr"
            " ON substr(wr.record_id, 1, 15) = substr(f.record_id, 1, 15)"
        )
        choices.append("wr.number")
    if any(each.waiver.record is not None for each in by_field):
        joins.append(
            "LEFT JOIN (SELECT record_id, field, min(number) AS number FROM audit_waivers"
            f" WHERE {of_rule} AND record_id IS NOT NULL AND field IS NOT NULL GROUP BY record_id, field) AS wb"
            f" ON substr(wb.record_id, 1, 15) = substr(f.record_id, 1, 15) AND wb.field = {_FIELD_TOLD}"
        )
        choices.append("wb.number")
    if any(each.waiver.record is None for each in by_field):
        fields = (
            "(SELECT field, min(number) AS number FROM audit_waivers"
            f" WHERE {of_rule} AND record_id IS NULL AND field IS NOT NULL GROUP BY field)"
        )
        joins.append(f"LEFT JOIN {fields} AS wd ON wd.field = {_FIELD_TOLD}")
        joins.append(f"LEFT JOIN {fields} AS wi ON wi.field = lower(f.record_id)")
        choices += ["wd.number", "wi.number"]
    if whole:
        params["waiver_of_rule"] = min(whole)
        choices.append("CAST($waiver_of_rule AS INTEGER)")
    return f"COALESCE({', '.join(choices)})" if len(choices) > 1 else (choices or ["NULL"])[0]


#: Which field a finding is about, as far as its discriminator says so: `Field` or `Object.Field`, before any `/`.
_FIELD_TOLD = (
    "CASE WHEN f.discriminator LIKE '%.%' THEN lower(split_part(f.discriminator, '/', 1))"
    " ELSE lower(f.object || '.' || split_part(f.discriminator, '/', 1)) END"
)

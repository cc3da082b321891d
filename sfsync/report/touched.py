"""How much of the org the findings touch: records, and the open amount among them."""

from __future__ import annotations

from datetime import datetime

from sfsync.report.text import counted, number, visible
from sfsync.store.interface import Session
from sfsync.store.mirror import mirror_columns

_NEEDED = frozenset({"Id", "IsClosed", "Amount"})


def records_touched(session: Session, audit_id: str) -> int:
    """How many records have at least one finding that is not waived."""
    sql = "SELECT count(DISTINCT record_id) FROM sfsync.findings WHERE audit_id = ? AND state <> 'waived'"
    return int(session.execute(sql, [audit_id]).scalar())


def oldest_findings(session: Session, audit_id: str) -> dict[str, datetime]:
    """Rule → as of when the oldest of its findings was found first."""
    rows = session.execute(
        "SELECT rule_id, min(first_seen) FROM sfsync.findings WHERE audit_id = ? AND state <> 'waived'"
        " AND first_seen IS NOT NULL GROUP BY rule_id",
        [audit_id],
    )
    return dict(rows.rows)


def money_line(session: Session, audit_id: str) -> str | None:
    """The open amount with errors in one sentence, a sum for each currency; None where there is none to tell."""
    columns = mirror_columns(session).get("Opportunity", {})
    if not columns.keys() >= _NEEDED:
        return None
    currency = '"CurrencyIsoCode"' if "CurrencyIsoCode" in columns else "CAST(NULL AS VARCHAR)"
    rows = session.execute(
        f"""
        SELECT {currency} AS currency, count(*) AS n, sum("Amount") AS amount
        FROM sf."Opportunity"
        WHERE NOT "IsClosed" AND "Id" IN (
            SELECT record_id FROM sfsync.findings
            WHERE audit_id = ? AND object = 'Opportunity' AND severity = 'error' AND state <> 'waived'
        )
        GROUP BY 1 ORDER BY 2 DESC, 1
        """,
        [audit_id],
    ).dicts()
    touched = sum(row["n"] for row in rows)
    if not touched:
        return None
    sums = [f"{visible(row['currency'] or '', 10)} {number(row['amount'])}".strip() for row in rows if row["amount"]]
    worth = f", worth {' + '.join(sums)}" if sums else ""
    return f"{counted(touched, 'open opportunity has', 'open opportunities have')} errors{worth}."

"""How much of the org the findings touch: records, and the open amount among them."""

from __future__ import annotations

from sfsync.report.text import counted, number, visible
from sfsync.store.interface import Session
from sfsync.store.mirror import mirror_columns

_NEEDED = frozenset({"Id", "IsClosed", "Amount"})


def records_touched(session: Session, audit_id: str) -> int:
    """How many records have at least one finding."""
    sql = "SELECT count(DISTINCT record_id) FROM sfsync.findings WHERE audit_id = ?"
    return int(session.execute(sql, [audit_id]).scalar())


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
            WHERE audit_id = ? AND object = 'Opportunity' AND severity = 'error'
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

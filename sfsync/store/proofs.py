"""What `verify` proved of each object, as the ledger keeps it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sfsync.store.columns import has_table, table_columns
from sfsync.store.interface import Session

_TABLE = (
    "CREATE TABLE IF NOT EXISTS sfsync.proofs (run_id VARCHAR, object VARCHAR, as_of TIMESTAMP, records BIGINT,"
    " differences VARCHAR, method VARCHAR, repaired BOOLEAN)"
)


@dataclass(frozen=True, slots=True)
class Proof:
    """One object held against the org.

    Attributes:
        run_id: The run that did it.
        object: API name.
        as_of: The instant (naive UTC) as of which it was compared.
        records: How many records the org listed.
        differences: Kind → how many; empty when the mirror equals the org.
        method: `ids`, `values`, or `sample of N`.
        repaired: The differences were mended at once.
    """

    run_id: str
    object: str
    as_of: datetime
    records: int
    differences: Mapping[str, int]
    method: str
    repaired: bool = False


def prepare(session: Session) -> None:
    """Make the table where it is missing."""
    session.execute(_TABLE)


def save_proof(session: Session, proof: Proof) -> None:
    """Keep a proof."""
    if not _knows_repairs(session):
        session.execute("ALTER TABLE sfsync.proofs ADD COLUMN repaired BOOLEAN")
    session.execute(
        "INSERT INTO sfsync.proofs (run_id, object, as_of, records, differences, method, repaired)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            *(proof.run_id, proof.object, proof.as_of, proof.records, json.dumps(dict(proof.differences))),
            *(proof.method, proof.repaired),
        ],
    )


def last_proofs(session: Session) -> dict[str, Proof]:
    """Object → its newest proof; empty before the first."""
    if not has_table(session, "sfsync", "proofs"):
        return {}
    repaired = "repaired" if _knows_repairs(session) else "FALSE"
    rows = session.execute(
        f"SELECT run_id, object, as_of, records, differences, method, {repaired} FROM sfsync.proofs ORDER BY run_id"
    )
    return {
        name: Proof(run_id, name, as_of, records, json.loads(differences), method, mended is True)
        for run_id, name, as_of, records, differences, method, mended in rows
    }


def _knows_repairs(session: Session) -> bool:
    """Whether the table has the column: that of an older project has not."""
    return "repaired" in table_columns(session, "sfsync", "proofs")

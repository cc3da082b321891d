"""A flaw for every rule on the mirror itself, each on an object or a field of its own."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from clean_org import TODAY, add_fields
from plants_deals import Deals
from records_of_mirror import Records, shown
from seeded_org import SeededOrg, days_ago

from sfsync.records import FieldDescribe
from sfsync.store.drift import NEW, FieldChange, note_drifts
from sfsync.store.interface import Session
from sfsync.store.proofs import Proof, save_proof

#: The mirror's time, as its tables have it.
NOW = TODAY.replace(tzinfo=None)


class MirrorPlants(Deals):
    """A flaw for every rule; the gate says of this mirror that it is unfit."""

    def __init__(self, seeded: SeededOrg) -> None:
        super().__init__(seeded)
        for rule, ids in {
            "SY001": ("Lead",),
            "SY002": ("Contact",),
            "SY003": ("CampaignMember",),
            "SY005": ("Lead.Crm_Id__c",),
            "SY006": ("Lead.PostalCode",),
            "SY007": ("Account.ShippingCity",),
            "SY008": (seeded.campaign,),
            "SY009": ("LeadStatus",),
            "SY011": ("Event",),
            "SY012": ("OpportunityFieldHistory",),
            "SY013": ("Campaign",),
            "SY014": ("CHF",),
        }.items():
            seeded.plant(rule, *ids)
        self.unconverted = seeded.plant("SY004", seeded.lead())
        self.org.clock.set(days_ago(20))
        self.foreign = self.direct()
        seeded.changes += [self._in_records, self._in_the_ledger]

    def _in_records(self, session: Session) -> None:
        records = Records(session)
        contact = records.one("Contact", "r.\"LastName\" = 'Known'")
        records.set("Lead", self.unconverted, ConvertedContactId=contact)
        session.execute('UPDATE sf_all."Lead" SET "PostalCode" = \'10115.0\' WHERE NOT "IsConverted"')
        session.execute('UPDATE sf_all."Account" SET "ShippingCity" = \'MÃ¼nchen\'')
        session.execute(
            'INSERT INTO sf_all."Campaign" SELECT * FROM sf_all."Campaign" WHERE "Id" = ?', [self.seeded.campaign]
        )
        records.set("Opportunity", self.foreign, CurrencyIsoCode="CHF")
        horizon = days_ago(100).replace(tzinfo=None)
        session.execute('DELETE FROM sf_all."OpportunityFieldHistory" WHERE "CreatedDate" < ?', [horizon])

    def _in_the_ledger(self, session: Session) -> None:
        for name, kind in (("Lead", "missing"), ("Contact", "late commit")):
            save_proof(session, Proof("99999999T", name, NOW, 100, {kind: 3}, "ids"))
        session.execute("UPDATE sfsync.coverage SET unproven_since = covered WHERE object = 'CampaignMember'")
        note_drifts(session, "r", "Lead", [FieldChange("Crm_Id__c", NEW)], NOW - timedelta(days=1))
        add_fields(session, "Campaign", FieldDescribe("Score__c", "double", custom=True, calculated=True))
        session.execute("UPDATE sfsync.cursors SET run_id = (SELECT MAX(id) FROM sfsync.runs WHERE verb = 'pull')")
        another_pull(session, "99999998T", {"LeadStatus": 100}, minutes=1)
        another_pull(session, "99999999T", {"Event": "the budget was reached"}, minutes=2)


def another_pull(session: Session, run_id: str, counts: dict[str, Any], minutes: int) -> None:
    """Another pull in the ledger, like the last one but for some of its counts, so much later."""
    last = "WHERE verb = 'pull' AND id < '9999' ORDER BY started_at DESC LIMIT 1"
    like, text = session.execute(f"SELECT id, summary FROM sfsync.runs {last}").rows[0]
    summary = shown(json.dumps({**json.loads(text), **counts}))
    changed = f"{shown(run_id)} AS id, started_at + INTERVAL '{minutes} minutes' AS started_at, {summary} AS summary"
    session.execute(f"INSERT INTO sfsync.runs SELECT * REPLACE ({changed}) FROM sfsync.runs WHERE id = {shown(like)}")

"""A flaw for every rule on what conversions carry over, each on a lead of its own."""

from __future__ import annotations

from typing import Any

from clean_org import CONVERTED, add_fields
from seeded_org import DAY, SeededOrg

from sfsync.fake.ids import make_id
from sfsync.records import FieldDescribe, PicklistEntry
from sfsync.store.interface import Session

#: A rule a lead, made for its plant alone; the others have one of their own kind.
CREATED = ("FM001", "FM002", "FM009", "FM012", "FM013", "FM014", "FM015", "FM016", "FM017", "FM018")
ATTACHED = ("FM003", "FM004", "FM010", "FM011")
OPEN = {"FM007": {"Rating": "Tepid"}, "FM008": {"Company": "Long & Sons " * 12}}
ON_THE_LEAD = ("FM001", "FM002", "FM003", "FM004", "FM007", "FM008", "FM009", "FM010", "FM011", "FM014", "FM018")
ON_THE_DEAL = ("FM012", "FM015", "FM016", "FM017")


class CarryOverPlants:
    """A flaw for every rule."""

    def __init__(self, seeded: SeededOrg) -> None:
        self.seeded, self.org = seeded, seeded.org
        self.leads = {rule: seeded.lead(CONVERTED - 9 * DAY, LeadSource="Web") for rule in (*CREATED, *ATTACHED)}
        self.leads |= {rule: seeded.lead(**values) for rule, values in OPEN.items()}
        self.losing = [seeded.lead(CONVERTED - 9 * DAY) for _ in range(20)]
        self._convert()
        self.became = {
            rule: {name: seeded.target(one, name) for name in ("Account", "Contact", "Opportunity")}
            for rule, one in self.leads.items()
            if rule not in OPEN
        }
        for rule in ON_THE_LEAD:
            seeded.plant(rule, self.leads[rule])
        for rule in ON_THE_DEAL:
            seeded.plant(rule, self.became[rule]["Opportunity"])
        seeded.imply(
            "PL001", self.became["FM016"]["Opportunity"], "what is as the conversion left it is in its first stage"
        )
        seeded.plant("FM013", self.became["FM013"]["Contact"])
        seeded.plant("FM005", "Lead.Origin__c")
        seeded.plant("FM006", "Lead.Budget__c")
        seeded.changes += [self._on_one, self._on_many]

    def _convert(self) -> None:
        org, seeded = self.org, self.seeded
        org.clock.set(CONVERTED - 8 * DAY)
        org.insert("CampaignMember", [{"LeadId": self.leads["FM012"], "CampaignId": seeded.campaign, "Status": "Sent"}])
        seeded.convert([self.leads[rule] for rule in CREATED], CONVERTED)
        seeded.convert(self.losing, CONVERTED + DAY, by=seeded.user("Automation"))
        for rule in ATTACHED:
            org.clock.set(CONVERTED - 20 * DAY)
            (account,) = org.insert("Account", [{"Name": f"Old {rule}"}])
            (contact,) = org.insert("Contact", [{"LastName": f"Old {rule}", "AccountId": account}])
            seeded.convert([self.leads[rule]], CONVERTED, account_id=account, contact_id=contact)
        org.clock.set(CONVERTED + 3 * DAY)
        for rule in (*CREATED, *ATTACHED):
            if rule != "FM016":
                seeded.work_on(self.leads[rule])
        taken = {"Description": "Not yet", "NextStep": "Call on Friday"}  # and yet as the conversion has left it
        org.update("Opportunity", seeded.target(self.leads["FM016"], "Opportunity"), taken)
        for one in self.losing:
            seeded.work_on(one)

    def _on_one(self, session: Session) -> None:
        def change(rule: str, name: str, field: str, value: Any) -> None:
            self._set(session, name, self.became[rule][name], field, value)

        change("FM001", "Contact", "Title", None)
        change("FM002", "Contact", "Title", "Gatekeeper")
        self._history(session, "FM003", "Phone", "+49 30 999")
        change("FM004", "Contact", "MobilePhone", None)
        change("FM009", "Contact", "LeadSource", None)
        self._history(session, "FM010", "LeadSource", "Other")
        session.execute(
            'INSERT INTO sf_all."AccountHistory" ("Id", "AccountId", "Field", "NewValue", "CreatedDate") VALUES (?, ?, ?, ?, ?)',
            [make_id("017", 9_900_000), self.became["FM011"]["Account"], "AccountSource", "Web", _CONVERTED],
        )
        change("FM012", "Opportunity", "CampaignId", None)
        self._set(session, "Lead", self.leads["FM013"], "HasOptedOutOfEmail", True)
        change("FM014", "Opportunity", "RecordTypeId", None)
        change("FM015", "Opportunity", "CurrencyIsoCode", "USD")
        change("FM017", "Opportunity", "Description", None)
        session.execute(
            'INSERT INTO sf_all."ContentDocumentLink" ("Id", "LinkedEntityId", "ContentDocumentId") VALUES (?, ?, ?)',
            ["06AFk0000000001AAA", self.leads["FM018"], "069Fk0000000001AAA"],
        )

    def _on_many(self, session: Session) -> None:
        add_fields(session, "Lead", FieldDescribe("Origin__c", "string", custom=True, length=80))
        session.execute('UPDATE sf_all."Lead" SET "Origin__c" = ? WHERE "IsConverted"', ["Slow"])
        for one in self.losing:
            self._set(session, "Opportunity", self.seeded.target(one, "Opportunity"), "Budget__c", None)
        values = tuple(PicklistEntry(value, value) for value in ("Hot", "Warm", "Cold"))
        add_fields(session, "Account", FieldDescribe("Rating", "picklist", picklist_entries=values))

    def _set(self, session: Session, name: str, record_id: str, field: str, value: Any) -> None:
        session.execute(f'UPDATE sf_all."{name}" SET "{field}" = ? WHERE "Id" = ?', [value, record_id])

    def _history(self, session: Session, rule: str, field: str, old: str) -> None:
        new = self.seeded.the("Lead", self.leads[rule])[field]
        row = [make_id("017", 9_900_000 + int(rule[-3:])), self.became[rule]["Contact"], field, old, new, _CONVERTED]
        session.execute(
            'INSERT INTO sf_all."ContactHistory" ("Id", "ContactId", "Field", "OldValue", "NewValue", "CreatedDate")'
            " VALUES (?, ?, ?, ?, ?, ?)",
            row,
        )


_CONVERTED = CONVERTED.replace(tzinfo=None)

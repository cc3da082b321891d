"""Mirrors of the org of 5,000 leads, with what the fake org does not know, as it is where everything is in order."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

from clean_org import OBJECTS, TODAY, add_object, furnish
from clean_org import pulled as pulled_by_objects
from seeded_org import SeededOrg, in_days
from seeded_settings import RETIRED

from sfsync.fake.ids import make_id
from sfsync.salesforce import connect
from sfsync.store import Store
from sfsync.store.interface import Session
from sfsync.store.ledger import recount
from sfsync.sync.verify import verify


def pulled(seeded: SeededOrg, folder: Path) -> Store:
    """What a pull leaves, compared with the org and furnished."""
    org = seeded.org
    seeded.settle()
    objects = (*OBJECTS, "Group")
    if seeded.drifts:
        org.clock.set(TODAY - timedelta(hours=1))
        pulled_by_objects(org, folder, objects)
        org.clock.set(TODAY)
        for drift in seeded.drifts:
            drift()
        org.clock.advance(timedelta(minutes=5))
    store = pulled_by_objects(org, folder, objects)
    env = {"SF_ACCESS_TOKEN": org.token, "SF_ORG_INSTANCE_URL": org.instance_url}
    known = ["Lead", "Account", "Contact", "Opportunity", "User"]
    verify(connect(env=env, session=org.session()), store, workspace=folder, objects=known)
    with store.writing() as session:
        furnish(session)
        _deals(session)
        _currencies(session)
        _people(session, seeded)
        _queues(session, seeded)
    return store


def _deals(session: Session) -> None:
    """The fake org does not know activities that lie ahead, nor products."""
    session.execute(
        'UPDATE sf_all."Opportunity" SET "HasOpenActivity" = true, "LastActivityDate" = ? WHERE NOT "IsClosed"',
        [date.fromisoformat(in_days(-2))],
    )
    session.execute('UPDATE sf_all."Opportunity" SET "HasOpportunityLineItem" = true WHERE "IsWon"')
    add_stage(session, "01JFk0000000901AAA", RETIRED, is_active=False)
    add_object(session, "OpportunityLineItem", {"Id": "id", "OpportunityId": "reference", "TotalPrice": "currency"})


def _currencies(session: Session) -> None:
    """The org has two currencies, and their rates are mirrored."""
    columns = {
        "Id": "id",
        "IsoCode": "picklist",
        "ConversionRate": "double",
        "IsActive": "boolean",
        "IsCorporate": "boolean",
    }
    rows = [
        {
            "Id": make_id("01L", number),
            "IsoCode": code,
            "ConversionRate": rate,
            "IsActive": True,
            "IsCorporate": rate == 1,
        }
        for number, (code, rate) in enumerate((("EUR", 1), ("USD", 1.1)), start=1)
    ]
    add_object(session, "CurrencyType", columns, rows)
    dated = {
        "Id": "id",
        "IsoCode": "picklist",
        "StartDate": "date",
        "NextStartDate": "date",
        "ConversionRate": "double",
    }
    add_object(session, "DatedConversionRate", dated)
    for name in ("CurrencyType", "DatedConversionRate"):
        recount(session, name)


def _people(session: Session, seeded: SeededOrg) -> None:
    """In late stages, name who decides, and a second person."""
    for number, deal in enumerate(seeded.peopled):
        session.execute(
            'UPDATE sf_all."OpportunityContactRole" SET "Role" = ? WHERE "OpportunityId" = ?', ["Decision Maker", deal]
        )
        session.execute(
            'INSERT INTO sf_all."OpportunityContactRole" ("Id", "OpportunityId", "ContactId", "IsPrimary", "IsDeleted")'
            ' SELECT ?, ?, MIN("Id"), false, false FROM sf."Contact" WHERE "LastName" = ?',
            [make_id("00K", 900_000 + number), deal, "Known"],
        )


def _queues(session: Session, seeded: SeededOrg) -> None:
    member = {"Id": make_id("011", 1), "GroupId": seeded.queue, "UserOrGroupId": seeded.sellers[0]}
    add_object(session, "GroupMember", dict.fromkeys(member, "reference") | {"Id": "id"}, [member])
    recount(session, "GroupMember")
    # The pull did not bring these, and a mirror that was furnished by hand is not stale for that.
    session.execute("UPDATE sfsync.cursors SET run_id = (SELECT MAX(id) FROM sfsync.runs WHERE verb = 'pull')")


def add_stage(session: Session, stage_id: str, name: str, *, is_active: bool = True, is_won: bool = False) -> None:
    """Put a stage into the mirror."""
    session.execute(
        'INSERT INTO sf_all."OpportunityStage" ("Id", "ApiName", "MasterLabel", "SortOrder", "IsActive", "IsClosed",'
        ' "IsWon", "DefaultProbability", "ForecastCategory") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
        [stage_id, name, name, 99, is_active, False, is_won, 10, "Pipeline"],
    )

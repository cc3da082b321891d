"""Composite, describes in bulk, logs of deletions and permissions, against a fake org and a scripted one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from sfsync.errors import IncompleteAnswer, RequestRefused, UsageError
from sfsync.fake import FakeOrg
from sfsync.fake.dml import replication as log
from sfsync.fake.weather import Refused
from sfsync.salesforce import Org, connect
from sfsync.salesforce.composite import ask_together
from sfsync.salesforce.describe import describe_object, describe_objects
from sfsync.salesforce.permissions import parent_of, view_all
from sfsync.salesforce.replication import Deleted, get_deleted, get_deleted_of_many
from sfsync.salesforce.retry_policy import RetryPolicy
from sfsync.salesforce.transport import Transport


@pytest.fixture
def fake() -> Iterator[FakeOrg]:
    with FakeOrg.seeded(seed=5, leads=60) as world:
        yield world


@pytest.fixture
def org(fake: FakeOrg) -> Org:
    return login(fake, fake.token)


def login(fake: FakeOrg, token: str) -> Org:
    transport = Transport(fake.session(), env={}, policy=RetryPolicy(sleep=lambda _seconds: None))
    return connect(env={"SF_ACCESS_TOKEN": token, "SF_ORG_INSTANCE_URL": fake.instance_url}, transport=transport)


def paths(fake: FakeOrg) -> list[str]:
    return [call.path for call in fake.requests]


def span(fake: FakeOrg) -> tuple[datetime, datetime]:
    now = fake.clock.stamp()
    return now - timedelta(hours=1), now


# --- describes -------------------------------------------------------------------------------------------------------


def test_many_objects_are_described_in_one_call(fake: FakeOrg, org: Org) -> None:
    names = [facts.name for facts in fake.catalog if facts.name != "Group"][:20]
    calls = org.usage.calls
    described = describe_objects(org, names)
    assert org.usage.calls - calls == 1
    assert list(described) == names
    assert described["Lead"] == describe_object(org, "Lead")
    assert described["Lead"].replicateable
    assert not described["LeadStatus"].replicateable


def test_more_than_25_take_a_second_call(fake: FakeOrg, org: Org) -> None:
    asked = {f"{number}": org.data_path("sobjects", "LeadStatus", "describe") for number in range(26)}
    calls = org.usage.calls
    assert len(ask_together(org, asked)) == 26
    assert org.usage.calls - calls == 2


def test_an_org_without_composite_is_asked_one_by_one(fake: FakeOrg, org: Org) -> None:
    fake.weather.add(Refused(404, b'[{"errorCode": "NOT_FOUND", "message": "no"}]'), path="/composite", times=None)
    assert set(describe_objects(org, ["Lead", "Account"])) == {"Lead", "Account"}
    assert sum(path.endswith("/describe") for path in paths(fake)) == 2


def test_one_object_alone_is_asked_directly(fake: FakeOrg, org: Org) -> None:
    describe_objects(org, ["Lead"])
    assert not any(path.endswith("/composite") for path in paths(fake))


def test_an_object_that_does_not_exist_is_refused_with_its_own_error(org: Org) -> None:
    with pytest.raises(RequestRefused) as refused:
        describe_objects(org, ["Lead", "Nothing__c"])
    assert refused.value.error_code == "NOT_FOUND"


def test_a_name_that_cannot_be_one_is_never_sent(org: Org) -> None:
    with pytest.raises(UsageError):
        describe_objects(org, ["Lead", "../limits"])


def test_a_composite_answer_of_another_form_is_incomplete(server, transport, token, make_answer) -> None:
    scripted = connect(env={"SF_ACCESS_TOKEN": token, "SF_ORG_INSTANCE_URL": server.url}, transport=transport)
    server.on("POST /services/data/v66.0/composite", make_answer(200, {"compositeResponse": [{"body": {}}]}))
    with pytest.raises(IncompleteAnswer):
        ask_together(scripted, {"a": "/services/data/v66.0/limits", "b": "/services/data/v66.0/limits"})


# --- logs of deletions -----------------------------------------------------------------------------------------------


def test_the_log_names_what_was_deleted_and_when(fake: FakeOrg, org: Org) -> None:
    soft, hard = fake.insert("Lead", [{"LastName": name, "Company": "X"} for name in "ab"])
    fake.clock.advance(timedelta(minutes=2))
    fake.delete("Lead", soft)
    fake.delete("Lead", hard, hard=True)
    moment = fake.clock.stamp()
    fake.clock.advance(timedelta(minutes=2))
    found = get_deleted(org, "Lead", *span(fake))
    assert {soft, hard} <= set(found.ids)
    assert abs(found.ids[hard] - moment) <= timedelta(seconds=2)
    assert found.whole
    assert found.earliest_date_available < found.latest_date_covered <= fake.clock.stamp()


def test_logs_of_many_objects_come_in_one_call(fake: FakeOrg, org: Org) -> None:
    calls = org.usage.calls
    found = get_deleted_of_many(org, dict.fromkeys(["Lead", "Account", "Contact"], span(fake)))
    assert org.usage.calls - calls == 1
    assert all(isinstance(each, Deleted) for each in found.values())


def test_an_object_whose_log_is_refused_leaves_the_others_alone(fake: FakeOrg, org: Org) -> None:
    start, end = span(fake)
    spans = {"Lead": (start, end), "Account": (start - timedelta(days=30), end)}
    found = get_deleted_of_many(org, spans)
    assert isinstance(found["Lead"], Deleted)
    refused = found["Account"]
    assert isinstance(refused, RequestRefused)
    assert refused.error_code == "INVALID_REPLICATION_DATE"


def test_a_log_with_too_many_ids_is_asked_for_in_halves(
    fake: FakeOrg, org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = []
    for _minute in range(8):
        ids += fake.insert("Lead", [{"LastName": "x", "Company": "X"}])
        fake.delete("Lead", ids[-1], hard=True)
        fake.clock.advance(timedelta(minutes=3))
    whole = get_deleted(org, "Lead", *span(fake))
    monkeypatch.setattr(log, "_MOST_IDS", 3)
    halves = get_deleted(org, "Lead", *span(fake))
    assert set(ids) <= set(halves.ids) == set(whole.ids)
    assert halves.whole
    assert halves.latest_date_covered == whole.latest_date_covered
    many = get_deleted_of_many(org, dict.fromkeys(["Lead", "Account"], span(fake)))["Lead"]
    assert isinstance(many, Deleted)
    assert many.ids == halves.ids


def test_a_minute_with_too_many_ids_is_told(fake: FakeOrg, org: Org, monkeypatch: pytest.MonkeyPatch) -> None:
    for record_id in fake.insert("Lead", [{"LastName": "x", "Company": "X"}] * 5):
        fake.delete("Lead", record_id, hard=True)
    fake.clock.advance(timedelta(minutes=3))
    monkeypatch.setattr(log, "_MOST_IDS", 3)
    assert not get_deleted(org, "Lead", *span(fake)).whole


# --- permissions -----------------------------------------------------------------------------------------------------


def test_an_administrator_sees_every_record(org: Org) -> None:
    names = ["Lead", "OpportunityHistory", "LeadStatus", "Deal__c", "Deal__History"]
    calls = org.usage.calls
    assert view_all(org, names) == dict.fromkeys(names, True)
    assert org.usage.calls - calls <= 2  # one of them to learn who is logged in


def test_setup_objects_have_no_sharing_and_cost_nothing(org: Org) -> None:
    calls = org.usage.calls
    assert view_all(org, ["LeadStatus", "User"]) == {"LeadStatus": True, "User": True}
    assert org.usage.calls == calls


def test_view_all_records_counts_object_by_object_and_children_follow(fake: FakeOrg, org: Org) -> None:
    own = take_view_all_data(fake)
    asked = ["Lead", "LeadHistory", "Opportunity", "OpportunityHistory", "User"]
    assert view_all(org, asked) == dict.fromkeys(asked, False) | {"User": True}
    grant = {"ParentId": own, "SobjectType": "Opportunity", "PermissionsRead": True, "PermissionsViewAllRecords": True}
    fake.insert("ObjectPermissions", [grant])
    seen = view_all(org, asked)
    assert seen == {"Lead": False, "LeadHistory": False, "Opportunity": True, "OpportunityHistory": True, "User": True}


@pytest.mark.parametrize("hidden", ["PermissionSet", "PermissionSetAssignment", "ObjectPermissions"])
def test_what_cannot_be_read_cannot_be_told(fake: FakeOrg, org: Org, hidden: str) -> None:
    take_view_all_data(fake)
    fake.hide(hidden)
    assert view_all(org, ["Lead", "LeadStatus"]) == {"Lead": None, "LeadStatus": True}


def test_a_user_who_joins_later_has_the_permissions_of_the_profile(fake: FakeOrg, org: Org) -> None:
    view_all(org, ["Lead"])
    with fake.database.reading() as cursor:
        (profile,) = cursor.execute('SELECT "Id" FROM "Profile"').fetchall()[0]
    user = fake.add_user("Late", ProfileId=profile)
    assert view_all(login(fake, fake.token_for(user)), ["Lead"]) == {"Lead": True}


def test_histories_belong_to_what_they_tell_of() -> None:
    assert parent_of("Deal__History") == "Deal__c"
    assert parent_of("OpportunityFieldHistory") == "Opportunity"
    assert parent_of("Lead") == "Lead"


def take_view_all_data(fake: FakeOrg) -> str:
    fake.settle_permissions()
    with fake.database.reading() as cursor:
        ((own,),) = cursor.execute('SELECT "Id" FROM "PermissionSet"').fetchall()
    fake.update("PermissionSet", own, {"PermissionsViewAllData": False, "PermissionsModifyAllData": False})
    return str(own)

"""Permission sets, the reach of getDeleted under late commits, and what is replicateable."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from sfsync.fake import FakeOrg
from sfsync.fake.dml import replication
from sfsync.fake.weather import LateCommit


@pytest.fixture
def org() -> Iterator[FakeOrg]:
    with FakeOrg.empty() as world:
        world.clock.freeze()
        yield world


def rows(org: FakeOrg, sql: str) -> list[tuple]:
    with org.database.reading() as cursor:
        return cursor.execute(sql).fetchall()


def test_the_administrators_profile_is_a_permission_set_with_view_all_data(org: FakeOrg) -> None:
    assert org.count("PermissionSet") == 1
    assert rows(
        org,
        'SELECT s."PermissionsViewAllData", s."IsOwnedByProfile", a."AssigneeId" FROM "PermissionSet" AS s'
        ' JOIN "PermissionSetAssignment" AS a ON a."PermissionSetId" = s."Id"',
    ) == [(True, True, org.admin_id)]
    assert org.count("ObjectPermissions") == 0


def test_asking_again_makes_none_twice_and_new_users_are_assigned(org: FakeOrg) -> None:
    (profile,) = rows(org, 'SELECT "Id" FROM "Profile"')[0]
    assert org.count("PermissionSetAssignment") == 1
    org.add_user("Second", ProfileId=profile)
    assert (org.count("PermissionSet"), org.count("PermissionSetAssignment")) == (1, 2)
    assert org.count("PermissionSetAssignment") == 2


@pytest.mark.parametrize("call", [replication.deleted, replication.updated])
def test_while_a_late_commit_may_still_come_its_beginning_is_as_far_as_is_covered(org: FakeOrg, call) -> None:
    now = org.clock.stamp()
    span = (now - timedelta(hours=1), now)
    assert call(org, "Lead", *span).latest_date_covered == now.replace(second=0)
    rule = org.weather.add(LateCommit(seconds=900), object_name="Lead")
    assert call(org, "Lead", *span).latest_date_covered == now - timedelta(seconds=900)
    assert call(org, "Account", *span).latest_date_covered == now.replace(second=0)
    org.weather.commit_delay("Lead")
    assert rule.struck == 1
    assert call(org, "Lead", *span).latest_date_covered == now.replace(second=0)


def test_a_late_commit_that_is_still_to_be_awaited_counts(org: FakeOrg) -> None:
    org.weather.add(LateCommit(seconds=900), object_name="Lead", nth=2)
    org.weather.commit_delay("Lead")
    assert org.weather.longest_transaction("Lead") == timedelta(seconds=900)
    org.weather.commit_delay("Lead")
    org.weather.commit_delay("Lead")
    assert org.weather.longest_transaction("Lead") == timedelta()

"""Every kind of weather in every phase: after resuming, the account balances and the org holds each change once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sfsync.fake import weather as bad
from sfsync.sync.apply.retry import retry

TROUBLES = {
    "unavailable": bad.Unavailable(),
    "429": bad.TooManyRequests(),
    "limit": bad.LimitExceeded(),
    "expired": bad.ExpiredSession(),
    "gateway": bad.GatewayPage(),
    "no connection": bad.ConnectionRefused(),
    "reset": bad.Reset(),
    "reset after": bad.Reset(after_work=True),
    "silence": bad.Silence(),
    "silence after": bad.Silence(after_work=True),
    "truncated": bad.Truncated(),
    "garbage": bad.Refused(200, "<html>Sign on</html>", "text/html"),
}
PHASES = {
    "collections": {"path": "/composite/sobjects"},
    "check": {"path": "/query", "method": "GET"},
    "create job": {"path": "/jobs/ingest$", "method": "POST"},
    "upload": {"path": "/batches"},
    "close": {"path": "/jobs/ingest/[^/]+$", "method": "PATCH"},
    "poll": {"path": "/jobs/ingest/[^/]+$", "method": "GET"},
    "results": {"path": "Results|unprocessedrecords"},
}
#: A request that is sent again by itself fails for good only when each time; the others are told of at once.
MATRIX = [
    *((phase, 1) for phase in ("collections", "upload", "close")),
    *((phase, 9) for phase in ("collections", "check", "create job", "poll", "results")),
]
BULK_ONLY = {"create job", "upload", "close", "poll", "results"}


def intended(world, make_step, name, *, keyless=True):
    """A plan with every kind of change, on records of its own."""
    ids = [world.spare.pop() for _ in range(4)]
    stamp = world.stamps[ids[3]].isoformat(sep=" ")
    steps = [
        make_step(
            "Lead",
            "create",
            [{"LastName": f"{name} {n}", "Company": "C", "Crm_Id__c": f"{name} {n}"} for n in range(3)],
            key_field="Crm_Id__c",
        ),
        make_step(
            "Lead", "update", [{"record_id": each, "Company": name, "before": {"Company": "Old"}} for each in ids[:3]]
        ),
    ]
    if keyless:  # always by Collections
        steps += [
            make_step("Lead", "create", [{"LastName": f"{name} twin", "Company": "C"} for _ in range(3)]),
            make_step("Lead", "delete", [{"record_id": ids[3], "org_stamp": stamp}]),
        ]
    return ids, world.plan(*steps)


def hold_once(world, ids, name, *, keyless=True):
    made = world.records("Lead", "LastName", "Crm_Id__c", where=f"LastName LIKE '{name} %'")
    keys = [*(f"{name} {n}" for n in range(3)), *["None"] * (3 if keyless else 0)]
    assert sorted(str(each["Crm_Id__c"]) for each in made) == sorted(keys)
    listed = ", ".join(f"'{each}'" for each in ids)
    left = {each["Id"]: each["Company"] for each in world.records("Lead", "Company", where=f"Id IN ({listed})")}
    assert left == dict.fromkeys(ids[:3], name) | ({} if keyless else {ids[3]: "Old"})


def settle(world, plan, first, **options):
    """Resume in fair weather until all is done."""
    result = first
    for _ in range(3):
        world.fake.weather.clear()
        if result.complete:
            break
        assert sum(result.counts.values()) == sum(sum(each.counts.values()) for each in result.steps) >= 6
        if result.retryable:
            result = retry(world.org, world.store, plan, workspace=world.workspace).result
        else:
            result = world.apply(plan, **options)
    assert result.complete, (world.outcomes(plan), world.messages(plan), result.stopped)


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize(("phase", "times"), MATRIX)
def test_whatever_the_weather_each_change_is_made_exactly_once(shared_world, make_step, phase, trouble, times):
    world, name = shared_world, f"{phase} {trouble} {times}"
    bulk = phase in BULK_ONLY
    options = {"bulk_from": 0 if bulk else 2000}
    ids, plan = intended(world, make_step, name, keyless=not bulk)
    world.fake.weather.add(TROUBLES[trouble], times=times, **PHASES[phase])
    settle(world, plan, world.apply(plan, **options), **options)
    hold_once(world, ids, name, keyless=not bulk)


@pytest.mark.parametrize("bulk_from", [0, 2000])
@pytest.mark.parametrize(
    "trouble",
    [
        bad.LockedRows(share=0.5),
        bad.JobFailed(after_rows=1),
        bad.JobFailed(),
        bad.LateCommit(120),
        bad.Shuffled(),
        bad.ClockSkew(900),
    ],
    ids=repr,
)
def test_troubles_of_the_work_itself_are_settled_by_resuming_and_retrying(shared_world, make_step, trouble, bulk_from):
    world, name = shared_world, f"{type(trouble).__name__}{len(shared_world.spare)}"
    ids, plan = intended(world, make_step, name)
    world.fake.weather.add(trouble, times=2)
    settle(world, plan, world.apply(plan, bulk_from=bulk_from), bulk_from=bulk_from)
    hold_once(world, ids, name)


def test_a_job_that_is_stuck_is_unknown_and_taken_up_again(shared_world, make_step):
    world, name = shared_world, "stuck"
    ids, plan = intended(world, make_step, name)
    world.fake.weather.add(bad.JobSlow(polls=12))
    result = world.apply(plan, bulk_from=0, patience=0.2)
    assert result.stopped
    assert result.counts["unknown"] == 3
    settle(world, plan, result, bulk_from=0)
    hold_once(world, ids, name)
    jobs = [call for call in world.fake.requests if call.method == "POST" and call.path.endswith("/jobs/ingest")]
    assert len({call.path for call in jobs}) == 1


def test_a_record_without_a_key_that_cannot_be_found_stays_unknown_while_its_request_may_be_at_work(
    shared_world, make_step
):
    world = shared_world
    plan = world.plan(make_step("Lead", "create", [{"LastName": "Perhaps", "Company": "C"}]))
    world.fake.weather.add(bad.Silence(), path="/composite/sobjects", times=1)
    result = world.apply(plan, settles_after=timedelta(minutes=15))
    assert result.counts["unknown"] == 1
    assert world.apply(plan, settles_after=timedelta(minutes=15)).counts["unknown"] == 1
    assert world.apply(plan).complete
    assert len(world.records("Lead", "LastName", where="LastName = 'Perhaps'")) == 1

"""A plan that was applied in part, and a newer one of the same rows: no row becomes two records."""

from __future__ import annotations

import pytest

from sfsync.errors import PlanStale
from sfsync.fake import weather as bad
from sfsync.mapping.load import parse_mapping
from sfsync.sync.apply.retry import retry
from sfsync.sync.plan.make import make_plan
from sfsync.sync.plan.stored import read_stored_plan


@pytest.fixture
def mapping(tmp_path):
    """Rows without a key, so that nothing but the order of things keeps them from being made twice."""
    source = tmp_path / "leads.csv"
    source.write_text("name,company\nAda,Engines\nBob,Motors\n", "utf-8")
    text = f"object: Lead\ndirection: push\nsource: {source}\nfields: {{LastName: name, Company: company}}\n"
    return parse_mapping(text, "lead.yml")


@pytest.fixture
def locked(world, mapping):
    """A run of which the first row was locked."""
    plan = make_plan(world.store, [mapping])
    world.fake.weather.add(bad.LockedRows(rows=1), times=1)
    result = world.apply(plan.id)
    assert (result.counts["done"], result.retryable) == (1, 1)
    return result


def again(world, run_id):
    return retry(world.org, world.store, run_id, workspace=world.workspace)


def state_of(world, plan):
    with world.store.reading() as session:
        return read_stored_plan(session, plan.id).state


def test_a_retry_ends_a_newer_plan_of_the_same_rows(world, mapping, locked):
    newer = make_plan(world.store, [mapping])
    assert again(world, locked.run_id).result.counts["done"] == 2
    assert state_of(world, newer) == "stale"
    with pytest.raises(PlanStale, match="out of date"):
        world.apply(newer.id)
    assert len(world.records("Lead", "LastName")) == 2


def test_a_retry_is_refused_once_a_newer_plan_of_the_same_rows_has_written(world, mapping, locked):
    newer = make_plan(world.store, [mapping])
    assert world.apply(newer.id).counts["done"] == 2
    before = world.writes()
    with pytest.raises(PlanStale, match=f"plan {newer.id} was made later of the same rows") as refused:
        again(world, locked.run_id)
    assert locked.plan_id in refused.value.message
    assert "--give-up" in refused.value.hint
    assert world.writes() == before


def test_a_retry_goes_on_where_the_newer_plan_has_written_nothing(world, mapping, locked):
    newer = make_plan(world.store, [mapping])
    world.fake.weather.add(bad.LockedRows(), times=1)
    assert world.apply(newer.id).counts["rejected"] == 2
    assert again(world, locked.run_id).result.counts["done"] == 2


@pytest.fixture
def stopped(world, mapping):
    """A run that the org's limit ended before anything was sent."""
    plan = make_plan(world.store, [mapping])
    world.fake.weather.add(bad.LimitExceeded(), path="/composite/sobjects")
    result = world.apply(plan.id)
    assert result.stopped
    assert result.counts["unprocessed"] == 2
    world.fake.weather.clear()
    return result


def test_a_resumed_plan_ends_a_newer_one_of_the_same_rows(world, mapping, stopped):
    newer = make_plan(world.store, [mapping])
    assert world.apply(stopped.plan_id).counts["done"] == 2
    assert state_of(world, newer) == "stale"
    assert len(world.records("Lead", "LastName")) == 2


def test_a_plan_is_not_resumed_once_a_newer_one_of_the_same_rows_has_written(world, mapping, stopped):
    newer = make_plan(world.store, [mapping])
    assert world.apply(newer.id).complete
    before = world.writes()
    with pytest.raises(PlanStale, match=f"plan {newer.id} was made later of the same rows"):
        world.apply(stopped.plan_id)
    assert world.writes() == before
    assert len(world.records("Lead", "LastName")) == 2


def test_a_plan_of_another_file_is_another_matter(world, mapping, locked, tmp_path):
    other = tmp_path / "mended.csv"
    other.write_text("name,company\nEve,Wheels\n", "utf-8")
    mended = parse_mapping(
        f"object: Lead\ndirection: push\nsource: {other}\nfields: {{LastName: name, Company: company}}\n", "lead.yml"
    )
    done = make_plan(world.store, [mended])
    assert world.apply(done.id).complete
    waiting = make_plan(world.store, [mended])
    assert again(world, locked.run_id).result.counts["done"] == 2
    assert state_of(world, waiting) == "open"
    assert sorted(each["LastName"] for each in world.records("Lead", "LastName")) == ["Ada", "Bob", "Eve"]


def test_records_that_were_made_without_a_key_are_told_of_before_they_are_made_again(world, mapping, locked):
    (warning,) = make_plan(world.store, [mapping]).header["warnings"]
    assert "2 rows without a record's Id are new records each time" in warning
    assert "1 records were made so before" in warning

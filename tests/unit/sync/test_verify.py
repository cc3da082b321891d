from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sfsync.errors import UsageError
from sfsync.fake import FakeOrg
from sfsync.fake.weather import WrongCount
from sfsync.salesforce import connect
from sfsync.salesforce.retry_policy import RetryPolicy
from sfsync.salesforce.transport import Transport
from sfsync.store.as_of import as_of_sql
from sfsync.store.duckdb import DuckDBSession, DuckDBStore
from sfsync.store.ledger import recent_runs
from sfsync.store.mirror import read_state
from sfsync.store.proofs import last_proofs
from sfsync.sync.budget import BudgetLimits
from sfsync.sync.events import Event, ObjectCounted
from sfsync.sync.pull import pull
from sfsync.sync.verify import ObjectProof, VerifyOptions, VerifyResult, chosen_states, forecast, verify


class Bench:
    """A fake org, mirrored."""

    def __init__(self, fake: FakeOrg, folder: Path) -> None:
        self.fake, self.folder, self.store = fake, folder, DuckDBStore(folder / "mirror.duckdb")
        transport = Transport(fake.session(), env={}, policy=RetryPolicy(sleep=lambda _seconds: None))
        self.org = connect(
            env={"SF_ACCESS_TOKEN": fake.token, "SF_ORG_INSTANCE_URL": fake.instance_url}, transport=transport
        )
        self.pull()

    def pull(self) -> Any:
        self.fake.clock.advance(timedelta(minutes=5, seconds=2))
        return pull(self.org, self.store, workspace=self.folder, objects=["Lead", "LeadStatus"])

    def verify(self, *objects: str, **options: Any) -> VerifyResult:
        return verify(
            self.org, self.store, workspace=self.folder, objects=objects or None, options=VerifyOptions(**options)
        )

    def lead(self, **options: Any) -> ObjectProof:
        (proof,) = self.verify("Lead", **options).objects
        return proof

    def sql(self, statement: str) -> None:
        with self.store.writing() as session:
            session.execute(statement)

    def sql_value(self, statement: str) -> Any:
        return self.store.query(statement).rows().scalar()

    def forget_deletion(self, record_id: str) -> None:
        """Let the org's log of deletions not know of one."""
        with self.fake.database.writing() as cursor:
            cursor.execute("DELETE FROM gone_records WHERE id = ?", [record_id])

    def ids(self) -> list[str]:
        return [row[0] for row in self.store.query("SELECT Id FROM sf.Lead ORDER BY Id").rows()]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with FakeOrg.seeded(seed=5, leads=80) as fake:
        yield Bench(fake, tmp_path)


def kinds(proof: ObjectProof) -> dict[str, tuple[str, ...]]:
    return {found.kind: found.ids for found in proof.differences}


@pytest.mark.parametrize("values", [False, True])
def test_an_undisturbed_mirror_is_proven_equal_and_the_proof_is_kept(bench: Bench, values: bool) -> None:
    result = bench.verify(values=values)
    assert result.equal
    assert {proof.object for proof in result.objects} == {"Lead", "LeadStatus"}
    with bench.store.reading() as session:
        run = recent_runs(session)[0]
    assert (run.verb, run.state, run.summary["Lead"]) == ("verify", "done", "equal")


def test_what_changed_since_the_pull_is_no_difference(bench: Bench) -> None:
    bench.fake.insert("Lead", [{"LastName": "Ada", "Company": "Analytical Engines"}])
    bench.fake.update("Lead", bench.ids()[0], {"Company": "Renamed"})
    bench.fake.delete("Lead", bench.ids()[1])
    assert bench.lead(values=True).equal


def test_a_record_the_mirror_lost_is_missing(bench: Bench) -> None:
    lost = bench.ids()[3]
    bench.sql(f"DELETE FROM sf_all.Lead WHERE Id = '{lost}'")
    assert kinds(bench.lead()) == {"missing": (lost,)}


def test_a_record_deleted_for_good_is_extra(bench: Bench) -> None:
    gone = bench.ids()[3]
    bench.fake.delete("Lead", gone, hard=True)
    assert kinds(bench.lead()) == {"extra": (gone,)}


def test_a_record_that_was_committed_too_late_is_outdated_or_missing(bench: Bench) -> None:
    late = bench.ids()[3]
    stamp = bench.fake.clock.now() - timedelta(hours=3)
    bench.fake.update("Lead", late, {"Company": "Late", "SystemModstamp": stamp})
    assert kinds(bench.lead()) == {"outdated": (late,)}


def test_a_value_that_differs_under_the_same_stamp_is_found_by_values_alone(bench: Bench) -> None:
    wrong = bench.ids()[3]
    bench.sql(f"UPDATE sf_all.Lead SET Company = 'Tampered' WHERE Id = '{wrong}'")
    assert bench.lead().equal
    assert kinds(bench.lead(values=True)) == {"values": (wrong,)}


def test_a_version_that_is_dated_before_the_bound_and_came_after_it_is_a_late_commit(bench: Bench) -> None:
    bench.fake.clock.advance(timedelta(hours=3))
    bench.pull()
    late = bench.ids()[3]
    stamp = bench.fake.clock.now() - timedelta(hours=1)
    bench.fake.update("Lead", late, {"Company": "Late", "SystemModstamp": stamp})
    (born,) = bench.fake.insert_late("Lead", [{"LastName": "Late", "Company": "X"}], timedelta(hours=1))
    assert kinds(bench.lead()) == {"late commit": tuple(sorted((late, born)))}
    assert bench.lead(repair=True).repaired
    assert bench.lead(values=True).equal


def test_a_formula_that_moved_alone_is_told_apart(bench: Bench) -> None:
    bench.fake.add_formula("Lead", "Shout__c", "string", "UPPER(Company)")
    bench.pull()
    stale, wrong = bench.ids()[3:5]
    bench.sql(f"UPDATE sf_all.Lead SET Shout__c = 'x' WHERE Id = '{stale}'")
    bench.sql(f"UPDATE sf_all.Lead SET Shout__c = 'x', Company = 'x' WHERE Id = '{wrong}'")
    assert kinds(bench.lead(values=True)) == {"stale formula": (stale,), "values": (wrong,)}
    assert bench.lead(repair=True).repaired
    assert bench.lead(values=True).equal


def test_a_field_the_user_may_no_longer_read_is_a_difference(bench: Bench) -> None:
    bench.fake.hide("Lead", "Email")
    assert kinds(bench.lead()) == {"permission": ("Email",)}


def test_an_object_the_user_may_no_longer_read_is_a_difference_and_the_others_are_proven(bench: Bench) -> None:
    bench.fake.hide("Lead")
    result = bench.verify()
    lead, status = sorted(result.objects, key=lambda proof: proof.object)
    assert kinds(lead) == {"permission": ("Lead",)}
    assert lead.reason
    assert status.equal


def test_records_that_may_be_hidden_are_a_matter_of_permission(bench: Bench) -> None:
    gone = bench.ids()[3]
    bench.fake.delete("Lead", gone, hard=True)
    bench.fake.hide("PermissionSetAssignment")
    assert kinds(bench.lead()) == {"permission": (gone,)}
    proof = bench.lead(deletes=True)
    assert "--trust-absence" in (proof.reason or "")
    assert gone in bench.ids()


def test_a_record_deleted_for_good_after_the_bound_is_no_difference(bench: Bench) -> None:
    gone = bench.ids()[3]
    bench.fake.delete("Lead", gone, hard=True)
    bench.fake.clock.advance(timedelta(minutes=2))
    assert bench.lead(values=True).equal
    assert bench.lead(deletes=True).equal
    assert gone in bench.ids()


def test_deletes_alone_are_taken_over_and_nothing_else_is_touched(bench: Bench) -> None:
    gone, wrong, missing = bench.ids()[3:6]
    bench.fake.delete("Lead", gone, hard=True)
    bench.forget_deletion(gone)
    bench.sql(f"UPDATE sf_all.Lead SET Company = 'Tampered' WHERE Id = '{wrong}'")
    bench.sql(f"DELETE FROM sf_all.Lead WHERE Id = '{missing}'")
    proof = bench.lead(deletes=True)
    assert kinds(proof) == {"missing": (missing,), "extra": (gone,)}
    assert not proof.repaired  # not all of it
    assert gone not in bench.ids()
    assert bench.sql_value(f"SELECT Company FROM sf.Lead WHERE Id = '{wrong}'") == "Tampered"


def test_a_sample_finds_a_wrong_value_when_it_meets_it_and_mends_it(bench: Bench) -> None:
    wrong = bench.ids()[3]
    bench.sql(f"UPDATE sf_all.Lead SET Company = 'Tampered' WHERE Id = '{wrong}'")
    proof = bench.lead(sample=1000)
    assert kinds(proof) == {"values": (wrong,)}
    assert proof.method == "sample of 1,000"
    assert bench.lead(sample=1000, repair=True).repaired
    assert bench.lead(sample=1000).equal


def test_a_sample_that_does_not_meet_it_still_compares_every_id(bench: Bench) -> None:
    lost = bench.ids()[3]
    bench.sql(f"DELETE FROM sf_all.Lead WHERE Id = '{lost}'")
    assert kinds(bench.lead(sample=1)) == {"missing": (lost,)}


def test_repair_takes_the_org_for_right_even_where_the_mirror_has_a_later_stamp(bench: Bench) -> None:
    wrong = bench.ids()[3]
    bench.sql(
        f"UPDATE sf_all.Lead SET Company = 'X', SystemModstamp = SystemModstamp + INTERVAL 1 HOUR WHERE Id = '{wrong}'"
    )
    assert kinds(bench.lead()) == {"outdated": (wrong,)}
    bench.lead(repair=True)
    assert bench.lead(values=True).equal


def test_repair_leaves_later_changes_to_the_next_pull(bench: Bench) -> None:
    before = bench.sql_value(f"SELECT Company FROM sf.Lead WHERE Id = '{bench.ids()[0]}'")
    bench.fake.update("Lead", bench.ids()[0], {"Company": "Renamed"})
    bench.sql(f"DELETE FROM sf_all.Lead WHERE Id = '{bench.ids()[3]}'")
    bench.lead(repair=True)
    assert bench.sql_value(f"SELECT Company FROM sf.Lead WHERE Id = '{bench.ids()[0]}'") == before


def test_repair_loads_the_pages_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    loads: list[str] = []
    load = DuckDBSession.load_csv

    def counting(self: DuckDBSession, table: str, *rest: Any, **more: Any) -> int:
        loads.append(table)
        return load(self, table, *rest, **more)

    monkeypatch.setattr(DuckDBSession, "load_csv", counting)
    bench.sql(f"DELETE FROM sf_all.Lead WHERE Id = '{bench.ids()[3]}'")
    assert bench.lead(repair=True).repaired
    assert len(loads) == 1


def test_each_proof_is_kept_in_the_ledger(bench: Bench) -> None:
    lost = bench.ids()[3]
    bench.sql(f"DELETE FROM sf_all.Lead WHERE Id = '{lost}'")
    result = bench.verify(values=True)
    with bench.store.reading() as session:
        proofs = last_proofs(session)
    assert set(proofs) == {"Lead", "LeadStatus"}
    lead = proofs["Lead"]
    assert (lead.run_id, lead.method, dict(lead.differences)) == (result.run_id, "values", {"missing": 1})
    assert lead.as_of == result.objects[-1].as_of
    assert dict(proofs["LeadStatus"].differences) == {}


def test_the_forecast_is_about_what_it_costs(bench: Bench) -> None:
    with bench.store.reading() as session:
        states = chosen_states(read_state(session).objects, None)
    for options in ({}, {"values": True}, {"sample": 50}, {"values": True, "bulk_threshold": 10}):
        expected = forecast(states, VerifyOptions(**options))
        spent = bench.verify(**options).api_calls
        assert abs(spent - expected.calls) <= max(4, expected.calls / 2), (options, spent, expected)


def test_a_verification_that_may_cost_nothing_proves_nothing(bench: Bench) -> None:
    proofs = bench.verify(budget=BudgetLimits(calls_per_run=1)).objects
    assert all(proof.reason for proof in proofs)


def test_an_answer_that_is_not_whole_proves_nothing_and_harms_nothing(bench: Bench) -> None:
    before = bench.ids()
    bench.fake.weather.add(WrongCount(by=-1), path="/results", times=None)
    proof = bench.lead(repair=True, bulk_threshold=10)
    assert proof.reason
    assert bench.ids() == before


def test_repair_makes_the_mirror_equal_and_loses_nothing(bench: Bench) -> None:
    before = bench.ids()
    missing, gone, wrong = before[1:4]
    bench.sql(f"DELETE FROM sf_all.Lead WHERE Id = '{missing}'")
    bench.sql(f"UPDATE sf_all.Lead SET Company = 'Tampered' WHERE Id = '{wrong}'")
    bench.fake.delete("Lead", gone, hard=True)
    proof = bench.lead(repair=True)
    assert proof.repaired
    assert set(kinds(proof)) == {"missing", "extra", "values"}
    assert bench.lead(values=True).equal
    assert bench.ids() == [record_id for record_id in before if record_id != gone]
    kept = bench.store.query(f"SELECT IsDeleted FROM sf_all.Lead WHERE Id = '{gone}'").rows().scalar()
    assert kept is True


def test_too_many_records_gone_are_a_lost_permission_and_not_repaired(bench: Bench) -> None:
    before = bench.ids()
    for record_id in before[:20]:
        bench.fake.delete("Lead", record_id, hard=True)
    proof = bench.lead(repair=True)
    assert not proof.repaired
    assert "lost permission" in (proof.reason or "")
    assert bench.ids() == before
    assert bench.lead(repair=True, most_extra=0.5).repaired
    assert len(bench.ids()) == len(before) - 20


def test_a_repaired_mirror_is_pulled_on_as_before(bench: Bench) -> None:
    gone = bench.ids()[3]
    bench.fake.delete("Lead", gone, hard=True)
    bench.lead(repair=True)
    bench.fake.update("Lead", bench.ids()[0], {"Company": "Renamed"})
    (lead, _status) = bench.pull().objects
    assert (lead.inserted, lead.updated, lead.deleted) == (0, 1, 0)


def test_the_past_before_a_repair_is_as_it_was(bench: Bench) -> None:
    first = bench.pull().as_of
    gone = bench.ids()[3]
    bench.fake.delete("Lead", gone, hard=True)
    bench.pull()
    bench.lead(repair=True)
    then = as_of_sql(bench.store, f"SELECT count(*) FROM sf.Lead WHERE Id = '{gone}'", first)
    assert bench.store.query(then).rows().scalar() == 1


def test_a_tombstone_that_left_the_recycle_bin_is_no_difference(bench: Bench) -> None:
    gone = bench.ids()[3]
    bench.fake.delete("Lead", gone)
    bench.pull()
    bench.fake.delete("Lead", gone, hard=True)
    assert bench.lead(values=True).equal


def test_an_object_that_is_not_mirrored_is_refused(bench: Bench) -> None:
    with pytest.raises(UsageError, match="Opportunity"):
        bench.verify("Opportunity")


def test_the_counts_come_first_and_are_told(bench: Bench) -> None:
    lost = bench.ids()[0]
    bench.sql(f"DELETE FROM sf_all.Lead WHERE Id = '{lost}'")
    told: list[Event] = []
    result = verify(bench.org, bench.store, workspace=bench.folder, on_event=told.append)
    leads = bench.fake.count("Lead")
    assert ObjectCounted("Lead", leads, leads - 1, exact=True) in result.counts
    assert [type(event) for event in told[:2]] == [ObjectCounted, ObjectCounted]
    assert not isinstance(told[2], ObjectCounted)


def test_a_large_object_is_counted_by_the_orgs_own_estimate(bench: Bench) -> None:
    counts = {each.object: each for each in bench.verify(bulk_threshold=50).counts}
    assert not counts["Lead"].exact
    assert counts["LeadStatus"].exact


def test_a_budget_that_hardly_lasts_is_spent_on_the_proof_and_not_on_counts(bench: Bench) -> None:
    assert bench.verify(budget=BudgetLimits(calls_per_run=7)).counts == ()

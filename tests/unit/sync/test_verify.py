from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sfsync.errors import UsageError
from sfsync.fake import FakeOrg
from sfsync.salesforce import connect
from sfsync.salesforce.retry_policy import RetryPolicy
from sfsync.salesforce.transport import Transport
from sfsync.store.as_of import as_of_sql
from sfsync.store.duckdb import DuckDBStore
from sfsync.store.ledger import recent_runs
from sfsync.sync.pull import pull
from sfsync.sync.verify import ObjectProof, VerifyOptions, VerifyResult, verify


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

"""A seeded org follows from its number alone."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from itertools import islice

import pytest

from sfsync.fake.ids import make_id
from sfsync.fake.seed import FEWEST_LEADS, MOST_LEADS, SeedData, custom_fields, definitions, picklist_values, plant
from sfsync.fake.seed.draw import Draw, Lognormal, Weighted
from sfsync.fake.seed.id_series import id_series
from sfsync.fake.seed.plan import FLAWS, flaw_count
from sfsync.records import FieldDescribe

AS_OF = datetime(2026, 1, 31, 12, tzinfo=UTC)

#: Of seed 1 with 50 leads. A change of the generator changes it; a change of Python or of the machine must not.
DIGEST = "6c8f4eac827461cc119f2bffb1aa395d584c162b740053630d2b6cd9aa0a6bd5"


def as_bytes(data: SeedData) -> bytes:
    sets = {"planted": data.planted, "traps": data.traps}
    named = {name: {rule: sorted(ids) for rule, ids in rules.items()} for name, rules in sets.items()}
    return json.dumps({"tables": data.tables, **named}, default=str).encode()


def test_the_same_number_gives_the_same_org() -> None:
    assert as_bytes(plant(1, 300, AS_OF)) == as_bytes(plant(1, 300, AS_OF))


def test_the_org_of_a_number_is_the_same_everywhere() -> None:
    assert hashlib.sha256(as_bytes(plant(1, 50, AS_OF))).hexdigest() == DIGEST


def test_the_order_of_sets_has_no_say() -> None:
    script = (
        "import hashlib, json; from datetime import datetime; from sfsync.fake.seed import plant;"
        "data = plant(3, 200, datetime(2026, 1, 31, 12));"
        "print(hashlib.sha256(json.dumps(data.tables, default=str).encode()).hexdigest())"
    )
    answers = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(answers) == 1


def test_other_numbers_give_other_orgs() -> None:
    orgs = {as_bytes(plant(seed, 60, AS_OF)) for seed in (-2, -1, 0, 1, 2, 10**20)}
    assert len(orgs) == 6


def test_the_moment_may_be_given_in_any_zone_or_none() -> None:
    naive = as_bytes(plant(1, 60, datetime(2026, 1, 31, 12)))
    assert as_bytes(plant(1, 60, AS_OF)) == naive
    assert as_bytes(plant(1, 60, AS_OF.astimezone(timezone(timedelta(hours=9))))) == naive


@pytest.mark.parametrize("leads", [-1, 0, FEWEST_LEADS - 1, MOST_LEADS + 1])
def test_an_org_of_impossible_size_is_refused(leads: int) -> None:
    with pytest.raises(ValueError, match="50 to 1000000"):
        plant(1, leads, AS_OF)


@pytest.mark.parametrize("leads", [50, 51, 77, 400, 2500])
def test_flaws_grow_with_the_org(leads: int) -> None:
    data = plant(9, leads, AS_OF)
    assert {rule: len(found) for rule, found in data.planted.items()} == {
        rule: flaw_count(rule, leads) for rule in FLAWS
    }


@pytest.mark.parametrize(
    "as_of",
    [
        datetime(2024, 2, 29, 0, 3),
        datetime(2025, 12, 31, 23, 59, 59, 999_999),
        datetime(2026, 6, 14, 4, 30),
        datetime(2031, 1, 1),
    ],
    ids=str,
)
def test_any_moment_will_do(as_of: datetime) -> None:
    for seed in range(5):
        data = plant(seed, 80, as_of)
        assert {rule: len(found) for rule, found in data.planted.items()} == {
            rule: flaw_count(rule, 80) for rule in FLAWS
        }
        assert all(row["SystemModstamp"] < as_of for rows in data.tables.values() for row in rows)
        overdue = {
            deal["Id"]
            for deal in data.tables["Opportunity"]
            if not deal["IsDeleted"] and not deal["IsClosed"] and deal["CloseDate"] < as_of.date()
        }
        assert overdue == data.planted["OP007"]


def test_what_the_org_means_names_its_own_fields_and_values() -> None:
    fields = {field["name"]: field for field in custom_fields()["Lead"]}
    statuses = picklist_values()["Lead"]["Status"]
    assert {status for names in definitions()["lead_status"].values() for status in names} < set(statuses)
    criteria = definitions()["frameworks"]["BANT"]
    assert list(criteria) == ["budget", "authority", "need", "timeline"]
    for piece in (piece for evidence in criteria.values() for piece in evidence):
        field = fields[piece if isinstance(piece, str) else piece["field"]]
        assert set(piece.get("in", ()) if isinstance(piece, dict) else ()) <= set(field.get("picklist_values", ()))
    json.dumps(definitions())


def test_custom_fields_can_be_described() -> None:
    for fields in custom_fields().values():
        for field in fields:
            assert FieldDescribe(**field).custom


def test_draws_follow_their_weights() -> None:
    draw = Draw(1)
    values = Weighted([("often", 3), ("never", 0), ("once", 1)])
    counted = [draw.weighted(values) for _ in range(4000)]
    assert "never" not in counted
    assert 2850 < counted.count("often") < 3150
    assert values.at(0.0) == "often"
    assert values.at(0.999_999_999) == "once"


def test_lognormal_draws_have_their_median_and_stay_below_the_cut() -> None:
    draw, days = Draw(1), Lognormal(20, 0.8, cut=0.95)
    drawn = sorted(draw.lognormal(days) for _ in range(4000))
    assert 17 < drawn[2000] < 21
    assert drawn[0] > 0
    assert drawn[-1] <= days.highest < 80


def test_ids_are_counted_as_everywhere_else() -> None:
    assert list(islice(id_series("00Q"), 10_000)) == [make_id("00Q", number) for number in range(10_000)]


def test_shuffling_keeps_every_value() -> None:
    shuffled = Draw(5).shuffled(range(100))
    assert sorted(shuffled) == list(range(100))
    assert shuffled != list(range(100))


def test_bounds_are_kept() -> None:
    draw = Draw(2)
    assert {draw.between(3, 5) for _ in range(200)} == {3, 4, 5}
    assert {draw.below(2) for _ in range(100)} == {0, 1}
    assert not any(draw.chance(0) for _ in range(100))

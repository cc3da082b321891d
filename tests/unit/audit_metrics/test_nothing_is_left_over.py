"""The waterfall and the lead ledger leave a residual of 0, whatever the past was."""

from __future__ import annotations

import tempfile
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sfsync.audit.metrics import Bench
from sfsync.audit.metrics.context import Scope
from sfsync.audit.metrics.m11_waterfall import compute as waterfall
from sfsync.audit.metrics.m20_lead_ledger import compute as ledger
from sfsync.store.history import keep_versions, note_births, shape_history
from sfsync.store.mirror import mirror_columns
from sfsync.store.names import quote

OPPORTUNITY = {
    "Id": "VARCHAR",
    "IsDeleted": "BOOLEAN",
    "CreatedDate": "TIMESTAMP",
    "SystemModstamp": "TIMESTAMP",
    "StageName": "VARCHAR",
    "IsClosed": "BOOLEAN",
    "IsWon": "BOOLEAN",
    "Amount": "DOUBLE",
    "CloseDate": "DATE",
    "OwnerId": "VARCHAR",
    "CurrencyIsoCode": "VARCHAR",
    "ForecastCategory": "VARCHAR",
    "Probability": "DOUBLE",
}
BEGIN = datetime(2026, 1, 1)
RATES = {"metrics": {"rates": {"to": "EUR", "rates": {"USD": 0.9137, "JPY": 0.00613}}}}

few = settings(
    max_examples=15,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # a database an example: to shrink would take minutes
    suppress_health_check=list(HealthCheck),
)

states = st.fixed_dictionaries(
    {
        "StageName": st.sampled_from(("Prospecting", "Proposal", "Closed Won", "Closed Lost")),
        "Amount": st.none() | st.integers(-(10**9), 10**14).map(lambda cents: cents / 100),
        "CloseDate": st.integers(0, 200).map(lambda day: (BEGIN + timedelta(days=day)).date()),
        "OwnerId": st.sampled_from(("005000000000001AAA", "005000000000002AAA", None)),
        "CurrencyIsoCode": st.sampled_from(("EUR", "USD", "JPY", "GBP", None)),
        "ForecastCategory": st.sampled_from(("Pipeline", "MostLikely", "Omitted", None)),
        "IsDeleted": st.booleans() | st.just(False),
    }
)
#: For each deal: on which days it changed, and into what; the first is its creation.
lives = st.lists(
    st.lists(st.tuples(st.integers(0, 20), states), min_size=1, max_size=4, unique_by=lambda each: each[0]).map(
        lambda life: sorted(life, key=lambda each: each[0])
    ),
    max_size=6,
)
scopes = st.sampled_from(
    (
        Scope(),
        Scope(BEGIN.date(), (BEGIN + timedelta(days=90)).date()),
        Scope(owners=("005000000000001AAA",)),
        Scope(BEGIN.date(), (BEGIN + timedelta(days=90)).date(), ("005000000000002",)),
    )
)


def row_of(number, day, state, born):
    closed = state["StageName"].startswith("Closed")
    at = BEGIN + timedelta(days=day)
    return state | {
        "Id": f"006{number:012d}AAA",
        "IsClosed": closed,
        "IsWon": state["StageName"] == "Closed Won",
        "CreatedDate": BEGIN + timedelta(days=born),
        "SystemModstamp": at,
        "Probability": 50.0,
    }


def versions(all_lives):
    """(day, row) of every change of every deal, in the order of days."""
    told = [
        (day, row_of(number, day, state, life[0][0])) for number, life in enumerate(all_lives) for day, state in life
    ]
    return sorted(told, key=lambda each: (each[0], each[1]["Id"]))


def write(session, row):
    session.execute('DELETE FROM sf_all."Opportunity" WHERE "Id" = ?', [row["Id"]])
    marks = ", ".join("?" for _ in OPPORTUNITY)
    names = ", ".join(quote(name) for name in OPPORTUNITY)
    session.execute(f'INSERT INTO sf_all."Opportunity" ({names}) VALUES ({marks})', [row[name] for name in OPPORTUNITY])


def pipeline(all_lives, day, scope):
    """Currency → amount, and how many, by a plain loop: what was open, live and in scope at the end of that day."""
    amounts, n = {}, 0
    for life in all_lives:
        known = [state for changed, state in life if changed <= day]
        if not known:
            continue
        state = known[-1]
        in_window = scope.first is None or scope.first <= state["CloseDate"] <= scope.last
        owned = not scope.owners or (state["OwnerId"] or "")[:15] in {owner[:15] for owner in scope.owners}
        is_open = not state["StageName"].startswith("Closed") and state["ForecastCategory"] != "Omitted"
        if is_open and in_window and owned and not state["IsDeleted"]:
            amounts[state["CurrencyIsoCode"]] = amounts.get(state["CurrencyIsoCode"], 0.0) + (state["Amount"] or 0.0)
            n += 1
    return amounts, n


def check(told, all_lives, days, scope):
    waterfalls = told.context["waterfalls"]
    apart = [each for each in waterfalls if "without_rate" not in each]
    for each in waterfalls:
        assert each["residual"] == 0
        assert each["start"] + sum(bar["amount"] for bar in each["bars"]) == pytest.approx(
            each["end"], rel=1e-9, abs=1e-3
        )
    for day, side in zip(days, ("start", "end"), strict=True):
        amounts, n = pipeline(all_lives, day, scope)
        assert sum(each[f"n_{side}"] for each in apart) == n
        told_apart = {each["currency"]: each[side] for each in apart if each[f"n_{side}"]}
        wanted = {code or "(no currency)": pytest.approx(amount, abs=1e-2) for code, amount in amounts.items()}
        assert told_apart == wanted


@few
@given(all_lives=lives, first=st.integers(0, 19), days=st.integers(1, 20), scope=scopes)
def test_over_the_mirrors_own_history(request, all_lives, first, days, scope):
    with tempfile.TemporaryDirectory() as folder:
        mirror = request.getfixturevalue("make_mirror")(Path(folder))
        mirror.make("Opportunity", OPPORTUNITY)
        for day in range(22):
            # A pull at noon brings what has changed on the day.
            at = BEGIN + timedelta(days=day, hours=12)
            changed = [row for when, row in versions(all_lives) if when == day]
            if day and not changed:
                continue
            with mirror.store.writing() as session:
                ids = ", ".join(f"'{row['Id']}'" for row in changed) or "''"
                known = shape_history(session, "Opportunity", mirror_columns(session)["Opportunity"])
                keep_versions(
                    session, "Opportunity", f'SELECT "Id" FROM sf_all."Opportunity" WHERE "Id" IN ({ids})', at
                )
                before = {row[0] for row in session.execute('SELECT "Id" FROM sf_all."Opportunity"')}
                for row in changed:
                    write(session, row)
                new = [row["Id"] for row in changed if row["Id"] not in before]
                if new and known and day:
                    note_births(session, "Opportunity", f'SELECT unnest({new!r}) AS "Id"', at)
        last = min(first + days, 21)
        since, until = (BEGIN + timedelta(days=day, hours=13) for day in (first, last))
        options = {"since": str(since), "until": str(until), "scope": scope, "definitions": RATES}
        told = mirror.compute(waterfall, as_of="2026-01-22T13:00:00", known_from={"Opportunity": BEGIN}, **options)
        check(told, all_lives, (first, last), scope)


@few
@given(all_lives=lives, first=st.integers(0, 19), days=st.integers(1, 20), scope=scopes)
def test_over_the_orgs_stage_history(request, all_lives, first, days, scope):
    # The stage history knows neither deletions nor currencies of the past.
    plain = [
        [(day, state | {"IsDeleted": False, "CurrencyIsoCode": life[0][1]["CurrencyIsoCode"]}) for day, state in life]
        for life in all_lives
    ]
    owners = [
        [(day, state | {"OwnerId": state["OwnerId"] or "005000000000003AAA"}) for day, state in life] for life in plain
    ]
    with tempfile.TemporaryDirectory() as folder:
        mirror = request.getfixturevalue("make_mirror")(Path(folder))
        mirror.stages("Prospecting", "Proposal", "Closed Won", "Closed Lost")
        mirror.make("Opportunity", OPPORTUNITY)
        with mirror.store.writing() as session:
            for _, row in versions(owners):
                write(session, row)
        mirror.history(
            *(
                {"deal": number, "at": BEGIN + timedelta(days=day)} | state
                for number, life in enumerate(owners)
                for day, state in life
            )
        )
        mirror.owner_changes(
            *(
                (number, str(BEGIN + timedelta(days=now[0])), before[1]["OwnerId"], now[1]["OwnerId"])
                for number, life in enumerate(owners)
                for before, now in pairwise(life)
                if before[1]["OwnerId"] != now[1]["OwnerId"]
            )
        )
        last = min(first + days, 21)
        since, until = (BEGIN + timedelta(days=day, hours=13) for day in (first, last))
        options = {"since": str(since), "until": str(until), "scope": scope, "definitions": RATES}
        told = mirror.compute(waterfall, as_of="2026-01-30T13:00:00", **options)
        check(told, owners, (first, last), scope)


leads = st.lists(
    st.fixed_dictionaries(
        {
            "IsDeleted": st.booleans(),
            "IsConverted": st.booleans() | st.none(),
            "MasterRecordId": st.none() | st.just("00Q000000000000AAA"),
            "Status": st.sampled_from(("Open", "Unqualified", "UNQUALIFIED", None)),
            "CreatedDate": st.none() | st.integers(0, 900).map(lambda day: datetime(2024, 1, 1) + timedelta(days=day)),
            "fate": st.sampled_from(("held", "changed", "gone")),
        }
    ),
    max_size=12,
)
LEAD = {"Id": "VARCHAR", "IsDeleted": "BOOLEAN", "IsConverted": "BOOLEAN", "MasterRecordId": "VARCHAR"}
LEAD |= {"Status": "VARCHAR", "CreatedDate": "TIMESTAMP"}


@few
@given(rows=leads)
def test_every_lead_is_accounted_for(request, rows):
    with tempfile.TemporaryDirectory() as folder:
        mirror = request.getfixturevalue("make_mirror")(Path(folder))
        held = [row | {"Id": f"00Q{number:012d}AAA"} for number, row in enumerate(rows)]
        mirror.make("Lead", LEAD, held)
        with mirror.store.writing() as session:
            shape_history(session, "Lead", LEAD)
            for row in held:
                if row["fate"] != "held":
                    keep_versions(session, "Lead", f"SELECT '{row['Id']}'", BEGIN)
                if row["fate"] == "gone":
                    session.execute('DELETE FROM sf_all."Lead" WHERE "Id" = ?', [row["Id"]])
        told = mirror.compute(ledger, definitions={"lead_status": {"disqualified": ["Unqualified"]}})
        assert told.n == len(rows)
        if rows:
            assert told.value == 0
            assert all(month["residual"] == 0 for month in told.context["by_month"])
        counted = {name: told.context[name] for name in ("open", "converted", "disqualified", "merged", "deleted")}
        assert sum(counted.values()) == len(rows)
        merged = [row for row in rows if row["MasterRecordId"] and (row["IsDeleted"] or row["fate"] == "gone")]
        assert counted["merged"] == len(merged)


def test_shared_tables_leave_nothing_behind(mirror):
    mirror.opportunities([])
    with mirror.store.reading() as session:
        with Bench(session) as bench:
            waterfall(bench, mirror.context(session, "2026-01-31T12:00:00"))
        left = session.execute(
            "SELECT count(*) FROM information_schema.tables WHERE table_name LIKE 'metric_%'"
        ).scalar()
    assert left == 0

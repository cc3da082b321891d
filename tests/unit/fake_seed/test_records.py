"""The records of a seeded org are such as Salesforce would let stand, and such as a firm would have."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from pathlib import Path
from statistics import median

import pytest

from sfsync.fake.catalog import standard_catalog
from sfsync.fake.catalog.facts import ID_TYPES
from sfsync.fake.custom_fields import from_describe
from sfsync.fake.ids import is_valid_id
from sfsync.fake.seed import SeedData, custom_fields, picklist_values, plant
from sfsync.fake.seed.setup import PREFIXES

AS_OF = datetime(2026, 1, 31, 12)
PYTHON_TYPES = {"boolean": bool, "int": int, "double": float, "currency": float, "percent": float}
PYTHON_TYPES |= {"date": date, "datetime": datetime}


@pytest.fixture(scope="module", params=[(1, 50), (2, 400), (3, 3000)], ids=str)
def data(request: pytest.FixtureRequest) -> SeedData:
    seed, leads = request.param
    return plant(seed, leads, AS_OF)


@pytest.fixture(scope="module")
def large() -> SeedData:
    return plant(4, 8000, AS_OF)


def field_facts(name: str) -> dict:
    facts = standard_catalog().facts(name)
    assert facts is not None
    facts = facts.with_fields([from_describe(field) for field in custom_fields().get(name, ())])
    return {field.name: field for field in facts.stored_fields}


def live(data: SeedData, name: str) -> list[dict]:
    return [row for row in data.tables[name] if not row["IsDeleted"]]


def test_every_value_fits_its_field(data: SeedData) -> None:
    for name, rows in data.tables.items():
        fields = field_facts(name)
        for row in rows:
            assert row.keys() <= fields.keys()
            for column, value in row.items():
                field = fields[column]
                if value is None:
                    assert field.has("n"), f"{name}.{column} is empty"
                    continue
                assert type(value) is PYTHON_TYPES.get(field.type, str), f"{name}.{column}: {value!r}"
                assert not isinstance(value, str) or 0 < len(value) <= field.length, f"{name}.{column}: {value!r}"


def test_required_fields_are_all_there(data: SeedData) -> None:
    for name, rows in data.tables.items():
        required = {f.name for f in field_facts(name).values() if not f.has("n") and not f.has("d")}
        assert required <= rows[0].keys() | {"UserPermissionsMarketingUser"}


def test_records_of_an_object_have_the_same_fields_in_the_same_order(data: SeedData) -> None:
    for rows in data.tables.values():
        assert {tuple(row) for row in rows} == {tuple(rows[0])}


def test_picklists_hold_only_their_values(data: SeedData) -> None:
    for name, rows in data.tables.items():
        stages = {"Opportunity": {"StageName": tuple(stage["ApiName"] for stage in data.tables["OpportunityStage"])}}
        named = picklist_values().get(name, {}) | stages.get(name, {})
        for field in field_facts(name).values():
            values = named.get(field.name) or tuple(entry.value for entry in field.values)
            if field.type == "picklist" and values and field.name in rows[0]:
                assert {row[field.name] for row in rows} - {None} <= set(values), f"{name}.{field.name}"


def test_ids_are_valid_and_point_to_records_that_are_there(data: SeedData) -> None:
    known = {row["Id"] for rows in data.tables.values() for row in rows}
    assert len(known) == sum(len(rows) for rows in data.tables.values())
    dangling = Counter()
    for name, rows in data.tables.items():
        assert all(is_valid_id(row["Id"], PREFIXES[name]) for row in rows)
        for field in field_facts(name).values():
            if field.type in ID_TYPES and field.name in rows[0] and field.name != "ProfileId":
                values = {row[field.name] for row in rows} - {None}
                assert all(is_valid_id(value) for value in values)
                if missing := values - known:
                    dangling[f"{name}.{field.name}"] = len(missing)
    converted = {"Lead.ConvertedAccountId", "Lead.ConvertedContactId", "Lead.ConvertedOpportunityId"}
    assert dangling.keys() <= converted
    assert sum(dangling.values()) <= 3 * len(data.planted["CV003"]) + 1


def test_live_children_have_live_parents(data: SeedData) -> None:
    deleted = {row["Id"] for rows in data.tables.values() for row in rows if row.get("IsDeleted")}
    for row in [*live(data, "Contact"), *live(data, "Opportunity")]:
        assert row["AccountId"] not in deleted
    for row in live(data, "OpportunityContactRole"):
        assert row["ContactId"] not in deleted
        assert row["OpportunityId"] not in deleted


def test_stamps_are_in_order_and_in_the_past(data: SeedData) -> None:
    for name, rows in data.tables.items():
        for row in rows:
            created, stamp = row["CreatedDate"], row["SystemModstamp"]
            changed = row.get("LastModifiedDate", created)
            assert created <= changed <= stamp <= AS_OF - timedelta(minutes=10), f"{name} {row['Id']}"
            assert created.microsecond == changed.microsecond == stamp.microsecond == 0


def test_users_were_there_before_what_they_made(data: SeedData) -> None:
    joined = {user["Id"]: user["CreatedDate"] for user in data.tables["User"]}
    for name in ("Lead", "Account", "Contact", "Opportunity", "Task"):
        assert all(joined[row["CreatedById"]] <= row["CreatedDate"] for row in data.tables[name]), name


def test_nobody_who_has_left_owns_open_work(data: SeedData) -> None:
    inactive = {user["Id"] for user in data.tables["User"] if not user["IsActive"]}
    assert len(inactive) == 1
    assert not [
        lead
        for lead in live(data, "Lead")
        if lead["OwnerId"] in inactive and lead["Status"] != "Closed - Not Converted"
    ]
    assert not [deal for deal in live(data, "Opportunity") if deal["OwnerId"] in inactive and not deal["IsClosed"]]


def test_stage_history_tells_how_an_opportunity_came_to_stand_where_it_stands(data: SeedData) -> None:
    history = defaultdict(list)
    for row in data.tables["OpportunityHistory"]:
        history[row["OpportunityId"]].append(row)
    assert history.keys() == {deal["Id"] for deal in data.tables["Opportunity"]}
    order = {stage["ApiName"]: stage["SortOrder"] for stage in data.tables["OpportunityStage"]}
    for deal in data.tables["Opportunity"]:
        rows = history[deal["Id"]]
        first, last = rows[0], rows[-1]
        moments = [row["CreatedDate"] for row in rows]
        stages = [order[row["StageName"]] for row in rows]
        assert first["CreatedDate"] == deal["CreatedDate"]
        assert moments == sorted(set(moments))
        assert stages == sorted(set(stages))
        assert last["CreatedDate"] <= deal["LastModifiedDate"]
        for column in ("StageName", "Amount", "CloseDate", "Probability", "ExpectedRevenue", "ForecastCategory"):
            assert last[column] == deal[column], f"{deal['Id']}: {column}"


def test_a_closed_opportunity_closed_on_its_close_date(data: SeedData) -> None:
    entered = {row["OpportunityId"]: row["CreatedDate"] for row in data.tables["OpportunityHistory"]}
    closed = [deal for deal in live(data, "Opportunity") if deal["StageName"].startswith("Closed")]
    assert closed
    assert all(entered[deal["Id"]].date() == deal["CloseDate"] for deal in closed)


def test_what_a_conversion_created_carries_the_leads_values(data: SeedData) -> None:
    contacts = {row["Id"]: row for row in data.tables["Contact"]}
    accounts = {row["Id"]: row for row in data.tables["Account"]}
    for lead in live(data, "Lead"):
        contact, account = contacts.get(lead["ConvertedContactId"]), accounts.get(lead["ConvertedAccountId"])
        if contact is not None:
            assert contact["Email"] == lead["Email"]
            assert contact["Name"] == lead["Name"]
        if account is not None and account["CreatedDate"] >= lead["CreatedDate"]:
            assert account["Name"] == lead["Company"]


def test_activities_of_a_converted_lead_are_with_its_contact(data: SeedData) -> None:
    converted = {lead["Id"] for lead in data.tables["Lead"] if lead["IsConverted"]}
    who = {task["WhoId"] for task in data.tables["Task"]}
    assert not who & converted
    assert len(who & {lead["ConvertedContactId"] for lead in live(data, "Lead")}) > 0.8 * len(converted) - 6


def test_leads_are_as_many_as_asked_for(data: SeedData) -> None:
    assert len(live(data, "Lead")) in {50, 400, 3000}
    assert any(lead["MasterRecordId"] for lead in data.tables["Lead"] if lead["IsDeleted"])


def test_no_two_people_share_an_address(data: SeedData) -> None:
    addresses = Counter(lead["Email"] for lead in live(data, "Lead"))
    assert max(addresses.values()) == 1
    assert all(address.endswith((".example.com", ".example.org", ".example.net")) for address in addresses)


def test_hostile_values_are_there_and_break_no_rule_by_themselves(large: SeedData) -> None:
    leads = live(large, "Lead")
    texts = "\0".join(str(value) for lead in leads for value in lead.values() if isinstance(value, str))
    for value in ("=HYPERLINK(", "<script>", "\u2028", "\u202e", "DROP TABLE", "\r\n", "👩🏽‍🔧", "株式会社"):
        assert value in texts
    assert {"NA", "Null", "True"} <= {lead["LastName"] for lead in leads}
    assert {"007", "1e5"} <= {lead["Company"] for lead in leads}
    assert max(len(lead["Description"] or "") for lead in leads) > 5000
    assert any(deal["Name"].startswith(("=HYPERLINK", "'; DROP", "007")) for deal in large.tables["Opportunity"])


def test_sources_differ_in_volume_and_in_conversion(large: SeedData) -> None:
    mature = [lead for lead in live(large, "Lead") if lead["CreatedDate"] < AS_OF - timedelta(days=90)]
    total, converted = Counter(), Counter()
    for lead in mature:
        total[lead["LeadSource"]] += 1
        converted[lead["LeadSource"]] += lead["IsConverted"]
    rate = {source: converted[source] / total[source] for source in total if source}
    assert total["Web"] > 2 * total["Referral"]
    assert rate["Referral"] > 2 * rate["Web"] > 4 * rate["Purchased List"]
    assert 0.13 < converted.total() / total.total() < 0.22


def test_young_leads_have_not_had_the_time_to_convert(large: SeedData) -> None:
    leads = live(large, "Lead")
    young = [lead for lead in leads if lead["CreatedDate"] > AS_OF - timedelta(days=20)]
    old = [lead for lead in leads if lead["CreatedDate"] < AS_OF - timedelta(days=120)]
    share = [sum(lead["IsConverted"] for lead in part) / len(part) for part in (young, old)]
    assert share[0] < share[1] / 2
    days = [
        (lead["ConvertedDate"] - lead["CreatedDate"].date()).days for lead in old if lead["ConvertedDate"] is not None
    ]
    assert 17 <= median(days) <= 25


def test_premature_conversions_win_less_often(large: SeedData) -> None:
    deals = {deal["Id"]: deal for deal in live(large, "Opportunity")}
    outcomes = defaultdict(list)
    for lead in live(large, "Lead"):
        deal = deals.get(lead["ConvertedOpportunityId"])
        if deal is not None and deal["IsClosed"]:
            outcomes[lead["Id"] in large.planted["LQ002"]].append(deal["IsWon"])
    rate = {premature: sum(won) / len(won) for premature, won in outcomes.items()}
    assert rate[True] < 0.6 * rate[False]
    assert 0.25 < rate[False] < 0.38


def test_months_differ_as_seasons_do(large: SeedData) -> None:
    created = Counter(lead["CreatedDate"].strftime("%Y-%m") for lead in live(large, "Lead"))
    assert created["2025-08"] < 0.75 * created["2025-09"]
    assert created["2025-12"] < 0.75 * created["2025-11"]
    weekdays = Counter(lead["CreatedDate"].weekday() >= 5 for lead in live(large, "Lead"))
    assert weekdays[True] < 0.15 * weekdays[False]


def recorded_fields(name: str) -> set[str]:
    folder = next(
        (parent / "shared/data/describes" for parent in Path(__file__).parents if (parent / "shared/data").is_dir()),
        None,
    )
    if folder is None:
        pytest.skip("the recorded describes are not here")
    body = folder / f"{name}.json"
    if body.exists():
        return {field["name"] for field in json.loads(body.read_text())["fields"]}
    return set(json.loads((folder / "standard_field_lists.json").read_text())[name]["fields"])


@pytest.mark.parametrize("name", sorted(PREFIXES))
def test_fields_are_those_of_a_real_org(name: str) -> None:
    added = {field["name"] for field in custom_fields().get(name, ())}
    rows = plant(1, 50, AS_OF).tables[name]
    assert rows[0].keys() <= recorded_fields(name) | added

from __future__ import annotations

from datetime import date

import pytest

from sfsync.errors import UsageError

DATA = "/services/data/v60.0"


def converted(org, amount, source, target, day=None):
    sql = org.behaviour.currencies.sql("v.amount", "v.code", target, f"DATE '{day}'" if day else None)
    with org.database.reading() as cursor:
        return cursor.execute(
            f"SELECT {sql} FROM (SELECT ?::DOUBLE AS amount, ? AS code) AS v", [amount, source]
        ).fetchone()[0]


def test_an_org_has_one_currency_until_told_otherwise(org, client):
    assert client.query("SELECT Id FROM CurrencyType")[0]["errorCode"] == "INVALID_TYPE"
    assert org.catalog.facts("Lead").field("CurrencyIsoCode") is None
    assert converted(org, 10, "EUR", "USD") == 10
    assert org.behaviour.user_currency(org.admin_id) == "USD"


def test_records_get_a_currency_and_rates_are_records(org, client):
    old = org.insert("Opportunity", [{"Name": "Old", "StageName": "Prospecting", "CloseDate": "2026-01-01"}])[0]
    org.multi_currency({"EUR": 1, "USD": 1.25, "JPY": 150})
    rows = client.rows("SELECT IsoCode, ConversionRate, IsCorporate FROM CurrencyType ORDER BY IsoCode")
    assert rows[0] == {"IsoCode": "EUR", "ConversionRate": 1.0, "IsCorporate": True}
    assert [row["IsoCode"] for row in rows] == ["EUR", "USD", "JPY"]  # a picklist sorts as it is set up
    new = org.insert("Opportunity", [{"Name": "N", "StageName": "Prospecting", "CloseDate": "2026-01-01"}])[0]
    assert (
        org.record("Opportunity", old)["CurrencyIsoCode"] == org.record("Opportunity", new)["CurrencyIsoCode"] == "EUR"
    )
    fields = {f["name"]: f for f in client.get(f"{DATA}/sobjects/Lead/describe").json()["fields"]}
    assert [entry["value"] for entry in fields["CurrencyIsoCode"]["picklistValues"]] == ["EUR", "USD", "JPY"]
    assert fields["CurrencyIsoCode"]["restrictedPicklist"]


def test_amounts_are_converted_by_the_rates(org):
    org.multi_currency({"EUR": 1, "USD": 1.25, "JPY": 150})
    assert converted(org, 100, "EUR", "USD") == 125.0
    assert converted(org, 100, "JPY", "EUR") == pytest.approx(0.666667)
    assert converted(org, 125, "USD", "JPY") == 15000.0
    assert converted(org, 1, "XXX", "EUR") is None


def test_dated_rates_hold_from_their_day_on(org):
    org.multi_currency({"USD": 1, "EUR": 0.5}, {"EUR": {date(2026, 1, 1): 0.8, date(2026, 2, 1): 0.9}})
    assert converted(org, 100, "USD", "EUR") == 50.0
    assert converted(org, 100, "USD", "EUR", date(2026, 1, 31)) == 80.0
    assert converted(org, 100, "USD", "EUR", date(2026, 2, 1)) == 90.0
    assert converted(org, 100, "USD", "EUR", date(2025, 12, 31)) == 50.0
    with org.database.reading() as cursor:
        rows = cursor.execute(
            'SELECT "StartDate", "NextStartDate" FROM "DatedConversionRate" ORDER BY "StartDate"'
        ).fetchall()
    assert rows == [(date(2026, 1, 1), date(2026, 2, 1)), (date(2026, 2, 1), None)]


def test_a_user_may_have_another_currency(org):
    org.multi_currency({"USD": 1, "EUR": 0.5})
    user = org.add_user("Jones", DefaultCurrencyIsoCode="EUR")
    assert org.behaviour.user_currency(user) == "EUR"
    assert org.behaviour.user_currency(org.admin_id) == "USD"
    sql = org.behaviour.currencies.sql('"Amount"', '"CurrencyIsoCode"', "EUR", '"CloseDate"')
    row = {"Name": "N", "StageName": "Prospecting", "CloseDate": "2026-01-01", "Amount": 10}
    org.insert("Opportunity", [row, {**row, "CurrencyIsoCode": "EUR"}])
    with org.database.reading() as cursor:
        assert sorted(cursor.execute(f'SELECT {sql} FROM "Opportunity"').fetchall()) == [(5.0,), (10.0,)]


@pytest.mark.parametrize(
    ("rates", "dated"),
    [({}, None), ({"EUR": 0.9}, None), ({"USD": 1, "EUR": 0}, None), ({"USD": 1}, {"EUR": {date(2026, 1, 1): 2.0}})],
)
def test_rates_that_make_no_sense_are_refused(org, rates, dated):
    with pytest.raises(UsageError):
        org.multi_currency(rates, dated)


def test_currencies_are_turned_on_once(org):
    org.multi_currency({"USD": 1})
    with pytest.raises(UsageError, match="already"):
        org.multi_currency({"USD": 1})

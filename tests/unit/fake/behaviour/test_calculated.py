from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from sfsync.errors import UsageError


@pytest.fixture
def account(org):
    return org.insert("Account", [{"Name": "Acme", "AnnualRevenue": 1000, "Industry": "Banking"}])[0]


@pytest.fixture
def deal(org, account):
    return org.insert(
        "Opportunity",
        [
            {
                "Name": "Deal",
                "StageName": "Value Proposition",
                "CloseDate": "2026-03-31",
                "Amount": 250,
                "AccountId": account,
                "CreatedDate": "2026-01-30T22:00:00Z",
            }
        ],
    )[0]


def value(org, deal, field_type, expression, **details):
    org.add_formula("Opportunity", "F__c", field_type, expression, **details)
    return org.record("Opportunity", deal)["F__c"]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("Amount * 2 + 1", 501.0),
        ("1 + 2 * 3 ^ 2 - 4 / 2", 17.0),
        ("(1 + 2) * -3", -9.0),
        ("10 - 3 - 2", 5.0),
        ("Amount * Probability", 125.0),  # a percentage is a fraction
        ("TotalOpportunityQuantity + 1", 1.0),  # a missing number is zero
        ("Amount / 0", None),
        ("SQRT(0 - 1)", None),
        ("IF(Amount > 100 && Account.Industry <> 'x', 1, 2)", None),
        ("IF(AND(Amount > 100, NOT(ISBLANK(Account.Name))), 1, 2)", 1.0),
        ("IF(ISBLANK(NextStep), 7, 8)", 7.0),
        ("IF(NextStep = '', 7, 8)", 7.0),
        ("IF(ISPICKVAL(StageName, 'Value Proposition'), 1, 0)", 1.0),
        ("CASE(StageName, 'Prospecting', 1, 'Value Proposition', 2, 3)", 2.0),
        ("CASE(Amount, 1, 10, 250, 20, 30)", 20.0),
        ("CASE(NextStep, 'x', 10, 30)", 30.0),
        ("BLANKVALUE(Account.AnnualRevenue, 5)", 1000.0),
        ("CloseDate - DATE(2026, 3, 1)", 30.0),
        ("YEAR(CloseDate) + MONTH(CloseDate) * 100 + DAY(CloseDate)", 2357.0),
        ("WEEKDAY(DATE(2026, 2, 1))", 1.0),
        ("DATETIMEVALUE('x')", "unknown"),
        ("ROUND(2.345, 2) + ROUND(-1.5, 0)", 0.35),
        ("MOD(-7, 3) + ABS(-1) + FLOOR(1.9) + CEILING(1.1)", 6.0),
        ("MIN(3, 1, 2) + MAX(3, 1, 2)", 4.0),
        ("LEN('Grüße') + FIND('b', 'abc') + VALUE('1.5')", 8.5),
        ("IF(CONTAINS(Name, 'ea') && BEGINS(Name, 'De') || FALSE, 1, 0)", 1.0),
        ("IF('a' = 'A', 1, 0)", 0.0),  # text compares exactly, unlike in SOQL
        ("NULL", None),
        ("999999999999 * 999999999999", 999999999998000000000001.0),
        ("/* a comment */ 1 /* and another */ + 1", 2.0),
    ],
)
def test_a_formula_of_numbers(org, deal, expression, expected):
    if expression.startswith("IF(Amount > 100 && Account.Industry"):
        with pytest.raises(UsageError, match="picklist"):
            value(org, deal, "double", expression)
    elif expected == "unknown":
        with pytest.raises(UsageError, match="DATETIMEVALUE"):
            value(org, deal, "double", expression)
    else:
        assert value(org, deal, "double", expression) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ('Name & ": " & TEXT(Amount) & NextStep', "Deal: 250"),
        ("UPPER(LEFT(Name, 2)) + LOWER(RIGHT(Name, 2)) + MID(Name, 2, 2)", "DEalea"),
        ("TEXT(StageName)", "Value Proposition"),
        ("TEXT(CloseDate)", "2026-03-31"),
        ("SUBSTITUTE(TRIM('  a-b '), '-', '+')", "a+b"),
        ("BLANKVALUE(NextStep, 'none')", "none"),
        ("NextStep", None),
        ("IF(TRUE, 'it\\'s', \"\")", "it's"),
        ('"\'; DROP TABLE x; --"', "'; DROP TABLE x; --"),
        ("Account.Owner.Name", "Ada Admin"),
    ],
)
def test_a_formula_of_texts(org, deal, expression, expected):
    assert value(org, deal, "string", expression) == expected


def test_formulas_of_other_types(org, deal):
    assert value(org, deal, "date", "ADDMONTHS(CloseDate, 1) - 1") == date(2026, 4, 29)
    org.add_formula("Opportunity", "P__c", "percent", "Probability / 2", scale=1)
    org.add_formula("Opportunity", "B__c", "boolean", "Amount > 100")
    org.add_formula("Opportunity", "D__c", "datetime", "CreatedDate + 0.5")
    org.add_formula("Opportunity", "N__c", "double", "TotalOpportunityQuantity", blanks_are_zero=False)
    org.add_formula("Opportunity", "R__c", "currency", "Amount / 3")
    row = org.record("Opportunity", deal)
    assert row["P__c"] == 25.0
    assert row["B__c"] is True
    assert row["D__c"] == datetime(2026, 1, 31, 10)
    assert row["N__c"] is None
    assert row["R__c"] == 83.33


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "1 +",
        "(1",
        "1)",
        "Nothing__c",
        "Account.Nothing__c",
        "Nothing.Name",
        "FROBNICATE(1)",
        "IF(1, 2, 3)",
        "IF(TRUE, 2)",
        "CASE(1, 2, 3, 4, 5)",
        "1 + Name - 1",
        "Name > 1",
        "'text'",
        "StageName & 'x'",
        "1 ; 2",
        "'open",
        "(" * 500 + "1" + ")" * 500,
        "Id FROM Lead --",
        "BillingAddress",
    ],
)
def test_a_formula_that_makes_no_sense_is_refused_and_adds_nothing(org, deal, expression):
    with pytest.raises(UsageError):
        org.add_formula("Opportunity", "F__c", "double", expression)
    assert org.catalog.facts("Opportunity").field("F__c") is None


def test_a_formula_is_described_as_calculated_and_cannot_be_written(org, deal, client):
    org.add_formula("Opportunity", "F__c", "double", "Amount * 2", scale=1)
    fields = client.get("/services/data/v60.0/sobjects/Opportunity/describe").json()["fields"]
    (field,) = [one for one in fields if one["name"] == "F__c"]
    assert field["calculated"]
    assert field["calculatedFormula"] == "Amount * 2"
    assert field["formulaTreatNullNumberAsZero"]
    assert not field["createable"]
    assert not field["updateable"]
    assert field["nillable"]


def test_calculated_fields_follow_their_sources_without_moving_a_stamp(org, account, deal):
    org.add_formula("Opportunity", "Share__c", "double", "Amount / Account.AnnualRevenue", scale=4)
    org.add_roll_up("Account", "Deals__c", "Opportunity")
    org.add_roll_up("Account", "Share_Sum__c", "Opportunity", "SUM", "Share__c")
    org.add_formula("Account", "Told__c", "string", "TEXT(Deals__c) & '/' & TEXT(Share_Sum__c)")
    assert org.record("Account", account)["Told__c"] == "1/0.25"
    stamps = {
        name: org.record(name, one)["SystemModstamp"] for name, one in (("Account", account), ("Opportunity", deal))
    }
    with org.database.writing() as cursor:
        cursor.execute('UPDATE "Account" SET "AnnualRevenue" = 500')
    org.clock.advance(timedelta(days=1))
    org.behaviour.refresh("Account", [account])
    assert org.record("Opportunity", deal)["Share__c"] == 0.5
    assert org.record("Account", account)["Told__c"] == "1/0.5"
    assert {
        n: org.record(n, one)["SystemModstamp"] for n, one in (("Account", account), ("Opportunity", deal))
    } == stamps


def test_roll_ups_count_live_children_that_meet_the_condition(org, account, deal):
    rows = [
        {"Name": "Won", "StageName": "Closed Won", "CloseDate": "2026-01-01", "Amount": 40, "AccountId": account},
        {"Name": "Gone", "StageName": "Closed Won", "CloseDate": "2025-01-01", "Amount": 80, "AccountId": account},
    ]
    _, gone = org.insert("Opportunity", rows)
    empty = org.insert("Account", [{"Name": "Empty"}])[0]
    org.delete("Opportunity", gone)
    org.add_roll_up("Account", "Won__c", "Opportunity", where="IsWon = true")
    org.add_roll_up("Account", "Sum__c", "Opportunity", "SUM", "Amount")
    org.add_roll_up("Account", "First__c", "Opportunity", "MIN", "CloseDate")
    org.add_roll_up("Account", "Largest__c", "Opportunity", "MAX", "Amount")
    row, none = org.record("Account", account), org.record("Account", empty)
    assert (row["Won__c"], row["Sum__c"], row["First__c"], row["Largest__c"]) == (1.0, 290.0, date(2026, 1, 1), 250.0)
    assert (none["Won__c"], none["Sum__c"], none["First__c"], none["Largest__c"]) == (0.0, 0.0, None, None)


def test_a_roll_up_may_move_the_stamp_of_its_parent_alone(org, account, deal):
    org.add_roll_up("Account", "Sum__c", "Opportunity", "SUM", "Amount", moves_stamp=True)
    org.clock.advance(timedelta(hours=1))
    before = org.record("Account", account)
    with org.database.writing() as cursor:
        cursor.execute('UPDATE "Opportunity" SET "Amount" = 1')
    org.behaviour.refresh("Opportunity", [deal])
    after = org.record("Account", account)
    assert after["Sum__c"] == 1.0
    assert after["SystemModstamp"] > before["SystemModstamp"]
    assert after["LastModifiedDate"] == before["LastModifiedDate"]


def test_a_formula_that_tells_the_time_moves_with_the_clock(org, deal):
    org.clock.set(datetime(2026, 3, 1, 23, tzinfo=UTC))
    org.settings.timezone = "Europe/Berlin"
    org.add_formula("Opportunity", "Days_Left__c", "double", "CloseDate - TODAY()", scale=0)
    org.add_formula("Opportunity", "Day__c", "date", "DATEVALUE(CreatedDate)")
    org.add_formula("Opportunity", "Now__c", "datetime", "NOW()")
    row = org.record("Opportunity", deal)
    assert (row["Days_Left__c"], row["Day__c"]) == (29.0, date(2026, 1, 30))
    org.clock.advance(timedelta(days=10))
    row = org.record("Opportunity", deal)
    assert row["Days_Left__c"] == 19.0
    assert row["Now__c"] > datetime(2026, 3, 11)


@pytest.mark.parametrize(
    "call",
    [
        lambda org: org.add_formula("Lead", "Score", "double", "1"),
        lambda org: org.add_formula("Lead", "Score__c", "picklist", "1"),
        lambda org: org.add_roll_up("Account", "N__c", "Opportunity", "SUM"),
        lambda org: org.add_roll_up("Account", "N__c", "Opportunity", "SUM", "Name"),
        lambda org: org.add_roll_up("Account", "N__c", "Opportunity", "COUNT", "Amount"),
        lambda org: org.add_roll_up("Account", "N__c", "Opportunity", "AVG", "Amount"),
        lambda org: org.add_roll_up("Account", "N__c", "Campaign"),
        lambda org: org.add_roll_up("Account", "N__c", "Opportunity", where="Nothing__c = 1"),
        lambda org: org.add_roll_up("Account", "N__c", "Opportunity", where="Id != null LIMIT 1"),
        lambda org: org.add_roll_up("User", "N__c", "Lead", lookup="Company"),
    ],
)
def test_a_calculated_field_that_makes_no_sense_is_refused(org, call):
    with pytest.raises(UsageError):
        call(org)

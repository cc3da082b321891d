from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal

import pytest

from sfsync.errors import SoqlError
from sfsync.soql import parse, parse_condition
from sfsync.soql.ast import (
    And,
    BooleanValue,
    Call,
    ChildQuery,
    Comparison,
    CurrencyValue,
    DataCategory,
    DateLiteral,
    DateTimeValue,
    DateValue,
    FieldPath,
    FieldsOf,
    GroupBy,
    LikePattern,
    Membership,
    Not,
    NullValue,
    NumberValue,
    Or,
    OrderBy,
    Query,
    Selected,
    SemiJoin,
    Source,
    StringValue,
    TimeValue,
    TypeOf,
    When,
    WithContext,
    WithDataCategories,
    WithFilter,
    WithFlag,
)


def field(*names: str) -> FieldPath:
    return FieldPath(names)


def equals(name: str, number: int) -> Comparison:
    return Comparison(field(name), "=", NumberValue(Decimal(number)))


def value_of(text: str) -> object:
    condition = parse_condition(f"F = {text}")
    assert isinstance(condition, Comparison)
    return condition.right


def text_of(error: pytest.ExceptionInfo[SoqlError]) -> str:
    return str(error.value.context["text"])


def test_a_statement_with_every_clause_is_read():
    assert parse(
        "select l.Id, Owner.Name FROM Lead l USING SCOPE mine WHERE A = 1 WITH SECURITY_ENFORCED"
        " ORDER BY Name desc nulls last, Id LIMIT 10 OFFSET 5 FOR VIEW UPDATE TRACKING, VIEWSTAT"
    ) == Query(
        select=(Selected(field("l", "Id")), Selected(field("Owner", "Name"))),
        sources=(Source(field("Lead"), "l"),),
        scope="mine",
        where=equals("A", 1),
        with_clauses=(WithFlag("SECURITY_ENFORCED"),),
        order_by=(OrderBy(field("Name"), descending=True, nulls_last=True), OrderBy(field("Id"))),
        limit=10,
        offset=5,
        purpose="VIEW",
        update=("TRACKING", "VIEWSTAT"),
    )


def test_names_of_clauses_may_be_names_of_fields_objects_and_aliases():
    query = parse("SELECT Order, Group, Offset FROM Group Group WHERE Group.Limit = 1 GROUP BY Order ORDER BY Group")
    assert query.source == Source(field("Group"), "Group")
    assert query.where == Comparison(field("Group", "Limit"), "=", NumberValue(Decimal(1)))
    assert parse("SELECT Id FROM Lead OFFSET 5").offset == 5
    assert parse("SELECT Id FROM Lead Offset").source.alias == "Offset"


def test_several_sources_name_relationships_of_the_first():
    query = parse("SELECT c.Id, a.Name FROM Contact c, c.Account AS a")
    assert query.sources == (Source(field("Contact"), "c"), Source(field("c", "Account"), "a"))


@pytest.mark.parametrize("text", ["SELECT COUNT() FROM Lead", "select count ( ) from Lead LIMIT 5"])
def test_count_without_field_counts_rows(text: str):
    assert parse(text).is_count


def test_count_of_a_field_is_an_aggregate_like_others():
    query = parse("SELECT COUNT(Id) total, MAX(CreatedDate) FROM Lead")
    assert not query.is_count
    assert query.select == (
        Selected(Call("COUNT", (field("Id"),)), "total"),
        Selected(Call("MAX", (field("CreatedDate"),))),
    )


def test_grouping_is_read_in_its_three_kinds():
    assert parse("SELECT A FROM Lead GROUP BY A, CALENDAR_YEAR(convertTimezone(B))").group_by == GroupBy(
        (field("A"), Call("CALENDAR_YEAR", (Call("convertTimezone", (field("B"),)),)))
    )
    assert parse("SELECT A FROM Lead GROUP BY ROLLUP(A, B) HAVING COUNT(Id) = 1").having == Comparison(
        Call("COUNT", (field("Id"),)), "=", NumberValue(Decimal(1))
    )
    assert parse("SELECT A FROM Lead GROUP BY cube(A)").group_by == GroupBy((field("A"),), "CUBE")


def test_child_queries_typeof_and_field_sets_are_read():
    query = parse(
        "SELECT FIELDS(standard), (SELECT Id FROM Contacts LIMIT 1) c,"
        " TYPEOF Owner WHEN User THEN Id, Name WHEN Group THEN Id ELSE Name END FROM Account"
    )
    contacts = Query((Selected(field("Id")),), (Source(field("Contacts")),), limit=1)
    assert query.select == (
        Selected(FieldsOf("STANDARD")),
        Selected(ChildQuery(contacts), "c"),
        Selected(
            TypeOf(
                field("Owner"),
                (When("User", (field("Id"), field("Name"))), When("Group", (field("Id"),))),
                (field("Name"),),
            )
        ),
    )


def test_semi_joins_are_read():
    assert parse_condition("Id NOT IN (SELECT LeadId FROM CampaignMember c WHERE c.A = 1)") == SemiJoin(
        field("Id"),
        negated=True,
        query=Query(
            (Selected(field("LeadId")),),
            (Source(field("CampaignMember"), "c"),),
            where=Comparison(field("c", "A"), "=", NumberValue(Decimal(1))),
        ),
    )


def test_distances_are_read():
    condition = parse_condition("DISTANCE(At__c, GEOLOCATION(37.7, -122), 'mi') < 20")
    point = Call("GEOLOCATION", (NumberValue(Decimal("37.7")), NumberValue(Decimal(-122))))
    assert condition == Comparison(
        Call("DISTANCE", (field("At__c"), point, StringValue("mi"))), "<", NumberValue(Decimal(20))
    )


def test_with_clauses_are_read():
    query = parse(
        "SELECT Id FROM Question WITH DATA CATEGORY Geo__c ABOVE_OR_BELOW (usa__c, uk__c) AND Product__c AT all__c"
        " WITH Network = 'x' WITH RecordVisibilityContext (maxDescriptorPerRecord=100, supportsDomains=true)"
    )
    assert query.with_clauses == (
        WithDataCategories(
            (
                DataCategory("Geo__c", "ABOVE_OR_BELOW", ("usa__c", "uk__c")),
                DataCategory("Product__c", "AT", ("all__c",)),
            )
        ),
        WithFilter("Network", "x"),
        WithContext(
            "RecordVisibilityContext",
            (("maxDescriptorPerRecord", NumberValue(Decimal(100))), ("supportsDomains", BooleanValue(value=True))),
        ),
    )


def test_and_or_and_not_group_by_parentheses_alone():
    assert parse_condition("A = 1 AND (B = 2 OR C = 3) AND (NOT D = 4)") == And(
        (equals("A", 1), Or((equals("B", 2), equals("C", 3))), Not(equals("D", 4)))
    )
    assert parse_condition("((A = 1))") == equals("A", 1)
    assert parse_condition("NOT (NOT A = 1)") == Not(Not(equals("A", 1)))


@pytest.mark.parametrize(
    ("text", "token"),
    [
        ("A = 1 OR B = 2 AND C = 3", "AND"),
        ("A = 1 AND B = 2 OR C = 3", "OR"),
        ("A = 1 AND NOT B = 2", "NOT"),
        ("NOT A = 1 AND B = 2", "AND"),
        ("NOT NOT A = 1", "NOT"),
    ],
)
def test_conditions_that_need_parentheses_are_refused_with_advice(text: str, token: str):
    with pytest.raises(SoqlError) as caught:
        parse_condition(text)
    assert text_of(caught) == f"unexpected token: '{token}'"
    if text != "NOT NOT A = 1":
        assert "parentheses" in str(caught.value.hint)


def test_operators_are_read():
    for written, read in {"=": "=", "!=": "!=", "<>": "!=", "<": "<", "<=": "<=", "> =": ">=", ">": ">"}.items():
        assert parse_condition(f"A {written} 1") == Comparison(field("A"), read, NumberValue(Decimal(1)))
    assert parse_condition("A=1AND B=1") == And((equals("A", 1), equals("B", 1)))
    assert parse_condition("A includes ('x;y', 'z')") == Membership(
        field("A"), "INCLUDES", (StringValue("x;y"), StringValue("z"))
    )
    assert parse_condition("A not in ('x', null)") == Membership(field("A"), "NOT IN", (StringValue("x"), NullValue()))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("''", StringValue("")),
        (r"'O\'Brien \"x\" \\ \n\R\t'", StringValue('O\'Brien "x" \\ \n\r\t')),
        (r"'\u00e9\ud83d\ude00'", StringValue("é😀")),
        ("42", NumberValue(Decimal(42))),
        ("- .5", NumberValue(Decimal("-0.5"))),
        ("+007", NumberValue(Decimal(7))),
        ("usd5000.50", CurrencyValue("USD", Decimal("5000.50"))),
        ("USD-500", CurrencyValue("USD", Decimal(-500))),
        ("TRUE", BooleanValue(value=True)),
        ("Null", NullValue()),
        ("2024-02-29", DateValue(date(2024, 2, 29))),
        ("2024-01-01T08:30:00-08:00", DateTimeValue(datetime(2024, 1, 1, 16, 30, tzinfo=UTC))),
        ("2024-01-01t00:00:00.000+0000", DateTimeValue(datetime(2024, 1, 1, tzinfo=UTC))),
        ("2024-01-01T00:00:00.123456789Z", DateTimeValue(datetime(2024, 1, 1, 0, 0, 0, 123456, tzinfo=UTC))),
        ("10:30:00.000Z", TimeValue(time(10, 30))),
        ("00:30:00+01:00", TimeValue(time(23, 30))),
        ("today", DateLiteral("TODAY")),
        ("Last_N_Days : 07", DateLiteral("LAST_N_DAYS", 7)),
        ("N_FISCAL_QUARTERS_AGO:2", DateLiteral("N_FISCAL_QUARTERS_AGO", 2)),
    ],
)
def test_values_are_read(text: str, value: object):
    assert value_of(text) == value


def test_a_moment_keeps_its_offset():
    value = value_of("2024-01-01T08:30:00-08:00")
    assert isinstance(value, DateTimeValue)
    assert value.value.tzinfo == timezone(timedelta(hours=-8))


def test_like_patterns_keep_what_tells_wildcards_from_characters():
    assert parse_condition(r"A LIKE '100\%\_\\ O\'B%'") == Comparison(
        field("A"), "LIKE", LikePattern(r"100\%\_\\ O'B%")
    )
    assert parse_condition(r"A LIKE '\u005c%'") == Comparison(field("A"), "LIKE", LikePattern(r"\\%"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "SELECT",
        "SELECT Id",
        "SELECT Id FROM",
        "FROM Lead SELECT Id",
        "SELECT Id, FROM Lead",
        "SELECT * FROM Lead",
        "SELECT Id AS x FROM Lead",
        "SELECT TOP 5 Id FROM Lead",
        "SELECT COUNT() c FROM Lead",
        "SELECT COUNT(), Id FROM Lead",
        "SELECT Id, COUNT() FROM Lead",
        "SELECT COUNT(DISTINCT Id) FROM Lead",
        "SELECT MAX() FROM Lead",
        "SELECT MAX('x') FROM Lead",
        "SELECT FIELDS(SOME) FROM Lead",
        "SELECT A . B FROM Lead",
        "SELECT A. FROM Lead",
        "SELECT _A FROM Lead",
        "SELECT A-B FROM Lead",
        "SELECT Ä FROM Lead",
        "SELECT Select FROM Lead",
        "SELECT TYPEOF Owner ELSE Id END FROM Lead",
        "SELECT Id FROM Lead WHERE",
        "SELECT Id FROM Lead WHERE A",
        "SELECT Id FROM Lead WHERE A == 1",
        "SELECT Id FROM Lead WHERE A ! = 1",
        "SELECT Id FROM Lead WHERE (A = 1",
        "SELECT Id FROM Lead WHERE (A) = 1",
        "SELECT Id FROM Lead WHERE A IS NULL",
        "SELECT Id FROM Lead WHERE A BETWEEN 1 AND 2",
        "SELECT Id FROM Lead WHERE A NOT LIKE 'x'",
        "SELECT Id FROM Lead WHERE A ILIKE 'x'",
        "SELECT Id FROM Lead WHERE A IN ()",
        "SELECT Id FROM Lead WHERE A IN ('a',)",
        "SELECT Id FROM Lead WHERE A IN 'a'",
        "SELECT Id FROM Lead WHERE A NOT INCLUDES ('a')",
        "SELECT Id FROM Lead WHERE Id = (SELECT Id FROM Lead)",
        "SELECT Id FROM Lead WHERE Id IN (SELECT Id, A FROM Lead)",
        "SELECT Id FROM Lead WHERE Id IN (SELECT Id FROM Lead LIMIT 1)",
        "SELECT Id FROM Lead WHERE COUNT() > 1",
        "SELECT Id FROM Lead HAVING A = 1",
        "SELECT Id FROM Lead GROUP A",
        "SELECT Id FROM Lead GROUP BY A, ROLLUP(B)",
        "SELECT Id FROM Lead ORDER A",
        "SELECT Id FROM Lead ORDER BY A ASC DESC",
        "SELECT Id FROM Lead ORDER BY A NULLS",
        "SELECT Id FROM Lead ORDER BY 1",
        "SELECT Id FROM Lead LIMIT",
        "SELECT Id FROM Lead LIMIT abc",
        "SELECT Id FROM Lead LIMIT 1.5",
        "SELECT Id FROM Lead LIMIT 99999999999999999999",
        "SELECT Id FROM Lead OFFSET 5 LIMIT 5",
        "SELECT Id FROM Lead FOR UPDATE",
        "SELECT Id FROM Lead FOR VIEW FOR REFERENCE",
        "SELECT Id FROM Lead UPDATE SOMETHING",
        "SELECT Id FROM Lead ALL ROWS",
        "SELECT Id FROM Lead JOIN User ON OwnerId = User.Id",
        "SELECT Id FROM Lead USING x",
        "SELECT Id FROM Lead WITH DATA CATEGORY A NEAR b",
        "SELECT Id FROM Lead;",
        "SELECT Id FROM Lead -- x",
        "SELECT Id FROM Lead /* x */",
        "SELECT\u00a0Id FROM Lead",
        "UPDATE Lead SET A = 1",
    ],
)
def test_what_is_not_soql_is_refused(text: str):
    with pytest.raises(SoqlError) as caught:
        parse(text)
    assert caught.value.code == "MALFORMED_QUERY"


@pytest.mark.parametrize(
    "value",
    [
        "A",
        "'x''y'",
        '"x"',
        "'x",
        "'x\ny'",
        r"'\q'",
        r"'\%'",
        r"'\u00g0'",
        r"'\ud83d'",
        "1e5",
        "5.",
        "--5",
        "USD 5",
        "USD- 5",
        "USD",
        "-USD5",
        "USDX5",
        "(1)",
        "2024-1-1",
        "2024-13-45",
        "2024-01-01T00:00:00",
        "2024-01-01T25:00:00Z",
        "2024-01-01T00:00:00+99:00",
        "0001-01-01T00:00:00+08:00",
        "0000-01-01",
        "10:30:00",
        "10:60:00Z",
        "TODAY:7",
        "LAST_N_DAYS",
        "LAST_N_DAYS:-7",
        "LAST_N_DAYS:7.5",
        "LAST_N_DAYS:99999999999",
        ":name",
    ],
)
def test_what_is_not_a_value_is_refused(value: str):
    with pytest.raises(SoqlError) as caught:
        parse_condition(f"F = {value}")
    assert caught.value.code == "MALFORMED_QUERY"


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("SELECT Id FROM Lead LIMIT abc", 26, "unexpected token: 'abc'"),
        ("SELECT Id FROM Lead WHERE", 26, "unexpected token: '<EOF>'"),
        ("SELECT Id FROM Lead WHERE A = :uid", 31, "Bind variables only allowed in Apex code"),
        ("SELECT Id FROM Lead WHERE A = 2024-02-30", 31, "Invalid date: 2024-02-30"),
    ],
)
def test_the_message_points_at_the_place(text: str, column: int, message: str):
    with pytest.raises(SoqlError) as caught:
        parse(text)
    assert caught.value.column == column
    assert caught.value.message == f"\n{text}\n{' ' * (column - 1)}^\nERROR at Row:1:Column:{column}\n{message}"


@pytest.mark.parametrize(
    ("text", "excerpt"),
    [
        (
            "SELECT Id, Name, HG_Insights__HG_Match_Status__c, From Account LIMIT 10",
            f"HG_Insights__HG_Match_Status__c, From Account LIMIT 10\n{' ' * 32}^\nERROR at Row:1:Column:50\n"
            "unexpected token: 'From'",
        ),
        (
            "SELECT Id, Email, Name\nFROM Contact\n"
            "WHERE AccountId = '0014000000p6XlS' AND LastName LIKE 'test' OR email LIKE 'test'",
            f"'0014000000p6XlS' AND LastName LIKE 'test' OR email LIKE 'test'\n{' ' * 42}^\nERROR at Row:3:Column:61\n"
            "unexpected token: 'OR'",
        ),
    ],
)
def test_a_token_out_of_place_is_pointed_at_as_salesforce_does(text: str, excerpt: str):
    with pytest.raises(SoqlError) as caught:
        parse(text)
    assert caught.value.message == f"\n{excerpt}"


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("SELECT Id FROM Account USING everything", "everything"),
        ("SELECT ParentId, Value FROM Lead WHERE ParentId IN ()", "ParentId IN ()"),
        ("SELECT FROM ServicePresenceStatus", "SELECT FROM"),
        ("SELECT * FROM Lead", "SELECT *"),
        ("SELECT Id FROM Lead WHERE Name NOT LIKE 'a'", "Name NOT LIKE"),
        ("SELECT Id FROM Lead WHERE Name LIKE NULL", "NULL"),
    ],
)
def test_messages_quote_what_salesforce_quotes(text: str, quoted: str):
    with pytest.raises(SoqlError) as caught:
        parse(text)
    assert text_of(caught) == f"unexpected token: '{quoted}'"


@pytest.mark.parametrize("value", ["2020-12-12t12:12:00-25:00", "2020-52-12t12:12:00-05:00"])
def test_impossible_moments_are_named(value: str):
    with pytest.raises(SoqlError) as caught:
        value_of(value)
    assert text_of(caught) == f"Invalid datetime: {value}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SELECT Id from $casecomment", "line 1:15 unexpected token: '$'"),
        ('SELECT Id FROM Lead WHERE A = "x"', "line 1:30 unexpected token: '\"'"),
        ("SELECT Id FROM Lead WHERE A = 'x", "line 1:32 mismatched character '<EOF>' expecting '''"),
        ("SELECT Id\nFROM Lead WHERE A = 'x\ny'", "line 2:22 mismatched character '\\n' expecting '''"),
    ],
)
def test_characters_out_of_place_are_refused_in_the_lexers_words(text: str, message: str):
    with pytest.raises(SoqlError) as caught:
        parse(text)
    assert caught.value.message == message


def test_statements_longer_than_salesforce_reads_are_refused():
    with pytest.raises(SoqlError, match="cannot be longer than 100000 characters"):
        parse("SELECT Id FROM Lead" + " " * 100_000)


@pytest.mark.parametrize(
    "opening", ["SELECT Id FROM Lead WHERE (", "(", "NOT (", "(SELECT ", "Id IN (SELECT Id FROM Lead WHERE "]
)
def test_endless_nesting_is_refused_rather_than_followed(opening: str):
    start = "SELECT " if opening == "(SELECT " else "SELECT Id FROM Lead WHERE "
    with pytest.raises(SoqlError):
        parse(start + opening * 2_000)
    with pytest.raises(SoqlError, match="nested too deeply"):
        parse("SELECT Id FROM Lead WHERE " + "(" * 60 + "A = 1" + ")" * 60)


def test_two_functions_may_stand_around_a_field_and_not_three():
    parse("SELECT HOUR_IN_DAY(convertTimezone(A)) FROM Lead")
    with pytest.raises(SoqlError) as caught:
        parse("SELECT convertCurrency(calendar_year(convertTimezone(A))) FROM Lead")
    assert text_of(caught) == "unexpected token: '('"


def test_a_condition_is_read_alone():
    assert parse_condition("LeadSource != 'Test'") == Comparison(field("LeadSource"), "!=", StringValue("Test"))
    for text in ("", "WHERE A = 1", "A = 1 ORDER BY A", "A = 1 LIMIT 5"):
        with pytest.raises(SoqlError):
            parse_condition(text)

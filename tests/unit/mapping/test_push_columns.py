"""The push side of a mapping as a whole: keys, lookups, other sources of values, masks, and a million rows."""

from __future__ import annotations

import time
from datetime import date, datetime

import pytest

from sfsync.errors import MappingError, UsageError
from sfsync.mapping.push_columns import push_columns
from sfsync.record_ids import long_id

from .pushing import DESCRIBES, database, desired, make_source, problems, pushed, thing, values

USER_OR_QUEUE = "{OwnerId: {object: [User, Group], by: {User: Email, Group: DeveloperName}, local: o, transform: [trim, lower], on_missing: 'null'}}"


@pytest.fixture
def session():
    return database()


def plan_of(mapping, *columns):
    return push_columns(mapping, DESCRIBES, {"source_row": "BIGINT", **dict.fromkeys(columns, "VARCHAR")})


def test_columns_of_the_source_are_found_whatever_their_case_and_names(session):
    columns = make_source(
        session, {"First Name (1)": "VARCHAR", "E-MAIL": "VARCHAR", "x": "VARCHAR"}, [("Ada", "a@b.org", "?")]
    )
    mapping = thing("{Name: First Name (1), Email__c: e-mail}")
    assert desired(session, mapping, columns) == {"Name": [("Ada", None)], "Email__c": [("a@b.org", None)]}
    plan = push_columns(mapping, DESCRIBES, columns)
    assert plan.unused == ("x",)
    assert [each.local for each in plan.columns] == [("First Name (1)",), ("E-MAIL",)]


def test_columns_are_found_by_the_names_that_people_read(session):
    given = {
        "Company\nName": "a",
        "नाम": "b",
        "Pre\u0301nom": "c",
        "# Emp.": "d",
        "*Last\u00a0Name": "e",
        "Firm\u2019s \u2013 City": "f",
        "\ufeffId": "g",
    }
    columns = make_source(session, dict.fromkeys(given, "VARCHAR"), [tuple(given.values())])
    mapping = thing(
        "{Name: company name, Text__c: नाम, Long__c: Pr\u00e9nom, Url__c: '# Emp.', Free__c: '*last name', "
        'Phone__c: Firm\u2019s \u2013 City, Key__c: id, Email__c: {sql: \'"company name" || "Pr\u00e9nom"\'}}'
    )
    found = {name: values(entries)[0] for name, entries in desired(session, mapping, columns).items()}
    assert found == {
        "Name": "a",
        "Text__c": "b",
        "Long__c": "c",
        "Url__c": "d",
        "Free__c": "e",
        "Phone__c": "f",
        "Key__c": "g",
        "Email__c": "ac",
    }
    assert push_columns(mapping, DESCRIBES, columns).unused == ()


def test_of_two_columns_that_read_alike_none_is_the_one_meant(session):
    columns = make_source(session, {"a\nb": "VARCHAR", "a  b": "VARCHAR"}, [("1", "2")])
    assert desired(session, thing("{Name: 'a  b'}"), columns) == {"Name": [("2", None)]}
    with pytest.raises(MappingError, match="the source has no column `a b`"):
        desired(session, thing("{Name: a b}"), columns)


@pytest.mark.parametrize(
    "kind", ["STRUCT(a INTEGER)", "MAP(VARCHAR, INTEGER)", "VARCHAR[][]", "STRUCT(a INTEGER)[]", "UNION(a INTEGER)"]
)
def test_values_within_values_are_refused_as_a_field_and_may_be_taken_out(session, kind):
    columns = {"source_row": "BIGINT", "x y": kind, "c": "VARCHAR"}
    for item in ("Text__c: x y", "Text__c: {local: [c, x y], transform: {join: ' '}}"):
        with pytest.raises(MappingError) as caught:
            push_columns(thing(f"{{{item}}}"), DESCRIBES, columns)
        (problem,) = caught.value.problems
        assert problem.line == 4
        assert problem.message == f"`x y` holds values within values ({kind}), and a field takes one"
    columns = make_source(session, {"s": "STRUCT(a INTEGER, b VARCHAR)"}, [({"a": 1, "b": "x"},), (None,)])
    mapping = thing("""{Text__c: {sql: "s['b']"}}""")
    assert desired(session, mapping, columns) == {"Text__c": [("x", None), (None, None)]}


def test_every_column_that_the_source_lacks_is_told_at_its_line():
    mapping = thing(
        "{Name: nmae, Text__c: {sql: upper(nmae) || other}}",
        lookups="{OwnerId: {object: User, by: Email, local: owner}}",
    )
    with pytest.raises(MappingError) as caught:
        plan_of(mapping, "name", "x")
    assert [str(problem) for problem in caught.value.problems] == [
        "m.yml:4:16: the source has no column `nmae` (did you mean `name`?)",
        "m.yml:4:37: the source has no column `nmae` (did you mean `name`?)",
        "m.yml:4:37: the source has no column `other` (known: `name`, `x`)",
        "m.yml:5:53: the source has no column `owner` (known: `name`, `x`)",
    ]
    with pytest.raises(UsageError, match="was never pulled"):
        push_columns(mapping, {}, {})


def test_records_are_found_by_a_key_or_by_their_id(session):
    columns = make_source(
        session, {"sf_id": "VARCHAR", "k": "VARCHAR"}, [("a01000000000001", "7"), ("a01", "8"), (None, None)]
    )
    plan = push_columns(thing("{Key__c: k}", top="direction: push\nsource: x.csv\nkey: Key__c\n"), DESCRIBES, columns)
    assert (plan.key, [each.is_key for each in plan.columns]) == ("Key__c", [True])
    rows = session.execute(
        f"SELECT {plan.record_id_sql}, {plan.record_id_problem_sql} FROM {plan.from_sql('s')} ORDER BY source_row"
    ).rows
    assert rows == [
        (long_id("a01000000000001"), None),
        (None, "`a01` is no Id: it has neither 15 nor 18 letters and digits"),
        (None, None),
    ]
    by_column = push_columns(thing("{Id: k, Name: k}"), DESCRIBES, columns)
    assert '"~1 Id' in by_column.record_id_sql
    assert [each.field for each in by_column.columns] == ["Name"]
    without = plan_of(thing("{Name: n}"), "n")
    assert (without.key, without.record_id_sql) == (None, "CAST(NULL AS VARCHAR)")


def test_a_key_that_is_never_written_is_read_all_the_same():
    top = "direction: push\nsource: x.csv\nexternal_id: Key__c\n"
    plan = plan_of(
        thing(
            "{Key__c: {local: k, write: never}, Name: {local: n, write: never}, Text__c: {local: t, write: if-empty}}",
            top=top,
        ),
        "k",
        "n",
        "t",
    )
    assert [(each.field, each.write) for each in plan.columns] == [("Key__c", "never"), ("Text__c", "if-empty")]


def test_what_a_new_record_would_lack_is_known_before():
    plan = plan_of(thing("{Text__c: t}"), "t")
    assert plan.required_unmapped == ("Name",)
    assert [each.required for each in plan_of(thing("{Name: t, Flag__c: t}"), "t").columns] == [True, False]


def test_clearing_a_field_that_cannot_be_empty_is_refused():
    assert pushed("Name", "{local: c, null: clear}", "a", None) == [("a", None), (None, "Name cannot be empty")]
    assert pushed("Text__c", "{local: c, null: clear}", None) == [(None, None)]
    assert pushed("Name", "c", None) == [(None, None)]


def test_a_constant_and_a_default(session):
    columns = make_source(session, {"c": "VARCHAR"}, [("5",), (None,), ("x",)])
    mapping = thing(
        "{Text__c: {constant: Import}, Flag__c: {constant: true}, Number__c: {constant: 2.5}, Int__c: {local: c, default: 9}}"
    )
    found = desired(session, mapping, columns)
    assert values(found["Text__c"]) == ["Import"] * 3
    assert values(found["Flag__c"]) == [True] * 3
    assert values(found["Number__c"]) == [2.5] * 3
    assert [value for value, told in found["Int__c"] if told is None] == [5, 9]
    assert found["Int__c"][2][1].startswith("`x` is not a number")


def test_columns_are_joined_without_what_is_empty(session):
    columns = make_source(
        session,
        {"a": "VARCHAR", "b": "VARCHAR", "n": "DOUBLE"},
        [("Ada", "L", 1.0), ("", "L", None), (None, None, None)],
    )
    mapping = thing("{Name: {local: [a, b, n], transform: [{join: ', '}, upper]}}")
    assert values(desired(session, mapping, columns)["Name"]) == ["ADA, L, 1", "L", None]


def test_one_column_may_be_read_by_several_fields(session):
    columns = make_source(session, {"full": "VARCHAR"}, [("Ada Lovelace",)])
    mapping = thing(
        "{Name: {local: full, transform: {name: last}}, Text__c: {local: full, transform: {name: first}}, Long__c: full}"
    )
    assert [values(each) for each in desired(session, mapping, columns).values()] == [
        ["Lovelace"],
        ["Ada"],
        ["Ada Lovelace"],
    ]


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("upper(a) || '-' || coalesce(b, '?')", ["X-1", "NONE-?"]), ("CASE WHEN b IS NULL THEN a END", [None, "none"]), ("source.a", ["x", "none"]),
        ("list_reduce(['a', 'b'], lambda p, q: p || q)", ["ab", "ab"]), ('"A"', ["x", "none"]), ("'it''s; --'", ["it's; --"] * 2),
    ],
)  # fmt: skip
def test_an_expression_of_yours(session, sql, rows):
    columns = make_source(session, {"a": "VARCHAR", "b": "VARCHAR"}, [("x", "1"), ("none", None)])
    quoted = sql.replace("'", "''")
    assert values(desired(session, thing(f"{{Text__c: {{sql: '{quoted}'}}}}"), columns)["Text__c"]) == rows


def test_an_expression_that_fails_on_a_row_refuses_that_row_alone(session):
    columns = make_source(session, {"a": "VARCHAR"}, [("12.5",), ("x",), (None,)])
    found = desired(session, thing("{Money__c: {sql: CAST(a AS DOUBLE) * 1000000}}"), columns)["Money__c"]
    assert found == [(12500000.0, None), (None, "the SQL expression fails on this row"), (None, None)]


def test_expressions_may_share_what_fails(session):
    columns = make_source(session, {"a": "VARCHAR"}, [("12.5",), ("x",)])
    same = "CAST(a AS DOUBLE) * CAST(a AS DOUBLE)"
    found = desired(
        session,
        thing(f"{{Money__c: {{sql: {same}}}, Number__c: {{sql: {same}}}, Share__c: {{sql: {same} + 1}}}}"),
        columns,
    )
    assert [[told is not None for _, told in each] for each in found.values()] == [[False, True]] * 3
    assert [each[0][0] for each in found.values()] == [156.25, 156.25, 157.25]


def test_an_expression_may_give_a_time_of_the_database(session):
    columns = make_source(session, {"a": "TIMESTAMP"}, [(datetime(2026, 1, 31, 12),)])
    mapping = thing("{At__c: {sql: a + INTERVAL 1 DAY}, Day__c: {sql: CAST(a AS DATE)}, Text__c: {sql: a IS NULL}}")
    assert [each[0] for each in desired(session, mapping, columns).values()] == [
        (datetime(2026, 2, 1, 12), None), (date(2026, 1, 31), None), ("false", None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("a; DROP TABLE s", "one expression"), ("a FROM s", "one expression"), ("a, b", "one expression"), ("(SELECT 1)", "a query of its own"),
        ("sum(a)", "an aggregate"), ("row_number() OVER ()", "a window"), ("*", "`*`"), ("$1", "a parameter"), ("a AS b", "needs no name"),
        ("random()", "answer changes"), ("now()", "may not call `now`"), ("current_date", "answer changes"), ("uuid()", "may not call `uuid`"), ("age(CAST(a AS TIMESTAMP))", "may not call `age`"),
        ("getenv('HOME')", "may not call `getenv`"), ("nextval('x')", "may not call `nextval`"), ("a ||", "cannot be read"), ("", "one expression"),
        ("EXISTS (SELECT 1)", "a query of its own"), ("a IN (SELECT b FROM s)", "a query of its own"), ("t.a", "is no column of the source"),
        ("read_text('/etc/passwd')", "may not call `read_text`"), ("unnest([1])", "list in the place"), ("a UNION SELECT 1", "one expression"),
        ("(" * 5000 + "a" + ")" * 5000, "nested too deeply"),
    ],
)  # fmt: skip
def test_an_expression_reads_one_row_and_nothing_else(sql, words):
    with pytest.raises(MappingError) as caught:
        thing("{Text__c: {sql: '" + sql.replace("'", "''") + "'}}")
    (problem,) = caught.value.problems
    assert words in problem.message
    assert problem.line == 4


def test_values_have_any_of_several_local_names():
    item = "{local: c, values: {Open: [new, neu, OPEN], Closed: done}}"
    assert pushed("Pick__c", item, "neu", "done", "Open", None) == [
        ("Open", None), ("Closed", None), (None, "`Open` is not among the `values` of the mapping"), (None, None),
    ]  # fmt: skip
    assert values(pushed("Pick__c", item[:-1] + ", otherwise: null}", "neu", "x")) == ["Open", None]
    assert values(pushed("Pick__c", item[:-1] + ", otherwise: {value: Closed}}", "neu", "x", None)) == [
        "Open",
        "Closed",
        None,
    ]
    assert values(pushed("Pick__c", item[:-1] + ", otherwise: keep}", "Open", "neu")) == ["Open", "Open"]
    assert values(pushed("Pick__c", "{local: c, transform: [trim, lower], values: {Open: neu}}", " NEU ")) == ["Open"]


@pytest.mark.parametrize("otherwise", ["fail", "keep", "null", "{value: other}"])
def test_many_values_are_as_few(otherwise):
    many = ", ".join(f"'o{number}': 'l{number}'" for number in range(60))
    few = pushed("Text__c", f"{{local: c, values: {{o1: l1}}, otherwise: {otherwise}}}", "l1", "x", None)
    assert pushed("Text__c", f"{{local: c, values: {{{many}}}, otherwise: {otherwise}}}", "l1", "x", None) == few


def test_parents_are_found_by_canonical_text(session):
    columns = make_source(session, {"o": "VARCHAR", "p": "BIGINT"}, [(" Ada@X.org ", 7), (None, None)])
    mapping = thing(
        "{Name: o}",
        lookups=USER_OR_QUEUE[:-1]
        + ", ParentId: {object: Thing__c, by: Key__c, local: p, on_missing: defer, null: clear}, "
        "RecordTypeId: {object: RecordType, by: DeveloperName, constant: Partner}}",
    )
    plan = push_columns(mapping, DESCRIBES, columns)
    found = desired(session, mapping, columns)
    assert (found["OwnerId"], found["ParentId"], found["RecordTypeId"]) == (
        [("ada@x.org", None), (None, None)], [("7", None), (None, None)], [("Partner", None)] * 2,
    )  # fmt: skip
    owner, parent, record_type = plan.lookups
    assert (owner.objects, owner.by, owner.on_missing) == (("User", "Group"), ("Email", "DeveloperName"), "null")
    assert (parent.objects, parent.by, parent.on_missing, parent.null) == (("Thing__c",), ("Key__c",), "defer", "clear")
    assert record_type.conditions == ({"SobjectType": "Thing__c"},)
    assert owner.conditions == ({}, {})


def test_masks_keep_equal_values_equal_and_hide_the_rest():
    for mask in ("hash", "fake"):
        item = f"{{local: c, transform: trim, mask: {mask}}}"
        for field, length in (("Email__c", 80), ("Phone__c", 40), ("Text__c", 255), ("Url__c", 255)):
            a, b, again, empty = values(pushed(field, item, "Ada Lovelace", "Bob", " Ada Lovelace ", None))
            assert a == again != b
            assert empty is None
            assert "Ada" not in a or mask == "fake"
            assert len(a) <= length
            assert values(pushed(field, item, "Ada Lovelace", salt="other")) != [a]
    assert values(pushed("Email__c", "{local: c, mask: keep-domain}", "ada@x.org", None))[0].endswith("@x.org")
    assert values(pushed("Money__c", "{local: c, mask: 'null'}", "5")) == [None]


def test_a_mask_of_null_needs_no_quotes_and_never_means_no_mask():
    for written in ("null", "'null'", "", "~"):
        assert values(pushed("Text__c", f"{{local: c, mask: {written}}}", "Ada")) == [None]


def test_masks_are_equal_for_what_the_org_keeps_as_one():
    for mask in ("hash", "fake"):
        item = f"{{local: c, mask: {mask}}}"
        assert len(set(values(pushed("Text__c", item, "Ada", " Ada", "Ada\u00a0 ")))) == 1
        assert len(set(values(pushed("Text__c", item, "Ada", "ada")))) == 2
    addresses = ("Ada@X.org", "ada@x.org ", "ADA@x.ORG")
    masked = {
        *values(pushed("Email__c", "{local: c, mask: keep-domain}", *addresses)),
        *values(pushed("Text__c", "{local: c, mask: keep-domain}", *addresses)),
    }
    assert len(masked) == 1
    assert masked.pop().endswith("@x.org")


def test_no_two_of_many_addresses_have_one_mask():
    session = database()
    session.execute("CREATE TABLE s AS SELECT i AS source_row, 'p' || i || '@x.org' AS c FROM range(300000) AS r(i)")
    for mask in ("fake", "keep-domain", "hash"):
        plan = push_columns(thing(f"{{Email__c: {{local: c, mask: {mask}}}}}"), DESCRIBES, {"c": "VARCHAR"}, salt="s")
        masks = f"SELECT count(DISTINCT {plan.columns[0].value_sql}) FROM {plan.from_sql('s')}"
        assert session.execute(masks).scalar() == 300_000


def test_a_masked_value_is_in_no_message():
    ((_, told),) = pushed("Int__c", "{local: c, mask: 'null'}", "secret")
    assert "secret" not in told
    assert told.startswith("a value is not a number")
    phone = pushed("Phone__c", "{local: c, transform: {phone: DE}, mask: hash}", "secret")
    assert phone == [(None, "a value is no phone number")]


def test_notes_tell_of_values_that_the_org_takes_and_nobody_sees():
    session = database()
    columns = make_source(session, {"c": "VARCHAR"}, [("Open",), ("opne",), (None,)])
    plan = push_columns(thing("{Free__c: c}"), DESCRIBES, columns)
    (column,) = plan.columns
    rows = session.execute(f"SELECT {column.note_sql} FROM {plan.from_sql('s')} ORDER BY source_row").rows
    assert rows == [
        (None,),
        ("`opne` is not an active value of Free__c: the org takes it, and shows it nowhere else",),
        (None,),
    ]


def test_two_values_of_a_multi_select_picklist_in_another_order_are_the_same():
    (column,) = plan_of(thing("{Multi__c: m}"), "m").columns
    a, b = (column.same_sql.format(f"'{value}'") for value in ("red;blue", "blue;red"))
    assert database().execute(f"SELECT {a} = {b}").scalar() is True


def test_names_and_values_are_never_statements(session):
    hostile = 'x"; DROP TABLE s; --'
    session.execute(
        f"CREATE TABLE s AS SELECT 1 AS source_row, 'v' AS c, 2 AS \"{hostile.replace(chr(34), chr(34) * 2)}\""
    )
    columns = {"source_row": "BIGINT", "c": "VARCHAR", hostile: "INTEGER"}
    mapping = thing(
        '{Text__c: {local: c, values: {"\'; DROP TABLE s; --": v}}, Long__c: {constant: "\'; DROP TABLE s; --"}}'
    )
    assert [values(each) for each in desired(session, mapping, columns).values()] == [["'; DROP TABLE s; --"]] * 2
    assert push_columns(mapping, DESCRIBES, columns).unused == (hostile,)


def test_a_million_rows_go_through_sql_alone(session, record_property):
    session.execute(
        "CREATE TABLE s AS SELECT i AS source_row, 'k' || i AS k, ' Ada King ' || (i % 1000) AS n, 'A' || i || '@Ex.com' AS e, "
        "'030 1234' || (i % 5000) AS p, '1.' || lpad(CAST(i % 1000 AS VARCHAR), 3, '0') || ',50' AS m, "
        "lpad(CAST(1 + i % 31 AS VARCHAR), 2, '0') || '/02/2026' AS d, '2026-03-' || lpad(CAST(1 + i % 29 AS VARCHAR), 2, '0') || ' 02:30:00' AS t, "
        "CASE WHEN i % 7 = 0 THEN 'x' ELSE 'neu' END AS v FROM range(1000000) AS r(i)"
    )  # fmt: skip
    columns = {"source_row": "BIGINT", **dict.fromkeys("knepmdtv", "VARCHAR")}
    mapping = thing(
        "{Key__c: k, Name: {local: n, transform: {name: last}}, Text__c: {local: n, transform: {name: first}}, Email__c: {local: e, transform: email}, "
        "Phone__c: {local: p, transform: {phone: DE}}, Money__c: {local: m, transform: {number: de}}, Day__c: {local: d, transform: {date: dmy}}, "
        "At__c: {local: t, transform: {datetime: Europe/Berlin}}, Pick__c: {local: v, values: {Open: [neu, new]}}}"
    )
    began = time.monotonic()
    plan = push_columns(mapping, DESCRIBES, columns)
    plan.prepare(session, "s")
    prepared = time.monotonic()
    made = ", ".join(
        f'{each.value_sql} AS "{each.field}", {each.problem_sql} AS "{each.field}!"' for each in plan.columns
    )
    session.execute(f"CREATE TABLE wanted AS SELECT source_row, {made} FROM {plan.from_sql('s')}")
    record_property("seconds", {"prepare": prepared - began, "desired": time.monotonic() - prepared})
    counted = ", ".join(f'count("{each.field}"), count("{each.field}!")' for each in plan.columns)
    ((total, *counts),) = session.execute(f"SELECT count(*), {counted} FROM wanted").rows
    assert total == 1_000_000
    found = {each.field: tuple(counts[2 * i : 2 * i + 2]) for i, each in enumerate(plan.columns)}
    assert all(sum(pair) == total for pair in found.values()), found
    assert found["Money__c"] == found["Email__c"] == (1_000_000, 0)
    assert found["Day__c"][1] == sum(1 for i in range(1_000_000) if i % 31 > 27)
    assert found["At__c"][1] == sum(1 for i in range(1_000_000) if i % 29 == 28)
    assert found["Pick__c"][1] == 142_858
    assert problems([]) == []

"""How transforms are written, and how mistakes in them are told."""

from __future__ import annotations

import json
import re

import pytest

from sfsync.errors import MappingError
from sfsync.mapping.check import check_mappings
from sfsync.mapping.check_data import check_data, local_table_problems
from sfsync.mapping.check_warnings import mapping_warnings
from sfsync.mapping.load import load_mappings, parse_mapping
from sfsync.mapping.schema import mapping_schema
from sfsync.store.duckdb import DuckDBStore

from .pushing import DESCRIBES, database, desired, make_source, thing

TOP = "direction: push\nsource: x.csv\n"


def told(fields, *, top=TOP, lookups="", folder=None):
    with pytest.raises(MappingError) as caught:
        thing(fields, top=top, lookups=lookups, folder=folder)
    return [str(problem) for problem in caught.value.problems]


def item(transform):
    return f"{{Text__c: {{local: c, transform: {transform}}}}}"


@pytest.mark.parametrize(
    ("transform", "problem"),
    [
        ("trimm", "there is no transform `trimm` (did you mean `trim`?)"),
        ("number", "`number` has to be told how (like `{number: de}`)"),
        ("{nubmer: de}", "unknown key `nubmer` (did you mean `number`?)"),
        ("[trim, {trim: true, lower: true}]", "a step is one transform, and this one has `lower`, `trim` (write a list: `[trim, lower]`)"),
        ("{number: dee}", "numbers of `dee` are not known (did you mean `de`?)"),
        ("{number: {decimal: ',', group: ','}}", "`decimal` is one mark, and `group` others (like `{decimal: ',', group: '.'}`)"),
        ("{number: {symbol: €}}", "needs `locale`, or `decimal` (and `group`) (like `number: de`)"),
        ("{number: {locale: de, group: '.'}}", "a locale says what `decimal` and `group` are (leave them out, or `locale`)"),
        ("{date: dym}", "`dym` is not the order of a date (one of dmy, mdy, ymd, or a format like `%d.%m.%Y`)"),
        ("{date: '%d.%m'}", "`%d.%m` does not name a whole day (like `%d.%m.%Y`)"),
        ("{date: '%d.%m.%Y %z'}", "a day has no zone (use `datetime` where the field holds a time)"),
        ("{date: {format: dmy, locale: de}}", "the format has no name of a month (`%B` or `%b`) (leave `locale` out)"),
        ("{date: {format: '%d %B %Y', locale: dee}}", "the months of `dee` are not known (did you mean `de`?)"),
        ("{date: {format: '%A %d %B %Y', locale: de}}", "names of days are read in English alone (leave the day of the week out)"),
        ("{datetime: {zone: UTC, locale: de}}", "the format has no name of a month (`%B` or `%b`) (leave `locale` out)"),
        ("{datetime: Europe/Berln}", "there is no time zone `Europe/Berln` (did you mean `Europe/Berlin`?)"),
        ("{datetime: '%d.%m.%Y %H:%M'}", "the format has no offset (`%z`), so a time in it is no instant (say where the clock stood: `zone: Europe/Berlin`, or `zone: UTC`)"),
        ("{datetime: {format: '%d.%m.%Y %z', zone: UTC}}", "the format has the offset of each value (`%z`) (leave out `zone`)"),
        ("{phone: GER}", "there is no region `GER` (the two capital letters of a country, like `DE`)"),
        ("{phone: {form: e16}}", "`form` should be one of e164, international, national, not `e16` (did you mean `e164`?)"),
        ("{boolean: yes}", '`boolean` should be a list of the word for true and the word for false (like `[yes, no]`, or with several words for one: `[[yes, y, "1"], [no, n, "0"]]`)'),
        ("{split: {by: ',', part: 0}}", "`part` counts from 1, or from -1 for the last"),
        ("{name: middle}", "`name` should be one of first, last, not `middle`"),
        ("{join: ' '}", "`join` comes first, and joins several columns (name them: `local: [first_name, last_name]`)"),
        ("[]", "`transform` should be a list"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_transform_is_told_in_its_own_words(transform, problem):
    if transform == "[]":
        assert thing(item(transform)).fields["Text__c"].transform == ()
        return
    (found,) = told(item(transform))
    assert found.startswith("m.yml:4:")
    assert found.split(": ", 1)[1] == problem


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ("{Text__c: {local: c, constant: d}}", "the value comes from one source, and here are `local` and `constant` (keep one of them)"),
        ("{Text__c: {transform: trim}}", "`local` is missing"),
        ("{Text__c: {local: [a, b]}}", "several columns need to be joined (add `transform: {join: ' '}`)"),
        ("{Text__c: {local: 'a;b'}}", "`a;b` is not a column name (letters, digits and underscores, at most 63, not beginning with a digit)"),
        ("{Text__c: {constant: ''}}", "`constant` is empty (Salesforce knows no empty text: leave the key out)"),
        ("{Text__c: {local: c, values: {a: []}}}", "`a` is empty"),
        ("{Text__c: {local: c, values: {a: [x, y], b: x}}}", "`x` stands for `a` and `b` (a push could not tell which to write: use different values, or `direction: pull`)"),
        ("{Text__c: {local: c, mask: hsah}}", "`mask` should be one of hash, fake, null, keep-domain, not `hsah` (did you mean `hash`?)"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_field_is_told(fields, problem):
    (found,) = told(fields)
    assert found.split(": ", 1)[1] == problem


@pytest.mark.parametrize(
    ("top", "problem"),
    [
        ("direction: push\n", "`table` is missing (only a mapping that pushes a `source` needs none)"),
        ("table: t\nsource: x.csv\n", "a `source` can only be pushed (add `direction: push`)"),
        (TOP + "key: Key__c\nexternal_id: Key__c\n", "`key` and `external_id` are the same thing (keep one of them)"),
        (TOP + "most_deleted: 5\n", "`most_deleted` should be a share, like `5%`"),
        (TOP + "duplicate_rules: alow\n", "`duplicate_rules` should be one of block, allow, not `alow` (did you mean `allow`?)"),
        (TOP + "modified: 'a b'\n", "`a b` is not a column name (letters, digits and underscores, at most 63, not beginning with a digit)"),
        ("direction: push\nsource: {sheet: A}\n", "needs either `file` or `query` (like `source: leads.csv`)"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_mapping_as_a_whole_is_told(top, problem):
    (found,) = told("{Text__c: c}", top=top)
    assert found.split(": ", 1)[1] == problem


def test_every_key_of_a_push_is_read():
    mapping = thing(
        "{Key__c: k}",
        top="direction: push\nsource: {file: x.csv, encoding: latin-1, delimiter: ';', empty: [NA]}\nkey: Key__c\nmost_deleted: 2.5%\n"
        "assignment_rules: true\nduplicate_rules: allow\nmodified: changed_at\nbudget: {daily_api_calls: 10}\n",
    )
    assert mapping.key_field == "Key__c"
    assert mapping.source is not None
    assert (mapping.source.file, mapping.source.empty) == ("x.csv", ("NA",))
    assert (mapping.most_deleted, mapping.assignment_rules, mapping.duplicate_rules) == (0.025, True, "allow")
    assert str(mapping.local_table) == "crm.thing__c"
    assert mapping.digest() != thing("{Key__c: k}").digest()
    assert thing("{Key__c: k}").digest() == thing("{Key__c: k}").digest()


def test_only_columns_that_are_shown_need_names_of_their_own():
    top = "direction: both\ntable: t\n"
    assert thing(
        "{Text__c: {local: First Name, direction: push}, Long__c: c, Name: {local: c, direction: push}}", top=top
    )
    (found,) = told("{Text__c: First Name}", top=top)
    assert "is not the name of a column that can be shown" in found
    (found,) = told("{Text__c: c, Long__c: C}", top=top)
    assert "the column `C` already holds Text__c" in found


def test_constants_and_expressions_are_pushed_by_nature():
    both = thing("{Text__c: {constant: x}, Long__c: {sql: c}, Name: c}", top="direction: both\ntable: t\n")
    assert (set(both.shown_fields()), set(both.pushed_fields())) == ({"Name"}, {"Text__c", "Long__c", "Name"})
    assert told("{Text__c: {constant: x}}", top="table: t\n") == [
        "m.yml:3:20: `constant` has nothing to show: it can only be pushed (add `direction: push`)"
    ]


def test_lookups_name_objects_and_their_fields():
    for lookup, problem in [
        ("{object: [], by: Email, local: o}", "`object` is empty"),
        (
            "{object: [User, 5], by: Email, local: o}",
            'should be text, and `5` is not (put it in quotes: "5")',
        ),
        ("{object: [User, Group], by: {User: Email}, local: o}", "`by` does not say by which field Group is found"),
        ("{object: User, by: {User: Email, Lead: Email}, local: o}", "`Lead` is not among the objects"),
        (
            "{object: User, by: Email, local: o, transform: trim}",
            "`trim` cuts the blanks around a text, so it cannot go both ways",
        ),
    ]:
        top = "direction: both\ntable: t\n"
        (found,) = told("{Name: n}", top=top, lookups=f"{{OwnerId: {lookup}}}")
        assert problem in found


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read"), (b"\xff", "is not UTF-8 text"), (b"a,b\n1,2\n", "two columns `org` and `local`"), (b"org,local\n", "has 0 lines"),
        (b"org,local\na\n", "a line without both values"), (b"org,local\na,x\nb,x\n", "gives `x` two values of the org"), (b'org,local\n"a,b\n', "is no CSV file"),
    ],
)  # fmt: skip
def test_a_table_of_values_that_is_none_is_told_at_its_line(tmp_path, content, words):
    if content is not None:
        (tmp_path / "v.csv").write_bytes(content)
    (found,) = told(item("{table: v.csv}"), folder=tmp_path)
    assert found.startswith("m.yml:4:")
    assert words in found


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"org,local\na,x\nb,y\nb,x\n", "gives `x` two values of the org, in the lines 2 and 4"), (b"org,local\na,x\n\nb,\n", "both values: line 4"),
        (b"org,local\na,x\nb,y,z\n", "more than two values: line 3"), (b"org,local\na,x\n\xe9,y\n", "the byte E9 in line 3 (save it as `CSV UTF-8`)"),
        (b'org,local\na,x\n"b"c,y\n', "in line 3"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_table_of_values_is_told_with_the_line_of_the_file(tmp_path, content, words):
    (tmp_path / "v.csv").write_bytes(content)
    (found,) = told(item("{table: v.csv}"), folder=tmp_path)
    assert words in found


@pytest.mark.parametrize(
    "content",
    [
        b"org;local\r\nOpen;o\r\n", b'\xef\xbb\xbf"org","local"\r\n"Open","o"\r\n', b"org,local,,\nOpen,o,,\n,,,\n", b"Local\tOrg\no\tOpen\n", b"org,local\rOpen,o\r",
        "org\tlocal\r\nOpen\to\r\n".encode("utf-16"),
    ],
)  # fmt: skip
def test_a_table_of_values_may_be_what_spreadsheets_save(tmp_path, content):
    (tmp_path / "v.csv").write_bytes(content)
    mapping = thing("{Pick__c: {local: c, transform: {table: v.csv}}}", folder=tmp_path)
    assert mapping.value_table("v.csv").rows == (("Open", "o"),)
    session = database()
    columns = make_source(session, {"c": "VARCHAR"}, [("o",), ("  ",), (None,), ("x",)])
    assert desired(session, mapping, columns)["Pick__c"] == [
        *[("Open", None), (None, None), (None, None)],
        (None, "`x` is not in v.csv"),
    ]


def test_tables_of_values_stand_beside_the_mapping(tmp_path):
    (tmp_path / "m.yml").write_text("object: A\ntable: t\nfields: {F: {local: f, transform: {table: v.csv}}}\n")
    (tmp_path / "v.csv").write_text("org,local\na,b\n")
    (mapping,) = load_mappings(tmp_path)
    before = mapping.digest()
    (tmp_path / "v.csv").write_text("org,local\na,c\n")
    assert load_mappings(tmp_path)[0].digest() != before


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ("{Text__c: {local: c, transform: {date: dmy}}}", "`date` makes values of another type, and Text__c is of type string (remove it)"),
        ("{Day__c: {local: c, transform: {datetime: UTC}}}", "`datetime` makes values of another type, and Day__c is of type date (use `date`)"),
        ("{Int__c: {local: c, transform: {phone: DE}}}", "`phone` makes texts, and Int__c is of type int (remove it)"),
        ("{Int__c: {local: c, default: 1.5}}", "`1.5` is no value of a field of type int, as the API writes them"),
        ("{Pick__c: {local: c, default: Opne}}", "`Opne` is not an active value of Pick__c"),
        ("{Day__c: {local: c, default: 2026-02-30}}", "`2026-02-30` is no value of a field of type date, as the API writes them"),
        ("{Phone__c: {local: c, mask: keep-domain}}", "`keep-domain` hides e-mail addresses, and Phone__c is of type phone (use `mask: hash`)"),
        ("{Key__c: {local: c, mask: keep-domain}}", "`keep-domain` hides e-mail addresses, which Key__c has no room for (use `mask: hash`)"),
        ("{Flag__c: {local: c, mask: hash}}", "`mask` hides texts, and Flag__c is of type boolean (remove it, or use `mask: null`)"),
        ("{Sum__c: c}", "Thing__c.Sum__c cannot be written by this user (add `direction: pull`)"),
    ],
)  # fmt: skip
def test_transforms_and_defaults_are_held_against_the_field(fields, problem):
    (found,) = [str(each) for each in check_mappings([thing(fields)], DESCRIBES)]
    assert found.split(": ", 1)[1] == problem


def test_a_key_has_to_be_pushed_and_must_not_be_masked():
    top = TOP + "key: Key__c\n"
    assert [str(each) for each in check_mappings([thing("{Name: n}", top=top)], DESCRIBES)] == [
        "m.yml:4:6: Key__c is not pushed, so there would be nothing to find records by (add it to `fields`: `Key__c: COLUMN`)"
    ]
    (found,) = check_mappings([thing("{Key__c: {local: k, mask: hash}}", top=top)], DESCRIBES)
    assert "the key" in found.message
    assert check_mappings([thing("{Id: k, Name: n}", top=TOP + "key: Id\n")], DESCRIBES) == []


def test_a_separator_that_stands_in_a_value_cannot_go_both_ways():
    describe = DESCRIBES["Thing__c"]
    mapping = thing("{Multi__c: {local: m, transform: {multi: e}}}", top="direction: both\ntable: t\n")
    (found,) = check_mappings([mapping], {**DESCRIBES, "Thing__c": describe})
    assert "`red` of Multi__c holds the separator" in found.message


def test_what_may_be_meant_is_told_without_stopping_anything(tmp_path):
    (tmp_path / "v.csv").write_text("org,local\nOpne,x\n")
    mapping = thing(
        "{Pick__c: {constant: Opne}, Free__c: {local: c, transform: {table: v.csv}}, Made__c: d}", folder=tmp_path
    )
    assert [str(each).split(": ", 1)[1] for each in mapping_warnings([mapping], DESCRIBES)] == [
        "`Opne` is not an active value of Thing__c.Pick__c (did you mean `Open`?)",
        "`Opne` in v.csv is not an active value of Thing__c.Free__c (did you mean `Open`?)",
        "a new Thing__c needs `Name`, which the mapping does not push (map it, or give it a `constant`; records that are there already can be pushed)",
        "Thing__c.Made__c can be set when a record is made, and not when it is changed (pushes that would do so are refused)",
    ]
    assert mapping_warnings([thing("{Text__c: c}", top="table: t\n")], DESCRIBES) == []


def test_the_rows_of_a_source_are_held_against_the_org_and_counted_by_field():
    session = database()
    rows = [("Opne", "5", "a"), ("Opne", "x", "a"), ("Shut", "y", None), ("Open", "z" * 99, "b"), (None, "1,5", "c")]
    columns = make_source(session, {"c": "VARCHAR", "n": "VARCHAR", "k": "VARCHAR"}, rows)
    mapping = thing(
        "{Key__c: k, Pick__c: c, Int__c: n, Phone__c: {local: k, transform: {phone: DE}}}", top=TOP + "key: Key__c\n"
    )
    found = [str(each) for each in check_data(session, mapping, DESCRIBES, "s", columns)]
    assert found[0] == "m.yml:5:10: 1 rows: Key__c: the key is empty (1)"
    assert (
        found[1]
        == "m.yml:5:21: 3 rows: Pick__c: `Opne` is not an active value of Pick__c (2); `Shut` is not an active value of Pick__c (1)"
    )
    assert found[2].startswith("m.yml:5:33: 4 rows: Int__c: `1,5` is not a number")
    assert found[2].endswith("; and 1 more kinds")
    assert len(found) == 4


def test_values_of_fields_that_the_mapping_calls_sensitive_are_counted_and_not_told():
    session = database()
    columns = make_source(session, {"n": "VARCHAR", "p": "VARCHAR"}, [("secret", "hidden"), ("told", "hidden")])
    fields = "{Int__c: n, Phone__c: {local: p, transform: {phone: DE}}}"
    (number, phone) = check_data(
        session, thing(fields, top=TOP + "sensitive: [int__c, PHONE__C]\n"), DESCRIBES, "s", columns
    )
    assert "2 rows: Int__c: a value is not a number as the API writes it" in str(number)
    assert str(phone).endswith("2 rows: Phone__c: a value is no phone number (2)")
    assert not re.search("secret|told|hidden", f"{number} {phone}")
    (number, _) = check_data(session, thing(fields, top=TOP), DESCRIBES, "s", columns)
    assert "`secret`" in str(number)


def test_local_tables_that_are_there_are_looked_at_without_writing_to_the_store(tmp_path):
    store = DuckDBStore(tmp_path / "mirror.duckdb")
    with store.writing() as session:
        session.execute("CREATE SCHEMA crm")
        session.execute("CREATE TABLE crm.Things AS SELECT 'x' AS n, '030 123456' AS p")
        session.execute("CREATE VIEW crm.shown AS SELECT 1 AS other")
    mappings = [
        thing(fields, top=f"direction: push\ntable: {name}\n")
        for fields, name in [
            ("{Int__c: n, Phone__c: {local: p, transform: {phone: DE}}}", "crm.things"),
            ("{Text__c: gone}", "crm.things"),
            ("{Text__c: gone}", "crm.shown"),
            ("{Text__c: gone}", "crm.nowhere"),
        ]
    ]
    with store.reading() as session:
        found = [str(each) for each in local_table_problems(session, mappings, DESCRIBES)]
    assert [each.split(" (")[0] for each in found] == [
        "m.yml:4:10: 1 rows: Int__c: `x` is not a number as the API writes it",
        "m.yml:4:19: the source has no column `gone`",
    ]


def test_the_json_schema_takes_short_and_long_forms():
    schema = mapping_schema()
    transform = schema["$defs"]["FieldMapping"]["properties"]["transform"]
    assert {"enum": ["trim", "squeeze", "lower", "upper", "title", "email"]} in transform["anyOf"]
    assert "local" not in schema["$defs"]["FieldMapping"].get("required", [])
    assert schema["$defs"]["Lookup"]["required"] == ["object", "by"]
    assert schema["properties"]["source"]["anyOf"][0] == {"type": "string"}
    assert all("description" in each for each in schema["$defs"]["Step"]["properties"].values())
    json.dumps(schema)


def test_a_mapping_with_everything_is_read(tmp_path):
    (tmp_path / "v.csv").write_text("org,local\na,b\n")
    text = (
        "object: Lead\nkey: Id\ndirection: push\nsource: x.csv\nfields:\n"
        "  Id: id\n  A: {local: a, transform: [squeeze, title, {split: {by: '/', part: -1}}, {table: v.csv}], default: x}\n"
        "  B: {local: [x, y], transform: [{join: ', '}, upper]}\n  C: {constant: 5}\n  D: {sql: a || b}\n"
        "lookups:\n  O: {object: [User, Group], by: Name, local: o, on_missing: null, default: Nobody}\n"
    )
    assert parse_mapping(text, folder=tmp_path).key_field == "Id"


@pytest.mark.parametrize("written", ["1.10", "1.50", "+5", "007", "1_000", "0.10", "12345678901234567890", "1e3"])
def test_a_fixed_value_is_what_the_file_says_and_no_number_made_of_it(written):
    mapping = thing(f"{{Text__c: {{constant: {written}}}, Name: {{local: n, default: {written}}}}}")
    assert (mapping.fields["Text__c"].constant, mapping.fields["Name"].default) == (written, written)

"""Values that break readers: equal after a pull, by REST and by Bulk, after a merge, and in the history."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from sfsync.fake import FakeOrg
from sfsync.fake.clock import Clock
from sfsync.salesforce import connect
from sfsync.salesforce.retry_policy import RetryPolicy
from sfsync.salesforce.transport import Transport
from sfsync.store.as_of import as_of_sql
from sfsync.store.duckdb import DuckDBStore
from sfsync.sync.options import PullOptions
from sfsync.sync.pull import PullResult, pull

TEXTS = {
    "quotes and commas": 'said "no", then ""yes"", "',
    "nothing but a quote": '"',
    "line feed": "two\nlines",
    "carriage return": "two\rlines",
    "CR LF": "two\r\nlines\r\n\r\nand more",
    "ends in a quote and a line feed": 'a"\nb',
    "U+2028 and U+2029": "two\u2028lines\u2029more",
    "vertical tab, form feed, NEL": "a\x0bb\x0cc\x85d",
    "separators of files, groups, records, units": "a\x1cb\x1dc\x1ed\x1fe",
    "tab": "a\tb",
    "backslashes": "C:\\temp\\new\\",
    "backslash before a quote": '\\"',
    "NA": "NA",
    "N/A": "N/A",
    "null": "null",
    "NULL": "NULL",
    "None": "None",
    "nan": "nan",
    "NaN": "NaN",
    "inf": "inf",
    "#N/A": "#N/A",
    "\\N": "\\N",
    "007": "007",
    "a long number": "00000000012345678901234567890",
    "a float": "1.10",
    "an exponent": "1E02",
    "true": "true",
    "a date": "2026-01-31",
    "an Id": "00Q000000000001",
    "leading and trailing blanks": "  both sides  ",
    "a blank": " ",
    "a no-break space": "\u00a0",
    "a byte order mark": "\ufeffstart",
    "a formula for a spreadsheet": '=HYPERLINK("http://example.com","x")',
    "a comment sign": "# not a comment",
    "emoji": "🏳️‍🌈👩‍👩‍👧‍👦🇪🇺",
    "right to left": "مرحبا \u202eabc\u202c שלום",
    "zero width and combining": "e\u0301\u200b\u200d",
    "a surrogate's neighbour": "\ud7ff\ue000\ufffd",
    "beyond the first plane": "𝕏𐍈" * 40,
    "SQL": 'Robert\'); DROP TABLE sf_all."Lead";--',
    "a template": "{{ 7*7 }}${7*7}%s%n",
    "131,072 characters": ("x" * 1023 + "\n") * 128,
    "131,072 quotes": '"' * 131_072,
    "131,072 characters of four bytes": "🏔" * 131_072,
}

OTHERS: dict[str, tuple[str, list[Any]]] = {
    "double": (
        "Number__c",
        [0.0, 0.1, -1e-9, 1e18, -1e18, 2.0**53, 123456789012.34, 1.7976931348623157e308, 5e-324, -1.5],
    ),
    "currency": ("Money__c", [99999999999999.98, -0.01, 1e15]),
    "percent": ("Share__c", [33.333333333333336, -100.0, 1e5]),
    "int": ("Whole__c", [2**31 - 1, -(2**31), 0, -1]),
    "long": ("Wide__c", [2**63 - 1, -(2**63), 0]),
    "date": ("Day__c", [date(1700, 1, 1), date(4000, 12, 31), date(2000, 2, 29), date(1900, 2, 28)]),
    "datetime": (
        "Moment__c",
        [datetime(1700, 1, 1), datetime(4000, 12, 31, 23, 59, 59), datetime(1969, 12, 31, 23, 59, 59, 999000)],
    ),
    "time": ("Time__c", [time(0), time(23, 59, 59, 999000), time(12, 30, 0, 1000)]),
    "boolean": ("Flag__c", [True, False]),
    "multipicklist": ("Many__c", ["A", "A;B;C", 'with, comma;with "quote"', "NA;null"]),
    "url": ("Link__c", ["https://example.com/?a=1&b=%22"]),
    "email": ("Mail__c", ["o'neill+tag@sub.example.com"]),
    "phone": ("Call__c", ["+1 (555) 010-9999;ext=7"]),
    "picklist": ("One__c", ["NA", "1", "a;b"]),
    "encryptedstring": ("Secret__c", ["********1234"]),
}


class Bench:
    """A fake org with a field of every type, and a mirror of its leads."""

    def __init__(self, fake: FakeOrg, folder: Path, api: str) -> None:
        self.fake, self.folder, self.api = fake, folder, api
        fake.add_field("Lead", "Text__c", "textarea", length=131_072)
        for kind, (name, _) in OTHERS.items():
            fake.add_field("Lead", name, kind)
        transport = Transport(fake.session(), env={}, policy=RetryPolicy(sleep=lambda _seconds: None))
        env = {"SF_ACCESS_TOKEN": fake.token, "SF_ORG_INSTANCE_URL": fake.instance_url}
        self.org = connect(env=env, transport=transport)
        self.store = DuckDBStore(folder / "mirror.duckdb")

    def hold(self, values: list[dict[str, Any]]) -> list[str]:
        """Let the org hold exactly these values, past everything by which it would tidy them up."""
        ids = self.fake.insert("Lead", [{"LastName": f"Lead {n}", "Company": "C"} for n in range(len(values))])
        with self.fake.database.writing() as cursor:
            for name in sorted({name for row in values for name in row}):
                given = [(row[name], record_id) for record_id, row in zip(ids, values, strict=True) if name in row]
                kind = cursor.execute(f'SELECT typeof("{name}") FROM "Lead" LIMIT 1').fetchall()[0][0]
                cursor.execute(
                    f'UPDATE "Lead" SET "{name}" = given.value FROM '
                    f"(SELECT unnest(CAST(? AS {kind}[])) AS value, unnest(CAST(? AS VARCHAR[])) AS id) AS given "
                    'WHERE "Lead"."Id" = given.id',
                    [list(column) for column in zip(*given, strict=True)],
                )
        return ids

    def pull(self) -> PullResult:
        self.fake.clock.advance(timedelta(minutes=6))
        result = pull(
            self.org,
            self.store,
            workspace=self.folder,
            objects=["Lead"],
            options=PullOptions(api=self.api),  # type: ignore[arg-type]
        )
        assert not result.failed, result.failed
        return result

    def there(self) -> dict[str, dict[str, Any]]:
        with self.fake.database.reading() as cursor:
            cursor.execute('SELECT * FROM "Lead"')
            names = [column[0] for column in cursor.description or ()]
            return {row[names.index("Id")]: dict(zip(names, row, strict=True)) for row in cursor.fetchall()}

    def here(self, sql: str = "SELECT * FROM sf_all.Lead") -> dict[str, dict[str, Any]]:
        return {row["Id"]: row for row in self.store.query(sql).rows().dicts()}

    def touch_all(self) -> None:
        """Everybody's record changes, in another field: all of them go through the merge."""
        now = self.fake.clock.stamp()
        with self.fake.database.writing() as cursor:
            cursor.execute(
                'UPDATE "Lead" SET "Company" = ?, "LastModifiedDate" = ?, "SystemModstamp" = ?', ["Renamed", now, now]
            )


def same(ours: dict[str, dict[str, Any]], theirs: dict[str, dict[str, Any]]) -> list[str]:
    """Where two sets of records differ, by value, sign of zero or type; empty when they do not."""
    if set(ours) != set(theirs):
        return [f"records: {set(ours) ^ set(theirs)}"]
    return [
        f"{record_id}.{name}: {str(value)[:80]!r} where the org has {str(theirs[record_id][name])[:80]!r}"
        for record_id, row in ours.items()
        for name, value in row.items()
        if repr(value) != repr(theirs[record_id][name])
    ]


@pytest.fixture(params=["rest", "bulk"])
def bench(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Bench]:
    with FakeOrg.empty(clock=Clock(datetime(2026, 1, 31, 12), ticking=False)) as fake:
        yield Bench(fake, tmp_path, request.param)


def prove(bench: Bench, values: list[dict[str, Any]]) -> None:
    """Equal after the first pull, after a merge, and in the history once the values are gone from the org."""
    bench.hold(values)
    first = bench.pull()
    held = bench.there()
    assert same(bench.here(), held) == []
    bench.touch_all()
    bench.pull()
    assert same(bench.here(), bench.there()) == []
    second = bench.pull()
    with bench.fake.database.writing() as cursor:
        cursor.execute('UPDATE "Lead" SET ' + ", ".join(f'"{name}" = NULL' for name in {n for v in values for n in v}))
    bench.touch_all()
    bench.pull()
    assert same(bench.here(), bench.there()) == []
    for moment, company in ((first.as_of, "C"), (second.as_of, "Renamed")):
        then = bench.here(as_of_sql(bench.store, "SELECT * FROM sf_all.Lead", moment))
        assert {row["Company"] for row in then.values()} == {company}
        assert same(untouched(then), untouched(held)) == []


def untouched(rows: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The records without the columns that changing another field moves."""
    moved = {"Company", "SystemModstamp", "LastModifiedDate"}
    return {key: {name: value for name, value in row.items() if name not in moved} for key, row in rows.items()}


def test_hostile_texts_stay_what_they_are(bench: Bench) -> None:
    prove(bench, [{"Text__c": text} for text in TEXTS.values()])


def test_values_of_every_other_type_stay_what_they_are(bench: Bench) -> None:
    prove(bench, [{name: value} for name, values in OTHERS.values() for value in values])


def test_an_empty_text_is_no_value_by_either_api(bench: Bench) -> None:
    (record_id,) = bench.hold([{"Text__c": ""}])
    bench.pull()
    assert bench.here()[record_id]["Text__c"] is None


def test_a_nul_is_refused_with_the_mirror_as_it_was_or_kept_as_it_is(bench: Bench) -> None:
    bench.hold([{"Text__c": "sound"}])
    bench.pull()
    (record_id,) = bench.hold([{"Text__c": "a\0b"}])
    bench.fake.clock.advance(timedelta(minutes=6))
    result = pull(
        bench.org,
        bench.store,
        workspace=bench.folder,
        objects=["Lead"],
        options=PullOptions(api=bench.api),  # type: ignore[arg-type]
    )
    if result.failed:
        assert record_id not in bench.here()
        assert "Lead" in (result.failed[0].reason or "")
    else:
        assert bench.here()[record_id]["Text__c"] == "a\0b"


def test_a_row_of_hostile_values_in_every_column_stays_what_it_is(bench: Bench) -> None:
    whole = {name: values[-1] for name, values in OTHERS.values()}
    prove(bench, [{"Text__c": text, **whole} for text in list(TEXTS.values())[:12]])


def naughty_strings(folder: Path) -> list[str]:
    """The big list of naughty strings."""
    return [text for text in json.loads((folder / "blns" / "blns.json").read_text("utf-8")) if text]


def cells(folder: Path) -> list[str]:
    """Every cell of the CSV spectrum."""
    found = []
    for file in sorted((folder / "csv_spectrum" / "json").glob("*.json")):
        body = json.loads(file.read_text("utf-8"))
        rows = body if isinstance(body, list) else [body]
        found += [str(value) for row in rows for pair in row.items() for value in pair if str(value)]
    return found


def whole_files(folder: Path) -> list[str]:
    """Each CSV file of the spectrum as the text of one field."""
    files = sorted((folder / "csv_spectrum" / "csvs").glob("*.csv"))
    return [text for file in files if (text := file.read_bytes().decode("utf-8"))]


def addresses(folder: Path) -> list[str]:
    """The addresses that test whether something is an e-mail address."""
    tree = ET.parse(folder / "isemail" / "tests.xml")
    return [node.text for node in tree.iter("address") if node.text]


@pytest.mark.parametrize("source", [naughty_strings, cells, whole_files, addresses])
def test_published_naughty_inputs_stay_what_they_are(
    bench: Bench, real_data: Callable[[str], Path], source: Callable[[Path], list[str]]
) -> None:
    texts = source(real_data("naughty_inputs"))
    assert len(texts) > 10
    prove(bench, [{"Text__c": text} for text in texts])


def test_a_text_longer_than_described_is_not_cut_off(bench: Bench) -> None:
    bench.fake.add_field("Lead", "Short__c", "string", length=10)
    (record_id,) = bench.hold([{"Short__c": "x" * 300}])
    bench.pull()
    assert len(bench.here()[record_id]["Short__c"]) == 300

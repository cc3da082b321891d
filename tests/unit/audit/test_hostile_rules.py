"""Rule files that nobody should run: each is refused when it is read, and could do no harm if it were not."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from pathlib import Path

import pytest

from sfsync.audit import check_sql
from sfsync.audit.load import load_folder, parse_rule
from sfsync.errors import RuleError, SfsyncError
from sfsync.store.duckdb import DuckDBStore
from tests.unit.audit.conftest import RULE, MakeMirror
from tests.unit.audit.results import MakeProject, lead, odd

START, END = RULE.index("sql: |"), RULE.index("message:")


def with_sql(sql: str) -> str:
    indented = "\n".join(f"  {line}" for line in sql.split("\n"))
    return RULE[:START] + f"sql: |\n{indented}\n" + RULE[END:].replace("{status}", "odd")


def refusal(text: str) -> str:
    with pytest.raises(RuleError) as error:
        parse_rule(text, "rules/x.yml")
    assert all(problem.file == "rules/x.yml" for problem in error.value.problems)
    return "\n".join(str(problem) for problem in error.value.problems)


WRITES = [
    "INSERT INTO sf.Lead VALUES (1)",
    "UPDATE sf.Lead SET Id = 1",
    "DELETE FROM sf.Lead",
    "MERGE INTO sf.Lead USING sf.Lead AS x ON TRUE WHEN MATCHED THEN DELETE",
    "TRUNCATE sf.Lead",
    "DROP TABLE sf.Lead",
    "CREATE TABLE x AS SELECT 1 AS record_id",
    "CREATE OR REPLACE VIEW sf.Lead AS SELECT 1 AS record_id",
    "ALTER TABLE sf.Lead RENAME TO x",
    "WITH x AS (DELETE FROM sf.Lead RETURNING Id) SELECT x.Id AS record_id FROM x",
    "WITH x AS (INSERT INTO sf.Lead VALUES (1) RETURNING Id) SELECT x.Id AS record_id FROM x",
    "SELECT l.Id AS record_id INTO copied FROM sf.Lead AS l",
    "EXPLAIN ANALYZE DELETE FROM sf.Lead",
    "PREPARE p AS DELETE FROM sf.Lead",
    "EXECUTE p",
    "CALL pragma_version()",
    "VACUUM",
    "CHECKPOINT",
    "BEGIN",
    "COMMIT",
]
SETS = [
    "SET enable_external_access = true",
    "SET GLOBAL memory_limit = '1TB'",
    "RESET ALL",
    "PRAGMA database_list",
    "USE other",
    "INSTALL httpfs",
    "LOAD httpfs",
    "ATTACH '/tmp/x.duckdb'",
    "DETACH mirror",
    "EXPORT DATABASE '/tmp/x'",
    "IMPORT DATABASE '/tmp/x'",
    "COPY sf.Lead TO '/tmp/x.csv'",
    "COPY sf.Lead FROM '/tmp/x.csv'",
    "CREATE MACRO is_blank(x) AS TRUE",
    "CREATE SECRET (TYPE s3)",
]
FILES = [
    "SELECT f.content AS record_id FROM read_text('/etc/passwd') AS f",
    "SELECT f.content AS record_id FROM read_blob('/etc/passwd') AS f",
    "SELECT f.a AS record_id FROM read_csv('/etc/passwd') AS f",
    "SELECT f.a AS record_id FROM read_csv_auto('/etc/passwd') AS f",
    "SELECT f.a AS record_id FROM read_json('/etc/passwd') AS f",
    "SELECT f.a AS record_id FROM read_parquet('s3://bucket/x') AS f",
    "SELECT f.a AS record_id FROM parquet_scan('x') AS f",
    "SELECT f.file AS record_id FROM glob('/*') AS f",
    "SELECT f.a AS record_id FROM '/etc/passwd' AS f",
    'SELECT f.a AS record_id FROM "/etc/passwd" AS f',
    "SELECT f.a AS record_id FROM 'https://example.com/x.csv' AS f",
    "SELECT f.a AS record_id FROM sqlite_scan('x', 'y') AS f",
    "SELECT f.a AS record_id FROM postgres_scan('x', 'y', 'z') AS f",
    "SELECT f.a AS record_id FROM query('DROP TABLE x') AS f",
    "SELECT f.a AS record_id FROM query_table('x') AS f",
    "SELECT f.name AS record_id FROM duckdb_settings() AS f",
    "SELECT f.name AS record_id FROM duckdb_secrets() AS f",
    "SELECT f.range AS record_id FROM range(1000000000000) AS f",
    "SELECT f.x AS record_id FROM generate_series(1, 1000000000000) AS f(x)",
    "SELECT unnest([1]) AS record_id",
    "SELECT f.table_name AS record_id FROM information_schema.tables AS f",
    "SELECT f.relname AS record_id FROM pg_catalog.pg_class AS f",
    "SELECT f.value AS record_id FROM sfsync.facts AS f",
    "SELECT f.a AS record_id FROM crm.leads AS f",
    "SELECT f.a AS record_id FROM temp.relation_stages AS f",
    "SELECT f.a AS record_id FROM relation_stages AS f",
    "SELECT getenv('SF_ACCESS_TOKEN') AS record_id",
    "SELECT current_setting('access_token') AS record_id",
    "SELECT write_log('x') AS record_id",
    "SELECT sf.read_text('x') AS record_id",
    "SELECT l.Id AS record_id FROM sf.Lead AS l WHERE EXISTS (SELECT 1 AS one FROM read_text('/etc/passwd') AS f)",
    "SELECT (SELECT f.content FROM read_text('/etc/passwd') AS f) AS record_id",
    "SELECT l.Id AS record_id FROM sf.Lead AS l, LATERAL read_text(l.Id) AS f",
    "SELECT COLUMNS('.*') AS record_id FROM sf.Lead AS l",
    "FROM sf.Lead",
    "SUMMARIZE sf.Lead",
    "DESCRIBE sf.Lead",
    "SHOW TABLES",
    "VALUES (1)",
    "TABLE sf.Lead",
    "PIVOT sf.Lead ON Id",
]
SEVERAL = [
    "SELECT 'x' AS record_id; DELETE FROM sf.Lead",
    "SELECT 'x' AS record_id;;; SELECT 'y' AS record_id",
    "SELECT 'x' AS record_id; -- fine\nDELETE FROM sf.Lead",
    "SELECT 'x' AS record_id /* ; */ ; DELETE FROM sf.Lead",
    "SELECT 'x' AS record_id\n) AS f; DELETE FROM sf.Lead; --",
    "SELECT 'x' AS record_id FROM (SELECT 1 AS a) AS f) AS f; DROP TABLE sf.Lead; SELECT (1",
    "SELECT $$a$$ AS record_id; DELETE FROM sf.Lead",
    "SELECT E'\\' AS record_id; DELETE FROM sf.Lead; --'",
]


@pytest.mark.parametrize("sql", [*WRITES, *SETS, *FILES, *SEVERAL])
def test_sql_that_does_more_than_look_is_refused(sql: str) -> None:
    assert refusal(with_sql(sql))


@pytest.mark.parametrize("key", ["eligible", "threshold"])
def test_every_sql_of_a_rule_is_held_to_the_same(key: str) -> None:
    sql = "SELECT f.content AS record_id FROM read_text('/etc/passwd') AS f"
    if key == "eligible":
        text = RULE.replace("SELECT l.Id AS record_id FROM sf.Lead AS l\n", f"{sql}\n")
    else:
        threshold = (
            "{type: threshold, fallback: 1, about: x, sql: \"SELECT 'a' AS segment, 1 AS value, 1 AS n; DROP TABLE x\"}"
        )
        text = RULE.replace("{type: text, default: Odd, about: What is odd.}", threshold)
    assert refusal(text)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT l.Id AS record_id /* ; DELETE FROM sf.Lead */ FROM sf.Lead AS l -- ; DROP TABLE x",
        "SELECT l.Id AS record_id /* /* nested */ ; DELETE FROM sf_all.Lead /* */ */ FROM sf.Lead AS l",
        "SELECT l.Id || '; DELETE FROM sf.Lead; --' AS record_id FROM sf.Lead AS l",
        "SELECT l.Id || ''' ) ; DROP TABLE x; --' AS record_id FROM sf.Lead AS l",
    ],
)
def test_what_only_looks_like_harm_runs_and_does_none(project_with: MakeProject, sql: str) -> None:
    text = with_sql(sql).replace("    finds: []\n", "    finds: [{Id: x}]\n")
    project_with.rule("OWN001", text.replace("name: clean", "name: other") + "  - {name: clean, finds: []}\n")
    result = project_with.audit(odd(1), lead(2))
    assert result.rules[0].count == 2
    assert "DROP TABLE x" not in result.rules[0].sql.replace("'''", "") or "'''" in result.rules[0].sql
    assert project_with.store.query('SELECT count(*) FROM sf_all."Lead"').rows().scalar() == 2


def test_parameters_are_values_and_never_sql(project_with: MakeProject) -> None:
    evil = "x''; DROP TABLE sf_all.Lead; --\\"
    project_with.settings(
        f'rules: {{OWN001: {{params: {{odd: "{evil}\\\\", words: ["a\'); --"]}}}}}}\n'.replace('\\"', '"')
    )
    result = project_with.audit(odd(1), lead(2, Status="x''; DROP TABLE sf_all.Lead; --"))
    assert result.rules[0].eligible == 2
    assert project_with.store.query('SELECT count(*) FROM sf_all."Lead"').rows().scalar() == 2


def test_values_of_segments_are_values_and_never_sql(project_with: MakeProject) -> None:
    evil = "a') OR TRUE; DROP TABLE sf_all.Lead; --"
    project_with.settings(f'rules: {{OWN001: {{by: {{LeadSource: {{"{evil}": {{enabled: false}}}}}}}}}}\n')
    result = project_with.audit(odd(1, LeadSource=evil), odd(2))
    assert [int(f.record_id[3:15]) for f in result.findings()] == [2]


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join([f'*{chr(97 + i)}'] * 9)}]\n" for i in range(12)
)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (RULE + BOMB, "anchors (`&name`) are not read"),
        (RULE.replace("title: The", "title: &t The"), "anchors"),
        (RULE.replace("title: The status is odd", "title: *t"), "aliases"),
        (RULE.replace("why: Because.", "why: !!python/object/apply:os.system ['true']"), "tags"),
        (RULE.replace("why: Because.", "why: !include /etc/passwd"), "tags"),
        (RULE.replace("why: Because.", "<<: {why: Because.}"), "unknown key `<<`"),
        (RULE.replace("why: Because.", f"why: {'[' * 200}{']' * 200}"), "levels deep"),
        (RULE.replace("why: Because.", "why: Because.\nwhy: Twice."), "given twice"),
        (RULE + "---\nversion: 1\n", "second document"),
        (RULE.replace("why: Because.", 'why: "a\\0b"'), "NUL"),
        (RULE.replace("Because.", "Be\x1b[31mcause."), "cannot stand in a text file"),
        (RULE + f"# {'x' * 1_100_000}\n", "larger than 1024 KiB"),
        (RULE.replace("JOIN sf.Lead", f"JOIN {'(' * 5000}sf.Lead"), "nested too deeply"),
        (RULE.replace("l.Status = $odd", f"l.Status = {'(' * 900}'x'{')' * 900}"), "nested too deeply"),
        (RULE.replace("l.Status = $odd", f"l.Status = {'NOT ' * 3000}TRUE"), "nested too deeply"),
    ],
    ids=range(15),
)
def test_files_made_to_hurt_their_reader_are_refused(text: str, told: str) -> None:
    started = time.process_time()
    assert told in refusal(text)
    assert time.process_time() - started < 60  # no billion laughs


def test_a_long_chain_of_conditions_ends_in_a_rule_or_in_a_refusal() -> None:
    chain = " OR ".join(f"l.Status = '{i}'" for i in range(3000))
    text = RULE.replace("l.Status = $odd", chain)
    with suppress(RuleError):
        assert parse_rule(text, "rules/x.yml").id == "OWN001"


def test_a_link_to_another_file_is_told_by_its_own_name_and_leaks_nothing(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("token: abc123\n")
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "OWN001.yml").symlink_to(secret)
    with pytest.raises(RuleError) as error:
        load_folder(rules)
    assert "abc123" not in str(error.value)


HARM = [
    'INSERT INTO sf_all."Lead" SELECT * FROM sf_all."Lead"',
    'DROP TABLE sf_all."Lead"',
    "CREATE TABLE main.x AS SELECT 1 AS a",
    'SELECT 1 AS a; COMMIT; DROP TABLE sf_all."Lead"',
    'SELECT 1 AS a) ; COMMIT; DROP TABLE sf_all."Lead"; --',
    "SELECT content FROM read_text('{secret}')",
    "SELECT * FROM read_csv('{secret}')",
    "SELECT * FROM '{secret}'",
    "SELECT * FROM glob('/*')",
    "COPY sf_all.\"Lead\" TO '{out}'",
    "ATTACH '{out}' AS other",
    "INSTALL httpfs",
    "SET memory_limit = '1TB'",
    "SET enable_external_access = true",
    "PRAGMA enable_checkpoint_on_shutdown",
]


@pytest.mark.parametrize("sql", HARM)
def test_the_session_that_judges_can_neither_write_nor_read_files(
    store: DuckDBStore, mirror: MakeMirror, tmp_path: Path, sql: str
) -> None:
    mirror(Lead=[lead(1)])
    secret, out = tmp_path / "secret.csv", tmp_path / "out.csv"
    secret.write_text("a\nb\n")
    with pytest.raises(SfsyncError), store.judging() as session:
        session.keep("found", sql.format(secret=secret, out=out))
    assert not out.exists()
    assert store.query('SELECT count(*) FROM sf_all."Lead"').rows().scalar() == 1


def test_a_hole_in_the_check_of_sql_opens_nothing(project_with: MakeProject, monkeypatch: pytest.MonkeyPatch) -> None:
    project_with.fill(odd(1))
    with project_with.store.writing() as session:
        session.execute("CREATE SEQUENCE own")
    monkeypatch.setattr(check_sql, "_faults", lambda *_: [])
    monkeypatch.setattr("sfsync.audit.validate._message_problems", lambda *_: [])
    project_with.rule("OWN001", with_sql("SELECT l.Id AS record_id FROM sf.Lead AS l WHERE nextval('own') > 0"))
    (result,) = project_with.audit().rules
    assert result.broken
    assert re.search(r"rule OWN001 failed.*read.only", result.reason or "")
    assert project_with.store.query("SELECT last_value FROM duckdb_sequences()").rows().scalar() is None


def test_what_an_audit_finds_is_stored_all_the_same(project_with: MakeProject) -> None:
    project_with.audit(odd(1), lead(2))
    assert project_with.store.query("SELECT count(*) FROM sfsync.findings").rows().scalar() == 1


def test_a_session_that_judges_reads_files_it_is_given_by_the_program(store: DuckDBStore, mirror: MakeMirror) -> None:
    from sfsync.store.interface import TextForm  # noqa: PLC0415

    mirror(Lead=[lead(1)])
    file = store.path.parent / "list.csv"
    file.write_text("a,b\n1,x\n2,y\n")
    with store.judging() as session:
        session.start_writing()
        assert session.load_text("listed", ("a", "b"), file, TextForm()) == 2
        assert session.execute("SELECT b FROM listed ORDER BY source_row").rows == [("x",), ("y",)]


def test_a_rule_whose_sql_the_database_refuses_takes_no_other_rule_along(project_with: MakeProject) -> None:
    broken = RULE.replace("l.Status = $odd", "CAST(l.Status AS INTEGER) = 1").replace("odd-status", "broken-status")
    project_with.rule("OWN002", broken.replace("OWN001", "OWN002"))
    project_with.rule("OWN003", RULE.replace("OWN001", "OWN003").replace("odd-status", "odd-too"))
    result = project_with.audit(odd(1), select=["OWN"])
    told = {each.rule.id: (each.state.value, each.count, each.broken) for each in result.rules}
    assert {name: told[name] for name in ("OWN001", "OWN002", "OWN003")} == {
        "OWN001": ("finding", 1, False),
        "OWN002": ("not_evaluable", 0, True),
        "OWN003": ("finding", 1, False),
    }
    assert "the SQL of rule OWN002 failed" in result.warnings[0]
    assert [finding.rule_id for finding in result.findings()].count("OWN003") == 1

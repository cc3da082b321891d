"""Rules as SQL for other databases."""

from __future__ import annotations

import pytest
import sqlglot

from sfsync.audit.context import AuditContext
from sfsync.audit.load import parse_rule
from sfsync.audit.overrides import resolve_rules
from sfsync.audit.warehouse import audit_sql, check_dialect, sql_of_audit
from sfsync.config.settings import RuleSettings, SegmentSettings, Settings
from sfsync.errors import UsageError
from tests.unit.audit.conftest import AS_OF, RULE
from tests.unit.audit.results import MakeProject, lead, odd

COLUMNS = {"Lead": {"Id": "VARCHAR", "Status": "VARCHAR", "CreatedDate": "TIMESTAMP", "LeadSource": "VARCHAR"}}
CONTEXT = AuditContext(AS_OF, timezone="Europe/Berlin", columns=COLUMNS)
AGED = RULE.replace("l.Status = $odd", "is_blank(l.Status) OR DATE_DIFF('day', local_date(l.CreatedDate), $today) > 3")


def printed(dialect: str, rule: str = AGED, settings: Settings | None = None) -> str:
    (resolved,) = resolve_rules([parse_rule(rule, "x.yml")], settings or Settings())
    return audit_sql([resolved], CONTEXT, dialect)


@pytest.mark.parametrize("dialect", ["duckdb", "postgres", "snowflake", "bigquery", "spark", "databricks", "redshift"])
def test_a_rule_is_written_so_that_the_other_database_can_read_it(dialect: str) -> None:
    text = printed(dialect)
    assert text.startswith("-- OWN001 odd-status: The status is odd\n")
    (statement,) = [each for each in sqlglot.parse(text, dialect=dialect) if each is not None]
    assert set(statement.named_selects) >= {"record_id", "severity", "message", "fingerprint"}
    assert "$" not in text
    assert "is_blank" not in text
    assert "Europe/Berlin" in text


def test_snowflake_counts_days_and_zones_in_its_own_words() -> None:
    text = "".join(line.strip() for line in printed("snowflake").splitlines())
    assert "CONVERT_TIMEZONE('UTC', 'Europe/Berlin'" in text
    assert "DATEDIFF(DAY" in text


def test_other_names_of_databases_are_known_and_unknown_ones_are_refused() -> None:
    assert check_dialect("PostgreSQL") == "postgres"
    assert check_dialect("mssql") == "tsql"
    with pytest.raises(UsageError) as error:
        check_dialect("snowflak")
    assert "did you mean `snowflake`?" in (error.value.hint or "")


def test_a_rule_that_cannot_judge_says_so_in_a_comment_of_one_line() -> None:
    text = printed("snowflake", AGED.replace("Status: text, ", "Status: text, 'Gone': text, "))
    assert [line[:2] for line in text.splitlines()] == ["--", "--"]
    assert "cannot judge: Lead.Gone" in text


def test_segments_are_statements_of_their_own() -> None:
    by = {"LeadSource": {"Web": SegmentSettings(odd="X"), "Old": SegmentSettings(enabled=False)}}
    text = printed("duckdb", RULE, Settings(rules={"OWN001": RuleSettings(by=by)}))
    assert text.count(";\n") == 2
    assert "-- OWN001 where LeadSource = Web" in text
    assert "LeadSource = Old" not in text


def test_an_audit_is_printed_with_the_mirrors_time_and_runs_as_printed(project_with: MakeProject) -> None:
    project_with.fill(odd(1), lead(2))
    text = sql_of_audit(
        project_with.store, Settings(), dialect="duckdb", select=["OWN"], rules_dir=project_with.root / "rules"
    )
    rows = project_with.store.query(text.split("\n", 1)[1].rstrip().rstrip(";")).rows()
    assert [row["message"] for row in rows.dicts()] == ["Status is Odd"]


def test_without_a_mirror_its_time_stays_open(project_with: MakeProject) -> None:
    project_with.rule("OWN001", AGED)
    text = sql_of_audit(project_with.store, Settings(), dialect="snowflake", rules_dir=project_with.root / "rules")
    assert "today" in text

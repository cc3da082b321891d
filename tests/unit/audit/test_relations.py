"""Relations: shared queries under a name, inherited by whoever reads them, built once an audit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sfsync.audit.context import AuditContext
from sfsync.audit.load import load_folder, load_rules
from sfsync.audit.overrides import default_values
from sfsync.audit.relations.load import load_relations
from sfsync.audit.relations.picklist_values import RELATION as PICKLIST_VALUES
from sfsync.audit.rule import Rule
from sfsync.audit.sql import render
from sfsync.errors import RuleError
from sfsync.records import FieldDescribe, ObjectDescribe, PicklistEntry, RuleState
from sfsync.store.duckdb_session import DuckDBSession
from tests.unit.audit.conftest import AS_OF, RULE
from tests.unit.audit.results import MakeProject, lead, odd

RELATION = """\
version: 1
name: odd_leads
about: One row an odd lead.
needs: {Lead: {Id: text, Status: text, Rating: text}}
columns: {lead_id: text, status: text}
sql: |
  SELECT l.Id AS lead_id, l.Status || COALESCE(l.Rating, '') AS status
  FROM sf.Lead AS l
  WHERE l.Status = 'Odd'
"""

READER = (
    RULE.replace(
        "FROM eligible AS e\n  JOIN sf.Lead AS l ON l.Id = e.record_id\n  WHERE l.Status = $odd",
        "FROM eligible AS e\n  JOIN odd_leads AS o ON o.lead_id = e.record_id",
    )
    .replace(
        "l.Id AS record_id, l.Status AS status\n  FROM eligible",
        "e.record_id AS record_id, o.status AS status\n  FROM eligible",
    )
    .replace("  odd: {type: text, default: Odd, about: What is odd.}\n", "")
)


def write(folder: Path, *relations: str, rule: str = READER) -> Path:
    """A folder of one rule and its relations, each named after itself."""
    (folder / "relations").mkdir(exist_ok=True)
    (folder / "OWN001.yml").write_text(rule)
    for text in relations:
        name = text.split("name: ")[1].split("\n")[0]
        (folder / "relations" / f"{name}.yml").write_text(text)
    return folder


def problems(folder: Path) -> list[str]:
    with pytest.raises(RuleError) as error:
        load_folder(folder)
    return [str(problem) for problem in error.value.problems]


def rule_of(folder: Path) -> Rule:
    (rule,) = load_folder(folder)
    return rule


def test_a_rule_inherits_what_its_relations_need(tmp_path: Path) -> None:
    rule = rule_of(write(tmp_path, RELATION))
    assert [each.name for each in rule.relations] == ["odd_leads"]
    assert rule.every_need["Lead"].keys() >= {"Id", "Status", "Rating", "CreatedDate"}


def test_what_a_relation_of_a_relation_needs_is_inherited_too(tmp_path: Path) -> None:
    inner = RELATION.replace("odd_leads", "rated").replace("{Lead:", "{Account: {Id: text}, Lead:")
    outer = RELATION.replace("needs: {Lead: {Id: text, Status: text, Rating: text}}", "notions: [framework]").replace(
        RELATION[RELATION.index("  SELECT") :], "  SELECT r.lead_id AS lead_id, r.status AS status FROM rated AS r\n"
    )
    rule = rule_of(write(tmp_path, inner, outer))
    assert [each.name for each in rule.relations] == ["rated", "odd_leads"]  # each after those it reads
    assert "Account" in rule.every_need
    assert rule.every_notion == ("framework",)


def test_a_rule_is_not_evaluable_without_what_its_relation_needs(project_with: MakeProject) -> None:
    write(project_with.root / "rules", RELATION)
    (result,) = project_with.audit(odd(1)).rules
    assert result.state is RuleState.NOT_EVALUABLE
    assert "Lead.Rating" in (result.reason or "")


def test_a_rule_reads_a_relation_and_its_statement_can_be_run_again(project_with: MakeProject) -> None:
    write(project_with.root / "rules", RELATION)
    (result,) = project_with.audit(odd(1, Rating="Hot"), lead(2, Rating=None)).rules
    assert (result.count, result.eligible) == (1, 2)
    again = project_with.store.query(result.sql).rows()
    assert [row["message"] for row in again.dicts()] == ["Status is OddHot"]


def test_each_relation_is_built_once_however_many_rules_read_it(
    project_with: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(project_with.root / "rules", RELATION)
    project_with.rule("OWN002", READER.replace("OWN001", "OWN002"))
    made: list[str] = []
    keep = DuckDBSession.keep

    def watched(self: DuckDBSession, table: str, select: str) -> None:
        made.append(table)
        keep(self, table, select)

    monkeypatch.setattr(DuckDBSession, "keep", watched)
    project_with.audit(odd(1, Rating="Hot"), select=["OWN"])
    assert made.count("relation_odd_leads") == 1


@pytest.mark.parametrize("dialect", ["duckdb", "postgres"])
def test_a_column_called_like_a_field_is_the_relations_own(tmp_path: Path, dialect: str) -> None:
    rule = rule_of(write(tmp_path, RELATION))
    columns = {"Lead": dict.fromkeys(("Id", "Status", "Rating"), "VARCHAR") | {"CreatedDate": "TIMESTAMP"}}
    sql = render(rule, default_values(rule), AuditContext(AS_OF, columns=columns, dialect=dialect)).findings
    assert 'r.status AS "Status"' in sql  # what the rule reads is spelled like the field on both sides
    assert 'q."Status" AS status' in sql


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("l.Status ||", "l.Statu ||"), "relations/odd_leads.yml:7:29: the column `Statu` is not in `needs`"),
        (("status: text}", "statsu: text}"), "relations/odd_leads.yml:5:26: `sql` has no column `statsu`"),
        (("l.Id AS lead_id,", "l.Id AS lead_id, l.Id AS other,"), "the column `other` is not in `columns`"),
        (("'Odd'", "'Odd' LIMIT 3"), "LIMIT would leave out findings"),
        (("sf.Lead", "read_csv('x')"), "tables of the mirror, not functions"),
        (("sf.Lead", "sf.Leed"), "did you mean `Lead`?"),
        (("'Odd'", "$odd"), "the parameter `$odd` is not in `params`"),
        (("'Odd'", "now()"), "`now` reads the clock"),
        (("about: One", "abuot: One"), "unknown key `abuot` (did you mean `about`?)"),
        (("lead_id: text", "Lead_Id: text"), "Lead_Id"),
    ],
)
def test_faults_in_a_relation_are_told_at_their_place(tmp_path: Path, change: tuple[str, str], told: str) -> None:
    write(tmp_path, RELATION.replace(*change))
    assert told in "\n".join(problems(tmp_path))


def test_relations_that_read_each_other_in_a_circle_are_refused(tmp_path: Path) -> None:
    body = "  SELECT o.lead_id AS lead_id, o.status AS status FROM {} AS o\n"
    start = RELATION.index("  SELECT")
    write(
        tmp_path,
        RELATION[:start] + body.format("others"),
        RELATION[:start].replace("odd_leads", "others") + body.format("odd_leads"),
    )
    told = "\n".join(problems(tmp_path))
    assert "the relation reads itself: odd_leads → others → odd_leads" in told


def test_a_name_can_be_used_once_and_the_file_is_called_like_the_relation(tmp_path: Path) -> None:
    write(tmp_path, RELATION.replace("odd_leads", "lead_status"))
    (tmp_path / "relations" / "other.yml").write_text(RELATION)
    told = problems(tmp_path)
    assert any("`lead_status` is taken by sfsync itself" in each for each in told)
    assert any("name the file odd_leads.yml" in each for each in told)


def test_a_rule_that_names_no_notion_cannot_read_what_is_made_of_one(tmp_path: Path) -> None:
    rule = READER.replace("JOIN odd_leads AS o ON o.lead_id = e.record_id", "JOIN lead_status AS o ON TRUE")
    (told,) = problems(write(tmp_path, rule=rule))
    assert "`lead_status` is read, but the file does not say which notions it needs" in told
    assert "lead_status.new" in told


def test_sql_of_a_relation_that_the_database_refuses_names_the_relation(project_with: MakeProject) -> None:
    write(project_with.root / "rules", RELATION.replace("l.Status = 'Odd'", "CAST(l.Status AS INTEGER) = 1"))
    project_with.rule("OWN002", READER.replace("OWN001", "OWN002").replace("name: odd", "name: other-odd"))
    result = project_with.audit(odd(1, Rating="Hot"), select=["OWN"])
    broken = {each.rule.id: each.reason or "" for each in result.rules if each.broken}
    assert {"OWN001", "OWN002"} == set(broken)
    assert all("the relation odd_leads failed" in reason for reason in broken.values())


def test_what_the_org_says_about_its_fields_can_be_asked(project_with: MakeProject) -> None:
    sql = (
        "FROM eligible AS e\n  JOIN picklist_values AS p ON p.object = 'Lead' AND p.field = 'Status'"
        " AND p.value = 'Old' AND NOT p.active"
    )
    rule = RULE.replace(
        "FROM eligible AS e\n  JOIN sf.Lead AS l ON l.Id = e.record_id\n  WHERE l.Status = $odd", sql
    ).replace(
        "l.Id AS record_id, l.Status AS status\n  FROM eligible",
        "e.record_id AS record_id, p.label AS status\n  FROM eligible",
    )
    rule = rule.replace("  odd: {type: text, default: Odd, about: What is odd.}\n", "").replace(
        "    given: {Lead: [{Id: 00QFk0000000001MAA, Status: Odd}]}\n",
        "    given: {Lead: [{Id: 00QFk0000000001MAA, Status: Odd}]}\n"
        "    describe: {Lead: {Status: {type: picklist, values: [New, {value: Old, label: Gone, active: false}]}}}\n",
    )
    project_with.rule("OWN001", rule)
    status = FieldDescribe(
        "Status", "picklist", picklist_entries=(PicklistEntry("New"), PicklistEntry("Old", "Gone", active=False))
    )
    project_with.mirror(Lead=[odd(1)], described={"Lead.Status": status})
    result = project_with.audit()
    assert [finding.message for finding in result.findings()] == ["Status is Gone"]
    kept = project_with.store.query("SELECT value, active FROM sfsync.picklist_values ORDER BY value").rows()
    assert kept.rows == [("New", True), ("Old", False)]
    assert project_with.store.query(result.rules[0].sql).rows().rows  # the statement reads what the audit has kept


def test_the_relations_of_sfsync_are_in_order() -> None:
    relations = load_relations()
    assert {"lead_status", "lead_qualification", "qualification_score", "org_fields"} <= relations.keys()
    assert all(each.about.strip() and each.columns for each in relations.values())
    read: set[Any] = {relation.name for rule in load_rules() for relation in rule.relations}
    assert read <= relations.keys()


def test_a_mirror_of_an_earlier_sfsync_still_knows_the_active_values() -> None:
    described = ObjectDescribe("Lead", "Lead", (FieldDescribe("Status", "picklist", picklist_values=("New",)),))
    assert PICKLIST_VALUES.rows is not None
    rows = list(PICKLIST_VALUES.rows(AuditContext(AS_OF, describes={"Lead": described})))
    assert rows == [("Lead", "Status", "New", "New", True, False)]

from __future__ import annotations

from pathlib import Path

import pytest

from sfsync.audit.load import GROUP_ORDER, PACKAGED, find_rule, load_folder, load_rules, parse_rule
from sfsync.errors import RuleError, UsageError
from tests.unit.audit.conftest import RULE

SELECT = "SELECT l.Id AS record_id, l.Status AS status\n  FROM eligible AS e"


def problems(*changes: tuple[str, str], text: str = RULE) -> list[str]:
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    with pytest.raises(RuleError) as error:
        parse_rule(text, "rules/x.yml")
    return [str(problem) for problem in error.value.problems]


def test_the_rules_of_sfsync_are_all_in_order() -> None:
    rules = load_rules()
    groups = list(dict.fromkeys(rule.id[:2] for rule in rules))
    assert groups == [code for code in GROUP_ORDER if code in groups]  # as a lead becomes an opportunity
    assert len({rule.id for rule in rules}) == len(rules)
    assert len({rule.name for rule in rules if rule.id.startswith("CV")}) == len([r for r in rules if r.id[:2] == "CV"])


def test_every_rule_file_is_named_after_its_rule() -> None:
    assert {file.stem for file in PACKAGED.glob("*.yml")} == {f"{rule.id}-{rule.name}" for rule in load_rules()}


@pytest.mark.parametrize("rule", load_rules(), ids=lambda rule: rule.id)
def test_every_rule_says_when_it_may_be_wrong_and_shows_a_case_it_cannot_judge(rule) -> None:
    assert rule.caveats
    can_always_look = not (rule.every_need or rule.every_notion)
    assert can_always_look or any(example.not_evaluable for example in rule.examples)


def test_a_rule_in_order_is_read() -> None:
    rule = parse_rule(RULE, "rules/x.yml")
    assert rule.id == "OWN001"
    assert rule.fields == {"Lead": {"Id": "text", "Status": "text", "CreatedDate": "datetime"}}


def test_an_unknown_key_is_told_with_its_line_and_a_suggestion() -> None:
    told = problems(("population:", "populaton:"))
    assert "rules/x.yml:8:1: unknown key `populaton` (did you mean `population`?)" in told


def test_a_wrong_severity_is_told_with_the_known_ones() -> None:
    (problem,) = problems(("severity: warning", "severity: warnin"))
    assert problem == (
        "rules/x.yml:9:11: `severity` should be one of error, warning, info, not `warnin` (did you mean `warning`?)"
    )


def test_yaml_that_cannot_be_read_is_a_rule_error() -> None:
    (problem,) = problems(("why: Because.", "why: [Because."))
    assert problem.startswith("rules/x.yml:")


@pytest.mark.parametrize(
    "clock", ["now()", "today()", "current_date", "current_timestamp", "CURRENT_DATE", "get_current_timestamp()"]
)
def test_a_rule_that_reads_the_clock_is_refused_where_it_does(clock: str) -> None:
    (problem,) = problems(("l.Status = $odd", f"l.CreatedDate > {clock}"))
    assert problem.startswith("rules/x.yml:24:25: ")
    assert "reads the clock" in problem
    assert "$as_of" in problem


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("SELECT l.Id AS record_id FROM read_csv('/etc/passwd') AS l", "tables of the mirror, not functions"),
        ("SELECT l.a AS record_id FROM '/etc/passwd' AS l", "there is no relation `/etc/passwd`"),
        ("SELECT getenv('HOME') AS record_id", "the function `getenv`"),
        ("SELECT random() AS record_id", "the function `random`"),
        ("SELECT l.Id AS record_id FROM sf.Lead AS l WHERE is_blank()", "`is_blank` takes one value"),
        ("SELECT arg_max(l.Id, l.Status) AS record_id FROM sf.Lead AS l", "the function `arg_max`"),
        ("SELECT list(l.Id) AS record_id FROM sf.Lead AS l", "the function `array_agg`"),
        ("SELECT [l.Id] AS record_id FROM sf.Lead AS l", "not in the portable subset"),
        ("SELECT {'a': l.Id} AS record_id FROM sf.Lead AS l", "not in the portable subset"),
        ("SELECT TRY_CAST(l.Id AS INTEGER) AS record_id FROM sf.Lead AS l", "not in the portable subset"),
        ("SELECT DISTINCT ON (l.Status) l.Id AS record_id FROM sf.Lead AS l", "DISTINCT ON"),
        ("SELECT l.Id AS record_id FROM sf.Lead AS l QUALIFY 1 = 1", "not in the portable subset"),
        ("SELECT l.Id AS record_id FROM sf.Lead AS l LIMIT 3", "LIMIT would leave out findings"),
        ("SELECT l.Id AS record_id FROM sf.Lead AS l OFFSET 3", "OFFSET would leave out findings"),
        ("SELECT l.Id AS record_id FROM sf.Lead AS l TABLESAMPLE 10%", "not in the portable subset"),
        ("SELECT l.Id AS record_id FROM sf.Lead AS l ANTI JOIN sf.Lead AS k ON k.Id = l.Id", "ANTI JOIN"),
        ("WITH RECURSIVE x AS (SELECT 1 AS n) SELECT x.n AS record_id FROM x", "WITH RECURSIVE"),
        ("DELETE FROM sf.Lead", "must be a single SELECT"),
        ("SELECT 1 AS record_id; DROP TABLE sf.Lead", "must be a single SELECT"),
        ("COPY (SELECT 1) TO '/tmp/x'", "must be a single SELECT"),
        ("ATTACH '/tmp/x'", "must be a single SELECT"),
        ("SELECT l.Id AS record_id INTO x FROM sf.Lead AS l", "not in the portable subset"),
        ("SELECT l.Id AS record_id FROM main.Lead AS l", "not `main`"),
        ("SELECT l.Id AS record_id FROM other.sf.Lead AS l", "a rule reads the schemas"),
        ("SELECT l.Id AS record_id FROM sf.Leed AS l", "did you mean `Lead`?"),
        ("SELECT l.Id AS record_id FROM eligibl AS l", "did you mean `eligible`?"),
        ("SELECT l.Id AS record_id FROM lead_status AS l", "which notions it needs"),
        ("SELECT l.Id AS record_id, l.Statu AS status FROM sf.Lead AS l", "did you mean `Status`?"),
        ("SELECT l.Id AS record_id FROM sf.Lead AS l WHERE l.Email IS NULL", "add it to `needs`"),
        ("SELECT l.Id AS record_id FROM sf.Lead AS l JOIN sf.Lead AS k ON Status = 'x'", "several tables"),
        ("SELECT l.Id AS record_id, record_id || 'x' AS status FROM sf.Lead AS l", "is not in"),
        ("SELECT l.Id AS id FROM sf.Lead AS l", "no column `record_id`"),
        ("SELECT * FROM sf.Lead AS l", "needs a name"),
        ("SELECT l.Id AS record_id, l.Id || 'x' FROM sf.Lead AS l", "needs a name"),
        ("SELECT l.Id AS record_id, l.Id AS record_id FROM sf.Lead AS l", "two columns `record_id`"),
        ("SELECT l.Id AS record_id, 'x' AS serverity FROM sf.Lead AS l", "did you mean `severity`?"),
        ("SELECT l.Id AS record_id FROM sf.Lead AS l WHERE l.Status = $od", "did you mean `odd`?"),
        ("SELECT l.Id AS record_id FROM sf.Lead AS l WHERE l.Status = ?", "only named parameters"),
        ("SELECT l.Id AS record_id FROM sf.Lead AS l WHERE l.Status = $words", "write `… IN ($words)`"),
        ("SELECT l.Id AS record_id FROM sf.Lead AS l WHERE", "cannot be read"),
        ("SELECT 'l.Id AS record_id FROM sf.Lead AS l", "quote or comment left open"),
        ("SELECT l.Id AS record_id FROM sf.Lead AS l WHERE " + "(" * 500 + "1 = 1" + ")" * 500, "nested too deeply"),
    ],
)
def test_sql_outside_of_the_subset_is_refused(sql: str, words: str) -> None:
    start, end = RULE.index("sql: |"), RULE.index("message:")
    text = RULE[:start] + f"sql: |\n  {sql}\n" + RULE[end:].replace("{status}", "odd")
    assert words in "\n".join(problems(text=text))


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ((SELECT, "SELECT l.Id AS record_id, l.Statu AS status\n  FROM eligible AS e"), "21:31"),
        (("WHERE l.Status = $odd", "WHERE l.Status = $oddd"), "24:21"),
        (("WHERE l.Status = $odd", "WHERE l.Status == == $odd"), "24:21"),
        (("JOIN sf.Lead", "JOIN sf.Leads"), "23:8"),
        (("SELECT l.Id AS record_id FROM sf.Lead AS l\n", "SELECT l.Ident AS record_id FROM sf.Lead AS l\n"), "19:12"),
    ],
)
def test_faults_in_sql_are_told_at_their_place_in_the_file(change: tuple[str, str], place: str) -> None:
    assert problems(change)[0].startswith(f"rules/x.yml:{place}: ")


def test_the_subset_takes_what_every_engine_knows() -> None:
    sql = """\
WITH ranked AS (
    SELECT l.Id AS id, ROW_NUMBER() OVER (PARTITION BY l.Status ORDER BY l.CreatedDate DESC, l.Id) AS place,
      COUNT(*) FILTER (WHERE l.Status LIKE 'A%') OVER () AS n
    FROM sf_all.Lead AS l
    WHERE l.CreatedDate BETWEEN $as_of - INTERVAL '90 days' AND $as_of
      AND (l.Status NOT IN ('x', $odd) OR l.Status IN ($words)) AND NOT is_blank(l.Status)
  )
  SELECT r.id AS record_id, CASE WHEN r.place = 1 THEN 'first' ELSE COALESCE(CAST(r.n AS VARCHAR), '') END AS status
  FROM ranked AS r
  LEFT JOIN (SELECT l.Status AS s, MAX(DATE_DIFF('day', CAST(l.CreatedDate AS DATE), $today)) AS d
             FROM sf.Lead AS l GROUP BY l.Status HAVING COUNT(DISTINCT l.Id) > 1) AS x ON x.s = r.id
  WHERE EXISTS (SELECT 1 AS one FROM eligible AS e WHERE e.record_id = r.id) AND x.d IS DISTINCT FROM 3
"""
    start, end = RULE.index("sql: |"), RULE.index("message:")
    parse_rule(RULE[:start] + f"sql: |\n  {sql}" + RULE[end:], "rules/x.yml")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (('message: "Status is {status}"', 'message: "Status is {stat}"'), "`sql` has no column `stat`"),
        (('message: "Status is {status}"', 'message: "Status { is {status}"'), "a `{` stands alone"),
        (('message: "Status is {status}"', 'message: "Status"'), "the column `status` is neither shown"),
        (("Lead: {Id: text, Status", "Contact: {Id: text}\n  Led: {Id: text, Status"), "lists no fields of Lead"),
        (("Status: Odd}", "Statos: Odd}"), "does not read Lead.Statos (did you mean `Status`?)"),
        (("given: {Lead", "given: {Led"), "the rule does not read Led"),
        (("Status: Odd}", "CreatedDate: soon}"), "`CreatedDate` should be datetime, not `soon`"),
        (("Status: Odd}", "IsDeleted: 1}"), "`IsDeleted` should be boolean, not `1`"),
        (("Status: Odd}", "Status: 3}"), "`Status` should be text, not `3`"),
        (
            ("finds: []", "finds: []\n    without: [Lead.Statos]"),
            "does not read Lead.Statos (did you mean `Lead.Status`?)",
        ),
        (("finds: []", "finds: []\n    params: {odds: x}"), "no parameter `odds` (did you mean `odd`?)"),
        (("finds: []", "finds: []\n    params: {odd: 5}"), "`odd` should be a text, not `5`"),
        (("finds: []", "finds: []\n    not_evaluable: x"), "either what it `finds`, or why"),
        (("finds: []", "finds: [x]"), "no example is clean"),
        (("finds: [00QFk0000000001MAA]", "finds: []"), "no example finds anything"),
        (("finds: []", "finds: []\n    as_of: 2026-01-31T12:00:00"), "`as_of` needs its zone"),
        (("odd: {type: text, default: Odd", "odd: {type: integer, default: Odd"), "`default` should be a whole number"),
        (("  odd: {type", "  Odd: {type"), "cannot be the name of a parameter"),
        (("  words: {type: texts, default: []", "  today: {type: text, default: x"), "taken by sfsync itself"),
        (("type: text, default: Odd", "type: threshold, default: auto"), "needs `fallback` and `sql`"),
        (("type: text, default: Odd", "type: text, fallback: 3, default: Odd"), "only a threshold has"),
        (("id: OWN001", "id: own1"), "`id`"),
        (("needs:", "not_empty: [Leads]\nneeds:"), "Leads is not in `needs` (did you mean `Lead`?)"),
        (("needs:", "notions: [framwork]\nneeds:"), "did you mean `framework`?"),
        (("needs:", "optional: [{otherwise: x}]\nneeds:"), "either an `object` with its `fields`, or a `notion`"),
    ],
)
def test_promises_that_a_file_does_not_keep_are_told(change: tuple[str, str], words: str) -> None:
    assert words in "\n".join(problems(change))


def test_every_problem_of_every_file_is_told_at_once(tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "a.yml").write_text(RULE.replace("severity: warning", "severity: bad"))
    (rules / "b.yml").write_text(RULE.replace("$odd", "$od").replace("{status}", "{stat}"))
    with pytest.raises(RuleError) as error:
        load_rules(rules)
    assert {problem.file for problem in error.value.problems} == {"rules/a.yml", "rules/b.yml"}
    assert len(error.value.problems) == 4
    assert error.value.exit_code == 2


def test_a_project_adds_rules_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "own.yml").write_text(RULE)
    rules = load_rules(tmp_path)
    assert rules[-1].id == "OWN001"
    assert len(rules) == len(load_rules()) + 1


def test_a_folder_that_does_not_exist_holds_no_rules(tmp_path: Path) -> None:
    assert load_rules(tmp_path / "rules") == load_rules()


def test_an_id_can_be_used_once(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(RULE)
    (tmp_path / "b.yml").write_text(RULE)
    (tmp_path / "c.yml").write_text(RULE.replace("OWN001", "CV001"))
    with pytest.raises(RuleError) as error:
        load_rules(tmp_path)
    first, second = [str(problem) for problem in error.value.problems]
    assert f"{tmp_path.name}/b.yml:2:5: OWN001 is taken by {tmp_path.name}/a.yml" in first
    assert "CV001 is taken by sfsync itself" in second


def test_a_folder_can_be_read_by_itself(tmp_path: Path) -> None:
    (tmp_path / "own.yml").write_text(RULE)
    assert [rule.id for rule in load_folder(tmp_path)] == ["OWN001"]


def test_a_folder_without_rules_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no rule in"):
        load_folder(tmp_path)


def test_a_rule_is_found_by_its_id_in_any_case() -> None:
    assert find_rule(load_rules(), "cv001").id == "CV001"
    with pytest.raises(UsageError) as error:
        find_rule(load_rules(), "CV0001")
    assert "CV001" in (error.value.hint or "")

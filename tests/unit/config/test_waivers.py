from __future__ import annotations

from datetime import date

from sfsync.config.settings import Settings, settings_from, settings_schema
from sfsync.config.waivers import Waiver, place_of_waiver, read_waivers
from sfsync.config.yaml_reader import parse_yaml

TEXT = """\
waivers:
  - {rule: FM005, field: Lead.Note__c, reason: "  stays \\n on the lead ", by: ana, expires: 2027-03-31}
  - {rule: FM005, reasn: typo, expires: 2027-13-31}
  - FM005
"""


def test_waivers_in_order_are_read_and_the_others_told_with_every_fault() -> None:
    document = parse_yaml(TEXT, "sfsync.yml")
    read = read_waivers(settings_from(document).waivers, document)
    assert read.sound == {
        0: Waiver(rule="FM005", field="Lead.Note__c", reason="stays on the lead", by="ana", expires=date(2027, 3, 31))
    }
    assert [str(problem) for problem in read.problems[1]] == [
        "sfsync.yml:3:19: unknown key `reasn` (did you mean `reason`?)",
        "sfsync.yml:3:41: `expires` should be a date like 2027-03-31 (the last day on which the waiver holds)",
    ]
    assert "should be a block" in str(read.problems[2][0])
    assert place_of_waiver(2, document) == "sfsync.yml:4:5"


def test_without_a_file_places_are_numbers() -> None:
    read = read_waivers(({"rule": "CV001"},), None)
    assert {problem.line for problem in read.problems[0]} == {None}
    assert place_of_waiver(0, None) == "waiver 1 of sfsync.yml"


def test_settings_made_in_python_take_waivers_too() -> None:
    settings = Settings(waivers=({"rule": "CV001", "reason": "agreed", "expires": date(2027, 1, 1)},))
    assert read_waivers(settings.waivers, None).sound[0].rule == "CV001"


def test_editors_are_told_what_a_waiver_holds() -> None:
    items = settings_schema()["properties"]["waivers"]["items"]
    assert set(items["properties"]) == {"rule", "record", "field", "reason", "by", "expires"}
    assert set(items["required"]) == {"rule", "reason", "expires"}


def test_a_baseline_is_found_in_the_project(tmp_path) -> None:
    document = parse_yaml("baseline: known.csv\n", "sfsync.yml")
    assert settings_from(document, root=tmp_path).baseline == str(tmp_path / "known.csv")
    assert settings_from(document).baseline == "known.csv"

"""Weather from a file: the same troubles, and every mistake told at its place."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from sfsync.errors import ConfigError
from sfsync.fake.weather import JobTrouble, LockedRows, Refused, Silence, Weather
from sfsync.fake.weather.file import parse_weather
from sfsync.fake.weather.forms import FORMS

GOOD = """\
seed: 7
weather:
  # the first poll of every job fails
  - trouble: unavailable
    path: /jobs/
    times: 2
  - trouble: silence
    method: post
    after_work: true
    seconds: 0.5
    probability: 0.05
  - {trouble: locked_rows, object: Lead, share: 0.1, times: always}
  - trouble: job_failed
    message: "InternalServerError : gone"
    after_rows: 400
  - trouble: refused
    status: 418
    body: '[{"message": "tea", "errorCode": "TEAPOT"}]'
    headers: {Retry-After: "3"}
"""


def test_a_file_becomes_rules(tmp_path):
    file = tmp_path / "storm.yml"
    file.write_text(GOOD)
    weather = Weather()
    rules = weather.load(file)
    assert weather.seed == 7
    assert list(weather) == rules
    assert [rule.times for rule in rules] == [2, None, None, 1, 1]
    assert rules[0].path == "/jobs/"
    assert (rules[1].trouble, rules[1].method, rules[1].probability) == (Silence(0.5, after_work=True), "POST", 0.05)
    assert (rules[2].trouble, rules[2].object_name) == (LockedRows(share=0.1), "Lead")
    assert rules[3].trouble == JobTrouble(error="InternalServerError : gone", after_rows=400)
    assert isinstance(rules[4].trouble, Refused)
    assert rules[4].trouble.headers == {"Retry-After": "3"}


@pytest.mark.parametrize("indent", [None, 2, "\t"])
def test_json_is_read_alike(indent):
    rules = [{"trouble": "delay", "seconds": 1.5}, {"trouble": "unavailable", "times": "always"}]
    as_list = parse_weather(json.dumps(rules, indent=indent).encode(), "w.json")
    as_object = parse_weather(json.dumps({"weather": rules}, indent=indent).encode(), "w.json")
    one = parse_weather(json.dumps(rules[0], indent=indent).encode(), "w.json")
    assert as_list.rules == as_object.rules
    assert one.rules == as_list.rules[:1]


@pytest.mark.parametrize("text", ["", "[]", "weather: []", "{}"])
def test_fair_weather_can_be_written_down_too(text):
    assert parse_weather(text.encode(), "w.yml").rules == ()


@pytest.mark.parametrize("name", FORMS)
def test_every_trouble_can_be_written_with_what_it_needs(name):
    details = dict.fromkeys(FORMS[name].required, 1)
    assert len(parse_weather(json.dumps([{"trouble": name, **details}]).encode(), "w.json").rules) == 1


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("- trouble: unavailible\n", ["w.yml:1:3: `unavailible` is not a trouble (did you mean `unavailable`?)"]),
        ("- path: /x\n", ["w.yml:1:3: the rule lacks its `trouble`"]),
        ("weather:\n  - trouble: delay\n", ["w.yml:2:5: `delay` needs `seconds`"]),
        (
            "weather:\n  - trouble: reset\n    time: 2\n    nth: 0\n",
            [
                "w.yml:3:5: `time` is not known here (did you mean `times`?)",
                "w.yml:4:5: `nth`: a whole number is wanted, 1 or more",
            ],
        ),
        ("- trouble: truncated\n  share: 1.5\n", ["w.yml:2:3: `share`: a share between 0 and 1 is wanted"]),
        ("- trouble: reset\n  path: '('\n", ["w.yml:2:3: `path`: not a regular expression"]),
        ("- trouble: reset\n  method: FETCH\n", ["w.yml:2:3: `method`: GET, POST"]),
        ("- trouble: reset\n  times: true\n", ["w.yml:2:3: `times`: a whole number from 1 on is wanted, or `always`"]),
        ("- trouble: reset\n  after_work: 'yes'\n", ["w.yml:2:3: `after_work`: true or false is wanted"]),
        ("sed: 1\nweather: []\n", ["w.yml:1:1: `sed` is not known here (did you mean `seed`?)"]),
        ("seed: x\n", ["w.yml:1:1: `seed`: a whole number is wanted"]),
        ("weather: storm\n", ["w.yml:1:1: a list of rules is wanted"]),
        ("storm\n", ["w.yml:1:1: a list of rules is wanted"]),
        ("- 7\n", ["w.yml:1:3: a rule with a `trouble` is wanted"]),
        ("- trouble: [reset\n", ["w.yml:2:1: not YAML"]),
        ("- trouble: reset\n  trouble: delay\n", ["w.yml:2:3: `trouble` is there twice"]),
        ("- &a {trouble: reset}\n- *a\n", ["w.yml:1:3: anchors and aliases are not read here"]),
        ("- !!python/object/apply:os.system ['true']\n", ["w.yml:1:3"]),
        ("- trouble: !secret reset\n", ["w.yml:1:3: tags are not read here"]),
        ('- trouble: refused\n  headers: {X: "a\\r\\nSet-Cookie: b"}\n', ["w.yml:2:3: `headers`"]),
        ('- trouble: "re\\0set"\n', ["w.yml:1:3: a character"]),
        ("[" * 3000 + "]" * 3000, ["w.yml:1:1: the file is nested too deeply"]),
        ("- trouble: reset\n\x01\n", ["w.yml:2:1: a character"]),
    ],
)
def test_mistakes_are_told_at_their_place(text, places):
    with pytest.raises(ConfigError) as caught:
        parse_weather(text.encode(), "w.yml")
    told = [str(problem) for problem in caught.value.problems]
    assert len(told) >= len(places)
    for problem, place in zip(told, places, strict=False):
        assert problem.startswith(place)


def test_a_file_that_is_not_there_or_not_text_is_told(tmp_path):
    with pytest.raises(ConfigError, match="there is no such file"):
        Weather().load(tmp_path / "none.yml")
    file = tmp_path / "latin.yml"
    file.write_bytes(b"- trouble: reset\n- path: \xff\n")
    with pytest.raises(ConfigError, match=r"latin\.yml:2:1: the file is not UTF-8"):
        Weather().load(file)
    file.write_bytes(b"#" * 300_000)
    with pytest.raises(ConfigError, match="larger than"):
        Weather().load(file)


def test_nothing_is_in_force_where_one_rule_is_wrong(tmp_path):
    file = tmp_path / "storm.yml"
    file.write_text("- trouble: reset\n- trouble: rest\n")
    weather = Weather()
    with pytest.raises(ConfigError):
        weather.load(file)
    assert len(weather) == 0


def page():
    return (Path(__file__).parents[3] / "docs" / "fake-org-weather.md").read_text("utf-8")


def test_the_file_in_the_documents_can_be_read():
    (example,) = re.findall(r"```yml\n(.*?)```", page(), re.DOTALL)
    assert len(parse_weather(example.encode(), "storm.yml").rules) == 5


def test_the_documents_name_every_trouble_with_all_that_it_can_be_told():
    rows = dict(re.findall(r"^\| `(\w+)` \| (`[A-Z].*?`) \|", page(), re.MULTILINE))
    assert rows.keys() == FORMS.keys()
    for name, form in FORMS.items():
        assert all(detail in rows[name] for detail in form.details), name

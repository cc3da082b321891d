"""The order of days: the data decides it, and says so, or it is asked for."""

from __future__ import annotations

import pytest

from sfsync.errors import MappingError
from sfsync.mapping.load import parse_mapping
from sfsync.records import FieldDescribe, ObjectDescribe
from sfsync.sync.source import settle_dates

DEAL = ObjectDescribe("Deal", "Deal", (FieldDescribe("CloseDate", "date"), FieldDescribe("Name", "string")))
MAPPING = "object: Deal\ndirection: push\nsource: x.csv\nfields:\n  Name: name\n  CloseDate: closed\n"


def settled(session, source, text=MAPPING):
    return settle_dates(session, source, parse_mapping(text, "m.yml"), {"Deal": DEAL})


@pytest.mark.parametrize(
    ("days", "order", "note"),
    [
        (
            ("1/2/2026", "31/1/2026"),
            "dmy",
            "dates of Closed: day, month, year (`31/1/2026` in row 2 can be nothing else)",
        ),
        (
            ("1.2.2026", "1.31.2026"),
            "mdy",
            "dates of Closed: month, day, year (`1.31.2026` in row 2 can be nothing else)",
        ),
    ],
)
def test_a_number_above_twelve_decides_and_says_so(session, load, days, order, note):
    mapping, notes = settled(session, load("name,Closed\n" + "".join(f"x,{day}\n" for day in days)))
    assert mapping.fields["CloseDate"].transform[0].date.format == order
    assert notes == (note,)
    assert mapping.file == "m.yml"


@pytest.mark.parametrize("days", ["2026-01-31\n", "", "31.1.26\n", "soon\n"])
def test_nothing_is_added_where_there_is_nothing_to_decide(session, load, days):
    mapping, notes = settled(session, load(f"name,closed\nx,{days}" if days else "name,closed\n"))
    assert (mapping.fields["CloseDate"].transform, notes) == ((), ())


@pytest.mark.parametrize(
    ("days", "message"),
    [
        (
            "x,1/2/2026\nx,3/4/2026\n",
            "m.yml:6:14: the days of `closed`, like `1/2/2026` in row 1, may be day, month, year or month, day, year",
        ),
        (
            "x,31/1/2026\nx,1/31/2026\n",
            "m.yml:6:14: the days of `closed` are not all in one order: `31/1/2026` and `1/31/2026`",
        ),
    ],
)
def test_days_that_do_not_decide_are_asked_about_at_the_field(session, load, days, message):
    with pytest.raises(MappingError) as caught:
        settled(session, load("name,closed\n" + days))
    assert (
        str(caught.value) == f"{message} (declare the order: `transform: {{date: dmy}}` or `transform: {{date: mdy}}`)"
    )


def test_what_is_declared_is_left_alone(session, load):
    text = MAPPING.replace("CloseDate: closed", "CloseDate: {local: closed, transform: {date: mdy}}")
    mapping, notes = settled(session, load("name,closed\nx,1/2/2026\n"), text)
    assert (mapping.fields["CloseDate"].transform[0].date.format, notes) == ("mdy", ())

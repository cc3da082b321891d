from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import altair as alt
import pytest

from sfsync.report.drawing import draw
from sfsync.report.figures import MOST_SOURCES, MonthBar, SourceBar, conversion_by_month, conversion_by_source

HOSTILE = [
    "<script>alert(1)</script>",
    "</svg><img src=x onerror=alert(1)>",
    '" onload="alert(1)',
    "]]><!-- ",
    "{{ 7 * 7 }}",
    "${datum.secret}",
    "&lt;b&gt; &amp;",
    "javascript:alert(1)",
    "url(https://evil.example/x)",
    "",
]


def source(label="Web", n=100, percent=10.0, interval=(5.0, 17.0), rankable=True):
    return SourceBar(label, n, percent, interval, rankable)


def months(*percents, mature=lambda place: True, start=1):
    return [
        MonthBar(f"2025-{start + place:02d}", 100, percent, (percent - 1, percent + 1), mature(place))
        for place, percent in enumerate(percents)
    ]


def texts(svg):
    return [element.text for element in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def paths(svg):
    return list(ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}path"))


def test_sources_stand_best_first_with_their_share_and_number():
    svg = conversion_by_source([source("Web", 1586, 12.3), source("Referral", 60, 23.3)], 12.7).svg
    shown = texts(svg)
    assert shown.index("Referral") < shown.index("Web")
    assert "12.3% of 1,586" in shown


def test_sources_too_small_to_compare_come_last_and_are_hollow():
    figure = conversion_by_source([source("Fair", 3, 100.0, (43.9, 100.0), rankable=False), source("Web")], None)
    labels = [text for text in texts(figure.svg) if text in {"Fair", "Web"}]
    assert labels == ["Web", "Fair"]
    points = [path for path in paths(figure.svg) if path.get("stroke") == "var(--accent)"]
    assert [point.get("fill") for point in points] == ["var(--accent)", "var(--card)"]
    assert "Hollow: fewer than 30 leads" in figure.note


def test_the_biggest_of_many_sources_are_drawn_and_the_rest_is_announced():
    figure = conversion_by_source([source(f"s{n}", 100 + n) for n in range(30)], 10.0)
    assert len([text for text in texts(figure.svg) if text.startswith("s")]) == MOST_SOURCES
    assert "s0" not in texts(figure.svg)
    assert "the table has all 30" in figure.note


def test_sources_that_read_the_same_stay_two():
    svg = conversion_by_source([source("Web", 50, 1.0), source("Web", 40, 2.0)], None).svg
    assert texts(svg).count("Web") == 2


def test_months_too_young_to_judge_are_hollow_and_dashed():
    figure = conversion_by_month(months(10, 12, 3, mature=lambda place: place < 2))
    bars = [path for path in paths(figure.svg) if path.get("fill")]
    assert [bar.get("fill") for bar in bars] == ["var(--bar)", "var(--bar)", "var(--card)"]
    assert [bar.get("stroke-dasharray") for bar in bars][2] == "4,3"
    assert "too young to judge" in figure.note
    assert len(list(ET.fromstring(figure.svg).iter("{http://www.w3.org/2000/svg}line"))) >= 2


def test_months_carry_their_name_and_the_year_where_it_begins():
    shown = texts(conversion_by_month([*months(1, 2, start=11), MonthBar("2026-01", 9, 3.0, (1.0, 9.0), True)]).svg)
    written = [text for text in shown if text and not text.endswith("%")]
    assert written == ["Nov", "Dec", "Jan", "n=100", "n=100", "n=9", "2025", "2026"]


def test_many_years_end_in_the_newest_months():
    bars = [
        MonthBar(f"{year}-{month:02d}", 50, 5.0, (1.0, 12.0), True)
        for year in range(2018, 2026)
        for month in range(1, 13)
    ]
    figure = conversion_by_month(bars)
    assert "2025" in texts(figure.svg)
    assert "2020" not in texts(figure.svg)
    assert "the table has all 96" in figure.note


def test_the_interval_of_a_tiny_month_does_not_dwarf_all_others():
    tiny = MonthBar("2025-01", 2, 0.0, (0.0, 65.8), True)
    figure = conversion_by_month([tiny, *months(10, 12, start=2)])
    assert "goes on beyond it" in figure.note
    assert "60%" not in texts(figure.svg)
    assert "goes on" not in conversion_by_month(months(10, 12)).note


def test_nothing_to_show_is_no_chart():
    assert conversion_by_source([], 10.0) is None
    assert conversion_by_month([]) is None


def test_rates_of_nought_can_be_drawn():
    assert conversion_by_source([source(percent=0.0, interval=(0.0, 0.4))], 0.0)
    assert conversion_by_month(months(0, 0))


@pytest.mark.parametrize("label", HOSTILE)
def test_a_hostile_label_is_text_and_nothing_else(label):
    svg = conversion_by_source([source(label), source("Web")], 10.0).svg
    root = ET.fromstring(svg)
    assert {element.tag.rpartition("}")[2] for element in root.iter()} <= {
        "svg",
        "g",
        "path",
        "text",
        "line",
        "rect",
        "title",
        "desc",
    }
    assert not [name for element in root.iter() for name in element.attrib if name.startswith("on") or "href" in name]
    assert not label.strip() or any(label[:8].strip() in (text or "") for text in texts(svg))


def test_a_chart_names_and_describes_itself_to_those_who_cannot_see_it():
    root = ET.fromstring(conversion_by_source([source("Web", 100, 12.3)], None).svg)
    title, desc = root[0], root[1]
    assert (root.get("role"), root.get("aria-labelledby")) == ("img", f"{title.get('id')} {desc.get('id')}")
    assert title.text == "Conversion by lead source"
    assert "Highest: Web, 12.3% of 100 leads" in desc.text


def test_charts_take_their_colours_from_the_page():
    svg = conversion_by_source([source()], 10.0).svg + conversion_by_month(months(1, 2)).svg
    assert not re.findall(r'(?:fill|stroke)="(?!var\(|none|transparent)[^"]*"', svg)


def test_two_charts_in_one_page_share_no_id():
    ids = re.findall(r' id="([^"]+)"', conversion_by_source([source()], 1.0).svg + conversion_by_month(months(1)).svg)
    assert len(ids) == len(set(ids)) == 4


def test_the_same_figures_give_the_same_drawing():
    assert conversion_by_source([source()], 10.0) == conversion_by_source([source()], 10.0)


def test_a_drawing_that_holds_more_than_shapes_and_text_is_refused():
    picture = alt.Chart({"values": [{"u": "https://evil.example/x.png"}]}).mark_image().encode(url="u:N")
    with pytest.raises(ValueError, match="must not hold"):
        draw(picture, dom_id="x", title="x", description="x")


def test_a_drawing_that_links_elsewhere_is_refused():
    link = alt.Chart({"values": [{"u": "https://evil.example"}]}).mark_point().encode(href="u:N")
    with pytest.raises(ValueError, match="must not hold"):
        draw(link, dom_id="x", title="x", description="x")

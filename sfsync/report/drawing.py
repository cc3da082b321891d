"""From an Altair chart to an SVG that may stand in a page as it is: small, named, nothing but shapes and text."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree as ET

import altair as alt
import vl_convert

SVG = "http://www.w3.org/2000/svg"
ET.register_namespace("", SVG)

#: All that a static chart is made of; anything else would mean that data had become markup.
_SHAPES = frozenset(f"{{{SVG}}}{tag}" for tag in ("svg", "g", "path", "text", "tspan", "line", "rect"))
_ATTRIBUTE = re.compile(r"(?!on)[a-z][A-Za-z0-9-]*")
_ADDRESS = re.compile(r"url\(|javascript:|data:|//", re.IGNORECASE)

#: Vega's own bookkeeping: longer than the drawing itself, and of use to its scripts alone.
_NOISE = frozenset({"class", "pointer-events", "role", "aria-roledescription", "aria-hidden", "version"})


def draw(chart: Any, *, dom_id: str, title: str, description: str) -> str:
    """The chart as an SVG element with an accessible name and description.

    Args:
        chart: An Altair chart.
        dom_id: Start of the ids in it; unique in the page.
        title: Its name, for those who cannot see it.
        description: What it shows, for those who cannot see it.
    """
    with alt.data_transformers.enable("default"):
        view = alt.ViewConfig(stroke=None)
        spec = chart.configure(aria=False, background="transparent", font="sans-serif", view=view).to_dict()
    # Our own drawing, made a moment ago on this machine, is no foreign XML.
    root = ET.fromstring(vl_convert.vegalite_to_svg(spec))  # noqa: S314
    _clean(root)
    root.attrib |= {"role": "img", "aria-labelledby": f"{dom_id}-title {dom_id}-desc", "focusable": "false"}
    for place, (tag, text) in enumerate((("title", title), ("desc", description))):
        element = ET.Element(f"{{{SVG}}}{tag}", {"id": f"{dom_id}-{tag}"})
        element.text = text
        root.insert(place, element)
    return ET.tostring(root, encoding="unicode")


def _clean(element: ET.Element) -> None:
    if element.tag not in _SHAPES:
        raise ValueError(f"a chart must not hold the element {element.tag}")
    for name, value in list(element.attrib.items()):
        if name in _NOISE:
            del element.attrib[name]
        elif not _ATTRIBUTE.fullmatch(name) or _ADDRESS.search(value):
            raise ValueError(f"a chart must not hold the attribute {name}={value!r}")
    for child in list(element):
        if child.get("display") == "none" or child.get("d") in {"", "M0,0h0v0h0Z"}:
            element.remove(child)
        else:
            _clean(child)

"""Records of a REST answer in another order, each of them byte for byte as it was."""

from __future__ import annotations

import re
from json import JSONDecoder
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from werkzeug.wrappers import Request, Response

_FROM = re.compile(r"\bFROM\s+(\w+)", re.ASCII | re.IGNORECASE)
_ORDERED = re.compile(r"\bORDER\s+BY\b", re.IGNORECASE)
_RECORDS = '"records":['


def object_of(request: Request, response: Response) -> str | None:
    """The object whose records an answer lists in no particular order, or None for any other answer."""
    if response.status_code != 200 or response.is_streamed:
        return None
    text = request.args.get("q", "")
    found = _FROM.findall(text)
    return found[-1] if found and not _ORDERED.search(text) else None


def shuffle(response: Response, random: Random) -> None:
    """Change the order of the records."""
    text = response.get_data(as_text=True)
    begin = text.find(_RECORDS)
    if begin < 0:
        return
    place = begin = begin + len(_RECORDS)
    decoder, records = JSONDecoder(), []
    while text[place] == "{":
        _, end = decoder.raw_decode(text, place)
        records.append(text[place:end])
        place = end + (text[end] == ",")
    random.shuffle(records)
    response.set_data(text[:begin] + ",".join(records) + text[begin:][place - begin :])

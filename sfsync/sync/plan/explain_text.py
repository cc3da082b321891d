"""An explanation for a terminal: plain lines, with nothing in them that a terminal would obey."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from sfsync.sync.plan.explain import next_step, nothing_to_do, where

#: Control, direction and invisible characters: shown as their code.
UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")
_VERBS = {"create": "to create", "update": "to update", "upsert": "to create or update", "delete": "TO DELETE"}


def explain_text(told: Mapping[str, Any]) -> str:
    """The explanation as text.

    Args:
        told: What `explain` gave.
    """
    return "\n".join(_lines(told)) + "\n"


def visible(value: Any) -> str:
    """A value on one line, every control character as its code."""
    return UNPRINTABLE.sub(lambda match: f"\\u{ord(match.group()):04x}", str(value))


def _lines(told: Mapping[str, Any]) -> Iterator[str]:
    org = told["org"]
    kind = org.get("kind", "unknown")
    known = "" if kind == "unknown" else f" ({kind.upper() if kind == 'production' else kind})"
    yield f"Plan {visible(told['plan'])} for org {visible(org.get('id') or 'unknown')}{known}"
    yield f"  {visible(org.get('instance_url') or '')}, mirror as of {visible(told['as_of'])}"
    for each in told["mappings"]:
        rows = f"{each['rows']:,} rows of {visible(each['source'])}"
        yield f"  {visible(each['file'])}: {rows} → {visible(each['object'])}"
        yield from (f"    {visible(note)}" for note in each["notes"])
    yield from (f"warning: {visible(text)}" for text in told["warnings"])
    if not told["steps"]:
        yield ""
        yield nothing_to_do(told)
        return
    yield ""
    yield from (f"  {_count(step)}" for step in told["steps"])
    for step in told["steps"]:
        yield from _step(step)
    if told["conflicts"]:
        yield ""
        yield f"Conflicts: {len(told['conflicts']):,}"
        yield from (f"  {visible(each)}" for each in told["conflicts"])
    forecast = told["forecast"]
    jobs = f" and {forecast.get('bulk_jobs'):,} Bulk jobs" if forecast.get("bulk_jobs") else ""
    yield ""
    yield f"Applying it costs about {forecast.get('calls', 0):,} API calls{jobs}."
    yield f"Fingerprint {told['fingerprint'][:16]}"
    yield f"Next: {visible(next_step(told))}"


def _count(step: Mapping[str, Any]) -> str:
    again = " (second pass: references)" if step["pass"] == 2 else ""
    refused = f", {step['refused']:,} refused" if step["refused"] else ""
    hard = " for good, past the recycle bin" if step["options"].get("hard") else ""
    return f"{visible(step['object'])}: {step['changes']:,} {_VERBS[step['action']]}{hard}{again}{refused}"


def _step(step: Mapping[str, Any]) -> Iterator[str]:
    yield ""
    yield _count(step)
    if step["options"].get("assignment_rules"):
        yield "  the org's assignment rules run: owners may change"
    for field in step["fields"]:
        emptied = f", emptied on {field['emptied']:,}" if field["emptied"] else ""
        hidden = " (values hidden: --show-values)" if field["hidden"] else ""
        yield f"  {visible(field['field'])} on {field['records']:,} records{emptied}{hidden}"
        for kind in field["kinds"]:
            yield f"    {_value(kind['before'])} → {_value(kind['after'])} on {kind['records']:,}"
    for sample in step["samples"]:
        yield "  " + _sample(step, sample)
    for reason in step["refusals"]:
        yield f"  REFUSED {reason['records']:,}: {visible(reason['text'])}{_in_brackets(where(reason))}"
    for note in step["notes"]:
        yield f"  note on {note['records']:,}: {visible(note['text'])}{_in_brackets(where(note))}"


def _sample(step: Mapping[str, Any], sample: Mapping[str, Any]) -> str:
    named = [visible(each) for each in (sample["id"], sample["key"]) if each is not None]
    row = "" if sample["source_row"] is None else f" (row {sample['source_row']})"
    values = []
    for name, change in sample["fields"].items():
        if step["action"] == "update":
            values.append(f"{visible(name)}: {_value(change['before'])} → {_value(change['after'])}")
        else:
            values.append(f"{visible(name)}={_value(change['before' if step['action'] == 'delete' else 'after'])}")
    told = f": {', '.join(values)}" if values else ""
    return f"e.g. {' '.join(named) or 'new'}{row}{told}"


def _in_brackets(text: str) -> str:
    return f" ({visible(text)})" if text else ""


def _value(value: Any) -> str:
    return "empty" if value is None else visible(value)

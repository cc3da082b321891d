"""A change as one line of JSON, made by the database; and the fingerprint of a plan, which covers all that they say."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from sfsync.store.interface import Session
from sfsync.store.names import literal, quote
from sfsync.sync.plan.stored import Plan, PlanStep
from sfsync.sync.plan.tables import FIXED, before, is_set
from sfsync.sync.plan.values import canonical

#: So many lines are in memory at a time.
CHUNK = 5000
#: Of so many numbers the database digests the changes at a time: a multiple of CHUNK.
_STRETCH = 200 * CHUNK


def line_sql(step: PlanStep) -> str:
    """SQL of a change of a step (alias `c`) as JSON, without a line break."""
    head = f'"step":{step.step},"object":{json.dumps(step.object)},"action":{json.dumps(step.action)}'
    fields = ", ".join(_field(step, each) for each in step.fields) or "NULL"
    parts = [
        "'{\"no\":' || c.change_no",
        literal(f",{head}"),
        *(_optional(name, f"c.{column}") for name, column in (("id", "record_id"), ("key", "key"))),
        "CASE WHEN c.source_row IS NOT NULL THEN ',\"source_row\":' || c.source_row ELSE '' END",
        _optional("stamp", canonical("c.org_stamp", "TIMESTAMP")),
        f"',\"fields\":{{' || concat_ws(',', {fields}) || '}}'",
        _optional("refused", "c.refused"),
        _optional("note", "c.note"),
        "'}'",
    ]
    return " || ".join(parts)


def _field(step: PlanStep, field: str) -> str:
    held, name = f"c.{before(field)}", literal(f"{json.dumps(field)}:{{")
    shown = f"{held} IS NOT NULL" if step.action == "delete" else f"c.{is_set(field)}"
    value = f"'\"before\":' || {_json(held)} || ',\"after\":' || {_json(f'c.{quote(field)}')}"
    return f"CASE WHEN {shown} THEN {name} || {value} || '}}' END"


def _optional(name: str, sql: str) -> str:
    return f"CASE WHEN {sql} IS NOT NULL THEN {literal(f',{json.dumps(name)}:')} || {_json(sql)} ELSE '' END"


def _json(sql: str) -> str:
    return f"coalesce(CAST(to_json({sql}) AS VARCHAR), 'null')"


def step_lines(session: Session, step: PlanStep) -> Iterator[list[str]]:
    """The changes of a step as lines, some at a time, in the order of their numbers."""
    last = 0
    while True:
        # The numbers are sorted, and only then are lines made of the few that are asked for.
        part = f"SELECT * FROM {step.table} WHERE change_no > ? ORDER BY change_no LIMIT {CHUNK}"
        rows = session.execute(
            f"SELECT c.change_no, {line_sql(step)} FROM ({part}) AS c ORDER BY c.change_no", [last]
        ).rows
        if not rows:
            return
        last = rows[-1][0]
        yield [line for _, line in rows]


def step_digest(session: Session, step: PlanStep) -> str:
    """A digest of every change of a step, made by the database, so many at a time that memory does not grow."""
    # Of each change its own digest first: those are short to sort, whatever the changes hold.
    content = f"SELECT c.change_no, md5({_content_sql(step)}) AS content FROM {step.table} AS c"
    digest = f"SELECT md5(string_agg(content, chr(10) ORDER BY change_no)), change_no // {CHUNK} AS part"
    first, last = session.execute(f"SELECT min(change_no), max(change_no) FROM {step.table}").rows[0]
    parts: list[str] = []
    for start in range(0 if first is None else first // _STRETCH * _STRETCH, (last or -1) + 1, _STRETCH):
        near = f"{content} WHERE c.change_no >= {start} AND c.change_no < {start + _STRETCH}"
        parts += (part for part, _ in session.execute(f"{digest} FROM ({near}) AS r GROUP BY 2 ORDER BY 2"))
    return digest_of(parts)


def _content_sql(step: PlanStep) -> str:
    """SQL of a text that is another as soon as anything differs that a change (alias `c`) says: as short as can be.

    It is a list in JSON, in which no value can pass for two, nor none for a text that says `null`.
    """
    values = [f"c.{quote(column)}" if kind == "VARCHAR" else _text(column, kind) for column, kind in FIXED.items()]
    flags = [f"CASE WHEN c.{is_set(field)} THEN 'y' ELSE 'n' END" for field in step.fields]
    values += [f"concat({', '.join(flags)})"] if flags else []
    values += [f"c.{quote(field)}" for field in step.fields]
    held = [f"c.{before(field)}" for field in step.fields]
    if step.action == "create":
        values += [f"concat({', '.join(held)})"] if held else []  # nothing was there before
    elif step.action == "delete":
        values += held
    else:
        values += [f"CASE WHEN c.{is_set(field)} THEN c.{before(field)} END" for field in step.fields]
    return f"CAST(to_json([{', '.join(values)}]) AS VARCHAR)"


def _text(column: str, kind: str) -> str:
    return canonical(f"c.{quote(column)}", kind) if kind == "TIMESTAMP" else f"CAST(c.{quote(column)} AS VARCHAR)"


def digest_of(parts: Iterable[str]) -> str:
    """One digest of several."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def fingerprint(plan: Plan, steps: Iterable[tuple[PlanStep, str]]) -> str:
    """What a plan would do, in one number.

    Args:
        plan: The plan, whatever fingerprint it has.
        steps: Each of its steps, with the digest of its changes.
    """
    content = {
        "plan": plan.id,
        "created_at": plan.created_at.isoformat(),
        "org": plan.org_id,
        "kind": plan.kind,
        "header": plan.header,
        "steps": [{**step_facts(step), "digest": digest} for step, digest in steps],
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def fingerprint_of(session: Session, plan: Plan) -> str:
    """The fingerprint that a stored plan has now; another than its own, if someone changed its tables."""
    return fingerprint(plan, [(step, step_digest(session, step)) for step in plan.steps])


def step_facts(step: PlanStep) -> dict[str, Any]:
    """A step as JSON has it."""
    facts = asdict(step)
    facts["pass"] = facts.pop("pass_")
    del facts["table_name"]
    return {**facts, "fields": list(step.fields)}

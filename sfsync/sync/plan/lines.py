"""A change as one line of JSON, made by the database; and the fingerprint of a plan, which is made of those lines."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from sfsync.store.interface import Session
from sfsync.store.names import literal, quote
from sfsync.sync.plan.stored import Plan, PlanStep
from sfsync.sync.plan.tables import before, is_set
from sfsync.sync.plan.values import canonical

#: So many lines are in memory at a time.
CHUNK = 5000


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
        rows = session.execute(
            f"SELECT c.change_no, {line_sql(step)} FROM {step.table} AS c WHERE c.change_no > ? "
            f"ORDER BY c.change_no LIMIT {CHUNK}",
            [last],
        ).rows
        if not rows:
            return
        last = rows[-1][0]
        yield [line for _, line in rows]


def step_digest(session: Session, step: PlanStep) -> str:
    """A digest of every change of a step, made by the database."""
    # Of each line its own digest first: those are short to sort, whatever the lines hold.
    lines = f"SELECT c.change_no, md5({line_sql(step)}) AS line FROM {step.table} AS c"
    numbered = (
        f"SELECT change_no, line, (row_number() OVER (ORDER BY change_no) - 1) // {CHUNK} AS part FROM ({lines}) AS l"
    )
    rows = session.execute(
        f"SELECT md5(string_agg(line, chr(10) ORDER BY change_no)) FROM ({numbered}) AS n GROUP BY part ORDER BY part"
    )
    return digest_of(digest for (digest,) in rows)


def chunk_digest(lines: Iterable[str]) -> str:
    """The digest of `CHUNK` lines (fewer at the end of a step), as the database makes it."""
    return _md5("\n".join(_md5(line) for line in lines))


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


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

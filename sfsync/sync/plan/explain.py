"""What a plan would do, for people and programs: counted, grouped, with examples, and sensitive values hidden.

`explain` asks the store once; `explain_text` and `explain_html` only lay out what it found.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from sfsync.store.columns import table_columns
from sfsync.store.interface import Session
from sfsync.store.names import literal, quote, table
from sfsync.sync.merge3.conflicts import count_conflicts
from sfsync.sync.plan.forecast import api_of, cost_of
from sfsync.sync.plan.stored import Plan, PlanStep
from sfsync.sync.plan.tables import REFERENCE, before, is_set

#: Of the JSON form; raised when it means something else than before.
VERSION = 1
HIDDEN = "•••"
#: How many kinds of change of one field, reasons, and single changes are shown.
MOST_KINDS, MOST_REASONS, MOST_SAMPLES = 8, 20, 5
_LONGEST = 200
_ADDRESS = re.compile("`[^`]*@")


def explain(session: Session, plan: Plan, *, show_values: bool = False) -> dict[str, Any]:
    """Everything worth saying of a stored plan, as JSON can hold it.

    Args:
        session: Any session of the store that holds the plan.
        plan: The plan.
        show_values: Whether sensitive values are shown.
    """
    mappings = plan.header.get("mappings", [])
    deletes_first = sorted(plan.steps, key=lambda step: (step.action != "delete", step.step))
    return {
        "sfsync_explain": VERSION,
        "plan": plan.id,
        "kind": plan.kind,
        "state": plan.state,
        "fingerprint": plan.fingerprint,
        "created_at": plan.created_at.isoformat() + "Z",
        "org": plan.header.get("org", {"id": plan.org_id}),
        "as_of": plan.header.get("as_of"),
        "mappings": mappings,
        "warnings": plan.header.get("warnings", []),
        "conflicts": plan.header.get("conflicts", []),
        "conflicts_waiting": count_conflicts(session, [str(each.get("source")) for each in mappings]),
        "forecast": plan.header.get("forecast", {}),
        "changes": plan.change_count,
        "refused": plan.refused_count,
        "values_shown": show_values,
        "steps": [_Told(session, plan, step, show_values=show_values).as_dict() for step in deletes_first],
    }


class _Told:
    """One step, told."""

    def __init__(self, session: Session, plan: Plan, step: PlanStep, *, show_values: bool) -> None:
        self.session = session
        self.step = step
        sensitive = plan.header.get("sensitive", {}).get(step.object, ())
        self.hidden = frozenset() if show_values else frozenset(sensitive)
        self.hides = not show_values
        keys = dict(plan.header.get("keys", {}))  # of an undo, which is made of no mapping
        keys |= {each.get("file"): each.get("key") for each in plan.header.get("mappings", ())}
        self.key_hidden = keys.get(step.mapping) in self.hidden

    def as_dict(self) -> dict[str, Any]:
        step = self.step
        return {
            "step": step.step,
            "object": step.object,
            "action": step.action,
            "pass": step.pass_,
            "mapping": step.mapping,
            "changes": step.sent_count,
            "refused": step.refused_count,
            "api": api_of(step.sent_count) if step.sent_count else None,
            "forecast": asdict(cost_of(step)),
            "options": dict(step.options),
            "fields": [self._field(name) for name in self._written_fields()],
            "samples": self._samples(),
            "refusals": self._texts("refused"),
            "notes": self._texts("note"),
        }

    def _written_fields(self) -> Iterable[str]:
        return () if self.step.action == "delete" else self.step.fields

    def _field(self, name: str) -> dict[str, Any]:
        """How many records one field changes on, and from what to what, the most frequent first."""
        sets = f"FROM {self.step.table} AS c WHERE c.refused IS NULL AND c.{is_set(name)}"
        count = int(self.session.execute(f"SELECT count(*) {sets}").scalar())
        told: dict[str, Any] = {"field": name, "records": count, "hidden": name in self.hidden, "kinds": []}
        cleared = self.session.execute(f"SELECT count(*) {sets} AND c.{quote(name)} IS NULL").scalar()
        told["emptied"] = int(cleared)
        if name in self.hidden or self.step.action != "update":
            return told
        kinds = self.session.execute(
            f"SELECT c.{before(name)}, c.{quote(name)}, count(*) AS n {sets} GROUP BY 1, 2 "
            f"ORDER BY n DESC, 1, 2 LIMIT {MOST_KINDS}"
        )
        told["kinds"] = [
            {"before": self._shown(name, old), "after": self._shown(name, new), "records": n} for old, new, n in kinds
        ]
        return told

    def _samples(self) -> list[dict[str, Any]]:
        """Some changes in full."""
        step = self.step
        columns = ["change_no", "source_row", "record_id", "key"]
        asked = [f"c.{quote(column)}" for column in columns]
        for name in step.fields:
            asked += [f"c.{quote(name)}", f"c.{before(name)}", f"c.{is_set(name)}"]
        rows = self.session.execute(
            f"SELECT {', '.join(asked)} FROM {step.table} AS c WHERE c.refused IS NULL ORDER BY c.change_no "
            f"LIMIT {MOST_SAMPLES}"
        )
        return [self._sample(row) for row in rows]

    def _sample(self, row: tuple[Any, ...]) -> dict[str, Any]:
        number, source_row, record_id, key = row[:4]
        fields = {}
        for at, name in enumerate(self.step.fields):
            new, old, is_written = row[4 + 3 * at : 7 + 3 * at]
            if is_written or (self.step.action == "delete" and old is not None):
                fields[name] = {"before": self._shown(name, old), "after": self._shown(name, new)}
        shown_key = None if key is None else HIDDEN if self.key_hidden else _cut(key)
        return {"no": number, "source_row": source_row, "id": record_id, "key": shown_key, "fields": fields}

    def _texts(self, column: str) -> list[dict[str, Any]]:
        """Reasons or notes, those that differ in their values alone together, with some of their rows."""
        text, kind = f"c.{column}", f"regexp_replace(c.{column}, '`[^`]*`', '`…`', 'g')"
        rows = self.session.execute(
            f"SELECT {kind} AS kind, count(*) AS n, min({text}) AS example, min(c.source_row) AS first_row, "
            f"max(c.source_row) AS last_row, min(c.record_id) AS record FROM {self.step.table} AS c "
            f"WHERE {text} IS NOT NULL GROUP BY 1 ORDER BY n DESC, 1 LIMIT {MOST_REASONS}"
        )
        return [
            {
                "text": _cut(kind if n > 1 or self._is_personal(example) else example, 600),
                "records": n,
                "example": None if self._is_personal(example) else _cut(example, 600),
                "rows": sorted({row for row in (first, last) if row is not None}),
                "id": record,
            }
            for kind, n, example, first, last, record in rows
        ]

    def _is_personal(self, text: str) -> bool:
        """Whether a reason may repeat a sensitive value: then it is told without any."""
        if not self.hides:
            return False
        return _ADDRESS.search(text) is not None or any(
            f"{name}:" in text or f"{name} `" in text for name in self.hidden
        )

    def _shown(self, name: str, value: str | None) -> str | None:
        if value is None:
            return None
        if name in self.hidden:
            return HIDDEN
        if name == "OwnerId":
            return self._owner(value)
        return _cut(value)

    def _owner(self, record_id: str) -> str:
        """An owner by name, where the mirror knows it."""
        if record_id.startswith(REFERENCE):
            return record_id
        for name, column in (("User", "Name"), ("Group", "Name"), ("Group", "DeveloperName")):
            if column not in table_columns(self.session, "sf_all", name):
                continue
            found = self.session.execute(
                f'SELECT {quote(column)} FROM {table("sf_all", name)} WHERE "Id" = {literal(record_id)}'
            ).scalar()
            if found is not None:
                return f"{_cut(found)} ({record_id})"
        return record_id


def _cut(text: str, longest: int = _LONGEST) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def next_step(told: Mapping[str, Any]) -> str:
    """What to do after reading the explanation."""
    if told["changes"]:
        return f"`sfsync apply {told['plan']}` writes these {told['changes']:,} changes, and nothing else"
    if told["refused"]:
        return "correct the refused rows in the source, then `sfsync plan` again"
    if told["conflicts_waiting"]:
        return "`sfsync plan --conflicts` lists what waits, `sfsync resolve` settles it"
    nothing = nothing_to_do(told).removesuffix(".")
    return nothing[0].lower() + nothing[1:]


def where(reason: Mapping[str, Any]) -> str:
    """Which rows and records a reason or a note is about, as far as it says.

    The rows of a two-way table have no numbers that anybody could look up: a single one is named by its record, too.
    """
    rows = reason["rows"]
    told = [str(reason["id"])] if reason["id"] and (reason["records"] == 1 or not rows) else []
    if rows:
        told.append(f"row {rows[0]}" if len(rows) == 1 else f"rows {rows[0]} … {rows[1]}")
    return ", ".join(told)


def nothing_to_do(told: Mapping[str, Any]) -> str:
    """What a plan without any step says of itself: edits that wait in a conflict are not in it, and not settled."""
    if told["conflicts_waiting"]:
        return f"Nothing to write: {told['conflicts_waiting']:,} conflicts wait for a decision."
    if told["kind"] == "undo":
        return "Nothing to undo: the org has what it had before."
    return "Nothing to do: the org has what the sources say."

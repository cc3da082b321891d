"""What the mirror's ledger tells the rules on the mirror itself: objects, runs, proofs and drift, as small tables."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sfsync.records import ObjectDescribe
from sfsync.store.columns import has_table
from sfsync.store.coverage import read_coverage
from sfsync.store.interface import Session
from sfsync.store.mirror import ObjectState, object_states
from sfsync.store.proofs import last_proofs
from sfsync.store.refreshes import calculated_fields, last_refreshes

Row = tuple[Any, ...]

#: Pulls looked back on to find what became of an object.
_PULLS = 200

#: How an object fared in a pull: read and stored; not, for a reason; or the pull ended before it came to it.
DONE, LEFT, STOPPED = "done", "left", "stopped"


@dataclass(frozen=True, slots=True)
class MirrorBook:
    """Rows of the relations on the mirror; each module of a relation names the columns.

    A mirror of an old version has no book of drifts.
    """

    objects: tuple[Row, ...] = ()
    coverage: tuple[Row, ...] = ()
    runs: tuple[Row, ...] = ()
    outcomes: tuple[Row, ...] = ()
    proofs: tuple[Row, ...] = ()
    drifts: tuple[Row, ...] | None = ()


#: Where no mirror is at hand.
EMPTY = MirrorBook()


def read_book(session: Session, describes: Mapping[str, ObjectDescribe]) -> MirrorBook:
    """The book of a mirror that was pulled at least once."""
    states = object_states(session)
    runs = session.execute(
        "SELECT id, verb, started_at, finished_at, state, summary FROM sfsync.runs ORDER BY started_at DESC, id DESC"
    ).rows
    pulls = [run for run in runs if run[1] == "pull"][:_PULLS]
    return MirrorBook(
        objects=tuple(_objects(session, states, describes)),
        coverage=tuple(_coverage(session, states)),
        runs=tuple(run[:5] for run in runs),
        outcomes=tuple(_outcomes(states, pulls)),
        proofs=tuple(_proofs(session, states)),
        drifts=_drifts(session) if has_table(session, "sfsync", "drifts") else None,
    )


def _objects(
    session: Session, states: Mapping[str, ObjectState], describes: Mapping[str, ObjectDescribe]
) -> Iterator[Row]:
    refreshes = last_refreshes(session)
    for name, state in sorted(states.items()):
        described = describes.get(name)
        calculated = calculated_fields(described) if described else ()
        yield (
            *(name, state.rows, state.known_from, state.upper_bound, state.run_id, str(state.selection) or None),
            *(len([each for each in calculated if each in state.fields]), refreshes.get(name)),
        )


def _coverage(session: Session, states: Mapping[str, ObjectState]) -> Iterator[Row]:
    for name, known in sorted(read_coverage(session).items()):
        if name in states:
            yield (name, known.covered, known.unproven_since, known.unproven_because)


def _outcomes(states: Mapping[str, ObjectState], pulls: Iterable[tuple[Any, ...]]) -> Iterator[Row]:
    """What the newest pull that was about an object made of it, and how many records the two newest found."""
    newest: dict[str, Row] = {}
    counts: dict[str, list[int]] = {}
    for run_id, _, started_at, finished_at, state, text in pulls:
        summary: dict[str, Any] = json.loads(text or "{}")
        stopped = state == "running" or (state == "failed" and not summary)
        for name in states if stopped else summary:
            if name not in states:
                continue
            outcome = _outcome(states[name], run_id, summary.get(name), stopped=stopped)
            if outcome is not None:
                newest.setdefault(name, (run_id, started_at, finished_at, *outcome))
            if isinstance(summary.get(name), int):
                counts.setdefault(name, []).append(summary[name])
    for name, found in sorted(newest.items()):
        now, before = [*counts.get(name, ()), None, None][:2]
        yield (name, *found, now, before)


def _outcome(state: ObjectState, run_id: str, said: object, *, stopped: bool) -> tuple[str, str | None] | None:
    if stopped:
        # What it had stored by then is stored for good; the rest it may never have been asked for.
        return None if state.run_id == run_id else (STOPPED, "the pull ended before it came to it")
    return (LEFT, said) if isinstance(said, str) else (DONE, None)


def _proofs(session: Session, states: Mapping[str, ObjectState]) -> Iterator[Row]:
    ended: dict[str, datetime | None] = dict(session.execute("SELECT id, finished_at FROM sfsync.runs").rows)
    for name, proof in sorted(last_proofs(session).items()):
        if name in states:
            kinds = proof.differences or {"equal": 0}
            for kind, count in sorted(kinds.items()):
                yield (
                    *(name, proof.run_id, ended.get(proof.run_id), proof.as_of, proof.records, proof.method),
                    *(kind, count, proof.repaired),
                )


def _drifts(session: Session) -> tuple[Row, ...]:
    return tuple(
        session.execute(
            "SELECT object, field, kind, detail, noticed_at, run_id FROM sfsync.drifts"
            " ORDER BY noticed_at, object, field"
        )
    )

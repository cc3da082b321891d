"""Plans as files: written a change a line, and taken back only as they were written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from pathlib import Path
from typing import IO, Any

from sfsync.errors import SfsyncError, UsageError
from sfsync.store.interface import Session
from sfsync.store.names import literal, quote
from sfsync.sync.plan import stored, tables
from sfsync.sync.plan.lines import CHUNK, fingerprint, fingerprint_of, step_digest, step_facts, step_lines
from sfsync.sync.plan.stored import Plan, PlanStep
from sfsync.sync.plan.tables import FIXED, before, is_set
from sfsync.whole_file import whole_file

#: Of the file; raised when it means something else than before.
VERSION = 1
_CHANGES = '"changes": ['
#: A header longer than this is none.
_LONGEST_HEAD = 50_000_000


def write_plan(session: Session, plan: Plan, path: Path) -> None:
    """Write a stored plan to a file that its owner alone can read: it holds the values it writes.

    Raises:
        SfsyncError: The file cannot be written; none is left behind.
    """
    with _written_whole(path) as file:
        head = {
            "sfsync_plan": VERSION,
            "id": plan.id,
            "created_at": plan.created_at.isoformat() + "Z",
            "org_id": plan.org_id,
            "kind": plan.kind,
            "fingerprint": plan.fingerprint,
            "header": plan.header,
            "steps": [{**step_facts(step), "digest": step_digest(session, step)} for step in plan.steps],
        }
        lines = [f"{json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}," for name, value in head.items()]
        file.write("{\n" + "\n".join(lines) + f"\n{_CHANGES}\n")
        seal, first = hashlib.sha256(), True
        for step in plan.steps:
            for chunk in step_lines(session, step):
                text = ("" if first else ",\n") + ",\n".join(chunk)
                seal.update(text.encode())
                file.write(text)
                first = False
        seal.update(b"" if first else b"\n")
        file.write(("" if first else "\n") + _end(seal.hexdigest()))


def _end(seal: str) -> str:
    """The last line: it seals those of the changes, so that an edited one is noticed before anything comes of it."""
    return f'], "seal": {json.dumps(seal)}}}\n'


def write_text(path: Path, text: str) -> None:
    """Write an explanation to a file that its owner alone can read."""
    with _written_whole(path) as file:
        file.write(text)


def read_plan(path: Path) -> Plan:
    """A plan from its file, when it is as sfsync wrote it; its changes stay in the file until `load_plan`.

    Raises:
        UsageError: It is no plan, of another version, or was changed since.
    """
    with _opened(path) as reader:
        plan = reader.checked()  # first: it says how many changes are to follow
        for _ in reader.chunks():
            pass
        return plan


def load_plan(session: Session, path: Path) -> Plan:
    """Take a plan from its file into the store, unless it is there already, and return it.

    Raises:
        UsageError: It is no plan, of another version, was changed since, or says something else than the store's plan
            of its Id; nothing is kept then.
    """
    plan = read_plan(path)
    tables.prepare(session)
    known = session.execute("SELECT fingerprint FROM sfsync.plans WHERE id = ?", [plan.id]).scalar()
    if known is not None:
        if plan.fingerprint != known:
            raise UsageError(f"{path} and the store hold different plans {plan.id}")
        return _same_as_stored(session, path, stored.read_stored_plan(session, plan.id))
    for step in plan.steps:
        tables.make_step_table(session, step.table_name, step.fields)
    with _opened(path) as reader:
        for step, lines in reader.chunks():
            _store_lines(session, step, lines)
    if fingerprint_of(session, plan) != plan.fingerprint:
        raise _not_as_written(path)
    stored.save_plan(session, plan)
    return plan


def _same_as_stored(session: Session, path: Path, plan: Plan) -> Plan:
    """The store's plan, when the changes of a file are its changes: what was reviewed is what is applied.

    The seal alone says only that nobody has edited the file by accident.

    Raises:
        UsageError: They are others.
    """
    if plan.state != "open":
        return plan  # it began, so it was looked at then; or it is over, and nothing comes of it
    with _opened(path) as reader:
        told = (line for _, lines in reader.chunks() for line in lines)
        kept = (line for step in plan.steps for lines in step_lines(session, step) for line in lines)
        if any(one != other for one, other in zip_longest(told, kept)):
            raise _not_as_written(path)
    return plan


@dataclass
class _Reader:
    """A plan file, read from its beginning to its end once.

    Attributes:
        path: Where it is.
        file: Read up to the changes.
        plan: What its head says.
        digests: Each step with the digest of its changes, which the plan's fingerprint covers.
    """

    path: Path
    file: IO[str]
    plan: Plan
    digests: Sequence[tuple[PlanStep, str]]

    def chunks(self) -> Iterator[tuple[PlanStep, list[str]]]:
        """The changes as lines, some of one step at a time."""
        seal = hashlib.sha256()
        for step in self.plan.steps:
            left = step.row_count
            while left:
                lines = [self._line() for _ in range(min(CHUNK, left))]
                left -= len(lines)
                seal.update("".join(lines).encode())
                yield step, [line.rstrip("\n").removesuffix(",") for line in lines]
        if self.file.readline() != _end(seal.hexdigest()) or self.file.read(1):
            raise _not_as_written(self.path)

    def checked(self) -> Plan:
        """The plan, when its fingerprint is that of what its head says."""
        plan = self.plan
        if fingerprint(plan, self.digests) != plan.fingerprint:
            raise _not_as_written(self.path)
        return plan

    def _line(self) -> str:
        line = self.file.readline()
        if not line.startswith("{"):
            raise _not_as_written(self.path)
        return line


@contextmanager
def _opened(path: Path) -> Iterator[_Reader]:
    try:
        with path.open(encoding="utf-8", newline="\n") as file:
            plan, digests = _head(path, file)
            yield _Reader(path, file, plan, digests)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"the plan {path} cannot be read: {reason}", hint="`sfsync plan -o FILE` writes one") from None


def _head(path: Path, file: IO[str]) -> tuple[Plan, list[tuple[PlanStep, str]]]:
    """Everything before the changes: the plan, and each of its steps with the digest of its changes."""
    text, line = "", file.readline(_LONGEST_HEAD)
    while line.strip() != _CHANGES:
        if not line or len(text) > _LONGEST_HEAD:
            raise UsageError(f"{path} is no plan of sfsync", hint="`sfsync plan -o FILE` writes one")
        text += line
        line = file.readline(_LONGEST_HEAD)
    try:
        found: Any = json.loads(text.rstrip().removesuffix(",") + "}")
        version = found["sfsync_plan"]
    except (ValueError, TypeError, KeyError):
        raise _not_as_written(path) from None
    if version != VERSION:
        raise UsageError(f"{path} is a plan of version {version}, and this sfsync reads {VERSION}")
    try:
        digests = [str(facts.pop("digest")) for facts in found["steps"]]
        plan = _plan(found)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise _not_as_written(path) from None
    return plan, list(zip(plan.steps, digests, strict=True))


def _plan(found: Mapping[str, Any]) -> Plan:
    steps = []
    for facts in found["steps"]:
        rest = dict(facts)
        rest |= {"pass_": rest.pop("pass"), "fields": tuple(rest["fields"])}
        steps.append(PlanStep(**rest, table_name=tables.step_table_name(found["id"], rest["step"])))
    return Plan(
        id=str(found["id"]),
        created_at=datetime.fromisoformat(found["created_at"]).replace(tzinfo=None),
        org_id=found["org_id"],
        kind=found["kind"],
        state="open",
        fingerprint=found["fingerprint"],
        header=found["header"],
        steps=tuple(steps),
    )


def _store_lines(session: Session, step: PlanStep, lines: list[str]) -> None:
    """Put changes back into the table of their step."""
    read = {"change_no": "no", "record_id": "id", "org_stamp": "stamp"}
    # One look at a line gives all that the step may have: a field that a change does not write is none at all.
    written = {field: {"before": "VARCHAR", "after": "VARCHAR"} for field in step.fields}
    shape = {read.get(column, column): "VARCHAR" for column in FIXED} | ({"fields": written} if written else {})
    names, values = [quote(column) for column in FIXED], []
    for column, kind in FIXED.items():
        text = f"change.{quote(read.get(column, column))}"
        if column == "org_stamp":
            text = f"replace({text}, 'Z', '')"
        values.append(text if kind == "VARCHAR" else f"CAST({text} AS {kind})")
    for field in step.fields:
        names += [quote(field), before(field), is_set(field)]
        found = f"change.fields.{quote(field)}"
        values += [f"{found}.after", f"{found}.before"]
        values.append("FALSE" if step.action == "delete" else f"{found} IS NOT NULL")
    session.execute(
        f"INSERT INTO {step.table} ({', '.join(names)}) SELECT {', '.join(values)} FROM "
        f"(SELECT from_json(line, {literal(json.dumps(shape))}) AS change FROM (SELECT unnest(?::VARCHAR[]) AS line))",
        [lines],
    )


def _not_as_written(path: Path) -> UsageError:
    return UsageError(
        f"{path} is not as sfsync wrote it",
        hint="a plan is applied as it was made or not at all: change the source or the mapping, and plan again",
    )


@contextmanager
def _written_whole(path: Path) -> Iterator[IO[str]]:
    """A file that appears under its name only when it is complete."""
    try:
        with whole_file(path) as file:
            yield file
    except OSError as error:
        raise SfsyncError(
            f"{path} cannot be written: {error.strerror}", hint="check the folder and free space"
        ) from error

"""Ids of records that a plan makes and that nobody has made yet: to be told from real ones at a glance.

`00QPLAN00000007IDA` has the prefix of its object, 18 characters and a right checksum, so whatever judges the form of
Ids finds it in order; in the place of `PLAN`, real Ids have the number of an instance and a reserved zero.
"""

from __future__ import annotations

from collections.abc import Mapping as AnyMapping
from collections.abc import Sequence
from dataclasses import dataclass

from sfsync.errors import UsageError
from sfsync.record_ids import checksum
from sfsync.records import ObjectDescribe
from sfsync.store.interface import Session
from sfsync.store.names import literal
from sfsync.sync.plan.stored import PlanStep
from sfsync.sync.plan.tables import REFERENCE

MARK = "PLAN"
#: A regular expression that fits no other Ids.
PATTERN = f"[0-9A-Za-z]{{3}}{MARK}[0-9]{{8}}[0-9A-Z]{{3}}"
#: Of an object whose prefix nobody knows.
_NO_PREFIX = "000"
_DIGITS = 8


@dataclass(frozen=True, slots=True)
class Maker:
    """A step that makes records.

    Attributes:
        step: The step.
        first: The lowest number among its changes.
        last: The highest.
        prefix: Where the Ids of its object begin.
    """

    step: PlanStep
    first: int
    last: int
    prefix: str


@dataclass(frozen=True, slots=True)
class Placeholders:
    """The Ids of all records that a plan makes.

    Attributes:
        makers: Its steps that make records; the numbers of their changes do not overlap.
    """

    makers: tuple[Maker, ...]

    @classmethod
    def of(
        cls, session: Session, steps: Sequence[PlanStep], describes: AnyMapping[str, ObjectDescribe]
    ) -> Placeholders:
        """Find the steps that make records.

        Raises:
            UsageError: There are more changes than Ids.
        """
        makers = []
        for step in steps:
            if step.action not in {"create", "upsert"}:
                continue
            found = session.execute(f"SELECT min(change_no), max(change_no) FROM {step.table} WHERE record_id IS NULL")
            first, last = found.rows[0]
            if first is None:
                continue
            if last >= 10**_DIGITS:
                raise UsageError(
                    f"a plan of {last:,} changes cannot be judged before it is applied", hint="split its source"
                )
            makers.append(Maker(step, first, last, describes[step.object].key_prefix or _NO_PREFIX))
        return cls(tuple(makers))

    def of_step(self, step: PlanStep) -> str:
        """SQL of the Ids of the records that a step makes, over its table under the alias `s`."""
        return _id(next(each for each in self.makers if each.step == step), "s.change_no")

    def resolved(self, sql: str) -> str:
        """SQL of an Id in which references to changes are replaced; everything else stays as it is."""
        number = f"TRY_CAST(substr({sql}, {len(REFERENCE) + 1}) AS BIGINT)"
        cases = " ".join(
            f"WHEN {number} BETWEEN {each.first} AND {each.last} THEN {_id(each, number)}" for each in self.makers
        )
        replaced = f"CASE {cases} END" if cases else "CAST(NULL AS VARCHAR)"
        return f"CASE WHEN starts_with({sql}, {literal(REFERENCE)}) THEN {replaced} ELSE {sql} END"


def _id(maker: Maker, number: str) -> str:
    beginning = maker.prefix + MARK
    ending = checksum(beginning + "0" * _DIGITS)
    return f"{literal(beginning)} || lpad(CAST({number} AS VARCHAR), {_DIGITS}, '0') || {literal(ending)}"

"""Puts pipelines side by side into nested SELECTs, a stage a level: each stage names its input once it has a name."""

from __future__ import annotations

from dataclasses import dataclass, field

from sfsync.mapping.push_pipeline import Pipeline
from sfsync.mapping.transforms.stage import Compute, Stage
from sfsync.store.interface import Session
from sfsync.store.names import quote

_SOURCE = quote("source")
#: How many values travel to Python and back at a time.
_BATCH = 50_000


@dataclass
class _Layer:
    """One level: the columns it adds, and what it joins."""

    columns: list[str] = field(default_factory=list)
    joins: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Computed:
    """A temporary table that Python fills from the distinct values of a column of the levels before `level`."""

    table: str
    level: int
    column: str
    compute: Compute


@dataclass
class Layers:
    """The levels of all pipelines of one mapping, from the source table outwards."""

    _levels: list[_Layer] = field(default_factory=list)
    _computed: list[_Computed] = field(default_factory=list)
    _count: int = 0

    def add(self, pipeline: Pipeline) -> tuple[str, str]:
        """Take in a pipeline; SQL of its value and of its problem over the alias `source`."""
        self._count += 1
        stem = f"~{self._count} {pipeline.name}"
        value = self._column(0, stem, pipeline.first)
        problems: list[str] = []
        for level, stage in enumerate(pipeline.stages, start=1):
            relation = self._relation(level, stage, value)
            made = self._column(level, f"{stem} {level}", stage.value(value, relation))
            if stage.problem is not None:
                # One level further out the value is a column; a relation is there on its own level only.
                problem = stage.problem(value, relation, made)
                problems.append(self._column(level if relation else level + 1, f"{stem} !{level}", problem))
            value = made
        told = ", ".join(problems)
        problem = "CAST(NULL AS VARCHAR)" if not problems else f"coalesce({told})" if len(problems) > 1 else told
        return value, problem

    def _column(self, level: int, name: str, sql: str) -> str:
        self._level(level).columns.append(f"{sql} AS {quote(name)}")
        return f"{_SOURCE}.{quote(name)}"

    def _level(self, level: int) -> _Layer:
        while len(self._levels) <= level:
            self._levels.append(_Layer())
        return self._levels[level]

    def _relation(self, level: int, stage: Stage, value: str) -> str:
        """Join what the stage looks its input up in; the alias, or nothing."""
        relation = stage.relation
        if stage.compute is not None:
            name = f"sfsync_computed_{id(self):x}_{len(self._computed)}"
            self._computed.append(_Computed(name, level, value, stage.compute))
            relation = quote(name)
        if relation is None:
            return ""
        layer = self._level(level)
        alias = quote(f"r{len(layer.joins)}")
        layer.joins.append(f" LEFT JOIN {relation} AS {alias} ON {alias}.input = {value}")
        return alias

    def from_sql(self, source_table: str) -> str:
        """The source with everything added, under the alias `source`."""
        return self._up_to(len(self._levels), source_table)

    def _up_to(self, count: int, source_table: str) -> str:
        inner = f"{source_table} AS {_SOURCE}"
        for layer in self._levels[:count]:
            added = "".join(f", {column}" for column in layer.columns)
            inner = f"(SELECT {_SOURCE}.*{added} FROM {inner}{''.join(layer.joins)}) AS {_SOURCE}"
        return inner

    def prepare(self, session: Session, source_table: str) -> None:
        """Fill the temporary tables, the inner ones first: an outer one may depend on them."""
        for each in sorted(self._computed, key=lambda computed: computed.level):
            name = quote(each.table)
            session.execute(f"DROP TABLE IF EXISTS {name}")
            session.execute(f"CREATE TEMPORARY TABLE {name} (input VARCHAR, output VARCHAR, problem VARCHAR)")
            inputs = [
                text
                for (text,) in session.execute(
                    f"SELECT DISTINCT {each.column} FROM {self._up_to(each.level, source_table)} "
                    f"WHERE {each.column} IS NOT NULL"
                )
            ]
            for start in range(0, len(inputs), _BATCH):
                _insert(session, name, inputs[start : start + _BATCH], each.compute)


def _insert(session: Session, name: str, inputs: list[str], compute: Compute) -> None:
    answers = compute(inputs)
    session.execute(
        f"INSERT INTO {name} SELECT unnest(?::VARCHAR[]), unnest(?::VARCHAR[]), unnest(?::VARCHAR[])",
        [inputs, [output for output, _ in answers], [problem for _, problem in answers]],
    )

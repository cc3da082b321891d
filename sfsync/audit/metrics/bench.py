"""Where metrics are computed: one session, what it was asked, and the tables that several metrics share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from sqlglot import exp, parse_one

from sfsync.audit.context import AuditContext
from sfsync.audit.relations.build import BuiltRelations
from sfsync.audit.relations.relation import Relation
from sfsync.audit.spell import literal
from sfsync.audit.sql import built_name, relation_text
from sfsync.store.interface import Params, Rows, Session

Named = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """One statement with what was bound to its names."""

    sql: str
    params: Named = field(default_factory=dict)


class Bench:
    """A session that remembers its questions, and makes each shared table once.

    A shared table is temporary, so a session that can only read may make one, too. Use it as a context manager: the
    tables are dropped at its end.

    Args:
        session: Any session.
        relations: Those of an audit under way, which are left to it; others are made where metrics need them.
    """

    def __init__(self, session: Session, relations: BuiltRelations | None = None) -> None:
        self.session = session
        self.asked: list[Asked] = []
        self._shared: dict[str, Asked] = {}
        self._relations = relations
        self._lent = relations is not None
        self._chains: dict[str, tuple[Relation, Sequence[Relation], AuditContext]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for name in self._shared:
            self.session.execute(f"DROP TABLE IF EXISTS {name}")
        self._shared.clear()
        if self._relations is not None and not self._lent:
            self._relations.drop()

    def execute(self, sql: str, params: Named | None = None) -> Rows:
        """Ask, and remember what was asked."""
        bound: Params = dict(params or {})
        self.asked.append(Asked(sql, dict(params or {})))
        return self.session.execute(sql, bound)

    def one(self, sql: str, params: Named | None = None) -> dict[str, Any]:
        """The first row of an answer, by column."""
        return self.execute(sql, params).dicts()[0]

    def share(self, name: str, select: str, params: Named | None = None) -> str:
        """The temporary table of this name, made of `select` unless it is there; returns the name."""
        if name not in self._shared:
            self.session.execute(f"DROP TABLE IF EXISTS {name}")
            self.session.execute(f"CREATE TEMP TABLE {name} AS {select}", dict(params or {}))
            self._shared[name] = Asked(select, dict(params or {}))
        return name

    def relation(self, chain: Sequence[Relation], audit: AuditContext) -> str:
        """The table of the last of these relations, made unless it is there.

        Args:
            chain: Each relation after those it reads.
            audit: What they are told of the mirror.
        """
        if self._relations is None:
            self._relations = BuiltRelations(self.session, audit)
        self._relations.build(chain)
        self._chains |= {built_name(each.name): (each, chain, audit) for each in chain if each.rows is None}
        wanted = chain[-1]
        if wanted.name in self._relations.names:
            return built_name(wanted.name)
        return self.share(f"metric_{wanted.name}", relation_text(wanted, chain, audit))

    def made(self, name: str) -> str | None:
        """The table of a relation that the audit under way has made; None where it has not."""
        there = self._relations is not None and name in self._relations.names
        return built_name(name) if there else None

    def statements(self) -> tuple[str, ...]:
        """All that was asked, each once, as SQL that stands alone."""
        seen: dict[str, None] = {}
        for asked in self.asked:
            seen.setdefault(self._standing_alone(asked))
        return tuple(seen)

    def _standing_alone(self, asked: Asked) -> str:
        """The statement with its values put in, and what it reads of shared tables in front."""
        tree = _bound(asked)
        parts: dict[str, exp.Expr] = {}
        self._collect(tree, parts)
        for position, (name, part) in enumerate(parts.items()):
            _put_in_front(tree, name, part, position)
        return tree.sql(dialect="duckdb", pretty=True)

    def _collect(self, tree: exp.Expr, parts: dict[str, exp.Expr]) -> None:
        """The shared tables a statement reads, each after those it reads itself."""
        for source in tree.find_all(exp.Table):
            made = None if source.db or source.name in parts else self._made(source.name)
            if made is not None:
                part = _bound(made)
                self._collect(part, parts)
                parts[source.name] = part

    def _made(self, name: str) -> Asked | None:
        """What a shared table was made of; None for tables of the mirror."""
        if name in self._chains:
            return Asked(relation_text(*self._chains[name]))
        return self._shared.get(name)


def _bound(asked: Asked) -> exp.Query:
    tree = parse_one(asked.sql, dialect="duckdb")
    assert isinstance(tree, exp.Query)  # noqa: S101 - metrics only look
    for place in list(tree.find_all(exp.Placeholder)):
        if place.name in asked.params:
            place.replace(literal(asked.params[place.name]))
    return tree


def _put_in_front(tree: exp.Query, name: str, part: exp.Expr, position: int) -> None:
    """A CTE before those the statement has of its own, which may read it."""
    cte = exp.CTE(this=part, alias=exp.TableAlias(this=exp.to_identifier(name)))
    own = tree.args.get("with_") or tree.args.get("with")
    if own is None:
        tree.with_(name, as_=part, copy=False)
    else:
        own.set("expressions", [*own.expressions[:position], cte, *own.expressions[position:]])

"""The relations that rules share, read by metrics: one definition of a conversion, a touch, a criterion that is met."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sfsync.audit.context import AuditContext
from sfsync.audit.metrics.bench import Bench
from sfsync.audit.metrics.context import MetricContext
from sfsync.audit.relations.load import load_relations, read_relations
from sfsync.audit.relations.relation import Relation


@dataclass(frozen=True, slots=True)
class Blind:
    """Why a relation cannot be read, and what would change that."""

    reason: str
    enable: str


def read_relation(bench: Bench, context: MetricContext, name: str) -> str | Blind:
    """The table of a relation, made unless it is there; or why there is none."""
    audit = context.audit
    if audit is None:
        return Blind("the mirror was not looked at as audits do", "run `sfsync metric` in a project with a mirror")
    chain = read_relations([f"SELECT * FROM {name}"], load_relations())
    unmet = next(_unmet(chain, audit), None)
    return unmet or bench.relation(chain, audit)


def _unmet(chain: Sequence[Relation], audit: AuditContext) -> Iterator[Blind]:
    for relation in chain:
        for object_name, fields in relation.needs.items():
            if audit.object(object_name) is None:
                enable = (
                    f"let the user who pulls read {object_name}, name it under `pull: {{objects: [...]}}` in "
                    "sfsync.yml, then run `sfsync pull`"
                )
                yield Blind(f"the mirror holds no {object_name}", enable)
                continue
            absent = [f"{object_name}.{field}" for field in fields if audit.column(object_name, field) is None]
            odd = [
                f"{object_name}.{field}"
                for field, kind in fields.items()
                if audit.column(object_name, field) is not None and audit.kind(object_name, field) != kind
            ]
            if absent or odd:
                names = ", ".join((*absent, *odd))
                enable = (
                    f"give the user who pulls read access to {names} (field-level security), then run `sfsync pull`"
                )
                yield Blind(f"{names}: not in the org, not readable, or of another type", enable)
        told = relation.unmet(audit) if relation.unmet else None
        if told is not None:
            yield Blind(*told)

"""Which fields the rules need, and whether the mirror has them: an invisible field makes a rule fall silent."""

from __future__ import annotations

from collections.abc import Iterator

from sfsync.audit.context import AuditContext
from sfsync.audit.relations.relation import Relation, Row

#: So many rules are named; more are counted.
_NAMED = 5


def _rows(context: AuditContext) -> Iterator[Row]:
    from sfsync.audit.load import load_rules  # noqa: PLC0415 - rules are loaded after the relations they read

    users: dict[tuple[str, str], list[str]] = {}
    for rule in load_rules():
        for name, fields in rule.every_need.items():
            for field in fields:
                users.setdefault((context.object(name) or name, field), []).append(rule.id)
    for (name, field), rules in sorted(users.items()):
        if context.object(name) is not None:
            more = f" and {len(rules) - _NAMED} more" if len(rules) > _NAMED else ""
            yield name, field, ", ".join(sorted(rules)[:_NAMED]) + more, context.column(name, field) is not None


RELATION = Relation(
    name="rule_fields",
    about="One row a field of a mirrored object that rules of sfsync need, the rules, and whether the mirror has it.",
    columns={"object": "text", "field": "text", "rules": "text", "is_mirrored": "boolean"},
    rows=_rows,
)

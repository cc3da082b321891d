"""Tries a rule on its own examples: small mirrors in a real store, judged by the same code as a real one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sfsync.audit.context import context_of
from sfsync.audit.definitions import check_definitions
from sfsync.audit.example_mirror import change_ledger
from sfsync.audit.example_records import field_described, fields_of, stored
from sfsync.audit.find import Finder
from sfsync.audit.judge import Place, judge
from sfsync.audit.ledger import prepare_audits
from sfsync.audit.overrides import ResolvedRule, default_values
from sfsync.audit.result import RuleResult
from sfsync.audit.rule import Example, ExpectedFinding, FieldType, Rule
from sfsync.config.settings import Settings
from sfsync.errors import SfsyncError
from sfsync.records import ObjectDescribe, RuleState
from sfsync.store import open_store
from sfsync.store.history import shape_history
from sfsync.store.interface import Session, Store
from sfsync.store.ledger import save_cursor, save_describe
from sfsync.store.mirror import find_drifts, mirror_columns, prepare_mirror, read_state, shape_table
from sfsync.store.names import quote, table

_AUDIT = "example"


@dataclass(frozen=True, slots=True)
class TriedExample:
    """An example after the trial; no differences means that the rule does what it says."""

    rule_id: str
    example: str
    differences: tuple[str, ...]


class _Undo(Exception):
    """Not an error: the example is over, and its mirror goes."""


def try_rules(rules: Iterable[Rule]) -> list[TriedExample]:
    """Try every example of every rule, in a database that is thrown away."""
    with TemporaryDirectory(prefix="sfsync-rules-") as folder:
        store = open_store(Path(folder) / "examples.duckdb")
        return [
            TriedExample(rule.id, example.name, tuple(try_example(store, rule, example)))
            for rule in rules
            for example in rule.examples
        ]


def try_example(store: Store, rule: Rule, example: Example) -> list[str]:
    """What the rule says otherwise than its example; empty when they agree.

    Args:
        store: Where the example's mirror is made and, whatever happens, undone; it must hold no other mirror.
        rule: The rule.
        example: One of its examples.
    """
    differences: list[str] = []
    with suppress(_Undo), store.writing() as session:
        try:
            differences += _differences(session, store.dialect, rule, example)
        except SfsyncError as error:
            differences.append(error.message)
        raise _Undo
    return differences


def _differences(session: Session, dialect: str, rule: Rule, example: Example) -> list[str]:
    make_mirror(session, rule, example)
    settings = Settings(
        timezone=example.timezone,
        fiscal_year_start_month=example.fiscal_year_start_month,
        definitions=example.definitions,
    )
    context = context_of(session, read_state(session), settings, dialect)
    check_definitions(session, context)
    prepare_audits(session)
    resolved = ResolvedRule(rule, default_values(rule, example.params))
    result = judge(Finder(session, context).find(resolved), Place(session, _AUDIT, 0, context))
    if result.broken:
        return [result.reason or ""]
    if example.not_evaluable is not None:
        return _unevaluable_differences(result, example.not_evaluable)
    if result.state is RuleState.NOT_EVALUABLE:
        return [f"not evaluable: {result.reason}"]
    found = session.execute(
        "SELECT record_id, severity, discriminator, breakdown, message FROM sfsync.findings WHERE audit_id = ?",
        [_AUDIT],
    ).dicts()
    differences = list(_finding_differences(found, example.finds or ()))
    if example.eligible is not None and result.eligible != example.eligible:
        differences.append(f"{result.eligible} eligible, not {example.eligible}")
    if result.count > (result.eligible or 0):
        differences.append(f"more findings ({result.count}) than things judged ({result.eligible})")
    return differences


def _unevaluable_differences(result: RuleResult, words: str) -> list[str]:
    if result.state is not RuleState.NOT_EVALUABLE:
        return [f"{result.state.value} with {result.count} findings, not `not_evaluable`"]
    if words.casefold() not in (result.reason or "").casefold():
        return [f"the reason does not say {words!r}: {result.reason}"]
    return []


def _finding_differences(found: list[dict[str, Any]], expected: Iterable[ExpectedFinding]) -> Iterator[str]:
    left = list(found)
    for finding in expected:
        wanted = finding.model_dump(mode="json", exclude_none=True, exclude={"id"}) | {"record_id": finding.id}
        match = next((row for row in left if wanted.items() <= row.items()), None)
        if match is None:
            near = [row for row in left if row["record_id"] == finding.id]
            yield f"does not find {wanted}" + (f", but {near[0]}" if near else "")
        else:
            left.remove(match)
    counted = Counter(row["record_id"] for row in left)
    for record_id, count in counted.items():
        messages = "; ".join(row["message"] for row in left if row["record_id"] == record_id)
        yield f"also finds {record_id}{f' {count} times' if count > 1 else ''}: {messages}"


def make_mirror(session: Session, rule: Rule, example: Example) -> None:
    """The mirror of an example, with everything the rule may read."""
    prepare_mirror(session)
    as_of = example.as_of.astimezone(UTC).replace(tzinfo=None)
    names = dict.fromkeys((*rule.fields, *example.given, *example.describe))
    kept = {name: _kinds(rule, example, name) for name in names if name not in example.without}
    describes = {name: _described(example, name, kinds) for name, kinds in kept.items()}
    drifts = find_drifts(session, describes)
    for name, kinds in kept.items():
        described = describes[name]
        shape_table(session, described, drifts[name])
        for record in example.given.get(name, ()):
            _insert(session, name, {f: stored(value, kinds[f]) for f, value in record.items() if f in kinds})
        if name in example.history:
            _keep_history(session, name, kinds, example.history[name])
        save_cursor(session, described, as_of, _AUDIT)
        save_describe(session, described, as_of)
    change_ledger(session, example.mirror)


def _kinds(rule: Rule, example: Example, name: str) -> dict[str, FieldType]:
    """Field → type, of what an example's mirror has of an object."""
    return {
        field: kind
        for field, kind in fields_of(rule, example, name).items()
        if kind is not None and f"{name}.{field}" not in example.without
    }


def _described(example: Example, name: str, kinds: Mapping[str, FieldType]) -> ObjectDescribe:
    said = example.describe.get(name, {})
    return ObjectDescribe(
        name, name, tuple(field_described(each, kind, said.get(each)) for each, kind in kinds.items())
    )


def _keep_history(
    session: Session, name: str, kinds: Mapping[str, FieldType], versions: Iterable[Mapping[str, Any]]
) -> None:
    """Earlier versions as the mirror keeps them; `existed` is true unless the example says otherwise."""
    shape_history(session, name, mirror_columns(session)[name])
    spans: dict[str, FieldType] = {"valid_from": "datetime", "valid_to": "datetime", "existed": "boolean"}
    for version in versions:
        record = {"existed": True, **version}
        known = {f: stored(value, {**kinds, **spans}[f]) for f, value in record.items() if f in {**kinds, **spans}}
        _insert(session, name, known, "sf_history")


def _insert(session: Session, object_name: str, record: Mapping[str, Any], schema: str = "sf_all") -> None:
    columns = ", ".join(quote(field) for field in record)
    marks = ", ".join("?" for _ in record)
    session.execute(f"INSERT INTO {table(schema, object_name)} ({columns}) VALUES ({marks})", list(record.values()))

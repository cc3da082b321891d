"""`where:` and `by:` of sfsync.yml choose the same records on every engine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sfsync.audit.context import context_of
from sfsync.audit.examples import make_mirror
from sfsync.audit.find import Finder
from sfsync.audit.load import parse_rule
from sfsync.audit.overrides import resolve_rules
from sfsync.config.settings import settings_from
from sfsync.config.yaml_reader import parse_yaml
from sfsync.store import Store
from sfsync.store.duckdb import DuckDBStore
from sfsync.store.mirror import read_state

RULE = """\
version: 1
id: OWN001
name: any-deal
title: The deal is there
group: own
since: "1"
object: Opportunity
population: opportunities
severity: warning
confidence: certain
why: Because.
remedy: Do something.
params: {least: {type: number, default: 0, about: Smallest amount found.}}
needs:
  Opportunity: {Id: text, Amount: number, IsClosed: boolean, CloseDate: date, RecordTypeId: text, Source__c: text}
  RecordType: {Id: text, DeveloperName: text}
eligible: |
  SELECT o.Id AS record_id FROM sf.Opportunity AS o
sql: |
  SELECT o.Id AS record_id, o.Amount AS amount FROM sf.Opportunity AS o WHERE o.Amount >= $least
message: "{amount}"
examples:
  - name: several
    given:
      RecordType: [{Id: 012Fk0000000001IAA, DeveloperName: New}, {Id: 012Fk0000000002IAA, DeveloperName: Renewal}]
      Opportunity:
        - {Id: "1", Amount: 10, IsClosed: false, CloseDate: 2026-02-01, RecordTypeId: 012Fk0000000001IAA, Source__c: Web}
        - {Id: "2", Amount: 20, IsClosed: true, CloseDate: 2026-01-01, RecordTypeId: 012Fk0000000002IAA, Source__c: " web"}
        - {Id: "3", Amount: 30, IsClosed: true, CloseDate: 2026-03-01, RecordTypeId: null, Source__c: null}
        - {Id: "4", Amount: 40, IsClosed: false, CloseDate: null, RecordTypeId: 012Fk0000000001IAA, Source__c: "Trade 'Show"}
    finds: ["1", "2", "3", "4"]
  - {name: clean, finds: []}
"""


@pytest.fixture(scope="module", params=["duckdb", "postgres"])
def empty_store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store without a mirror."""
    if request.param == "duckdb":
        yield DuckDBStore(tmp_path_factory.mktemp("parts") / "parts.duckdb")
    else:
        yield request.getfixturevalue("postgres_store")


class _Undo(Exception):
    """The mirror goes."""


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ("where: Amount > 15 AND NOT IsClosed", {"4"}),
        ("where: CloseDate > $today OR Source__c LIKE 'Trade%'", {"1", "3", "4"}),
        ("where: RecordType.DeveloperName <> 'Renewal'", {"1", "4"}),
        ("where: is_blank(Source__c) OR Source__c IN ('Web')", {"1", "3"}),
        ("by: {Source__c: {WEB: {least: 15}}}", {"2", "3", "4"}),
        ("by: {Source__c: {Trade 'Show: {enabled: false}, (blank): {least: 99}}}", {"1", "2"}),
        ("by: {RecordType.DeveloperName: {New: {enabled: false}}, Source__c: {web: {least: 99}}}", {"3"}),
        ("by: {IsClosed: {'true': {least: 25}}}", {"1", "3", "4"}),
        ("where: Amount < 35, by: {Amount: {'30': {enabled: false}}}", {"1", "2"}),
    ],
)
def test_the_same_records_are_judged(empty_store: Store, settings: str, found: set[str]) -> None:
    rule = parse_rule(RULE, "x.yml")
    document = parse_yaml(f"version: 1\nrules: {{OWN001: {{{settings}}}}}\n", "sfsync.yml")
    (resolved,) = resolve_rules([rule], settings_from(document), document)
    with pytest.raises(_Undo), empty_store.writing() as session:
        make_mirror(session, rule, rule.examples[0])
        context = context_of(session, read_state(session), settings_from(document), empty_store.dialect)
        tables = [part.table for part in Finder(session, context).find(resolved).parts if part.table]
        rows = [row for table in tables for row in session.execute(f"SELECT record_id FROM {table}")]
        assert {record_id for (record_id,) in rows} == found
        assert len(rows) == len(found)
        raise _Undo

"""Org → local table → org changes nothing: every starter mapping, both ways, on an org full of hostile values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from sfsync.fake import FakeOrg
from sfsync.mapping import Mapping
from sfsync.mapping.load import parse_mapping
from sfsync.mapping.starters import starter_mappings
from sfsync.records import ObjectDescribe
from sfsync.salesforce import connect
from sfsync.store import Store, ledger, open_store
from sfsync.sync.plan.make import make_plan
from sfsync.sync.pull import pull

STARTERS = {name: yaml.safe_load(text) for name, text in starter_mappings().items()}


@dataclass(frozen=True)
class Mirrored:
    """A seeded org and a mirror of all that the starters need."""

    fake: FakeOrg
    store: Store
    root: Path
    org: Any
    describes: dict[str, ObjectDescribe]

    def pull(self, mapping: Mapping) -> None:
        """Pull once more, so that the mapping's table is there."""
        self.fake.clock.advance(timedelta(minutes=10))
        done = pull(self.org, self.store, workspace=self.root, objects=list(mapping.objects), mappings=[mapping])
        assert {each.state for each in done.objects} == {"done"}

    def only_read(self, name: str, field: str) -> bool:
        """Whether a field can only be shown: not by everyone, not always, or never written."""
        found = self.describes[name].field(field)
        return found is None or not (found.createable and found.updateable)


@pytest.fixture(scope="module")
def mirrored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mirrored]:
    root = tmp_path_factory.mktemp("round-trip")
    with FakeOrg.seeded(seed=5, leads=300) as fake:
        store = open_store(root / "mirror.duckdb")
        org = connect(
            env={"SF_ACCESS_TOKEN": fake.token, "SF_ORG_INSTANCE_URL": fake.instance_url}, session=fake.session()
        )
        objects = {each["object"] for each in STARTERS.values()} | {"User", "Group", "Campaign", "Contact"}
        done = pull(org, store, workspace=root, objects=sorted(objects))
        assert {each.state for each in done.objects} == {"done"}
        with store.reading() as session:
            describes = ledger.read_describes(session)
        yield Mirrored(fake, store, root, org, describes)


def turned(name: str, direction: str, mirrored: Mirrored, **more: Any) -> Mapping:
    """A starter mapping that goes another way; what nobody can write is only shown."""
    content = {**STARTERS[name], "direction": direction, **more}
    sections: dict[str, dict[str, Any]] = {}
    for section in ("fields", "lookups"):
        entries = {}
        for field, entry in STARTERS[name].get(section, {}).items():
            item = dict(entry) if isinstance(entry, dict) else {"local": entry}
            # A reference that is shown as an Id and as a name is pushed as one of them.
            twice = section == "fields" and field in STARTERS[name].get("lookups", {})
            if mirrored.only_read(content["object"], field) or twice:
                item["direction"] = "pull"
            entries[field] = item
        sections[section] = entries
    return parse_mapping(yaml.safe_dump({**content, **sections}), name)


@pytest.mark.parametrize("name", sorted(STARTERS))
def test_a_plan_right_after_a_pull_is_empty_both_ways(name: str, mirrored: Mirrored) -> None:
    mapping = turned(name, "both", mirrored)
    mirrored.pull(mapping)
    plan = make_plan(mirrored.store, [mapping])
    assert plan.is_empty, plan.steps


@pytest.mark.parametrize("name", sorted(STARTERS))
@pytest.mark.parametrize("null", ["keep", "clear"])
def test_pushing_what_was_pulled_changes_nothing(name: str, null: str, mirrored: Mirrored) -> None:
    shown = turned(name, "pull", mirrored, table=f"shown.{null}_{STARTERS[name]['object']}")
    mirrored.pull(shown)
    content = yaml.safe_load(yaml.safe_dump(STARTERS[name]))
    for section in ("fields", "lookups"):
        content[section] = {
            field: {**(entry if isinstance(entry, dict) else {"local": entry}), "null": null}
            for field, entry in content.get(section, {}).items()
            if not mirrored.only_read(content["object"], field)
            and not (section == "fields" and field in content.get("lookups", {}))
            and not (null == "clear" and not nillable(mirrored, content["object"], field))
        }
    del content["table"]
    content |= {"direction": "push", "source": {"query": f"SELECT * FROM {shown.local_table}"}}
    mapping = parse_mapping(yaml.safe_dump(content), name)
    plan = make_plan(mirrored.store, [mapping])
    assert plan.change_count == 0, plan.steps


def nillable(mirrored: Mirrored, name: str, field: str) -> bool:
    found = mirrored.describes[name].field(field)
    return found is not None and found.nillable

"""An org set up from a file: custom fields, picklist values, audit fields."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from sfsync.cli.fake_setup import read_setup
from sfsync.errors import ConfigError
from sfsync.fake import FakeOrg
from sfsync.mapping import load_mappings

EXAMPLES = Path(__file__).parents[3] / "mappings" / "examples"


def written(folder: Path, text: str) -> Path:
    (folder / "org.yml").write_text(text)
    return folder / "org.yml"


def test_fields_and_picklists_are_set_up_now_and_after_every_reset(tmp_path: Path) -> None:
    setup = read_setup(
        written(
            tmp_path,
            "fields: {Lead: {Key__c: {length: 8, external_id: true, unique: true}}}\n"
            "picklists: {Lead: {LeadSource: [Fair, Web]}}\n",
        )
    )
    with FakeOrg.empty() as org:
        org.set_up(setup.add_to)
        for _ in range(2):
            facts = org.catalog.facts("Lead")
            assert facts is not None
            key, source = facts.field("Key__c"), facts.field("LeadSource")
            assert key is not None
            assert source is not None
            assert (key.length, key.has("e"), key.has("q")) == (8, True, True)
            assert [each.value for each in source.values] == ["Fair", "Web"]
            org.reset()


def test_who_may_set_audit_fields_dates_a_new_record_back_and_it_still_came_in_now() -> None:
    with FakeOrg.empty() as org:
        body = {"LastName": "Ada", "Company": "Acme", "CreatedDate": "2017-06-14T00:00:00.000Z"}
        url = f"{org.instance_url}/services/data/v66.0/sobjects/Lead"
        headers = {"Authorization": f"Bearer {org.token}"}
        refused = org.session().post(url, json=body, headers=headers)
        assert refused.json()[0]["errorCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"
        org.allow_audit_fields()
        made = org.session().post(url, json=body, headers=headers).json()["id"]
        record = org.record("Lead", made)
        assert record is not None
        assert record["CreatedDate"] == datetime(2017, 6, 14)
        now = org.clock.now().astimezone(UTC).replace(tzinfo=None)
        assert (now - record["SystemModstamp"]).total_seconds() < 60
        assert record["LastModifiedDate"] == record["SystemModstamp"]
        changed = org.session().patch(f"{url}/{made}", json={"CreatedDate": body["CreatedDate"]}, headers=headers)
        assert changed.json()[0]["errorCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fields: {Lead: {Key: {length: 8}}}", "org.yml:1:17: `Key` is not the name of a custom field"),
        ("fields: {Lead: {Key__c: {lenght: 8}}}", "lenght"),
        ("audit_fields: yes", "audit_fields"),
    ],
)
def test_a_file_that_says_nothing_sensible_is_refused_with_its_place(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read_setup(written(tmp_path, text))
    assert message in str(caught.value)


@pytest.mark.parametrize("name", ["olist", "maven"])
def test_the_examples_are_valid_and_hold_no_data(name: str) -> None:
    mappings = load_mappings(EXAMPLES / name)
    assert {"User", "Account", "Opportunity"} <= {each.object for each in mappings}
    assert all(each.key_field for each in mappings)
    read_setup(EXAMPLES / name / "fake-org.json")
    assert {each.suffix for each in (EXAMPLES / name).iterdir()} == {".yml", ".json"}

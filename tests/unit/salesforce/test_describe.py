from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from sfsync.errors import IncompleteAnswer, RequestRefused, UsageError
from sfsync.salesforce.describe import describe_object, list_objects

DATA = Path(os.environ.get("SFSYNC_TEST_DATA") or Path(__file__).parents[4] / "shared" / "data")


def test_objects_are_listed_with_whether_they_can_be_queried(server, org, make_answer):
    body = {"sobjects": [{"name": "Lead", "queryable": True}, {"name": "LeadChangeEvent", "queryable": False}]}
    server.on("GET /services/data/v66.0/sobjects", make_answer(200, body))
    assert list_objects(org) == {"Lead": True, "LeadChangeEvent": False}


def test_a_describe_becomes_our_records(server, org, make_answer):
    body = {
        "name": "Lead",
        "label": "Interessent",
        "keyPrefix": "00Q",
        "custom": False,
        "queryable": True,
        "fields": [
            {
                "name": "OwnerId",
                "type": "reference",
                "label": "Owner",
                "length": 18,
                "nillable": False,
                "referenceTo": ["Group", "User"],
                "relationshipName": "Owner",
                "createable": True,
                "updateable": True,
            },
            {
                "name": "Rating",
                "type": "picklist",
                "picklistValues": [{"value": "Hot", "active": True}, {"value": "Old", "active": False}],
            },
            {"name": "Address", "type": "address"},
            {"name": "Score__c", "type": "double", "precision": 18, "scale": 2, "calculated": True, "custom": True},
        ],
    }
    server.on("GET /services/data/v66.0/sobjects/Lead/describe", make_answer(200, body))
    lead = describe_object(org, "Lead")
    assert (lead.name, lead.label, lead.key_prefix) == ("Lead", "Interessent", "00Q")
    owner, rating, _address, score = lead.fields
    assert owner.reference_to == ("Group", "User")
    assert owner.relationship_name == "Owner"
    assert not owner.nillable
    assert rating.picklist_values == ("Hot",)
    assert (score.precision, score.scale, score.calculated, score.custom) == (18, 2, True, True)
    assert [f.name for f in lead.stored_fields] == ["OwnerId", "Rating", "Score__c"]


@pytest.mark.skipif(not (DATA / "describes").is_dir(), reason="needs the recorded describes beside the repository")
def test_recorded_describes_of_real_orgs_are_understood(server, org, make_answer):
    for file in sorted((DATA / "describes").rglob("*.json")):
        body = json.loads(file.read_text())
        if not isinstance(body, dict) or "fields" not in body:
            continue
        server.on(f"GET /services/data/v66.0/sobjects/{body['name']}/describe", make_answer(200, body))
        described = describe_object(org, body["name"])
        assert len(described.fields) == len(body["fields"]) > 0
        assert described.field("id").type == "id"


def test_an_unknown_object_is_refused(server, org, make_error):
    path = "GET /services/data/v66.0/sobjects/Nope/describe"
    server.on(path, make_error(404, "NOT_FOUND", "The requested resource does not exist"))
    with pytest.raises(RequestRefused) as raised:
        describe_object(org, "Nope")
    assert raised.value.error_code == "NOT_FOUND"


@pytest.mark.parametrize("name", ["", "../limits", "Lead?x=1", "1Lead", "Lead Status", "Lead\n"])
def test_what_cannot_be_an_api_name_is_not_even_asked_for(server, org, name):
    before = len(server.requests)
    with pytest.raises(UsageError, match="cannot be the API name"):
        describe_object(org, name)
    assert len(server.requests) == before


@pytest.mark.parametrize(
    "body",
    [
        {"name": "Lead"},
        [],
        "null",
        {"fields": [{}]},
        {"fields": [1]},
        {"fields": [{"name": "A", "type": "int", "length": "x"}]},
    ],
)
def test_a_describe_that_cannot_be_read_is_incomplete(server, org, make_answer, body):
    server.on("GET /services/data/v66.0/sobjects/Lead/describe", make_answer(200, body))
    server.on("GET /services/data/v66.0/sobjects", make_answer(200, body))
    with pytest.raises(IncompleteAnswer):
        describe_object(org, "Lead")
    with pytest.raises(IncompleteAnswer):
        list_objects(org)

"""What the mirror holds that a mapping has no answer for is counted, not hidden."""

from __future__ import annotations

from datetime import datetime

import pytest

from sfsync.mapping.load import parse_mapping
from sfsync.mapping.unmapped import unmapped_values

AS_OF = datetime(2026, 1, 31)


@pytest.fixture
def found(store, describes):
    def find(text):
        with store.reading() as session:
            wanted = [parse_mapping(text, "m.yml")]
            return [str(problem) for problem in unmapped_values(session, wanted, describes, as_of=AS_OF)]

    return find


def test_values_without_a_counterpart_are_counted_where_they_would_stop_a_push(found):
    text = "object: Lead\ntable: leads\nfields:\n  Status: {local: s, values: {Open: new}}\n"
    assert found(text) == [
        "m.yml:4:22: 1 records have a Status that `values` does not name: `Parked` "
        "(add them, or say what becomes of them: `otherwise: keep`)"
    ]
    assert found(text.replace("new}}", "new}, otherwise: keep}")) == []
    assert found(text.replace("{Open: new}", "{Open: new, Parked: parked}")) == []


def test_only_the_records_that_the_mapping_is_about_are_counted(found):
    assert (
        found("object: Lead\ntable: t\nfilter: Status = 'Open'\nfields: {Status: {local: s, values: {Open: x}}}") == []
    )


def test_many_values_are_named_up_to_a_point(found, store):
    with store.writing() as session:
        session.execute('UPDATE sf_all."Lead" SET "Status" = NULL')
        session.execute(
            'INSERT INTO sf_all."Lead" ("Id", "IsDeleted", "Status") SELECT i, false, \'v\' || i FROM range(8) AS r(i)'
        )
    (problem,) = found("object: Lead\ntable: t\nfields: {Status: {local: s, values: {Open: x}}}")
    assert "8 records have a Status" in problem
    assert "`v0`, `v1`, `v2`, `v3`, `v4` and 3 more" in problem


def test_references_to_records_that_the_mirror_lacks_are_counted(found):
    text = "object: Lead\ntable: t\nfields: {Email: e}\nlookups: {OwnerId: {object: User, by: Email, local: owner}}\n"
    assert found(text) == [
        "m.yml:4:11: 1 records refer by OwnerId to a User that the mirror does not hold (`owner` is empty for them)"
    ]
    assert found(text.replace("local: owner", "local: owner, on_missing: null")) == []

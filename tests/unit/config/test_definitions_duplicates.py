"""`definitions: {duplicates: …}`: how two records are told to be of one person or company."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from sfsync.config.definitions import Definitions
from sfsync.config.definitions_duplicates import Duplicates


def refused(**values: Any) -> str:
    with pytest.raises(ValidationError) as error:
        Duplicates.model_validate(values)
    return str(error.value)


def test_without_a_word_everything_has_a_default() -> None:
    how = Definitions().duplicates
    assert how.people_per_mailbox == 3
    assert "info" in how.role_mailboxes
    assert "gmail.com" in how.public_domains
    assert how.plus_addresses == "different"


def test_addresses_are_folded_as_they_are_compared() -> None:
    assert Duplicates.model_validate({"shared_mailboxes": [" Crew@Example.com"]}).shared_mailboxes == (
        "crew@example.com",
    )


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"weights": {"email": -1}}, "greater than or equal to 0"),
        (
            {"weights": dict.fromkeys(("email", "phone", "last_name", "first_name", "company"), 0)},
            "every weight is 0",
        ),
        ({"plus_addresses": "maybe"}, "'same' or 'different'"),
        ({"people_per_mailbox": 0}, "greater than or equal to 1"),
        ({"unique_keys": {"Lead": []}}, "is empty"),
        ({"unique_keys": {"Lead": ["not a field"]}}, "not an API name"),
        ({"threshold": 0.9}, "Extra inputs"),
    ],
)
def test_what_cannot_be_meant_is_refused(values: dict[str, Any], message: str) -> None:
    assert message in refused(**values)


def test_another_way_to_recognise_duplicates_is_another_definition() -> None:
    other = Definitions.model_validate({"duplicates": {"plus_addresses": "same"}})
    assert other.digest() != Definitions().digest()

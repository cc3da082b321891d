"""`definitions: {deals: …}`: sales processes."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from sfsync.config.definitions_deals import DealDefinitions


def _deals(**processes: object) -> DealDefinitions:
    return DealDefinitions.model_validate({"sales_processes": processes})


def test_a_process_names_its_record_types_and_its_stages_in_order() -> None:
    deals = _deals(New={"record_types": ["New_Business"], "stages": ["Discovery", "Won"]}, Plain={"stages": ["A"]})
    assert deals.sales_processes["New"].stages == ("Discovery", "Won")
    assert deals.sales_processes["Plain"].record_types == ()


def test_a_process_without_stages_is_refused() -> None:
    with pytest.raises(ValidationError):
        _deals(New={"stages": []})


def test_a_stage_stands_once_in_a_process() -> None:
    with pytest.raises(ValidationError, match="listed twice"):
        _deals(New={"stages": ["A", "B", "A"]})


@pytest.mark.parametrize("record_types", [["X"], []])
def test_a_record_type_follows_one_process(record_types: list[str]) -> None:
    with pytest.raises(ValidationError, match="already"):
        _deals(One={"record_types": record_types, "stages": ["A"]}, Two={"record_types": record_types, "stages": ["B"]})

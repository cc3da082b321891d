"""Quotas, exchange rates and horizons in `definitions: {metrics: …}`: what is taken, and what is refused where."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from sfsync.config.settings import read_settings
from sfsync.errors import ConfigError

ALL = """
version: 1
definitions:
  metrics:
    maturity_days: 60
    sla_hours: 4
    omitted: in
    quotas:
      - {from: 2026-01-01, to: 2026-03-31, amount: 500000, currency: EUR}
      - {from: 2026-01-01, to: 2026-03-31, amount: 90000.5, currency: EUR, owner: 005000000000001AAA}
    rates: {to: EUR, rates: {USD: 0.92, JPY: 1}}
"""


def settings(folder: Path, text: str):
    file = folder / "sfsync.yml"
    file.write_text(text, encoding="utf-8")
    return read_settings(file, "sfsync.yml")


def metrics(folder: Path, block: str):
    return settings(folder, f"version: 1\ndefinitions:\n  metrics: {block}\n").definitions.metrics


def test_everything_that_can_be_said(tmp_path: Path):
    told = settings(tmp_path, ALL).definitions.metrics
    assert (told.maturity_days, told.sla_hours, told.omitted) == (60, 4.0, "in")
    assert told.quotas[0].first == date(2026, 1, 1)
    assert (told.quotas[1].amount, told.quotas[1].owner) == (90000.5, "005000000000001AAA")
    assert told.rates.in_words == "totals in EUR at fixed rates (1 JPY = 1 EUR, 1 USD = 0.92 EUR)"


def test_nothing_needs_to_be_said(tmp_path: Path):
    told = metrics(tmp_path, "{}")
    assert (told.maturity_days, told.sla_hours, told.omitted, told.quotas, told.rates) == (90, 24.0, "out", (), None)


@pytest.mark.parametrize(
    ("block", "problem"),
    [
        ("{quota: []}", "did you mean `quotas`?"),
        ("{maturity_days: 0}", "1"),
        ("{sla_hours: -1}", "should be more than 0"),
        ("{omitted: maybe}", "in"),
        ("{quotas: [{from: 2026-03-31, to: 2026-01-01, amount: 1}]}", "ends before it begins"),
        ("{quotas: [{from: 2026-02-30, to: 2026-03-31, amount: 1}]}", "`2026-02-30` is not a date"),
        ("{quotas: [{from: 2026-01-01, to: 2026-03-31, amount: .nan}]}", "should be a number"),
        ("{rates: {to: euro, rates: {USD: 1}}}", "is not a currency"),
        ("{rates: {to: EUR}}", "fixed rates, and none is given"),
        ("{rates: {to: EUR, rates: {USD: 0}}}", "should be more than 0"),
        ("{rates: {to: EUR, policy: close_date, rates: {USD: 1}}}", "DatedConversionRate"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, block: str, problem: str):
    with pytest.raises(ConfigError) as caught:
        metrics(tmp_path, block)
    (found,) = caught.value.problems
    assert problem in f"{found.message} {found.hint}"
    assert found.place.startswith("sfsync.yml:3:")


def test_the_digest_follows_them(tmp_path: Path):
    plain = settings(tmp_path, ALL).definitions.digest()
    assert settings(tmp_path, ALL.replace("0.92", "0.93")).definitions.digest() != plain

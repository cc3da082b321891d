from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from sfsync.audit.metrics import MetricContext
from sfsync.audit.metrics.lead_days import local_day
from sfsync.store.duckdb import DuckDBStore

#: Behind and ahead of UTC, with summer time and without, by halves of hours, and one that changed its side of the day.
ZONES = (
    *("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Auckland", "Africa/Casablanca"),
    *("America/Caracas", "Asia/Pyongyang", "Australia/Lord_Howe", "Pacific/Apia", "Pacific/Kiritimati"),
)
#: Every 37 hours and 11 minutes from 1970 on, and more rarely for as long as Salesforce knows dates.
INSTANTS = """
    SELECT TIMESTAMP '1970-01-01' + to_minutes(i * 2231) AS moment FROM range(16000) AS t(i)
    UNION ALL SELECT TIMESTAMP '1700-01-01' + to_hours(i * 1009) FROM range(20000) AS t(i)
"""


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    store = DuckDBStore(tmp_path_factory.mktemp("days") / "mirror.duckdb")
    with store.writing():
        pass
    with store.reading() as session:
        session.execute(f"CREATE TEMP TABLE instants AS {INSTANTS}")
        yield session


@pytest.mark.parametrize("timezone", ZONES)
def test_a_day_is_what_the_database_says_clocks_showed(session, timezone):
    asked = "CAST(moment AT TIME ZONE 'UTC' AT TIME ZONE $timezone AS DATE)"
    day = local_day(MetricContext(datetime(2026, 1, 31), timezone, {}), "moment")
    counted = session.execute(
        f"SELECT count({day}), count(*) FILTER (WHERE {day} <> {asked}) FROM instants", {"timezone": timezone}
    )
    assert counted.rows == [(36000, 0)]


@pytest.mark.parametrize("timezone", ZONES)
def test_a_day_of_the_known_past_is_what_the_calendar_of_the_zone_says(session, timezone):
    day = local_day(MetricContext(datetime(2026, 1, 31), timezone, {}), "moment")
    rows = session.execute(
        f"SELECT moment, {day} FROM instants WHERE moment BETWEEN '1970-01-01' AND '2017-01-01'", {"timezone": timezone}
    )
    assert len(rows) > 11000
    zone = ZoneInfo(timezone)
    assert [moment for moment, told in rows if moment.replace(tzinfo=UTC).astimezone(zone).date() != told] == []


def test_no_instant_has_no_day(session):
    day = local_day(MetricContext(datetime(2026, 1, 31), "Europe/Berlin", {}), "CAST(NULL AS TIMESTAMP)")
    assert session.execute(f"SELECT {day}", {"timezone": "Europe/Berlin"}).rows == [(None,)]
